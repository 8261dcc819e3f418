//! Works out immediate dominators by sweeps over all edges.
//!
//! The way by which marking reached an object first goes through all of its dominators. So the tree of these ways is a
//! first estimate, in which everything is too far down, and each edge raises what it leads to: to the node where the ways
//! above its two ends meet. When a sweep raises nothing, the tree is that of the dominators (Allen and Cocke's equations,
//! solved on a tree as Cooper, Harvey and Kennedy do). In heaps as they are, a shortest way leads through little that does
//! not dominate, and two or three sweeps do it, in address order and on all processors. A graph in which the ways are long
//! and meet far up could take for ever: the steps are counted, and such a graph is left to the depth-first walk.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use rayon::prelude::*;

use super::code::{ENTRY, code, decode};
use super::kernel::LONG;
use super::{Dominator, HolderTree};
use crate::bits::RankedSet;
use crate::blocks::MIN_BLOCKS;
use crate::prefetch::prefetch;
use crate::{HeapGraph, Parent, Reachability};

/// Steps up that are allowed for each edge and object, before the rest is left to the walk.
const STEPS: u64 = 16;
/// Sweeps that are allowed.
const SWEEPS: usize = 16;
/// Edges that are looked at before they are followed.
const AHEAD: usize = 16;

/// The immediate dominator of each object of `several`, by rank, as [`code`] writes it; `None` when that takes too many
/// steps.
pub(super) fn dominators(
    graph: &HeapGraph,
    reach: &Reachability,
    several: &RankedSet,
    holders: &HolderTree<'_>,
) -> Option<Vec<u32>> {
    let estimate = Estimate::new(graph, reach, several, holders);
    let budget = Budget::new(STEPS * (graph.edge_count() as u64 + 1024));
    for _ in 0..SWEEPS {
        let raised = estimate.sweep(&budget);
        if budget.is_over() {
            return None;
        }
        if !raised {
            return Some(estimate.above.into_iter().map(AtomicU32::into_inner).collect());
        }
    }
    None
}

/// Steps that may still be taken.
struct Budget {
    left: AtomicU64,
    over: AtomicBool,
    /// Something was raised in this sweep.
    raised: AtomicBool,
}

impl Budget {
    fn new(steps: u64) -> Self {
        Self { left: AtomicU64::new(steps), over: AtomicBool::new(false), raised: AtomicBool::new(false) }
    }

    fn is_over(&self) -> bool {
        self.over.load(Relaxed)
    }

    /// What one thread may use before it says how much that was.
    fn purse(&self) -> Purse<'_> {
        let left = self.left.load(Relaxed);
        Purse { budget: self, had: left, left, any: false, raised: Vec::new() }
    }
}

struct Purse<'b> {
    budget: &'b Budget,
    had: u64,
    left: u64,
    /// Something was raised.
    any: bool,
    /// Objects that were raised and whose edges are to be followed again.
    raised: Vec<u32>,
}

impl Drop for Purse<'_> {
    fn drop(&mut self) {
        if self.any {
            self.budget.raised.store(true, Relaxed);
        }
        let used = self.had - self.left;
        let before = self.budget.left.fetch_update(Relaxed, Relaxed, |left| Some(left.saturating_sub(used)));
        if self.left == 0 || before.is_ok_and(|left| left <= used) {
            self.budget.over.store(true, Relaxed);
        }
    }
}

/// The tree as far as it is known. Whatever is above a node in it comes earlier in the order of marking.
struct Estimate<'e> {
    graph: &'e HeapGraph,
    reach: &'e Reachability,
    several: &'e RankedSet,
    holders: &'e HolderTree<'e>,
    /// What is above each object of `several`, by rank. Anything else is below what it was reached from.
    above: Vec<AtomicU32>,
    /// The place in the order of marking of each object that points somewhere, by its number among them.
    place: Vec<AtomicU32>,
}

impl<'e> Estimate<'e> {
    fn new(graph: &'e HeapGraph, reach: &'e Reachability, several: &'e RankedSet, holders: &'e HolderTree<'e>) -> Self {
        let place: Vec<AtomicU32> = (0..graph.pointing().len()).map(|_| AtomicU32::new(0)).collect();
        reach.order().par_iter().enumerate().with_min_len(1 << 12).for_each(|(at, object)| {
            if let Some(index) = graph.pointing().rank(*object as usize) {
                place[index].store(at as u32, Relaxed);
            }
        });
        let above: Vec<AtomicU32> = (0..several.len()).map(|_| AtomicU32::new(0)).collect();
        graph.blocks.blocks().par_iter().with_min_len(MIN_BLOCKS).for_each(|block| {
            for object in block.objects() {
                if let Some(rank) = several.rank(object as usize) {
                    above[rank].store(first_above(reach, holders, object), Relaxed);
                }
            }
        });
        Self { graph, reach, several, holders, above, place }
    }

