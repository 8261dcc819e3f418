//! Walks the kernel depth first from the entry: numbers its nodes in preorder, and lists the edges that the walk did not go
//! along.
//!
//! The walk reads the graph's own rows. All that it remembers of a node are four columns of four bytes; there is no stack of
//! nodes, because a heap with a long list would make it as large as the heap.

use super::HolderTree;
use super::entries::Entries;
use super::holders::rows_of;
use crate::bits::RankedSet;
use crate::prefetch::prefetch;
use crate::reach::Parts;
use crate::{HeapGraph, Reachability};

/// All edges of this node have been followed.
const NO_MORE: u32 = u32::MAX;
/// Set where the edges that have not been followed are pending; the rest is how many they are.
const PENDING: u32 = 1 << 31;
/// Edges that are looked at before they are followed.
const AHEAD: usize = 8;
/// Not met; the entry's number, which nothing leads to.
const NONE: u32 = 0;

/// What stands at a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    /// Where all ways begin; number 0, and no other.
    Entry,
    Holder(u32),
    Object(u32),
}

/// Set in the code of a holder.
const HOLDER: u32 = 1 << 31;
const ENTRY: u32 = u32::MAX;

/// The kernel in preorder.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// What each number stands for, as [`Walk::node`] reads it.
    codes: Vec<u32>,
    /// The node that each was reached from; that of the entry is the entry.
    pub(super) parents: Vec<u32>,
    /// The other edges, but for those from a node to itself.
    pub(super) entries: Entries,
}

impl Walk {
    /// The node with this number.
    #[inline]
    pub(super) fn node(&self, number: u32) -> Node {
        match self.codes[number as usize] {
            ENTRY => Node::Entry,
            code if code & HOLDER != 0 => Node::Holder(code & !HOLDER),
            object => Node::Object(object),
        }
    }
}

/// Walks the kernel.
pub(super) fn walk(graph: &HeapGraph, reach: &Reachability, members: &RankedSet, holders: &HolderTree<'_>) -> Walk {
    let len = members.len() + holders.count() as usize + 1;
    let column = || Vec::with_capacity(len);
    let mut walker = Walker {
        graph,
        members,
        parts: reach.parts(),
        numbers: vec![NONE; members.len()],
        walk: Walk { codes: column(), parents: column(), entries: Entries::new(len) },
        followed: column(),
        pending: Vec::new(),
    };
    walker.holders(holders, &held(reach, members, holders));
    let mut walk = walker.walk;
    walk.entries.sort();
    walk
}

/// Objects of the kernel that each holder holds, as sparse rows.
fn held(reach: &Reachability, members: &RankedSet, holders: &HolderTree<'_>) -> (Vec<u32>, Vec<u32>) {
    let counting = reach.counting_roots().filter(|(_, object)| members.contains(*object as usize));
    rows_of(counting.map(|(index, object)| (holders.of(index), object)).collect(), holders.count())
}

struct Walker<'w> {
    graph: &'w HeapGraph,
    members: &'w RankedSet,
    parts: &'w Parts,
    /// The number of each member, by rank; [`NONE`] when it has not been met.
    numbers: Vec<u32>,
    walk: Walk,
    /// How many edges of each node have been followed, or as [`PENDING`] and [`NO_MORE`] say.
    followed: Vec<u32>,
    /// The last few edges of nodes on the way to the present one, first edges last.
    pending: Vec<u32>,
}

