//! Pools that keep large values.
//!
//! ## What it finds
//! A `sync.Pool` that alone keeps 4 MiB or more alive, in values of 64 KiB or more each on average: buffers, slices and
//! maps, or other values of which one keeps twice as much as another.
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
//! A map that was emptied keeps its tables, and does not tell how large they are: note its length before.
//!
//! ## Limits
//! Large values that are all in use under load are what the pool is for. Encoders and the like are large from the start:
//! where all values are of one size, nothing says that they have grown, and nothing is said of them. Nor is anything said
//! of a pool that is one of a row: such pools have a class of sizes each. Never more than medium.

use crate::finding::Claim;
use crate::source_name::variable;
use crate::text::{bytes, plural};
use crate::{Evidence, PoolFacts};

/// As in `fmt`.
const LARGE: u64 = 64 << 10;
/// One buffer of 64 KiB for each of 64 processors is what a pool is for.
const FLOOR: u64 = 4 << 20;
/// A value that keeps so many times what another does has grown.
const GROWN: u64 = 2;

impl PoolFacts {
    /// Whether a finding is made of it.
    pub fn matters(&self) -> bool {
        let (least, most) = self.value_bytes;
        let grow = measure(self.value_type()).is_some() || most >= least.saturating_mul(GROWN);
        // A pool for each class of sizes has large values on purpose.
        grow && !self.owner.ends_with("[]") && self.bytes >= FLOOR && self.bytes >= self.values.saturating_mul(LARGE)
    }

    /// Type of the values, without the pointer to them.
    fn value_type(&self) -> &str {
        self.type_name.trim_start_matches('*')
    }
}

/// How a program asks a value of a type that grows how large it has become; nothing for others.
fn measure(type_name: &str) -> Option<&'static str> {
    match type_name {
        "bytes.Buffer" => Some("buf.Cap()"),
        name if name.starts_with("[]") => Some("cap(buf)"),
        name if name.starts_with("map[") => Some("len(m)"),
        _ => None,
    }
}

/// What tells that a value has become too large, by its type.
fn advice(pool: &PoolFacts) -> String {
    let put = variable(&pool.owner).map_or_else(|| "Put".to_owned(), |name| format!("{name}.Put"));
    let Some(measure) = measure(pool.value_type()) else {
        return format!("Call {put} only for what is small; what has grown large is let go instead.");
    };
    if measure == "len(m)" {
        // Neither len nor anything else says how large the tables of an empty map are.
        return format!(
            "clear and delete keep a map's tables, and nothing tells how large they are: note len(m) before it is cleared, and put back only what stayed small: if n := len(m); n <= 1000 {{ clear(m); {put}(m) }}."
        );
    }
    format!("Put back only what is small: if {measure} <= 64<<10 {{ {put}(buf) }}.")
}

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |pool: &PoolFacts| Claim {
        subject: pool.owner.clone(),
        summary: format!(
            "The pool keeps {} of type {} with {}{}: too large to be put back.",
            plural(pool.values, "value"),
            pool.type_name,
            bytes(pool.bytes),
            if pool.values > 1 { format!(", {} each", bytes(pool.bytes / pool.values)) } else { String::new() },
        ),
        evidence: vec![("values", pool.values)],
        reclaimable_bytes: pool.bytes,
        cause: pool.cause,
        advice: advice(pool),
        ..Claim::default()
    };
    evidence.pools.iter().filter(|pool| pool.matters()).map(claim).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_measures_what_the_pool_holds() {
        let of = |owner: &str, type_name: &str| {
            advice(&PoolFacts { owner: owner.into(), type_name: type_name.into(), ..PoolFacts::default() })
        };
        let buffer = "Put back only what is small: if buf.Cap() <= 64<<10 { buffers.Put(buf) }.";
        assert_eq!(of("main.buffers", "*bytes.Buffer"), buffer);
        assert!(of("main.buffers", "*[]uint8").contains("if cap(buf) <= 64<<10"));
        let map = of("main.dec.pool", "map[int]int");
        assert!(map.contains("if n := len(m); n <= 1000 { clear(m); dec.pool.Put(m) }"), "{map}");
        assert!(!of("bss+0x8", "").contains("buf"));
    }

    #[test]
    fn values_that_are_large_from_the_start_are_what_the_pool_is_for() {
        let matters = |type_name: &str, value_bytes: (u64, u64)| {
            let type_name = type_name.into();
            PoolFacts { type_name, values: 8, bytes: 8 << 20, value_bytes, ..PoolFacts::default() }.matters()
        };
        assert!(!matters("*zstd.Encoder", (1 << 20, 1 << 20)));
        assert!(!matters("*zstd.Encoder", (1 << 20, (2 << 20) - 1)));
        assert!(matters("*json.encodeState", (1 << 20, 2 << 20)));
        assert!(matters("*bytes.Buffer", (1 << 20, 1 << 20)));
        assert!(matters("map[int]int", (1 << 20, 1 << 20)));
        let of_a_class = PoolFacts {
            owner: "main.buffers.buckets[]".into(),
            type_name: "[]uint8".into(),
            values: 8,
            bytes: 8 << 20,
            ..PoolFacts::default()
        };
        assert!(!of_a_class.matters());
    }
}
