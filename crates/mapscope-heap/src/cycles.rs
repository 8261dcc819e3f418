//! Objects that reach themselves: strongly connected components, and shortest cycles in them.
//!
//! One pass over the kernel of the dominators with the objects' numbers in one column (Pearce's form of Tarjan's algorithm:
//! an object's place in the search and its component are never needed at once). Of each cycle, the object that was reached
//! first has another predecessor than the one it was reached by, and the rest of the cycle leads to it: so all of it is in
//! the kernel, but for objects that only point to themselves.

use std::ops::Range;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::{Dominators, HeapGraph, Reachability};

/// Not visited.
const NONE: u32 = 0;
/// Blocks that one thread looks at in a row, at least.
const MIN_BLOCKS: usize = 64;

/// The live objects that are in cycles, by component: objects of one component reach each other.
#[derive(Debug, Default)]
pub struct Cycles {
    /// Members of all components, one component after the other.
    members: Vec<u32>,
    /// Where each component ends in `members`.
    ends: Vec<usize>,
    /// Of each object: its component's number counted down from the largest; smaller numbers mean none.
    component: Vec<u32>,
    /// The components of the pass that have a cycle, by their number in `component`, ascending.
    numbers: Vec<u32>,
}

/// An object whose edges are being followed.
struct Frame {
    object: u32,
    /// Edges followed.
    next: u32,
    /// Nothing before it has been reached from it so far.
    root: bool,
}

impl Cycles {
    /// Finds the components of the live objects, whose `dominators` these are. A component is more than one object, or one
    /// that points to itself, if `itself` says that this counts for it.
    pub fn new(
        graph: &HeapGraph,
        reach: &Reachability,
        dominators: &Dominators<'_>,
        itself: impl Fn(u32) -> bool + Sync,
    ) -> Self {
        let mut pass = Pass {
            graph,
            dominators,
            found: Self { component: vec![NONE; graph.len()], ..Self::default() },
            index: 1,
            number: u32::MAX,
            waiting: Vec::new(),
            frames: Vec::new(),
        };
        // Those that point nowhere are not in this order.
        for &object in reach.order() {
            if dominators.is_kernel(object) && pass.found.component[object as usize] == NONE {
                pass.visit(object, &itself);
            }
        }
        for object in alone(graph, reach, |o| !dominators.is_kernel(o) && itself(o)) {
            pass.found.members.push(object);
            pass.number(object, true);
        }
        pass.found.numbers.reverse();
        pass.found
    }

    /// How many components there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no cycle at all.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The objects of a component.
    pub fn members(&self, component: usize) -> &[u32] {
        self.members.get(self.range(component)).unwrap_or_default()
    }

    fn range(&self, component: usize) -> Range<usize> {
        let start = component.checked_sub(1).and_then(|c| self.ends.get(c)).copied().unwrap_or(0);
        start..self.ends.get(component).copied().unwrap_or(start)
    }

    /// The component of an object that is in a cycle.
    pub fn component_of(&self, object: u32) -> Option<usize> {
        let number = *self.component.get(object as usize)?;
        // Numbers count down from one component to the next, and `numbers` was turned round.
        let index = self.numbers.binary_search(&number).ok()?;
        Some(self.numbers.len() - 1 - index)
    }

    /// A shortest cycle through `object`, which comes first in it and is not repeated at the end; empty when it is in
    /// none.
    pub fn shortest(&self, graph: &HeapGraph, object: u32) -> Vec<u32> {
        let Some(component) = self.component_of(object) else { return Vec::new() };
        let number = self.component[object as usize];
        let mut parents: FxHashMap<u32, u32> = FxHashMap::default();
        let mut queue = vec![object];
        let mut done = 0;
        while let Some(&at) = queue.get(done) {
            done += 1;
            for &next in graph.edges(at) {
                if next == object {
                    let way = std::iter::successors(Some(at), |o| parents.get(o).copied());
                    let mut cycle: Vec<u32> = way.take(self.members(component).len()).collect();
                    cycle.reverse();
                    return cycle;
                }
                if self.component[next as usize] == number && !parents.contains_key(&next) {
                    parents.insert(next, at);
                    queue.push(next);
                }
            }
        }
        Vec::new()
    }
}

