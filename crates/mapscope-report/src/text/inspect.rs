//! `mapscope inspect`: the whole picture.

use super::TextOptions;
use super::alike::alike;
use super::containers::{among_first, container_section};
use super::dominators::suspects;
use super::findings::finding_section;
use super::footer::{inferred_types, marked, marks, more, note, partial};
use super::header::{header, read_time};
use super::holders::holder_section;
use super::memory::memory_section;
use super::rows::{map_table, type_table};
use super::style::{DIM, TITLE, paint};
use super::table::{Cell, Column, Table};
use super::units::{bytes, count, percent, plural};
use crate::model::{Figure, Inspection, MapRow, MapTable, Untyped};

/// The whole picture of one target: where memory went, its largest maps and types.
pub fn inspect(inspection: &Inspection, options: &TextOptions) -> String {
    let Inspection { target, memory, heap, types, maps, .. } = inspection;
    let objects = format!("{}, {}", plural(heap.objects, "object", "objects"), bytes(heap.object_bytes));
    let mut parts = vec![objects];
    parts.extend(inspection.goroutines.map(|g| plural(g.program, "goroutine", "goroutines")));
    parts.extend(read_time(target));
    let mut out = header(target, &parts, options.width);

    let mark = |section: String, figures: &[Figure]| marked(section, inspection.uncertain(), figures);
    let parts = [Figure::Objects, Figure::Live, Figure::Memory, Figure::RuntimeMemory];
    out += &mark(memory_section(memory, heap, options.width), &parts);
    out += &mark(finding_section(&inspection.findings, options), &[Figure::Findings]);
    let held = [Figure::Owners, Figure::Retained];
    out += &mark(holder_section(&inspection.holders, heap.live_bytes, options), &held);
    out += &mark(suspects(&inspection.suspects, heap.live_bytes, options.width), &held);
    out += &mark(map_section(maps, options), &[Figure::Maps, Figure::Owners, Figure::Retained]);

    let containers = among_first(&inspection.containers, maps, options.limit);
    out += &mark(container_section(&containers, options, false), &held);

    let shown = options.shown(types.len());
    out += &mark(title("Types", shown, types.len(), "shallow bytes"), &[Figure::Types, Figure::Retained]);
    if types.is_empty() {
        out += "  no live objects\n";
    } else {
        out += &type_table(&types[..shown], heap.live_bytes, false).render(options.width);
        out += &more(shown, types.len());
        out += &inferred_types(&types[..shown], options.width);
    }
    out += &inspection.untyped.as_ref().map_or_else(String::new, |found| untyped(found, inspection, options.width));

    out += &partial(inspection.uncertain(), options.width);
    out
}

/// Untyped objects take so much of the live bytes, in percent, before they are worth a section.
const MUCH_UNTYPED: u64 = 1;

/// What has no type, what it looks like, and what would help.
fn untyped(found: &Untyped, inspection: &Inspection, width: usize) -> String {
    let live = inspection.heap.live_bytes;
    if found.bytes.saturating_mul(100) <= live.saturating_mul(MUCH_UNTYPED) {
        return String::new();
    }
    let (share, size) = (percent(found.bytes, live), bytes(found.bytes));
    let mut out = title("Objects without a type", found.groups.len(), found.groups.len(), "shallow bytes");
    let mut table = Table::new(vec![
        Column::name("one of them", 0, 24),
        Column::number("slot", 0),
        Column::fixed("holds", 2),
        Column::number("count", 0),
        Column::number("shallow", 0),
    ]);
    for group in &found.groups {
        table.push(vec![
            Cell::new(if group.owner.is_empty() { "(no owner found)" } else { &group.owner }),
            Cell::new(bytes(group.slot_bytes)),
            Cell::new(if group.pointers { "pointers" } else { "data" }),
            Cell::new(count(group.objects)),
            Cell::new(bytes(group.bytes)),
        ]);
    }
    out += &table.render(width);
    let why = if inspection.target.stripped {
        "what they are, the debug information of the same build tells better (--debug-info)"
    } else {
        "only words without a type lead to them, as an unsafe.Pointer does"
    };
    out + &note(&format!("{size} in all, {share} of live bytes: {why}"), width)
}

pub(crate) fn title(what: &str, shown: usize, total: usize, order: &str) -> String {
    let note = match total {
        0 => String::new(),
        _ if shown < total => format!(" ({} of {}, by {order})", count(shown as u64), count(total as u64)),
        _ => format!(" ({}, by {order})", count(total as u64)),
    };
    format!("\n{}{}\n", paint(TITLE, what), paint(DIM, note))
}

/// The largest maps. Those with one owner, in whatever goroutine, share a row, which counts for all of them.
fn map_section(maps: &MapTable, options: &TextOptions) -> String {
    let mut alike = alike(maps);
    alike.truncate(options.shown(alike.len()));
    let shown = alike.iter().map(|a| a.maps).sum();
    let mut out = title("Maps", shown, maps.len(), "table bytes");
    if maps.is_empty() {
        return out + "  no live maps\n";
    }
    let shared = alike.iter().any(|a| a.maps > 1);
    let rows: Vec<MapRow> = alike.iter().map(|a| a.row(maps)).collect();
    out += &map_table(&rows, false, options.keep).render(options.width);
    out += &more(shown, maps.len());
    if shared {
        out +=
            &note("×: maps with one owner, in whatever goroutine, added up; `mapscope maps` lists each", options.width);
    }
    out + &marks(&rows, options.width)
}
