//! Resident bytes of spans in use, slot by slot.

use std::collections::BTreeMap;
use std::ops::Range;

use mapscope_heap::{Block, Reachability};
use rayon::prelude::*;

use super::ClassUse;
use super::pages::Pages;
use crate::heap::{Heap, ManualSpan, Span, SpanTable};

/// Sums by the size of slots; `u64::MAX` are large objects.
type Classes = BTreeMap<u64, ClassUse>;

/// The spans in use that `inside` accepts, by the size of their slots.
pub(super) fn classes(
    heap: &Heap,
    reach: &Reachability,
    pages: &Pages,
    inside: &(impl Fn(u64, u64) -> bool + Sync),
) -> Vec<ClassUse> {
    let counter = Counter { heap, reach, pages };
    let run = |chunk: &Range<usize>| {
        let mut classes = Classes::new();
        let blocks = heap.spans.blocks.blocks();
        for (span, block) in heap.spans.spans[chunk.clone()].iter().zip(&blocks[chunk.clone()]) {
            if inside(span.start, span.bytes) {
                let key = if span.large { u64::MAX } else { span.elem_size };
                add(classes.entry(key).or_default(), &counter.span(span, block));
            }
        }
        classes
    };
    let merge = |mut a: Classes, b: Classes| {
        for (key, class) in b {
            add(a.entry(key).or_default(), &class);
        }
        a
    };
    let classes = heap.chunks.par_iter().map(run).reduce(Classes::new, merge);
    classes.into_iter().map(|(key, c)| ClassUse { slot_bytes: (key != u64::MAX).then_some(key), ..c }).collect()
}

/// Whether a span in use lies over `manual`: in a heap that makes sense, none does.
pub(super) fn overlaps(spans: &SpanTable, manual: &ManualSpan) -> bool {
    let index = spans.spans.partition_point(|s| s.start + s.bytes <= manual.start);
    spans.spans.get(index).is_some_and(|s| s.start < manual.start + manual.bytes)
}

fn add(sum: &mut ClassUse, one: &ClassUse) {
    sum.spans += one.spans;
    sum.slots += one.slots;
    sum.live_slots += one.live_slots;
    sum.garbage_slots += one.garbage_slots;
    sum.live += one.live;
    sum.garbage += one.garbage;
    sum.fragmentation += one.fragmentation;
}

struct Counter<'c> {
    heap: &'c Heap,
    reach: &'c Reachability,
    pages: &'c Pages,
}

impl Counter<'_> {
    fn span(&self, span: &Span, block: &Block) -> ClassUse {
        let objects = block.objects();
        let allocated = self.heap.graph.allocated.count_range(objects.start as usize, objects.end as usize);
        let live = objects.filter(|o| self.reach.is_live(*o)).count() as u64;
        let garbage = allocated.saturating_sub(live);
        let used = (live + garbage) * block.slot_size;
        let mut sum = ClassUse {
            spans: 1,
            slots: u64::from(span.elems),
            live_slots: live,
            garbage_slots: garbage,
            live: live * block.slot_size,
            garbage: garbage * block.slot_size,
            fragmentation: span.bytes.saturating_sub(used),
            ..ClassUse::default()
        };
        let range = span.start..span.start + span.bytes;
        match self.pages.bytes(range.clone()) {
            0 => (sum.live, sum.garbage, sum.fragmentation) = (0, 0, 0),
            bytes if bytes == span.bytes => {}
            _ => {
                for gap in self.pages.missing(range) {
                    self.remove(&mut sum, block, gap);
                }
            }
        }
        sum
    }

    /// Takes a range that is not resident from what its slots belong to.
    fn remove(&self, sum: &mut ClassUse, block: &Block, gap: Range<u64>) {
        let mut at = gap.start;
        let slots_end = block.end().min(gap.end);
        while at < slots_end {
            let slot = (at - block.start) / block.slot_size;
            let object = block.first + slot as u32;
            let end = (block.start + (slot + 1) * block.slot_size).min(gap.end);
            let part = if self.reach.is_live(object) {
                &mut sum.live
            } else if self.heap.graph.allocated.contains(object as usize) {
                &mut sum.garbage
            } else {
                &mut sum.fragmentation
            };
            *part = part.saturating_sub(end - at);
            at = end;
        }
        sum.fragmentation = sum.fragmentation.saturating_sub(gap.end.saturating_sub(at.max(block.end())));
    }
}
