//! Timers that are set, call the same function and hold much.
//!
//! ## What it finds
//! A function that timers or tickers are set to call: five thousand or more that hold 64 KiB, or several, however few, that
//! hold 1 MiB or more. Timers of `time.Sleep` do not count.
//!
//! ## Why it matters
//! A timer that is set lives until it fires, with its channel or its function and all that this leads to; a ticker never
//! ends by itself. Up to Go 1.22 that is so even if nobody has the timer any more: `time.After` in a loop with a long
//! duration piles up one for each turn. From 1.23 on a timer whose channel nobody has is collected; one of
//! `time.AfterFunc` is not.
//!
//! ## Evidence
//! `timers` that are set, of them those in a processor's heap (`pending`), and those that were stopped and not yet taken
//! out (`zombies`). `reclaimable_bytes`: what the timers retain, each by itself.
//!
//! ## Example
//! ```go
//! for request := range requests {
//! 	time.AfterFunc(time.Hour, func() { expire(request) })   // also when it is done in a second
//! }
//! ```
//!
//! ## Fix
//! Stop a timer when what it waits for has happened:
//!
//! ```go
//! timer := time.AfterFunc(time.Hour, func() { expire(request) })
//! defer timer.Stop()
//! ```
//!
//! One timer for the next of many deadlines, kept in order, does for all of them.
//!
//! ## Limits
//! Heuristic: as many things as that may really be due. Never more than medium.

use crate::finding::Claim;
use crate::severity::MIN_BYTES;
use crate::text::{bytes, count};
use crate::{Evidence, TimerFacts};

/// A server with a deadline for each of a few thousand connections is in order.
const MANY: u64 = 5000;
/// What fewer hold is worth a look from here on: a deadline holds a few hundred bytes, and a closure whatever it names.
const LARGE: u64 = 1 << 20;

impl TimerFacts {
    /// Whether a finding is made of them.
    pub fn matters(&self) -> bool {
        let many = self.timers >= MANY && self.bytes >= MIN_BYTES;
        (many || self.bytes >= LARGE && self.timers > 1) && !self.function.starts_with("runtime.")
    }
}

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |timer: &TimerFacts| {
        Claim {
        subject: timer.function.clone(),
        summary: format!(
            "{} {} are set to call it, and hold {}.",
            count(timer.timers),
            if timer.periodic { "tickers" } else { "timers" },
            bytes(timer.bytes),
        ),
        evidence: vec![("timers", timer.timers), ("pending", timer.pending), ("zombies", timer.zombies)],
        reclaimable_bytes: timer.bytes,
        cause: timer.cause,
        advice: "Heuristic: stop each when what it waits for has happened (defer timer.Stop()), or keep one timer for the next of many deadlines.".to_owned(),
        ..Claim::default()
    }
    };
    evidence.timers.iter().filter(|timer| timer.matters()).map(claim).collect()
}
