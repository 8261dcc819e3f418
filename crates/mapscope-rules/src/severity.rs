//! How urgent so many bytes are.

use crate::Severity;

const MIB: u64 = 1 << 20;

/// Whatever the heap, this much is money: a sixteenth of a pod of 4 GiB.
const HIGH_BYTES: u64 = 256 * MIB;
/// A quarter of what is live is what decides between two sizes of a pod; in a small heap it decides nothing.
const HIGH_SHARE: u64 = 25;
const HIGH_FLOOR: u64 = 16 * MIB;
/// An eighth of the above.
const MEDIUM_BYTES: u64 = 32 * MIB;
/// One part in twenty is above what varies from one collection to the next.
const MEDIUM_SHARE: u64 = 5;
/// Less than what the runtime of a Go program takes for itself is not worth changing code for.
const MEDIUM_FLOOR: u64 = 2 * MIB;

/// Fewer bytes than this are not reported: no program is changed for less than a few pages.
pub(crate) const MIN_BYTES: u64 = 64 << 10;

/// The severity of `bytes` that could be won in a heap of `live` bytes.
pub(crate) fn severity(bytes: u64, live: u64) -> Severity {
    let share = |percent: u64| u128::from(bytes) * 100 >= u128::from(live) * u128::from(percent);
    if bytes >= HIGH_BYTES || bytes >= HIGH_FLOOR && share(HIGH_SHARE) {
        Severity::High
    } else if bytes >= MEDIUM_BYTES || bytes >= MEDIUM_FLOOR && share(MEDIUM_SHARE) {
        Severity::Medium
    } else {
        Severity::Low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_share_decide_together() {
        let cases = [
            (256 * MIB, u64::MAX, Severity::High),
            (16 * MIB, 64 * MIB, Severity::High),
            (16 * MIB - 1, 20 * MIB, Severity::Medium),
            (32 * MIB, u64::MAX, Severity::Medium),
            (2 * MIB, 40 * MIB, Severity::Medium),
            (2 * MIB - 1, 2 * MIB, Severity::Low),
            (31 * MIB, 1024 * MIB, Severity::Low),
        ];
        for (bytes, live, want) in cases {
            assert_eq!(severity(bytes, live), want, "{bytes} of {live}");
        }
    }
}
