//! What the order of fields costs: live structs that another order makes smaller, and the maps that have some.

use mapscope_heap::{Block, Freed, FreedShare};
use mapscope_model::MapId;
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::Session;
use crate::binary_types::is_declared;
use crate::heap::Allocator;
use crate::maps::model::{MapDesign, MapModel, TypeSize};
use crate::types::{Kind, StructLayout, TypeId};

/// Spans that one task looks through at least.
const SPANS: usize = 1024;

/// The live values of one struct type whose fields, in another order, take fewer bytes. Values inside other structs and
/// in maps are not counted.
#[derive(Clone, Debug)]
pub struct PaddedType {
    /// The type.
    pub name: String,
    /// Values that are objects of their own.
    pub objects: u64,
    /// Values in arrays: all that their slots have room for.
    pub elements: u64,
    /// The struct as it is.
    pub layout: StructLayout,
    /// With its fields in the best order.
    pub best: StructLayout,
    /// The slots of all those objects and arrays less the slots that they would get.
    pub savable_bytes: u64,
    /// What of the savable bytes causes free that were told.
    pub share: FreedShare,
}

/// A map whose key or element is a struct that another order of its fields makes smaller.
#[derive(Clone, Debug)]
pub struct PaddedMap {
    /// Those structs, the key first.
    pub best: Vec<PaddedPart>,
    /// Bytes of a slot now, and with the best orders: those of a group without what every group has, by eight.
    pub slot_bytes: (u64, u64),
    /// What the new map would save, and keys and elements that are objects of their own: each made with a hint of its
    /// entries, one with the types as they are and one with the best orders.
    pub savable_bytes: u64,
}

/// A key or an element that could be smaller.
#[derive(Clone, Debug)]
pub struct PaddedPart {
    /// Its type.
    pub name: String,
    /// Its bytes as it is.
    pub size: u64,
    /// With its fields in the best order.
    pub best: StructLayout,
}

/// What is known of objects of one type: values that could be smaller, and how many an object has.
#[derive(Clone, Copy)]
struct Wasteful {
    /// The struct.
    ty: TypeId,
    size: TypeSize,
    best: u64,
    /// Elements of an array; 0: as many as its slot has room for.
    len: u64,
    alone: bool,
}

/// Objects, elements, and bytes to save.
type Sum = (u64, u64, u64);

