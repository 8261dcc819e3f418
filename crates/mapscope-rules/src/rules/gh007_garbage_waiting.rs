//! Garbage that the collector lets lie.
//!
//! ## What it finds
//! Twice as much garbage as live objects, and 32 MiB or more.
//!
//! ## Why it matters
//! With `GOGC=100`, the default, a collection starts when the heap is twice what was live after the last one. There can be
//! as much garbage as live objects, but hardly more, unless `GOGC` is larger or off, or most of the heap has died since.
//!
//! ## Evidence
//! `garbage_bytes`: allocated objects that nothing reaches; `live_bytes`. `reclaimable_bytes` are those of the garbage: a
//! collection frees them.
//!
//! ## Example
//! ```go
//! debug.SetGCPercent(-1)   // for the time of an import, and never set back
//! ```
//!
//! ## Fix
//! Give the collector a limit instead of switching it off:
//!
//! ```go
//! debug.SetGCPercent(100)
//! debug.SetMemoryLimit(3 << 30)   // GOMEMLIMIT=3GiB
//! ```
//!
//! ## Limits
//! Garbage may be a choice: memory for time. Never more than medium.

use crate::Evidence;
use crate::finding::Claim;
use crate::text::bytes;

/// So many times what is live is more than the default lets wait.
const TIMES: u64 = 2;
/// The smallest heap, 4 MiB, lets wait whatever `GOGC` says; a few of those are nothing.
const FLOOR: u64 = 32 << 20;

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let Evidence { live_bytes, garbage_bytes, .. } = *evidence;
    if garbage_bytes < FLOOR || garbage_bytes < live_bytes.saturating_mul(TIMES) {
        return Vec::new();
    }
    vec![Claim {
        subject: "garbage".to_owned(),
        summary: format!(
            "{} of garbage wait to be collected, for {} of live objects: more than GOGC=100 lets wait.",
            bytes(garbage_bytes),
            bytes(live_bytes),
        ),
        evidence: vec![("garbage_bytes", garbage_bytes), ("live_bytes", live_bytes)],
        reclaimable_bytes: garbage_bytes,
        not_live_bytes: garbage_bytes,
        advice: "Look for GOGC in the environment and for debug.SetGCPercent; set GOMEMLIMIT instead of switching the collector off.".to_owned(),
        ..Claim::default()
    }]
}
