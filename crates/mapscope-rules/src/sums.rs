//! From claims to findings whose bytes can be added up: what one finding frees, no other promises again.
//!
//! A *cause* frees whole objects: a leaked goroutine everything that only it holds. Other claims save a part of objects that
//! stay: a smaller table, equal texts as one. What such a claim would save of objects that a cause frees is that cause's,
//! and told beside (`shared_bytes`). Of causes inside each other, the outermost has what is in it. All of it together is
//! never more than what lives.

use std::collections::HashMap;

use crate::finding::Claim;
use crate::severity::severity;
use crate::{Evidence, Finding, Rule};

/// Findings out of what rules claim, in the same order.
pub(crate) fn apart(claims: Vec<(&'static Rule, Claim)>, evidence: &Evidence) -> Vec<Finding> {
    let named = |(rule, claim): &(&Rule, Claim)| Some((claim.cause?, format!("{} {}", rule.code, claim.subject)));
    let names: HashMap<u16, String> = claims.iter().filter_map(named).collect();
    // Where two inspections are compared, what lives is no part of it.
    let mut left = if evidence.live_bytes > 0 { evidence.live_bytes } else { u64::MAX };
    let finding = |(rule, claim): (&'static Rule, Claim)| {
        let not_live = claim.not_live_bytes.min(claim.reclaimable_bytes);
        let alone = claim.reclaimable_bytes - not_live;
        let Part { own, shared, with } = Part::of(&claim, alone, evidence, &names);
        let (own, beyond) = (own.min(left), own.saturating_sub(left));
        left -= own;
        let reclaimable = own.saturating_add(not_live);
        Finding {
            rule: rule.code,
            name: rule.name,
            severity: severity(reclaimable, evidence.live_bytes).max(claim.at_least).min(rule.at_most),
            subject: if claim.subject.is_empty() { "(unknown)".to_owned() } else { claim.subject },
            summary: claim.summary,
            evidence: claim.evidence,
            reclaimable_bytes: reclaimable,
            not_live_bytes: not_live,
            shared_bytes: shared.saturating_add(beyond),
            shared_with: with,
            advice: claim.advice,
        }
    };
    claims.into_iter().map(finding).collect()
}

/// What of a claim is its own.
struct Part {
    own: u64,
    shared: u64,
    /// With which finding it shares the rest.
    with: String,
}

impl Part {
    /// `alone`: what the claim frees of live objects if nothing else is done.
    fn of(claim: &Claim, alone: u64, evidence: &Evidence, names: &HashMap<u16, String>) -> Self {
        let known = |cause: Option<u16>| cause.and_then(|c| names.get(&c)).cloned();
        if let Some(cause) = claim.cause.and_then(|c| evidence.causes.get(c as usize)) {
            let partial = claim.partial_bytes.min(alone);
            let own = cause.bytes.min(alone - partial) + (partial - claim.share.bytes.min(partial));
            return match known(cause.outer).or_else(|| known(claim.share.cause)) {
                Some(with) => Self { own, shared: alone - own, with },
                // What it frees lies in each other, and was counted for each.
                None => Self { own, shared: 0, with: String::new() },
            };
        }
        let with = match known(claim.share.cause) {
            Some(name) if claim.share.several => format!("{name} and others"),
            None if claim.share.several => "other findings".to_owned(),
            Some(name) => name,
            // That cause is no finding, and nobody mends it.
            None => return Self { own: alone, shared: 0, with: String::new() },
        };
        let shared = claim.share.bytes.min(alone);
        Self { own: alone - shared, shared, with }
    }
}

#[cfg(test)]
mod tests {
    use mapscope_heap::FreedShare;

    use super::*;
    use crate::{CauseFacts, LeakFacts, Severity, SliceFacts, StringFacts, TimerFacts, findings};

    const MIB: u64 = 1 << 20;

    fn leak(bytes: u64, cause: u16) -> LeakFacts {
        LeakFacts {
            function: "main.worker".into(),
            count: 100,
            stack_bytes: MIB,
            retained_bytes: bytes,
            cause: Some(cause),
            ..LeakFacts::default()
        }
    }

    fn strings(bytes: u64, share: FreedShare) -> StringFacts {
        StringFacts {
            place: "main.job.host".into(),
            count: 9,
            distinct: 1,
            savable_bytes: bytes,
            share,
            ..StringFacts::default()
        }
    }

    #[test]
    fn what_a_leaked_goroutine_holds_is_not_promised_again_by_its_strings() {
        let evidence = Evidence {
            live_bytes: 1000 * MIB,
            leaks: vec![leak(900 * MIB, 0)],
            strings: strings(850 * MIB, FreedShare { bytes: 840 * MIB, cause: Some(0), several: false }),
            causes: vec![CauseFacts { bytes: 900 * MIB, outer: None }],
            ..Evidence::default()
        };
        let found = findings(&evidence);
        assert_eq!(found.iter().map(|f| f.rule).collect::<Vec<_>>(), ["GH005", "GH003"]);
        assert_eq!((found[0].reclaimable_bytes, found[0].not_live_bytes), (901 * MIB, MIB));
        assert_eq!((found[1].reclaimable_bytes, found[1].shared_bytes), (10 * MIB, 840 * MIB));
        assert_eq!(found[1].shared_with, "GH005 main.worker");
        assert_eq!(found[1].severity, Severity::Low, "its own bytes decide");
    }

    #[test]
    fn a_cause_inside_another_has_what_is_left() {
        let timer = TimerFacts {
            function: "main.expire".into(),
            timers: 9000,
            bytes: 50 * MIB,
            cause: Some(1),
            ..TimerFacts::default()
        };
        let mut evidence = Evidence {
            live_bytes: 1000 * MIB,
            leaks: vec![leak(100 * MIB, 0)],
            timers: vec![timer],
            causes: vec![CauseFacts { bytes: 100 * MIB, outer: None }, CauseFacts { bytes: 20 * MIB, outer: Some(0) }],
            ..Evidence::default()
        };
        let of = |evidence: &Evidence| {
            findings(evidence)
                .into_iter()
                .find(|f| f.rule == "GH010")
                .map(|f| (f.reclaimable_bytes, f.shared_bytes, f.shared_with))
        };
        assert_eq!(of(&evidence), Some((20 * MIB, 30 * MIB, "GH005 main.worker".to_owned())));
        // Timers that hold each other were counted for each.
        evidence.causes[1].outer = None;
        assert_eq!(of(&evidence), Some((20 * MIB, 0, String::new())));
    }

    #[test]
    fn what_a_cause_that_is_no_finding_would_free_stays_with_who_found_it() {
        let share = FreedShare { bytes: 4 * MIB, cause: Some(0), several: false };
        let few = LeakFacts { count: 1, stack_bytes: 2048, retained_bytes: 0, ..leak(0, 0) };
        let causes = vec![CauseFacts::default()];
        let evidence = Evidence {
            live_bytes: 1000 * MIB,
            leaks: vec![few],
            strings: strings(4 * MIB, share),
            causes,
            ..Evidence::default()
        };
        assert_eq!(findings(&evidence)[0].reclaimable_bytes, 4 * MIB);
    }

    #[test]
    fn all_findings_together_never_promise_more_than_lives() {
        let mut random = 0x5eed_u64;
        let mut below = |end: u64| {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random % end
        };
        for _ in 0..500 {
            let share = |below: &mut dyn FnMut(u64) -> u64| FreedShare {
                bytes: below(99 * MIB),
                cause: (below(3) > 0).then(|| below(4) as u16),
                several: below(2) == 0,
            };
            let slices = (0..below(5)).map(|_| SliceFacts {
                savable_bytes: below(90 * MIB),
                cap_bytes: 9,
                share: share(&mut below),
                ..SliceFacts::default()
            });
            let slices = slices.collect();
            let evidence = Evidence {
                live_bytes: 1 + below(100 * MIB),
                slices,
                leaks: (0..2).map(|cause| leak(below(90 * MIB), cause)).collect(),
                strings: strings(below(90 * MIB), share(&mut below)),
                causes: (0..2).map(|_| CauseFacts { bytes: below(90 * MIB), outer: None }).collect(),
                ..Evidence::default()
            };
            let found = findings(&evidence);
            let live: u64 = found.iter().map(|f| f.reclaimable_bytes - f.not_live_bytes).sum();
            assert!(live <= evidence.live_bytes, "{found:?}");
        }
    }
}
