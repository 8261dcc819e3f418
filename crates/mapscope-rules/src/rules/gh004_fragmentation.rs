//! Spans that a few objects keep.
//!
//! ## What it finds
//! Size classes of whose slots less than half are in use, with 8 MiB or more in spans that the others would fit without.
//!
//! ## Why it matters
//! The heap is cut into spans of slots of one size, and Go does not move objects. A span goes back to the heap when all of
//! its objects are gone; until then only objects of its size fit. What is left of a burst, one object here and one there,
//! keeps the memory of all of it.
//!
//! ## Evidence
//! `spans` with slots of `slot_bytes`; `slots`, and how many are used; their resident bytes. `reclaimable_bytes`: what the
//! spans take that the objects would not need if they lay together. It is heap in use (`HeapInuse`), not live objects.
//!
//! ## Example
//! ```go
//! for _, row := range rows {          // a million records of 512 bytes
//! 	if row.Score > limit {
//! 		best = append(best, row)    // one in fifty stays, in its own place
//! 	}
//! }
//! ```
//!
//! ## Fix
//! Copy what stays, after the rest is gone, so that it lies together:
//!
//! ```go
//! for i, row := range best {
//! 	kept := *row
//! 	best[i] = &kept
//! }
//! ```
//!
//! Or allocate what lives long and what lives short apart: values in one slice instead of pointers.
//!
//! ## Limits
//! Free slots are used again by objects of the same size: after a burst that comes every minute, they are as they should
//! be. Copies fill the free slots of a few spans one after the other, and the spans of the originals become free; copies
//! made before the burst is collected lie among its garbage.

use crate::Evidence;
use crate::finding::Claim;
use crate::text::{bytes, count, percent};

/// Half of the slots are free.
const USED: u64 = 2;
/// What varies between two collections of a heap under load is not worth a change.
const FLOOR: u64 = 8 << 20;

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |class: &crate::ClassFacts| {
        let needed = class.used_slots.saturating_mul(class.spans).div_ceil(class.slots.max(1));
        let of_span = class.bytes / class.spans.max(1);
        let saved = class.spans.saturating_sub(needed).saturating_mul(of_span).min(class.free_bytes);
        (saved >= FLOOR && class.used_slots.saturating_mul(USED) < class.slots).then(|| Claim {
            subject: format!("objects of {}", bytes(class.slot_bytes)),
            summary: format!(
                "{} spans have {} slots, of which {} ({}) are used; {} would do.",
                count(class.spans),
                count(class.slots),
                count(class.used_slots),
                percent(class.used_slots, class.slots),
                count(needed),
            ),
            evidence: vec![
                ("slot_bytes", class.slot_bytes),
                ("spans", class.spans),
                ("slots", class.slots),
                ("used_slots", class.used_slots),
            ],
            reclaimable_bytes: saved,
            not_live_bytes: saved,
            advice: "Copy what stays of a burst after the rest is gone, or keep values in one slice instead of pointers to objects one by one.".to_owned(),
            ..Claim::default()
        })
    };
    evidence.classes.iter().filter_map(claim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ClassFacts;

    #[test]
    fn spans_that_are_half_full_are_left_alone() {
        let class = |used_slots| ClassFacts {
            slot_bytes: 512,
            spans: 4000,
            slots: 64_000,
            used_slots,
            bytes: 4000 * 8192,
            free_bytes: (64_000 - used_slots) * 512,
        };
        let found = |used| check(&Evidence { classes: vec![class(used)], ..Evidence::default() });
        assert_eq!(found(1280)[0].reclaimable_bytes, (4000 - 80) * 8192);
        assert!(found(32_000).is_empty());
    }
}
