//! A legacy map whose buckets hang in chains.
//!
//! ## What it finds
//! Legacy maps (up to Go 1.23, or `GOEXPERIMENT=noswissmap`) with an overflow bucket for every other bucket or more, that
//! would be smaller if made anew.
//!
//! ## Why it matters
//! A bucket has room for eight entries; the ninth goes to an overflow bucket, which stays when its entries are deleted.
//! Hashes alone make one for every fifth bucket of a map at its limit. More come from entries that come and go; the
//! runtime tidies up only when there is about one for every bucket (`tooManyOverflowBuckets`, `runtime/map.go`). A search
//! looks at all buckets of a chain.
//!
//! ## Evidence
//! `overflow_buckets` linked in chains, and `buckets`. `reclaimable_bytes`: `table_bytes` less those of a map made with a
//! hint of `entries`.
//!
//! ## Example
//! ```go
//! for i := 0; ; i++ {
//! 	window[i] = event
//! 	delete(window, i-size)   // each bucket overflows sooner or later
//! }
//! ```
//!
//! ## Fix
//! ```go
//! fresh := make(map[int]Event, len(window))
//! for k, v := range window {
//! 	fresh[k] = v
//! }
//! window = fresh
//! ```
//!
//! Go 1.24 and later have maps without chains.
//!
//! ## Limits
//! A map that is far too large as well is reported as drained (GM001).

use super::rebuild;
use crate::Evidence;
use crate::alike::{Alike, Matter, alike};
use crate::finding::Claim;
use crate::state::State;
use crate::text::{bytes, count};

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |group: &Alike| {
        let figures = &group.all.figures;
        let overflow = figures.overflow_buckets.unwrap_or(0);
        let summary = format!(
            "{} overflow buckets hang on {} buckets for {} entries; chance makes one for every fifth. Made anew {} {} smaller.",
            count(overflow),
            count(figures.groups),
            count(figures.entries),
            group.say("it is", "they are"),
            bytes(group.bytes),
        );
        let each = group.say("it", "each");
        let advice = format!("Make {each} anew: {}. Go 1.24 and later have maps without chains.", rebuild(&group.all));
        group.claim(summary, &[("buckets", figures.groups), ("overflow_buckets", overflow)], advice)
    };
    alike(evidence, Matter::Tables(State::Chained)).map(claim).collect()
}
