//! Following edges, many at once.
//!
//! An edge leads anywhere, and a look at a far place costs the time of a hundred instructions. So many edges are first
//! sorted by where they lead; then one thread follows all that lead to one range of objects, whose part of the columns
//! stays in its cache. What is reached, and by what, is the same however many threads there are.

use std::ops::Range;

use rayon::prelude::*;

use super::NONE;
use crate::{BitSet, HeapGraph};

/// Objects of a range, at least, as a power of two.
const RANGE: u32 = 14;
/// Ranges, at most.
const MAX_RANGES: usize = 1024;
/// Edges that one thread sorts at a time.
const PIECE: u32 = 1 << 16;
/// Pieces that are sorted before any of them is followed: together 64 MiB, and the more, the more edges lead to one range.
const PIECES: usize = 128;
/// Fewer objects, and fewer edges, are not worth a second thread.
const FEW: usize = 1 << 10;

/// What is known of objects, and changes as edges are followed.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// As in [`super::Reachability`].
    pub(super) parents: Vec<u32>,
    /// Objects that some other object points to, besides their parent.
    pub(super) joined: BitSet,
    /// Objects that point to themselves; some more than once.
    pub(super) loops: Vec<u32>,
    /// Objects with a parent.
    pub(super) live: u64,
}

/// The edges of one object.
struct Row {
    object: u32,
    /// What those that it is the first to reach get for a parent: the object, or [`NONE`] when it is not open.
    parent: u32,
    span: Range<u32>,
}

/// Rows, or a part of the edges of a single one.
struct Piece {
    rows: Range<usize>,
    part: Range<u32>,
}

/// The edges of a piece as (target, parent), range by range.
#[derive(Default)]
struct Sorted {
    edges: Vec<(u32, u32)>,
    /// Where the edges of each range end.
    ends: Vec<u32>,
    loops: Vec<u32>,
}

/// One range of the columns.
struct Columns<'m> {
    first: u32,
    parents: &'m mut [u32],
    joined: &'m mut [u64],
}

/// Follows the edges of one graph.
pub(super) struct Spread<'g> {
    graph: &'g HeapGraph,
    /// Objects of a range, as a power of two.
    range: u32,
    rows: Vec<Row>,
    sorted: Vec<Sorted>,
}

impl<'g> Spread<'g> {
    pub(super) fn new(graph: &'g HeapGraph) -> Self {
        let range = graph.len().div_ceil(MAX_RANGES).next_power_of_two().trailing_zeros().max(RANGE);
        Self { graph, range, rows: Vec::new(), sorted: Vec::new() }
    }

    /// Marks what `objects` point to, and adds those newly marked that point somewhere to `reached`.
    pub(super) fn follow(
        &mut self,
        objects: &[u32],
        open: &(impl Fn(u32) -> bool + Sync),
        marks: &mut Marks,
        reached: &mut Vec<u32>,
    ) {
        let graph = self.graph;
        let row = |&object: &u32| {
            let parent = if open(object) { object } else { NONE };
            Row { object, parent, span: graph.span(object) }
        };
        self.rows.clear();
        if objects.len() < FEW {
            self.rows.extend(objects.iter().map(row));
        } else {
            objects.par_iter().map(row).collect_into_vec(&mut self.rows);
        }
        let edges: u64 = self.rows.iter().map(|r| u64::from(r.span.end - r.span.start)).sum();
        if edges < FEW as u64 {
            self.one_by_one(marks, reached);
            return;
        }
        let pieces = pieces(&self.rows);
        for batch in pieces.chunks(PIECES) {
            self.sort(batch);
            self.mark(batch.len(), marks, reached);
        }
    }

    fn one_by_one(&self, marks: &mut Marks, reached: &mut Vec<u32>) {
        let mut columns = Columns { first: 0, parents: &mut marks.parents, joined: marks.joined.words_mut() };
        for row in &self.rows {
            for &target in self.graph.row(row.span.clone()) {
                if target == row.object {
                    marks.loops.push(target);
                } else if columns.mark(target, row.parent) {
                    marks.live += 1;
                    // What points nowhere is done: half of a heap, as a rule, need not stand in line.
                    if self.graph.points(target) {
                        reached.push(target);
                    }
                }
            }
        }
    }

