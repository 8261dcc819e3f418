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

use super::room;
use crate::Evidence;
use crate::alike::{Alike, Matter, alike};
use crate::finding::Claim;
use crate::state::State;
use crate::text::bytes;

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |group: &Alike| {
        let figures = &group.all.figures;
        // A Swiss map says whether it was cleared; a legacy map does not.
        let or = match group.all.cleared {
            Some(_) => "",
            None => group.say(", or was emptied with clear", ", or they were emptied with clear"),
        };
        let summary = format!(
            "{}, and no trace of more: {} too large{or}. With the right one {} {}, not {}.",
            room(figures),
            group.say("its hint was", "their hints were"),
            group.say("it takes", "they take"),
            bytes(group.all.remade_bytes),
            bytes(figures.table_bytes),
        );
        let entries = figures.entries.div_ceil(group.maps.max(1));
        let advice = format!(
            "Make {} with a hint of what it holds: make({}, {entries}), or without one.",
            group.say("it", "each"),
            group.all.type_name
        );
        group.claim(summary, &[], advice)
    };
    let oversized = alike(evidence, Matter::Tables(State::Oversized));
    oversized.filter(|group| evidence.maps.other_half(group).is_none()).map(claim).collect()
}
