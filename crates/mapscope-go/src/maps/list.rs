//! The live maps of a session: finds them, audits them some at a time, and makes columns of what it finds out.

use std::sync::Arc;

use mapscope_heap::{Dominator, Dominators, MapAudit};
use mapscope_memory::Memory;
use mapscope_model::{MapPlace, MapTable, MapTableBuilder};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::Auditor;
use crate::owner::{Named, Owners};
use crate::session::{Stages, release_all};
use crate::types::{Kind, MapPart, TypeId};
use crate::typing::{Origin, Region};

/// Maps audited at a time. An audit is ten times as large as what is kept of it.
const BATCH: usize = 1 << 14;

/// Finds and audits the live maps: most table bytes first, torn ones last. Headers in `guessed` were inferred; `memory` may
/// let go of what was read.
pub(crate) fn list_maps(stages: &Stages<'_>, guessed: &FxHashSet<u64>, memory: &dyn Memory) -> MapTable {
    // Whatever is needed only to find out goes before the rest is done.
    let mut table = audited(stages, guessed, memory).finish();
    // The maps were found in the order of their addresses.
    table.sort_by_key(|map| std::cmp::Reverse(map.figures().map_or(0, |f| f.table_bytes)));
    table
}

fn audited(stages: &Stages<'_>, guessed: &FxHashSet<u64>, memory: &dyn Memory) -> MapTableBuilder {
    let mut found = find(stages);
    let mut list = List {
        stages,
        guessed,
        auditor: stages.auditor(),
        owners: stages.owners(),
        places: FxHashMap::default(),
        builder: MapTableBuilder::default(),
    };
    loop {
        let batch: Vec<(u64, TypeId)> = found.by_ref().take(BATCH).collect();
        if batch.is_empty() {
            break;
        }
        let audit = |(address, map): &(u64, TypeId)| list.auditor.audit(*address, *map);
        let audits: Vec<MapAudit> = batch.par_iter().map(audit).collect();
        for audit in audits {
            list.add(audit);
        }
        release_all(memory);
    }
    list.builder
}

/// The list as far as it was made.
struct List<'l, 's> {
    stages: &'l Stages<'s>,
    guessed: &'l FxHashSet<u64>,
    auditor: Auditor<'s>,
    owners: Owners<'s>,
    /// By the number of the owner's name, the type, and whether that was inferred.
    places: FxHashMap<(u32, TypeId, bool), MapPlace>,
    builder: MapTableBuilder,
}

impl List<'_, '_> {
    fn add(&mut self, audit: MapAudit) {
        let (address, map) = (audit.address, TypeId(audit.map_type));
        let heuristic = self.guessed.contains(&address);
        let implementation = audit.implementation.name();
        let types = self.stages.context.types;
        let (named, retained) = match self.stages.context.spans.object(address) {
            Some((object, ..)) => (self.owners.named(object), self.stages.dominators.retained(object)),
            None => (
                Named::Text(self.owners.of_region(address, types.part(MapPart::Header, map))),
                retained_by_parts(self.stages.dominators, &self.auditor.parts(address)),
            ),
        };
        let place = match named {
            Named::Text(owner) => self.builder.place(&owner, (&types.get(map).name, map.0), implementation, heuristic),
            Named::Number(name) => *self.places.entry((name, map, heuristic)).or_insert_with(|| {
                let name = self.owners.text(name);
                self.builder.place(&name, (&types.get(map).name, map.0), implementation, heuristic)
            }),
        };
        self.builder.push(address, place, Some(retained), audit.figures);
    }
}

/// Header and type of each live map, by address: objects that are headers, and headers outside the heap.
fn find<'f>(stages: &Stages<'f>) -> impl Iterator<Item = (u64, TypeId)> + use<'f> {
    let Stages { context, heap, reach, regions, .. } = *stages;
    let types = context.types;
    let header = |id: u32| match types.get(TypeId(id)).kind {
        Kind::MapPart(MapPart::Header, map) => Some(map),
        _ => None,
    };
    let headers: Arc<[Option<TypeId>]> = (0..types.len() as u32).map(header).collect();
    let map_of = |headers: &[Option<TypeId>], ty: u32| headers.get(ty as usize).copied().flatten();
    let outside = outside(regions, |ty| map_of(&headers, ty.0));
    let graph = &heap.graph;
    let inside = graph.blocks.blocks().iter().flat_map(move |block| {
        let headers = Arc::clone(&headers);
        block.objects().filter_map(move |object| {
            let map = map_of(&headers, graph.type_of(object)).filter(|_| reach.is_live(object))?;
            Some((block.address(object), map))
        })
    });
    in_order(inside, outside)
}

/// Headers outside the heap and their types, by address. `map_of`: the map that a type is the header of.
pub(super) fn outside(regions: &[Region], map_of: impl Fn(TypeId) -> Option<TypeId>) -> Vec<(u64, TypeId)> {
    let is_map = |region: &&Region| matches!(region.origin, Origin::Pointer(_) | Origin::Guess(..));
    let header = |region: &Region| Some((region.start, map_of(region.ty)?));
    let mut found: Vec<(u64, TypeId)> = regions.iter().filter(is_map).filter_map(header).collect();
    found.sort_unstable();
    found.dedup_by_key(|m| m.0);
    found
}

/// Both by address; of two at one address, the one with the lower type.
fn in_order(
    inside: impl Iterator<Item = (u64, TypeId)>,
    outside: Vec<(u64, TypeId)>,
) -> impl Iterator<Item = (u64, TypeId)> {
    let (mut inside, mut outside) = (inside.peekable(), outside.into_iter().peekable());
    std::iter::from_fn(move || match (inside.peek(), outside.peek()) {
        (Some(a), Some(b)) if b.0 < a.0 => outside.next(),
        (Some(a), Some(b)) if b.0 == a.0 => Some(inside.next()?.min(outside.next()?)),
        (Some(_), _) => inside.next(),
        (None, _) => outside.next(),
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_come_in_the_order_of_their_addresses() {
        let map = |address, ty| (address, TypeId(ty));
        let inside = [map(2, 7), map(4, 7), map(5, 7)];
        let outside = vec![map(1, 9), map(4, 3), map(5, 9), map(8, 9)];
        let found: Vec<_> = in_order(inside.into_iter(), outside).collect();
        assert_eq!(found, [map(1, 9), map(2, 7), map(4, 3), map(5, 7), map(8, 9)]);
        assert_eq!(in_order(std::iter::empty(), Vec::new()).count(), 0);
    }
}
