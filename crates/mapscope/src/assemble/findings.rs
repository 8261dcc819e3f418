//! From a session to the evidence of the rules, and from what they say to the model's findings.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use mapscope_go::{
    AllPinnedKeys, GoroutineCensus, GoroutineGroup, HolderKind, PaddedMap, PaddedType, Session, Storage,
    StorageOptions, StructLayout,
};
use mapscope_heap::{Freed, Seed};
use mapscope_memory::Partial;
use mapscope_report::model::{FindingRow, Inspection, MapId, MapRef};
use mapscope_rules::{
    ClassFacts, CycleFacts, Evidence, FieldOrder, FinalizerFacts, Finding, HelperFacts, LeakFacts, LostFacts, MapFacts,
    Maps, MemoryFacts, OtherFacts, PaddedFacts, PaddedMapFacts, PinnedFacts, PoolFacts, PoppedFacts, SliceFacts,
    StaleFacts, StringFacts, SuspectFacts, SyncMapFacts, TimerFacts, findings,
};

use super::causes::{Causes, KeyCauses};
use super::lost;

/// Entries that fit into a single group or bucket.
const ONE_GROUP: u64 = 8;

/// Cycles that are looked at, the largest first.
const CYCLES: usize = 10;

/// What the rules say of a session, the most urgent first, and why that is partial.
pub(crate) fn list(
    session: &Session<'_>,
    inspection: &Inspection,
    census: &GoroutineCensus,
) -> (Vec<FindingRow>, Partial) {
    let (evidence, partial) = evidence(session, inspection, census);
    (of(&evidence), partial)
}

/// What the rules say of evidence.
pub(super) fn of(evidence: &Evidence) -> Vec<FindingRow> {
    findings(evidence).into_iter().map(row).collect()
}

fn row(finding: Finding) -> FindingRow {
    FindingRow {
        rule: finding.rule.to_owned(),
        name: finding.name.to_owned(),
        severity: finding.severity.name().to_owned(),
        subject: finding.subject,
        summary: finding.summary,
        evidence: finding.evidence.into_iter().map(|(name, figure)| (name.to_owned(), figure)).collect(),
        reclaimable_bytes: finding.reclaimable_bytes,
        not_live_bytes: finding.not_live_bytes,
        shared_bytes: finding.shared_bytes,
        shared_with: finding.shared_with,
        advice: finding.advice,
    }
}

fn evidence(session: &Session<'_>, inspection: &Inspection, census: &GoroutineCensus) -> (Evidence, Partial) {
    let heap = &inspection.heap;
    let mut causes = Causes::default();
    let leaks = leaks(session, census, &mut causes);
    let helpers = helpers(session, census, &mut causes);
    let stale_tables = session.stale_tables().into_iter().map(|tables| stale(tables, &mut causes)).collect();
    let keys = session.pinned_keys();
    let of_keys = KeyCauses::new(session, &keys, &mut causes);
    let sync_maps = session.sync_maps(SyncMapFacts::MIN_ENTRIES);
    let handles = lost::handles(session, &sync_maps, &mut causes);
    let contexts = lost::contexts(session, &mut causes);
    let lost = lost::entries(session, &mut causes);
    let never_run = lost::never_run(session, &mut causes);
    let options = StorageOptions { whole_texts: true, ..StorageOptions::default() };
    let (storage, freed) = session.storage_beside(&options, |storage| causes.freed(session, storage));
    let timers = storage.timers.functions.iter().cloned().zip(&causes.timers);
    let pools = storage.pools.iter().cloned().zip(&causes.pools);
    let places = storage.popped.iter().zip(&causes.popped);
    let evidence = Evidence {
        live_bytes: heap.live_bytes,
        garbage_bytes: heap.object_bytes.saturating_sub(heap.live_bytes),
        maps: maps(session, &sync_maps, (&keys, &of_keys), &lost, &freed),
        sync_maps: sync_maps.into_iter().map(|map| sync_map(map, &freed)).collect(),
        handles,
        contexts,
        never_run,
        stale_tables,
        cycles: cycles(session),
        strings: strings(&storage),
        memory: memory(inspection),
        classes: classes(session),
        leaks,
        helpers,
        finalizers: finalizers(session, &storage, causes.finalizers),
        suspects: inspection.suspects.iter().map(suspect).collect(),
        timers: timers.map(|(row, cause)| timer(row, *cause)).collect(),
        pools: pools.map(|(row, cause)| pool(row, *cause)).collect(),
        popped: places.map(|(row, cause)| popped(row, *cause)).collect(),
        slices: storage.slices.into_iter().map(slice).collect(),
        pinned: storage.pinned.into_iter().map(pinned).collect(),
        padded: session.padded_types(&freed).iter().map(|t| padded_type(session, t)).collect(),
        causes: causes.facts(&freed),
        growth: Vec::new(),
    };
    (evidence, storage.partial)
}

