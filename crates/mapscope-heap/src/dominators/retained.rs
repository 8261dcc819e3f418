//! Retained sizes: each object's own bytes, passed up the dominator tree.
//!
//! Objects that point somewhere have numbers in the graph, by which the columns here go.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use rayon::prelude::*;

use super::{Dominator, Dominators};
use crate::bits::RankedSet;

/// Retained bytes of everything that can retain more than itself.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// Of each object that points somewhere, in the graph's order of them.
    retained: Vec<u64>,
    /// What dominates each of them, as [`Above::code`] writes it.
    above: Vec<u32>,
    pub(super) held: Vec<u64>,
    pub(super) shared: u64,
}

/// What dominates an object, in numbers of objects that point somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Above {
    /// Nothing alone.
    Shared,
    /// A holder.
    Holder(u32),
    /// The object with this number.
    Inner(u32),
}

/// Set in the code of a holder; objects are fewer.
const HOLDER: u32 = 1 << 31;
/// The code of [`Above::Shared`].
const SHARED: u32 = u32::MAX;

impl Above {
    fn code(self) -> u32 {
        match self {
            Self::Shared => SHARED,
            // Holders are in memory, each with some bytes: as many as this do not fit into any.
            Self::Holder(holder) => HOLDER | holder,
            Self::Inner(number) => number,
        }
    }

    fn decode(code: u32) -> Self {
        match code {
            SHARED => Self::Shared,
            holder if holder & HOLDER != 0 => Self::Holder(holder & !HOLDER),
            number => Self::Inner(number),
        }
    }
}

impl Sums {
    pub(super) fn of(tree: &Dominators<'_>) -> Self {
        let inner = tree.graph.pointing();
        let zeros = |count: usize| (0..count).map(|_| AtomicU64::new(0)).collect();
        let above: Vec<AtomicU32> = (0..inner.len()).map(|_| AtomicU32::new(SHARED)).collect();
        let adder =
            Adder { retained: zeros(inner.len()), held: zeros(tree.holders.count as usize), shared: AtomicU64::new(0) };
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
        sums
    }

    /// Adds what an object retains to what is above it.
    #[inline]
    fn pass_up(&mut self, number: usize) {
        let bytes = self.at(number);
        let sum = match self.above_at(number) {
            Above::Shared => Some(&mut self.shared),
            Above::Holder(holder) => self.held.get_mut(holder as usize),
            Above::Inner(number) => self.retained.get_mut(number as usize),
        };
        if let Some(sum) = sum {
            *sum += bytes;
        }
    }

    #[inline]
    pub(super) fn at(&self, number: usize) -> u64 {
        self.retained.get(number).copied().unwrap_or(0)
    }

    /// What is above the object with this number.
    #[inline]
    pub(super) fn above_at(&self, number: usize) -> Above {
        self.above.get(number).map_or(Above::Shared, |code| Above::decode(*code))
    }
}

/// What a dominator is in numbers of `inner`.
#[inline]
pub(super) fn above(inner: &RankedSet, dominator: Dominator) -> Above {
    match dominator {
        Dominator::Shared => Above::Shared,
        Dominator::Holder(holder) => Above::Holder(holder),
        // A dominator points somewhere: it is one of them.
        Dominator::Object(object) => inner.rank(object as usize).map_or(Above::Shared, |n| Above::Inner(n as u32)),
    }
}

/// Sums that many threads add to at once.
struct Adder {
    retained: Vec<AtomicU64>,
    held: Vec<AtomicU64>,
    shared: AtomicU64,
}

impl Adder {
    #[inline]
    fn add(&self, to: Above, bytes: u64) {
        let sum = match to {
            Above::Shared => Some(&self.shared),
            Above::Holder(holder) => self.held.get(holder as usize),
            Above::Inner(number) => self.retained.get(number as usize),
        };
        if let Some(sum) = sum {
            sum.fetch_add(bytes, Relaxed);
        }
    }

    fn into_sums(self, above: Vec<u32>) -> Sums {
        let plain = |sums: Vec<AtomicU64>| sums.into_iter().map(AtomicU64::into_inner).collect();
        let shared = self.shared.into_inner();
        Sums { retained: plain(self.retained), above, held: plain(self.held), shared }
    }
}
