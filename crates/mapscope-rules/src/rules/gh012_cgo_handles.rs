//! Handles for C that nobody deletes.
//!
//! ## What it finds
//! A thousand or more values of `runtime/cgo.Handle` that were made and not deleted, with 64 KiB or more of what they keep.
//!
//! ## Why it matters
//! `cgo.NewHandle(v)` puts `v` into a map of the runtime (`runtime/cgo/handle.go`), so that C can keep a number in the place
//! of a pointer. The entry stays until `Handle.Delete` is called, whatever becomes of the number on the other side.
//!
//! ## Evidence
//! `handles`: entries of the map. `reclaimable_bytes`: what nothing but the map holds, and what the entries themselves take as
//! far as deleting frees it.
//!
//! ## Example
//! ```go
//! func export(r *record) C.uintptr_t {
//! 	return C.uintptr_t(cgo.NewHandle(r))   // C was to call release(h), and does not on errors
//! }
//! ```
//!
//! ## Fix
//! Whoever ends the C side's use deletes the handle, on every way out:
//!
//! ```go
//! //export release
//! func release(h C.uintptr_t) {
//! 	cgo.Handle(h).Delete()
//! }
//! ```
//!
//! ## Limits
//! Heuristic: as many objects may really be in the hands of C. Memory that C allocated beside them is not Go's; see GH015.
//! Needs debug information.

use crate::finding::Claim;
use crate::severity::MIN_BYTES;
use crate::text::{bytes, count};
use crate::{Evidence, HandleFacts, SyncMapFacts};

/// A program hands hundreds of objects to C, and thousands when some do not come back.
const MANY: u64 = 1000;

impl HandleFacts {
    /// Whether a finding is made of them.
    pub fn matters(&self) -> bool {
        self.handles >= MANY && self.bytes >= MIN_BYTES
    }
}

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |found: &HandleFacts| {
        Claim {
        subject: SyncMapFacts::HANDLES.to_owned(),
        summary: format!(
            "{} handles that C was given were never deleted, and keep {}.",
            count(found.handles),
            bytes(found.bytes)
        ),
        evidence: vec![("handles", found.handles)],
        reclaimable_bytes: found.bytes,
        cause: found.cause,
        advice: "Heuristic: call Handle.Delete for each when C has done with it, on errors too; `mapscope path` of a value's type shows that runtime/cgo.handles holds it.".to_owned(),
        ..Claim::default()
    }
    };
    evidence.handles.iter().filter(|h| h.matters()).map(claim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_handles_ask_for_delete_and_few_do_not() {
        let found = |handles| {
            let facts = HandleFacts { handles, bytes: 1 << 20, cause: None };
            check(&Evidence { handles: Some(facts), ..Evidence::default() })
        };
        assert!(found(30_000)[0].advice.contains("Handle.Delete"));
        assert!(found(999).is_empty());
    }
}
