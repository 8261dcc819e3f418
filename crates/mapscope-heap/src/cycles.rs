//! Objects that reach themselves: strongly connected components, and shortest cycles in them.
//!
//! Of each cycle, the object that was reached first has another predecessor than the one it was reached by, and the rest of
//! the cycle leads to it: so all of it is in the kernel of the dominators, but for objects that only point to themselves.
//! What leads to no other member is in no cycle, and what only leads to such neither: without it, little of the kernel is
//! left in most heaps. One pass over the rest has its members' numbers in one column (Pearce's form of Tarjan's algorithm: a
//! member's place in the search and its component are never needed at once).

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::bits::{BitSet, RankedSet, SharedBits};
use crate::blocks::MIN_BLOCKS;
use crate::dominators::Kernel;
use crate::reach::Parts;
use crate::{Dominators, HeapGraph, Reachability};

/// Not visited.
const NONE: u32 = 0;
/// Rounds in which what leads nowhere is left out.
const ROUNDS: usize = 8;

/// The live objects that are in cycles, by component: objects of one component reach each other.
#[derive(Debug)]
pub struct Cycles {
    /// The members that may be in a cycle.
    kernel: RankedSet,
    /// Members of all components, one component after the other.
    members: Vec<u32>,
    /// Where each component ends in `members`.
    ends: Vec<usize>,
    /// Of each of these members: its component's number counted down from the largest; smaller numbers mean none.
    component: Vec<u32>,
    /// Objects outside the kernel that point to themselves, ascending, and their components' numbers.
    alone: Vec<(u32, u32)>,
    /// The components of the pass that have a cycle, by their number in `component`, ascending.
    numbers: Vec<u32>,
}

/// A member whose edges are being followed.
struct Frame {
    rank: u32,
    /// Edges followed.
    next: u32,
    /// Nothing before it has been reached from it so far.
    root: bool,
}

impl Cycles {
    /// Finds the components of the live objects, whose `dominators` these are. A component is more than one object, or one
    /// that points to itself, if `itself` says that this counts for it.
    pub fn new(reach: &Reachability, dominators: &Dominators<'_>, itself: impl Fn(u32) -> bool) -> Self {
        let closed = dominators.members();
        let members = may_be_in_cycles(reach, dominators.graph(), closed.bits());
        Self::among(members, &closed, reach, dominators, itself)
    }

    /// As [`Cycles::new`], but of the components without any of `objects` some may be left out. What leads to none of
    /// them is in no component with one: that is most of a heap, where they are few.
    pub fn with(
        objects: impl IntoIterator<Item = u32>,
        reach: &Reachability,
        dominators: &Dominators<'_>,
        itself: impl Fn(u32) -> bool,
    ) -> Self {
        let closed = dominators.members();
        let leading = leading_to(objects, &closed, dominators.graph());
        let members = may_be_in_cycles(reach, dominators.graph(), leading.as_ref().unwrap_or(closed.bits()));
        Self::among(members, &closed, reach, dominators, itself)
    }