    fn sort(&mut self, pieces: &[Piece]) {
        let Self { graph, range, rows, sorted } = self;
        sorted.resize_with(sorted.len().max(pieces.len()), Sorted::default);
        sorted.par_iter_mut().zip(pieces).for_each(|(sorted, piece)| {
            sorted.sort(graph, *range, &rows[piece.rows.clone()], &piece.part);
        });
    }

    fn mark(&self, pieces: usize, marks: &mut Marks, reached: &mut Vec<u32>) {
        let sorted = &self.sorted[..pieces];
        for piece in sorted {
            marks.loops.extend(&piece.loops);
        }
        let parents = marks.parents.par_chunks_mut(1 << self.range);
        let joined = marks.joined.words_mut().par_chunks_mut((1 << self.range) / 64);
        let of_range = |(number, (parents, joined)): (usize, (&mut [u32], &mut [u64]))| {
            let mut columns = Columns { first: (number as u32) << self.range, parents, joined };
            let (mut live, mut reached) = (0, Vec::new());
            for &(target, parent) in sorted.iter().flat_map(|s| s.of_range(number)) {
                if columns.mark(target, parent) {
                    live += 1;
                    if self.graph.points(target) {
                        reached.push(target);
                    }
                }
            }
            (live, reached)
        };
        let ranges: Vec<(u64, Vec<u32>)> = parents.zip(joined).enumerate().map(of_range).collect();
        for (live, found) in ranges {
            marks.live += live;
            reached.extend(found);
        }
    }
}

/// Cuts rows into pieces of about [`PIECE`] edges.
fn pieces(rows: &[Row]) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let (mut first, mut edges) = (0, 0);
    for (index, row) in rows.iter().enumerate() {
        let len = row.span.end - row.span.start;
        if len > PIECE - edges && index > first {
            pieces.push(Piece { rows: first..index, part: 0..u32::MAX });
            (first, edges) = (index, 0);
        }
        if len > PIECE {
            let parts = (0..len).step_by(PIECE as usize);
            pieces.extend(parts.map(|at| Piece { rows: index..index + 1, part: at..at.saturating_add(PIECE) }));
            first = index + 1;
        } else {
            edges += len;
        }
    }
    if first < rows.len() {
        pieces.push(Piece { rows: first..rows.len(), part: 0..u32::MAX });
    }
    pieces
}

impl Sorted {
    fn sort(&mut self, graph: &HeapGraph, range: u32, rows: &[Row], part: &Range<u32>) {
        let Self { edges, ends, loops } = self;
        let of_row = |row: &Row| {
            let edges = graph.row(row.span.clone());
            &edges[part.start as usize..edges.len().min(part.end as usize)]
        };
        loops.clear();
        ends.clear();
        ends.resize((graph.len() >> range) + 2, 0);
        for row in rows {
            for target in of_row(row) {
                ends[(target >> range) as usize + 1] += u32::from(*target != row.object);
            }
        }
        let mut total = 0;
        for end in ends.iter_mut() {
            // The start of the range for now; filling moves it to the end.
            total += *end;
            *end = total;
        }
        edges.clear();
        edges.resize(total as usize, (0, NONE));
        for row in rows {
            for &target in of_row(row) {
                if target == row.object {
                    loops.push(target);
                    continue;
                }
                let at = &mut ends[(target >> range) as usize];
                edges[*at as usize] = (target, row.parent);
                *at += 1;
            }
        }
    }

    fn of_range(&self, number: usize) -> &[(u32, u32)] {
        let start = number.checked_sub(1).map_or(0, |n| self.ends[n]);
        &self.edges[start as usize..self.ends[number] as usize]
    }
}

