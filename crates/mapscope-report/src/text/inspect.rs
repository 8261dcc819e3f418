//! `mapscope inspect`: the whole picture.

use anstyle::Style;

use super::TextOptions;
use super::alike::alike;
use super::bar::bar;
use super::dominators::suspects;
use super::footer::{marks, more, note, partial};
use super::header::{header, read_time};
use super::rows::{map_table, type_table};
use super::style::{DIM, GOOD, NAME, PLAIN, TITLE, WARN, join, paint, push_line};
use super::table::{Cell, Column, Table};
use super::units::{bytes, count, percent, plural};
use crate::model::{Heap, HolderRow, Inspection, MapRow, MemoryUse};

/// The whole picture of one target: where memory went, its largest maps and types.
pub fn inspect(inspection: &Inspection, options: &TextOptions) -> String {
    let Inspection { target, memory, heap, types, maps, .. } = inspection;
    let objects = format!("{}, {}", plural(heap.objects, "object", "objects"), bytes(heap.object_bytes));
    let mut parts = vec![objects];
    parts.extend(read_time(target));
    let mut out = header(target, &parts, options.width);

    out += &memory_section(memory, heap, options.width);

    out += &holder_section(&inspection.holders, heap.live_bytes, options);
    out += &suspects(&inspection.suspects, heap.live_bytes, options.width);
    out += &map_section(maps, options);

    let shown = options.shown(types.len());
    out += &title("Types", shown, types.len(), "shallow bytes");
    if types.is_empty() {
        out += "  no live objects\n";
    } else {
        out += &type_table(&types[..shown], heap.live_bytes, false).render(options.width);
        out += &more(shown, types.len());
    }

    out += &partial(&inspection.partial, options.width);
    out
}

fn title(what: &str, shown: usize, total: usize, order: &str) -> String {
    let note = match total {
        0 => String::new(),
        _ if shown < total => format!(" ({} of {}, by {order})", count(shown as u64), count(total as u64)),
        _ => format!(" ({}, by {order})", count(total as u64)),
    };
    format!("\n{}{}\n", paint(TITLE, what), paint(DIM, note))
}

/// The largest maps. Those with one owner, in whatever goroutine, share a row, which counts for all of them.
fn map_section(maps: &[MapRow], options: &TextOptions) -> String {
    let mut alike = alike(maps);
    alike.truncate(options.shown(alike.len()));
    let shown = alike.iter().map(|a| a.maps).sum();
    let mut out = title("Maps", shown, maps.len(), "table bytes");
    if maps.is_empty() {
        return out + "  no live maps\n";
    }
    let shared = alike.iter().any(|a| a.maps > 1);
    let rows: Vec<MapRow> = alike.into_iter().map(|a| a.row).collect();
    out += &map_table(&rows, false, options.keep).render(options.width);
    out += &more(shown, maps.len());
    if shared {
        out +=
            &note("×: maps with one owner, in whatever goroutine, added up; `mapscope maps` lists each", options.width);
    }
    out + &marks(&rows, options.width)
}

/// Variables and goroutines that retain most. Those under a hundredth of the heap are left out, but for the first.
fn holder_section(holders: &[HolderRow], live_bytes: u64, options: &TextOptions) -> String {
    let large = holders.iter().take_while(|h| h.retained_bytes.saturating_mul(100) >= live_bytes).count();
    let shown =
        options.shown(large.max(1)).min(holders.len()).min(if options.limit.is_none() { usize::MAX } else { 5 });
    if holders.is_empty() {
        return String::new();
    }
    let mut out = title("Who holds it", shown, holders.len(), "retained bytes");
    let mut table = Table::new(vec![
        Column::name("holder", 0, 24),
        Column::number("retained", 0),
        Column::number("share", 0),
        Column::fixed("", 1),
    ]);
    for row in &holders[..shown] {
        let times = if row.count > 1 { format!("{} × ", count(row.count)) } else { String::new() };
        table.push(vec![
            Cell::styled(NAME, format!("{times}{}", row.name)),
            Cell::new(bytes(row.retained_bytes)),
            Cell::new(percent(row.retained_bytes, live_bytes)),
            Cell::styled(GOOD, bar(row.retained_bytes, live_bytes, 20)),
        ]);
    }
    out += &table.render(options.width);
    out
}

struct Part {
    name: &'static str,
    bytes: u64,
    style: Style,
}

fn memory_section(memory: &MemoryUse, heap: &Heap, width: usize) -> String {
    let part = |name, bytes, style| Part { name, bytes, style };
    let mut parts = vec![
        part("live objects", memory.heap_live_bytes, GOOD),
        part("garbage", memory.heap_garbage_bytes, WARN),
        part("fragmentation", memory.heap_fragmentation_bytes, WARN),
    ];
    let mut optional = |name, bytes: Option<u64>| parts.extend(bytes.map(|bytes| part(name, bytes, GOOD)));
    optional("free spans", memory.heap_free_bytes);
    optional("stacks", Some(memory.stacks_bytes));
    optional("runtime", memory.runtime_bytes);
    optional("binary", memory.binary_bytes);
    optional("other", memory.other_bytes);

    let known: u64 = parts.iter().map(|p| p.bytes).fold(0, u64::saturating_add);
    let whole = memory.rss_bytes.unwrap_or(known);
    let heading = match memory.rss_bytes {
        Some(rss) => format!("Where {} of RSS went", bytes(rss)),
        None => format!("Where {} of Go memory went", bytes(known)),
    };
    let mut out = format!("\n{}\n", paint(TITLE, heading));
    if whole > known {
        parts.push(part("not attributed", whole - known, PLAIN));
    }
    // Name, size and share take 36 columns; a bar longer than 60 tells no more than one of 60.
    let room = width.saturating_sub(37).clamp(8, 60);
    for Part { name, bytes: size, style } in &parts {
        let share = percent(*size, whole);
        let line = format!(
            "  {name:<15}{:>9}  {share:>6}  {}",
            bytes(*size),
            paint(*style, bar(*size, whole.max(known), room))
        );
        out += line.trim_end();
        out.push('\n');
    }
    if known > whole {
        let note = format!("the parts exceed RSS by {}: pages swapped out or never touched", bytes(known - whole));
        push_line(&mut out, paint(DIM, note));
    }
    let objects = format!("{} of {} live", count(heap.live_objects), plural(heap.objects, "object", "objects"));
    let live = join(&[objects, plural(heap.roots, "root", "roots")], width.saturating_sub(2)).join("\n  ");
    push_line(&mut out, paint(DIM, live));
    out
}
