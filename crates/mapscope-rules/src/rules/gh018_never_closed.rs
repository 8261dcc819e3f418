//! Results, transactions, responses, contexts and commands that were never closed.
//!
//! ## What it finds
//! Fifty or more goroutines of the standard library at one place, each of which waits until the program closes what it was
//! started for, when they are more than twice as many as all other goroutines of the program together.
//!
//! ## Why it matters
//! Each keeps its stack and what it waits for: a connection of the database's pool with its buffers, a connection of the
//! HTTP client, a child process that nobody waited for. A pool with a limit is empty in the end, and then requests hang.
//!
//! ## Evidence
//! `goroutines` at the place, and all `others` of the program, the runtime's own not counted. `stack_bytes`, and the
//! `retained_bytes` that would be freed with them. `reclaimable_bytes` is both; what other parts of the program keep as
//! well, such as a pool's connections, is not among it.
//!
//! ## Example
//! ```go
//! rows, err := db.QueryContext(ctx, "select id from jobs")
//! if err != nil {
//! 	return 0, err
//! }
//! if rows.Next() {
//! 	return scan(rows)      // the rest of the rows is never read, and rows never closed
//! }
//! ```
//!
//! ## Fix
//! ```go
//! rows, err := db.QueryContext(ctx, "select id from jobs")
//! if err != nil {
//! 	return 0, err
//! }
//! defer rows.Close()
//! ```
//!
//! In the same way: `defer tx.Rollback()` behind `Begin` (after `Commit` it does nothing), `defer resp.Body.Close()` behind a
//! request, `defer cancel()` behind `context.WithCancel`, `cmd.Wait()` behind `cmd.Start()`.
//!
//! ## Limits
//! The goroutines could go on, so this is not proved: they may be in use at this moment. A program whose every goroutine
//! works with three or more of them at a time is told the same. Commands without a context have no goroutine of their own
//! that waits for `Wait`.

use crate::finding::Claim;
use crate::text::{bytes, count, plural};
use crate::{Evidence, HelperFacts};

/// Fewer are no trouble yet.
const MANY: u64 = 50;
/// A goroutine of the program has one or two of them open at a time.
const PER_GOROUTINE: u64 = 2;

/// A place in the standard library where a goroutine waits until something is closed.
struct Place {
    /// The function that it stands in, or that has the literal in it where it stands.
    function: &'static str,
    /// Its state, where it also stands there for other reasons.
    state: &'static str,
    /// What is open.
    open: &'static str,
    /// What is missing.
    missing: &'static str,
}

const fn place(function: &'static str, state: &'static str, open: &'static str, missing: &'static str) -> Place {
    Place { function, state, open, missing }
}

/// As of Go 1.21 to 1.27.
const PLACES: &[Place] = &[
    place(
        "database/sql.(*Rows).awaitDone",
        "",
        "results of queries (sql.Rows)",
        "defer rows.Close() behind each query",
    ),
    place(
        "database/sql.(*Tx).awaitDone",
        "",
        "transactions (sql.Tx)",
        "Commit or Rollback on every way out: defer tx.Rollback() behind each Begin",
    ),
    place(
        "net/http.(*persistConn).readLoop",
        "select",
        "responses of requests (http.Response)",
        "defer resp.Body.Close() behind each request",
    ),
    place(
        "context.(*cancelCtx).propagateCancel",
        "",
        "contexts whose parent is of a type of its own",
        "defer cancel() behind each WithCancel, WithTimeout and WithDeadline",
    ),
    place(
        "os/exec.(*Cmd).watchCtx",
        "",
        "commands with a context that were started (exec.Cmd)",
        "cmd.Wait() behind each cmd.Start()",
    ),
];

/// Where goroutines of the standard library stand that go with those, or with what they are for: they use nothing.
const BESIDE: &[&str] =
    &["net/http.(*persistConn).writeLoop", "database/sql.(*DB).connectionOpener", "os/exec.(*Cmd).Start"];

