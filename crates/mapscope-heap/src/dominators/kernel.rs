//! The part of a graph whose dominators take work.
//!
//! An object that only one other points to is dominated by that one. If nothing that it leads to can be reached another
//! way either, it has no say in the dominators of the rest, and is left out. What remains, the kernel, is closed upwards:
//! it holds every object with two predecessors, and whatever leads to one. Most of a heap is trees, and leaves.

use std::ops::Range;

use rayon::prelude::*;

use super::Dominator;
use super::semi_nca::{Preorder, immediate_dominators};
use crate::bits::{BitSet, RankedSet, SharedBits};
use crate::{HeapGraph, Parent, Reachability};

/// Blocks that one thread looks at in a row, at least.
const MIN_BLOCKS: usize = 64;
/// Members whose edges one thread looks up in a row.
const CHUNK: usize = 1 << 12;
/// A row of more edges than this is shared out among threads.
const LONG: usize = 1 << 15;

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
    let mut several = reach.joined().clone();
    for (index, &object) in reach.roots().iter().enumerate() {
        let same = match reach.parent(object) {
            Some(Parent::Root(root)) => holders.of(root) == holders.of(index as u32),
            _ => false,
        };
        if !same {
            several.insert(object as usize);
        }
    }
    let kept = SharedBits::new(graph.len());
    // In address order, in which the edges lie.
    graph.blocks.blocks().par_iter().with_min_len(MIN_BLOCKS).for_each(|block| {
        for object in block.objects().filter(|o| graph.points(*o) && reach.is_live(*o)) {
            let leads = |target: &u32| *target != object && several.contains(*target as usize);
            let row = graph.edges(object);
            let any = if row.len() > LONG { row.par_iter().any(leads) } else { row.iter().any(leads) };
            if any || several.contains(object as usize) {
                keep_upwards(&kept, reach, object);
            }
        }
    });
    // Objects that point nowhere were not looked at.
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

/// The kernel as a graph of its own: its members by rank, and the edges between them.
pub(crate) struct Kernel {
    /// The member of each rank.
    pub(crate) objects: Vec<u32>,
    offsets: Vec<u32>,
    targets: Vec<u32>,
}

