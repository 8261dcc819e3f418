//! Contexts that nobody can cancel any more.
//!
//! ## What it finds
//! Contexts with a thousand or more children, of which nothing but the parent holds 64 KiB or more.
//!
//! ## Why it matters
//! `context.WithCancel`, `WithTimeout` and `WithDeadline` put the child into its parent's list, and it stays there until it
//! is cancelled or the parent is (`propagateCancel`, `context/context.go`). When the `cancel` function is dropped without
//! being called, child and values stay for as long as the parent, often for the life of the program.
//!
//! ## Evidence
//! `contexts`: children in the list, also those that are in use. `reclaimable_bytes`: children, and what they lead to, that
//! nothing but the list holds. What is in use is held by somebody else as well and is not among it.
//!
//! ## Example
//! ```go
//! ctx, cancel := context.WithCancel(server.ctx)
//! if err := try(ctx); err != nil {
//! 	cancel()       // not where all goes well
//! 	return err
//! }
//! ```
//!
//! ## Fix
//! ```go
//! ctx, cancel := context.WithCancel(server.ctx)
//! defer cancel()
//! ```
//!
//! `go vet` (lostcancel) finds most of them.
//!
//! ## Limits
//! Deadlines that are still to come have a timer that holds the child: those count as in use. The list itself, which
//! does not shrink, is not among the bytes. Types of an older or changed package `context` are not known.

use crate::finding::Claim;
use crate::severity::MIN_BYTES;
use crate::text::{bytes, count};
use crate::{ContextFacts, Evidence};

/// A server has a child for each request that is under way.
const MANY: u64 = 1000;

impl ContextFacts {
    /// Whether a finding is made of them.
    pub fn matters(&self) -> bool {
        self.contexts >= MANY && self.bytes >= MIN_BYTES
    }
}

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |found: &ContextFacts| {
        Claim {
        subject: found.owner.clone(),
        summary: format!(
            "{} contexts wait for their parent to be cancelled, with {} that nobody else has: their cancel functions were dropped without a call.",
            count(found.contexts),
            bytes(found.bytes)
        ),
        evidence: vec![("contexts", found.contexts)],
        reclaimable_bytes: found.bytes,
        cause: found.cause,
        advice: "Call the cancel function on every way out: ctx, cancel := context.WithCancel(parent); defer cancel(). `go vet` finds where it is missing.".to_owned(),
        ..Claim::default()
    }
    };
    evidence.contexts.iter().filter(|c| c.matters()).map(claim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_that_are_in_use_are_no_loss() {
        let found = |bytes| {
            let facts = ContextFacts { owner: "main.root.children".into(), contexts: 40_000, bytes, cause: None };
            check(&Evidence { contexts: vec![facts], ..Evidence::default() })
        };
        assert!(found(1 << 20)[0].advice.contains("defer cancel()"));
        assert!(found(MIN_BYTES - 1).is_empty());
    }
}
