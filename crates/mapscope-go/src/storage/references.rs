//! Who refers to a few chosen objects: one pass over all pointers, in parallel.

use mapscope_heap::BitSet;
use rayon::prelude::*;

use crate::session::Stages;

/// Calls `sink` with the source and the target of each pointer to an object of `wanted` from an object that is live or
/// kept by a finalizer.
pub(crate) fn from_objects(stages: &Stages<'_>, wanted: &BitSet, sink: impl Fn(u32, u32) + Sync) {
    let (graph, reach) = (&stages.heap.graph, stages.reach);
    let of = |object: u32| {
        for target in graph.edges(object).iter().filter(|t| wanted.contains(**t as usize)) {
            sink(object, *target);
        }
    };
    stages.heap.chunks.par_iter().for_each(|chunk| {
        let objects = graph.blocks.blocks()[chunk.clone()].iter().flat_map(mapscope_heap::Block::objects);
        objects.filter(|o| reach.is_live(*o)).for_each(of);
    });
    stages.roots.finalized.iter().filter(|o| !reach.is_live(**o)).for_each(|o| of(*o));
}

/// The roots that lead to an object of `wanted`: (object, address of the word, 0 for a register), each once.
pub(crate) fn from_roots(stages: &Stages<'_>, wanted: &BitSet) -> Vec<(u32, u64)> {
    let spans = &stages.heap.spans;
    let to = |root: &crate::roots::Root| spans.object(root.value).map(|(object, ..)| (object, root.address));
    let mut found: Vec<(u32, u64)> =
        stages.roots.words.iter().filter_map(to).filter(|(o, _)| wanted.contains(*o as usize)).collect();
    found.sort_unstable();
    found.dedup();
    found
}
