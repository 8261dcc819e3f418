//! The part of a graph whose dominators take work.
//!
//! An object that only one other points to is dominated by that one. If nothing that it leads to can be reached another
//! way either, it has no say in the dominators of the rest, and is left out. What remains, the kernel, is closed upwards:
//! it holds every object with two predecessors, and whatever leads to one. Most of a heap is trees, and leaves.

use rayon::prelude::*;

use super::Dominator;
use super::semi_nca::{Preorder, immediate_dominators};
use crate::bits::{RankedSet, SharedBits};
use crate::{HeapGraph, Parent, Reachability};

/// Blocks that one thread looks at in a row, at least.
const MIN_BLOCKS: usize = 64;

/// Who holds which root: roots of one holder count as one predecessor.
pub(super) struct Holders<'h> {
    /// The holder of each root of the reachability.
    pub(super) of_root: &'h [u32],
    pub(super) count: u32,
}

impl Holders<'_> {
    #[inline]
    pub(super) fn of(&self, root: u32) -> u32 {
        self.of_root.get(root as usize).copied().unwrap_or(0)
    }
}

/// The objects of the kernel.
pub(super) fn members(graph: &HeapGraph, reach: &Reachability, holders: &Holders<'_>) -> RankedSet {
    let several = SharedBits::new(graph.len());
    for (index, &object) in reach.roots().iter().enumerate() {
        let same = match reach.parent(object) {
            Some(Parent::Root(root)) => holders.of(root) == holders.of(index as u32),
            _ => false,
        };
        if !same && (object as usize) < graph.len() {
            several.insert(object as usize);
        }
    }
    // In address order, in which the edges lie.
    let blocks = || graph.blocks.blocks().par_iter().with_min_len(MIN_BLOCKS);
    blocks().for_each(|block| {
        for object in block.objects().filter(|o| graph.points(*o) && reach.is_live(*o)) {
            for &target in graph.edges(object) {
                if target != object && reach.parent(target) != Some(Parent::Object(object)) {
                    several.insert(target as usize);
                }
            }
        }
    });
    let kept = SharedBits::new(graph.len());
    blocks().for_each(|block| {
        for object in block.objects().filter(|o| graph.points(*o) && reach.is_live(*o)) {
            let leads = |target: &u32| *target != object && several.contains(*target as usize);
            if several.contains(object as usize) || graph.edges(object).iter().any(leads) {
                keep_upwards(&kept, reach, object);
            }
        }
    });
    // Objects that point nowhere are not in the order.
    let several = several.into_set();
    for object in several.iter() {
        kept.insert(object);
    }
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

/// The kernel, solved.
#[derive(Debug, Default)]
pub(super) struct Solved {
    /// Members in an order in which each comes after its dominator.
    pub(super) preorder: Vec<u32>,
    /// Immediate dominator of each member, by rank.
    pub(super) dominators: Vec<Dominator>,
}

/// Nodes of the kernel's graph: 0 is the entry, then come the holders, then the members by rank.
///
/// Finds the immediate dominators of all members.
pub(super) fn solve(graph: &HeapGraph, reach: &Reachability, members: &RankedSet, holders: &Holders<'_>) -> Solved {
    if members.len() == 0 {
        return Solved { preorder: Vec::new(), dominators: Vec::new() };
    }
    let objects: Vec<u32> = members.iter().map(|o| o as u32).collect();
    let nodes =
        Nodes { graph, members, objects: &objects, held: held(reach, members, holders), holders: holders.count };
    let (vertex, graph) = nodes.preorder();
    let by_number = immediate_dominators(&graph);
    let base = holders.count + 1;
    let mut dominators = vec![Dominator::Shared; objects.len()];
    let mut preorder = Vec::with_capacity(objects.len());
    for (node, dominator) in vertex.iter().zip(by_number) {
        if let Some(rank) = node.checked_sub(base) {
            let dominator = vertex[dominator as usize];
            dominators[rank as usize] = match dominator.checked_sub(base) {
                Some(rank) => Dominator::Object(objects[rank as usize]),
                None if dominator == 0 => Dominator::Shared,
                None => Dominator::Holder(dominator - 1),
            };
            preorder.push(objects[rank as usize]);
        }
    }
    Solved { preorder, dominators }
}

/// Members that each holder holds, as sparse rows.
fn held(reach: &Reachability, members: &RankedSet, holders: &Holders<'_>) -> (Vec<u32>, Vec<u32>) {
    let base = holders.count + 1;
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    for (index, &object) in reach.roots().iter().enumerate() {
        if let Some(rank) = members.rank(object as usize) {
            pairs.push((holders.of(index as u32), base + rank as u32));
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    let offsets = (0..=holders.count).map(|h| pairs.partition_point(|p| p.0 < h) as u32).collect();
    (offsets, pairs.into_iter().map(|p| p.1).collect())
}

struct Nodes<'n> {
    graph: &'n HeapGraph,
    members: &'n RankedSet,
    objects: &'n [u32],
    held: (Vec<u32>, Vec<u32>),
    holders: u32,
}

/// Not met yet.
const UNSEEN: u32 = u32::MAX;
/// Not of the kernel.
const OUTSIDE: u32 = u32::MAX;

impl Nodes<'_> {
    fn len(&self) -> usize {
        self.objects.len() + self.holders as usize + 1
    }

    /// The `index`-th successor of a node, [`OUTSIDE`] for one that is no member; `None` at the end.
    #[inline]
    fn successor(&self, node: u32, index: u32) -> Option<u32> {
        if node == 0 {
            return (index < self.holders).then_some(index + 1);
        }
        if node <= self.holders {
            let (offsets, held) = &self.held;
            let row = &held[offsets[node as usize - 1] as usize..offsets[node as usize] as usize];
            return row.get(index as usize).copied();
        }
        let object = self.objects[(node - self.holders - 1) as usize];
        let target = *self.graph.edges(object).get(index as usize)?;
        Some(self.members.rank(target as usize).map_or(OUTSIDE, |rank| rank as u32 + self.holders + 1))
    }

    /// Numbers the nodes depth first: the node of each number, and the graph in these numbers.
    fn preorder(&self) -> (Vec<u32>, Preorder) {
        let mut number = vec![UNSEEN; self.len()];
        let (mut vertex, mut parents) = (vec![0u32], vec![0u32]);
        number[0] = 0;
        let mut predecessors = 0usize;
        let mut stack = vec![(0u32, 0u32)];
        while let Some((node, next)) = stack.last_mut() {
            let (node, index) = (*node, *next);
            *next += 1;
            match self.successor(node, index) {
                None => drop(stack.pop()),
                Some(OUTSIDE) => {}
                Some(target) => {
                    predecessors += 1;
                    if number[target as usize] == UNSEEN {
                        number[target as usize] = vertex.len() as u32;
                        vertex.push(target);
                        parents.push(number[node as usize]);
                        stack.push((target, 0));
                    }
                }
            }
        }
        let graph = self.predecessors(&vertex, &number, parents, predecessors);
        (vertex, graph)
    }

    fn predecessors(&self, vertex: &[u32], number: &[u32], parents: Vec<u32>, count: usize) -> Preorder {
        let each = |sink: &mut dyn FnMut(u32, u32)| {
            for (from, &node) in vertex.iter().enumerate() {
                let mut index = 0;
                while let Some(target) = self.successor(node, index) {
                    index += 1;
                    if target != OUTSIDE {
                        sink(from as u32, number[target as usize]);
                    }
                }
            }
        };
        let mut offsets = vec![0u32; vertex.len() + 1];
        each(&mut |_, to| offsets[to as usize] += 1);
        let mut total = 0;
        for offset in &mut offsets {
            // The end of the row for now; filling moves it to the start.
            total += *offset;
            *offset = total;
        }
        let mut predecessors = vec![0; count];
        each(&mut |from, to| {
            let at = &mut offsets[to as usize];
            *at -= 1;
            predecessors[*at as usize] = from;
        });
        Preorder { parents, offsets, predecessors }
    }
}
