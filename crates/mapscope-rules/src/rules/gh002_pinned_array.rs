//! Large objects that only small slices and strings keep.
//!
//! ## What it finds
//! Objects of 256 bytes or more to which nothing points but slices and strings that together refer to at most half.
//!
//! ## Why it matters
//! A slice or a string keeps all of the object it is a part of. Ten bytes cut out of a request keep the request.
//!
//! ## Evidence
//! Every pointer to such an object was looked at: `objects`, the `references` to them, the `referred_bytes`, and
//! `object_bytes`. The summary names every place that holds a part of the same objects; `reclaimable_bytes` is what copies
//! at all of them free: bytes of the objects less the slots of a copy for each reference.
//!
//! ## Example
//! ```go
//! body, _ := io.ReadAll(r.Body)
//! tokens = append(tokens, string(body)[:32])   // the whole string stays
//! ```
//!
//! ## Fix
//! ```go
//! tokens = append(tokens, strings.Clone(s[:32]))   // bytes.Clone for a slice of bytes
//! ```
//!
//! ## Limits
//! Objects whose pointers are not all known to be slices or strings are left out: more of them may be in use.

use crate::Evidence;
use crate::finding::Claim;
use crate::severity::MIN_BYTES;
use crate::text::{bytes, count, plural};

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |pinned: &crate::PinnedFacts| Claim {
        subject: pinned.place.clone(),
        summary: format!(
            "{} {}{} keep {} of {}, and refer to {} of it.",
            count(pinned.references),
            of_all(pinned),
            if pinned.others.is_empty() { "" } else { " together" },
            plural(pinned.objects, "object"),
            bytes(pinned.object_bytes),
            bytes(pinned.referred_bytes),
        ),
        evidence: vec![
            ("objects", pinned.objects),
            ("references", pinned.references),
            ("referred_bytes", pinned.referred_bytes),
            ("object_bytes", pinned.object_bytes),
        ],
        reclaimable_bytes: pinned.savable_bytes,
        share: pinned.share,
        advice: format!(
            "Copy the part{}: {}.",
            if pinned.others.is_empty() {
                ""
            } else {
                " at every one of these places, for one that is left keeps all of it"
            },
            if pinned.type_name == "string" {
                "strings.Clone(s[i:j])"
            } else {
                "slices.Clone(s[i:j]), or append([]T(nil), s[i:j]...)"
            }
        ),
        ..Claim::default()
    };
    evidence.pinned.iter().filter(|p| p.savable_bytes >= MIN_BYTES).map(claim).collect()
}

/// The type, and where there are several places, all of them.
fn of_all(pinned: &crate::PinnedFacts) -> String {
    match pinned.others.split_last() {
        None => pinned.type_name.clone(),
        Some((last, [])) => format!("parts at {} and {last}", pinned.place),
        Some((last, others)) => format!("parts at {}, {} and {last}", pinned.place, others.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PinnedFacts;

    fn claim(others: &[&str]) -> Claim {
        let pinned = PinnedFacts {
            place: "main.finding.secret".into(),
            type_name: "string".into(),
            others: others.iter().map(|&o| o.to_owned()).collect(),
            objects: 300,
            references: 900,
            object_bytes: 30 << 20,
            referred_bytes: 20_000,
            savable_bytes: 29 << 20,
            ..PinnedFacts::default()
        };
        check(&Evidence { pinned: vec![pinned], ..Evidence::default() }).remove(0)
    }

    #[test]
    fn every_place_that_pins_is_named() {
        let one = claim(&[]);
        assert!(one.summary.starts_with("900 string keep 300 objects of 30.0 MiB"), "{}", one.summary);
        assert_eq!(one.advice, "Copy the part: strings.Clone(s[i:j]).");
        let two = claim(&["main.finding.line", "keys of map[string]main.finding"]);
        let said = "900 parts at main.finding.secret, main.finding.line and keys of map[string]main.finding together keep 300 objects";
        assert!(two.summary.starts_with(said), "{}", two.summary);
        assert!(two.advice.starts_with("Copy the part at every one of these places"), "{}", two.advice);
    }
}
