//! Resident memory that is free: spans that wait to be returned to the system.
//!
//! ## What it finds
//! Three quarters or more of resident memory, and 64 MiB or more, in spans of the heap that no object is in.
//!
//! ## Why it matters
//! What a burst needed stays with the process when its objects are gone. The runtime returns free spans in the background,
//! with a hundredth of one processor, and only down to a tenth above what the heap may grow to before the next collection
//! (`gcPercentScavengeGoal`, `runtime/mgcscavenge.go`): with a high `GOGC`, or right after a large heap, that is far away, and
//! a process that is idle collects once in two minutes. To whoever counts RSS it looks like a leak.
//!
//! ## Evidence
//! `free_bytes` of `resident_bytes`. `reclaimable_bytes`: the free spans. No object is freed.
//!
//! ## Example
//! ```go
//! debug.SetGCPercent(400)
//! report := render(everything)   // 300 MiB for a moment, each night
//! ```
//!
//! ## Fix
//! Let the runtime know what it may use, and it returns what is above:
//!
//! ```go
//! debug.SetMemoryLimit(200 << 20)   // or GOMEMLIMIT=200MiB in the environment
//!
//! render(everything)
//! debug.FreeOSMemory()              // right after a burst that is known
//! ```
//!
//! ## Limits
//! The next burst has to fetch the pages again; a program that needs them each second is right to keep them. Never more than
//! medium.

use crate::Evidence;
use crate::finding::Claim;
use crate::text::{bytes, percent};

/// Less is what the next collection may need.
const FLOOR: u64 = 64 << 20;
/// In percent of what is resident: half of it is free right after a collection with GOGC=100, as it should be.
const SHARE: u64 = 75;

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let Some(memory) = &evidence.memory else { return Vec::new() };
    let (free, resident) = (memory.free_bytes, memory.resident_bytes);
    if free < FLOOR || u128::from(free) * 100 < u128::from(resident) * u128::from(SHARE) {
        return Vec::new();
    }
    vec![Claim {
        subject: "free spans".to_owned(),
        summary: format!(
            "{} of {} resident ({}) hold no object: a burst has left them, and the runtime returns them slowly, and only what is a tenth above the heap that GOGC lets grow.",
            bytes(free),
            bytes(resident),
            percent(free, resident),
        ),
        evidence: vec![("free_bytes", free), ("resident_bytes", resident)],
        reclaimable_bytes: free,
        not_live_bytes: free,
        advice: "Set a limit: GOMEMLIMIT, or debug.SetMemoryLimit; and call debug.FreeOSMemory() after a burst that is known. Lower GOGC where it was raised.".to_owned(),
        ..Claim::default()
    }]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryFacts;

    #[test]
    fn what_the_next_collection_may_need_is_left_alone() {
        let found = |free_mib: u64, resident_mib: u64| {
            let (free_bytes, resident_bytes) = (free_mib << 20, resident_mib << 20);
            let memory = MemoryFacts { resident_bytes, free_bytes, ..MemoryFacts::default() };
            check(&Evidence { memory: Some(memory), ..Evidence::default() }).len()
        };
        assert_eq!([found(297, 305), found(75, 100), found(74, 100), found(60, 61)], [1, 1, 0, 0]);
    }
}
