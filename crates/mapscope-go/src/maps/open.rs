//! Lists the loops over maps that goroutines stand in: which goroutine, which map, and how far it is. Only maps that loops
//! lead to are audited.

use super::list::outside;
use super::loops::{Finder, Keeper, Loop};
use crate::Session;
use crate::owner::Owners;
use crate::session::Stages;
use crate::types::{Kind, MapPart, TypeId};

/// A loop over a map that has begun and not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLoop {
    /// The number of the goroutine.
    pub goroutine: u64,
    /// The function with the loop, or one that it was inlined into.
    pub function: String,
    /// Who owns the map.
    pub owner: String,
    /// The map's type.
    pub type_name: String,
    /// Address of the map's header.
    pub map: u64,
    /// Entries of the map; absent when it is torn.
    pub entries: Option<u64>,
    /// Slots (Swiss) or buckets (legacy) that it has passed, in its own order, from where it began; of how many.
    pub passed: (u64, u64),
    /// Bytes of tables that the map has replaced since the loop began, and the loop leads to.
    pub replaced_bytes: u64,
}

impl Session<'_> {
    /// The loops over maps that goroutines stand in, by goroutine, innermost first. Needs no list of maps.
    pub fn open_loops(&self) -> Vec<OpenLoop> {
        let headers = Headers::of(&self.stages);
        let map_at = |address: u64| headers.map_at(address);
        let Some(mut finder) = Finder::new(&self.stages, &map_at) else { return Vec::new() };
        let loops = finder.loops();
        if loops.is_empty() {
            return Vec::new();
        }
        let mut owners = self.stages.owners();
        let open = loops.iter().filter_map(|one| self.open_loop(one, map_at(one.map)?, &mut owners));
        let mut open: Vec<((u64, u32, u64), OpenLoop)> = open.collect();
        open.sort_by_key(|(place, _)| *place);
        open.into_iter().map(|(_, one)| one).collect()
    }

    fn open_loop(&self, one: &Loop, map: TypeId, owners: &mut Owners<'_>) -> Option<((u64, u32, u64), OpenLoop)> {
        let Keeper::Frame(goroutine, frame) = one.keeper else { return None };
        let (place, context) = (one.place?, self.stages.context);
        let goroutine = self.stages.roots.goroutines.all.get(goroutine as usize)?;
        let inner = goroutine.frames.get(frame as usize)?;
        let owner = match context.spans.object(one.map) {
            Some((object, ..)) => owners.of_object(object),
            None => owners.of_region(one.map, context.types.part(MapPart::Header, map)),
        };
        let figures = self.stages.auditor().audit(one.map, map).figures;
        let open = OpenLoop {
            goroutine: goroutine.id,
            function: context.functions.get(inner.table)?.name(&inner.function).to_owned(),
            owner,
            type_name: context.types.get(map).name.clone(),
            map: one.map,
            entries: figures.ok().map(|figures| figures.entries),
            passed: (place.passed, place.of),
            replaced_bytes: one.stale.iter().map(|object| self.graph().blocks.size(*object)).sum(),
        };
        Some(((goroutine.id, frame, one.map), open))
    }
}

/// The headers of maps, by address.
struct Headers<'h, 's> {
    stages: &'h Stages<'s>,
    /// Those outside the heap.
    outside: Vec<(u64, TypeId)>,
}

impl<'h, 's> Headers<'h, 's> {
    fn of(stages: &'h Stages<'s>) -> Self {
        Self { stages, outside: outside(stages.regions, |ty| map_of(stages, ty)) }
    }

    /// The type of the map whose header is there.
    fn map_at(&self, address: u64) -> Option<TypeId> {
        let Some((object, offset, span)) = self.stages.context.spans.object(address) else {
            let index = self.outside.binary_search_by_key(&address, |header| header.0).ok()?;
            return Some(self.outside[index].1);
        };
        let spans = &self.stages.context.spans;
        let starts = offset == spans.header(&spans.spans[span]);
        map_of(self.stages, TypeId(self.stages.heap.graph.type_of(object))).filter(|_| starts)
    }
}

fn map_of(stages: &Stages<'_>, ty: TypeId) -> Option<TypeId> {
    match stages.context.types.get(ty).kind {
        Kind::MapPart(MapPart::Header, map) => Some(map),
        _ => None,
    }
}
