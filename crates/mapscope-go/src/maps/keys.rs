//! Keys that are pointers: objects that nothing but the entries of a map holds.

use mapscope_heap::Dominator;
use mapscope_model::{MapId, MapRef};
use rustc_hash::{FxHashMap, FxHashSet};

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

/// What the keys of maps hold alone.
#[derive(Debug, Default)]
pub struct AllPinnedKeys {
    /// Maps with pointers as keys, in order.
    maps: Vec<MapId>,
    /// What each of them holds.
    pinned: Vec<PinnedKeys>,
    /// The objects, each with its map.
    objects: Vec<(MapId, u32)>,
}

impl AllPinnedKeys {
    /// The objects, each with the map whose keys alone hold it.
    pub fn objects(&self) -> &[(MapId, u32)] {
        &self.objects
    }

    /// What the keys of a map hold; nothing when they are no pointers.
    pub fn of(&self, map: MapId) -> PinnedKeys {
        self.maps.binary_search(&map).ok().and_then(|index| self.pinned.get(index)).copied().unwrap_or_default()
    }
}

impl Session<'_> {
    /// For maps with pointers as keys: the objects that only entries of the map hold. Maps whose elements are pointers to the
    /// same type are left out, for it is not known which of the two points.
    pub fn pinned_keys(&self) -> AllPinnedKeys {
        let (maps, targets, wanted) = self.key_types();
        let mut found = AllPinnedKeys { pinned: vec![PinnedKeys::default(); maps.len()], maps, objects: Vec::new() };
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
            let map = self.header_above(groups).and_then(|header| self.maps.at(header));
            let index = map.and_then(|map| found.maps.binary_search(&map.id()).ok());
            if let Some((index, sum)) = index.and_then(|index| Some((index, found.pinned.get_mut(index)?))) {
                found.objects.push((found.maps[index], object));
                sum.objects += 1;
                sum.bytes = sum.bytes.saturating_add(self.dominators().retained(object));
            }
        }
        found
    }

    /// The live maps with pointers as keys; for the type of their groups, the type that the keys lead to; and which types
    /// those are.
    fn key_types(&self) -> (Vec<MapId>, FxHashMap<u32, u32>, Vec<bool>) {
        let types = self.stages.context.types;
        let mut targets = FxHashMap::default();
        let mut wanted = vec![false; types.len()];
        let filled = || self.maps.iter().filter(|m| m.figures().is_some_and(|f| f.entries > 0));
        let all: FxHashSet<TypeId> = filled().filter_map(|m| self.map_type(m.id())).collect();
        let mut ours = FxHashSet::default();
        for map in all {
            let Some(shape) = types.shape(map) else { continue };
            let to = |id: TypeId| match types.get(id).kind {
                Kind::Pointer(target) => Some(target),
                _ => None,
            };
            if let Some(key) = to(shape.key).filter(|key| to(shape.elem) != Some(*key) && shape.elem != *key)
                && let Some(flag) = wanted.get_mut(key.0 as usize)
            {
                *flag = true;
                targets.insert(types.part(MapPart::Groups, map).0, key.0);
                ours.insert(map);
            }
        }
        let is_ours = |id: &MapId| self.map_type(*id).is_some_and(|map| ours.contains(&map));
        let mut maps: Vec<MapId> = filled().map(MapRef::id).filter(is_ours).collect();
        maps.sort_unstable();
        (maps, targets, wanted)
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
