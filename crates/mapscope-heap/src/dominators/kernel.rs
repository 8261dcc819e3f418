//! The part of a graph whose dominators take work.
//!
//! An object that only one other points to is dominated by that one. If nothing that it leads to can be reached another
//! way either, it has no say in the dominators of the rest, and is left out. What remains, the kernel, is closed upwards:
//! it holds every object with two predecessors, and whatever leads to one. Most of a heap is trees, and leaves.

use std::ops::Range;

use rayon::prelude::*;

use super::Dominator;
use super::semi_nca::{Preorder, immediate_dominators};
use super::shares::{GROUP, Share, Tops};
use crate::bits::{BitSet, RankedSet, SharedBits};
use crate::reach::Parts;
use crate::{HeapGraph, Parent, Reachability};

/// Blocks that one thread looks at in a row, at least.
const MIN_BLOCKS: usize = 64;
/// Members whose edges one thread looks up in a row.
const CHUNK: usize = 1 << 12;
/// A row of more edges than this is shared out among threads.
const LONG: usize = 1 << 15;

/// Who holds which root: roots of one holder count as one predecessor.
#[derive(Clone, Copy, Debug)]
pub struct HolderTree<'h> {
    /// The holder of each root of the reachability; roots beyond the end count for holder 0.
    pub of_root: &'h [u32],
    /// The holder that each is a part of, as a variable is of its goroutine: one that is itself no part. A holder that is
    /// no part of another has its own number here.
    pub above: &'h [u32],
    /// The group of each holder: what several holders of one group share is that group's.
    pub groups: &'h [u32],
}

impl HolderTree<'_> {
    #[inline]
    pub(super) fn of(&self, root: u32) -> u32 {
        self.of_root.get(root as usize).copied().unwrap_or(0)
    }

    /// How many holders there are; without any, all roots are those of one.
    pub(super) fn count(&self) -> u32 {
        (self.above.len() as u32).max(1)
    }

    /// The holder that a holder is a part of.
    pub(super) fn above(&self, holder: u32) -> Option<u32> {
        self.above.get(holder as usize).copied().filter(|above| *above != holder && *above < self.count())
    }

    /// The group of the holder that is no part of another.
    pub(super) fn group(&self, holder: u32) -> u32 {
        let whole = self.above(holder).unwrap_or(holder);
        self.groups.get(whole as usize).copied().unwrap_or(0)
    }
}

