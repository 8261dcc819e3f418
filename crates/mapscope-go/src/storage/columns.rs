//! Words for each object, made for a span when the first of its objects needs them: most spans of a heap hold no array
//! that a slice refers to, and no text of a string.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::heap::SpanTable;

/// Bits of a word that hold a place, inverted so that the largest word has the best place.
const PLACE_BITS: u32 = 24;
pub(super) const PLACE_MASK: u64 = (1 << PLACE_BITS) - 1;
/// Objects are smaller than this, so that an offset fits beside a place.
pub(super) const MAX_OBJECT: u64 = 1 << (64 - PLACE_BITS);

/// `N` words for each object.
pub(super) struct Column<const N: usize> {
    spans: Vec<OnceLock<Box<[[AtomicU64; N]]>>>,
}

impl<const N: usize> Column<N> {
    pub(super) fn new(spans: &SpanTable) -> Self {
        Self { spans: spans.spans.iter().map(|_| OnceLock::new()).collect() }
    }

    /// The words of an object.
    #[inline]
    pub(super) fn at(&self, spans: &SpanTable, object: u32, span: usize) -> &[AtomicU64; N] {
        let block = &spans.blocks.blocks()[span];
        let make = || (0..block.count).map(|_| std::array::from_fn(|_| AtomicU64::new(0))).collect();
        &self.spans[span].get_or_init(make)[(object - block.first) as usize]
    }

    /// The words of every object of a span, the first object's first; none when none was needed.
    pub(super) fn of_span(&self, span: usize) -> &[[AtomicU64; N]] {
        self.spans[span].get().map_or(&[], |b| b)
    }
}

/// A number below [`MAX_OBJECT`] with a place; the larger number wins, then the better place.
#[inline]
pub(super) fn keep_largest(word: &AtomicU64, number: u64, place: u32) {
    let new = number << PLACE_BITS | (PLACE_MASK - u64::from(place));
    if word.load(Relaxed) < new {
        word.fetch_max(new, Relaxed);
    }
}

/// The number and the place of a word; `None` when it has none.
#[inline]
pub(super) fn kept(word: u64) -> Option<(u64, u32)> {
    (word != 0).then(|| (word >> PLACE_BITS, (PLACE_MASK - (word & PLACE_MASK)) as u32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_wins_then_the_best_place() {
        let word = AtomicU64::new(0);
        assert_eq!(kept(word.load(Relaxed)), None);
        for (number, place) in [(0, 9), (7, 3), (7, 2), (6, 0), (7, 5)] {
            keep_largest(&word, number, place);
        }
        assert_eq!(kept(word.load(Relaxed)), Some((7, 2)));
        keep_largest(&word, MAX_OBJECT - 1, 0);
        assert_eq!(kept(word.load(Relaxed)), Some((MAX_OBJECT - 1, 0)));
    }
}
