//! How long a snapshot may live, and how much memory it may cost.
//!
//! A page that the target writes to while the snapshot lives is copied, at the expense of the target's control group. So
//! the room in that group is watched, and the snapshot given up long before there is none: nothing of the target may be
//! killed for it.

use std::time::{Duration, Instant};

use crate::headroom::{self, Groups};
use crate::process::status;

const MIB: u64 = 1 << 20;
/// Room that must be left besides the snapshot's page tables before it is taken.
const RESERVE: u64 = 32 * MIB;
/// Room below which it is given up.
const FLOOR: u64 = 20 * MIB;
/// Bytes a millisecond that a target may copy at most, on many processors: how soon to look again.
const COPY_RATE: u64 = 8 * MIB;
/// How long to look away at least and at most.
const TICKS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

pub(super) struct Bounds {
    groups: Groups,
    most: Duration,
    until: Instant,
}

impl Bounds {
    /// For a snapshot of `pid` that is taken now and may live `most`.
    pub(super) fn new(pid: u32, most: Duration) -> Self {
        Self { groups: Groups::of(&pid.to_string()), most, until: Instant::now() + most }
    }

    /// Why a snapshot of `pid` would be too dear from the start.
    pub(super) fn refusal(&self, pid: u32) -> Option<String> {
        let room = self.room()?;
        let text = status::read(pid, "status").unwrap_or_default();
        let page_tables = headroom::field(&String::from_utf8_lossy(&text), "VmPTE:").unwrap_or(0) * 1024;
        (room < page_tables + RESERVE).then(|| {
            format!(
                "its control group has {} MiB left, and a snapshot needs {} MiB (page tables, and {} MiB for pages that \
                 are written meanwhile)",
                room / MIB,
                (page_tables + RESERVE).div_ceil(MIB),
                RESERVE / MIB
            )
        })
    }

    /// Why the snapshot has to end now, and how long it may be left alone otherwise.
    pub(super) fn check(&self) -> Result<Duration, String> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(format!(
                "it was given up after {} s, its most: raise --max-snapshot-seconds, or write a core with `mapscope \
                 capture` and examine that",
                self.most.as_secs()
            ));
        }
        let Some(room) = self.room() else { return Ok(TICKS.1.min(left)) };
        if room < FLOOR {
            return Err(format!(
                "it was given up because the process writes so much that copying its pages left {} MiB in its control \
                 group: examine a core (`mapscope capture`), use --pause copy, or raise the group's limit",
                room / MIB
            ));
        }
        let tick = Duration::from_millis((room - FLOOR) / COPY_RATE);
        Ok(tick.clamp(TICKS.0, TICKS.1).min(left))
    }

    fn room(&self) -> Option<u64> {
        [self.groups.room(), headroom::of_system()].into_iter().flatten().min()
    }
}
