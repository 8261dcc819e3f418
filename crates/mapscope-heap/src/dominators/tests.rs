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
struct Case {
    edges: Vec<Vec<u32>>,
    roots: Vec<(u32, u32)>,
    holders: u32,
}

impl Case {
    fn random(random: &mut Random, objects: u64, fan_out: u64, holders: u32) -> Self {
        let edges = (0..objects).map(|_| (0..random.below(fan_out)).map(|_| random.below(objects) as u32).collect());
        let edges = edges.collect();
        let count = 1 + random.below(2 * u64::from(holders));
        let roots = (0..count).map(|_| (random.below(objects) as u32, random.below(u64::from(holders)) as u32));
        Self { edges, roots: roots.collect(), holders }
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
        let mut queue: Vec<usize> = (objects..reached.len()).filter(|h| Some(*h) != left_out).collect();
        for holder in &queue {
            reached[*holder] = true;
        }
        while let Some(node) = queue.pop() {
            let held = self.roots.iter().filter(|r| r.1 as usize + objects == node).map(|r| r.0);
            let next: Vec<u32> = if node < objects { self.edges[node].clone() } else { held.collect() };
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

fn with_tree(case: &Case, check: impl FnOnce(&HeapGraph, &Reachability, &Dominators<'_>)) {
    let graph = case.graph();
    let mut reach = Reachability::new(&graph);
    // In two phases, as a reader does it.
    let (first, second) = case.roots.split_at(case.roots.len() / 2);
    reach.extend(&graph, first.iter().map(|r| r.0));
    reach.extend(&graph, second.iter().map(|r| r.0));
    let holders = case.holder_of_root();
    let tree = Dominators::new(&graph, &reach, &holders, case.holders);
    check(&graph, &reach, &tree);
}

fn check_meaning(case: &Case) {
    let objects = case.edges.len();
    let live = case.reached_without(None);
    let without: Vec<Vec<bool>> = (0..live.len()).map(|node| case.reached_without(Some(node))).collect();
    with_tree(case, |graph, reach, tree| {
        let dominated = |n: usize| -> Vec<usize> { (0..objects).filter(|o| live[*o] && !without[n][*o]).collect() };
        let live_objects: Vec<usize> = (0..objects).filter(|o| reach.is_live(*o as u32)).collect();
        let all: Vec<Vec<usize>> = (0..objects + case.holders as usize).map(&dominated).collect();
        let bytes = |set: &[usize]| set.iter().map(|o| graph.blocks.size(*o as u32)).sum::<u64>();
        for object in 0..objects {
            // The immediate dominator is the strict dominator that all others dominate: the one that dominates least.
            let strict = (0..all.len()).filter(|n| *n != object && all[*n].contains(&object));
            let expected =
                strict.min_by_key(|n| (all[*n].len(), *n >= objects)).map(|n| match n.checked_sub(objects) {
                    Some(holder) => Dominator::Holder(holder as u32),
                    None => Dominator::Object(n as u32),
                });
            let expected = live_objects.contains(&object).then(|| expected.unwrap_or(Dominator::Shared));
            assert_eq!(tree.of(object as u32), expected, "object {object} of {:?} from {:?}", case.edges, case.roots);
            assert_eq!(tree.retained(object as u32), bytes(&all[object]), "object {object}");
        }
        for holder in 0..case.holders {
            assert_eq!(tree.held(holder), bytes(&all[objects + holder as usize]), "holder {holder}");
        }
        let held: u64 = (0..case.holders).map(|h| tree.held(h)).sum();
        assert_eq!(held + tree.shared(), reach.live_bytes(graph), "the top level is all that lives");
        check_order(graph, tree);
    });
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
    }
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
                    _ => Dominator::Shared,
                });
                assert_eq!(tree.of(object), expected, "object {object}");
            }
        });
    }
}

#[test]
fn a_heap_without_roots_has_no_tree() {
    let case = Case { edges: vec![vec![1], vec![0]], roots: Vec::new(), holders: 0 };
    with_tree(&case, |_, _, tree| {
        assert_eq!((tree.of(0), tree.retained(0), tree.shared(), tree.held(0)), (None, 0, 0, 0));
    });
}
