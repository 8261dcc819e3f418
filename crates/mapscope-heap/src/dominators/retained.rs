//! Retained sizes: each object's own bytes, passed up the dominator tree.
//!
//! Objects that point somewhere have numbers in the graph, by which the columns here go.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::{Dominator, Dominators};
use crate::bits::RankedSet;

/// Retained bytes of everything that can retain more than itself.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// Of each object that points somewhere, in the graph's order of them.
    retained: Bytes,
    /// What dominates each of them, as [`Above::code`] writes it.
    above: Vec<u32>,
    pub(super) held: Vec<u64>,
    pub(super) shared: u64,
}

/// What dominates an object, in numbers of objects that point somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Above {
    /// Nothing alone; who shares it.
    Shared(u32),
    /// A holder.
    Holder(u32),
    /// The object with this number.
    Inner(u32),
}

/// Set in the code of a holder; objects are fewer.
const HOLDER: u32 = 1 << 31;
/// Set in the code of a share.
const SHARED: u32 = 3 << 30;

impl Above {
    fn code(self) -> u32 {
        match self {
            Self::Shared(share) => SHARED | share,
            // Holders are in memory, each with some bytes: as many as this do not fit into any.
            Self::Holder(holder) => HOLDER | holder,
            Self::Inner(number) => number,
        }
    }

    fn decode(code: u32) -> Self {
        match code {
            share if share & SHARED == SHARED => Self::Shared(share & !SHARED),
            holder if holder & HOLDER != 0 => Self::Holder(holder & !HOLDER),
            number => Self::Inner(number),
        }
    }
}

impl Sums {
    pub(super) fn of(tree: &Dominators<'_>) -> Self {
        let inner = tree.graph.pointing();
        let zeros = |count: usize| (0..count).map(|_| AtomicU64::new(0)).collect();
        let small = (0..inner.len()).map(|_| AtomicU32::new(0)).collect();
        let above: Vec<AtomicU32> = (0..inner.len()).map(|_| AtomicU32::new(SHARED)).collect();
        let adder =
            Adder { small, high: Mutex::default(), held: zeros(tree.holders() as usize), shared: AtomicU64::new(0) };
        tree.graph.blocks.blocks().par_iter().with_min_len(64).for_each(|block| {
            for object in block.objects() {
                let Some(dominator) = tree.of(object) else { continue };
                let theirs = self::above(inner, dominator);
                if let Some(number) = inner.rank(object as usize) {
                    above[number].store(theirs.code(), Relaxed);
                    adder.add(Above::Inner(number as u32), block.slot_size);
                } else {
                    adder.add(theirs, block.slot_size);
                }
            }
        });
        let above = above.into_iter().map(AtomicU32::into_inner).collect();
        let mut sums = adder.into_sums(above);
        for number in tree.numbers_top_down().iter().rev() {
            sums.pass_up(*number as usize);
        }
        for (holder, whole) in (0..tree.holders()).filter_map(|h| Some((h, tree.whole(h)?))) {
            sums.held[whole as usize] += sums.held[holder as usize];
        }
        sums
    }

    /// Adds what an object retains to what is above it.
    #[inline]
    fn pass_up(&mut self, number: usize) {
        let bytes = self.at(number);
        match self.above_at(number) {
            Above::Shared(_) => self.shared += bytes,
            Above::Holder(holder) => {
                if let Some(sum) = self.held.get_mut(holder as usize) {
                    *sum += bytes;
                }
            }
            Above::Inner(number) => self.retained.add(number, bytes),
        }
    }

    #[inline]
    pub(super) fn at(&self, number: usize) -> u64 {
        self.retained.at(number)
    }

    /// What is above the object with this number.
    #[inline]
    pub(super) fn above_at(&self, number: usize) -> Above {
        self.above.get(number).map_or(Above::Shared(0), |code| Above::decode(*code))
    }
}