impl Walker<'_> {
    fn holders(&mut self, holders: &HolderTree<'_>, held: &(Vec<u32>, Vec<u32>)) {
        let entry = self.enter(ENTRY, 0);
        let (starts, parts) = holders.parts();
        let parts_of = |node: u32| &parts[starts[node as usize] as usize..starts[node as usize + 1] as usize];
        // As deep as holders have parts.
        let mut stack = vec![(0, entry, 0)];
        while let Some((node, number, next)) = stack.last_mut() {
            let (of, parent) = (*node, *number);
            if let Some(part) = parts_of(of).get(*next) {
                *next += 1;
                let number = self.enter(HOLDER | (*part - 1), parent);
                stack.push((*part, number, 0));
                continue;
            }
            stack.pop();
            if let Some(holder) = of.checked_sub(1) {
                let row = held.0[holder as usize] as usize..held.0[holder as usize + 1] as usize;
                for object in &held.1[row] {
                    self.hold(*object, parent);
                }
            }
        }
    }

    /// A new node.
    #[inline]
    fn enter(&mut self, code: u32, parent: u32) -> u32 {
        let number = self.walk.codes.len() as u32;
        self.walk.codes.push(code);
        self.walk.parents.push(parent);
        self.followed.push(0);
        number
    }

    /// Follows the edge from a holder to an object.
    fn hold(&mut self, object: u32, holder: u32) {
        let Some(rank) = self.members.rank(object as usize) else { return };
        match self.numbers[rank] {
            NONE => self.descend(object, rank, holder),
            number => self.walk.entries.push(holder, number),
        }
    }

    /// Walks what an object that has not been met leads to.
    fn descend(&mut self, object: u32, rank: usize, parent: u32) {
        let top = self.enter(object, parent);
        self.numbers[rank] = top;
        let mut at = top;
        loop {
            if let Some((object, rank)) = self.next(at) {
                at = self.enter(object, at);
                self.numbers[rank] = at;
                continue;
            }
            if at == top {
                return;
            }
            at = self.walk.parents[at as usize];
        }
    }

    /// Follows the edges of a node up to the first that leads to an object that has not been met.
    #[inline]
    fn next(&mut self, at: u32) -> Option<(u32, usize)> {
        match self.followed[at as usize] {
            NO_MORE => None,
            left if left & PENDING != 0 => self.next_pending(at, left & !PENDING),
            followed => self.next_of_row(at, followed as usize),
        }
    }

    /// As [`Walker::next`], for a node that `followed` edges of were followed in their row.
    fn next_of_row(&mut self, at: u32, followed: usize) -> Option<(u32, usize)> {
        let graph = self.graph;
        let object = self.walk.codes[at as usize];
        let row = &graph.edges(object)[followed..];
        self.look_ahead(row.get(..AHEAD).unwrap_or(row));
        for (index, &target) in row.iter().enumerate() {
            if let Some(later) = row.get(index + AHEAD) {
                self.look_ahead(std::slice::from_ref(later));
            }
            if let Some(soon) = row.get(index + AHEAD / 2) {
                graph.prefetch_row(*soon);
            }
            if let Some(rank) = self.follow(at, object, target) {
                let rest = &row[index + 1..];
                self.followed[at as usize] = if rest.is_empty() {
                    NO_MORE
                } else if rest.len() <= AHEAD {
                    // By the time the walk comes back, the row is far away.
                    self.pending.extend(rest.iter().rev());
                    PENDING | rest.len() as u32
                } else {
                    (followed + index) as u32 + 1
                };
                return Some((target, rank));
            }
        }
        None
    }

    /// As [`Walker::next`], for a node whose last `left` edges are pending.
    fn next_pending(&mut self, at: u32, mut left: u32) -> Option<(u32, usize)> {
        let object = self.walk.codes[at as usize];
        let first = self.pending.len() - left as usize;
        for index in first..self.pending.len() {
            let target = self.pending[index];
            self.look_ahead(&[target]);
        }
        while left > 0 {
            left -= 1;
            let Some(target) = self.pending.pop() else { break };
            if let Some(rank) = self.follow(at, object, target) {
                self.followed[at as usize] = if left == 0 { NO_MORE } else { PENDING | left };
                return Some((target, rank));
            }
        }
        self.followed[at as usize] = NO_MORE;
        None
    }

    /// Prepares for following edges to `targets`.
    #[inline]
    fn look_ahead(&self, targets: &[u32]) {
        for target in targets {
            if let Some(rank) = self.members.rank(*target as usize) {
                prefetch(&self.numbers, rank);
                self.graph.prefetch_span(*target);
            }
        }
    }

    /// Follows an edge; returns the rank of its target when that has not been met.
    #[inline]
    fn follow(&mut self, at: u32, object: u32, target: u32) -> Option<usize> {
        let rank = self.members.rank(target as usize)?;
        if self.parts.differ(object, target) {
            return None;
        }
        let number = self.numbers[rank];
        if number == NONE {
            return Some(rank);
        }
        if number != at {
            self.walk.entries.push(at, number);
        }
        None
    }
}
