//! A `sync.Map` that takes at least twice as much as a plain map would.
//!
//! ## What it finds
//! `sync.Map`s of 1,000 entries or more that, with the objects of their keys and values, take at least twice as much as
//! a plain map with the same entries would, and 64 KiB more than it. Those that a person would give the same name count
//! together.
//!
//! ## Why it matters
//! A `sync.Map` takes keys and values as `any`. What is no pointer is copied into an object of its own: 16 bytes for the
//! header of a string, 8 for a number from 256 on (`convTstring`, `convT64`, `runtime/iface.go`). Each entry is an object
//! as well. Up to Go 1.23 two maps with slots of 24 bytes lead to the entries, and after the first new key that follows on
//! many reads all of them are in both (`dirtyLocked`, `sync/map.go`); what was deleted stays in the one that is read until
//! the other replaces it. From 1.24 on they hang in a tree with 16 children in each node
//! (`internal/sync/hashtriemap.go`).
//!
//! ## Evidence
//! `structure_bytes`: tree or maps, with the entries. `box_bytes`: objects of keys and values that nothing else refers to;
//! only where all keys, or all values, are of one type, for a plain map of interfaces has them too. `plain_bytes`: a map
//! made with room for `entries`. `deleted`: keys that were deleted and are still there. `reclaimable_bytes`: the first two
//! less the third.
//!
//! ## Example
//! ```go
//! var visits sync.Map               // string -> int64
//!
//! visits.Store(name, count)         // an entry, a string's header and a number on the heap, for each name
//! ```
//!
//! ## Fix
//! ```go
//! var visits = struct {
//! 	sync.RWMutex
//! 	byName map[string]int64
//! }{byName: make(map[string]int64, 100_000)}
//!
//! visits.Lock()
//! visits.byName[name] = count
//! visits.Unlock()
//! ```
//!
//! ## Limits
//! Whether entries are deleted at all, one look cannot tell; where they are not, the entries are the leak, not the
//! structure, and a bound comes first. A `sync.Map` is good where keys are written once and read by many processors at once, and where goroutines work on
//! keys of their own: a lock would be fought for there, and costs more than memory. Measure before it goes; several plain
//! maps, each with its lock, are a way between. Maps that are being changed while they are read are left out, and so are
//! all where there is no debug information. Never more than medium.

use std::collections::BTreeMap;

use mapscope_heap::FreedShare;

use crate::finding::Claim;
use crate::severity::MIN_BYTES;
use crate::source_name::variable;
use crate::text::{bytes, count, plural};
use crate::{Evidence, SyncMapFacts};

/// From here on it is worth a lock.
const FACTOR: u64 = 2;

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let mut places: BTreeMap<(&str, &str), Vec<&SyncMapFacts>> = BTreeMap::new();
    for map in
        evidence.sync_maps.iter().filter(|m| m.entries >= SyncMapFacts::MIN_ENTRIES && m.owner != SyncMapFacts::HANDLES)
    {
        places.entry((&map.owner, &map.plain_type)).or_default().push(map);
    }
    places.into_iter().filter_map(|((owner, plain_type), maps)| claim(owner, plain_type, &maps)).collect()
}

fn claim(owner: &str, plain_type: &str, maps: &[&SyncMapFacts]) -> Option<Claim> {
    let sum = |figure: fn(&SyncMapFacts) -> u64| maps.iter().map(|m| figure(m)).fold(0, u64::saturating_add);
    let (structure, boxes, plain) = (sum(|m| m.structure_bytes), sum(|m| m.box_bytes), sum(|m| m.plain_bytes));
    let (entries, deleted) = (sum(|m| m.entries), sum(|m| m.deleted));
    let takes = structure.saturating_add(boxes);
    let saved = takes.saturating_sub(plain);
    if saved < MIN_BYTES || takes < plain.saturating_mul(FACTOR) {
        return None;
    }
    let gone = if deleted > 0 { format!(" and {} that are deleted", count(deleted)) } else { String::new() };
    let boxed = match boxes {
        0 => String::new(),
        n => format!(", of which {} are keys and values in objects of their own", bytes(n)),
    };
    let (whose, one) = match maps.len() as u64 {
        1 => ("Its".to_owned(), "a"),
        n => (format!("{}: their", plural(n, "sync.Map")), "each a"),
    };
    let mut figures =
        vec![("entries", entries), ("structure_bytes", structure), ("box_bytes", boxes), ("plain_bytes", plain)];
    figures.extend((maps.len() > 1).then_some(("sync_maps", maps.len() as u64)));
    figures.extend((deleted > 0).then_some(("deleted", deleted)));
    let mut share = FreedShare::default();
    for map in maps {
        if let Some(cause) = map.freed_by {
            let takes = map.structure_bytes.saturating_add(map.box_bytes);
            share.add(cause, takes.saturating_sub(map.plain_bytes));
        }
    }
    Some(Claim {
        subject: owner.to_owned(),
        summary: format!(
            "{whose} {} entries{gone} take {}{boxed}; in a plain {plain_type} they would take {}.",
            count(entries),
            bytes(takes),
            bytes(plain),
        ),
        evidence: figures,
        reclaimable_bytes: saved,
        share,
        advice: format!(
            "Are entries ever deleted? If not, they are the leak, and a plain map would keep them as well: call {name}.Delete, or give it a bound. If they are, and few processors read it at once: {one} {plain_type} with a sync.RWMutex in its place.",
            name = variable(owner).unwrap_or_else(|| "its".to_owned()),
        ),
        ..Claim::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evidence(maps: usize, entries: u64, plain_bytes: u64) -> Evidence {
        let map = SyncMapFacts {
            owner: "main.shards[]".into(),
            plain_type: "map[string]int64".into(),
            entries,
            structure_bytes: 100 << 10,
            box_bytes: 60 << 10,
            plain_bytes,
            deleted: 0,
            freed_by: None,
        };
        Evidence { sync_maps: vec![map; maps], ..Evidence::default() }
    }

    #[test]
    fn what_a_plain_map_would_not_take_is_promised() {
        let claims = check(&evidence(1, 1000, 60 << 10));
        assert_eq!((claims.len(), claims[0].reclaimable_bytes), (1, 100 << 10));
        assert!(
            claims[0].advice.contains("call shards[i].Delete")
                && claims[0].advice.contains(": a map[string]int64 with a sync.RWMutex in its place"),
            "{}",
            claims[0].advice
        );
    }

    #[test]
    fn those_with_one_name_are_one_finding() {
        let claims = check(&evidence(3, 1000, 60 << 10));
        assert_eq!((claims.len(), claims[0].reclaimable_bytes), (1, 300 << 10));
        assert!(claims[0].evidence.contains(&("sync_maps", 3)));
        assert!(claims[0].summary.starts_with("3 sync.Maps: their 3,000 entries"), "{}", claims[0].summary);
    }

    #[test]
    fn few_entries_and_small_differences_are_not_worth_a_lock() {
        assert!(check(&evidence(9, 999, 0)).is_empty());
        assert!(check(&evidence(1, 1000, 81 << 10)).is_empty(), "less than twice as much");
        let mut small = evidence(1, 1000, 0);
        (small.sync_maps[0].structure_bytes, small.sync_maps[0].box_bytes) = (65_535, 0);
        assert!(check(&small).is_empty());
    }
}
