//! A legacy map that keeps its old buckets because nobody writes to it.
//!
//! ## What it finds
//! Legacy maps (up to Go 1.23, or `GOEXPERIMENT=noswissmap`) in the middle of growing, with old buckets of 64 KiB or more.
//!
//! ## Why it matters
//! A legacy map grows bit by bit: each insertion or deletion moves one or two old buckets (`growWork`, `runtime/map.go`).
//! Reading moves none. A map that is filled once and then only read may keep its old array for ever: half as large as the
//! new one, or just as large.
//!
//! ## Evidence
//! `old_buckets_bytes`: the old array with its overflow buckets. `evacuated_buckets`: how many have been moved.
//!
//! ## Example
//! ```go
//! for _, row := range rows {   // the last insertions start a growth
//! 	index[row.Key] = row
//! }
//! serve(index)                 // from here on it is only read
//! ```
//!
//! ## Fix
//! Make the map with room for what it will hold; it then never grows. Or write to it until the growth is done:
//!
//! ```go
//! index := make(map[string]Row, len(rows))
//!
//! for key, row := range index {   // moves all old buckets of a map that exists
//! 	index[key] = row
//! }
//! ```
//!
//! ## Limits
//! A map that is being filled at this moment is in this state rightly; it will have left it soon. Swiss maps grow in one
//! step and have no old buckets.

use crate::Evidence;
use crate::alike::{Alike, Matter, alike};
use crate::finding::Claim;
use crate::source_name::{the_map, variable};
use crate::state::State;
use crate::text::{bytes, count};

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |group: &Alike| {
        let figures = &group.all.figures;
        let (old, moved) = (figures.old_buckets_bytes.unwrap_or(0), figures.evacuated_buckets.unwrap_or(0));
        let summary = format!(
            "{} growing, {} old buckets are moved, and {} of old buckets wait for writes: reading does not move them.",
            group.say("It is", "They are"),
            count(moved),
            bytes(old),
        );
        let write = match variable(&group.all.owner) {
            Some(name) => format!("write to it: for k, v := range {name} {{ {name}[k] = v }}"),
            None => format!("assign every element of {} again", the_map(&group.all.owner)),
        };
        let entries = count(figures.entries / group.maps.max(1));
        let advice = format!("Make it with room for {entries} entries. To end the growth now, {write}.");
        group.claim(summary, &[("old_buckets_bytes", old), ("evacuated_buckets", moved)], advice)
    };
    alike(evidence, Matter::Tables(State::Growing)).map(claim).collect()
}