/// Sums in columns of four bytes: few are 4 GiB or more.
#[derive(Debug, Default)]
struct Bytes {
    low: Vec<u32>,
    /// What goes beyond, in units of 4 GiB.
    high: FxHashMap<u32, u64>,
}

impl Bytes {
    #[inline]
    fn at(&self, number: usize) -> u64 {
        let low = self.low.get(number).map_or(0, |low| u64::from(*low));
        if self.high.is_empty() { low } else { low + (self.high.get(&(number as u32)).map_or(0, |high| high << 32)) }
    }

    #[inline]
    fn add(&mut self, number: u32, bytes: u64) {
        let Some(low) = self.low.get_mut(number as usize) else { return };
        let sum = u64::from(*low) + bytes;
        *low = sum as u32;
        if sum >> 32 != 0 {
            *self.high.entry(number).or_default() += sum >> 32;
        }
    }
}

/// What a dominator is in numbers of `inner`.
#[inline]
pub(super) fn above(inner: &RankedSet, dominator: Dominator) -> Above {
    match dominator {
        Dominator::Shared(share) => Above::Shared(share),
        Dominator::Holder(holder) => Above::Holder(holder),
        // A dominator points somewhere: it is one of them.
        Dominator::Object(object) => inner.rank(object as usize).map_or(Above::Shared(0), |n| Above::Inner(n as u32)),
    }
}

/// Sums that many threads add to at once.
struct Adder {
    small: Vec<AtomicU32>,
    /// As in [`Bytes`].
    high: Mutex<FxHashMap<u32, u64>>,
    held: Vec<AtomicU64>,
    shared: AtomicU64,
}

impl Adder {
    #[inline]
    fn add(&self, to: Above, bytes: u64) {
        let sum = match to {
            Above::Shared(_) => Some(&self.shared),
            Above::Holder(holder) => self.held.get(holder as usize),
            Above::Inner(number) => return self.add_inner(number, bytes),
        };
        if let Some(sum) = sum {
            sum.fetch_add(bytes, Relaxed);
        }
    }

    #[inline]
    fn add_inner(&self, number: u32, bytes: u64) {
        let Some(sum) = self.small.get(number as usize) else { return };
        let before = sum.fetch_add(bytes as u32, Relaxed);
        let high = ((u64::from(before) + u64::from(bytes as u32)) >> 32) + (bytes >> 32);
        if high != 0
            && let Ok(mut all) = self.high.lock()
        {
            *all.entry(number).or_default() += high;
        }
    }

    fn into_sums(self, above: Vec<u32>) -> Sums {
        let low = self.small.into_iter().map(AtomicU32::into_inner).collect();
        let retained = Bytes { low, high: self.high.into_inner().unwrap_or_default() };
        let held = self.held.into_iter().map(AtomicU64::into_inner).collect();
        Sums { retained, above, held, shared: self.shared.into_inner() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_go_beyond_their_columns() {
        let (most, low) = (u64::from(u32::MAX), vec![0; 3]);
        let mut bytes = Bytes { low, high: FxHashMap::default() };
        let small = (0..3).map(|_| AtomicU32::new(0)).collect();
        let adder = Adder { small, high: Mutex::default(), held: Vec::new(), shared: AtomicU64::new(0) };
        for add in [most, 1, most, most, 7 << 32, 5, (1 << 40) + most] {
            bytes.add(1, add);
            adder.add(Above::Inner(1), add);
            bytes.add(2, 9);
            adder.add(Above::Inner(2), 9);
        }
        let sum = 4 * most + 6 + (7 << 32) + (1 << 40);
        let sums = adder.into_sums(vec![SHARED; 3]);
        assert_eq!([bytes.at(0), bytes.at(1), bytes.at(2), bytes.at(3)], [0, sum, 63, 0]);
        assert_eq!([sums.at(0), sums.at(1), sums.at(2)], [0, sum, 63]);
    }
}