    /// The components among `members`.
    fn among(
        members: RankedSet,
        closed: &RankedSet,
        reach: &Reachability,
        dominators: &Dominators<'_>,
        itself: impl Fn(u32) -> bool,
    ) -> Self {
        let kernel = Kernel::new(dominators.graph(), &members, &Parts::default());
        let found = Self {
            kernel: members,
            members: Vec::new(),
            ends: Vec::new(),
            component: vec![NONE; kernel.len()],
            alone: Vec::new(),
            numbers: Vec::new(),
        };
        let mut pass =
            Pass { kernel: &kernel, found, index: 1, number: u32::MAX, waiting: Vec::new(), frames: Vec::new() };
        for rank in 0..kernel.len() as u32 {
            if pass.found.component[rank as usize] == NONE {
                pass.visit(rank, &itself);
            }
        }
        let mut alone: Vec<u32> = reach.loops().to_vec();
        alone.retain(|o| !closed.contains(*o as usize) && itself(*o));
        alone.sort_unstable();
        alone.dedup();
        for object in alone {
            pass.found.members.push(object);
            let number = pass.number(true);
            pass.found.alone.push((object, number));
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
        // Numbers count down from one component to the next, and `numbers` was turned round.
        let index = self.numbers.binary_search(&self.number_of(object)?).ok()?;
        Some(self.numbers.len() - 1 - index)
    }

    fn number_of(&self, object: u32) -> Option<u32> {
        match self.kernel.rank(object as usize) {
            Some(rank) => self.component.get(rank).copied(),
            None => self.alone.binary_search_by_key(&object, |a| a.0).ok().map(|at| self.alone[at].1),
        }
    }

    /// A shortest cycle through `object`, which comes first in it and is not repeated at the end; empty when it is in
    /// none.
    pub fn shortest(&self, graph: &HeapGraph, object: u32) -> Vec<u32> {
        let Some(component) = self.component_of(object) else { return Vec::new() };
        let number = self.number_of(object);
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
                if self.number_of(next) == number && !parents.contains_key(&next) {
                    parents.insert(next, at);
                    queue.push(next);
                }
            }
        }
        Vec::new()
    }
}

/// The members of the kernel that lead to one of `objects`, and these; `None` when that takes too many rounds.
fn leading_to(objects: impl IntoIterator<Item = u32>, members: &RankedSet, graph: &HeapGraph) -> Option<BitSet> {
    let leading = SharedBits::new(graph.len());
    for object in objects.into_iter().filter(|o| members.contains(*o as usize)) {
        leading.insert(object as usize);
    }
    for _ in 0..ROUNDS {
        let more = AtomicBool::new(false);
        graph.blocks.blocks().par_iter().with_min_len(MIN_BLOCKS).for_each(|block| {
            for object in block.objects().filter(|o| members.contains(*o as usize)) {
                let leads = |target: &u32| leading.contains(*target as usize);
                if !leading.contains(object as usize) && graph.edges(object).iter().any(leads) {
                    leading.insert(object as usize);
                    more.store(true, Relaxed);
                }
            }
        });
        if !more.into_inner() {
            return Some(leading.into_set());
        }
    }
    None
}

/// The members of the kernel without those that lead nowhere, as far as a few rounds find them.
fn may_be_in_cycles(reach: &Reachability, graph: &HeapGraph, members: &BitSet) -> RankedSet {
    let left = SharedBits::new(graph.len());
    let mut count = 0;
    for object in members.iter().filter(|o| graph.points(*o as u32)) {
        left.insert(object);
        count += 1;
    }
    // Each object comes after one that leads to it.
    for _ in 0..ROUNDS {
        let before = count;
        for object in reach.order().iter().rev().filter(|o| left.contains(**o as usize)) {
            if !graph.edges(*object).iter().any(|target| left.contains(*target as usize)) {
                left.remove(*object as usize);
                count -= 1;
            }
        }
        if count == before {
            break;
        }
    }
    RankedSet::new(left.into_set())
}

struct Pass<'k> {
    kernel: &'k Kernel,
    found: Cycles,
    /// Members in `frames` and `waiting`, plus one.
    index: u32,
    /// The next component's number. Larger than any index: there are fewer than 2^31 objects.
    number: u32,
    /// Ranks of members whose component is not complete.
    waiting: Vec<u32>,
    frames: Vec<Frame>,
}

