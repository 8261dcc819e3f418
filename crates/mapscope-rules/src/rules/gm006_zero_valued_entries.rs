//! A map in which most elements are zero: entries that were written as zero instead of deleted.
//!
//! ## What it finds
//! Maps of whose entries half or more have an element of zero bits only (nil, 0, false, an empty struct of such), and that
//! would be 64 KiB smaller without them.
//!
//! ## Why it matters
//! `m[key] = nil` keeps the key, the slot, and whatever the key points to. Such a map grows with every key that was ever
//! seen.
//!
//! ## Evidence
//! `zero_values` of `entries`, counted bit by bit. `reclaimable_bytes`: `table_bytes` less those of a map made with a hint
//! of the entries that are not zero; what keys point to comes on top.
//!
//! ## Example
//! ```go
//! func release(id int64) {
//! 	owners[id] = nil   // the entry stays
//! }
//! ```
//!
//! ## Fix
//! Delete, and make the map anew once, because a Go map never shrinks:
//!
//! ```go
//! delete(owners, id)
//!
//! fresh := map[int64]*Owner{}
//! for id, owner := range owners {
//! 	if owner != nil {
//! 		fresh[id] = owner
//! 	}
//! }
//! owners = fresh
//! ```
//!
//! A set is a `map[K]struct{}`, whose entries have no element at all.
//!
//! ## Limits
//! Heuristic: zero may be a value like any other (a counter that stands at 0, a flag that says no). Then the map is as it
//! has to be.

use super::{map_claim, maps_in};
use crate::finding::Claim;
use crate::source_name::{the_map, variable};
use crate::state::State;
use crate::text::{bytes, count, percent};
use crate::{Evidence, MapFacts};

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |map: &MapFacts| {
        let figures = &map.figures;
        let zero = figures.zero_values.unwrap_or(0);
        let saved = figures.table_bytes.saturating_sub(map.without_zero_bytes.unwrap_or(figures.table_bytes));
        let summary = format!(
            "{} of {} entries ({}) have a zero element: were they written as zero instead of deleted? Without them the map takes {} less.",
            count(zero),
            count(figures.entries),
            percent(zero, figures.entries),
            bytes(saved),
        );
        let delete = match variable(&map.owner) {
            Some(name) => format!("delete({name}, key) instead"),
            None => format!("delete entries of {} instead", the_map(&map.owner)),
        };
        let advice = format!("Heuristic: if zero means gone, {delete}, and make the map anew once.");
        Claim { advice, ..map_claim(map, summary, saved, &[("zero_values", zero)]) }
    };
    maps_in(evidence, State::Zeroed).map(claim).collect()
}
