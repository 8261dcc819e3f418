//! The dominator tree with equal things put together: who holds what, by kind and not one by one.
//!
//! Objects of one class under one node of the merged tree are one node. An object below another of its class joins that
//! one's node: a list of a million elements is one node, and what its elements hold is below it. So no class appears
//! twice on a way from the top, and a class retains the sum of what its nodes retain.

mod fold;

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::dominators::Above;
use crate::{Dominators, HeapGraph, Share};

/// What a node of the merged tree stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Label {
    /// The whole heap; the first node, and no other.
    All,
    /// What holders of several groups share: a number into [`Dominators::shares`].
    Shared(u32),
    /// Holders of one group: below the node of another group, parts of its holders.
    Holders(u32),
    /// Objects of one class.
    Class(u32),
}

/// One node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergedNode {
    /// What it stands for.
    pub label: Label,
    /// Index of the node above; that of the first is its own.
    pub above: u32,
    /// Objects; 0 for holders, which are not objects.
    pub count: u64,
    /// Their own bytes.
    pub bytes: u64,
    /// Bytes of the node and of all below it.
    pub retained: u64,
    /// The object that retains most, and its bytes; `None` for holders.
    pub largest: Option<(u64, u32)>,
}

/// What is counted for a node.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    objects: u64,
    bytes: u64,
    largest: Option<(u64, u32)>,
}

impl Count {
    #[inline]
    fn object(&mut self, object: u32, bytes: u64, retained: u64) {
        // Of equal ones the first in address order, so that the same heap gives the same tree.
        let largest = self.largest.filter(|(most, first)| (*most, object) >= (retained, *first));
        *self = Self {
            objects: self.objects + 1,
            bytes: self.bytes + bytes,
            largest: largest.or(Some((retained, object))),
        };
    }

    fn add(&mut self, other: &Self) {
        let largest = [self.largest, other.largest].into_iter().flatten();
        let largest = largest.max_by_key(|(retained, object)| (*retained, std::cmp::Reverse(*object)));
        *self = Self { objects: self.objects + other.objects, bytes: self.bytes + other.bytes, largest };
    }
}

/// The merged dominator tree; each node comes after the one above it.
#[derive(Clone, Debug, Default)]
pub struct MergedTree {
    /// The nodes, the whole heap first.
    pub nodes: Vec<MergedNode>,
}

/// Counts of nodes by number, and of those that may not be made yet by (above, class).
type Counts = (Vec<Count>, FxHashMap<(u32, u32), Count>);

impl MergedTree {
    /// Merges by `class_of_type`, from the numbers in the graph's type column, and by the holders' groups. Types beyond the
    /// end are of class 0.
    pub fn new(graph: &HeapGraph, tree: &Dominators<'_>, class_of_type: &[u32]) -> Self {
        let class = |object| class_of_type.get(graph.type_of(object) as usize).copied().unwrap_or(0);
        let mut builder = Builder::new(tree);
        // The node of each object that can have others below it; before it is known, the object's class.
        let column: Vec<AtomicU32> = (0..graph.pointing().len()).map(|_| AtomicU32::new(0)).collect();
        graph.blocks.blocks().par_iter().with_min_len(256).for_each(|block| {
            for object in block.objects() {
                if let Some(node) = tree.inner_index(object).and_then(|index| column.get(index)) {
                    node.store(class(object), Relaxed);
                }
            }
        });
        let mut nodes: Vec<u32> = column.into_iter().map(AtomicU32::into_inner).collect();
        for number in tree.numbers_top_down() {
            let above = place(&builder.tops, &nodes, tree.above_at(number as usize));
            nodes[number as usize] = builder.enter(above, nodes[number as usize]);
        }
        let (labelled, tops) = (builder.nodes.len(), &builder.tops);
        let empty = || (vec![Count::default(); labelled], FxHashMap::default());
        let count = |(mut known, mut rest): Counts, block: &crate::Block| {
            // Neighbours are alike: most of them go where the last one went.
            let mut last = ((u32::MAX, u32::MAX), Count::default());
            for object in block.objects() {
                let Some(dominator) = tree.of(object) else { continue };
                if let Some(index) = tree.inner_index(object) {
                    known[nodes[index] as usize].object(object, block.slot_size, tree.retained_at(index));
                    continue;
                }
                let key = (place(tops, &nodes, tree.above(dominator)), class(object));
                if key != last.0 {
                    add(&mut rest, last);
                    last = (key, Count::default());
                }
                last.1.object(object, block.slot_size, block.slot_size);
            }
            add(&mut rest, last);
            (known, rest)
        };
        let blocks = graph.blocks.blocks().par_iter().with_min_len(1024);
        let (known, rest) = blocks.fold(empty, count).reduce(empty, join);
        builder.finish(&known, rest)
    }

