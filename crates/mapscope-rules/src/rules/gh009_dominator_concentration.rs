//! Half of the heap behind one thing.
//!
//! ## What it finds
//! A way from one variable, goroutine or list to where half of all live bytes are piled up, and 16 MiB or more.
//!
//! ## Why it matters
//! When a heap has grown for days, most of it is in one place as a rule, and this is where to look. Eclipse MAT calls it a
//! leak suspect and finds it in the same way.
//!
//! ## Evidence
//! `retained_bytes`: what would be freed if the end of the way went away, out of the dominator tree; `objects` at that end.
//!
//! ## Example
//! ```go
//! var seen = map[string]*Request{}   // every request that ever came
//! ```
//!
//! ## Fix
//! None, if this is what the program is for. Otherwise give it a bound:
//!
//! ```go
//! if len(seen) >= limit {
//! 	delete(seen, oldest())
//! }
//! seen[id] = request
//! ```
//!
//! ## Limits
//! Heuristic: a large heap in one place is no fault by itself. Never more than low, and no bytes are promised.

use crate::Evidence;
use crate::finding::Claim;
use crate::text::{bytes, percent, plural};

/// From this share of the live bytes on, in percent.
const SHARE: u64 = 50;
/// In a small heap, something always has half.
const FLOOR: u64 = 16 << 20;

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let live = evidence.live_bytes;
    let large = |s: &&crate::SuspectFacts| {
        s.retained_bytes >= FLOOR && u128::from(s.retained_bytes) * 100 >= u128::from(live) * u128::from(SHARE)
    };
    let claim = |suspect: &crate::SuspectFacts| Claim {
        subject: suspect.path.first().cloned().unwrap_or_default(),
        summary: format!(
            "{} of live objects ({}) are behind {}{}.",
            bytes(suspect.retained_bytes),
            percent(suspect.retained_bytes, live),
            suspect.path.first().map_or("", String::as_str),
            end(suspect),
        ),
        evidence: vec![("retained_bytes", suspect.retained_bytes), ("objects", suspect.count)],
        advice: "Heuristic: if it should not be so large, give it a bound; `mapscope dominators` shows what is in it."
            .to_owned(),
        ..Claim::default()
    };
    evidence.suspects.iter().filter(large).map(claim).collect()
}

/// What is at the end of the way; nothing where it ends at a holder, of things that have no more in common.
fn end(suspect: &crate::SuspectFacts) -> String {
    if suspect.count == 0 && suspect.path.len() == 1 {
        return String::new();
    }
    let way = suspect.path.join(" > ");
    if suspect.count == 0 {
        format!(": in {way}")
    } else {
        format!(": {} at the end of {way}", plural(suspect.count, "object"))
    }
}