impl Session<'_> {
    /// The struct types of live objects that another order of their fields makes smaller, those that save most first.
    /// `freed`: causes, to tell what of the bytes they free.
    pub fn padded_types(&self, freed: &Freed) -> Vec<PaddedType> {
        let types = self.stages.context.types;
        let (spans, graph) = (&self.stages.heap.spans, self.graph());
        let wasteful = self.wasteful();
        if wasteful.iter().all(Option::is_none) {
            return Vec::new();
        }
        let count = |mut sums: FxHashMap<u32, (Sum, FreedShare)>, (block, span): (&Block, &crate::heap::Span)| {
            for object in block.objects() {
                if let Some(Some(found)) = wasteful.get(graph.type_of(object) as usize)
                    && self.reachability().is_live(object)
                {
                    let (sum, share) = sums.entry(found.ty.0).or_default();
                    let one = found.of_slot(span.elem_size, spans.allocator());
                    *sum = add(*sum, one);
                    freed.share(object, one.2, share);
                }
            }
            sums
        };
        let join = |mut a: FxHashMap<u32, (Sum, FreedShare)>, b: FxHashMap<u32, (Sum, FreedShare)>| {
            for (ty, (sum, share)) in b {
                let all = a.entry(ty).or_default();
                all.0 = add(all.0, sum);
                all.1.merge(&share);
            }
            a
        };
        let each = spans.blocks.blocks().par_iter().zip(&spans.spans).with_min_len(SPANS);
        let sums = each.fold(FxHashMap::default, count).reduce(FxHashMap::default, join);
        let row = |(ty, ((objects, elements, savable_bytes), share)): (u32, (Sum, FreedShare))| {
            let layout = types.struct_layout(TypeId(ty))?;
            let best = layout.best_order()?;
            let name = types.get(TypeId(ty)).name.clone();
            Some(PaddedType { name, objects, elements, layout, best, savable_bytes, share })
        };
        let mut rows: Vec<PaddedType> = sums.into_iter().filter_map(row).filter(|r| r.savable_bytes > 0).collect();
        rows.sort_by(|a, b| b.savable_bytes.cmp(&a.savable_bytes).then_with(|| a.name.cmp(&b.name)));
        rows
    }

    /// For each type, what objects of it would save.
    fn wasteful(&self) -> Vec<Option<Wasteful>> {
        let types = self.stages.context.types;
        let found = |id: u32| {
            let (ty, len, alone) = match types.get(TypeId(id)).kind {
                Kind::Struct(_) => (TypeId(id), 1, true),
                Kind::Row(elem) => (elem, 0, false),
                Kind::Array { elem, len } if len > 0 => (elem, len, false),
                _ => return None,
            };
            let layout = types.struct_layout(ty).filter(|_| is_declared(&types.get(ty).name))?;
            let best = layout.best_order()?.size.size;
            Some(Wasteful { ty, size: layout.size, best, len, alone })
        };
        (0..types.len() as u32).map(found).collect()
    }

    /// What the order of fields costs a live map with so many entries; `None` when no order is better. The same for all maps
    /// of one type.
    pub fn padded_map(&self, map: MapId, entries: u64) -> Option<PaddedMap> {
        let types = self.stages.context.types;
        let shape = types.shape(self.map_type(map)?)?;
        let mut best = Vec::new();
        let mut ordered = |id: TypeId| {
            let size = types.type_size(id);
            match types.struct_layout(id).and_then(|l| l.best_order()) {
                Some(layout) if is_declared(&types.get(id).name) => {
                    let smaller = TypeSize { size: layout.size.size, ..size };
                    best.push(PaddedPart { name: types.get(id).name.clone(), size: size.size, best: layout });
                    (size, smaller)
                }
                _ => (size, size),
            }
        };
        let (key, elem) = (ordered(shape.key), ordered(shape.elem));
        if best.is_empty() {
            return None;
        }
        let design = MapDesign::of(self.swiss, &self.go_version, self.stages.context.minor);
        let (now, then) = (MapModel::new(design, key.0, elem.0), MapModel::new(design, key.1, elem.1));
        let bytes =
            |model: &MapModel| model.filled(entries, entries).expected.saturating_add(model.indirect_bytes(entries));
        let savable_bytes = bytes(&now).saturating_sub(bytes(&then));
        let slot = |model: &MapModel| model.slot_bytes();
        Some(PaddedMap { best, slot_bytes: (slot(&now), slot(&then)), savable_bytes })
    }
}

impl Wasteful {
    /// What one object in a slot of so many bytes has, and would save.
    fn of_slot(&self, slot: u64, allocator: Allocator) -> Sum {
        let room = || allocator.room_of(slot, self.size.pointers) / self.size.size.max(1);
        let elements = if self.len == 0 { room() } else { self.len };
        let smaller = allocator.slot(elements.saturating_mul(self.best), self.size.pointers);
        let saved = slot.saturating_sub(smaller);
        if self.alone { (1, 0, saved) } else { (0, elements, saved) }
    }
}

fn add(a: Sum, b: Sum) -> Sum {
    (a.0.saturating_add(b.0), a.1.saturating_add(b.1), a.2.saturating_add(b.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_save_what_their_elements_and_slots_save() {
        let size = TypeSize { size: 40, align: 8, pointers: false };
        let one = Wasteful { ty: TypeId(1), size, best: 24, len: 1, alone: true };
        let allocator = Allocator { headers: true };
        assert_eq!(one.of_slot(48, allocator), (1, 0, 24));
        // A row of as many as fit: 102 in 4,096 bytes, for which 2,448 bytes get a slot of 2,688.
        let row = Wasteful { len: 0, alone: false, ..one };
        assert_eq!(row.of_slot(4096, allocator), (0, 102, 4096 - 2688));
        // With pointers, eight bytes of the slot say the type.
        let pointers = Wasteful { size: TypeSize { pointers: true, ..size }, ..row };
        assert_eq!(pointers.of_slot(1024, allocator), (0, 25, 1024 - 640));
        let array = Wasteful { len: 3, alone: false, ..one };
        assert_eq!(array.of_slot(128, allocator), (0, 3, 128 - 80));
    }
}
