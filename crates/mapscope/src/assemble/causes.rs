//! Causes that free whole objects (leaked goroutines, timers, pools, ...), numbered, with what each lets go of: so that
//! nothing that goes with them is promised once more.

use std::collections::HashMap;

use mapscope_go::{AllPinnedKeys, HolderKind, Pool, PoppedPlace, Session, Storage, TimerFunction};
use mapscope_heap::{Freed, Seed};
use mapscope_rules::{CauseFacts, MapFacts};

use super::findings::{finalizers, pool, popped, timer};

/// Causes that are told apart: more findings than this nobody reads.
const MAX_CAUSES: u16 = 1 << 14;

/// Causes so far.
#[derive(Debug, Default)]
pub(super) struct Causes {
    next: u16,
    seeds: Vec<(u16, Seed)>,
    /// By function of the storage's timers, and by pool.
    pub(super) timers: Vec<Option<u16>>,
    pub(super) pools: Vec<Option<u16>>,
    pub(super) popped: Vec<Option<u16>>,
    pub(super) finalizers: Option<u16>,
}

impl Causes {
    /// A new cause that lets go of these; `None` when there are too many.
    pub(super) fn add(&mut self, seeds: impl IntoIterator<Item = Seed>) -> Option<u16> {
        let number = self.next;
        if number >= MAX_CAUSES {
            return None;
        }
        self.next += 1;
        self.seeds.extend(seeds.into_iter().map(|seed| (number, seed)));
        Some(number)
    }

    /// What all of them free, once the storage's own are known too.
    pub(super) fn freed(&mut self, session: &Session<'_>, storage: &Storage) -> Freed {
        if finalizers(session, storage, None).matters() {
            let theirs = (0u32..).zip(session.holders());
            let theirs = theirs.filter(|(_, h)| matches!(h.kind, HolderKind::Finalizer | HolderKind::Cleanup));
            self.finalizers = self.add(theirs.map(|(number, _)| Seed::Holder(number)));
        }
        for row in &storage.timers.functions {
            let of = |row: &TimerFunction| self.add(row.objects.iter().copied().map(Seed::Object));
            let cause = Some(row).filter(|row| timer((*row).clone(), None).matters()).and_then(of);
            self.timers.push(cause);
        }
        for row in &storage.popped {
            let of = |row: &PoppedPlace| self.add(row.objects.iter().copied().map(Seed::Object));
            let cause = Some(row).filter(|row| popped(row, None).matters()).and_then(of);
            self.popped.push(cause);
        }
        let mut sets: Vec<(u16, &[u32])> = Vec::new();
        for row in &storage.pools {
            let matters = |row: &Pool| pool(Pool { objects: Vec::new(), ..row.clone() }, None).matters();
            let cause = if matters(row) { self.add([]) } else { None };
            sets.extend(cause.map(|cause| (cause, row.objects.as_slice())));
            self.pools.push(cause);
        }
        Freed::new(session.dominators(), self.seeds.drain(..), sets)
    }

    /// What the rules are told of them.
    pub(super) fn facts(&self, freed: &Freed) -> Vec<CauseFacts> {
        (0..self.next).map(|c| CauseFacts { bytes: freed.bytes(c), outer: freed.outer(c) }).collect()
    }
}

/// Places of maps whose keys alone hold enough to be a finding, each a cause: by owner without goroutine, and type.
pub(super) struct KeyCauses<'k>(HashMap<(&'k str, &'k str), Option<u16>>);

impl<'k> KeyCauses<'k> {
    pub(super) fn new(session: &'k Session<'_>, keys: &AllPinnedKeys, causes: &mut Causes) -> Self {
        let place = |map| {
            let map = session.maps.map(map);
            (MapFacts::place(map.owner()), map.type_name())
        };
        let mut found: HashMap<(&str, &str), (u64, Vec<Seed>)> = HashMap::new();
        for (map, object) in keys.objects() {
            let (bytes, seeds) = found.entry(place(*map)).or_default();
            *bytes = bytes.saturating_add(session.dominators().retained(*object));
            seeds.push(Seed::Object(*object));
        }
        let mut found: Vec<_> = found.into_iter().filter(|(_, sum)| sum.0 >= MapFacts::MIN_PINNED_BYTES).collect();
        found.sort_by_key(|row| row.0);
        Self(found.into_iter().map(|(place, (_, seeds))| (place, causes.add(seeds))).collect())
    }

    pub(super) fn of(&self, owner: &str, type_name: &str) -> Option<u16> {
        self.0.get(&(MapFacts::place(owner), type_name)).copied().flatten()
    }
}
