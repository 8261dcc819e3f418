//! Thousands of maps with a few entries each.
//!
//! ## What it finds
//! A thousand or more maps of one type with one owner, none with more than eight entries, that would take less as slices;
//! or, where most of them have no entry at all, as nil maps. Maps of `any` below one another, as decoders make them of a
//! document, count as one owner's.
//!
//! ## Why it matters
//! The smallest map is a header of 48 bytes and, from its first entry on, one group or bucket with room for eight entries,
//! however few there are. A slice of pairs takes what its pairs take.
//!
//! ## Evidence
//! `maps`, their `entries` and `table_bytes`. `reclaimable_bytes`: for empty maps all of those; else those less the slots of slices of pairs, with the 16
//! bytes that a slice's header is larger than a map's pointer.
//!
//! ## Example
//! ```go
//! type Span struct {
//! 	Tags map[string]string   // two or three, in each of a million spans
//! }
//! ```
//!
//! ## Fix
//! ```go
//! type Tag struct{ Key, Value string }
//!
//! type Span struct {
//! 	Tags []Tag
//! }
//! ```
//!
//! Where the keys are always the same, they are fields of a struct.
//!
//! ## Limits
//! Slices are taken to be as long as they have to be; `append` may leave them some room. That the owner may move to another
//! size class with a header 16 bytes larger is not counted.

use std::collections::BTreeMap;

use mapscope_heap::FreedShare;

use crate::finding::Claim;
use crate::severity::MIN_BYTES;
use crate::text::{bytes, count};
use crate::{ContextFacts, Evidence, MapFacts};

/// Fewer maps than this are no pattern.
const MANY: u64 = 1000;
/// What one group or bucket holds.
const FEW: u64 = 8;

/// What maps with one owner and one type add up to, as far as they are small.
#[derive(Clone, Debug, Default)]
pub(crate) struct Small {
    all: Sum,
    /// Of those, the ones without an entry.
    empty: Sum,
    larger: bool,
}

#[derive(Clone, Debug, Default)]
struct Sum {
    maps: u64,
    entries: u64,
    table_bytes: u64,
    /// What they take as slices of pairs; what empty ones take as nil.
    instead: u64,
    share: FreedShare,
}

impl Sum {
    fn add(&mut self, other: &Self) {
        self.maps = self.maps.saturating_add(other.maps);
        self.entries = self.entries.saturating_add(other.entries);
        self.table_bytes = self.table_bytes.saturating_add(other.table_bytes);
        self.instead = self.instead.saturating_add(other.instead);
        self.share.merge(&other.share);
    }

    fn of(map: &MapFacts, instead: u64) -> Self {
        let (entries, table_bytes) = (map.figures.entries, map.figures.table_bytes);
        let mut share = FreedShare::default();
        if let Some(cause) = map.freed_by {
            share.add(cause, table_bytes.saturating_sub(instead));
        }
        Self { maps: 1, entries, table_bytes, instead, share }
    }

    fn saved(&self) -> u64 {
        self.table_bytes.saturating_sub(self.instead)
    }
}

impl Small {
    pub(crate) fn add(&mut self, map: &MapFacts) {
        let Some(pairs) = map.as_pairs_bytes.filter(|_| map.figures.entries <= FEW) else {
            self.larger = true;
            return;
        };
        self.all.add(&Sum::of(map, pairs));
        if map.figures.entries == 0 {
            self.empty.add(&Sum::of(map, 0));
        }
    }
}

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let mut places: BTreeMap<(&str, &str), (Sum, Sum)> = BTreeMap::new();
    // A context's list of children is the library's.
    let ours = evidence.maps.places().filter(|(_, name, place)| !place.small.larger && *name != ContextFacts::CHILDREN);
    for (owner, type_name, place) in ours {
        // A document that was decoded into `any` has maps of one type at every depth.
        let owner = if holds_any(type_name) { owner.trim_end_matches("[]") } else { owner };
        let (all, empty) = places.entry((owner, type_name)).or_default();
        all.add(&place.small.all);
        empty.add(&place.small.empty);
    }
    let claim = |((owner, type_name), (all, empty)): ((&str, &str), (Sum, Sum))| {
        // Where most are empty, they need not be there at all.
        let (sum, found) = if empty.maps.saturating_mul(2) > all.maps {
            let found = (
                nothing(type_name, &empty, &all),
                "Leave it nil until the first entry comes: a nil map can be read, ranged over and measured.".to_owned(),
            );
            (empty, found)
        } else {
            let found = (few(type_name, &all, &empty), advice(type_name));
            (all, found)
        };
        let (summary, advice) = found;
        (sum.maps >= MANY && sum.saved() >= MIN_BYTES).then(|| Claim {
            subject: owner.to_owned(),
            summary,
            evidence: vec![("maps", sum.maps), ("entries", sum.entries), ("table_bytes", sum.table_bytes)],
            reclaimable_bytes: sum.saved(),
            share: sum.share,
            advice,
            ..Claim::default()
        })
    };
    places.into_iter().filter_map(claim).collect()
}

