//! Where `sync.Map`s are: in variables, and inside live objects.

use rustc_hash::FxHashMap;

use crate::hops::contents;
use crate::session::Stages;
use crate::storage::live_types;
use crate::types::{Kind, MapPart, Plan, Ref, TypeId, TypeTable, compile, leaves, visit_numbered};
use crate::typing::Facts;

/// More are left out.
const MAX_PLACES: usize = 1 << 20;
/// Bytes of one value that are looked at.
const MAX_VALUE: u64 = 64 << 20;

/// One `sync.Map`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Address of its first pointer: to the root of the tree, or to what is read without a lock.
    pub(super) word: u64,
    /// Address of its pointer to the map that is written, when it consists of two.
    pub(super) dirty: Option<u64>,
    /// What the first pointer leads to.
    pub(super) target: TypeId,
}

/// The `sync.Map`s in values of one type.
struct Look {
    plan: std::sync::Arc<Plan>,
    row: bool,
    /// By number of the reference in the type: what it leads to, and how far behind it the pointer to the other map is.
    words: FxHashMap<u32, (TypeId, Option<u64>)>,
}

/// All of them, in the order of their addresses.
pub(super) fn places(stages: &Stages<'_>) -> Vec<Place> {
    let mut found = Vec::new();
    in_objects(stages, &mut found);
    in_regions(stages, &mut found);
    found.sort_unstable_by_key(|p| p.word);
    found.dedup_by_key(|p| p.word);
    found
}

fn in_objects(stages: &Stages<'_>, found: &mut Vec<Place>) {
    let types = stages.context.types;
    let mut facts = Facts::new(types);
    let mut looks: Vec<Option<Look>> = Vec::new();
    for (id, look) in
        live_types(stages).into_iter().filter_map(|id| Some((id.0 as usize, look(types, id, &mut facts)?)))
    {
        looks.resize_with(looks.len().max(id + 1), || None);
        looks[id] = Some(look);
    }
    if looks.is_empty() {
        return;
    }
    let graph = &stages.heap.graph;
    let mut scratch = Vec::new();
    for object in graph.blocks.blocks().iter().flat_map(mapscope_heap::Block::objects) {
        let Some(Some(look)) = looks.get(graph.type_of(object) as usize) else { continue };
        if !stages.reach.is_live(object) {
            continue;
        }
        let Some((address, room)) = contents(stages.typing, object) else { continue };
        let len = if look.row { room } else { look.plan.size.min(room) };
        if let Ok(bytes) = stages.context.memory.bytes(address, len.min(MAX_VALUE) as usize, &mut scratch) {
            look.each(address, bytes.len() as u64, (0, u64::MAX), found);
        }
    }
}

fn in_regions(stages: &Stages<'_>, found: &mut Vec<Place>) {
    let types = stages.context.types;
    let mut facts = Facts::new(types);
    let mut looks: FxHashMap<TypeId, Option<Look>> = FxHashMap::default();
    let goroutines = &stages.roots.goroutines;
    for region in stages.regions {
        let look = looks.entry(region.ty).or_insert_with(|| look(types, region.ty, &mut facts));
        let Some(look) = look else { continue };
        let len = look.plan.size.saturating_mul(region.count).min(MAX_VALUE);
        let from = found.len();
        look.each(region.start, len, region.window, found);
        // A dead word of a stack may hold anything.
        let live = |p: &Place| goroutines.at(p.word).is_none_or(|g| goroutines.all[g as usize].is_live(p.word));
        let kept: Vec<Place> = found.drain(from..).filter(live).collect();
        found.extend(kept);
    }
}

impl Look {
    fn each(&self, address: u64, len: u64, window: (u64, u64), found: &mut Vec<Place>) {
        visit_numbered(&self.plan, len, &mut |at, number, _| {
            let Some((target, dirty)) = self.words.get(&number) else { return };
            if at >= window.0 && at < window.1 && found.len() < MAX_PLACES {
                let word = address.wrapping_add(at);
                found.push(Place { word, dirty: dirty.map(|d| word.wrapping_add(d)), target: *target });
            }
        });
    }
}

/// Where values of a type have `sync.Map`s in them; `None` when they have none.
fn look(types: &TypeTable<'_>, id: TypeId, facts: &mut Facts<'_>) -> Option<Look> {
    // Nodes of a tree know their parent, and code that works on a tree has pointers to nodes.
    if matches!(types.get(id).kind, Kind::Pointer(_)) || is_node(&types.get(id).name) {
        return None;
    }
    let plan = compile(types, id);
    let references = leaves(&plan);
    let mut words = FxHashMap::default();
    for (number, (offset, reference)) in references.iter().enumerate() {
        let Ref::Pointer(target) = reference else { continue };
        let name = types.get(*target).name.clone();
        if is_node(&name) {
            words.insert(number as u32, (*target, None));
        } else if name == "sync.readOnly"
            && let Some((dirty, Ref::Pointer(header))) = references.get(number + 1)
            && matches!(types.get(*header).kind, Kind::MapPart(MapPart::Header, _))
        {
            words.insert(number as u32, (*target, Some(dirty.checked_sub(*offset)?)));
        }
    }
    let row = facts.get(id).is_row();
    (!words.is_empty()).then_some(Look { plan, row, words })
}

/// An inner node of the tree that `sync.Map` is from Go 1.24 on: `sync.HashTrieMap[any, any]`.
fn is_node(name: &str) -> bool {
    name.strip_prefix("internal/").unwrap_or(name) == "sync.indirect[interface {},interface {}]"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_those_of_a_sync_map() {
        assert!(is_node("internal/sync.indirect[interface {},interface {}]"));
        assert!(is_node("sync.indirect[interface {},interface {}]"), "descriptors have no paths");
        assert!(!is_node("internal/sync.indirect[string,interface {}]"), "another tree");
        assert!(!is_node("internal/sync.entry[interface {},interface {}]"));
    }
}
