//! Finds the part of a graph whose dominators take work.
//!
//! An object that only one other points to is dominated by that one. If nothing that it leads to can be reached another
//! way either, it has no say in the dominators of the rest, and is left out. What remains, the kernel, is closed upwards:
//! it holds every object with two predecessors, and whatever leads to one. Most of a heap is trees, and leaves.

use rayon::prelude::*;

use super::HolderTree;
use crate::bits::{BitSet, RankedSet, SharedBits};
use crate::blocks::MIN_BLOCKS;
use crate::reach::Parts;
use crate::{HeapGraph, Parent, Reachability};

/// Members whose edges one thread looks up in a row.
const CHUNK: usize = 1 << 12;
/// A row of more edges than this is shared out among threads.
pub(super) const LONG: usize = 1 << 15;

/// The live objects that more than one object or holder points to. Any other is dominated by what it was reached from.
pub(super) fn joined(graph: &HeapGraph, reach: &Reachability, holders: &HolderTree<'_>) -> RankedSet {
    let mut several = BitSet::new(graph.len());
    // What was shut, and no root led to later, is not live.
    for object in reach.joined().iter().filter(|o| reach.is_live(*o as u32)) {
        several.insert(object);
    }
    for (index, object) in reach.counting_roots() {
        let same = match reach.parent(object) {
            Some(Parent::Root(root)) => holders.of(root) == holders.of(index),
            _ => false,
        };
        if !same && reach.is_live(object) {
            several.insert(object as usize);
        }
    }
    RankedSet::new(several)
}

/// The objects of the kernel: those of `several`, as [`joined`] finds them, and all that lead to one.
pub(super) fn members(graph: &HeapGraph, reach: &Reachability, several: &RankedSet) -> RankedSet {
    let kept = SharedBits::new(graph.len());
    // In address order, in which the edges lie.
    graph.blocks.blocks().par_iter().with_min_len(MIN_BLOCKS).for_each(|block| {
        for object in block.objects().filter(|o| reach.is_live(*o)) {
            let leads = |target: &u32| *target != object && several.contains(*target as usize);
            let row = graph.edges(object);
            let any = if row.len() > LONG { row.par_iter().any(leads) } else { row.iter().any(leads) };
            if any || several.contains(object as usize) {
                keep_upwards(&kept, reach, object);
            }
        }
    });
    RankedSet::new(kept.into_set())
}

/// Keeps an object and all that its first way from a root goes through.
fn keep_upwards(kept: &SharedBits, reach: &Reachability, object: u32) {
    let mut at = object;
    while kept.insert(at as usize) {
        let Some(Parent::Object(parent)) = reach.parent(at) else { return };
        at = parent;
    }
}

/// The kernel as a graph of its own: its members by rank, and the edges between them.
pub(crate) struct Kernel {
    /// The member of each rank.
    pub(crate) objects: Vec<u32>,
    offsets: Vec<u32>,
    targets: Vec<u32>,
}

impl Kernel {
    /// The kernel with all edges between its members, but for those between `parts`.
    pub(crate) fn new(graph: &HeapGraph, members: &RankedSet, parts: &Parts) -> Self {
        let objects = objects(members);
        let rank = |target: &u32| members.rank(*target as usize).map(|rank| rank as u32);
        let count = |object: &u32| {
            let part = parts.of(*object);
            let is_member = |target: &&u32| members.contains(**target as usize) && parts.of(**target) == part;
            match graph.edges(*object) {
                row if row.len() > LONG => row.par_iter().filter(is_member).count() as u32,
                row => row.iter().filter(is_member).count() as u32,
            }
        };
        // First how long the rows are, then what is in them: rows made in pieces would be there twice.
        let mut offsets = vec![0; objects.len() + 1];
        offsets[1..]
            .par_iter_mut()
            .zip(objects.par_iter())
            .with_min_len(CHUNK)
            .for_each(|(len, object)| *len = count(object));
        let mut total = 0;
        for end in &mut offsets {
            total += *end;
            *end = total;
        }
        let mut targets = vec![0; total as usize];
        let mut rest = targets.as_mut_slice();
        let mut chunks = Vec::with_capacity(objects.len().div_ceil(CHUNK));
        for (number, chunk) in objects.chunks(CHUNK).enumerate() {
            let (first, last) = (number * CHUNK, number * CHUNK + chunk.len());
            let (part, more) = rest.split_at_mut((offsets[last] - offsets[first]) as usize);
            chunks.push((chunk, part));
            rest = more;
        }
        chunks.into_par_iter().for_each(|(chunk, part)| {
            let mut places = part.iter_mut();
            let mut put = |rank| {
                if let Some(place) = places.next() {
                    *place = rank;
                }
            };
            for object in chunk {
                let part = parts.of(*object);
                let rank = |target: &u32| rank(target).filter(|_| parts.of(*target) == part);
                match graph.edges(*object) {
                    row if row.len() > LONG => {
                        let parts = row.par_chunks(LONG).map(|part| part.iter().filter_map(rank).collect::<Vec<_>>());
                        parts.collect::<Vec<_>>().into_iter().flatten().for_each(&mut put);
                    }
                    row => row.iter().filter_map(rank).for_each(&mut put),
                }
            }
        });
        Self { objects, offsets, targets }
    }

    /// How many members there are.
    pub(crate) fn len(&self) -> usize {
        self.objects.len()
    }

    /// The members that a member points to.
    #[inline]
    pub(crate) fn successors(&self, rank: u32) -> &[u32] {
        row(&self.offsets, &self.targets, rank)
    }
}

fn objects(members: &RankedSet) -> Vec<u32> {
    let mut objects = Vec::with_capacity(members.len());
    objects.extend(members.iter().map(|o| o as u32));
    objects
}

#[inline]
fn row<'t>(offsets: &[u32], targets: &'t [u32], at: u32) -> &'t [u32] {
    &targets[offsets[at as usize] as usize..offsets[at as usize + 1] as usize]
}
