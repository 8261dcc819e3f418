//! Dead objects that wait for their finalizers.
//!
//! ## What it finds
//! A hundred or more finalizers and cleanups whose object is dead and that have not been called; and, when the goroutine
//! that calls them is in the middle of one, where it is.
//!
//! ## Why it matters
//! One goroutine calls all finalizers, one after the other (`runFinalizers`, `runtime/mfinal.go`; up to 1.24 cleanups too).
//! A finalizer that waits stops all others. The objects in the queue, and all that they lead to, stay until their turn has
//! come and one more collection has passed.
//!
//! ## Evidence
//! `queued` finalizers and cleanups, read from the runtime's queues. `reclaimable_bytes`: what nothing but finalizers holds.
//!
//! ## Example
//! ```go
//! runtime.SetFinalizer(conn, func(c *Conn) {
//! 	c.closed <- c.id   // waits until somebody receives
//! })
//! ```
//!
//! ## Fix
//! A finalizer must not wait: no channels, no locks, no network.
//!
//! ```go
//! runtime.SetFinalizer(conn, func(c *Conn) {
//! 	go c.report()
//! })
//! ```
//!
//! Better still, close what is used: a finalizer is for what was forgotten.
//!
//! ## Limits
//! A backlog right after a large collection is on its way to be worked off: look again. What live objects with a finalizer
//! lead to alone is among the bytes.

use crate::finding::{Claim, Severity};
use crate::text::{bytes, count};
use crate::{Evidence, FinalizerFacts};

/// The runtime's queues take a hundred in blocks: fewer are the order of the day.
const MANY: u64 = 100;

impl FinalizerFacts {
    /// Whether a finding is made of them.
    pub fn matters(&self) -> bool {
        self.queued >= MANY
    }
}

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let FinalizerFacts { queued, function, held_bytes, running, cause } = &evidence.finalizers;
    if !evidence.finalizers.matters() {
        return Vec::new();
    }
    let inside = match running.as_slice() {
        [] => String::new(),
        [(called, inside), ..] if called == inside => format!(" The goroutine that calls them is inside {called}."),
        [(called, inside), ..] => format!(" The goroutine that calls them is inside {called}, in {inside}."),
    };
    vec![Claim {
        subject: running.first().map_or_else(|| function.clone(), |r| r.0.clone()),
        at_least: if running.is_empty() { Severity::Low } else { Severity::Medium },
        summary: format!("{} finalizers and cleanups wait to be called, for {} of dead objects.{inside}", count(*queued), bytes(*held_bytes)),
        evidence: vec![("queued", *queued), ("running", running.len() as u64)],
        reclaimable_bytes: *held_bytes,
        cause: *cause,
        advice: "A finalizer must not wait: start a goroutine for what may take long, and close what is used instead of leaving it to finalizers.".to_owned(),
        ..Claim::default()
    }]
}
