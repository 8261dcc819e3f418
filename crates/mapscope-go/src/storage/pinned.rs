//! Large objects that nothing but small slices and strings keep: ten bytes cut out of a megabyte keep the megabyte.
//!
//! An object is pinned when every pointer to it, from live objects and from roots, is the pointer of a slice or a string
//! whose type is known, and all of them together refer to no more than half of it. Where a single pointer is anything
//! else, or is not known, the object is left out: more of it may be in use.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use mapscope_heap::{BitSet, Freed, FreedShare};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::walk::{Header, Tally};
use super::{Found, references};

/// Smaller objects are not worth copying a part out of.
const MIN_OBJECT: u64 = 256;
/// Places of one object that are told apart: its own, and eight others.
const MAX_PINS: usize = 9;
/// Small parts remembered; each takes 32 bytes.
const MAX_SMALL: u64 = 1 << 22;

/// The objects pinned from one place; sizes in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PinnedPlace {
    /// The field, element or variable that holds the slices or strings: `main.Token.text`.
    pub place: String,
    /// Their type.
    pub type_name: String,
    /// Further places that pin the same objects: a copy at one place frees nothing while another is left. At most eight.
    pub others: Vec<String>,
    /// Objects pinned.
    pub objects: u64,
    /// Slices and strings that pin them.
    pub references: u64,
    /// Bytes that at least one of those refers to.
    pub referred_bytes: u64,
    /// Bytes of the objects.
    pub object_bytes: u64,
    /// What copies of just the parts would save: the objects' bytes less the slots of a copy for each slice and string.
    pub savable_bytes: u64,
    /// What of the savable bytes causes free that were told.
    pub share: FreedShare,
}

impl PinnedPlace {
    /// Bytes that none of the slices and strings refers to.
    pub fn pinned_bytes(&self) -> u64 {
        self.object_bytes.saturating_sub(self.referred_bytes)
    }
}

/// A slice or string that refers to a small part of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Small {
    object: u32,
    place: u32,
    /// Part of the object.
    start: u64,
    end: u64,
    /// Address of the header when it is outside the heap, else 0.
    from: u64,
}

/// Remembers the header when it refers to a small part of its object. A slice that starts where the array does and may
/// grow over most of it is no such part but one with unused capacity (see `slices.rs`).
#[inline]
pub(super) fn consider(found: &Found<'_, '_>, tally: &mut Tally, header: &Header<'_>) {
    let target = &header.target;
    let room = target.room;
    if room < MIN_OBJECT || header.len > room / 2 || !header.text && target.offset == 0 && header.cap > room / 2 {
        return;
    }
    if found.small_parts.fetch_add(1, Relaxed) < MAX_SMALL {
        let (start, end) = (target.offset, target.offset + header.len);
        tally.small.push(Small { object: target.object, place: header.place, start, end, from: header.from });
    }
}

/// Whether more small parts were met than are remembered. Objects with forgotten ones are left out, for their pointers
/// do not add up.
pub(super) fn capped(found: &Found<'_, '_>) -> bool {
    found.small_parts.load(Relaxed) > MAX_SMALL
}

