//! Slices whose capacity exceeds their length: arrays with room that nothing uses.
//!
//! An array counts once however many slices refer to it, at the place of the slice that reaches furthest: of an array
//! that `a` and `a[:4]` share, what `a` uses is used.

use std::sync::atomic::Ordering::Relaxed;

use mapscope_heap::{BitSet, Freed, FreedShare};
use rayon::prelude::*;

use super::Found;
use super::columns::{Column, MAX_OBJECT, keep_largest, kept};
use super::walk::Header;
use crate::heap::SpanTable;

/// The arrays of the slices in one place; sizes in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SlicePlace {
    /// The field, element or variable that holds the slices: `main.Session.buf`.
    pub place: String,
    /// Their type.
    pub type_name: String,
    /// Arrays, each once.
    pub arrays: u64,
    /// From the first byte to the last that one of an array's slices has in its length.
    pub len_bytes: u64,
    /// From the first byte to the last that one of an array's slices could grow to.
    pub cap_bytes: u64,
    /// What copies of just the length would save: slots of the arrays less the slots of the copies.
    pub savable_bytes: u64,
    /// What of the savable bytes causes free that were told.
    pub share: FreedShare,
}

impl SlicePlace {
    /// Bytes behind every length and within a capacity.
    pub fn unused_bytes(&self) -> u64 {
        self.cap_bytes.saturating_sub(self.len_bytes)
    }
}

/// What slices say of each array: where the furthest ends and its place, the furthest capacity, and where the first
/// starts (from the other side, so that the largest word is the first start).
pub(super) struct Arrays {
    words: Column<3>,
}

/// What slices use of an array.
pub(super) struct Used {
    pub(super) object: u32,
    /// From where on, and to where, one of them has a length; from the end of the type in front.
    pub(super) start: u64,
    pub(super) end: u64,
    /// The place of the one that reaches furthest.
    pub(super) place: u32,
}

impl Arrays {
    pub(super) fn new(spans: &SpanTable) -> Self {
        Self { words: Column::new(spans) }
    }

    #[inline]
    pub(super) fn add(&self, found: &Found<'_, '_>, header: &Header<'_>) {
        let target = &header.target;
        let [end, cap, start] = self.words.at(&found.stages.heap.spans, target.object, target.index);
        keep_largest(end, target.offset + header.len, header.place);
        for (word, value) in [(cap, target.offset + header.cap), (start, MAX_OBJECT - target.offset)] {
            if word.load(Relaxed) < value {
                word.fetch_max(value, Relaxed);
            }
        }
    }

    /// The arrays of a span that slices refer to.
    pub(super) fn used<'u>(&'u self, spans: &'u SpanTable, index: usize) -> impl Iterator<Item = Used> + 'u {
        let first = spans.blocks.blocks()[index].first;
        (first..).zip(self.words.of_span(index)).filter_map(|(object, words)| {
            let (end, place) = kept(words[0].load(Relaxed))?;
            Some(Used { object, start: MAX_OBJECT.saturating_sub(words[2].load(Relaxed)), end, place })
        })
    }

    /// Sums by place, without the arrays that are told of `elsewhere`.
    pub(super) fn places(&self, found: &Found<'_, '_>, elsewhere: &BitSet, freed: &Freed) -> Vec<SlicePlace> {
        let all = &found.places.all;
        let empty = || vec![Sum::default(); all.len()];
        let spans = &found.stages.heap.spans;
        let of_span = |mut sums: Vec<Sum>, index: usize| {
            let first = spans.blocks.blocks()[index].first as usize;
            let span = &spans.spans[index];
            for (slot, words) in self.words.of_span(index).iter().enumerate() {
                let [end, cap, start] = [0, 1, 2].map(|i: usize| words[i].load(Relaxed));
                let Some((end, place)) = kept(end).filter(|_| !elsewhere.contains(first + slot)) else { continue };
                let Some(sum) = sums.get_mut(place as usize) else { continue };
                let start = MAX_OBJECT.saturating_sub(start);
                let (len, cap) = (end.saturating_sub(start), cap.saturating_sub(start));
                let copy = spans.allocator().slot(len, !span.noscan);
                let savable = span.elem_size.saturating_sub(copy);
                freed.share((first + slot) as u32, savable, &mut sum.share);
                sum.add(&Sum { arrays: 1, len, cap, savable, share: FreedShare::default() });
            }
            sums
        };
        let join = |mut a: Vec<Sum>, b: Vec<Sum>| {
            a.iter_mut().zip(b).for_each(|(a, b)| a.add(&b));
            a
        };
        let sums = (0..spans.spans.len()).into_par_iter().with_min_len(4096).fold(empty, of_span).reduce(empty, join);
        let places = all.iter().zip(sums).filter(|(_, s)| s.arrays > 0);
        let mut rows: Vec<SlicePlace> = places
            .map(|(place, sum)| SlicePlace {
                place: place.name.clone(),
                type_name: place.type_name.clone(),
                arrays: sum.arrays,
                len_bytes: sum.len,
                cap_bytes: sum.cap,
                savable_bytes: sum.savable,
                share: sum.share,
            })
            .collect();
        rows.sort_by(|a, b| b.unused_bytes().cmp(&a.unused_bytes()).then_with(|| a.place.cmp(&b.place)));
        rows
    }
}

/// Figures of the arrays of one place.
#[derive(Clone, Copy, Default)]
struct Sum {
    arrays: u64,
    len: u64,
    cap: u64,
    savable: u64,
    share: FreedShare,
}

impl Sum {
    fn add(&mut self, other: &Self) {
        self.arrays += other.arrays;
        self.len += other.len;
        self.cap += other.cap;
        self.savable += other.savable;
        self.share.merge(&other.share);
    }
}
