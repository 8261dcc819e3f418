//! Where memory went: a bar for each part, and the size classes that waste most.

use anstyle::Style;

use super::bar::bar;
use super::footer::note;
use super::style::{DIM, GOOD, NAME, TITLE, WARN, join, paint, push_line, safe};
use super::table::{Cell, Column, Table};
use super::units::{bytes, count, percent, plural};
use crate::model::{Heap, MemoryUse, OtherMemory, SizeClass};

/// Fragmentation is explained when it is more than one part in so many of the whole: below that, nobody would act on it.
const WORTH_EXPLAINING: u64 = 10;
/// Kinds of other memory shown then.
const OTHERS: usize = 5;
/// Size classes shown then.
const CLASSES: usize = 3;

struct Part {
    name: &'static str,
    bytes: u64,
    style: Style,
}

/// The section of an inspection.
pub(super) fn memory_section(memory: &MemoryUse, heap: &Heap, width: usize) -> String {
    let part = |name, bytes, style| Part { name, bytes, style };
    let mut parts = vec![
        part("live objects", memory.heap_live_bytes, GOOD),
        part("garbage", memory.heap_garbage_bytes, WARN),
        part("fragmentation", memory.heap_fragmentation_bytes, WARN),
    ];
    let mut optional = |name, bytes: Option<u64>| parts.extend(bytes.map(|bytes| part(name, bytes, GOOD)));
    // Without the runtime's own figures, its memory is in what is left.
    let other = if memory.runtime_bytes.is_some() { "other" } else { "runtime, other" };
    optional("free spans", memory.heap_free_bytes);
    optional("stacks", Some(memory.stacks_bytes));
    optional("runtime", memory.runtime_bytes);
    optional("binary", memory.binary_bytes);
    optional(other, memory.other_bytes);

    let whole: u64 = parts.iter().map(|p| p.bytes).fold(0, u64::saturating_add);
    let heading = match (memory.rss_bytes, memory.core_bytes) {
        // The parts are those of resident memory only where that was told apart.
        (Some(rss), _) if memory.other_bytes.is_some() => format!("Where {} of RSS went", bytes(rss)),
        (_, Some(held)) => format!("Where the {} that the core holds went", bytes(held)),
        _ => format!("Where {} of Go memory went", bytes(whole)),
    };
    let mut out = format!("\n{}\n", paint(TITLE, heading));
    // Name, size and share take 36 columns; a bar longer than 60 tells no more than one of 60.
    let room = width.saturating_sub(37).clamp(8, 60);
    for Part { name, bytes: size, style } in &parts {
        let share = percent(*size, whole);
        let line = format!("  {name:<15}{:>9}  {share:>6}  {}", bytes(*size), paint(*style, bar(*size, whole, room)));
        out += line.trim_end();
        out.push('\n');
    }
    let objects = format!("{} of {} live", count(heap.live_objects), plural(heap.objects, "object", "objects"));
    let live = join(&[objects, plural(heap.roots, "root", "roots")], width.saturating_sub(2)).join("\n  ");
    push_line(&mut out, paint(DIM, live));
    out += &in_all(memory, heap).map_or_else(String::new, |line| note(&line, width));
    if memory.other_bytes.is_some_and(|other| other > whole / WORTH_EXPLAINING) {
        out += &other_section(&memory.other, width);
    }
    if memory.heap_fragmentation_bytes > whole / WORTH_EXPLAINING {
        out += &class_section(&memory.classes, width);
    }
    out
}

/// Live objects are counted in two ways when not all of their pages are there: said where the two read differently.
fn in_all(memory: &MemoryUse, heap: &Heap) -> Option<String> {
    let (all, here) = (bytes(heap.live_bytes), bytes(memory.heap_live_bytes));
    let is = if memory.core_bytes.is_some() { "in the core" } else { "resident" };
    (all != here).then(|| format!("live objects: {here} {is}, {all} in all; holders, maps and types count all"))
}

/// What Go does not know, by the mapping it lies in.
fn other_section(others: &[OtherMemory], width: usize) -> String {
    let shown = others.len().min(OTHERS);
    if shown == 0 {
        return String::new();
    }
    let title = format!(
        " ({shown} of {}, by resident bytes)",
        plural(others.len() as u64, "kind of mapping", "kinds of mappings")
    );
    let mut out = format!("\n{}{}\n", paint(TITLE, "Other"), paint(DIM, title));
    let mut table =
        Table::new(vec![Column::fixed("mapping", 0), Column::number("mappings", 1), Column::number("resident", 0)]);
    for other in &others[..shown] {
        table.push(vec![
            Cell::styled(NAME, safe(&other.words())),
            Cell::new(count(other.mappings)),
            Cell::new(bytes(other.bytes)),
        ]);
    }
    out += &table.render(width);
    out + &note("Go does not know this memory: no profile and no limit of Go (GOMEMLIMIT) covers it", width)
}

/// The size classes that waste most.
fn class_section(classes: &[SizeClass], width: usize) -> String {
    let mut worst: Vec<&SizeClass> = classes.iter().filter(|c| c.fragmentation_bytes > 0).collect();
    worst.sort_by_key(|c| (std::cmp::Reverse(c.fragmentation_bytes), c.slot_bytes));
    let shown = worst.len().min(CLASSES);
    if shown == 0 {
        return String::new();
    }
    let title = format!(" ({shown} of {} size classes, by wasted bytes)", count(classes.len() as u64));
    let mut out = format!("\n{}{}\n", paint(TITLE, "Fragmentation"), paint(DIM, title));
    let mut table = Table::new(vec![
        Column::fixed("objects of", 0),
        Column::number("spans", 1),
        Column::number("live", 0),
        Column::number("garbage", 2),
        Column::number("wasted", 0),
        Column::number("of span", 1),
    ]);
    for class in &worst[..shown] {
        let SizeClass { live_bytes, garbage_bytes, fragmentation_bytes, .. } = **class;
        let all = live_bytes.saturating_add(garbage_bytes).saturating_add(fragmentation_bytes);
        table.push(vec![
            Cell::styled(NAME, class.slot_bytes.map_or("large".to_owned(), bytes)),
            Cell::new(count(class.spans)),
            Cell::new(bytes(live_bytes)),
            Cell::new(bytes(garbage_bytes)),
            Cell::styled(WARN, bytes(fragmentation_bytes)),
            Cell::new(percent(fragmentation_bytes, all)),
        ]);
    }
    out += &table.render(width);
    out + &note(
        "a span returns to the heap when all of its objects are gone; until then only objects of one size fit",
        width,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn live_objects_are_counted_in_one_way_or_it_is_said() {
        let heap = Heap { live_bytes: 27 << 20, ..Heap::default() };
        let whole = MemoryUse { heap_live_bytes: (27 << 20) - 9, ..MemoryUse::default() };
        assert_eq!(in_all(&whole, &heap), None, "they read the same");
        let resident = MemoryUse { heap_live_bytes: 256 << 18, rss_bytes: Some(80 << 20), ..MemoryUse::default() };
        let heap = Heap { live_bytes: 65 << 20, ..heap };
        let line = "live objects: 64.0 MiB resident, 65.0 MiB in all; holders, maps and types count all";
        assert_eq!(in_all(&resident, &heap).as_deref(), Some(line));
        let core = MemoryUse { core_bytes: Some(80 << 20), rss_bytes: None, ..resident };
        assert!(in_all(&core, &heap).is_some_and(|line| line.starts_with("live objects: 64.0 MiB in the core, ")));
    }
}
