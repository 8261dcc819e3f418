//! Entries whose key is NaN.
//!
//! ## What it finds
//! Maps with keys of floating point, or complex ones, of whose entries a tenth or more have NaN as the key.
//!
//! ## Why it matters
//! NaN is equal to nothing, itself included. Each assignment with such a key makes one more entry; no lookup finds it and
//! `delete` does not delete it. Only `clear` (Go 1.21 and later) or a new map does.
//!
//! ## Evidence
//! `nan_keys`, counted by reading every key. `reclaimable_bytes`: `table_bytes` less those of a map made with a hint of the
//! others, and what elements that are pointers hold alone.
//!
//! ## Example
//! ```go
//! byRatio[hits/total] = entry   // total is 0.0, hits too
//! ```
//!
//! ## Fix
//! ```go
//! if math.IsNaN(ratio) {
//! 	return   // or a key of its own, as an int
//! }
//! byRatio[ratio] = entry
//! ```
//!
//! ## Limits
//! Floats inside of structs, arrays and interfaces that are keys are not looked at.

use crate::Evidence;
use crate::alike::{Alike, Matter, alike};
use crate::finding::Claim;
use crate::state::State;
use crate::text::{bytes, count, percent};

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |group: &Alike| {
        let (nan, entries) = (group.all.lost.unwrap_or_default().entries, group.all.figures.entries);
        let summary = format!(
            "{} of {} entries ({}) have NaN as the key: no lookup finds them, and delete does not delete them. Without them {} {} less.",
            count(nan),
            count(entries),
            percent(nan, entries),
            group.say("the map takes", "the maps take"),
            bytes(group.bytes),
        );
        let advice = "Leave NaN out: if !math.IsNaN(key) before the assignment. What is there goes with clear, or with a new map.".to_owned();
        group.claim(summary, &[("nan_keys", nan)], advice)
    };
    alike(evidence, Matter::Tables(State::Unfindable)).map(claim).collect()
}

#[cfg(test)]
mod tests {
    use mapscope_heap::MapFigures;

    use super::*;
    use crate::{LostFacts, MapFacts};

    #[test]
    fn what_cannot_be_found_is_told_and_a_few_are_not() {
        let found = |nan_keys| {
            let figures =
                MapFigures { entries: 100_000, table_bytes: 4 << 20, groups: 16_384, ..MapFigures::default() };
            let lost = LostFacts { nan: true, entries: nan_keys, bytes: 5 << 20, remade_bytes: 2 << 20, cause: None };
            let map = MapFacts { figures, remade_bytes: 4 << 20, lost: Some(lost), ..MapFacts::default() };
            check(&Evidence { maps: vec![map].into(), ..Evidence::default() })
        };
        assert_eq!(found(50_000)[0].reclaimable_bytes, 7 << 20);
        assert!(found(50_000)[0].summary.starts_with("50,000 of 100,000 entries (50.0%) have NaN as the key"));
        assert!(found(9_999).is_empty());
    }
}
