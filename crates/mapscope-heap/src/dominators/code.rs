//! Writes an immediate dominator in four bytes.

use super::Dominator;

/// Set in the code of a holder; objects are fewer, and holders by far.
const HOLDER: u32 = 1 << 31;
/// Set in the code of a share.
const SHARED: u32 = 3 << 30;
/// Nothing alone dominates it.
pub(super) const ENTRY: u32 = SHARED;

#[inline]
pub(super) fn code(dominator: Dominator) -> u32 {
    match dominator {
        Dominator::Shared(share) => SHARED | share,
        Dominator::Holder(holder) => HOLDER | holder,
        Dominator::Object(object) => object,
    }
}

#[inline]
pub(super) fn decode(code: u32) -> Dominator {
    match code {
        share if share & SHARED == SHARED => Dominator::Shared(share & !SHARED),
        holder if holder & HOLDER != 0 => Dominator::Holder(holder & !HOLDER),
        object => Dominator::Object(object),
    }
}
