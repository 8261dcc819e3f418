//! Our own mark: what the roots reach, and by which object each was reached first.

mod spread;

use rayon::prelude::*;
use spread::{Marks, Spread};

use crate::{BitSet, HeapGraph};

/// Objects that are followed together, at most.
const WINDOW: usize = 1 << 18;
/// Not reached.
const NONE: u32 = u32::MAX;
/// Shut: not reached, and not to be reached for now. Neither an object nor a root has this number.
const SHUT: u32 = u32::MAX - 1;

/// How an object was first reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parent {
    /// From the root with this index in the list given to [`Reachability::from_roots`].
    Root(u32),
    /// From this object.
    Object(u32),
}

/// The live objects, each with the object or root that reached it first, breadth first.
#[derive(Debug, Default)]
pub struct Reachability {
    /// Parents are objects, or number of objects + root index, or [`NONE`].
    marks: Marks,
    objects: u32,
    /// Live objects that point somewhere, in the order in which they were reached: the queue, of which nothing is removed.
    order: Vec<u32>,
    /// How many of them have been looked at.
    done: usize,
    /// The object of each root.
    roots: Vec<u32>,
    /// Objects that are passed by until they are opened.
    shut: Vec<u32>,
    parts: Parts,
}

/// What is reached by roots of each rank, and not by those before. Pointers between parts do not count for who holds what.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    /// From the second rank on: the index of its first root, and the objects. While roots are still coming, the objects are
    /// those of the ranks before.
    later: Vec<(usize, BitSet)>,
    /// All of these objects.
    any: BitSet,
    /// There are some.
    several: bool,
}

impl Parts {
    /// The number of the part that a live object is in.
    #[inline]
    pub(crate) fn of(&self, object: u32) -> usize {
        // Few are not of the first.
        if self.any.contains(object as usize) { self.of_later(object) } else { 0 }
    }

    /// Whether two live objects are in different parts.
    #[inline]
    pub(crate) fn differ(&self, one: u32, other: u32) -> bool {
        self.several && self.of(one) != self.of(other)
    }

    #[cold]
    fn of_later(&self, object: u32) -> usize {
        self.later.iter().position(|(_, objects)| objects.contains(object as usize)).map_or(0, |part| part + 1)
    }
}

impl Reachability {
    /// Nothing reached yet.
    pub fn new(graph: &HeapGraph) -> Self {
        let (parents, joined) = (vec![NONE; graph.len()], BitSet::new(graph.len()));
        let marks = Marks { parents, joined, ..Marks::default() };
        Self { marks, objects: graph.len() as u32, ..Self::default() }
    }

    /// Marks everything that `roots` (objects) reach.
    pub fn from_roots(graph: &HeapGraph, roots: impl IntoIterator<Item = u32>) -> Self {
        let mut reach = Self::new(graph);
        reach.extend(graph, roots);
        reach
    }

    /// Marks everything that `roots` reach and nothing reached before. Roots are numbered on from the last call, so
    /// that a caller can give the roots that people care about first: they then own what they reach.
    pub fn extend(&mut self, graph: &HeapGraph, roots: impl IntoIterator<Item = u32>) {
        self.extend_through(graph, roots, |_| true);
    }

    /// Passes `objects` by, which nothing has reached, until [`Reachability::open`]: pointers to them are not followed.
    pub fn shut(&mut self, objects: impl IntoIterator<Item = u32>) {
        for object in objects {
            if let Some(slot) = self.marks.parents.get_mut(object as usize).filter(|slot| **slot == NONE) {
                *slot = SHUT;
                self.shut.push(object);
            }
        }
    }

    /// What was shut can be reached by roots given from now on.
    pub fn open(&mut self) {
        for object in std::mem::take(&mut self.shut) {
            self.marks.parents[object as usize] = NONE;
        }
    }

    /// Roots given from now on are of a later rank: theirs is what they reach and those before them do not, and no pointer
    /// between the two parts counts for who holds what. After the last roots, [`Reachability::end_ranks`] must follow.
    pub fn begin_rank(&mut self) {
        let before = self.reached();
        self.parts.later.push((self.roots.len(), before));
    }