    /// Raises what each edge leads to; returns whether anything was raised.
    fn sweep(&self, budget: &Budget) -> bool {
        let mut purse = budget.purse();
        for (index, object) in self.reach.counting_roots() {
            let holder = code(Dominator::Holder(self.holders.of(index)));
            self.raise(holder, object, &mut purse);
        }
        purse.raised.clear();
        drop(purse);
        self.graph.blocks.blocks().par_iter().with_min_len(MIN_BLOCKS).for_each(|block| {
            if budget.is_over() {
                return;
            }
            let mut purse = budget.purse();
            for object in block.objects().filter(|o| self.graph.points(*o) && self.reach.is_live(*o)) {
                let row = self.graph.edges(object);
                if row.len() <= LONG {
                    self.follow(object, row, &mut purse);
                    continue;
                }
                row.par_chunks(LONG).for_each(|row| self.follow(object, row, &mut budget.purse()));
            }
        });
        budget.raised.swap(false, Relaxed)
    }

    /// Raises what an object leads to, and what that leads to as far as it was raised: what began at one object is all over
    /// the heap in one sweep.
    fn follow(&self, object: u32, row: &[u32], purse: &mut Purse<'_>) {
        let start = purse.raised.len();
        self.follow_row(object, row, purse);
        while purse.raised.len() > start
            && let Some(raised) = purse.raised.pop()
        {
            purse.left = purse.left.saturating_sub(1);
            self.follow_row(raised, self.graph.edges(raised), purse);
        }
    }

    fn follow_row(&self, object: u32, row: &[u32], purse: &mut Purse<'_>) {
        for (index, &target) in row.iter().enumerate() {
            if let Some(rank) = row.get(index + AHEAD).and_then(|later| self.several.rank(*later as usize)) {
                prefetch(&self.above, rank);
            }
            if target != object && !self.reach.parts().differ(object, target) {
                self.raise(object, target, purse);
            }
        }
    }

    /// Notes that `from`, an object or a holder, leads to `target`.
    #[inline]
    fn raise(&self, from: u32, target: u32, purse: &mut Purse<'_>) {
        let Some(rank) = self.several.rank(target as usize) else { return };
        let mut above = self.above[rank].load(Relaxed);
        while above != from {
            let meeting = self.meet(above, from, purse);
            if meeting == above {
                return;
            }
            // Another thread may have raised it meanwhile, and it stays above all of them.
            match self.above[rank].compare_exchange(above, meeting, Relaxed, Relaxed) {
                Ok(_) => {
                    purse.any = true;
                    if self.graph.points(target) && purse.left > 0 {
                        purse.raised.push(target);
                    }
                    return;
                }
                Err(now) => above = now,
            }
        }
    }

    /// The lowest node that both ways up lead through.
    fn meet(&self, one: u32, other: u32, purse: &mut Purse<'_>) -> u32 {
        let (mut one, mut other) = ((one, self.rank(one)), (other, self.rank(other)));
        while one.0 != other.0 && purse.left > 0 {
            purse.left -= 1;
            let lower = if one.1 >= other.1 { &mut one } else { &mut other };
            let above = self.above(lower.0);
            *lower = (above, self.rank(above));
        }
        one.0
    }

    #[inline]
    fn above(&self, node: u32) -> u32 {
        match decode(node) {
            Dominator::Shared(_) => ENTRY,
            Dominator::Holder(holder) => {
                self.holders.above(holder).map_or(ENTRY, |whole| code(Dominator::Holder(whole)))
            }
            Dominator::Object(object) => match self.several.rank(object as usize) {
                Some(rank) => self.above[rank].load(Relaxed),
                None => first_above(self.reach, self.holders, object),
            },
        }
    }

    /// Larger than that of any node above.
    #[inline]
    fn rank(&self, node: u32) -> u64 {
        match decode(node) {
            Dominator::Shared(_) => 0,
            Dominator::Holder(holder) => 1 + u64::from(self.holders.above(holder).is_some()),
            Dominator::Object(object) => {
                let index = self.graph.pointing().rank(object as usize);
                3 + index.map_or(0, |index| u64::from(self.place[index].load(Relaxed)))
            }
        }
    }
}

/// What an object was reached from.
#[inline]
pub(super) fn first_above(reach: &Reachability, holders: &HolderTree<'_>, object: u32) -> u32 {
    match reach.parent(object) {
        Some(Parent::Object(parent)) => parent,
        Some(Parent::Root(root)) => code(Dominator::Holder(holders.of(root))),
        None => ENTRY,
    }
}
