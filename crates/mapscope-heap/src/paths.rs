//! Shortest ways from roots to an object.

use crate::HeapGraph;

/// Not reached.
const NONE: u32 = u32::MAX;

/// A way from a root to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Index of the root in the list that was given.
    pub root: usize,
    /// The objects on the way, from the root's own to the one that was asked for.
    pub objects: Vec<u32>,
}

/// Searches for ways, one after the other, in one column of four bytes for each object.
#[derive(Debug)]
pub struct WaySearch<'g> {
    graph: &'g HeapGraph,
    /// The object from which one was reached, or itself for that of a root.
    parents: Vec<u32>,
    queue: Vec<u32>,
}

impl<'g> WaySearch<'g> {
    /// A search in `graph`.
    pub fn new(graph: &'g HeapGraph) -> Self {
        Self { graph, parents: vec![NONE; graph.len()], queue: Vec::new() }
    }

    /// A shortest way from one of `roots` (objects) to `target`; of several as short, one from the first root that has
    /// such a way. `None` when no root reaches it. No way goes through an object that is not `open`, but it may end there.
    pub fn shortest(&mut self, roots: &[u32], target: u32, open: impl Fn(u32) -> bool) -> Option<Way> {
        self.parents.fill(NONE);
        self.queue.clear();
        for root in roots {
            self.visit(*root, *root);
        }
        let mut done = 0;
        while self.parents.get(target as usize)? == &NONE {
            let object = *self.queue.get(done)?;
            done += 1;
            if !open(object) {
                continue;
            }
            for &next in self.graph.edges(object) {
                self.visit(next, object);
            }
        }
        let mut objects = vec![target];
        let mut at = target;
        while self.parents[at as usize] != at {
            at = self.parents[at as usize];
            objects.push(at);
        }
        objects.reverse();
        Some(Way { root: roots.iter().position(|r| *r == at)?, objects })
    }

    #[inline]
    fn visit(&mut self, object: u32, parent: u32) {
        if let Some(slot) = self.parents.get_mut(object as usize)
            && *slot == NONE
        {
            *slot = parent;
            self.queue.push(object);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::testing::{Random, graph};

    #[test]
    fn the_shortest_way_from_the_first_root_that_has_one() {
        // 0 -> 1 -> 2 -> 3, 4 -> 2, 5 -> 5.
        let graph = graph(&[vec![1], vec![2], vec![3], vec![], vec![2], vec![5]]);
        let mut search = WaySearch::new(&graph);
        let way = |root, objects: &[u32]| Some(Way { root, objects: objects.to_vec() });
        assert_eq!(search.shortest(&[0], 3, |_| true), way(0, &[0, 1, 2, 3]));
        assert_eq!(search.shortest(&[5, 0, 4], 3, |_| true), way(2, &[4, 2, 3]));
        assert_eq!(search.shortest(&[5, 3], 3, |_| true), way(1, &[3]));
        assert_eq!(search.shortest(&[5], 5, |_| true), way(0, &[5]));
        assert_eq!(search.shortest(&[5, 1], 0, |_| true), None);
        assert_eq!(search.shortest(&[], 0, |_| true), None);
        assert_eq!(search.shortest(&[0], 99, |_| true), None);
        assert_eq!(search.shortest(&[0, 4], 3, |o| o != 1), way(1, &[4, 2, 3]));
        assert_eq!(search.shortest(&[0], 1, |o| o != 1), way(0, &[0, 1]));
        assert_eq!(search.shortest(&[0], 3, |o| o != 1), None);
    }

    #[test]
    fn ways_are_as_long_as_all_distances_say() {
        let mut random = Random::new(7);
        for _ in 0..300 {
            let n = 1 + random.below(20);
            let edges = random.edges(n, 3);
            let graph = graph(&edges);
            let mut search = WaySearch::new(&graph);
            let roots: Vec<u32> = (0..random.below(4)).map(|_| random.below(n)).collect();
            for target in 0..n {
                // As many rounds as there are objects settle every distance.
                let mut distance: Vec<Option<usize>> = (0..n).map(|o| roots.contains(&o).then_some(0)).collect();
                for _ in 0..n {
                    for (from, targets) in edges.iter().enumerate() {
                        for to in targets {
                            let through = distance[from].map(|d| d + 1);
                            let old = distance[*to as usize];
                            distance[*to as usize] = old.into_iter().chain(through).min();
                        }
                    }
                }
                let way = search.shortest(&roots, target, |_| true);
                assert_eq!(way.as_ref().map(|w| w.objects.len() - 1), distance[target as usize]);
                let Some(way) = way else { continue };
                assert_eq!((way.objects[0], *way.objects.last().unwrap()), (roots[way.root], target));
                assert!(way.objects.windows(2).all(|w| edges[w[0] as usize].contains(&w[1])));
            }
        }
    }
}
