//! A map that grew to hold far more than it holds.
//!
//! ## What it finds
//! Maps whose tables are at least four times as large as those of a new map with the same entries, and that have been full:
//! slots that say *deleted*, overflow buckets, or a call of `clear` tell.
//!
//! ## Why it matters
//! A Go map never shrinks. `delete` and `clear` free slots, not memory: a Swiss map keeps all of its tables and a legacy
//! map its bucket array, as large as they ever were, until the map itself is garbage. Every iteration walks all of it.
//!
//! ## Evidence
//! `entries` and `slots`; `table_bytes` is what the map's own structure takes, and what would be left of it follows from
//! the runtime's own sizing of a map made with a hint of `entries`. The difference is `reclaimable_bytes`.
//!
//! ## Example
//! ```go
//! sessions := map[string]*Session{}   // twelve million during the sale
//! for id, s := range sessions {
//! 	if s.Expired() {
//! 		delete(sessions, id)        // forty thousand are left, in fourteen million slots
//! 	}
//! }
//! ```
//!
//! ## Fix
//! Make it anew when most of it is gone, at a moment when nobody else uses it:
//!
//! ```go
//! fresh := make(map[string]*Session, len(sessions))
//! maps.Copy(fresh, sessions)
//! sessions = fresh
//! ```
//!
//! Where entries come and go with time, have one map for each hour and drop whole maps; where they need not all be kept,
//! use a cache with a bound.
//!
//! ## Limits
//! A map that is full again every night needs its size; the rule knows this moment only. How
//! many tables of the new map get more than their share and are split is an average.

use super::{map_claim, maps_in, rebuild};
use crate::finding::Claim;
use crate::state::State;
use crate::text::{bytes, count, percent};
use crate::{Evidence, MapFacts};

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |map: &MapFacts| {
        let MapFacts { figures, cleared, .. } = map;
        let how = if *cleared == Some(true) {
            "it was emptied with clear, which keeps its tables"
        } else {
            "it grew to hold more"
        };
        let summary = format!(
            "{} entries in {} slots ({}): {how}, and a Go map never shrinks. Made anew it takes {}, not {}.",
            count(figures.entries),
            count(figures.slots),
            percent(figures.entries, figures.slots),
            bytes(map.remade_bytes),
            bytes(figures.table_bytes),
        );
        let advice = format!(
            "Make it anew: {}. If it drains again and again, have one map for each span of time, or a cache with a bound.",
            rebuild(map)
        );
        Claim { advice, ..map_claim(map, summary, map.reclaimable_bytes(), &[]) }
    };
    maps_in(evidence, State::Drained).map(claim).collect()
}
