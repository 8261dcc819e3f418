//! A process that stands still until we say so. A [keeper](super::keeper) holds it, and lets go when we do, or end.

use std::time::{Duration, Instant};

use super::identity::Identity;
use super::keeper::{Keeper, Order, Task};
use crate::{MemoryError, Thread};

/// A stopped process; dropping this lets it run again.
pub(super) struct Standstill {
    /// Absent once it runs again.
    keeper: Option<Keeper>,
    since: Instant,
    /// How long the stop lasted, once it is over.
    paused: Option<Duration>,
    pid: u32,
}

impl Standstill {
    /// Stops every thread of a process and reads their registers, all of them if `for_core`.
    pub(super) fn of(identity: &Identity, for_core: bool) -> Result<(Self, Vec<Thread>), MemoryError> {
        let pid = identity.pid();
        let (keeper, taken) =
            Keeper::start(&Order { identity, task: Task::Hold, for_core }).map_err(|refused| refused.error(pid))?;
        let now = Instant::now();
        let since = now.checked_sub(taken.paused).unwrap_or(now);
        Ok((Self { keeper: Some(keeper), since, paused: None, pid }, taken.threads()))
    }

    /// Fails when the process was let go without our word, so that what was read may be torn.
    pub(super) fn check(&self) -> Result<(), MemoryError> {
        match self.keeper.as_ref().and_then(|keeper| keeper.ended(Duration::ZERO)) {
            Some(reason) => Err(MemoryError::NotStopped { pid: self.pid, reason }),
            None => Ok(()),
        }
    }

    /// Lets the process run again; returns when every thread has been let go.
    pub(super) fn release(&mut self) {
        if self.keeper.take().is_some() {
            self.paused = Some(self.since.elapsed());
        }
    }

    /// How long the process has been stopped, or was.
    pub(super) fn paused(&self) -> Duration {
        self.paused.unwrap_or_else(|| self.since.elapsed())
    }
}
