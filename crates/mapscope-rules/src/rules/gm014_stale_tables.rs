//! A loop over a map that holds the tables from before the map grew.
//!
//! ## What it finds
//! Tables (Swiss maps) and bucket arrays (legacy maps, up to Go 1.23) of 64 KiB or more that are no part of their map any
//! more, but that a `for range` which has not ended, or a `reflect.MapIter`, still holds.
//!
//! ## Why it matters
//! A loop must not miss an entry, nor visit one twice, while the map grows. So a map that grows or splits a table makes a
//! new one, and leaves the old one to the loops that are at it: they take the keys from there and look each up again
//! (`Iter.Next`, `internal/runtime/maps/table.go`; `mapiternext`, `runtime/map.go` up to 1.23). A loop that waits in its
//! body, for a channel, a lock or the network, keeps the old table for as long, with all that only deleted entries in it
//! lead to. A legacy map leaves its whole array, a Swiss map one table of at most 1,024 slots for each loop.
//!
//! ## Evidence
//! `loops`, and the `objects` that they hold and the map does not: tables and their groups; arrays of
//! buckets, and lists of overflow buckets. `reclaimable_bytes`: what would be freed with them;
//! what anything else refers to is not counted.
//!
//! ## Example
//! ```go
//! for id := range prices {
//! 	refresh(prices)   // adds entries: the map grows
//! 	updates <- id     // nobody receives; the loop keeps the old table
//! }
//! ```
//!
//! ## Fix
//! End the loop, or go over a copy of the keys; the copy holds no table:
//!
//! ```go
//! for _, id := range slices.Collect(maps.Keys(prices)) {
//! 	refresh(prices)
//! 	updates <- id
//! }
//! ```
//!
//! ## Limits
//! A loop that is at work at this moment lets go when it ends. Maps that are being written are left out, and so are maps
//! whose header is no object of its own, but a variable on a stack. Never more than medium.

use crate::finding::Claim;
use crate::severity::MIN_BYTES;
use crate::text::{bytes, plural};
use crate::{Evidence, StaleFacts};

impl StaleFacts {
    /// Whether a finding is made of them.
    pub fn matters(&self) -> bool {
        self.bytes >= MIN_BYTES
    }
}

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |stale: &StaleFacts| {
        Claim {
        subject: stale.holder.clone(),
        summary: format!(
            "{} over {} {} not ended and {} {} of tables that the map has replaced since.",
            plural(stale.loops, "loop"),
            if stale.map.is_empty() { "a map" } else { &stale.map },
            if stale.loops == 1 { "has" } else { "have" },
            if stale.loops == 1 { "holds" } else { "hold" },
            bytes(stale.bytes),
        ),
        evidence: vec![("loops", stale.loops), ("objects", stale.objects)],
        reclaimable_bytes: stale.bytes,
        cause: stale.cause,
        advice: "Do not wait inside the loop, and do not let the map grow there; or loop over a copy of its keys: for _, k := range slices.Collect(maps.Keys(m)).".to_owned(),
        ..Claim::default()
    }
    };
    evidence.stale_tables.iter().filter(|stale| stale.matters()).map(claim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stale(loops: u64, bytes: u64) -> Evidence {
        let holder = "goroutine 7 main.walk".to_owned();
        let one = StaleFacts { holder, map: "main.prices".into(), loops, objects: 2 * loops, bytes, cause: None };
        Evidence { stale_tables: vec![one], ..Evidence::default() }
    }

    #[test]
    fn what_would_be_freed_is_promised() {
        let claims = check(&stale(1, 139_312));
        assert_eq!((claims.len(), claims[0].reclaimable_bytes), (1, 139_312));
        assert_eq!(claims[0].subject, "goroutine 7 main.walk");
        let said = "1 loop over main.prices has not ended and holds 136 KiB of tables that the map has replaced since.";
        assert_eq!(claims[0].summary, said);
        let many = &check(&stale(16, 1 << 20))[0].summary;
        assert!(many.starts_with("16 loops over main.prices have not ended and hold 1.00 MiB"), "{many}");
    }

    #[test]
    fn a_little_is_not_worth_a_change() {
        assert!(check(&stale(1, MIN_BYTES - 1)).is_empty());
    }
}