impl Kernel {
    pub(crate) fn new(graph: &HeapGraph, members: &RankedSet) -> Self {
        let objects = objects(members);
        let rank = |target: &u32| members.rank(*target as usize).map(|rank| rank as u32);
        let count = |object: &u32| {
            let is_member = |target: &&u32| members.contains(**target as usize);
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
        let mut parts = Vec::with_capacity(objects.len().div_ceil(CHUNK));
        for (number, chunk) in objects.chunks(CHUNK).enumerate() {
            let (first, last) = (number * CHUNK, number * CHUNK + chunk.len());
            let (part, more) = rest.split_at_mut((offsets[last] - offsets[first]) as usize);
            parts.push((chunk, part));
            rest = more;
        }
        parts.into_par_iter().for_each(|(chunk, part)| {
            let mut places = part.iter_mut();
            let mut put = |rank| {
                if let Some(place) = places.next() {
                    *place = rank;
                }
            };
            for object in chunk {
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
    let Range { start, end } = offsets[at as usize]..offsets[at as usize + 1];
    &targets[start as usize..end as usize]
}

/// The kernel, solved.
#[derive(Debug, Default)]
pub(super) struct Solved {
    /// Members in an order in which each comes after its dominator.
    pub(super) preorder: Vec<u32>,
    /// Immediate dominator of each member, by rank, as [`code`] writes it.
    dominators: Vec<u32>,
}

impl Solved {
    /// The immediate dominator of the member of a rank.
    #[inline]
    pub(super) fn dominator(&self, rank: usize) -> Option<Dominator> {
        self.dominators.get(rank).map(|code| match *code {
            SHARED => Dominator::Shared,
            holder if holder & HOLDER != 0 => Dominator::Holder(holder & !HOLDER),
            object => Dominator::Object(object),
        })
    }
}

/// Set in the code of a holder; objects are fewer, and so are holders.
const HOLDER: u32 = 1 << 31;
/// The code of [`Dominator::Shared`].
const SHARED: u32 = u32::MAX;

/// A dominator in four bytes.
fn code(dominator: Dominator) -> u32 {
    match dominator {
        Dominator::Shared => SHARED,
        Dominator::Holder(holder) => HOLDER | holder,
        Dominator::Object(object) => object,
    }
}

/// Finds the immediate dominators of all members.
pub(super) fn solve(kernel: Kernel, reach: &Reachability, members: &RankedSet, holders: &Holders<'_>) -> Solved {
    if kernel.len() == 0 {
        return Solved { preorder: Vec::new(), dominators: Vec::new() };
    }
    let Kernel { objects: listed, offsets, targets } = kernel;
    // Listed again at the end: the most memory is in use in between.
    drop(listed);
    let (vertex, graph) =
        Nodes { rows: (offsets, targets), held: held(reach, members, holders), holders: holders.count }.preorder();
    let by_number = immediate_dominators(&graph);
    drop(graph);
    let base = holders.count + 1;
    let objects = objects(members);
    let mut dominators = vec![SHARED; objects.len()];
    let mut preorder = Vec::with_capacity(objects.len());
    for (node, dominator) in vertex.iter().zip(by_number) {
        if let Some(rank) = node.checked_sub(base) {
            let dominator = vertex[dominator as usize];
            dominators[rank as usize] = code(match dominator.checked_sub(base) {
                Some(rank) => Dominator::Object(objects[rank as usize]),
                None if dominator == 0 => Dominator::Shared,
                None => Dominator::Holder(dominator - 1),
            });
            preorder.push(objects[rank as usize]);
        }
    }
    Solved { preorder, dominators }
}

/// Members that each holder holds, by rank, as sparse rows.
fn held(reach: &Reachability, members: &RankedSet, holders: &Holders<'_>) -> (Vec<u32>, Vec<u32>) {
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    for (index, &object) in reach.roots().iter().enumerate() {
        if let Some(rank) = members.rank(object as usize) {
            pairs.push((holders.of(index as u32), rank as u32));
        }
    }
    pairs.sort_unstable();
    pairs.dedup();
    let offsets = (0..=holders.count).map(|h| pairs.partition_point(|p| p.0 < h) as u32).collect();
    (offsets, pairs.into_iter().map(|p| p.1).collect())
}

/// Nodes of the kernel's graph: 0 is the entry, then come the holders, then the members by rank.
struct Nodes {
    /// The members that each member points to, as sparse rows.
    rows: (Vec<u32>, Vec<u32>),
    held: (Vec<u32>, Vec<u32>),
    holders: u32,
}

/// Not met yet.
const UNSEEN: u32 = u32::MAX;

impl Nodes {
    fn len(&self) -> usize {
        self.rows.0.len() + self.holders as usize
    }

    /// The `index`-th successor of a node; `None` at the end.
    #[inline]
    fn successor(&self, node: u32, index: u32) -> Option<u32> {
        if node == 0 {
            return (index < self.holders).then_some(index + 1);
        }
        let row = match node.checked_sub(self.holders + 1) {
            Some(rank) => row(&self.rows.0, &self.rows.1, rank),
            None => row(&self.held.0, &self.held.1, node - 1),
        };
        row.get(index as usize).map(|rank| rank + self.holders + 1)
    }

    /// Numbers the nodes depth first: the node of each number, and the graph in these numbers.
    fn preorder(self) -> (Vec<u32>, Preorder) {
        let mut number = vec![UNSEEN; self.len()];
        let (mut vertex, mut parents) = (Vec::with_capacity(self.len()), Vec::with_capacity(self.len()));
        vertex.push(0u32);
        parents.push(0u32);
        number[0] = 0;
        let mut stack = vec![(0u32, 0u32)];
        while let Some((node, next)) = stack.last_mut() {
            let (node, index) = (*node, *next);
            *next += 1;
            let Some(target) = self.successor(node, index) else {
                stack.pop();
                continue;
            };
            if number[target as usize] == UNSEEN {
                number[target as usize] = vertex.len() as u32;
                vertex.push(target);
                parents.push(number[node as usize]);
                stack.push((target, 0));
            }
        }
        let graph = self.predecessors(&vertex, &number, parents);
        (vertex, graph)
    }

    fn predecessors(&self, vertex: &[u32], number: &[u32], parents: Vec<u32>) -> Preorder {
        let each = |sink: &mut dyn FnMut(u32, u32)| {
            for (from, &node) in vertex.iter().enumerate() {
                let mut index = 0;
                while let Some(target) = self.successor(node, index) {
                    index += 1;
                    sink(from as u32, number[target as usize]);
                }
            }
        };
        // Most nodes have one predecessor, their parent, and need no row.
        let (mut once, mut several) = (BitSet::new(vertex.len()), BitSet::new(vertex.len()));
        each(&mut |_, to| {
            if !once.insert(to as usize) {
                several.insert(to as usize);
            }
        });
        drop(once);
        let several = RankedSet::new(several);
        let mut offsets = vec![0u32; several.len() + 1];
        let mut total = 0;
        each(&mut |_, to| {
            if let Some(rank) = several.rank(to as usize) {
                offsets[rank] += 1;
                total += 1;
            }
        });
        let mut predecessors = vec![0; total];
        let mut total = 0;
        for offset in &mut offsets {
            // The end of the row for now; filling moves it to the start.
            total += *offset;
            *offset = total;
        }
        each(&mut |from, to| {
            if let Some(rank) = several.rank(to as usize) {
                let at = &mut offsets[rank];
                *at -= 1;
                predecessors[*at as usize] = from;
            }
        });
        Preorder { parents, several, offsets, predecessors }
    }
}
