//! The lists of a session: types, totals.

use mapscope_heap::{HeapGraph, MergedTree, Reachability};
use rustc_hash::FxHashMap;

use crate::heap::SpanTable;
use crate::root_names::Start;
use crate::roots::Roots;
use crate::session::{Totals, TypeCount};
use crate::types::{Kind, TypeId, TypeTable};

/// Types by name. Different types can have the same: those of functions' scopes, and those known only from debug
/// information.
#[derive(Debug, Default)]
pub(crate) struct Classes {
    /// The class of each type.
    pub(crate) of_type: Vec<u32>,
    pub(crate) names: Vec<String>,
    /// The class that a class is part of: parts of a map belong to the class of the map's type.
    pub(crate) wholes: Vec<u32>,
}

impl Classes {
    pub(crate) fn of(types: &TypeTable<'_>) -> Self {
        let mut classes = Self::default();
        let mut numbers: FxHashMap<String, u32> = FxHashMap::default();
        let mut whole_of = Vec::new();
        for id in 0..types.len() as u32 {
            let ty = types.get(TypeId(id));
            let class = *numbers.entry(ty.name.clone()).or_insert_with(|| {
                classes.names.push(ty.name.clone());
                classes.names.len() as u32 - 1
            });
            classes.of_type.push(class);
            if let Kind::MapPart(_, map) = ty.kind {
                whole_of.push((class, map));
            }
        }
        classes.wholes = (0..classes.names.len() as u32).collect();
        for (class, map) in whole_of {
            classes.wholes[class as usize] = classes.of_type.get(map.0 as usize).copied().unwrap_or(class);
        }
        classes
    }
}

/// Live objects by type, most bytes first. `inferred`: how many of each type were concluded to be of it.
pub(crate) fn histogram(classes: &Classes, merged: &MergedTree, inferred: &[u64]) -> Vec<TypeCount> {
    let mut inferred_of = vec![0; classes.names.len()];
    for (class, count) in classes.of_type.iter().zip(inferred) {
        inferred_of[*class as usize] += count;
    }
    let sums = merged.by_class(classes.names.len());
    let rows = classes.names.iter().zip(inferred_of).zip(sums).filter(|(_, sum)| sum.0 > 0);
    let mut rows: Vec<TypeCount> = rows
        .map(|((name, inferred), (count, bytes, retained))| TypeCount {
            name: name.clone(),
            count,
            inferred,
            bytes,
            retained,
        })
        .collect();
    rows.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    rows
}

/// Totals of the heap.
pub(crate) fn totals(
    graph: &HeapGraph,
    reach: &Reachability,
    spans: &SpanTable,
    roots: &Roots,
    starts: &[Start],
) -> Totals {
    let mut totals = Totals {
        live_objects: reach.live_objects(),
        live_bytes: reach.live_bytes(graph),
        stack_bytes: roots.goroutines.stack_bytes(),
        roots: starts.iter().filter(|start| start.is_the_collectors()).count() as u64,
        ..Totals::default()
    };
    let mut span_bytes = 0;
    for (block, span) in graph.blocks.blocks().iter().zip(&spans.spans) {
        let range = block.objects();
        let objects = graph.allocated.count_range(range.start as usize, range.end as usize);
        totals.objects += objects;
        totals.object_bytes += objects * block.slot_size;
        span_bytes += span.bytes;
    }
    totals.fragmentation_bytes = span_bytes - totals.object_bytes;
    totals
}
