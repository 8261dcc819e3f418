//! Objects that were taken off a slice and are still in its array.
//!
//! ## What it finds
//! Arrays whose part outside of every slice's length leads to objects that nothing else holds, with 64 KiB or more of them at
//! one place.
//!
//! ## Why it matters
//! `s = s[:len(s)-1]` and `s = s[1:]` change a slice, not its array: the element that was taken off is still there, and the
//! collector, which knows arrays and not lengths, keeps what it points to until another element is written over it.
//!
//! ## Evidence
//! `objects` found in the array's words behind the furthest length and before the first start of all slices that are known
//! to refer to it; `arrays`. `reclaimable_bytes`: what would be freed if those words were nil.
//!
//! ## Example
//! ```go
//! job := stack[len(stack)-1]
//! stack = stack[:len(stack)-1]   // the array still has job
//! ```
//!
//! ## Fix
//! ```go
//! job := stack[len(stack)-1]
//! stack[len(stack)-1] = nil
//! stack = stack[:len(stack)-1]
//! ```
//!
//! `slices.Delete`, `slices.Compact` and their like clear the rest of the slice from Go 1.22 on.
//!
//! ## Limits
//! Heuristic: a list of objects that are kept for the next use looks the same, and a slice at a place whose type is not known
//! may refer to more of the array. Never more than medium.

use crate::finding::Claim;
use crate::severity::MIN_BYTES;
use crate::text::{bytes, plural};
use crate::{Evidence, PoppedFacts};

impl PoppedFacts {
    /// Whether a finding is made of them.
    pub fn matters(&self) -> bool {
        self.bytes >= MIN_BYTES && !self.place.starts_with("runtime.")
    }
}

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |popped: &PoppedFacts| {
        Claim {
        subject: popped.place.clone(),
        summary: format!(
            "{} that nothing else holds are in {} of {} outside of every slice's length, and keep {}.",
            plural(popped.objects, "object"),
            plural(popped.arrays, "array"),
            popped.type_name,
            bytes(popped.bytes),
        ),
        evidence: vec![("arrays", popped.arrays), ("objects", popped.objects)],
        reclaimable_bytes: popped.bytes,
        cause: popped.cause,
        advice: "Heuristic: unless they are kept for the next use, set an element to its zero value before it is cut off: s[len(s)-1] = nil; s = s[:len(s)-1]; or clear(s[n:]) before s = s[:n].".to_owned(),
        ..Claim::default()
    }
    };
    evidence.popped.iter().filter(|p| p.matters()).map(claim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_is_told_and_the_runtime_is_left_alone() {
        let found = |place: &str, bytes| {
            let facts = PoppedFacts { place: place.into(), bytes, ..PoppedFacts::default() };
            check(&Evidence { popped: vec![facts], ..Evidence::default() }).len()
        };
        let places = ["main.stack", "runtime.p.timers"];
        assert_eq!([found(places[0], MIN_BYTES), found(places[0], 9), found(places[1], MIN_BYTES)], [1, 0, 0]);
    }
}