impl Pass<'_> {
    fn visit(&mut self, start: u32, itself: &impl Fn(u32) -> bool) {
        self.enter(start);
        while let Some(frame) = self.frames.last_mut() {
            let column = &mut self.found.component;
            let Some(&next) = self.kernel.successors(frame.rank).get(frame.next as usize) else {
                self.leave(itself);
                continue;
            };
            match column[next as usize] {
                // Once it has a number, this edge is looked at again.
                NONE => self.enter(next),
                number => {
                    frame.next += 1;
                    if number < column[frame.rank as usize] {
                        column[frame.rank as usize] = number;
                        frame.root = false;
                    }
                }
            }
        }
    }

    fn enter(&mut self, rank: u32) {
        self.found.component[rank as usize] = self.index;
        self.index += 1;
        self.frames.push(Frame { rank, next: 0, root: true });
    }

    fn leave(&mut self, itself: &impl Fn(u32) -> bool) {
        let Some(Frame { rank, root, .. }) = self.frames.pop() else { return };
        if !root {
            self.waiting.push(rank);
            return;
        }
        let found = &mut self.found;
        let (first, start) = (found.component[rank as usize], found.members.len());
        while let Some(&member) = self.waiting.last()
            && found.component[member as usize] >= first
        {
            self.waiting.pop();
            found.component[member as usize] = self.number;
            found.members.push(self.kernel.objects[member as usize]);
        }
        let object = self.kernel.objects[rank as usize];
        found.members.push(object);
        let count = found.members.len() - start;
        self.index -= count as u32;
        let counts = count > 1 || self.kernel.successors(rank).contains(&rank) && itself(object);
        if !counts {
            found.members.pop();
        }
        self.found.component[rank as usize] = self.number(counts);
    }

    /// A number for the component whose members were listed last; none of them is in the list if it does not count.
    fn number(&mut self, counts: bool) -> u32 {
        if counts {
            self.found.ends.push(self.found.members.len());
            self.found.numbers.push(self.number);
        }
        self.number -= 1;
        self.number + 1
    }
}

#[cfg(test)]
mod tests {
    use petgraph::algo::tarjan_scc;
    use petgraph::graph::DiGraph;

    use super::*;
    use crate::HolderTree;
    use crate::testing::{Random, graph};

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
            let holders = vec![0; reach.roots().len()];
            let dominators =
                Dominators::new(&graph, &reach, HolderTree { of_root: &holders, above: &[0], groups: &[0] });
            let cycles = Cycles::new(&reach, &dominators, |_| true);
            assert_eq!(sorted(&cycles), brute, "{edges:?}");
            let wanted: Vec<u32> = (0..random.below(3)).map(|_| random.below(n)).collect();
            let some = Cycles::with(wanted.iter().copied(), &reach, &dominators, |_| true);
            assert!(sorted(&some).iter().all(|component| brute.contains(component)), "{edges:?}");
            for object in &wanted {
                let members = |cycles: &Cycles| cycles.component_of(*object).map(|c| cycles.members(c).len());
                assert_eq!(members(&some), members(&cycles), "{object} of {edges:?}");
            }
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
        let dominators = Dominators::new(&graph, &reach, HolderTree { of_root: &[0], above: &[0], groups: &[0] });
        assert_eq!(sorted(&Cycles::new(&reach, &dominators, |_| true)), [vec![0], vec![1, 2]]);
        let cycles = Cycles::new(&reach, &dominators, |_| false);
        assert_eq!(sorted(&cycles), [vec![1, 2]]);
        assert_eq!((cycles.component_of(0), cycles.component_of(3)), (None, None));
    }

    #[test]
    fn a_ring_of_a_million_needs_no_deep_stack() {
        let n = 1_000_000;
        let edges: Vec<Vec<u32>> = (0..n).map(|o| vec![(o + 1) % n]).collect();
        let graph = graph(&edges);
        let reach = Reachability::from_roots(&graph, [5]);
        let dominators = Dominators::new(&graph, &reach, HolderTree { of_root: &[0], above: &[0], groups: &[0] });
        let cycles = Cycles::new(&reach, &dominators, |_| true);
        assert_eq!((cycles.len(), cycles.members(0).len()), (1, n as usize));
        assert_eq!(cycles.shortest(&graph, 3).len(), n as usize);
    }
}
