//! Pools that keep large values.
//!
//! ## What it finds
//! A `sync.Pool` that alone keeps 4 MiB or more alive, in values of 64 KiB or more each on average.
//!
//! ## Why it matters
//! A pool does not look at what is put into it. A buffer that grew once for a large request comes back for small ones, and
//! each processor keeps its own; two collections pass until what nobody asked for is dropped (`poolCleanup`,
//! `sync/pool.go`). The standard library does not put large ones back: `fmt` drops buffers over 64 KiB (`(*pp).free`).
//!
//! ## Evidence
//! `values` in the pool, those that the next collection drops included. `reclaimable_bytes`: what nothing but pools holds.
//!
//! ## Example
//! ```go
//! defer buffers.Put(buf)   // however large it has become
//! ```
//!
//! ## Fix
//! ```go
//! if buf.Cap() <= 64<<10 {
//! 	buf.Reset()
//! 	buffers.Put(buf)
//! }
//! ```
//!
//! ## Limits
//! Large values that are all in use under load are what the pool is for. Never more than medium.

use crate::finding::Claim;
use crate::source_name::variable;
use crate::text::{bytes, plural};
use crate::{Evidence, PoolFacts};

/// As in `fmt`.
const LARGE: u64 = 64 << 10;
/// One buffer of 64 KiB for each of 64 processors is what a pool is for.
const FLOOR: u64 = 4 << 20;

impl PoolFacts {
    /// Whether a finding is made of it.
    pub fn matters(&self) -> bool {
        self.bytes >= FLOOR && self.bytes >= self.values.saturating_mul(LARGE)
    }
}

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |pool: &PoolFacts| Claim {
        subject: pool.owner.clone(),
        summary: format!(
            "{} {} keep {}, {} each: too large to be put back.",
            plural(pool.values, "value"),
            pool.type_name,
            bytes(pool.bytes),
            bytes(pool.bytes / pool.values.max(1)),
        ),
        evidence: vec![("values", pool.values)],
        reclaimable_bytes: pool.bytes,
        cause: pool.cause,
        advice: match variable(&pool.owner) {
            Some(name) => format!("Put back only what is small: if buf.Cap() <= 64<<10 {{ {name}.Put(buf) }}."),
            None => "Put back only what is small, a buffer of at most 64 KiB.".to_owned(),
        },
        ..Claim::default()
    };
    evidence.pools.iter().filter(|pool| pool.matters()).map(claim).collect()
}
