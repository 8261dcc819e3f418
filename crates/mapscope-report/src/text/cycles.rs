//! `mapscope cycles`: live objects that reach each other.

use super::TextOptions;
use super::footer::{more, note, partial, totals};
use super::header::{header, read_time};
use super::path::wrap_path;
use super::style::{DIM, TITLE, join, paint, push_line, safe, shorten};
use super::units::{bytes, count, plural};
use crate::model::{ClosingEdge, CycleList, CycleRow};

/// Columns of what a line is.
const LABEL: usize = 8;
/// Maps of one group that are listed.
const MAPS: usize = 3;

/// Groups of objects that reach each other, each with its maps and one cycle.
pub fn cycles(list: &CycleList, options: &TextOptions) -> String {
    let width = options.width;
    let mut out = header(&list.target, &read_time(&list.target).into_iter().collect::<Vec<_>>(), width);
    let shown = options.shown(list.cycles.len());
    for row in &list.cycles[..shown] {
        out += &one(row, width);
    }
    let total = list.with_map + if list.all { list.without_map } else { 0 };
    if total == 0 {
        out.push('\n');
        push_line(&mut out, if list.all { "no cycles" } else { "no cycles with a map in them" });
    } else if shown < total as usize {
        out.push('\n');
        out += &more(shown, total as usize);
    }
    let mut facts = vec![plural(list.with_map, "group with maps", "groups with maps")];
    let all = if list.all { "" } else { " (--all lists them)" };
    if list.without_map > 0 || list.all {
        facts.push(format!("{}{all}", plural(list.without_map, "group without", "groups without")));
    }
    out += &totals(&facts, width);
    out += &note(
        "A cycle is no leak in Go: it is freed when nothing outside leads into it. But one entry that is reached keeps \
         all of it.",
        width,
    );
    out += &partial(list.uncertain(), width);
    out
}

fn one(row: &CycleRow, width: usize) -> String {
    let size = format!("{}, {}", plural(row.objects, "object", "objects"), bytes(row.shallow_bytes));
    let maps = format!(" · {}", plural(row.map_count, "map", "maps"));
    let maps = if row.map_count == 0 { "" } else { &maps };
    let mut out = format!("\n{}{}\n", paint(TITLE, size), paint(DIM, maps));
    let mut named = |label: &str, lines: Vec<String>| {
        for (index, line) in lines.into_iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            push_line(&mut out, paint(DIM, format_args!("{label:<LABEL$}")) + &line);
        }
    };
    let room = width.saturating_sub(2 + LABEL);
    let parts = |parts: &[&str]| {
        let parts: Vec<String> = parts.iter().map(|p| shorten(&safe(p), room.saturating_sub(2)).into_owned()).collect();
        join(&parts, room)
    };
    for map in row.maps.iter().take(MAPS) {
        named("map", parts(&[&map.owner, &map.type_name, &map.addr]));
    }
    if row.map_count > MAPS as u64 {
        named("", vec![paint(DIM, format_args!("… {} more", count(row.map_count - MAPS as u64)))]);
    }
    named("entry", parts(&[&row.owner, &row.entry.type_name, &row.entry.addr]));
    named("cycle", wrap_path(&safe(&row.path), room));
    let ClosingEdge { from, field, .. } = &row.closing;
    named("closes", parts(&[field, &from.type_name, &from.addr]));
    out
}