    /// No more roots will come.
    pub fn end_ranks(&mut self) {
        let mut all = self.reached();
        let mut any = all.clone();
        if let Some((_, first)) = self.parts.later.first_mut() {
            any.words_mut().iter_mut().zip(first.words_mut()).for_each(|(word, before)| *word &= !*before);
            self.parts.several = any.words_mut().iter().any(|word| *word != 0);
            self.parts.any = any;
        }
        for (_, objects) in self.parts.later.iter_mut().rev() {
            for (word, before) in all.words_mut().iter_mut().zip(objects.words_mut()) {
                // What was reached before is all there is to the ranks before; the rest is of this one.
                let here = *word & !*before;
                *word = *before;
                *before = here;
            }
        }
    }

    fn reached(&self) -> BitSet {
        let mut reached = BitSet::new(self.marks.parents.len());
        let words = reached.words_mut().par_iter_mut().zip(self.marks.parents.par_chunks(64));
        words.with_min_len(1 << 10).for_each(|(word, parents)| {
            let bit = |(at, parent): (usize, &u32)| u64::from(*parent < SHUT) << at;
            *word = parents.iter().enumerate().map(bit).fold(0, |all, bit| all | bit);
        });
        reached
    }

    /// Which roots' each live object is.
    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Whether a root counts for its object: one of a later rank does not for what one before it reaches.
    pub(crate) fn counts(&self, root: usize) -> bool {
        let rank = self.parts.later.iter().take_while(|(first, _)| *first <= root).count();
        self.roots.get(root).is_some_and(|object| self.parts.of(*object) == rank)
    }

    /// The roots that count: the number of each, and its object.
    pub(crate) fn counting_roots(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let roots = self.roots.iter().enumerate().filter(|(index, _)| self.counts(*index));
        roots.map(|(index, object)| (index as u32, *object))
    }

    /// As [`Reachability::extend`], but what an object that is not `open` points to is not followed: it is marked, and
    /// that is all. A later call can give its edges as roots.
    pub fn extend_through(
        &mut self,
        graph: &HeapGraph,
        roots: impl IntoIterator<Item = u32>,
        open: impl Fn(u32) -> bool + Sync,
    ) {
        for root in roots {
            let parent = self.objects.saturating_add(self.roots.len() as u32);
            self.roots.push(root);
            if let Some(slot) = self.marks.parents.get_mut(root as usize).filter(|slot| **slot == NONE) {
                *slot = parent;
                self.marks.live += 1;
                if graph.points(root) {
                    self.order.push(root);
                }
            }
        }
        let mut spread = Spread::new(graph);
        let mut level = self.order.len();
        let mut reached = Vec::new();
        while self.done < self.order.len() {
            // Not beyond the end of a level: what is followed together is reached in no order of levels.
            let end = level.min(self.done + WINDOW);
            spread.follow(&self.order[self.done..end], &open, &mut self.marks, &mut reached);
            self.order.append(&mut reached);
            self.done = end;
            if end == level {
                level = self.order.len();
            }
        }
    }

    /// Whether a root reaches `object`.
    #[inline]
    pub fn is_live(&self, object: u32) -> bool {
        self.marks.parents.get(object as usize).is_some_and(|p| *p < SHUT)
    }

    /// How `object` was reached; `None` when it was not.
    pub fn parent(&self, object: u32) -> Option<Parent> {
        match *self.marks.parents.get(object as usize)? {
            NONE | SHUT => None,
            p if p >= self.objects => Some(Parent::Root(p - self.objects)),
            p => Some(Parent::Object(p)),
        }
    }

    /// The objects of all roots, in the order given.
    pub fn roots(&self) -> &[u32] {
        &self.roots
    }

    /// The live objects that point somewhere, in the order in which they were reached: an object comes after its parent.
    pub fn order(&self) -> &[u32] {
        &self.order
    }

    /// Objects that a live object points to which is not their parent. A root that is not their parent does not count.
    pub(crate) fn joined(&self) -> &BitSet {
        &self.marks.joined
    }

    /// Live objects that point to themselves; some may be there more than once.
    pub(crate) fn loops(&self) -> &[u32] {
        &self.marks.loops
    }

