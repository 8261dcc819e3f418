//! A map whose entries lead back to it.
//!
//! ## What it finds
//! Maps that are part of a cycle of live objects of 1 MiB or more.
//!
//! ## Why it matters
//! A cycle is no leak in Go: the collector frees it as a whole. But whoever holds a single entry, one session in a closure,
//! one node in a list, holds the map, and with it all other entries.
//!
//! ## Evidence
//! `objects` that all reach each other, and their `cycle_bytes`; `retained_bytes` of the map. The summary names the pointer
//! that closes the cycle.
//!
//! ## Example
//! ```go
//! type Room struct {
//! 	members map[string]*Member
//! }
//!
//! type Member struct {
//! 	room *Room   // one member keeps them all
//! }
//! ```
//!
//! ## Fix
//! Cut the way back where an entry leaves:
//!
//! ```go
//! delete(room.members, member.Name)
//! member.room = nil
//! ```
//!
//! Or let entries have a name of the whole instead of a pointer to it.
//!
//! ## Limits
//! Contexts and their children are left to GH013. Most cycles are meant, and no bytes are promised. Never more than low. `mapscope cycles` has all of them.

use crate::finding::Claim;
use crate::text::{bytes, count};
use crate::{ContextFacts, CycleFacts, Evidence};

/// Smaller cycles are in every program.
const FLOOR: u64 = 1 << 20;

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |cycle: &CycleFacts| Claim {
        subject: cycle.owner.clone(),
        summary: format!(
            "{} objects with {} that reach each other have this map among them; {} leads back. Whoever holds one holds all.",
            count(cycle.objects),
            bytes(cycle.bytes),
            cycle.closing,
        ),
        evidence: vec![
            ("objects", cycle.objects),
            ("cycle_bytes", cycle.bytes),
            ("retained_bytes", cycle.retained_bytes),
        ],
        advice: format!(
            "Set {} to nil in what leaves the map, or keep a name there instead of a pointer.",
            cycle.closing
        ),
        ..Claim::default()
    };
    // A context and its children always lead to each other; what is the matter with them GH013 says.
    evidence.cycles.iter().filter(|c| c.bytes >= FLOOR && c.type_name != ContextFacts::CHILDREN).map(claim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contexts_are_no_cycle_to_be_cut() {
        let found = |type_name: &str| {
            let cycle = CycleFacts { bytes: FLOOR, type_name: type_name.into(), ..CycleFacts::default() };
            check(&Evidence { cycles: vec![cycle], ..Evidence::default() }).len()
        };
        assert_eq!([found("map[string]*main.Member"), found(ContextFacts::CHILDREN)], [1, 0]);
    }
}
