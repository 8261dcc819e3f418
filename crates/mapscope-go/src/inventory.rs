//! The lists of a session: maps, types, totals.

use mapscope_heap::{Dominator, Dominators, HeapGraph, MapAudit, MergedTree, Reachability};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::heap::SpanTable;
use crate::roots::{Context, Roots};
use crate::session::{MapEntry, Stages, Totals, TypeCount};
use crate::types::{Kind, MapPart, TypeId, TypeTable};
use crate::typing::{Origin, Region};

/// Header and type of each live map: objects that are headers, and headers outside the heap.
pub(crate) fn find_maps(
    types: &TypeTable<'_>,
    graph: &HeapGraph,
    reach: &Reachability,
    regions: &[Region],
) -> Vec<(u64, TypeId)> {
    let header = |id: u32| match types.get(TypeId(id)).kind {
        Kind::MapPart(MapPart::Header, map) => Some(map),
        _ => None,
    };
    let headers: Vec<Option<TypeId>> = (0..types.len() as u32).map(header).collect();
    let mut maps = Vec::new();
    for block in graph.blocks.blocks() {
        for object in block.objects() {
            let ty = graph.type_of(object);
            if let Some(Some(map)) = headers.get(ty as usize)
                && reach.is_live(object)
            {
                maps.push((block.address(object), *map));
            }
        }
    }
    for region in regions {
        if let (Some(Some(map)), Origin::Pointer(_) | Origin::Guess(..)) =
            (headers.get(region.ty.0 as usize), region.origin)
        {
            maps.push((region.start, *map));
        }
    }
    maps.sort_unstable();
    maps.dedup_by_key(|m| m.0);
    maps
}

/// The audited maps with their owners, most table bytes first, torn ones last. Headers in `guessed` were inferred.
pub(crate) fn list_maps(stages: &Stages<'_>, audits: Vec<MapAudit>, guessed: &FxHashSet<u64>) -> Vec<MapEntry> {
    let Stages { context: Context { types, spans, .. }, dominators, .. } = *stages;
    let (mut owners, auditor) = (stages.owners(), stages.auditor());
    let entry = |audit: MapAudit| {
        let map = TypeId(audit.map_type);
        let (owner, retained) = match spans.object(audit.address) {
            Some((object, ..)) => (owners.of_object(object), dominators.retained(object)),
            None => (
                owners.of_region(audit.address, types.part(MapPart::Header, map)),
                retained_by_parts(dominators, &auditor.parts(audit.address)),
            ),
        };
        let heuristic = guessed.contains(&audit.address);
        MapEntry { type_name: types.get(map).name.clone(), owner, heuristic, audit, retained }
    };
    let mut maps: Vec<MapEntry> = audits.into_iter().map(entry).collect();
    let bytes = |m: &MapEntry| m.audit.figures.as_ref().map_or(0, |f| f.table_bytes);
    maps.sort_by(|a, b| bytes(b).cmp(&bytes(a)).then(a.audit.address.cmp(&b.audit.address)));
    maps
}

/// What would be freed with a map whose header is no object: the objects that the header points to, each counted once.
fn retained_by_parts(dominators: &Dominators<'_>, parts: &[u32]) -> u64 {
    let below = |object: u32| {
        let mut at = dominators.of(object);
        // The parts of a map lie a step or two below each other.
        for _ in 0..4 {
            let Some(Dominator::Object(above)) = at else { return false };
            if parts.contains(&above) {
                return true;
            }
            at = dominators.of(above);
        }
        false
    };
    parts.iter().filter(|part| !below(**part)).map(|part| dominators.retained(*part)).sum()
}

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

/// Live objects by type, most bytes first.
pub(crate) fn histogram(classes: &Classes, merged: &MergedTree) -> Vec<TypeCount> {
    let sums = merged.by_class(classes.names.len());
    let rows = classes.names.iter().zip(sums).filter(|(_, sum)| sum.0 > 0);
    let mut rows: Vec<TypeCount> =
        rows.map(|(name, (count, bytes, retained))| TypeCount { name: name.clone(), count, bytes, retained }).collect();
    rows.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    rows
}

/// Totals of the heap.
pub(crate) fn totals(
    graph: &HeapGraph,
    reach: &Reachability,
    spans: &SpanTable,
    roots: &Roots,
    root_count: u64,
) -> Totals {
    let mut totals = Totals {
        live_objects: reach.live_objects(),
        live_bytes: reach.live_bytes(graph),
        stack_bytes: roots.goroutines.stack_bytes(),
        roots: root_count,
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