    /// Live objects.
    pub fn live_objects(&self) -> u64 {
        self.marks.live
    }

    /// Bytes of the slots of live objects.
    pub fn live_bytes(&self, graph: &HeapGraph) -> u64 {
        let live = |range: std::ops::Range<u32>| range.filter(|o| self.is_live(*o)).count() as u64;
        graph.blocks.blocks().iter().map(|b| live(b.objects()) * b.slot_size).sum()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{BlockTable, EdgeRows};

    fn graph(edges: &[&[u32]]) -> HeapGraph {
        let blocks = BlockTable::new(vec![(0x2000, 16, edges.len() as u32)]).unwrap();
        let mut rows = EdgeRows::new(0);
        for row in edges {
            rows.push_row(row.iter().copied());
        }
        HeapGraph::new(blocks, vec![rows]).unwrap()
    }

    #[test]
    fn first_roots_own_and_shortest_way_wins() {
        // 0 -> 1 -> 2 -> 0 is a cycle; 3 -> 2; 4 is alone; 5 -> 5.
        let graph = graph(&[&[1], &[2], &[0], &[2], &[], &[5]]);
        let mut reach = Reachability::from_roots(&graph, [3]);
        assert_eq!(reach.parent(2), Some(Parent::Object(3)));
        assert_eq!(reach.parent(1), Some(Parent::Object(0)));
        reach.extend(&graph, [0, 5]);
        assert_eq!(reach.parent(0), Some(Parent::Object(2)), "reached by the first call already");
        assert_eq!(reach.parent(5), Some(Parent::Root(2)));
        assert!(!reach.is_live(4));
        assert_eq!((reach.live_objects(), reach.live_bytes(&graph)), (5, 80));
    }

    #[test]
    fn a_closed_object_hides_what_it_points_to_until_it_is_opened() {
        // 0 -> 1 -> 2, 0 -> 3.
        let graph = graph(&[&[1, 3], &[2], &[], &[]]);
        let mut reach = Reachability::new(&graph);
        reach.extend_through(&graph, [0], |o| o != 1);
        assert!(reach.is_live(1) && reach.is_live(3) && !reach.is_live(2));
        reach.extend(&graph, graph.edges(1).iter().copied());
        assert!(reach.is_live(2));
    }

    #[test]
    fn what_is_shut_is_passed_by_until_it_is_opened() {
        // 0 -> 1 -> 2 -> 3, 4 -> 1 and 5, 6 -> 5; 1 is shut.
        let graph = graph(&[&[1], &[2], &[3], &[], &[1, 5], &[], &[5]]);
        let mut reach = Reachability::new(&graph);
        reach.shut([1, 9]);
        reach.extend(&graph, [0, 1, 3]);
        let live: Vec<u32> = (0..7).filter(|o| reach.is_live(*o)).collect();
        assert_eq!((live, reach.parent(1), reach.live_objects()), (vec![0, 3], None, 2));
        reach.begin_rank();
        reach.extend(&graph, [6, 3]);
        reach.begin_rank();
        reach.open();
        reach.extend(&graph, [4]);
        reach.end_ranks();
        assert_eq!((reach.parent(1), reach.parent(2)), (Some(Parent::Object(4)), Some(Parent::Object(1))));
        assert_eq!(reach.parent(3), Some(Parent::Root(2)), "reached before");
        assert_eq!((0..7).map(|o| reach.parts().of(o)).collect::<Vec<_>>(), [0, 2, 2, 0, 2, 1, 1]);
        assert_eq!([0, 1, 2, 3, 4, 5, 6].map(|r| reach.counts(r)), [true, false, true, true, false, true, false]);
        assert_eq!(reach.live_objects(), 7);
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        let blocks = || BlockTable::new(vec![(0x2000, 16, 2)]).unwrap();
        let mut short = EdgeRows::new(0);
        short.push_row([1]);
        assert!(HeapGraph::new(blocks(), vec![short.clone()]).is_err());
        short.push_row([2]);
        assert!(HeapGraph::new(blocks(), vec![short]).is_err(), "edge leads outside");
    }
}
