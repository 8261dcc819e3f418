//! Retained sizes: each object's own bytes, passed up the dominator tree.
//!
//! Objects that point somewhere have numbers in the graph, and everything about one of them is in one place: the
//! walks of the tree are in no order that a cache likes, so each step should cost one miss and not four.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rayon::prelude::*;

use super::{Dominator, Dominators};
use crate::bits::RankedSet;

/// Retained bytes of everything that can retain more than itself.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// One for each object that points somewhere, in the graph's order of them.
    nodes: Vec<Node>,
    pub(super) held: Vec<u64>,
    pub(super) shared: u64,
}

/// One object that points somewhere. Many threads fill the list at once.
#[derive(Debug, Default)]
struct Node {
    retained: AtomicU64,
    /// As [`Above::code`] writes it.
    above: AtomicU64,
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

impl Above {
    /// Kind and number in one word; 0 is [`Above::Shared`].
    fn code(self) -> u64 {
        match self {
            Self::Shared => 0,
            Self::Holder(holder) => 1 << 32 | u64::from(holder),
            Self::Inner(number) => 2 << 32 | u64::from(number),
        }
    }

    fn decode(code: u64) -> Self {
        match code >> 32 {
            1 => Self::Holder(code as u32),
            2 => Self::Inner(code as u32),
            _ => Self::Shared,
        }
    }
}

impl Sums {
    pub(super) fn of(tree: &Dominators<'_>) -> Self {
        let inner = tree.graph.pointing();
        let blocks = tree.graph.blocks.blocks();
        let nodes: Vec<Node> = (0..inner.len()).map(|_| Node::default()).collect();
        let holders = (0..tree.holders.count).map(|_| AtomicU64::new(0)).collect();
        let adder = Adder { nodes: &nodes, held: holders, shared: AtomicU64::new(0) };
        blocks.par_iter().with_min_len(64).for_each(|block| {
            for object in block.objects() {
                let Some(dominator) = tree.of(object) else { continue };
                let above = above(inner, dominator);
                if let Some(node) = inner.rank(object as usize).and_then(|number| nodes.get(number)) {
                    node.above.store(above.code(), Relaxed);
                    node.retained.fetch_add(block.slot_size, Relaxed);
                } else {
                    adder.add(above, block.slot_size);
                }
            }
        });
        for number in tree.numbers_top_down().iter().rev() {
            let node = &nodes[*number as usize];
            adder.add(Above::decode(node.above.load(Relaxed)), node.retained.load(Relaxed));
        }
        let Adder { held, shared, .. } = adder;
        let held = held.into_iter().map(AtomicU64::into_inner).collect();
        Self { held, shared: shared.into_inner(), nodes }
    }

    #[inline]
    pub(super) fn at(&self, index: usize) -> u64 {
        self.nodes.get(index).map_or(0, |node| node.retained.load(Relaxed))
    }

    /// What is above the object with this number.
    #[inline]
    pub(super) fn above_at(&self, index: usize) -> Above {
        self.nodes.get(index).map_or(Above::Shared, |node| Above::decode(node.above.load(Relaxed)))
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

struct Adder<'a> {
    nodes: &'a [Node],
    held: Vec<AtomicU64>,
    shared: AtomicU64,
}

impl Adder<'_> {
    #[inline]
    fn add(&self, above: Above, bytes: u64) {
        let sum = match above {
            Above::Shared => Some(&self.shared),
            Above::Holder(holder) => self.held.get(holder as usize),
            Above::Inner(number) => self.nodes.get(number as usize).map(|node| &node.retained),
        };
        if let Some(sum) = sum {
            sum.fetch_add(bytes, Relaxed);
        }
    }
}