    /// Objects, their bytes, and the bytes they retain together, of each class below `classes`.
    pub fn by_class(&self, classes: usize) -> Vec<(u64, u64, u64)> {
        let mut sums = vec![(0, 0, 0); classes];
        for node in &self.nodes {
            if let Label::Class(class) = node.label
                && let Some(sum) = sums.get_mut(class as usize)
            {
                *sum = (sum.0 + node.count, sum.1 + node.bytes, sum.2 + node.retained);
            }
        }
        sums
    }
}

#[inline]
fn place(tops: &Tops, nodes: &[u32], above: Above) -> u32 {
    let node = match above {
        Above::Shared(share) => tops.shares.get(share as usize),
        Above::Holder(holder) => tops.holders.get(holder as usize),
        Above::Inner(number) => nodes.get(number as usize),
    };
    node.copied().unwrap_or(0)
}

fn add(counts: &mut FxHashMap<(u32, u32), Count>, (key, count): ((u32, u32), Count)) {
    if count.objects > 0 {
        counts.entry(key).or_default().add(&count);
    }
}

fn join((mut known, mut rest): Counts, other: Counts) -> Counts {
    for (sum, more) in known.iter_mut().zip(&other.0) {
        sum.add(more);
    }
    for counted in other.1 {
        add(&mut rest, counted);
    }
    (known, rest)
}

const NEW: MergedNode = MergedNode { label: Label::All, above: 0, count: 0, bytes: 0, retained: 0, largest: None };

/// The nodes that stand for no objects.
struct Tops {
    /// The node of each holder.
    holders: Vec<u32>,
    /// The node of each share.
    shares: Vec<u32>,
}

struct Builder {
    nodes: Vec<MergedNode>,
    tops: Tops,
    /// Where an object of a class below a node goes.
    known: FxHashMap<(u32, u32), u32>,
    last: ((u32, u32), u32),
}

impl Builder {
    fn new(tree: &Dominators<'_>) -> Self {
        let mut nodes = vec![NEW];
        let mut known = FxHashMap::default();
        let mut node = |label, above| {
            *known.entry((above, label)).or_insert_with(|| {
                nodes.push(MergedNode { label, above, ..NEW });
                nodes.len() as u32 - 1
            })
        };
        let group = |holder| Label::Holders(tree.group(holder));
        let holders = (0..tree.holders()).map(|holder| {
            let above = tree.whole(holder).map_or(0, |whole| node(group(whole), 0));
            node(group(holder), above)
        });
        let holders = holders.collect();
        let shares = (0..).zip(tree.shares()).map(|(number, share)| match share {
            // Several holders of one group.
            Share { group, others: 0, more: false } => node(Label::Holders(*group), 0),
            _ => node(Label::Shared(number), 0),
        });
        let shares = shares.collect();
        Self { nodes, tops: Tops { holders, shares }, known: FxHashMap::default(), last: ((u32::MAX, u32::MAX), 0) }
    }

    #[inline]
    fn enter(&mut self, above: u32, class: u32) -> u32 {
        let key = (above, class);
        if self.last.0 != key {
            let node = match self.known.get(&key) {
                Some(node) => *node,
                None => self.meet(above, class),
            };
            self.last = (key, node);
        }
        self.last.1
    }

    /// The node of the class at or above `above`; a new one when there is none.
    fn meet(&mut self, above: u32, class: u32) -> u32 {
        let mut at = above;
        let node = loop {
            let node = &self.nodes[at as usize];
            if node.label == Label::Class(class) {
                break at;
            }
            if at == node.above {
                self.nodes.push(MergedNode { label: Label::Class(class), above, ..NEW });
                break self.nodes.len() as u32 - 1;
            }
            at = node.above;
        };
        self.known.insert((above, class), node);
        node
    }

