//! Retained sizes: each object's own bytes, passed up the dominator tree.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rayon::prelude::*;

use super::{Dominator, Dominators};
use crate::bits::{RankedSet, SharedBits};

/// Objects that one thread looks at in a row.
const RUN: usize = 1 << 16;

/// Retained bytes of everything that can retain more than itself.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// Live objects that point somewhere.
    inner: RankedSet,
    retained: Vec<u64>,
    pub(super) held: Vec<u64>,
    pub(super) shared: u64,
}

impl Sums {
    pub(super) fn of(tree: &Dominators<'_>) -> Self {
        let inner = SharedBits::new(tree.graph.len());
        tree.reach.order().par_chunks(RUN).for_each(|objects| {
            for object in objects {
                inner.insert(*object as usize);
            }
        });
        let inner = RankedSet::new(inner.into_set());
        let zeros = |len: usize| (0..len).map(|_| AtomicU64::new(0)).collect::<Vec<_>>();
        let adder = Adder {
            inner: &inner,
            retained: zeros(inner.len()),
            held: zeros(tree.holders.count as usize),
            shared: AtomicU64::new(0),
        };
        adder.own(tree);
        for object in tree.top_down().rev() {
            if let (Some(index), Some(dominator)) = (inner.rank(object as usize), tree.of(object)) {
                adder.add(dominator, adder.retained[index].load(Relaxed));
            }
        }
        let values = |column: Vec<AtomicU64>| column.into_iter().map(AtomicU64::into_inner).collect();
        let (retained, held, shared) = (values(adder.retained), values(adder.held), adder.shared.into_inner());
        Self { inner, retained, held, shared }
    }

    #[inline]
    pub(super) fn index(&self, object: u32) -> Option<usize> {
        self.inner.rank(object as usize)
    }

    #[inline]
    pub(super) fn inner(&self, object: u32) -> Option<u64> {
        Some(self.at(self.index(object)?))
    }

    #[inline]
    pub(super) fn at(&self, index: usize) -> u64 {
        self.retained.get(index).copied().unwrap_or(0)
    }
}

struct Adder<'a> {
    inner: &'a RankedSet,
    retained: Vec<AtomicU64>,
    held: Vec<AtomicU64>,
    shared: AtomicU64,
}

impl Adder<'_> {
    #[inline]
    fn add(&self, dominator: Dominator, bytes: u64) {
        let sum = match dominator {
            Dominator::Shared => Some(&self.shared),
            Dominator::Holder(holder) => self.held.get(holder as usize),
            Dominator::Object(object) => self.inner.rank(object as usize).and_then(|index| self.retained.get(index)),
        };
        if let Some(sum) = sum {
            sum.fetch_add(bytes, Relaxed);
        }
    }

    /// Every object's own bytes: its own sum, or that of its dominator when it points nowhere and so has none.
    fn own(&self, tree: &Dominators<'_>) {
        tree.graph.blocks.blocks().par_iter().with_min_len(64).for_each(|block| {
            for object in block.objects() {
                if let Some(index) = self.inner.rank(object as usize) {
                    self.retained[index].fetch_add(block.slot_size, Relaxed);
                } else if let Some(dominator) = tree.of(object) {
                    self.add(dominator, block.slot_size);
                }
            }
        });
    }
}
