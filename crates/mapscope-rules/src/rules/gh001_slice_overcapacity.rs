//! Slices with far more capacity than length.
//!
//! ## What it finds
//! Fields, elements and variables whose slices use less than half of their arrays.
//!
//! ## Why it matters
//! `append` doubles a small array and makes one above a threshold larger by a quarter (`growslice`, `runtime/slice.go`), so
//! half of an array in use is what growing explains. Less comes from a capacity that was a guess, or from `s = s[:0]` on
//! an array that was once needed.
//!
//! ## Evidence
//! `arrays` of the slices in one place, each counted once; `len_bytes` that are used, `cap_bytes` that could be.
//! `reclaimable_bytes`: slots of the arrays less the slots of copies of just the length.
//!
//! ## Example
//! ```go
//! s.buf = make([]byte, 0, 64<<10)   // for each session; most say a few hundred bytes
//! ```
//!
//! ## Fix
//! Copy what is to stay; `slices.Clip` alone frees nothing, for it keeps the array:
//!
//! ```go
//! s.buf = append(make([]byte, 0, len(s.buf)), s.buf...)
//! ```
//!
//! ## Limits
//! A buffer between two uses is empty rightly; what only pools (`sync.Pool`) keep is left out. Room that is about to be used looks like room that is not. Where several
//! slices share an array, all of them have to be copied.

use crate::Evidence;
use crate::finding::Claim;
use crate::severity::MIN_BYTES;
use crate::text::{bytes, percent, plural};

/// Growth leaves up to one half unused.
const USED: u64 = 2;

/// The places whose slices use less than half of their arrays.
pub(crate) fn wasteful(evidence: &Evidence) -> impl Iterator<Item = &crate::SliceFacts> {
    evidence.slices.iter().filter(|s| s.savable_bytes >= MIN_BYTES && s.len_bytes.saturating_mul(USED) < s.cap_bytes)
}

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |slice: &crate::SliceFacts| Claim {
        subject: slice.place.clone(),
        summary: format!(
            "{} {} use {} of {} ({}).",
            plural(slice.arrays, "array"),
            slice.type_name,
            bytes(slice.len_bytes),
            bytes(slice.cap_bytes),
            percent(slice.len_bytes, slice.cap_bytes),
        ),
        evidence: vec![("arrays", slice.arrays), ("len_bytes", slice.len_bytes), ("cap_bytes", slice.cap_bytes)],
        reclaimable_bytes: slice.savable_bytes,
        share: slice.share,
        advice: format!(
            "Give {0} the capacity it needs, or copy what is to stay: s = append(make({0}, 0, len(s)), s...).",
            slice.type_name
        ),
        ..Claim::default()
    };
    wasteful(evidence).map(claim).collect()
}
