//! A map made for far more than it holds, without a trace of ever having held it.
//!
//! ## What it finds
//! Maps whose tables are at least four times as large as those of a new map with the same entries, and in which nothing
//! tells of entries that are gone: no slot says *deleted*, no bucket overflows, `clear` was not called.
//!
//! ## Why it matters
//! `make(map[K]V, hint)` reserves room for `hint` entries at once. A hint that is a worst case, or counts something else
//! than the keys, is paid for as long as the map lives.
//!
//! ## Evidence
//! `entries` and `slots`. `reclaimable_bytes`: `table_bytes` less those of a map made with a hint of `entries`.
//!
//! ## Example
//! ```go
//! byUser := make(map[int64]*User, 1_000_000)   // there are nine thousand
//! ```
//!
//! ## Fix
//! Leave the hint out, or count what goes into the map:
//!
//! ```go
//! byUser := make(map[int64]*User, len(users))
//! ```
//!
//! ## Limits
//! Heuristic: a map of 512 groups or more that was ever full has kept a trace with near certainty, but chance decides. A
//! legacy map (up to Go 1.23) that was emptied with `clear`, or with a loop that deletes everything, looks like a new one.
//! A map that is still to be filled is as large as it should be.

use super::{map_claim, maps_in};
use crate::finding::Claim;
use crate::state::State;
use crate::text::{bytes, count, percent};
use crate::{Evidence, MapFacts};

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |map: &MapFacts| {
        let figures = &map.figures;
        // A Swiss map says whether it was cleared; a legacy map does not.
        let or = if map.cleared.is_some() { "" } else { ", or was emptied with clear" };
        let summary = format!(
            "{} entries in {} slots ({}), and no trace of more: its hint was too large{or}. With the right one it takes {}, not {}.",
            count(figures.entries),
            count(figures.slots),
            percent(figures.entries, figures.slots),
            bytes(map.remade_bytes),
            bytes(figures.table_bytes),
        );
        let advice = format!(
            "Make it with a hint of what it holds: make({}, {}), or without one.",
            map.type_name, figures.entries
        );
        Claim { advice, ..map_claim(map, summary, map.reclaimable_bytes(), &[]) }
    };
    maps_in(evidence, State::Oversized).map(claim).collect()
}
