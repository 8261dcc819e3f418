//! A copy-on-write snapshot of a process.
//!
//! All threads are stopped, one of them is made to `clone` a child that never runs, and all run on: what the target
//! loses is the time to copy its page tables. The child is then read at leisure. A [keeper](super::keeper) does all of
//! that, and clears away after us.

use std::time::Duration;

use super::identity::Identity;
use super::keeper::{Keeper, Order, Refused, Taken, Task};

/// How long to wait for news of the end of a snapshot that cannot be read any more.
const NEWS: Duration = Duration::from_millis(200);

/// A snapshot that exists. Dropping it clears it away; that is done when the drop returns.
pub(super) struct Snapshot {
    keeper: Keeper,
    pub(super) taken: Taken,
}

impl Snapshot {
    /// Takes one, which may live for `most`; with what only a core records if it is for one.
    pub(super) fn take(identity: &Identity, most: Duration, for_core: bool) -> Result<Self, Refused> {
        let (keeper, taken) = Keeper::start(&Order { identity, task: Task::Fork(most), for_core })?;
        Ok(Self { keeper, taken })
    }

    /// Process id of the snapshot, which is a pid's as long as this lives.
    pub(super) fn pid(&self) -> u32 {
        self.taken.child
    }

    /// Why the snapshot is over before its time; `None` while it exists.
    pub(super) fn ended(&self) -> Option<String> {
        self.keeper.ended(NEWS)
    }
}
