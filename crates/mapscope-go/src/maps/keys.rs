//! Keys that are pointers: objects that nothing but the entries of a map holds.

use mapscope_heap::Dominator;
use rustc_hash::FxHashMap;

use crate::Session;
use crate::types::{Kind, MapPart, TypeId};

/// From a map's groups up to its header: table, directory, header; buckets have a list of overflow buckets above them.
const MAX_STEPS: usize = 6;

/// What the keys of one map hold alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PinnedKeys {
    /// Objects that keys point to, and that would be freed with the entries.
    pub objects: u64,
    /// Bytes that would be freed with them.
    pub bytes: u64,
}

impl Session<'_> {
    /// For maps with pointers as keys, by the address of their header: the objects that only entries of the map hold. Maps
    /// whose elements are pointers to the same type are left out, for it is not known which of the two points.
    pub fn pinned_keys(&self) -> FxHashMap<u64, PinnedKeys> {
        let mut found: FxHashMap<u64, PinnedKeys> = FxHashMap::default();
        let (targets, wanted) = self.key_types();
        if targets.is_empty() {
            return found;
        }
        let graph = self.graph();
        let live = graph.blocks.blocks().iter().flat_map(mapscope_heap::Block::objects);
        for object in live.filter(|o| self.reachability().is_live(*o)) {
            let ty = graph.type_of(object);
            if wanted.get(ty as usize) != Some(&true) {
                continue;
            }
            let Some(Dominator::Object(groups)) = self.dominators().of(object) else { continue };
            if targets.get(&graph.type_of(groups)) != Some(&ty) {
                continue;
            }
            if let Some(header) = self.header_above(groups) {
                let sum = found.entry(header).or_default();
                sum.objects += 1;
                sum.bytes = sum.bytes.saturating_add(self.dominators().retained(object));
            }
        }
        found
    }

    /// For the type of the groups of each live map with pointers as keys, the type that those lead to; and which types those
    /// are.
    fn key_types(&self) -> (FxHashMap<u32, u32>, Vec<bool>) {
        let types = self.stages.context.types;
        let mut targets = FxHashMap::default();
        let mut wanted = vec![false; types.len()];
        for map in self.maps.iter().filter(|m| m.audit.figures.as_ref().is_ok_and(|f| f.entries > 0)) {
            let Some(shape) = types.shape(TypeId(map.audit.map_type)) else { continue };
            let to = |id: TypeId| match types.get(id).kind {
                Kind::Pointer(target) => Some(target),
                _ => None,
            };
            if let Some(key) = to(shape.key).filter(|key| to(shape.elem) != Some(*key) && shape.elem != *key)
                && let Some(flag) = wanted.get_mut(key.0 as usize)
            {
                *flag = true;
                targets.insert(types.part(MapPart::Groups, TypeId(map.audit.map_type)).0, key.0);
            }
        }
        (targets, wanted)
    }

    /// The address of the header of the map that an object is a part of.
    fn header_above(&self, part: u32) -> Option<u64> {
        let types = self.stages.context.types;
        let mut at = part;
        for _ in 0..MAX_STEPS {
            match types.get(TypeId(self.graph().type_of(at))).kind {
                Kind::MapPart(MapPart::Header, _) => return Some(self.graph().blocks.block_of(at).address(at)),
                Kind::MapPart(..) => {}
                _ => return None,
            }
            let Some(Dominator::Object(above)) = self.dominators().of(at) else { return None };
            at = above;
        }
        None
    }
}
