//! Dominators against what they mean, and against another implementation.

use super::*;
use crate::{BlockTable, EdgeRows};

/// xorshift64: the same graphs on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// A graph with roots: (object, holder).
#[derive(Clone)]
struct Case {
    edges: Vec<Vec<u32>>,
    roots: Vec<(u32, u32)>,
    holders: u32,
    /// The holder that each is a part of, or itself.
    above: Vec<u32>,
    groups: Vec<u32>,
    /// Objects that are shut.
    shut: Vec<u32>,
    /// The last roots are late.
    late: usize,
}

impl Case {
    fn random(random: &mut Random, objects: u64, fan_out: u64, holders: u32) -> Self {
        let edges = (0..objects).map(|_| (0..random.below(fan_out)).map(|_| random.below(objects) as u32).collect());
        let edges = edges.collect();
        let count = 1 + random.below(2 * u64::from(holders));
        let roots = (0..count).map(|_| (random.below(objects) as u32, random.below(u64::from(holders)) as u32));
        let roots = roots.collect();
        let above: Vec<u32> = (0..holders).collect();
        Self { edges, roots, holders, groups: above.clone(), above, shut: Vec::new(), late: 0 }
    }

    /// With parts of holders, groups, and late roots.
    fn with_more(mut self, random: &mut Random) -> Self {
        for holder in 1..self.holders {
            let whole = random.below(u64::from(holder)) as u32;
            if random.below(3) == 0 && self.above[whole as usize] == whole {
                self.above[holder as usize] = whole;
            }
            self.groups[holder as usize] = random.below(u64::from(self.holders)) as u32;
        }
        self.late = random.below(self.roots.len() as u64 + 1) as usize;
        self.shut = (0..self.edges.len() as u32).filter(|_| random.below(5) == 0).collect();
        self
    }

    /// Whether late roots alone reach each object.
    fn late_objects(&self) -> Vec<bool> {
        let early = self.roots[..self.roots.len() - self.late].iter().map(|r| r.0);
        let open = |o: &u32| self.late == 0 || !self.shut.contains(o);
        let mut late = vec![true; self.edges.len()];
        let mut queue: Vec<u32> = early.filter(open).collect();
        while let Some(object) = queue.pop() {
            if std::mem::take(&mut late[object as usize]) {
                queue.extend(self.edges[object as usize].iter().copied().filter(open));
            }
        }
        late
    }

    /// The same without what leads from one part to the other.
    fn apart(&self) -> Self {
        let late = self.late_objects();
        let mut case = self.clone();
        for (object, row) in case.edges.iter_mut().enumerate() {
            row.retain(|to| late[object] == late[*to as usize]);
        }
        let early = self.roots.len() - self.late;
        let counts = |(index, root): &(usize, &(u32, u32))| late[root.0 as usize] == (*index >= early);
        case.roots = self.roots.iter().enumerate().filter(counts).map(|(_, root)| *root).collect();
        case
    }

    /// Objects of different sizes, so that a sum that takes the wrong object shows.
    fn graph(&self) -> HeapGraph {
        let size = |index: u64| 8 * (1 + index % 7);
        let rows = (0..self.edges.len() as u64).map(|i| (0x10_0000 + i * 8192, size(i), 1)).collect();
        let mut edges = EdgeRows::new(0);
        for row in &self.edges {
            edges.push_row(row.iter().copied());
        }
        HeapGraph::new(BlockTable::new(rows).unwrap(), vec![edges]).unwrap()
    }

    fn holder_of_root(&self) -> Vec<u32> {
        self.roots.iter().map(|r| r.1).collect()
    }

    /// What is reached when one node is not entered: objects, then holders.
    fn reached_without(&self, left_out: Option<usize>) -> Vec<bool> {
        let objects = self.edges.len();
        let mut reached = vec![false; objects + self.holders as usize];
        let whole = |h: &usize| self.above[*h - objects] as usize == *h - objects;
        let mut queue: Vec<usize> = (objects..reached.len()).filter(|h| whole(h) && Some(*h) != left_out).collect();
        for holder in &queue {
            reached[*holder] = true;
        }
        while let Some(node) = queue.pop() {
            let held = self.roots.iter().filter(|r| r.1 as usize + objects == node).map(|r| r.0);
            let parts = (0..self.holders).filter(|h| self.above[*h as usize] as usize + objects == node);
            let parts = parts.map(|h| h + objects as u32);
            let next: Vec<u32> = if node < objects { self.edges[node].clone() } else { held.chain(parts).collect() };
            for target in next.into_iter().map(|t| t as usize) {
                if Some(target) != left_out && !reached[target] {
                    reached[target] = true;
                    queue.push(target);
                }
            }
        }
        reached
    }
}

