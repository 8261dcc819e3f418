//! Counts the live objects whose type nothing tells, and groups them by what they look like.

use rustc_hash::FxHashMap;

use crate::session::Session;

/// Groups that are told.
const MAX_GROUPS: usize = 5;

/// Live objects without a type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Untyped {
    /// How many.
    pub objects: u64,
    /// Bytes of their slots.
    pub bytes: u64,
    /// The largest groups of them, most bytes first.
    pub groups: Vec<UntypedGroup>,
}

/// Those of one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UntypedGroup {
    /// Bytes of each one's slot.
    pub slot_bytes: u64,
    /// They can hold pointers.
    pub pointers: bool,
    /// How many.
    pub objects: u64,
    /// Bytes of their slots.
    pub bytes: u64,
    /// How a person would name one of them.
    pub owner: String,
}

impl Session<'_> {
    /// The live objects without a type.
    pub fn untyped(&self) -> Untyped {
        let (graph, spans) = (self.graph(), &self.stages.heap.spans.spans);
        // Objects, and the first of them.
        let mut groups: FxHashMap<(u64, bool), (u64, u32)> = FxHashMap::default();
        for index in &self.untyped_spans {
            let (block, span) = (&graph.blocks.blocks()[*index], &spans[*index]);
            let untyped = |o: &u32| graph.type_of(*o) == 0 && self.stages.reach.is_live(*o);
            for object in block.objects().filter(untyped) {
                groups.entry((block.slot_size, !span.noscan)).or_insert((0, object)).0 += 1;
            }
        }
        let objects = groups.values().map(|group| group.0).sum();
        let bytes = groups.iter().map(|((slot, _), group)| slot * group.0).sum();
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_by_key(|((slot, pointers), group)| (std::cmp::Reverse(slot * group.0), *slot, *pointers));
        groups.truncate(MAX_GROUPS);
        let firsts: Vec<u32> = groups.iter().map(|(_, group)| group.1).collect();
        let owners = self.owner_names(&firsts);
        let told = groups.into_iter().zip(owners).map(|(((slot_bytes, pointers), (objects, _)), owner)| UntypedGroup {
            slot_bytes,
            pointers,
            objects,
            bytes: slot_bytes * objects,
            owner,
        });
        Untyped { objects, bytes, groups: told.collect() }
    }
}