/// Live objects that point to themselves, of those that count.
fn alone(graph: &HeapGraph, reach: &Reachability, counts: impl Fn(u32) -> bool + Sync) -> Vec<u32> {
    let points_back = |o: &u32| graph.points(*o) && graph.edges(*o).contains(o) && reach.is_live(*o) && counts(*o);
    let blocks = graph.blocks.blocks().par_iter().with_min_len(MIN_BLOCKS);
    blocks.flat_map_iter(|block| block.objects().filter(&points_back)).collect()
}

struct Pass<'g> {
    graph: &'g HeapGraph,
    dominators: &'g Dominators<'g>,
    found: Cycles,
    /// Objects in `frames` and `waiting`, plus one.
    index: u32,
    /// The next component's number. Larger than any index: there are fewer than 2^31 objects.
    number: u32,
    /// Objects whose component is not complete.
    waiting: Vec<u32>,
    frames: Vec<Frame>,
}

impl Pass<'_> {
    fn visit(&mut self, start: u32, itself: &impl Fn(u32) -> bool) {
        self.enter(start);
        while let Some(frame) = self.frames.last_mut() {
            let column = &mut self.found.component;
            let edges = self.graph.edges(frame.object);
            let Some(&next) = edges.get(frame.next as usize) else {
                self.leave(itself);
                continue;
            };
            match column[next as usize] {
                NONE if !self.dominators.is_kernel(next) || !self.graph.points(next) => frame.next += 1,
                // Once it has a number, this edge is looked at again.
                NONE => self.enter(next),
                number => {
                    frame.next += 1;
                    if number < column[frame.object as usize] {
                        column[frame.object as usize] = number;
                        frame.root = false;
                    }
                }
            }
        }
    }

    fn enter(&mut self, object: u32) {
        self.found.component[object as usize] = self.index;
        self.index += 1;
        self.frames.push(Frame { object, next: 0, root: true });
    }

    fn leave(&mut self, itself: &impl Fn(u32) -> bool) {
        let Some(Frame { object, root, .. }) = self.frames.pop() else { return };
        if !root {
            self.waiting.push(object);
            return;
        }
        let found = &mut self.found;
        let (first, start) = (found.component[object as usize], found.members.len());
        while let Some(&member) = self.waiting.last()
            && found.component[member as usize] >= first
        {
            self.waiting.pop();
            found.component[member as usize] = self.number;
            found.members.push(member);
        }
        found.members.push(object);
        self.index -= (found.members.len() - start) as u32;
        if found.members.len() - start > 1 || self.graph.edges(object).contains(&object) && itself(object) {
            self.number(object, true);
        } else {
            found.members.pop();
            self.number(object, false);
        }
    }

    /// Gives the last object of a component its number; all members are in the list if it counts.
    fn number(&mut self, object: u32, counts: bool) {
        self.found.component[object as usize] = self.number;
        if counts {
            self.found.ends.push(self.found.members.len());
            self.found.numbers.push(self.number);
        }
        self.number -= 1;
    }
}

#[cfg(test)]
mod tests {
    use petgraph::algo::tarjan_scc;
    use petgraph::graph::DiGraph;

    use super::*;
    use crate::testing::{Random, graph};

    /// `itself`: objects that only point to themselves count.
    fn cycles_of(graph: &HeapGraph, reach: &Reachability, itself: bool) -> Cycles {
        let holders = vec![0; reach.roots().len()];
        Cycles::new(graph, reach, &Dominators::new(graph, reach, &holders, 1), |_| itself)
    }

    fn sorted(cycles: &Cycles) -> Vec<Vec<u32>> {
        let mut all: Vec<Vec<u32>> = (0..cycles.len()).map(|c| cycles.members(c).to_vec()).collect();
        for component in &mut all {
            component.sort_unstable();
        }
        all.sort();
        all
    }

