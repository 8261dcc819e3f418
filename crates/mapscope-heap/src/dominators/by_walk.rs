//! Works out immediate dominators by a depth-first walk, in nearly linear time whatever the graph is like.

use super::code::{ENTRY, code};
use super::kernel::members;
use super::semi_nca::immediate_dominators;
use super::walk::{Node, walk};
use super::{Dominator, HolderTree};
use crate::bits::RankedSet;
use crate::{HeapGraph, Reachability};

/// The immediate dominator of each object of `several`, by rank, as [`code`] writes it.
pub(super) fn dominators(
    graph: &HeapGraph,
    reach: &Reachability,
    several: &RankedSet,
    holders: &HolderTree<'_>,
) -> Vec<u32> {
    let walk = walk(graph, reach, &members(graph, reach, several), holders);
    let mut dominators = vec![ENTRY; several.len()];
    for (number, dominator) in (0..).zip(immediate_dominators(&walk.parents, &walk.entries)) {
        if let Node::Object(object) = walk.node(number)
            && let Some(rank) = several.rank(object as usize)
        {
            dominators[rank] = match walk.node(dominator) {
                Node::Object(object) => object,
                Node::Holder(holder) => code(Dominator::Holder(holder)),
                Node::Entry => ENTRY,
            };
        }
    }
    dominators
}
