//! What advice on a map has to know: what the map would cost if it were made otherwise, and whether it was cleared.

use mapscope_model::MapId;

use super::{Auditor, model};
use crate::Session;
use crate::types::MapShape;

impl Session<'_> {
    /// Bytes of the tables of a live map, its header included, if it were made anew with a hint of `entries` and filled with
    /// as many: what the runtime makes at once, and what it adds on average where hashes crowd. The same for all maps of one
    /// type; `None` when that makes no sense.
    pub fn remade_bytes(&self, map: MapId, entries: u64) -> Option<u64> {
        let shape = self.shape_of(map)?;
        let (group, scan) = (shape.group_size, shape.scan);
        let remade = if self.stages.auditor().is_swiss() {
            model::swiss_filled(entries, group, scan)
        } else {
            model::legacy_filled(entries, group, scan, self.stages.context.minor)
        };
        Some(remade.expected)
    }

    /// Bytes that a slice of `entries` pairs of key and element would take in place of a live map: 16 more where the
    /// slice's header replaces the map's pointer, and the array's slot. The same for all maps of one type.
    pub fn pairs_bytes(&self, map: MapId, entries: u64) -> Option<u64> {
        let shape = self.shape_of(map)?;
        let bytes = pair_bytes(&shape).checked_mul(entries)?;
        Some(16 + self.stages.heap.spans.allocator().slot(bytes, shape.scan))
    }

    /// Whether a live map was emptied with `clear`, which keeps its tables. `None` when it does not say: legacy maps do not.
    pub fn was_cleared(&self, map: MapId) -> Option<bool> {
        let auditor = self.stages.auditor();
        let (header, _) = auditor.layout.swiss.filter(|_| auditor.is_swiss())?;
        // `clearSeq` is the last field of `maps.Map` in all versions (`internal/runtime/maps/map.go`).
        let sequence = self.maps.map(map).address().checked_add(header.size.checked_sub(8)?)?;
        auditor.memory.u64(sequence).ok().map(|cleared| cleared != 0)
    }

    fn shape_of(&self, map: MapId) -> Option<std::sync::Arc<MapShape>> {
        self.stages.context.types.shape(self.map_type(map)?)
    }
}

/// Bytes of a struct of a key and an element. Values are aligned to the largest power of two that divides their size, which
/// is at least what they need, and to eight bytes at most.
fn pair_bytes(shape: &MapShape) -> u64 {
    let align = |size: u64| 1 << size.trailing_zeros().min(3);
    let (key, elem) = (shape.key_size, shape.elem_size);
    let elem_at = if elem == 0 { key } else { key.next_multiple_of(align(elem)) };
    (elem_at + elem).next_multiple_of(align(key).max(if elem == 0 { 1 } else { align(elem) }))
}

impl Auditor<'_> {
    fn is_swiss(&self) -> bool {
        self.types.is_swiss() && self.layout.swiss.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::TypeId;

    #[test]
    fn pairs_are_laid_out_as_structs() {
        let pair = |key, elem| {
            let id = TypeId::UNKNOWN;
            pair_bytes(&MapShape {
                key: id,
                elem: id,
                key_size: key,
                elem_size: elem,
                indirect_key: false,
                indirect_elem: false,
                group_size: 0,
                keys_offset: 0,
                key_stride: 0,
                elems_offset: 0,
                elem_stride: 0,
                storage: 0,
                scan: false,
            })
        };
        assert_eq!([pair(8, 8), pair(16, 1), pair(1, 8), pair(4, 1), pair(16, 0), pair(1, 1)], [16, 24, 16, 8, 16, 2]);
    }
}
