//! Thousands of maps with a few entries each.
//!
//! ## What it finds
//! A thousand or more maps of one type with one owner, none with more than eight entries, that would take less as slices.
//!
//! ## Why it matters
//! The smallest map is a header of 48 bytes and, from its first entry on, one group or bucket with room for eight entries,
//! however few there are. A slice of pairs takes what its pairs take.
//!
//! ## Evidence
//! `maps`, their `entries` and `table_bytes`. `reclaimable_bytes`: those less the slots of slices of pairs, with the 16
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

use crate::finding::Claim;
use crate::severity::MIN_BYTES;
use crate::text::{bytes, count};
use crate::{Evidence, MapFacts};

/// Fewer maps than this are no pattern.
const MANY: u64 = 1000;
/// What one group or bucket holds.
const FEW: u64 = 8;

#[derive(Clone, Debug, Default)]
struct Sum {
    maps: u64,
    entries: u64,
    table_bytes: u64,
    as_pairs: u64,
    larger: bool,
}

impl Sum {
    fn add(&mut self, map: &MapFacts) {
        let Some(pairs) = map.as_pairs_bytes.filter(|_| map.figures.entries <= FEW) else {
            self.larger = true;
            return;
        };
        self.maps += 1;
        self.entries += map.figures.entries;
        self.table_bytes += map.figures.table_bytes;
        self.as_pairs += pairs;
    }
}

/// What maps with one owner and one type add up to: by owner, then by type.
#[derive(Clone, Debug, Default)]
pub(crate) struct SmallMaps(BTreeMap<String, BTreeMap<String, Sum>>);

impl SmallMaps {
    pub(crate) fn add(&mut self, map: &MapFacts) {
        let (owner, type_name) = (nameless(&map.owner), &map.type_name);
        if let Some(sum) = self.0.get_mut(owner).and_then(|types| types.get_mut(type_name)) {
            sum.add(map);
            return;
        }
        self.0.entry(owner.to_owned()).or_default().entry(type_name.clone()).or_default().add(map);
    }
}

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |(owner, type_name, sum): (&String, &String, &Sum)| {
        let saved = sum.table_bytes.saturating_sub(sum.as_pairs);
        (sum.maps >= MANY && !sum.larger && saved >= MIN_BYTES).then(|| Claim {
            subject: owner.clone(),
            summary: format!(
                "{} maps {type_name} have {:.1} entries each and take {}; as slices of pairs they would take {}.",
                count(sum.maps),
                sum.entries as f64 / sum.maps as f64,
                bytes(sum.table_bytes),
                bytes(sum.as_pairs),
            ),
            evidence: vec![("maps", sum.maps), ("entries", sum.entries), ("table_bytes", sum.table_bytes)],
            reclaimable_bytes: saved,
            advice: "Keep so few entries in a slice of struct{ Key K; Value V } and search it; or, where the keys are always the same, in fields of a struct.".to_owned(),
            ..Claim::default()
        })
    };
    let owners = evidence.maps.small.0.iter();
    owners.flat_map(|(owner, types)| types.iter().map(move |(t, sum)| (owner, t, sum))).filter_map(claim).collect()
}

/// The owner without the number of its goroutine, so that those of many goroutines are one.
fn nameless(owner: &str) -> &str {
    let rest =
        owner.strip_prefix("goroutine ").map(|r| r.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start());
    rest.unwrap_or(owner)
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
}
