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
//! `object_bytes`. `reclaimable_bytes`: bytes of the objects less the slots of a copy for each reference.
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
            "{} {} keep {} of {}, and refer to {} of it.",
            count(pinned.references),
            pinned.type_name,
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
        advice: if pinned.type_name == "string" {
            "Copy the part: strings.Clone(s[i:j]).".to_owned()
        } else {
            "Copy the part: slices.Clone(s[i:j]), or append([]T(nil), s[i:j]...).".to_owned()
        },
        ..Claim::default()
    };
    evidence.pinned.iter().filter(|p| p.savable_bytes >= MIN_BYTES).map(claim).collect()
}
