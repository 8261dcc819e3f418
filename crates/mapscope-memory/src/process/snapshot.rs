//! A copy-on-write snapshot of a process.
//!
//! All threads are stopped, one of them is made to `clone` a child that never runs, and all run on: what the target
//! loses is the time to copy its page tables. The child is then read at leisure. A [keeper](super::keeper) does all of
//! that, and clears away after us.
//!
//! As long as the child lives, pages that the target writes are copied at the expense of the target. So when reading takes
//! long, what is left is read into our own memory, if there is room, and the child goes.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::copy::Copy;
use super::identity::Identity;
use super::keeper::{Keeper, Order, Refused, Taken, Task};
use super::pause::PauseOptions;
use crate::{MemoryError, Region};

/// How long to wait for news of the end of a snapshot that cannot be read any more.
const NEWS: Duration = Duration::from_millis(200);
/// The part of its time after which a snapshot is copied.
const PATIENCE: u32 = 4;
/// How often to look whether it is over.
const TICK: Duration = Duration::from_millis(50);

/// A snapshot that exists. Dropping it clears it away; that is done when the drop returns.
pub(super) struct Snapshot {
    shared: Arc<Shared>,
    pub(super) taken: Taken,
    watcher: Option<(Sender<()>, JoinHandle<()>)>,
}

/// What is known to the one who watches over the time of a snapshot as well.
struct Shared {
    /// Absent once the snapshot was copied.
    keeper: Mutex<Option<Keeper>>,
    copy: OnceLock<Copy>,
}

impl Snapshot {
    /// Takes one, as `options` say.
    pub(super) fn take(identity: &Identity, options: &PauseOptions) -> Result<Self, Refused> {
        let task = Task::Fork(options.max_snapshot);
        let (keeper, taken) = Keeper::start(&Order { identity, task, for_core: options.for_core })?;
        let shared = Shared { keeper: Mutex::new(Some(keeper)), copy: OnceLock::new() };
        Ok(Self { shared: Arc::new(shared), taken, watcher: None })
    }

    /// Watches over its time: copies the resident pages of `regions` when a part of it is over, and has `given_up` called
    /// when all of it is.
    pub(super) fn watch(&mut self, regions: &[Region], options: &PauseOptions, pid: u32) {
        let shared = Arc::clone(&self.shared);
        let evacuation = Evacuation {
            child: self.taken.child,
            ranges: super::copy::readable(self.taken.resident.as_deref().unwrap_or_default(), regions),
            after: options.max_snapshot / PATIENCE,
        };
        let given_up = options.given_up;
        let (sender, word) = channel();
        let run = move || {
            if evacuation.run(&shared, &word) {
                return;
            }
            if let (Some(reason), Some(given_up)) = (shared.end(&word), given_up) {
                given_up(&MemoryError::SnapshotEnded { pid, reason });
            }
        };
        // Without it, the end of the snapshot is noticed when it is read next.
        let thread = std::thread::Builder::new().name("snapshot".into()).spawn(run);
        self.watcher = thread.ok().map(|thread| (sender, thread));
    }

    /// Process id of the snapshot, which is a pid's as long as this lives and was not copied.
    pub(super) fn pid(&self) -> u32 {
        self.taken.child
    }

    /// What was copied of it, if that is done and the snapshot is gone.
    pub(super) fn copy(&self) -> Option<&Copy> {
        self.shared.copy.get()
    }

    /// Why the snapshot is over before its time; `None` while it exists, or its copy.
    pub(super) fn ended(&self) -> Option<String> {
        self.shared.ended(NEWS)
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if let Some((word, thread)) = self.watcher.take() {
            drop(word);
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn ended(&self, patience: Duration) -> Option<String> {
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        keeper.as_ref().and_then(|keeper| keeper.ended(patience))
    }

    /// Waits for the end of the snapshot; why it came. `None` when nobody wants to know any more.
    fn end(&self, word: &Receiver<()>) -> Option<String> {
        while word.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            if let Some(reason) = self.ended(Duration::ZERO) {
                return Some(reason);
            }
        }
        None
    }
}

/// A snapshot to be copied when it has lived for some time.
struct Evacuation {
    child: u32,
    ranges: Vec<std::ops::Range<u64>>,
    after: Duration,
}

impl Evacuation {
    /// Copies it when it is time, if it fits; whether there is nothing left to watch.
    fn run(self, shared: &Shared, word: &Receiver<()>) -> bool {
        let due = Instant::now() + self.after;
        loop {
            let left = due.saturating_duration_since(Instant::now());
            match word.recv_timeout(left.min(TICK)) {
                Err(RecvTimeoutError::Timeout) if left.is_zero() => break,
                Err(RecvTimeoutError::Timeout) if shared.ended(Duration::ZERO).is_some() => return false,
                Err(RecvTimeoutError::Timeout) => {}
                _ => return true,
            }
        }
        let wanted = || word.recv_timeout(Duration::ZERO) == Err(RecvTimeoutError::Timeout);
        let Ok(Some(copy)) = Copy::of_snapshot(self.child, self.ranges, &wanted) else { return false };
        // While it was copied, it may have come to its end.
        if shared.ended(Duration::ZERO).is_some() || shared.copy.set(copy).is_err() {
            return false;
        }
        drop(shared.keeper.lock().unwrap_or_else(PoisonError::into_inner).take());
        true
    }
}
