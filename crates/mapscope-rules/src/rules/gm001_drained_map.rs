//! A map that grew to hold far more than it holds.
//!
//! ## What it finds
//! Maps whose tables are at least four times as large as those of a new map with the same entries, and that have been full:
//! slots that say *deleted*, overflow buckets, or a call of `clear` tell. Those with one owner and type count together,
//! however small each is.
//!
//! ## Why it matters
//! A Go map never shrinks. `delete` and `clear` free slots, not memory: a Swiss map keeps all of its tables and a legacy
//! map its bucket array, as large as they ever were, until the map itself is garbage. Every iteration walks all of it.
//!
//! ## Evidence
//! `entries` and `slots`; `table_bytes` is what the map's own structure takes, and what would be left of it follows from
//! the runtime's own sizing of a map made with a hint of `entries`. The difference is `reclaimable_bytes`.
//!
//! ## Example
//! ```go
//! sessions := map[string]*Session{}   // twelve million during the sale
//! for id, s := range sessions {
//! 	if s.Expired() {
//! 		delete(sessions, id)        // forty thousand are left, in fourteen million slots
//! 	}
//! }
//! ```
//!
//! ## Fix
//! Make it anew when most of it is gone, at a moment when nobody else uses it:
//!
//! ```go
//! fresh := make(map[string]*Session, len(sessions))
//! maps.Copy(fresh, sessions)
//! sessions = fresh
//! ```
//!
//! Where entries come and go with time, have one map for each hour and drop whole maps; where they need not all be kept,
//! use a cache with a bound.
//!
//! ## Limits
//! A map that is full again every night needs its size; the rule knows this moment only. Where a map of the same type is
//! beside it, in the same struct, function or package, about as large and at least a third full, the two are taken to
//! change places (`now, next = next, now; clear(next)`), and nothing is said of the empty one. How many tables of the
//! new map get more than their share and are split is an average.

use super::{rebuild, room};
use crate::alike::{Alike, Matter, alike};
use crate::finding::Claim;
use crate::state::State;
use crate::text::bytes;
use crate::{Evidence, MapFacts};

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |group: &Alike| {
        let MapFacts { figures, cleared, remade_bytes, .. } = &group.all;
        let how = if *cleared == Some(true) {
            group.say(
                "it was emptied with clear, which keeps its tables",
                "they were emptied with clear, which keeps their tables",
            )
        } else {
            group.say("it grew to hold more", "they grew to hold more")
        };
        let summary = format!(
            "{}: {how}, and a Go map never shrinks. Made anew {} {}, not {}.",
            room(figures),
            group.say("it takes", "they take"),
            bytes(*remade_bytes),
            bytes(figures.table_bytes),
        );
        let advice = format!(
            "Make {} anew: {}. If {} again and again, have one map for each span of time, or a cache with a bound.",
            group.say("it", "each"),
            rebuild(&group.all),
            group.say("it drains", "they drain"),
        );
        group.claim(summary, &[], advice)
    };
    let drained = alike(evidence, Matter::Tables(State::Drained));
    drained.filter(|group| evidence.maps.other_half(group).is_none()).map(claim).collect()
}

#[cfg(test)]
mod tests {
    use mapscope_heap::MapFigures;

    use super::*;

    fn map(owner: &str, entries: u64) -> MapFacts {
        let figures = MapFigures {
            entries,
            slots: 131_072,
            groups: 16_384,
            tombstones: Some(9),
            table_bytes: 2 << 20,
            ..MapFigures::default()
        };
        MapFacts { owner: owner.into(), figures, remade_bytes: entries * 20, ..MapFacts::default() }
    }

    fn subjects(maps: Vec<MapFacts>) -> Vec<String> {
        let evidence = Evidence { maps: maps.into(), ..Evidence::default() };
        check(&evidence).into_iter().map(|claim| claim.subject).collect()
    }

    #[test]
    fn a_map_that_takes_turns_with_a_full_one_is_left_alone() {
        assert_eq!(subjects(vec![map("main.dedup.next", 40), map("main.other.now", 80_000)]), ["main.dedup.next"]);
        assert!(subjects(vec![map("main.dedup.next", 40), map("main.dedup.now", 80_000)]).is_empty());
    }

    #[test]
    fn several_are_told_in_the_plural() {
        let maps = vec![map("main.rooms[].peers", 40), map("main.rooms[].peers", 60)];
        let claims = check(&Evidence { maps: maps.into(), ..Evidence::default() });
        let said = "2 maps: 100 entries in 262,144 slots (0.0%): they grew to hold more, and a Go map never shrinks. \
            Made anew they take 1.95 KiB, not 4.00 MiB. The worst has 40 entries in 131,072 slots and alone frees 2.00 MiB.";
        assert_eq!((claims.len(), claims[0].summary.as_str()), (1, said));
    }
}