fn holds_any(type_name: &str) -> bool {
    type_name.ends_with("]interface {}") || type_name.ends_with("]any")
}

fn nothing(type_name: &str, empty: &Sum, all: &Sum) -> String {
    let of = if empty.maps == all.maps { String::new() } else { format!(" of {}", count(all.maps)) };
    format!(
        "{}{of} maps {type_name} have no entry and take {}; nil maps take nothing.",
        count(empty.maps),
        bytes(empty.table_bytes)
    )
}

fn few(type_name: &str, all: &Sum, empty: &Sum) -> String {
    let filled = all.maps.saturating_sub(empty.maps).max(1);
    let more = if empty.maps > 0 { format!(" ({} more are empty)", count(empty.maps)) } else { String::new() };
    format!(
        "{} maps {type_name} have {:.1} entries each{more} and take {}; as slices of pairs they would take {}.",
        count(filled),
        all.entries as f64 / filled as f64,
        bytes(all.table_bytes),
        bytes(all.instead),
    )
}

fn advice(type_name: &str) -> String {
    let slices = "Keep so few entries in a slice of struct{ Key K; Value V } and search it; or, where the keys are always the same, in fields of a struct.";
    if holds_any(type_name) {
        "If they are a decoded document: decode it into structs with the fields that are needed, not into any."
            .to_owned()
    } else {
        slices.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use mapscope_heap::MapFigures;

    use super::*;

    fn maps(count: usize, entries: u64) -> Vec<MapFacts> {
        let figures = MapFigures { entries, table_bytes: 192, ..MapFigures::default() };
        let map =
            MapFacts { owner: "main.all[].tags".into(), figures, as_pairs_bytes: Some(48), ..MapFacts::default() };
        vec![map; count]
    }

    fn claims(maps: Vec<MapFacts>) -> Vec<Claim> {
        check(&Evidence { maps: maps.into(), ..Evidence::default() })
    }

    #[test]
    fn a_thousand_small_maps_are_one_finding() {
        let found = claims(maps(1000, 2));
        assert_eq!((found.len(), found[0].reclaimable_bytes), (1, 144_000));
        assert!(claims(maps(999, 2)).is_empty());
    }

    #[test]
    fn one_that_is_larger_shows_that_they_need_to_be_maps() {
        let mut maps = maps(2000, 2);
        maps[7].as_pairs_bytes = None;
        assert!(claims(maps).is_empty());
    }

    #[test]
    fn a_document_is_one_finding_at_whatever_depth() {
        let mut maps = maps(1500, 2);
        for (number, map) in maps.iter_mut().enumerate() {
            map.owner = ["main.doc[]", "main.doc[][]", "main.doc[][][][]"][number % 3].into();
            map.type_name = "map[string]interface {}".into();
        }
        let found = claims(maps.clone());
        assert_eq!((found.len(), found[0].subject.as_str(), found[0].reclaimable_bytes), (1, "main.doc", 216_000));
        assert!(found[0].advice.contains("decode it into structs"));
        for map in &mut maps {
            map.type_name = "map[string]int".into();
        }
        assert!(claims(maps).is_empty(), "each is 500, and nothing says that they are one thing");
    }

    #[test]
    fn maps_without_entries_are_told_to_be_empty() {
        let mut all = maps(2000, 0);
        all.extend(maps(500, 3));
        let found = claims(all);
        assert_eq!((found.len(), found[0].reclaimable_bytes), (1, 2000 * 192));
        assert!(
            found[0].summary.starts_with("2,000 of 2,500 maps  have no entry and take 375 KiB"),
            "{}",
            found[0].summary
        );
        let mut some = maps(1000, 3);
        some.extend(maps(100, 0));
        let summary = &claims(some)[0].summary;
        assert!(summary.starts_with("1,000 maps  have 3.0 entries each (100 more are empty)"), "{summary}");
    }
}
