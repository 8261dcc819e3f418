//! Says who shares what nothing dominates: for each object that ways of several holders lead to, the group of the holder
//! that reached it first, and how many other groups there are.
//!
//! The tops of the dominator tree are such objects. A top is reached by whoever holds a predecessor of it, and by whoever
//! reaches the top above a predecessor. One depth-first pass against the pointers visits each top once, and gives all tops
//! of a cycle together what leads to any of them (Tarjan's components come out in that order).

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::code::{ENTRY, code, decode};
use super::kernel::LONG;
use super::meet::first_above;
use super::sets::{EMPTY, Sets};
use super::{Dominator, HolderTree};
use crate::bits::{BitSet, RankedSet};
use crate::blocks::MIN_BLOCKS;
use crate::{HeapGraph, Reachability};

/// Set in what an object is below when that is not a top but a holder; the rest is the holder's group.
const GROUP: u32 = 1 << 31;

/// Who shares an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Share {
    /// The group of the holder that reached it first.
    pub group: u32,
    /// Other groups that lead to it. Without any, it is shared by several holders of one group.
    pub others: u32,
    /// There are more than that.
    pub more: bool,
}

/// Says who shares each object that nothing dominates: puts the number of a share into its place in `dominators`, the
/// codes of the objects of `several`, and returns the shares.
pub(super) fn share(
    graph: &HeapGraph,
    reach: &Reachability,
    several: &RankedSet,
    holders: &HolderTree<'_>,
    dominators: &mut [u32],
) -> Vec<Share> {
    let Some(tops) = Tops::of(graph, reach, several, holders, dominators) else { return Vec::new() };
    let (numbers, shares) = tops.shares();
    for (top, number) in tops.set.iter().zip(numbers) {
        if let Some(rank) = several.rank(top) {
            dominators[rank] = code(Dominator::Shared(number));
        }
    }
    shares
}

/// The tops of a dominator tree, and what leads to each: tops by number, or [`GROUP`] and the group of a holder.
struct Tops {
    set: RankedSet,
    /// What leads to each, as sparse rows.
    starts: Vec<u32>,
    from: Vec<u32>,
    /// What each was reached from first.
    first: Vec<u32>,
}

impl Tops {
    /// `None` when there are none.
    fn of(
        graph: &HeapGraph,
        reach: &Reachability,
        several: &RankedSet,
        holders: &HolderTree<'_>,
        dominators: &[u32],
    ) -> Option<Self> {
        let mut set = BitSet::new(graph.len());
        for (object, _) in several.iter().zip(dominators).filter(|(_, dominator)| **dominator == ENTRY) {
            set.insert(object);
        }
        let set = RankedSet::new(set);
        if set.len() == 0 {
            return None;
        }
        let below = Below::of(graph, reach, several, holders, dominators, &set);
        let first = set.iter().map(|top| below.what(first_above(reach, holders, top as u32))).collect();
        let (starts, from) = rows(reach, &set, &below);
        Some(Self { set, starts, from, first })
    }

    /// What leads to a top.
    fn row(&self, top: u32) -> &[u32] {
        &self.from[self.starts[top as usize] as usize..self.starts[top as usize + 1] as usize]
    }

    /// Who shares each top, by number in the list.
    fn shares(&self) -> (Vec<u32>, Vec<Share>) {
        let len = self.set.len();
        let (found, low) = (vec![EMPTY; len], vec![UNSEEN; len]);
        let (waiting, frames) = (Vec::new(), Vec::new());
        let mut pass = Pass { tops: self, sets: Sets::new(), found, low, visited: 0, waiting, frames };
        for top in 0..len as u32 {
            pass.visit(top);
        }
        let Pass { sets, mut found, .. } = pass;
        let (mut shares, mut numbers) = (Vec::new(), FxHashMap::default());
        for (set, group) in found.iter_mut().zip(first_groups(self.first.clone())) {
            let all = &sets.all[*set as usize];
            let among = all.groups().contains(&group);
            let others = all.groups().len() as u32 - u32::from(among);
            let share = Share { group, others, more: all.more };
            *set = *numbers.entry(share).or_insert_with(|| {
                shares.push(share);
                shares.len() as u32 - 1
            });
        }
        (found, shares)
    }
}

/// What each object that points somewhere is below: a top, or [`GROUP`] and the group of a holder.
struct Below<'b> {
    graph: &'b HeapGraph,
    holders: &'b HolderTree<'b>,
    /// By the number of the object among those that point somewhere.
    column: Vec<u32>,
}

impl<'b> Below<'b> {
    fn of(
        graph: &'b HeapGraph,
        reach: &Reachability,
        several: &RankedSet,
        holders: &'b HolderTree<'b>,
        dominators: &[u32],
        tops: &RankedSet,
    ) -> Self {
        let mut below = Self { graph, holders, column: vec![GROUP; graph.pointing().len()] };
        // What dominates an object was reached before it.
        for object in reach.order() {
            let dominator = match several.rank(*object as usize) {
                Some(rank) => dominators[rank],
                None => first_above(reach, holders, *object),
            };
            let what = match tops.rank(*object as usize) {
                Some(top) => top as u32,
                None => below.what(dominator),
            };
            if let Some(index) = graph.pointing().rank(*object as usize) {
                below.column[index] = what;
            }
        }
        below
    }

    /// What an object is below, or what a holder is.
    #[inline]
    fn what(&self, node: u32) -> u32 {
        match decode(node) {
            Dominator::Object(object) => {
                self.graph.pointing().rank(object as usize).map_or(GROUP, |index| self.column[index])
            }
            Dominator::Holder(holder) => GROUP | self.holders.group(holder),
            Dominator::Shared(_) => GROUP,
        }
    }
}

