//! The data of a report: the inspection, the whole tree as far as it fits, and pictures of the largest maps.

use std::cmp::Reverse;
use std::collections::HashMap;

use mapscope_go::{GoroutineCensus, Session};
use mapscope_heap::{GroupFill, MergedNode};
use mapscope_report::model::{GroupState, Inspection, MapRef, NodeKind, Occupancy, Report, Tree, TreeNode};

use super::dominators::Names;
use super::goroutines;

/// Nodes of the tree at most, the largest: with as many, a report stays below 5 MB. The rest is one node at each place.
const NODES: usize = 100_000;

/// Maps with a picture at most, and the fewest slots that make one worth looking at.
const PICTURES: usize = 64;
const PICTURE_SLOTS: u64 = 64;

/// Everything that the reader found out.
pub(crate) fn report(session: &Session<'_>, inspection: Inspection, census: &GoroutineCensus) -> Report {
    let taken_at = inspection.target.taken_at.as_deref().and_then(mapscope_report::seconds);
    Report {
        taken_at: taken_at.filter(|_| inspection.target.kind == "process").map(|seconds| seconds as u64),
        tree: Cut::new(&session.merged_dominators().nodes, NODES).tree(&Names::new(session)),
        occupancy: pictures(session),
        goroutines: Some(goroutines::list(census, &inspection)),
        diff: None,
        inspection,
    }
}

fn pictures(session: &Session<'_>) -> Vec<Occupancy> {
    let large = |map: &MapRef<'_>| map.figures().is_some_and(|f| f.slots >= PICTURE_SLOTS);
    let picture = |map: MapRef<'_>| {
        let details = session.details(map.address())?;
        let state = |g: &GroupFill| GroupState { entries: g.entries, tombstones: g.tombstones, slots: g.slots };
        let groups: Vec<GroupState> = details.groups.iter().map(state).collect();
        Some(Occupancy::new(map.addr(), &groups))
    };
    session.maps.iter().filter(large).take(PICTURES).filter_map(picture).collect()
}

/// The nodes of a merged tree that are kept, and what the others add up to.
struct Cut<'n> {
    nodes: &'n [MergedNode],
    /// Kept nodes below each kept node, most retained bytes first.
    below: Vec<Vec<u32>>,
    /// What is left out below each kept node: nodes, and their bytes.
    omitted: HashMap<u32, (u64, u64)>,
}

impl<'n> Cut<'n> {
    /// Keeps at most `most` nodes. A node retains no less than one below it, so what is above a kept node is kept.
    fn new(nodes: &'n [MergedNode], most: usize) -> Self {
        let mut largest: Vec<u32> = (1..nodes.len() as u32).filter(|i| nodes[*i as usize].retained > 0).collect();
        largest.sort_by_key(|index| (Reverse(nodes[*index as usize].retained), *index));
        let (mut below, mut omitted) = (vec![Vec::new(); nodes.len()], HashMap::new());
        for &index in largest.iter().take(most) {
            below[nodes[index as usize].above as usize].push(index);
        }
        let mut kept = vec![false; nodes.len()];
        for &index in largest.iter().take(most).chain(&[0]) {
            if let Some(kept) = kept.get_mut(index as usize) {
                *kept = true;
            }
        }
        for &index in largest.iter().skip(most) {
            let mut at = index;
            while !kept[at as usize] {
                at = nodes[at as usize].above;
            }
            let sum: &mut (u64, u64) = omitted.entry(at).or_default();
            *sum = (sum.0 + 1, sum.1 + nodes[index as usize].bytes);
        }
        Self { nodes, below, omitted }
    }

    /// The kept nodes in preorder, and with each node what is left out below it.
    fn tree(&self, names: &Names<'_, '_>) -> Tree {
        self.preorder(|node| {
            let (kind, name, count) = names.of(node);
            (NodeKind::of_name(kind), name.into_owned(), count)
        })
    }

    fn preorder(&self, named: impl Fn(&MergedNode) -> (NodeKind, String, u64)) -> Tree {
        let (mut tree, mut numbers) = (Tree::default(), HashMap::new());
        let mut push = |depth, kind, name: String, count, shallow_bytes| {
            let next = tree.names.len() as u32;
            let name = *numbers.entry(name).or_insert_with_key(|name: &String| {
                tree.names.push(name.clone());
                next
            });
            tree.nodes.push(TreeNode { depth, kind, name, count, shallow_bytes });
        };
        // What is left out of a node comes after what is kept below it: `Some` opens a node, `None` closes it.
        let mut open = if self.nodes.is_empty() { Vec::new() } else { vec![(0, 0, true)] };
        while let Some((index, depth, opens)) = open.pop() {
            if !opens {
                if let Some(&(count, bytes)) = self.omitted.get(&index) {
                    push(depth + 1, NodeKind::Omitted, String::new(), count, bytes);
                }
                continue;
            }
            let node = &self.nodes[index as usize];
            let (kind, name, count) = named(node);
            push(depth, kind, name, count, node.bytes);
            open.push((index, depth, false));
            open.extend(self.below[index as usize].iter().rev().map(|below| (*below, depth + 1, true)));
        }
        tree
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mapscope_heap::Label;

    fn node(class: u32, above: u32, bytes: u64, retained: u64) -> MergedNode {
        MergedNode { label: Label::Class(class), above, count: 1, bytes, retained, largest: None }
    }

    /// Depth, kind, name, count and bytes of each node.
    fn rows(tree: &Tree) -> Vec<(u32, NodeKind, &str, u64, u64)> {
        let row = |n: &TreeNode| (n.depth, n.kind, tree.names[n.name as usize].as_str(), n.count, n.shallow_bytes);
        tree.nodes.iter().map(row).collect()
    }

    #[test]
    fn what_is_left_out_is_added_up_where_it_was() {
        //        0 (100)
        //   1 (30)      2 (70)
        //   3 (10)   4 (50)  5 (9)
        //                    6 (4)
        let nodes = [
            node(0, 0, 0, 100),
            node(1, 0, 20, 30),
            node(2, 0, 11, 70),
            node(3, 1, 10, 10),
            node(4, 2, 50, 50),
            node(5, 2, 5, 9),
            node(6, 5, 4, 4),
        ];
        let named = |n: &MergedNode| match n.label {
            Label::Class(class) => (NodeKind::Type, format!("t{class}"), n.count),
            _ => (NodeKind::All, String::new(), 0),
        };
        let (kind, omitted) = (NodeKind::Type, NodeKind::Omitted);
        let whole = [
            (0, kind, "t0", 1, 0),
            (1, kind, "t2", 1, 11),
            (2, kind, "t4", 1, 50),
            (2, kind, "t5", 1, 5),
            (3, kind, "t6", 1, 4),
            (1, kind, "t1", 1, 20),
            (2, kind, "t3", 1, 10),
        ];
        assert_eq!(rows(&Cut::new(&nodes, 6).preorder(named)), whole);
        let cut = [
            (0, kind, "t0", 1, 0),
            (1, kind, "t2", 1, 11),
            (2, kind, "t4", 1, 50),
            (2, omitted, "", 2, 9),
            (1, kind, "t1", 1, 20),
            (2, omitted, "", 1, 10),
        ];
        assert_eq!(rows(&Cut::new(&nodes, 3).preorder(named)), cut);
        assert!(Cut::new(&[], 3).preorder(named).nodes.is_empty());
    }
}
