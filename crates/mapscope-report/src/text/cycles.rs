//! `mapscope cycles`: live objects that reach each other.

use super::TextOptions;
use super::footer::{more, note, partial, totals};
use super::header::{header, read_time};
use super::path::wrap_path;
use super::style::{DIM, TITLE, paint, push_line, safe};
use super::units::{bytes, plural};
use crate::model::{CycleList, CycleRow};

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
        out += &format!("\n{}", more(shown, total as usize));
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
    out += &partial(&list.partial, width);
    out
}

fn one(row: &CycleRow, width: usize) -> String {
    let room = width.saturating_sub(2);
    let size = format!("{}, {}", plural(row.objects, "object", "objects"), bytes(row.shallow_bytes));
    let maps = format!(" · {}", plural(row.map_count, "map", "maps"));
    let maps = if row.map_count == 0 { "" } else { &maps };
    let mut out = format!("\n{}{}\n", paint(TITLE, size), paint(DIM, maps));
    let named = |label: &str, value: &str, out: &mut String| {
        for (index, line) in wrap_path(value, room.saturating_sub(10)).into_iter().enumerate() {
            let label = if index == 0 { label } else { "" };
            push_line(out, format_args!("{}  {line}", paint(DIM, format_args!("{label:<8}"))));
        }
    };
    for map in row.maps.iter().take(MAPS) {
        named(
            "map",
            &format!("{} -> {} -> {}", safe(&map.owner), safe(&map.type_name), safe(&map.addr)).replace(" -> ", "  "),
            &mut out,
        );
    }
    if row.map_count > MAPS as u64 {
        named("", &format!("… {} more", row.map_count - MAPS as u64), &mut out);
    }
    let entry = format!("{}  {} at {}", safe(&row.owner), safe(&row.entry.type_name), safe(&row.entry.addr));
    named("entry", &entry, &mut out);
    named("cycle", &safe(&row.path), &mut out);
    let closing = &row.closing;
    let back = format!(
        "{} of the {} at {} -> the entry",
        safe(&closing.field),
        safe(&closing.from.type_name),
        safe(&closing.from.addr)
    );
    named("closes", &back, &mut out);
    out
}