/// Checks the tree of the sweeps and that of the walk.
fn with_tree(case: &Case, check: impl Fn(&HeapGraph, &Reachability, &Dominators<'_>)) {
    let graph = case.graph();
    let mut reach = Reachability::new(&graph);
    // In phases, as a reader does it.
    let (early, late) = case.roots.split_at(case.roots.len() - case.late);
    let (first, second) = early.split_at(early.len() / 2);
    if case.late > 0 {
        reach.shut(case.shut.iter().copied());
    }
    reach.extend(&graph, first.iter().map(|r| r.0));
    reach.extend(&graph, second.iter().map(|r| r.0));
    if case.late > 0 {
        reach.begin_rank();
        reach.open();
        reach.extend(&graph, late.iter().map(|r| r.0));
        reach.end_ranks();
    }
    let of_root = case.holder_of_root();
    let holders = HolderTree { of_root: &of_root, above: &case.above, groups: &case.groups };
    check(&graph, &reach, &Dominators::new(&graph, &reach, holders));
    let several = kernel::joined(&graph, &reach, &holders);
    check(&graph, &reach, &Dominators::of_codes(&graph, &reach, holders, several, None));
}

fn check_meaning(case: &Case) {
    let objects = case.edges.len();
    let apart = case.apart();
    let live = apart.reached_without(None);
    let without: Vec<Vec<bool>> = (0..live.len()).map(|node| apart.reached_without(Some(node))).collect();
    with_tree(case, |graph, reach, tree| {
        let dominated = |n: usize| -> Vec<usize> { (0..objects).filter(|o| live[*o] && !without[n][*o]).collect() };
        let live_objects: Vec<usize> = (0..objects).filter(|o| reach.is_live(*o as u32)).collect();
        let all: Vec<Vec<usize>> = (0..objects + case.holders as usize).map(&dominated).collect();
        // Of those that dominate the same, the one below: a part is below its holder, and an object below both.
        let rank = |n: usize| n.checked_sub(objects).map_or(0, |h| if case.above[h] as usize == h { 2 } else { 1 });
        let bytes = |set: &[usize]| set.iter().map(|o| graph.blocks.size(*o as u32)).sum::<u64>();
        for object in 0..objects {
            // The immediate dominator is the strict dominator that all others dominate: the one that dominates least.
            let strict = (0..all.len()).filter(|n| *n != object && all[*n].contains(&object));
            let expected = strict.min_by_key(|n| (all[*n].len(), rank(*n))).map(|n| match n.checked_sub(objects) {
                Some(holder) => Dominator::Holder(holder as u32),
                None => Dominator::Object(n as u32),
            });
            let expected = live_objects.contains(&object).then_some(expected).map(|found| match found {
                Some(dominator) => Some(dominator),
                None => check_share(&apart, tree, object),
            });
            let found = tree.of(object as u32);
            assert_eq!(found, expected.map(|e| e.or(found).unwrap()), "object {object} of {:?}", case.edges);
            assert_eq!(tree.retained(object as u32), bytes(&all[object]), "object {object}");
        }
        for holder in 0..case.holders {
            assert_eq!(tree.held(holder), bytes(&all[objects + holder as usize]), "holder {holder}");
        }
        let whole = (0..case.holders).filter(|h| tree.whole(*h).is_none());
        let held: u64 = whole.map(|h| tree.held(h)).sum();
        assert_eq!(held + tree.shared(), reach.live_bytes(graph), "the top level is all that lives");
        check_order(graph, tree);
    });
}

/// Nothing dominates an object: all groups that lead to it share it. Returns nothing.
fn check_share(apart: &Case, tree: &Dominators<'_>, object: usize) -> Option<Dominator> {
    let Some(Dominator::Shared(share)) = tree.of(object as u32) else { panic!("object {object} is shared") };
    let Share { group, others, more } = tree.shares()[share as usize];
    let leads = |holder: u32| {
        let alone = |r: &&(u32, u32)| r.1 == holder || apart.above[r.1 as usize] == holder;
        let roots: Vec<(u32, u32)> = apart.roots.iter().filter(alone).copied().collect();
        Case { roots, ..apart.clone() }.reached_without(None)[object]
    };
    let whole = (0..apart.holders).filter(|h| apart.above[*h as usize] == *h);
    let mut groups: Vec<u32> = whole.filter(|h| leads(*h)).map(|h| apart.groups[h as usize]).collect();
    groups.sort_unstable();
    groups.dedup();
    assert!(
        groups.contains(&group) && others as usize + 1 == groups.len() && !more,
        "{groups:?}, said {group} {others}"
    );
    None
}

fn check_order(graph: &HeapGraph, tree: &Dominators<'_>) {
    let order: Vec<u32> = tree.top_down().collect();
    let place = |object: u32| order.iter().position(|o| *o == object);
    assert_eq!(order.len(), tree.numbers_top_down().len());
    for (at, object) in order.iter().enumerate() {
        assert!(!graph.edges(*object).is_empty());
        if let Some(Dominator::Object(above)) = tree.of(*object) {
            assert!(place(above).is_some_and(|p| p < at));
        }
    }
}

#[test]
fn two_thousand_random_graphs_dominate_as_the_word_says() {
    let mut random = Random(0x5eed);
    for round in 0..2000 {
        let (objects, fan_out) = (1 + random.below(24), 1 + random.below(if round % 2 == 0 { 3 } else { 6 }));
        let holders = 1 + random.below(5) as u32;
        check_meaning(&Case::random(&mut random, objects, fan_out, holders));
        check_meaning(&Case::random(&mut random, objects, fan_out, holders).with_more(&mut random));
    }
}

#[test]
fn a_list_of_a_million_that_two_hold_at_its_ends_is_theirs() {
    // Linked both ways: every element is a top, and what its last predecessor knows decides of the first.
    let n = 1_000_000u32;
    let edges = (0..n).map(|o| [o.checked_sub(1), Some(o + 1).filter(|o| *o < n)].into_iter().flatten().collect());
    let (above, groups) = (vec![0, 1], vec![0, 1]);
    let roots = vec![(0, 0), (n - 1, 1)];
    let case = Case { edges: edges.collect(), roots, holders: 2, above, groups, shut: Vec::new(), late: 0 };
    with_tree(&case, |graph, reach, tree| {
        assert_eq!(tree.shares(), [Share { group: 0, others: 1, more: false }]);
        assert_eq!(tree.shared(), reach.live_bytes(graph));
    });
}

#[test]
fn fifty_larger_graphs_agree_with_petgraph() {
    let mut random = Random(0xfeed);
    for _ in 0..50 {
        let (objects, fan_out) = (2000 + random.below(6000), 2 + random.below(4));
        let case = Case::random(&mut random, objects, fan_out, 7);
        let mut other = petgraph::graph::DiGraph::<(), ()>::new();
        let nodes: Vec<_> = (0..=objects + 7).map(|_| other.add_node(())).collect();
        let entry = nodes[objects as usize + 7];
        for (from, row) in case.edges.iter().enumerate() {
            for to in row {
                other.add_edge(nodes[from], nodes[*to as usize], ());
            }
        }
        for holder in 0..7 {
            other.add_edge(entry, nodes[objects as usize + holder], ());
        }
        for (object, holder) in &case.roots {
            other.add_edge(nodes[objects as usize + *holder as usize], nodes[*object as usize], ());
        }
        let expected = petgraph::algo::dominators::simple_fast(&other, entry);
        with_tree(&case, |_, _, tree| {
            for object in 0..objects as u32 {
                let expected = expected.immediate_dominator(nodes[object as usize]).map(|n| match n.index() as u64 {
                    n if n < objects => Dominator::Object(n as u32),
                    n if n < objects + 7 => Dominator::Holder((n - objects) as u32),
                    _ => Dominator::Shared(0),
                });
                let found = tree.of(object).map(|found| match found {
                    Dominator::Shared(_) => Dominator::Shared(0),
                    other => other,
                });
                assert_eq!(found, expected, "object {object}");
            }
        });
    }
}

#[test]
fn a_graph_whose_ways_are_long_is_left_to_the_walk() {
    // A list that its root holds by both ends, whose elements know the first of them: each way up is as long as the list.
    let n = 200_000u32;
    let edges = (0..n).map(|o| [o.checked_sub(1), Some(0), Some(o + 1).filter(|o| *o < n)].into_iter().flatten());
    let edges: Vec<Vec<u32>> = edges.map(Iterator::collect).collect();
    let case =
        Case { edges, roots: vec![(0, 0)], holders: 1, above: vec![0], groups: vec![0], shut: Vec::new(), late: 0 };
    let graph = case.graph();
    let reach = Reachability::from_roots(&graph, [0]);
    let holders = HolderTree { of_root: &[0], above: &case.above, groups: &case.groups };
    let several = kernel::joined(&graph, &reach, &holders);
    assert_eq!(meet::dominators(&graph, &reach, &several, &holders), None);
    with_tree(&case, |graph, reach, tree| {
        assert!((1..n).all(|o| tree.of(o) == Some(Dominator::Object(o - 1))));
        assert_eq!(tree.retained(0), reach.live_bytes(graph));
    });
}

#[test]
fn a_heap_without_roots_has_no_tree() {
    let edges = vec![vec![1], vec![0]];
    let (roots, above, groups, shut) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let case = Case { edges, roots, holders: 0, above, groups, shut, late: 0 };
    with_tree(&case, |_, _, tree| {
        assert_eq!((tree.of(0), tree.retained(0), tree.shared(), tree.held(0)), (None, 0, 0, 0));
    });
}