/// What leads to each top, as sparse rows: where each row starts and where the last ends, and the rows.
fn rows(reach: &Reachability, tops: &RankedSet, below: &Below<'_>) -> (Vec<u32>, Vec<u32>) {
    let roots = || {
        reach.counting_roots().filter_map(|(index, object)| {
            let holder = code(Dominator::Holder(below.holders.of(index)));
            Some((tops.rank(object as usize)?, below.what(holder)))
        })
    };
    let mut starts: Vec<AtomicU32> = (0..=tops.len()).map(|_| AtomicU32::new(0)).collect();
    each_edge(reach, tops, below, |top, _| {
        starts[top].fetch_add(1, Relaxed);
    });
    roots().for_each(|(top, _)| *starts[top].get_mut() += 1);
    let mut total = 0;
    for start in &mut starts {
        // The end of the row for now; filling moves it to the start.
        total += *start.get_mut();
        *start.get_mut() = total;
    }
    let from: Vec<AtomicU32> = (0..total).map(|_| AtomicU32::new(GROUP)).collect();
    let put = |top: usize, leads: u32| {
        let at = starts[top].fetch_sub(1, Relaxed) - 1;
        from[at as usize].store(leads, Relaxed);
    };
    each_edge(reach, tops, below, put);
    roots().for_each(|(top, group)| put(top, group));
    let plain = |column: Vec<AtomicU32>| column.into_iter().map(AtomicU32::into_inner).collect();
    (plain(starts), plain(from))
}

/// Calls `sink` for each pointer to a top, with the top and what the pointing object is below, unless that is the top.
fn each_edge(reach: &Reachability, tops: &RankedSet, below: &Below<'_>, sink: impl Fn(usize, u32) + Sync) {
    let graph = below.graph;
    graph.blocks.blocks().par_iter().with_min_len(MIN_BLOCKS).for_each(|block| {
        for object in block.objects().filter(|o| graph.points(*o) && reach.is_live(*o)) {
            let from = below.what(object);
            let follow = |target: &u32| {
                if let Some(top) = tops.rank(*target as usize)
                    && from != top as u32
                    && !reach.parts().differ(object, *target)
                {
                    sink(top, from);
                }
            };
            let row = graph.edges(object);
            if row.len() > LONG { row.par_iter().for_each(follow) } else { row.iter().for_each(follow) }
        }
    });
}

/// The group that reached each top first, from what each was reached from: a group, or another top, which was reached
/// before it.
fn first_groups(mut first: Vec<u32>) -> Vec<u32> {
    let mut way = Vec::new();
    for top in 0..first.len() {
        let mut at = top;
        while first[at] & GROUP == 0 && way.len() <= first.len() {
            way.push(at);
            at = first[at] as usize;
        }
        let group = first[at];
        way.drain(..).for_each(|top| first[top] = group);
    }
    first.iter().map(|group| group & !GROUP).collect()
}

/// Not visited.
const UNSEEN: u32 = 0;
/// All that leads to it is known.
const DONE: u32 = u32::MAX;

/// A top whose predecessors are being looked at.
struct Frame<'t> {
    top: u32,
    /// What leads to it and has not been looked at.
    rest: &'t [u32],
    /// Its place in the order of visits.
    index: u32,
}

/// The pass over all tops.
struct Pass<'t> {
    tops: &'t Tops,
    sets: Sets,
    /// The groups known to lead to each top.
    found: Vec<u32>,
    /// [`UNSEEN`], the lowest place in the order of visits that is known to lead to it, or [`DONE`].
    low: Vec<u32>,
    visited: u32,
    waiting: Vec<u32>,
    frames: Vec<Frame<'t>>,
}

impl Pass<'_> {
    fn visit(&mut self, top: u32) {
        if self.low[top as usize] == UNSEEN {
            self.enter(top);
        }
        while let Some(frame) = self.frames.last_mut() {
            let top = frame.top;
            let Some((&above, rest)) = frame.rest.split_first() else {
                self.leave();
                continue;
            };
            frame.rest = rest;
            if above & GROUP != 0 {
                let set = self.sets.of_group(above & !GROUP);
                self.add(top, set);
            } else if self.low[above as usize] == UNSEEN {
                self.enter(above);
            } else if self.low[above as usize] == DONE {
                self.add(top, self.found[above as usize]);
            } else {
                self.low[top as usize] = self.low[top as usize].min(self.low[above as usize]);
            }
        }
    }

    fn add(&mut self, top: u32, set: u32) {
        self.found[top as usize] = self.sets.union(self.found[top as usize], set);
    }

    fn enter(&mut self, top: u32) {
        // Fewer objects than numbers.
        self.visited += 1;
        self.low[top as usize] = self.visited;
        self.waiting.push(top);
        self.frames.push(Frame { top, rest: self.tops.row(top), index: self.visited });
    }

    fn leave(&mut self) {
        let Some(Frame { top, index, .. }) = self.frames.pop() else { return };
        let set = self.found[top as usize];
        if self.low[top as usize] == index {
            while let Some(member) = self.waiting.pop() {
                self.low[member as usize] = DONE;
                self.found[member as usize] = set;
                if member == top {
                    break;
                }
            }
        }
        if let Some(above) = self.frames.last().map(|f| f.top) {
            self.add(above, set);
            if self.low[top as usize] != DONE {
                self.low[above as usize] = self.low[above as usize].min(self.low[top as usize]);
            }
        }
    }
}
