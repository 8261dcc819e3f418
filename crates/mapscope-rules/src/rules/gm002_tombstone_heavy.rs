//! A Swiss map in which deleted entries still occupy slots.
//!
//! ## What it finds
//! Swiss maps (Go 1.24 and later) of whose slots a tenth or more are tombstones, and that would be smaller if made anew.
//!
//! ## Why it matters
//! An entry deleted from a group that is full leaves a tombstone: a search must not stop there. Tombstones use up the
//! table's room to grow and lengthen searches for keys that are not there; an insertion reuses one only when it happens
//! to pass it. From Go 1.25 on an insertion into a table without room clears them away when they are a tenth of its slots;
//! up to 1.24 only growing or splitting the table does, so that a map whose entries come and go grows though it does not
//! hold more.
//!
//! ## Evidence
//! `tombstones`: control bytes that say *deleted*, counted. `reclaimable_bytes`: `table_bytes` less those of a map made
//! with a hint of `entries`.
//!
//! ## Example
//! ```go
//! for i := 0; ; i++ {
//! 	window[i] = event
//! 	delete(window, i-size)   // as many as ever, but at other places
//! }
//! ```
//!
//! ## Fix
//! Make the map anew from time to time, or keep what comes and goes in order in a ring:
//!
//! ```go
//! fresh := make(map[int]Event, len(window))
//! maps.Copy(fresh, window)
//! window = fresh
//! ```
//!
//! ## Limits
//! A map that is far too large as well is reported as drained (GM001).

use super::rebuild;
use crate::Evidence;
use crate::alike::{Alike, Matter, alike};
use crate::finding::Claim;
use crate::state::State;
use crate::text::{bytes, count, percent};

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |group: &Alike| {
        let figures = &group.all.figures;
        let tombstones = figures.tombstones.unwrap_or(0);
        let summary = format!(
            "{} of {} slots ({}) are tombstones of deleted entries, for {} that live. Made anew {} {} smaller.",
            count(tombstones),
            count(figures.slots),
            percent(tombstones, figures.slots),
            count(figures.entries),
            group.say("it is", "they are"),
            bytes(group.bytes),
        );
        let advice = format!("Make {} anew from time to time: {}.", group.say("it", "each"), rebuild(&group.all));
        group.claim(summary, &[("tombstones", tombstones)], advice)
    };
    alike(evidence, Matter::Tables(State::Tombstoned)).map(claim).collect()
}
