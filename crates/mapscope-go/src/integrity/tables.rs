//! Compares spans and what is attached to objects with the runtime's tables and counters of them, and adds a reason where
//! two do not agree.

use std::ops::Range;

use mapscope_memory::{Figure, Figures, Partial, Region};

use super::Accounts;
use crate::runtime::Field;

/// Processors that are looked at.
const MAX_PROCESSORS: u64 = 1 << 16;
/// Ranges of pages that are looked at.
const MAX_RANGES: u64 = 1 << 16;

/// Adds what does not agree. A thread in the middle of something may account for one of each.
pub(super) fn compare(accounts: &Accounts<'_, '_>, partial: &mut Partial) {
    arenas(accounts, partial);
    pages(accounts, partial);
    spans(accounts, partial);
    specials(accounts, partial);
}

fn arenas(accounts: &Accounts<'_, '_>, partial: &mut Partial) {
    let spans = &accounts.heap.spans;
    let (found, all) = (spans.contradicted, spans.spans.len() + spans.manual.len());
    // The tables themselves are not there in a core of the heap alone, and nothing else is read from them.
    if found.misplaced >= all as u64 {
        return;
    }
    if found.misplaced > accounts.busy {
        partial.add(
            Figure::Objects | Figure::Memory,
            format!("{} of {all} spans are not where the heap's arenas have them: they are damaged", found.misplaced),
        );
    }
    if found.unflagged > accounts.busy {
        partial.add(
            Figure::Live | Figure::Storage,
            format!(
                "{} of {all} spans have finalizers, cleanups or samples and are said to have none, or the other way \
                 round: they are damaged",
                found.unflagged
            ),
        );
    }
}

/// All pages of the page allocator (`pageAlloc.inUse`) were mapped, those in use and those returned to the system.
fn pages(accounts: &Accounts<'_, '_>, partial: &mut Partial) {
    let context = accounts.context;
    let Some(field) = context.layout.accounts.as_ref().map(|accounts| accounts.pages.in_use) else { return };
    let word = |at: u64| context.memory.u64(at).unwrap_or(0);
    let at = context.mheap.wrapping_add(field.offset);
    let (array, count) = (word(at), word(at.wrapping_add(8)).min(MAX_RANGES));
    let ranges = (0..count).map(|index| array.wrapping_add(index * 16)).map(|at| word(at)..word(at.wrapping_add(8)));
    let missing = ranges.map(|range| unmapped(context.memory.regions(), &range)).fold(0, u64::saturating_add);
    if missing > 0 {
        partial.add(
            Figure::Live | Figure::Memory,
            format!("{missing} bytes of the heap's pages are not mapped in the core: it is damaged"),
        );
    }
}

/// Bytes of a range that are in none of the regions, which are in order.
fn unmapped(regions: &[Region], range: &Range<u64>) -> u64 {
    let first = regions.partition_point(|region| region.end <= range.start);
    let within = regions[first..].iter().take_while(|region| region.start < range.end);
    let mapped: u64 =
        within.map(|region| region.end.min(range.end).saturating_sub(region.start.max(range.start))).sum();
    range.end.saturating_sub(range.start).saturating_sub(mapped)
}

/// Each `mspan` that was made is in use, with objects or by hand, or spare in a processor's cache. Those of the program's
/// own arenas (`GOEXPERIMENT=arenas`) may wait to be used again, so where there are any nothing is said.
fn spans(accounts: &Accounts<'_, '_>, partial: &mut Partial) {
    let (context, table) = (accounts.context, &accounts.heap.spans);
    let (Some(made), Some(spare)) = (in_use(accounts, context.layout.heap.span_allocator), spare(accounts)) else {
        return;
    };
    let len = |arenas: Field| context.memory.u64(context.mheap.wrapping_add(arenas.offset + 8)).unwrap_or(0);
    if context.layout.heap.user_arenas.is_some_and(|arenas| len(arenas) > 0) {
        return;
    }
    let found = (table.spans.len() + table.manual.len()) as u64;
    if found.saturating_add(spare).abs_diff(made) > accounts.busy {
        partial.add(
            Figure::Objects | Figure::Memory,
            format!("{found} spans were found, {spare} are spare, and the runtime made {made}: some are damaged"),
        );
    }
}

fn spare(accounts: &Accounts<'_, '_>) -> Option<u64> {
    let context = accounts.context;
    let (field, at) = (context.layout.p.spare_spans?, context.globals.all_processors);
    let (array, count) = (context.memory.u64(at).ok()?, context.memory.u64(at.wrapping_add(8)).ok()?);
    let spare = |index: u64| {
        let processor = context.memory.u64(array.wrapping_add(index * 8)).ok()?;
        context.memory.u64(processor.wrapping_add(field.offset)).ok()
    };
    (0..count.min(MAX_PROCESSORS)).map(spare).try_fold(0u64, |sum, spare| Some(sum.saturating_add(spare?)))
}

/// Each special that was made is in the list of a span.
fn specials(accounts: &Accounts<'_, '_>, partial: &mut Partial) {
    let (heap, found) = (&accounts.context.layout.heap, &accounts.roots.specials);
    let live = || Figure::Live | Figure::Storage;
    let kinds: [(&str, Option<Field>, u64, Figures); 4] = [
        ("finalizers", heap.finalizer_allocator, found.finalizers, live()),
        ("cleanups", heap.cleanup_allocator, found.cleanups, live()),
        ("weak pointers", heap.weak_handle_allocator, found.weak_handles, live()),
        ("samples of the memory profile", heap.profile_allocator, found.profiled, Figure::Profile.into()),
    ];
    for (what, allocator, found, figures) in kinds {
        let Some(made) = in_use(accounts, allocator) else { continue };
        if made.abs_diff(found) > accounts.busy {
            partial.add(
                figures,
                format!("{found} {what} of objects were found, and the runtime has {made}: some are damaged"),
            );
        }
    }
}

/// How many structures an allocator of the heap has given out; `None` where it is not known where it counts.
fn in_use(accounts: &Accounts<'_, '_>, allocator: Option<Field>) -> Option<u64> {
    let context = accounts.context;
    let (allocator, layout) = (allocator?, context.layout.fixed_allocator?);
    let read =
        |field: Field| context.memory.u64(context.mheap.wrapping_add(allocator.offset + field.offset)).unwrap_or(0);
    // One that has never given out any may not know of which size they are.
    Some(read(layout.in_use).checked_div(read(layout.unit)).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_region_covers_is_counted_once() {
        let region = |range: Range<u64>| Region {
            start: range.start,
            end: range.end,
            read: true,
            write: true,
            execute: false,
            file: None,
        };
        let regions = [region(10..20), region(20..30), region(40..50)];
        for (range, missing) in [
            (10..30, 0),
            (15..25, 0),
            (5..15, 5),
            (15..45, 10),
            (0..60, 30),
            (30..40, 10),
            (60..70, 10),
            (9..9, 0),
            (Range { start: 25, end: 15 }, 0),
        ] {
            assert_eq!(unmapped(&regions, &range), missing, "{range:?}");
        }
    }
}
