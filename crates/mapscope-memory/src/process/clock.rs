//! What time it is for a process.

use std::path::Path;

use nix::time::{ClockId, clock_gettime};

use super::status::proc_path;
use crate::system;

const SECOND: i128 = 1_000_000_000;

/// `CLOCK_MONOTONIC` as the process `pid` sees it, in nanoseconds: a time namespace moves the clock of those in it.
pub(super) fn monotonic(pid: u32) -> Option<u64> {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).ok()?;
    let now = i128::from(now.tv_sec()) * SECOND + i128::from(now.tv_nsec());
    let offset = |path: &Path| system::text(path).map_or(0, |text| offset(&text));
    let (ours, theirs) = (offset(Path::new("/proc/self/timens_offsets")), offset(&proc_path(pid, "timens_offsets")));
    u64::try_from(now - ours + theirs).ok()
}

/// The line `monotonic SECONDS NANOSECONDS` of `timens_offsets`, in nanoseconds.
fn offset(text: &str) -> i128 {
    let line = text.lines().find_map(|l| l.trim_start().strip_prefix("monotonic"));
    let mut numbers = line.unwrap_or_default().split_ascii_whitespace().map(|n| n.parse::<i64>().map_or(0, i128::from));
    numbers.next().unwrap_or(0) * SECOND + numbers.next().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{monotonic, offset};

    #[test]
    fn a_time_namespace_moves_the_clock() {
        assert_eq!(offset("monotonic           0         0\nboottime            0         0\n"), 0);
        assert_eq!(offset("monotonic  -86400  500\nboottime  1  0\n"), -86_400_000_000_000 + 500);
        assert_eq!(offset(""), 0);
    }

    #[test]
    fn the_clock_goes_on() {
        let before = monotonic(std::process::id()).expect("there is a clock");
        assert!(before > 0 && monotonic(std::process::id()) >= Some(before));
    }
}
