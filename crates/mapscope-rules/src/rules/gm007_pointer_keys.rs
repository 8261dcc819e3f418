//! Objects that live only because they are keys of a map.
//!
//! ## What it finds
//! Maps with pointers as keys, and objects of 64 KiB or more in all that nothing but entries of such a map leads to.
//!
//! ## Why it matters
//! A key holds what it points to. A map from objects to facts about them keeps every object that was ever entered, also
//! when the rest of the program has long forgotten it; and nobody but who ranges over the map can find such a key again.
//!
//! ## Evidence
//! Out of the dominator tree: `pinned_keys` that only the map leads to, of `entries`. `reclaimable_bytes`: what would be
//! freed if those entries were deleted; the map's own slots stay.
//!
//! ## Example
//! ```go
//! var seen = map[*Request]time.Time{}
//!
//! func handle(r *Request) {
//! 	seen[r] = time.Now()   // r, and all that it leads to, stays
//! }
//! ```
//!
//! ## Fix
//! Use an identity that holds nothing, and delete what is done:
//!
//! ```go
//! var seen = map[uint64]time.Time{}   // by r.ID
//!
//! defer delete(seen, r.ID)
//! ```
//!
//! From Go 1.24 on, a `weak.Pointer[Request]` as the key holds nothing either.
//!
//! ## Limits
//! Heuristic: a map may be the rightful owner of its keys, as a set of connections is. Never more than medium. Maps whose
//! elements are pointers of the same type are left out.

use crate::Evidence;
use crate::alike::{Alike, Matter, alike};
use crate::finding::Claim;
use crate::source_name::{the_map, variable};
use crate::text::{bytes, count};

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |group: &Alike| {
        let map = &group.all;
        let summary = format!(
            "{} of {} keys point to objects that nothing else holds: {}.",
            count(map.pinned_keys),
            count(map.figures.entries),
            bytes(group.bytes),
        );
        let delete = match variable(&map.owner) {
            Some(name) => format!("delete({name}, key)"),
            None => format!("delete its entry in {}", the_map(&map.owner)),
        };
        let advice = format!(
            "Heuristic: if the map only knows things about them, use an identity or a weak.Pointer as its key, and {delete} when an object is done."
        );
        group.claim(summary, &[("pinned_keys", map.pinned_keys)], advice)
    };
    alike(evidence, Matter::Keys).map(claim).collect()
}
