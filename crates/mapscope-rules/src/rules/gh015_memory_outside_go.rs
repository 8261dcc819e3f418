//! Most of resident memory is nothing that Go knows of.
//!
//! ## What it finds
//! Half or more of resident memory, and 32 MiB or more, in mappings that are neither the heap nor the runtime's, nor stacks,
//! nor the program.
//!
//! ## Why it matters
//! Heap profiles do not show it, and `GOMEMLIMIT` does not cover it. Files mapped with `mmap` count in RSS as far as
//! their pages are in memory: the system takes those back when it needs them. Memory of C's `malloc` and anonymous mappings
//! stay until whoever made them gives them back.
//!
//! ## Evidence
//! `other_bytes` of `resident_bytes`, and the largest kinds of mappings by name. No bytes are promised: nothing in Go frees
//! them.
//!
//! ## Example
//! ```go
//! db, _ := bolt.Open("events.db", 0o600, nil)   // maps the whole file
//!
//! p := C.CString(name)                          // malloc; nobody calls C.free(unsafe.Pointer(p))
//! ```
//!
//! ## Fix
//! Of a file: none, if RSS is all that is large; look at what the system can take back (`memory.stat` of the cgroup: `file`),
//! and set limits by that. Of C: free what was allocated, and look with a tool for C (heaptrack, jemalloc's profiler):
//!
//! ```go
//! p := C.CString(name)
//! defer C.free(unsafe.Pointer(p))
//! ```
//!
//! ## Limits
//! Which function of C allocated it is not known. A core does not have the pages of mapped files. Where the runtime's own
//! memory cannot be told apart (without debug information), it is among it.

use crate::finding::{Claim, Severity};
use crate::text::{bytes, percent};
use crate::{Evidence, OtherFacts};

/// A C library with its tables and stacks has less.
const FLOOR: u64 = 32 << 20;
/// In percent of what is resident.
const SHARE: u64 = 50;
/// Kinds that are named.
const NAMED: usize = 3;

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let Some(memory) = &evidence.memory else { return Vec::new() };
    let (other, resident) = (memory.other_bytes, memory.resident_bytes);
    if other < FLOOR || u128::from(other) * 100 < u128::from(resident) * u128::from(SHARE) {
        return Vec::new();
    }
    let Some(first) = memory.others.first() else { return Vec::new() };
    let named: Vec<String> =
        memory.others.iter().take(NAMED).map(|o| format!("{} of {}", bytes(o.bytes), o.name)).collect();
    vec![Claim {
        subject: first.name.clone(),
        // Pages of a file are given back when they are needed.
        at_least: if first.file { Severity::Low } else { Severity::Medium },
        summary: format!(
            "{} of {} resident ({}) is memory that Go does not know: {}.",
            bytes(other),
            bytes(resident),
            percent(other, resident),
            named.join(", "),
        ),
        evidence: vec![("other_bytes", other), ("resident_bytes", resident), ("largest_bytes", first.bytes)],
        advice: advice(first),
        ..Claim::default()
    }]
}

fn advice(first: &OtherFacts) -> String {
    if first.file {
        "Nothing in Go frees it: pages of a mapped file stay in memory until the system needs them for something else. Unmap it, or read it instead, where RSS itself has to be small; GOMEMLIMIT does not count it.".to_owned()
    } else {
        "Nothing in Go frees it: look for C.malloc and C.CString without C.free, for cgo.Handle without Delete, and for syscall.Mmap without Munmap; a profiler for C (heaptrack, jemalloc's) names the caller.".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryFacts;

    fn claims(other_mib: u64, resident_mib: u64, file: bool) -> Vec<Claim> {
        let other_bytes = other_mib << 20;
        let name = if file { "file /data/events.db" } else { "anonymous memory" };
        let others = vec![OtherFacts { name: name.into(), file, bytes: other_bytes }];
        let memory = MemoryFacts { other_bytes, resident_bytes: resident_mib << 20, others, ..MemoryFacts::default() };
        check(&Evidence { memory: Some(memory), ..Evidence::default() })
    }

    #[test]
    fn a_file_is_named_and_is_not_urgent() {
        let found = claims(83, 100, true);
        assert_eq!((found[0].subject.as_str(), found[0].at_least), ("file /data/events.db", Severity::Low));
        assert!(found[0].summary.ends_with("does not know: 83.0 MiB of file /data/events.db."), "{}", found[0].summary);
        assert_eq!(claims(83, 100, false)[0].at_least, Severity::Medium);
    }

    #[test]
    fn a_little_beside_a_large_heap_is_left_alone() {
        assert!(claims(49, 100, false).is_empty() && claims(31, 40, false).is_empty());
    }
}