/// The maps that are not torn, but for those that a large `sync.Map` consists of: nobody can make them anew.
fn maps(
    session: &Session<'_>,
    sync_maps: &[mapscope_go::SyncMap],
    (keys, of_keys): (&AllPinnedKeys, &KeyCauses<'_>),
    lost: &HashMap<MapId, LostFacts>,
    freed: &Freed,
) -> Maps {
    let inner: HashSet<u64> = sync_maps.iter().flat_map(|m| m.maps.iter().copied()).collect();
    let pointers = session.map_pointers();
    let mut costs = Costs { session, known: HashMap::new() };
    let mut maps = Maps::default();
    for map in session.maps.iter().filter(|m| !inner.contains(&m.address())) {
        let Some(facts) = map_facts(session, &mut costs, map) else { continue };
        let pinned = keys.of(map.id());
        let pointers = pointers.get(map.id().0 as usize).map_or(0, |n| u64::from(*n));
        let lost = lost.get(&map.id()).map(|lost| {
            let left = facts.figures.entries.saturating_sub(lost.entries);
            let remade = costs.of(map.id(), left).remade_bytes;
            LostFacts { remade_bytes: remade.unwrap_or(facts.figures.table_bytes), ..*lost }
        });
        maps.add(MapFacts {
            lost,
            pointers,
            pinned_keys: pinned.objects,
            pinned_bytes: pinned.bytes,
            freed_by: session.map_freed_by(map.id(), freed),
            keys_cause: if pinned.objects > 0 { of_keys.of(map.owner(), map.type_name()) } else { None },
            ..facts
        });
    }
    maps
}

fn cycles(session: &Session<'_>) -> Vec<CycleFacts> {
    let facts = |group: mapscope_go::CycleGroup| {
        let map = group.maps.first()?;
        let retained = session.maps.at(map.address).and_then(MapRef::retained_bytes).unwrap_or(0);
        Some(CycleFacts {
            owner: map.owner.clone(),
            objects: group.objects,
            bytes: group.bytes,
            retained_bytes: retained,
            closing: group.closing.field,
            type_name: session.maps.at(map.address).map(|m| m.type_name().to_owned()).unwrap_or_default(),
        })
    };
    session.cycles_of_maps(CYCLES).groups.into_iter().filter_map(facts).collect()
}

fn map_facts(session: &Session<'_>, costs: &mut Costs<'_, '_>, map: MapRef<'_>) -> Option<MapFacts> {
    let (id, figures) = (map.id(), map.figures()?);
    let zero = figures.zero_values.filter(|zero| *zero > 0);
    let without_zero = zero.map(|zero| costs.of(id, figures.entries.saturating_sub(zero)).remade_bytes);
    let cost = costs.of(id, figures.entries);
    let small = figures.entries <= ONE_GROUP && figures.groups <= 1;
    // Of a million small maps, this is not worth a read each.
    let large = figures.table_bytes >= MapFacts::MIN_TABLE_BYTES;
    Some(MapFacts {
        owner: map.owner().to_owned(),
        type_name: map.type_name().to_owned(),
        heuristic: map.heuristic(),
        retained_bytes: map.retained_bytes().unwrap_or(0),
        remade_bytes: cost.remade_bytes.unwrap_or(figures.table_bytes),
        cleared: large.then(|| session.was_cleared(id)).flatten(),
        without_zero_bytes: without_zero.flatten(),
        padded: cost.padded.clone(),
        as_pairs_bytes: cost.pairs_bytes.filter(|_| small),
        figures: figures.clone(),
        ..MapFacts::default()
    })
}

/// What maps would cost if they were made otherwise: worked out once for all maps of one type with as many entries, of which
/// there may be a million.
struct Costs<'c, 's> {
    session: &'c Session<'s>,
    known: HashMap<(Option<u32>, u64), Cost>,
}

struct Cost {
    remade_bytes: Option<u64>,
    pairs_bytes: Option<u64>,
    padded: Option<Arc<PaddedMapFacts>>,
}

impl Costs<'_, '_> {
    fn of(&mut self, map: MapId, entries: u64) -> &Cost {
        let session = self.session;
        self.known.entry((session.type_number(map), entries)).or_insert_with(|| Cost {
            remade_bytes: session.remade_bytes(map, entries),
            pairs_bytes: session.pairs_bytes(map, entries),
            padded: session.padded_map(map, entries).map(|m| Arc::new(padded_map(&m))),
        })
    }
}

fn padded_map(map: &PaddedMap) -> PaddedMapFacts {
    PaddedMapFacts {
        orders: map.best.iter().map(|b| order(&b.name, b.size, &b.best)).collect(),
        slot_bytes: map.slot_bytes.0,
        best_slot_bytes: map.slot_bytes.1,
        savable_bytes: map.savable_bytes,
    }
}

fn padded_type(session: &Session<'_>, found: &PaddedType) -> PaddedFacts {
    PaddedFacts {
        order: order(&found.name, found.layout.size.size, &found.best),
        objects: found.objects,
        slot_bytes: found.layout.slot(session.allocator()),
        best_slot_bytes: found.best.slot(session.allocator()),
        elements: found.elements,
        savable_bytes: found.savable_bytes,
        share: found.share,
    }
}

fn order(type_name: &str, size: u64, best: &StructLayout) -> FieldOrder {
    let fields = best.fields.iter().map(|f| f.name.clone()).collect();
    FieldOrder { type_name: type_name.to_owned(), fields, size, best_size: best.size.size }
}

fn sync_map(map: mapscope_go::SyncMap, freed: &Freed) -> SyncMapFacts {
    let mapscope_go::SyncMap {
        owner,
        plain_type,
        entries,
        deleted,
        structure_bytes,
        box_bytes,
        plain_bytes,
        first,
        ..
    } = map;
    let freed_by = first.and_then(|object| freed.cause(object));
    SyncMapFacts { owner, plain_type, entries, deleted, structure_bytes, box_bytes, plain_bytes, freed_by }
}

fn stale(tables: mapscope_go::StaleTables, causes: &mut Causes) -> StaleFacts {
    let mapscope_go::StaleTables { holder, map, loops, objects, bytes, outermost } = tables;
    let facts = StaleFacts { holder, map, loops, objects, bytes, cause: None };
    let cause = if facts.matters() { causes.add(outermost.into_iter().map(Seed::Object)) } else { None };
    StaleFacts { cause, ..facts }
}

fn slice(place: mapscope_go::SlicePlace) -> SliceFacts {
    let mapscope_go::SlicePlace { place, type_name, arrays, len_bytes, cap_bytes, savable_bytes, share } = place;
    SliceFacts { place, type_name, arrays, len_bytes, cap_bytes, savable_bytes, share }
}

pub(super) fn popped(place: &mapscope_go::PoppedPlace, cause: Option<u16>) -> PoppedFacts {
    let mapscope_go::PoppedPlace { place, type_name, arrays, objects, bytes } = place;
    PoppedFacts {
        place: place.clone(),
        type_name: type_name.clone(),
        arrays: *arrays,
        objects: objects.len() as u64,
        bytes: *bytes,
        cause,
    }
}

fn pinned(place: mapscope_go::PinnedPlace) -> PinnedFacts {
    let mapscope_go::PinnedPlace {
        place,
        type_name,
        others,
        objects,
        references,
        referred_bytes,
        object_bytes,
        savable_bytes,
        share,
    } = place;
    PinnedFacts { place, type_name, others, objects, references, referred_bytes, object_bytes, savable_bytes, share }
}

fn strings(storage: &Storage) -> StringFacts {
    let strings = &storage.strings;
    let worst = strings.groups.first();
    StringFacts {
        count: strings.count,
        distinct: strings.distinct,
        savable_bytes: strings.savable_bytes,
        share: strings.share,
        place: worst.map_or_else(String::new, |g| g.place.clone()),
        worst_bytes: worst.map_or(0, |g| g.savable_bytes),
        worst_count: worst.map_or(0, |g| g.count),
    }
}

/// Where resident memory went; nothing where residency is not known.
fn memory(inspection: &Inspection) -> Option<MemoryFacts> {
    let memory = &inspection.memory;
    let others = memory.other.iter().map(|o| OtherFacts { name: o.words(), file: o.kind == "file", bytes: o.bytes });
    Some(MemoryFacts {
        resident_bytes: memory.rss_bytes?,
        free_bytes: memory.heap_free_bytes?,
        other_bytes: memory.other_bytes?,
        others: others.collect(),
    })
}

/// Size classes; large objects have a span each, and are no fragments.
fn classes(session: &Session<'_>) -> Vec<ClassFacts> {
    let classes = session.memory.iter().flat_map(|m| &m.classes);
    let facts = |class: &mapscope_go::ClassUse| {
        Some(ClassFacts {
            slot_bytes: class.slot_bytes?,
            spans: class.spans,
            slots: class.slots,
            used_slots: class.live_slots + class.garbage_slots,
            bytes: class.live + class.garbage + class.fragmentation,
            free_bytes: class.fragmentation,
        })
    };
    classes.filter_map(facts).collect()
}

/// Leaked goroutines by where they wait and what made them: where they differ further up is no difference to who reads it.
fn leaks(session: &Session<'_>, census: &GoroutineCensus, causes: &mut Causes) -> Vec<LeakFacts> {
    let holders: HashMap<u64, u32> = session.goroutine_holders().collect();
    let mut sums: BTreeMap<(&str, &str, &str), Goroutines> = BTreeMap::new();
    for group in census.groups.iter().filter(|g| g.leaked && !g.system) {
        // A coroutine stands in the function that it was made for.
        let own = group.stack.iter().find(|f| !f.function.starts_with("iter."));
        let function = own.or(group.stack.first()).map_or("", |f| f.function.as_str());
        let created_by = group.created_by.as_ref().map_or("", |f| f.function.as_str());
        sums.entry((&group.state, function, created_by)).or_default().add(group, &holders);
    }
    let named = |((state, function, created_by), sum): ((&str, &str, &str), Goroutines)| {
        let Goroutines { count, stack_bytes, retained_bytes, seeds } = sum;
        let (state, function, created_by) = (state.to_owned(), function.to_owned(), created_by.to_owned());
        let facts = LeakFacts { state, function, created_by, count, stack_bytes, retained_bytes, cause: None };
        let cause = if facts.matters() { causes.add(seeds) } else { None };
        LeakFacts { cause, ..facts }
    };
    sums.into_iter().map(named).collect()
}

/// Goroutines that wait until something is closed, by where they wait.
fn helpers(session: &Session<'_>, census: &GoroutineCensus, causes: &mut Causes) -> Vec<HelperFacts> {
    let holders: HashMap<u64, u32> = session.goroutine_holders().collect();
    let mut sums: BTreeMap<(&str, &str), Goroutines> = BTreeMap::new();
    let mut others = 0;
    for group in census.groups.iter().filter(|g| !g.leaked && !g.system) {
        let function = group.stack.first().map_or("", |f| f.function.as_str());
        if HelperFacts::is_helper(function, &group.state) {
            sums.entry((function, &group.state)).or_default().add(group, &holders);
        } else if !HelperFacts::is_beside(function) {
            others += group.ids.len() as u64;
        }
    }
    let named = |((function, state), sum): ((&str, &str), Goroutines)| {
        let Goroutines { count, stack_bytes, retained_bytes, seeds } = sum;
        let (function, state) = (function.to_owned(), state.to_owned());
        let facts = HelperFacts { function, state, count, others, stack_bytes, retained_bytes, cause: None };
        let cause = if facts.matters() { causes.add(seeds) } else { None };
        HelperFacts { cause, ..facts }
    };
    sums.into_iter().map(named).collect()
}

/// Goroutines of several groups, added up, with what goes when they end.
#[derive(Default)]
struct Goroutines {
    count: u64,
    stack_bytes: u64,
    retained_bytes: u64,
    seeds: Vec<Seed>,
}

impl Goroutines {
    /// `holders`: which holder each goroutine is.
    fn add(&mut self, group: &GoroutineGroup, holders: &HashMap<u64, u32>) {
        self.seeds.extend(group.ids.iter().filter_map(|id| holders.get(id)).copied().map(Seed::Holder));
        self.count += group.ids.len() as u64;
        self.stack_bytes = self.stack_bytes.saturating_add(group.stack_bytes);
        self.retained_bytes = self.retained_bytes.saturating_add(group.retained_bytes);
    }
}

pub(super) fn finalizers(session: &Session<'_>, storage: &Storage, cause: Option<u16>) -> FinalizerFacts {
    let found = &storage.finalizers;
    let theirs = (0u32..).zip(session.holders());
    let theirs = theirs.filter(|(_, h)| matches!(h.kind, HolderKind::Finalizer | HolderKind::Cleanup));
    FinalizerFacts {
        queued: found.queued_finalizers + found.queued_cleanups,
        function: found.queued.first().map_or_else(String::new, |q| q.function.clone()),
        held_bytes: theirs.map(|(number, _)| session.dominators().held(number)).sum(),
        running: found.running.iter().map(|r| (r.function.clone(), r.inside.clone())).collect(),
        cause,
    }
}

pub(super) fn pool(pool: mapscope_go::Pool, cause: Option<u16>) -> PoolFacts {
    PoolFacts {
        owner: pool.owner,
        type_name: pool.type_name,
        values: pool.local + pool.victim,
        bytes: pool.local_bytes.saturating_add(pool.victim_bytes),
        value_bytes: pool.value_bytes,
        cause,
    }
}

pub(super) fn timer(timer: mapscope_go::TimerFunction, cause: Option<u16>) -> TimerFacts {
    TimerFacts {
        timers: timer.pending + timer.unwatched + timer.zombies,
        function: timer.function,
        periodic: timer.periodic,
        pending: timer.pending,
        zombies: timer.zombies,
        bytes: timer.retained_bytes,
        cause,
    }
}

fn suspect(suspect: &mapscope_report::model::Suspect) -> SuspectFacts {
    SuspectFacts { path: suspect.path.clone(), count: suspect.count, retained_bytes: suspect.retained_bytes }
}
