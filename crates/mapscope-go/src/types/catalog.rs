//! Every map type of a target, where no variable leads to it.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Kind, MapShape, TypeId, TypeTable};
use crate::runtime::Module;

/// Types looked at; more is a damaged list.
const MAX_TYPES: usize = 1 << 21;

/// The map types of a target.
#[derive(Default)]
pub(crate) struct Catalog {
    /// In the order of their addresses.
    pub(crate) maps: Vec<(TypeId, Arc<MapShape>)>,
    /// All types that were met.
    pub(crate) all: Vec<TypeId>,
    /// Map types by the descriptor of their groups or buckets: several where one has a name of its own.
    pub(crate) by_storage: FxHashMap<u64, Vec<TypeId>>,
}

impl TypeTable<'_> {
    /// The map types that the modules list, those at `loaded`, and all that these types are made of.
    pub(crate) fn catalog(&self, loaded: impl Iterator<Item = u64>) -> Catalog {
        let mut pending: Vec<TypeId> = Vec::new();
        for module in self.modules {
            pending.extend(self.listed(module).into_iter().map(|a| self.descriptor(a)));
        }
        pending.extend(loaded.map(|a| self.descriptor(a)));
        let mut seen = FxHashSet::default();
        let mut catalog = Catalog::default();
        while let Some(id) = pending.pop() {
            if id == TypeId::UNKNOWN || seen.len() > MAX_TYPES || !seen.insert(id) {
                continue;
            }
            catalog.all.push(id);
            let ty = self.get(id);
            match &ty.kind {
                Kind::Pointer(e) | Kind::Slice(e) | Kind::Chan(e) | Kind::Array { elem: e, .. } => pending.push(*e),
                Kind::Struct(fields) => pending.extend(fields.iter().map(|f| f.ty)),
                Kind::Map(shape) => {
                    pending.extend([shape.key, shape.elem]);
                    catalog.maps.push((id, shape.clone()));
                    catalog.by_storage.entry(shape.storage).or_default().push(id);
                }
                _ => {}
            }
        }
        catalog.maps.sort_by_key(|(id, _)| self.get(*id).descriptor);
        catalog
    }

    /// Addresses of the descriptors that a module lists (`runtime.moduleTypelinks`).
    fn listed(&self, module: &Module) -> Vec<u64> {
        let (links, count) = module.type_links;
        let mut scratch = Vec::new();
        if let Some(len) = count.checked_mul(4).filter(|l| *l > 0 && self.memory.is_mapped(links, *l))
            && let Ok(bytes) = self.memory.bytes(links, len as usize, &mut scratch)
        {
            let offsets = bytes.chunks_exact(4).map(|b| u32::from_le_bytes(b.try_into().unwrap_or_default()));
            let addresses = offsets.take(MAX_TYPES).map(|o| module.types.start.wrapping_add(u64::from(o)));
            return addresses.filter(|a| self.is_descriptor(*a)).collect();
        }
        // The section starts with a word, so that no type has the offset 0.
        let mut at = module.types.start.saturating_add(8);
        let end = module.types.start.saturating_add(module.descriptor_bytes).min(module.types.end);
        let mut addresses = Vec::new();
        while at < end && addresses.len() < MAX_TYPES {
            let Some(size) = self.descriptor_bytes(at) else { break };
            addresses.push(at);
            at = at.saturating_add(size).next_multiple_of(8);
        }
        addresses
    }

    /// The itabs that the linker made (`runtime.itabsinit`).
    pub(crate) fn itabs(&self) -> FxHashSet<u64> {
        let mut itabs = FxHashSet::default();
        for module in self.modules {
            let (links, count) = module.itab_links;
            for index in 0..count.min(MAX_TYPES as u64) {
                let Ok(itab) = self.memory.u64(links.wrapping_add(index * 8)) else { break };
                itabs.insert(itab);
            }
            let size = (module.itabs.end - module.itabs.start).min(MAX_TYPES as u64 * 8);
            itabs.extend((0..size / 8).map(|i| module.itabs.start + i * 8).filter(|a| self.is_itab(*a)));
        }
        itabs.retain(|a| self.is_itab(*a));
        itabs
    }
}
