//! One map that a thousand values hold.
//!
//! ## What it finds
//! Maps to which a thousand or more pointers in live objects lead.
//!
//! ## Why it matters
//! A map is a pointer to its header. Copying a struct copies that pointer and not the map, so that all copies have the same
//! entries: a write through one is seen by all, and two writers at once are a fault that ends the program. The map lives as
//! long as the last copy.
//!
//! ## Evidence
//! `pointers` to the map's header, counted in live objects; those in variables and on stacks come on top.
//!
//! ## Example
//! ```go
//! defaults := Options{Limits: map[string]int{"rate": 100}}
//! for _, client := range clients {
//! 	client.Options = defaults         // the same map for all
//! 	client.Options.Limits["rate"] = 5 // for all
//! }
//! ```
//!
//! ## Fix
//! ```go
//! client.Options.Limits = maps.Clone(defaults.Limits)   // where each needs its own
//! client.Options = &defaults                            // where all read the same
//! ```
//!
//! ## Limits
//! A table that everybody reads is shared rightly. No bytes are promised. Never more than low.

use crate::alike::{Alike, Matter};
use crate::finding::Claim;
use crate::text::count;
use crate::{Evidence, MapFacts};

/// Fewer may well be meant one by one.
pub(crate) const MANY: u64 = 1000;

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |map: &MapFacts| {
        let summary = format!(
            "{} values hold this one map: copying a struct copies the pointer. What one of them writes is written for all.",
            count(map.pointers),
        );
        let advice =
            "Where each needs its own: maps.Clone. Where all read the same: a pointer to one struct that holds it.";
        Claim {
            cause: None,
            ..Alike::of(Matter::Keys, map, 0).claim(summary, &[("pointers", map.pointers)], advice.to_owned())
        }
    };
    evidence.maps.shared().map(claim).collect()
}
