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

use crate::Evidence;
use crate::alike::{Alike, Matter, alike};
use crate::finding::Claim;
use crate::source_name::{the_map, variable};
use crate::state::State;
use crate::text::{bytes, count, percent};

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |group: &Alike| {
        let figures = &group.all.figures;
        let zero = figures.zero_values.unwrap_or(0);
        let summary = format!(
            "{} of {} entries ({}) have a zero element: were they written as zero instead of deleted? Without them {} {} less.",
            count(zero),
            count(figures.entries),
            percent(zero, figures.entries),
            group.say("the map takes", "the maps take"),
            bytes(group.bytes),
        );
        let delete = match variable(&group.all.owner) {
            Some(name) => format!("delete({name}, key) instead"),
            None => format!("delete entries of {} instead", the_map(&group.all.owner)),
        };
        let advice = format!("Heuristic: if zero means gone, {delete}, and make the map anew once.");
        group.claim(summary, &[("zero_values", zero)], advice)
    };
    alike(evidence, Matter::Tables(State::Zeroed)).map(claim).collect()
}
