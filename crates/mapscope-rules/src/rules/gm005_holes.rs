//! A map with many groups, or buckets, without a single entry.
//!
//! ## What it finds
//! Maps in which a tenth of the groups or more are empty and that would be smaller if made anew. Below a tenth the hole
//! density is *healthy*, up to a quarter *slight*, from there on *severe*.
//!
//! ## Why it matters
//! An iteration walks every group, and so does the collector when keys or elements have pointers: holes cost time at every
//! collection. Even at half of the largest load, which is what growing leaves behind, chance leaves only 3 to 4% of the
//! groups empty; more means that entries have been deleted, or that the map was made for more than it holds.
//!
//! ## Evidence
//! `holes`: groups without an entry (Swiss), or buckets whose whole chain has none (legacy); `groups`: all of them.
//!
//! ## Example
//! ```go
//! for id, job := range jobs {
//! 	if job.Done {
//! 		delete(jobs, id)   // three in five are gone
//! 	}
//! }
//! ```
//!
//! ## Fix
//! ```go
//! fresh := make(map[int]*Job, len(jobs))
//! maps.Copy(fresh, jobs)
//! jobs = fresh
//! ```
//!
//! ## Limits
//! A map that is at least four times too large is reported as drained (GM001) or as made too large (GM011).

use super::rebuild;
use crate::Evidence;
use crate::alike::{Alike, Matter, alike};
use crate::finding::Claim;
use crate::state::State;
use crate::text::{bytes, count, percent};

/// From this share of the groups on, in percent, it is no longer slight: at less than one and a half entries in a group.
const SEVERE_PERCENT: u64 = 25;

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |group: &Alike| {
        let figures = &group.all.figures;
        let severe = figures.holes.saturating_mul(100) >= figures.groups.saturating_mul(SEVERE_PERCENT);
        let summary = format!(
            "{} of {} groups ({}) have no entry: hole density {}. Made anew {} {} smaller.",
            count(figures.holes),
            count(figures.groups),
            percent(figures.holes, figures.groups),
            if severe { "severe" } else { "slight" },
            group.say("it is", "they are"),
            bytes(group.bytes),
        );
        let advice = format!("Make {} anew: {}.", group.say("it", "each"), rebuild(&group.all));
        group.claim(summary, &[("holes", figures.holes), ("groups", figures.groups)], advice)
    };
    alike(evidence, Matter::Tables(State::Holey)).map(claim).collect()
}