impl Place {
    fn of(function: &str, state: &str) -> Option<&'static Self> {
        let place = PLACES.iter().find(|place| is_in(function, place.function));
        place.filter(|place| place.state.is_empty() || place.state == state)
    }
}

/// Whether `function` is `outer`, or a literal in it: `outer.func2`.
fn is_in(function: &str, outer: &str) -> bool {
    let rest = function.strip_prefix(outer);
    let number = rest.map(|rest| rest.strip_prefix(".func").unwrap_or(rest));
    number.is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
}

impl HelperFacts {
    /// Whether a goroutine that stands in `function` waits until something is closed.
    #[must_use]
    pub fn is_helper(function: &str, state: &str) -> bool {
        Place::of(function, state).is_some()
    }

    /// Whether a goroutine that stands in `function` cannot be using what others wait for.
    #[must_use]
    pub fn is_beside(function: &str) -> bool {
        BESIDE.iter().any(|outer| is_in(function, outer))
    }

    /// Whether a finding is made of them.
    pub fn matters(&self) -> bool {
        self.count >= MANY && self.count / PER_GOROUTINE > self.others
    }
}

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |helpers: &HelperFacts| {
        let Place { open, missing, .. } = Place::of(&helpers.function, &helpers.state)?;
        Some(Claim {
            subject: helpers.function.clone(),
            summary: format!(
                "{} {open} are open, and the program has {} that could be using them. Their own goroutines hold {} of stacks and {} of objects.",
                count(helpers.count),
                plural(helpers.others, "other goroutine"),
                bytes(helpers.stack_bytes),
                bytes(helpers.retained_bytes),
            ),
            evidence: vec![
                ("goroutines", helpers.count),
                ("others", helpers.others),
                ("stack_bytes", helpers.stack_bytes),
                ("retained_bytes", helpers.retained_bytes),
            ],
            reclaimable_bytes: helpers.stack_bytes.saturating_add(helpers.retained_bytes),
            not_live_bytes: helpers.stack_bytes,
            cause: helpers.cause,
            advice: format!("Heuristic: {missing}. What is missing is where a function returns early."),
            ..Claim::default()
        })
    };
    evidence.helpers.iter().filter(|helpers| helpers.matters()).filter_map(claim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(function: &str, state: &str, count: u64, others: u64) -> Vec<Claim> {
        let facts =
            HelperFacts { function: function.into(), state: state.into(), count, others, ..HelperFacts::default() };
        check(&Evidence { helpers: vec![facts], ..Evidence::default() })
    }

    #[test]
    fn what_is_open_is_named_with_what_closes_it() {
        let rows = found("database/sql.(*Rows).awaitDone", "select", 400, 2);
        assert!(rows[0].summary.starts_with("400 results of queries"), "{}", rows[0].summary);
        assert!(rows[0].advice.contains("rows.Close()"));
        assert!(found("context.(*cancelCtx).propagateCancel.func2", "select", 60, 1)[0].advice.contains("cancel()"));
    }

    #[test]
    fn what_others_may_be_using_and_idle_connections_are_nothing() {
        assert!(found("database/sql.(*Rows).awaitDone", "select", 400, 200).is_empty());
        assert!(found("database/sql.(*Rows).awaitDone", "select", 49, 0).is_empty());
        assert!(found("net/http.(*persistConn).readLoop", "IO wait", 400, 2).is_empty());
        assert!(!found("net/http.(*persistConn).readLoop", "select", 400, 2).is_empty());
        assert!(found("database/sql.(*Rows).awaitDoneLater", "select", 400, 2).is_empty());
        let beside = ["net/http.(*persistConn).writeLoop", "os/exec.(*Cmd).Start.func2"];
        assert!(beside.into_iter().all(HelperFacts::is_beside) && !HelperFacts::is_beside("main.work"));
    }
}