    #[test]
    fn components_are_those_of_a_brute_force_and_of_petgraph() {
        let mut random = Random::new(42);
        for round in 0..2000 {
            let n = 1 + random.below(24);
            let edges = random.edges(n, 2 + round % 3);
            let graph = graph(&edges);
            let roots: Vec<u32> = (0..=random.below(4)).map(|_| random.below(n)).collect();
            let reach = Reachability::from_roots(&graph, roots);
            // reaches[a][b]: a way of at least one edge, for live objects.
            let mut reaches = vec![vec![false; n as usize]; n as usize];
            for (from, targets) in edges.iter().enumerate().filter(|(o, _)| reach.is_live(*o as u32)) {
                for to in targets {
                    reaches[from][*to as usize] = true;
                }
            }
            for middle in 0..n as usize {
                for from in 0..n as usize {
                    for to in 0..n as usize {
                        reaches[from][to] |= reaches[from][middle] && reaches[middle][to];
                    }
                }
            }
            let mut brute: Vec<Vec<u32>> = Vec::new();
            for o in (0..n as usize).filter(|o| reaches[*o][*o]) {
                let class: Vec<u32> = (0..n).filter(|p| reaches[o][*p as usize] && reaches[*p as usize][o]).collect();
                if class.first() == Some(&(o as u32)) {
                    brute.push(class);
                }
            }
            let cycles = cycles_of(&graph, &reach, true);
            assert_eq!(sorted(&cycles), brute, "{edges:?}");
            for o in 0..n {
                let mine = cycles.component_of(o).map(|c| cycles.members(c).contains(&o));
                assert_eq!(mine, reaches[o as usize][o as usize].then_some(true), "{o} of {edges:?}");
                check_shortest(&cycles, &graph, &edges, o);
            }
            let live = |o: &u32| reach.is_live(*o);
            let of_petgraph = DiGraph::<(), ()>::from_edges(
                edges
                    .iter()
                    .enumerate()
                    .flat_map(|(o, to)| to.iter().map(move |t| (o as u32, *t)))
                    .filter(|(o, _)| live(o)),
            );
            let mut theirs: Vec<Vec<u32>> =
                tarjan_scc(&of_petgraph).into_iter().map(|c| c.iter().map(|o| o.index() as u32).collect()).collect();
            theirs.retain(|c: &Vec<u32>| c.len() > 1 || c.iter().any(|o| live(o) && edges[*o as usize].contains(o)));
            for component in &mut theirs {
                component.sort_unstable();
            }
            theirs.sort();
            assert_eq!(sorted(&cycles), theirs, "{edges:?}");
        }
    }

    fn check_shortest(cycles: &Cycles, graph: &HeapGraph, edges: &[Vec<u32>], object: u32) {
        let cycle = cycles.shortest(graph, object);
        let Some(component) = cycles.component_of(object) else {
            assert!(cycle.is_empty());
            return;
        };
        assert_eq!(cycle.first(), Some(&object));
        let closed: Vec<u32> = cycle.iter().copied().chain([object]).collect();
        assert!(closed.windows(2).all(|w| edges[w[0] as usize].contains(&w[1])), "{closed:?} of {edges:?}");
        assert!(cycle.iter().all(|o| cycles.component_of(*o) == Some(component)));
        // No shorter one: what n steps reach grows until it holds the object.
        let mut reached = vec![object];
        for steps in 1.. {
            reached = reached.iter().flat_map(|o| edges[*o as usize].iter().copied()).collect();
            reached.sort_unstable();
            reached.dedup();
            if reached.contains(&object) {
                assert_eq!(cycle.len(), steps);
                return;
            }
        }
    }

    #[test]
    fn an_object_that_points_to_itself_may_not_count() {
        let graph = graph(&[vec![0, 1], vec![2], vec![1, 2], vec![3]]);
        let reach = Reachability::from_roots(&graph, [0]);
        assert_eq!(sorted(&cycles_of(&graph, &reach, true)), [vec![0], vec![1, 2]]);
        let cycles = cycles_of(&graph, &reach, false);
        assert_eq!(sorted(&cycles), [vec![1, 2]]);
        assert_eq!((cycles.component_of(0), cycles.component_of(3)), (None, None));
    }

    #[test]
    fn a_ring_of_a_million_needs_no_deep_stack() {
        let n = 1_000_000;
        let edges: Vec<Vec<u32>> = (0..n).map(|o| vec![(o + 1) % n]).collect();
        let graph = graph(&edges);
        let cycles = cycles_of(&graph, &Reachability::from_roots(&graph, [5]), true);
        assert_eq!((cycles.len(), cycles.members(0).len()), (1, n as usize));
        assert_eq!(cycles.shortest(&graph, 3).len(), n as usize);
    }
}