/// The objects of the kernel.
pub(super) fn members(graph: &HeapGraph, reach: &Reachability, holders: &HolderTree<'_>) -> RankedSet {
    let mut several = reach.joined().clone();
    for (index, &object) in reach.roots().iter().enumerate().filter(|(index, _)| reach.counts(*index)) {
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
    // Objects that point nowhere were not looked at. What was shut, and no root led to later, is not live.
    for object in several.iter().filter(|o| reach.is_live(*o as u32)) {
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
    /// Who shares what nothing dominates.
    pub(super) shares: Vec<Share>,
}

impl Solved {
    /// The immediate dominator of the member of a rank.
    #[inline]
    pub(super) fn dominator(&self, rank: usize) -> Option<Dominator> {
        self.dominators.get(rank).map(|code| match *code {
            share if share & SHARED == SHARED => Dominator::Shared(share & !SHARED),
            holder if holder & HOLDER != 0 => Dominator::Holder(holder & !HOLDER),
            object => Dominator::Object(object),
        })
    }
}

/// Set in the code of a holder; objects are fewer, and holders by far.
const HOLDER: u32 = 1 << 31;
/// Set in the code of a share.
const SHARED: u32 = 3 << 30;

/// A dominator in four bytes.
fn code(dominator: Dominator) -> u32 {
    match dominator {
        Dominator::Shared(share) => SHARED | share,
        Dominator::Holder(holder) => HOLDER | holder,
        Dominator::Object(object) => object,
    }
}

/// Finds the immediate dominators of all members.
pub(super) fn solve(kernel: Kernel, reach: &Reachability, members: &RankedSet, holders: &HolderTree<'_>) -> Solved {
    if kernel.len() == 0 {
        return Solved::default();
    }
    let Kernel { objects: listed, offsets, targets } = kernel;
    // Listed again at the end: the most memory is in use in between.
    drop(listed);
    let nodes = Nodes {
        rows: (offsets, targets),
        held: held(reach, members, holders),
        parts: parts(holders),
        holders: holders.count(),
    };
    let (vertex, graph) = nodes.preorder();
    let by_number = immediate_dominators(&graph);
    let base = holders.count() + 1;
    let objects = objects(members);
    let mut dominators = vec![0; objects.len()];
    let mut preorder = Vec::with_capacity(objects.len());
    let mut tops = Vec::new();
    for (number, (node, dominator)) in vertex.iter().zip(by_number).enumerate() {
        if let Some(rank) = node.checked_sub(base) {
            let dominator = vertex[dominator as usize];
            dominators[rank as usize] = code(match dominator.checked_sub(base) {
                Some(rank) => Dominator::Object(objects[rank as usize]),
                None if dominator == 0 => Dominator::Shared(0),
                None => Dominator::Holder(dominator - 1),
            });
            if dominator == 0 {
                tops.push(number as u32);
            }
            preorder.push(objects[rank as usize]);
        }
    }
    let mut solved = Solved { preorder, dominators, shares: Vec::new() };
    if !tops.is_empty() {
        solved.share(&Shared { graph, vertex, tops, objects, base }, reach, members, holders);
    }
    solved
}

/// What is needed to say who shares the tops.
struct Shared {
    graph: Preorder,
    /// The node of each number.
    vertex: Vec<u32>,
    /// Numbers of the members that nothing dominates.
    tops: Vec<u32>,
    objects: Vec<u32>,
    /// The node of rank 0.
    base: u32,
}

impl Solved {
    fn share(&mut self, shared: &Shared, reach: &Reachability, members: &RankedSet, holders: &HolderTree<'_>) {
        let Shared { graph, vertex, tops, objects, base } = shared;
        let rank_of = |number: u32| vertex[number as usize].checked_sub(*base);
        // What each member is below, by rank: the index of a top, or a group.
        let mut above = vec![0; objects.len()];
        let mut next = 0;
        for rank in vertex.iter().filter_map(|node| node.checked_sub(*base)) {
            above[rank as usize] = match self.dominator(rank as usize) {
                Some(Dominator::Holder(holder)) => GROUP | holders.group(holder),
                Some(Dominator::Object(object)) => members.rank(object as usize).map_or(0, |rank| above[rank]),
                _ => {
                    next += 1;
                    next - 1
                }
            };
        }
        let first = first_groups(tops.iter().filter_map(|n| rank_of(*n)), |rank| {
            Some(match reach.parent(objects[rank as usize])? {
                Parent::Root(root) => GROUP | holders.group(holders.of(root)),
                Parent::Object(parent) => above[members.rank(parent as usize)?],
            })
        });
        let above = |number: u32| match rank_of(number) {
            Some(rank) => above[rank as usize],
            None => GROUP | holders.group(vertex[number as usize].saturating_sub(1)),
        };
        let (numbers, shares) = Tops { graph, numbers: tops, above }.shares(&first);
        for (top, share) in tops.iter().zip(numbers) {
            if let Some(rank) = rank_of(*top) {
                self.dominators[rank as usize] = code(Dominator::Shared(share));
            }
        }
        self.shares = shares;
    }
}

/// The group that reached each top first. `before` says what a top was reached from: a group, or another top, which was
/// reached before it.
fn first_groups(tops: impl Iterator<Item = u32>, before: impl Fn(u32) -> Option<u32>) -> Vec<u32> {
    let mut first: Vec<u32> = tops.map(|rank| before(rank).unwrap_or(GROUP)).collect();
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

/// Members that each holder holds, by rank, as sparse rows.
fn held(reach: &Reachability, members: &RankedSet, holders: &HolderTree<'_>) -> (Vec<u32>, Vec<u32>) {
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    for (index, &object) in reach.roots().iter().enumerate().filter(|(index, _)| reach.counts(*index)) {
        if let Some(rank) = members.rank(object as usize) {
            pairs.push((holders.of(index as u32), rank as u32));
        }
    }
    rows_of(pairs, holders.count())
}

/// The parts of each holder, as sparse rows; those of the entry are the holders that are no parts.
fn parts(holders: &HolderTree<'_>) -> (Vec<u32>, Vec<u32>) {
    let node = |holder: u32| (holders.above(holder).map_or(0, |above| above + 1), holder + 1);
    rows_of((0..holders.count()).map(node).collect(), holders.count() + 1)
}

/// Pairs of a row below `rows` and what is in it, as sparse rows.
fn rows_of(mut pairs: Vec<(u32, u32)>, rows: u32) -> (Vec<u32>, Vec<u32>) {
    pairs.sort_unstable();
    pairs.dedup();
    let mut offsets = vec![0; rows as usize + 1];
    for (row, _) in &pairs {
        offsets[*row as usize + 1] += 1;
    }
    let mut total = 0;
    for offset in &mut offsets {
        total += *offset;
        *offset = total;
    }
    (offsets, pairs.into_iter().map(|p| p.1).collect())
}

/// Nodes of the kernel's graph: 0 is the entry, then come the holders, then the members by rank.
struct Nodes {
    /// The members that each member points to, as sparse rows.
    rows: (Vec<u32>, Vec<u32>),
    held: (Vec<u32>, Vec<u32>),
    /// The nodes of the parts of the entry and of each holder, as sparse rows.
    parts: (Vec<u32>, Vec<u32>),
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
        let member = |rank: &u32| rank + self.holders + 1;
        if let Some(rank) = node.checked_sub(self.holders + 1) {
            return row(&self.rows.0, &self.rows.1, rank).get(index as usize).map(member);
        }
        let parts = row(&self.parts.0, &self.parts.1, node);
        if let Some(part) = parts.get(index as usize) {
            return Some(*part);
        }
        let held = row(&self.held.0, &self.held.1, node.checked_sub(1)?);
        held.get(index as usize - parts.len()).map(member)
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
