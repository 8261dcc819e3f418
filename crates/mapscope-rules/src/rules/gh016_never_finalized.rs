//! Finalizers and cleanups that can never run.
//!
//! ## What it finds
//! Objects that nothing but finalizers and cleanups holds, and whose own finalizer or cleanup can never run: what a cleanup is
//! called with leads back to its object, or objects with finalizers lead to each other in a circle. From 64 KiB on.
//!
//! ## Why it matters
//! The collector keeps the function and the argument of a cleanup, and all that an object with a finalizer points to, until
//! they have run (`runtime/mgcmark.go`, `markrootSpans`). If the object is reached from there, it is never found dead: it
//! stays for ever, with all it leads to, and what the finalizer was to close stays open.
//!
//! ## Evidence
//! `finalizers` and `cleanups` that were worked out so from the graph. `reclaimable_bytes`: their objects, and what only those
//! and the cleanups lead to.
//!
//! ## Example
//! ```go
//! runtime.AddCleanup(cache, func(i *impl) { i.onEvict = nil }, i)   // i.onEvict is a closure that has cache
//! ```
//!
//! ## Fix
//! Give a cleanup only what does not lead to its object: a number, a name, a struct of its own.
//!
//! ```go
//! runtime.AddCleanup(file, func(fd int) { syscall.Close(fd) }, file.fd)
//! ```
//!
//! Of objects that point to each other, only one has a finalizer, or a third does that holds both.
//!
//! ## Limits
//! Circles that the same object closes through a finalizer and another through a cleanup are found only where one list of the
//! runtime holds all of it.

use crate::finding::{Claim, Severity};
use crate::severity::MIN_BYTES;
use crate::text::plural;
use crate::{Evidence, NeverFacts};

impl NeverFacts {
    /// Whether a finding is made of them.
    pub fn matters(&self) -> bool {
        self.bytes >= MIN_BYTES
    }
}

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let found = &evidence.never_run;
    if !found.matters() {
        return Vec::new();
    }
    let both = [(found.cleanups, "cleanup"), (found.finalizers, "finalizer")];
    let parts: Vec<String> = both.into_iter().filter(|(n, _)| *n > 0).map(|(n, one)| plural(n, one)).collect();
    let why = match (found.cleanups, found.finalizers) {
        (_, 0) => "what they are called with leads back to their own object",
        (0, _) => "their objects lead to each other, and each waits for another to go first",
        _ => {
            "what cleanups are called with leads back to their own object, and objects with finalizers lead to each other"
        }
    };
    vec![Claim {
        subject: found.type_name.clone(),
        at_least: Severity::Low,
        summary: format!("{} can never run: {why}.", parts.join(" and ")),
        evidence: vec![("cleanups", found.cleanups), ("finalizers", found.finalizers)],
        reclaimable_bytes: found.bytes,
        cause: found.cause,
        advice: "Give a cleanup only what does not lead to its object (a number, a struct of its own; beware of closures and methods); of objects that point to each other, let only one have a finalizer.".to_owned(),
        ..Claim::default()
    }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_are_told_and_a_little_is_not() {
        let found = |bytes| {
            let never_run = NeverFacts { finalizers: 3000, cleanups: 1500, bytes, ..NeverFacts::default() };
            check(&Evidence { never_run, ..Evidence::default() })
        };
        assert!(found(1 << 20)[0].summary.starts_with("1,500 cleanups and 3,000 finalizers can never run"));
        assert!(found(MIN_BYTES - 1).is_empty());
    }
}
