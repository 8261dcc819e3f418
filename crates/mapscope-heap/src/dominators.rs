//! Dominators: what would be freed if an object, a variable or a goroutine went away.
//!
//! The graph has one entry; from it lead edges to *holders* (a variable, a goroutine, a list of the runtime), from each
//! holder to the objects of its roots, and to holders that are parts of it (the variables of a goroutine). An object
//! dominates another when every way from the entry leads through it. What several holders reach by ways of their own is
//! dominated by none of them: it is said who shares it. What only roots of a later rank reach is a part by itself, and
//! pointers from it to the rest count for nothing.

mod by_walk;
mod code;
mod entries;
mod holders;
mod kernel;
mod meet;
mod retained;
mod semi_nca;
mod sets;
mod shares;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod walk;

use code::decode;
pub use holders::HolderTree;
pub(crate) use kernel::Kernel;
pub(crate) use retained::Above;
use retained::Sums;
pub use shares::Share;

use rayon::prelude::*;

use crate::bits::RankedSet;
use crate::{HeapGraph, Parent, Reachability};

/// The walk is for graphs with fewer than one object in so many that several lead to.
const FEW: usize = 64;

/// The immediate dominator of a live object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dominator {
    /// Nothing alone: several holders reach it by ways of their own. A number into [`Dominators::shares`].
    Shared(u32),
    /// A holder.
    Holder(u32),
    /// An object.
    Object(u32),
}

/// The dominator tree of the live objects, with retained sizes in bytes.
pub struct Dominators<'g> {
    graph: &'g HeapGraph,
    reach: &'g Reachability,
    holders: HolderTree<'g>,
    /// The objects that more than one leads to.
    several: RankedSet,
    /// The immediate dominator of each of them, by rank.
    codes: Vec<u32>,
    /// Who shares what nothing dominates.
    shares: Vec<Share>,
    sums: Sums,
}

impl<'g> Dominators<'g> {
    /// Finds the dominator and the retained size of every live object.
    pub fn new(graph: &'g HeapGraph, reach: &'g Reachability, holders: HolderTree<'g>) -> Self {
        let several = kernel::joined(graph, reach, &holders);
        // Where little has a say, the walk is over before the sweeps have looked at everything twice.
        let few = several.len() < graph.len() / FEW;
        let codes = if few { None } else { meet::dominators(graph, reach, &several, &holders) };
        Self::of_codes(graph, reach, holders, several, codes)
    }

    /// With what the sweeps found; without, the walk finds it.
    fn of_codes(
        graph: &'g HeapGraph,
        reach: &'g Reachability,
        holders: HolderTree<'g>,
        several: RankedSet,
        codes: Option<Vec<u32>>,
    ) -> Self {
        let mut codes = codes.unwrap_or_else(|| by_walk::dominators(graph, reach, &several, &holders));
        let shares = shares::share(graph, reach, &several, &holders, &mut codes);
        let mut tree = Self { graph, reach, holders, several, codes, shares, sums: Sums::default() };
        tree.sums = Sums::of(&tree);
        tree
    }

    /// The immediate dominator of a live object; `None` for any other.
    #[inline]
    pub fn of(&self, object: u32) -> Option<Dominator> {
        if let Some(rank) = self.several.rank(object as usize) {
            return self.codes.get(rank).map(|code| decode(*code));
        }
        Some(match self.reach.parent(object)? {
            Parent::Object(parent) => Dominator::Object(parent),
            Parent::Root(root) => Dominator::Holder(self.holders.of(root)),
        })
    }

    /// Bytes that would be freed with an object, itself included; 0 when it is not live.
    pub fn retained(&self, object: u32) -> u64 {
        match self.inner_index(object) {
            Some(index) => self.sums.at(index),
            None if self.reach.is_live(object) => self.graph.blocks.size(object),
            None => 0,
        }
    }

    /// Bytes that would be freed if a holder, with its parts, let go of everything.
    pub fn held(&self, holder: u32) -> u64 {
        self.sums.held.get(holder as usize).copied().unwrap_or(0)
    }

    /// Bytes of what no holder retains alone. With the bytes of all holders that are no parts of others they are all live
    /// bytes.
    pub fn shared(&self) -> u64 {
        self.sums.shared
    }

    /// The objects that have, or lead to one that has, more than one predecessor: what is in no cycle and dominates no more
    /// than its own tree is not among them.
    pub(crate) fn members(&self) -> RankedSet {
        kernel::members(self.graph, self.reach, &self.several)
    }

    /// The graph that the dominators are of.
    pub(crate) fn graph(&self) -> &'g HeapGraph {
        self.graph
    }

    /// How many holders there are, parts of others included.
    pub fn holders(&self) -> u32 {
        self.holders.count()
    }

    /// The holder that a holder is a part of.
    pub fn whole(&self, holder: u32) -> Option<u32> {
        self.holders.above(holder)
    }

    /// The group of a holder.
    pub fn group(&self, holder: u32) -> u32 {
        self.holders.groups.get(holder as usize).copied().unwrap_or(0)
    }

    /// Who shares what several holders reach.
    pub fn shares(&self) -> &[Share] {
        &self.shares
    }

    /// Live objects that point somewhere, each after its dominator.
    pub fn top_down(&self) -> impl DoubleEndedIterator<Item = u32> + '_ {
        // The way by which an object was reached first goes through all that dominates it.
        self.reach.order().iter().copied()
    }

    /// The number of an object among those that point somewhere; `None` for others.
    #[inline]
    pub(crate) fn inner_index(&self, object: u32) -> Option<usize> {
        self.graph.pointing().rank(object as usize)
    }

    /// Bytes that the object with this number among those that point somewhere retains.
    #[inline]
    pub(crate) fn retained_at(&self, index: usize) -> u64 {
        self.sums.at(index)
    }

    /// What is above an object that points nowhere, or above any other that was looked up by [`Dominators::of`].
    #[inline]
    pub(crate) fn above(&self, dominator: Dominator) -> Above {
        retained::above(self.graph.pointing(), dominator)
    }

    /// What is above the object with this number among those that point somewhere.
    #[inline]
    pub(crate) fn above_at(&self, index: usize) -> Above {
        self.sums.above_at(index)
    }

    /// The numbers of the live objects that point somewhere, each after its dominator's.
    pub(crate) fn numbers_top_down(&self) -> Vec<u32> {
        let mut numbers: Vec<u32> = self.top_down().collect();
        let inner = self.graph.pointing();
        numbers.par_iter_mut().for_each(|o| *o = inner.rank(*o as usize).unwrap_or(0) as u32);
        numbers
    }
}
