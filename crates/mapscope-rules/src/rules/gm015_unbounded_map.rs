//! A package's map that grows and grows.
//!
//! ## What it finds
//! In two inspections of one program, the map of a package variable that grew by most bytes, if it grew by a tenth or more
//! and nothing shows that entries are ever deleted from it.
//!
//! ## Why it matters
//! A variable of a package lives as long as the program. A map in it to which entries are added and from which none are
//! deleted is a leak with a name, however useful each entry was.
//!
//! ## Evidence
//! `entries_before` and `entries_after`; `grown_bytes`, by which what the map retains grew. `reclaimable_bytes` is 0: how many
//! entries are still needed, only the program knows. Severity follows from the bytes it grew by.
//!
//! ## Example
//! ```go
//! var seen = map[string]time.Time{}
//!
//! func handle(r *http.Request) {
//! 	seen[r.Header.Get("X-Request-Id")] = time.Now()   // for ever
//! }
//! ```
//!
//! ## Fix
//! Delete what is too old, or bound the map and start a new one when it is full:
//!
//! ```go
//! if len(seen) >= limit {
//! 	older, seen = seen, make(map[string]time.Time, limit)   // look in both, write to the new one
//! }
//! ```
//!
//! ## Limits
//! *Heuristic*: a cache that is still being filled looks the same; inspect again later. A deleted entry leaves a tombstone in
//! a full group only, and none in a legacy map, so deletions may go unseen.

use crate::finding::Claim;
use crate::severity::{MIN_BYTES, severity};
use crate::source_name::{the_map, variable};
use crate::text::{bytes, count};
use crate::{Evidence, GrowthFacts};

/// What varies between two moments is less than a tenth.
const GROWN: u64 = 10;

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let largest = evidence.growth.iter().max_by_key(|map| grown(map));
    largest.filter(|map| is_unbounded(map)).map(|map| claim(map, evidence.live_bytes)).into_iter().collect()
}

fn grown(map: &GrowthFacts) -> u64 {
    map.retained_after.saturating_sub(map.retained_before)
}

fn is_unbounded(map: &GrowthFacts) -> bool {
    let entries = map.entries_after.saturating_sub(map.entries_before);
    map.package_level
        && !map.deleted_from
        && grown(map) >= MIN_BYTES
        && entries.saturating_mul(GROWN) >= map.entries_before
}

fn claim(map: &GrowthFacts, live: u64) -> Claim {
    let grown = grown(map);
    Claim {
        subject: map.owner.clone(),
        at_least: severity(grown, live),
        summary: format!(
            "From {} to {} entries, {} more: of all maps it grew by most, and nothing shows that entries are deleted from it (heuristic).",
            count(map.entries_before),
            count(map.entries_after),
            bytes(grown),
        ),
        evidence: vec![
            ("entries_before", map.entries_before),
            ("entries_after", map.entries_after),
            ("grown_bytes", grown),
        ],
        advice: format!(
            "Give it a bound: delete what is too old, or start a new {} when {} is at its limit.",
            map.type_name,
            match variable(&map.owner) {
                Some(name) => format!("len({name})"),
                None => format!("the number of entries of {}", the_map(&map.owner)),
            }
        ),
        ..Claim::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn growth(owner: &str, entries: (u64, u64), mib: (u64, u64)) -> GrowthFacts {
        GrowthFacts {
            owner: owner.into(),
            type_name: "map[string]int".into(),
            package_level: !owner.starts_with("goroutine "),
            entries_before: entries.0,
            entries_after: entries.1,
            retained_before: mib.0 << 20,
            retained_after: mib.1 << 20,
            deleted_from: false,
        }
    }

    fn subjects(growth: Vec<GrowthFacts>) -> Vec<String> {
        let evidence = Evidence { live_bytes: 100 << 20, growth, ..Evidence::default() };
        check(&evidence).into_iter().map(|c| c.subject).collect()
    }

    #[test]
    fn only_the_one_that_grew_most_is_named() {
        let (seen, other) = (growth("main.seen", (10, 90), (1, 40)), growth("main.other", (10, 90), (1, 30)));
        assert_eq!(subjects(vec![other.clone(), seen.clone()]), ["main.seen"]);
        // A goroutine's own map ends with it, and is still what grew most.
        let local = growth("goroutine 7 main.f: m", (1, 100), (0, 90));
        assert!(subjects(vec![local, seen]).is_empty());
        assert_eq!(subjects(vec![GrowthFacts { deleted_from: true, ..other }]), [""; 0]);
    }

    #[test]
    fn what_varies_is_no_growth() {
        assert!(subjects(vec![growth("main.seen", (1000, 1099), (100, 110))]).is_empty());
        assert!(subjects(vec![growth("main.seen", (1000, 2000), (100, 100))]).is_empty());
    }
}
