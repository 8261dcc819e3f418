//! Goroutines that nothing can wake any more.
//!
//! ## What it finds
//! Goroutines that wait for a channel, a `select` or a lock to which nobody has access any more but goroutines in the same
//! situation.
//!
//! ## Why it matters
//! The collector never ends a goroutine. It keeps its stack, and all that its variables lead to, until the program ends.
//!
//! ## Evidence
//! Worked out from who reaches what, as the runtime's own leak profile does (`findGoroutineLeaks`, `runtime/mgc.go` of Go
//! 1.26): no guess from numbers or time. `goroutines`, their `stack_bytes`, and the `retained_bytes` that would be freed
//! with them. `reclaimable_bytes` is both.
//!
//! ## Example
//! ```go
//! result := make(chan Answer)
//! go func() { result <- ask() }()   // waits for ever when nobody receives
//! select {
//! case answer := <-result:
//! 	return answer, nil
//! case <-ctx.Done():
//! 	return nil, ctx.Err()
//! }
//! ```
//!
//! ## Fix
//! Make sure that whoever waits can always go on:
//!
//! ```go
//! result := make(chan Answer, 1)    // the sender never waits
//! ```
//!
//! Let workers also wait for `ctx.Done()`, and close channels that nobody sends to any more.
//!
//! ## Limits
//! A goroutine that is still reachable from somewhere is not found, however useless; nor is one that waits for the network, a
//! client or a timer, for that is no sign of a leak, however many do and however long. If there are more of them each time,
//! `mapscope diff` says so. What several groups hold together belongs to none.

use crate::finding::Claim;
use crate::severity::MIN_BYTES;
use crate::text::{bytes, count};
use crate::{Evidence, LeakFacts};

/// Fewer than this are found with `mapscope goroutines --leaked`, unless they hold much.
const MANY: u64 = 10;

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |leak: &LeakFacts| {
        let made = if leak.created_by.is_empty() { String::new() } else { format!(", made by {}", leak.created_by) };
        Claim {
            subject: leak.function.clone(),
            summary: format!(
                "{} goroutines wait for ever ({}){made}: nobody else has what they wait for. They hold {} of stacks and {} of objects.",
                count(leak.count),
                leak.state,
                bytes(leak.stack_bytes),
                bytes(leak.retained_bytes),
            ),
            evidence: vec![
                ("goroutines", leak.count),
                ("stack_bytes", leak.stack_bytes),
                ("retained_bytes", leak.retained_bytes),
            ],
            reclaimable_bytes: total(leak),
            not_live_bytes: leak.stack_bytes,
            cause: leak.cause,
            advice: "Let them always go on: a buffer of one for a channel with one answer, a case for ctx.Done() in each select, close for channels that nobody sends to any more.".to_owned(),
            ..Claim::default()
        }
    };
    evidence.leaks.iter().filter(|l| l.matters()).map(claim).collect()
}

impl LeakFacts {
    /// Whether a finding is made of it.
    pub fn matters(&self) -> bool {
        self.count >= MANY || total(self) >= MIN_BYTES
    }
}

fn total(leak: &LeakFacts) -> u64 {
    leak.stack_bytes.saturating_add(leak.retained_bytes)
}
