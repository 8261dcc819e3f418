//! How long a snapshot may live, and how much memory it may cost.
//!
//! A page that the target writes to while the snapshot lives is copied, at the expense of the target's control group. So
//! the room in that group is watched, and the snapshot given up long before there is none: nothing of the target may be
//! killed for it.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::headroom::{self, Groups};
use crate::process::status;

const MIB: u64 = 1 << 20;
/// Room that must be left besides the snapshot's page tables before it is taken, and a part of the resident memory.
const RESERVE: u64 = 64 * MIB;
const RESERVE_PART: u64 = 4;
/// Room below which it is given up, and a part of the resident memory: while it is being freed, pages are still copied.
const FLOOR: u64 = 48 * MIB;
const FLOOR_PART: u64 = 16;
/// Bytes a millisecond that a target may copy at most, on many processors: how soon to look again.
const COPY_RATE: u64 = 8 * MIB;
/// How long to look away at least and at most.
const TICKS: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

pub(super) struct Bounds {
    groups: Groups,
    most: Duration,
    until: Instant,
    floor: u64,
    /// Room when it was last looked at.
    last: Cell<Option<u64>>,
}

impl Bounds {
    /// For a snapshot of `pid` that is taken now and may live `most`.
    pub(super) fn new(pid: u32, most: Duration) -> Self {
        let floor = FLOOR + status::memory(pid, "VmRSS:") / FLOOR_PART;
        let groups = Groups::of(&pid.to_string());
        Self { groups, most, until: Instant::now() + most, floor, last: Cell::new(None) }
    }

    /// Why a snapshot of `pid` would be too dear from the start.
    pub(super) fn refusal(&self, pid: u32) -> Option<String> {
        let room = self.room()?;
        let needed = status::memory(pid, "VmPTE:") + RESERVE + status::memory(pid, "VmRSS:") / RESERVE_PART;
        (room < needed).then(|| {
            format!(
                "its control group has {} MiB left, and {} MiB are needed to be safe: a quarter of its memory, for pages \
                 that it writes meanwhile, and {} MiB",
                room / MIB,
                needed.div_ceil(MIB),
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
        // What is copied until the snapshot's memory is free again is about as much as since the last look.
        let pace = self.last.replace(Some(room)).map_or(0, |last| last.saturating_sub(room));
        if room < self.floor + 2 * pace {
            return Err(format!(
                "it was given up because the process writes so much that copying its pages left {} MiB in its control \
                 group: examine a core (`mapscope capture`), use --pause copy, or raise the group's limit",
                room / MIB
            ));
        }
        let tick = Duration::from_millis(room.saturating_sub(self.floor) / COPY_RATE);
        Ok(tick.clamp(TICKS.0, TICKS.1).min(left))
    }

    fn room(&self) -> Option<u64> {
        [self.groups.room(), headroom::of_system()].into_iter().flatten().min()
    }
}