    fn finish(mut self, known: &[Count], rest: FxHashMap<(u32, u32), Count>) -> MergedTree {
        let mut counts = known.to_vec();
        // In a fixed order, so that the same heap gives the same tree.
        let mut rest: Vec<_> = rest.into_iter().collect();
        rest.sort_unstable_by_key(|r| r.0);
        for ((above, class), count) in rest {
            let node = self.enter(above, class) as usize;
            counts.resize(self.nodes.len(), Count::default());
            counts[node].add(&count);
        }
        for (node, count) in self.nodes.iter_mut().zip(counts) {
            (node.count, node.bytes, node.largest) = (count.objects, count.bytes, count.largest);
        }
        for index in (0..self.nodes.len()).rev() {
            self.nodes[index].retained += self.nodes[index].bytes;
            let MergedNode { above, retained, .. } = self.nodes[index];
            if above as usize != index {
                self.nodes[above as usize].retained += retained;
            }
        }
        MergedTree { nodes: self.nodes }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{BlockTable, EdgeRows, HolderTree, Reachability};

    #[test]
    fn a_list_is_one_node_and_what_it_holds_is_below_it() {
        // Holder 0: a list 0 -> 1 -> 2, each with a leaf of its own (3, 4, 5). Holders 1 and 2: 6, which they share.
        let edges: [&[u32]; 8] = [&[1, 3], &[2, 4], &[5], &[], &[], &[], &[7], &[]];
        let mut rows = EdgeRows::new(0);
        for row in edges {
            rows.push_row(row.iter().copied());
        }
        let graph = HeapGraph::new(BlockTable::new(vec![(0x2000, 16, 8)]).unwrap(), vec![rows]).unwrap();
        for (object, class) in [1, 1, 1, 2, 2, 2, 3, 2].into_iter().enumerate() {
            graph.types()[object].store(class, std::sync::atomic::Ordering::Relaxed);
        }
        let reach = Reachability::from_roots(&graph, [0, 6, 6]);
        let holders = HolderTree { of_root: &[0, 1, 2], above: &[0, 1, 2], groups: &[7, 8, 9] };
        let tree = Dominators::new(&graph, &reach, holders);
        let merged = MergedTree::new(&graph, &tree, &[0, 10, 20, 30]);
        let text = |n: &MergedNode| (n.label, merged.nodes[n.above as usize].label, n.count, n.bytes, n.retained);
        let nodes: Vec<_> = merged.nodes.iter().map(text).collect();
        let (all, shared, list) = (Label::All, Label::Shared(0), Label::Class(10));
        assert_eq!(
            nodes,
            [
                (all, all, 0, 0, 128),
                (Label::Holders(7), all, 0, 0, 96),
                (Label::Holders(8), all, 0, 0, 0),
                (Label::Holders(9), all, 0, 0, 0),
                (shared, all, 0, 0, 32),
                (list, Label::Holders(7), 3, 48, 96),
                (Label::Class(30), shared, 1, 16, 32),
                (Label::Class(20), list, 3, 48, 48),
                (Label::Class(20), Label::Class(30), 1, 16, 16),
            ]
        );
        assert_eq!(tree.shares(), [Share { group: 8, others: 1, more: false }]);
        assert_eq!((merged.nodes[5].largest, merged.nodes[7].largest), (Some((96, 0)), Some((16, 3))));
        assert_eq!(merged.by_class(31)[20], (4, 64, 64));
        assert_eq!(merged.by_class(31)[10], (3, 48, 96));
        // Of one group, the two are one; of two parts of one holder, each is below it, and what they share is its own.
        for (above, groups) in [([0, 1, 2], [7, 8, 8]), ([0, 0, 0], [7, 8, 9])] {
            let holders = HolderTree { of_root: &[0, 1, 2], above: &above, groups: &groups };
            let tree = Dominators::new(&graph, &reach, holders);
            let merged = MergedTree::new(&graph, &tree, &[0, 10, 20, 30]);
            let class = merged.nodes.iter().find(|n| n.label == Label::Class(30)).unwrap();
            let whole = groups[above[1] as usize];
            assert_eq!(merged.nodes[class.above as usize].label, Label::Holders(whole), "{above:?}");
            let top: u64 = merged.nodes.iter().skip(1).filter(|n| n.above == 0).map(|n| n.retained).sum();
            assert_eq!((top, merged.nodes[0].retained), (128, 128));
        }
    }
}