impl Columns<'_> {
    /// Notes that `parent` leads to `target`, an object of the range; returns whether it is the first.
    #[inline]
    fn mark(&mut self, target: u32, parent: u32) -> bool {
        let at = (target - self.first) as usize;
        let slot = &mut self.parents[at];
        if parent != NONE && (*slot == NONE || *slot == parent) {
            return std::mem::replace(slot, parent) == NONE;
        }
        self.joined[at / 64] |= 1 << (at % 64);
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Random, graph};
    use crate::{Parent, Reachability};

    /// Depth of each object from the roots.
    fn plain(edges: &[Vec<u32>], roots: &[u32], open: impl Fn(u32) -> bool) -> Vec<Option<u32>> {
        let mut depth = vec![None; edges.len()];
        let mut queue: Vec<u32> = Vec::new();
        for root in roots {
            if depth[*root as usize].replace(0).is_none() {
                queue.push(*root);
            }
        }
        let mut done = 0;
        while let Some(&object) = queue.get(done) {
            done += 1;
            for target in edges[object as usize].iter().filter(|_| open(object)) {
                if depth[*target as usize].is_none() {
                    depth[*target as usize] = depth[object as usize].map(|d| d + 1);
                    queue.push(*target);
                }
            }
        }
        depth
    }

    #[test]
    fn many_edges_mark_what_one_after_the_other_marks() {
        let mut random = Random::new(7);
        let n = (3 << RANGE) + 17;
        for degree in [2, 4] {
            let mut edges = random.edges(n, degree);
            // One object with more edges than a piece, some of them twice, and to itself.
            edges[5] = (0..3 * PIECE).map(|i| if i % 1000 == 3 { 5 } else { random.below(n) }).collect();
            let graph = graph(&edges);
            let roots: Vec<u32> = (0..50).map(|_| random.below(n)).chain([5]).collect();
            let open = |o: u32| o % 11 != 3;
            let mut reach = Reachability::new(&graph);
            reach.extend_through(&graph, roots.iter().copied(), open);
            let depth = plain(&edges, &roots, open);
            let mut pointed = vec![Vec::new(); n as usize];
            for (object, targets) in edges.iter().enumerate().filter(|(o, _)| depth[*o].is_some()) {
                for target in targets {
                    pointed[*target as usize].push(object as u32);
                }
            }
            let mut loops = reach.loops().to_vec();
            loops.sort_unstable();
            loops.dedup();
            let points_back = |o: &u32| reach.is_live(*o) && edges[*o as usize].contains(o);
            assert_eq!(loops, (0..n).filter(points_back).collect::<Vec<_>>());
            for object in 0..n {
                let of = |o: u32| depth[o as usize];
                assert_eq!(reach.is_live(object), of(object).is_some());
                let parent = reach.parent(object);
                if let Some(Parent::Object(parent)) = parent {
                    assert!(open(parent) && edges[parent as usize].contains(&object));
                    assert_eq!(of(parent).map(|d| d + 1), of(object), "a shortest way");
                }
                let other = |from: &u32| *from != object && Some(Parent::Object(*from)) != parent;
                let other = pointed[object as usize].iter().any(other)
                    || pointed[object as usize].iter().any(|from| *from != object && !open(*from));
                assert_eq!(reach.joined().contains(object as usize), other, "{object}");
            }
            assert_eq!(reach.live_objects(), depth.iter().flatten().count() as u64);
            let depths: Vec<_> = reach.order().iter().map(|o| depth[*o as usize]).collect();
            assert!(depths.is_sorted(), "level by level");
            assert_eq!(depths.len(), (0..n).filter(|o| reach.is_live(*o) && graph.points(*o)).count());
        }
    }

    #[test]
    fn rows_are_cut_into_pieces_that_are_not_too_long() {
        let row = |edges: u32| Row { object: 0, parent: 0, span: 7..7 + edges };
        let lens = [3, PIECE, 0, PIECE - 1, 1, 1, 2 * PIECE + 5, 0, 9];
        let rows: Vec<Row> = lens.into_iter().map(row).collect();
        let cut: Vec<_> = pieces(&rows).into_iter().map(|p| (p.rows, p.part)).collect();
        let all = 0..u32::MAX;
        let long = |n: u32| (6..7, n * PIECE..(n + 1) * PIECE);
        assert_eq!(
            cut,
            [
                (0..1, all.clone()),
                (1..3, all.clone()),
                (3..5, all.clone()),
                (5..6, all.clone()),
                long(0),
                long(1),
                long(2),
                (7..9, all)
            ]
        );
    }
}