/// The pinned objects, and sums by place.
pub(super) fn places(found: &Found<'_, '_>, mut small: Vec<Small>, freed: &Freed) -> (BitSet, Vec<PinnedPlace>) {
    let graph = &found.stages.heap.graph;
    let mut pinned = BitSet::default();
    if small.is_empty() {
        return (pinned, Vec::new());
    }
    small.par_sort_unstable();
    let mut wanted = BitSet::new(graph.len());
    let mut objects: Vec<u32> = small.iter().map(|s| s.object).collect();
    objects.dedup();
    for object in &objects {
        wanted.insert(*object as usize);
    }
    let counts: Vec<AtomicU32> = objects.iter().map(|_| AtomicU32::new(0)).collect();
    references::from_objects(found.stages, &wanted, |_, target| {
        if let Ok(index) = objects.binary_search(&target) {
            counts[index].fetch_add(1, Relaxed);
        }
    });
    let roots = references::from_roots(found.stages, &wanted);
    pinned = BitSet::new(graph.len());
    // By all places that pin an object, the best name first.
    let mut sums: FxHashMap<Vec<u32>, PinnedPlace> = FxHashMap::default();
    for (parts, count) in small.chunk_by(|a, b| a.object == b.object).zip(&counts) {
        let object = parts[0].object;
        let from = roots.partition_point(|r| r.0 < object);
        let roots: Vec<u64> = roots[from..].iter().take_while(|r| r.0 == object).map(|r| r.1).collect();
        let Some(referred) = referred(parts, u64::from(count.load(Relaxed)), &roots) else { continue };
        let bytes = graph.blocks.block_of(object).slot_size;
        if referred > bytes / 2 {
            continue;
        }
        let sum = sums.entry(pins(parts)).or_default();
        pinned.insert(object as usize);
        sum.objects += 1;
        sum.references += count.load(Relaxed) as u64 + roots.len() as u64;
        sum.referred_bytes += referred;
        sum.object_bytes += bytes;
        let spans = &found.stages.heap.spans;
        let scan =
            spans.object(graph.blocks.block_of(object).address(object)).is_some_and(|o| !spans.spans[o.2].noscan);
        let copies: u64 =
            parts.iter().filter(|p| p.end > p.start).map(|p| spans.allocator().slot(p.end - p.start, scan)).sum();
        let savable = bytes.saturating_sub(copies);
        sum.savable_bytes += savable;
        freed.share(object, savable, &mut sum.share);
    }
    let named = |(places, sum): (Vec<u32>, PinnedPlace)| {
        let mut places = places.into_iter().filter_map(|place| found.places.all.get(place as usize));
        let first = places.next()?;
        let others = places.map(|place| place.name.clone()).collect();
        Some(PinnedPlace { place: first.name.clone(), type_name: first.type_name.clone(), others, ..sum })
    };
    let mut rows: Vec<PinnedPlace> = sums.into_iter().filter_map(named).collect();
    let key = |row: &PinnedPlace| std::cmp::Reverse(row.pinned_bytes());
    rows.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| (&a.place, &a.others).cmp(&(&b.place, &b.others))));
    (pinned, rows)
}

/// The places that pin an object, each once, the best name first.
fn pins(parts: &[Small]) -> Vec<u32> {
    let mut places: Vec<u32> = parts.iter().map(|part| part.place).collect();
    places.sort_unstable();
    places.dedup();
    places.truncate(MAX_PINS);
    places
}

/// Bytes that the parts of one object cover together; `None` when something else points to it too: the parts in the heap
/// are not as many as the pointers, or those outside it are not at the addresses of the roots (ascending).
fn referred(parts: &[Small], pointers: u64, roots: &[u64]) -> Option<u64> {
    let inside = parts.iter().filter(|p| p.from == 0).count() as u64;
    let mut outside: Vec<u64> = parts.iter().map(|p| p.from).filter(|f| *f != 0).collect();
    outside.sort_unstable();
    outside.dedup();
    if inside != pointers || outside != roots {
        return None;
    }
    let mut ranges: Vec<(u64, u64)> = parts.iter().map(|p| (p.start, p.end)).collect();
    ranges.sort_unstable();
    let (mut covered, mut reached) = (0, 0);
    for (start, end) in ranges {
        covered += end.saturating_sub(start.max(reached));
        reached = reached.max(end);
    }
    Some(covered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(start: u64, end: u64, from: u64) -> Small {
        Small { object: 1, place: 0, start, end, from }
    }

    #[test]
    fn overlaps_count_once_and_strangers_rule_out() {
        let parts = [part(10, 20, 0), part(15, 30, 0), part(12, 14, 0), part(100, 100, 0), part(40, 50, 0x1000)];
        assert_eq!(referred(&parts, 4, &[0x1000]), Some(30));
        assert_eq!(referred(&parts, 5, &[0x1000]), None, "one more pointer in the heap");
        assert_eq!(referred(&parts, 4, &[0, 0x1000]), None, "a register");
        assert_eq!(referred(&parts, 4, &[0x2000]), None, "another root");
        // A word that two regions cover is one word.
        assert_eq!(referred(&[part(40, 50, 0x1000), part(40, 50, 0x1000)], 0, &[0x1000]), Some(10));
    }
}
