//! What somebody was to give back and did not: handles of C, contexts that were never cancelled, entries of maps that are of
//! no use any more, finalizers that cannot run.

use std::collections::{BTreeMap, HashMap};

use mapscope_go::{Loss, LostEntries, NeverRun, Session, SyncMap};
use mapscope_heap::Seed;
use mapscope_report::model::MapId;
use mapscope_rules::{ContextFacts, HandleFacts, LostFacts, MapFacts, NeverFacts, SyncMapFacts};

use super::causes::Causes;

/// The handles of `runtime/cgo`, when there are some.
pub(super) fn handles(session: &Session<'_>, sync_maps: &[SyncMap], causes: &mut Causes) -> Option<HandleFacts> {
    let map = sync_maps.iter().find(|m| m.owner == SyncMapFacts::HANDLES)?;
    let (holder, _) = (0u32..).zip(session.holders()).find(|(_, h)| h.name == SyncMapFacts::HANDLES)?;
    // Up to 1.23 a sync.Map is two maps, which keep their tables and the keys that were deleted.
    let stays = if map.maps.is_empty() { 0 } else { map.structure_bytes.saturating_add(map.box_bytes) };
    let bytes = session.dominators().held(holder).saturating_sub(stays);
    let facts = HandleFacts { handles: map.entries, bytes, cause: None };
    let cause = if facts.matters() { causes.add([Seed::Holder(holder)]) } else { None };
    Some(HandleFacts { cause, ..facts })
}

/// The children of contexts, by who has their parent.
pub(super) fn contexts(session: &Session<'_>, causes: &mut Causes) -> Vec<ContextFacts> {
    let mut owners: BTreeMap<&str, (ContextFacts, Vec<Seed>)> = BTreeMap::new();
    for map in session.maps.iter().filter(|m| m.type_name() == ContextFacts::CHILDREN) {
        let (Some(figures), Some(retained)) = (map.figures(), map.retained_bytes()) else { continue };
        let (facts, seeds) = owners.entry(MapFacts::place(map.owner())).or_default();
        facts.contexts = facts.contexts.saturating_add(figures.entries);
        facts.bytes = facts.bytes.saturating_add(retained.saturating_sub(figures.table_bytes));
        seeds.extend(session.graph().blocks.find(map.address()).map(|(object, _)| Seed::Object(object.0)));
    }
    let named = |(owner, (facts, seeds)): (&str, (ContextFacts, Vec<Seed>))| {
        let cause = if facts.matters() { causes.add(seeds) } else { None };
        ContextFacts { owner: owner.to_owned(), cause, ..facts }
    };
    owners.into_iter().map(named).collect()
}

/// The entries of maps that are of no use. What goes with them is one cause for each place and type.
pub(super) fn entries(session: &Session<'_>, causes: &mut Causes) -> HashMap<MapId, LostFacts> {
    let mut known: HashMap<Option<u32>, bool> = HashMap::new();
    let mut places: BTreeMap<(&str, &str), Vec<(MapId, LostEntries)>> = BTreeMap::new();
    for map in session.maps.iter().filter(|m| m.figures().is_some_and(|f| f.entries > 0)) {
        let can = known.entry(session.type_number(map.id())).or_insert_with(|| session.can_lose_entries(map.id()));
        if let Some(lost) = can.then(|| session.lost_entries(map.id())).flatten().filter(|lost| lost.entries > 0) {
            places.entry((MapFacts::place(map.owner()), map.type_name())).or_default().push((map.id(), lost));
        }
    }
    let mut facts = HashMap::new();
    for lost in places.into_values() {
        let objects = lost.iter().flat_map(|(_, lost)| &lost.objects).copied().map(Seed::Object);
        let cause = causes.add(objects);
        for (map, LostEntries { loss, entries, bytes, .. }) in lost {
            facts.insert(map, LostFacts { nan: loss == Loss::NanKey, entries, bytes, remade_bytes: 0, cause });
        }
    }
    facts
}

/// Finalizers and cleanups that can never run.
pub(super) fn never_run(session: &Session<'_>, causes: &mut Causes) -> NeverFacts {
    let NeverRun { finalizers, cleanups, type_name, objects } = session.never_run();
    let bytes = objects.iter().map(|o| session.dominators().retained(*o)).fold(0, u64::saturating_add);
    let facts = NeverFacts { finalizers, cleanups, type_name, bytes, cause: None };
    let cause = if facts.matters() { causes.add(objects.into_iter().map(Seed::Object)) } else { None };
    NeverFacts { cause, ..facts }
}
