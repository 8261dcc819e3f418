//! What is still to be done, by chunk of spans.
//!
//! Most pointers of a heap lead far away, and each look at a far place costs the time of a hundred instructions. So a
//! worker does not follow them: it posts them to the chunk that they lead into, and whoever works on that chunk opens all
//! its post together, while what it touches is close. The more there is, the better: large objects come first, which make
//! the most, and then chunks in turn, so that each collects while the others are worked on.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Condvar, Mutex};

use super::parcels::Post;
use crate::types::TypeId;

/// Units of work collected for another chunk before they are handed over, unless there are very many chunks.
const BATCH: usize = 512;
/// Units that all outboxes of one worker may hold, about: 8 MiB.
const OUTBOXES: usize = 1 << 20;
/// Units on their way that make workers turn from large objects to them: 48 MiB.
const MANY: usize = 6 << 20;

/// What is left of a large object's values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rest {
    pub(super) start: u64,
    pub(super) len: u64,
    pub(super) ty: TypeId,
}

/// Work on one chunk.
#[derive(Default)]
pub(super) struct Work {
    pub(super) post: Post,
    /// Objects that got a better type: (object, span).
    pub(super) objects: Vec<(u32, u32)>,
}

impl Work {
    /// How much it is, in units of 8 bytes.
    #[inline]
    fn weight(&self) -> usize {
        self.post.weight() + self.objects.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.weight() == 0
    }

    fn append(&mut self, other: &mut Self) {
        self.post.append(&mut other.post);
        self.objects.append(&mut other.objects);
    }
}

/// What a worker can do next.
pub(super) enum Task {
    /// A chunk, and the work on it.
    Chunk(u32, Work),
    Rest(Rest),
}

/// The work on all chunks.
pub(super) struct Queue {
    pending: Vec<Mutex<Work>>,
    state: Mutex<State>,
    changed: Condvar,
    /// Units in `pending`.
    waiting: AtomicUsize,
    /// How much a worker collects for another chunk.
    batch: usize,
}

struct State {
    /// Chunks with work, in turn.
    ready: VecDeque<u32>,
    /// Which they are.
    queued: Vec<bool>,
    rests: Vec<Rest>,
    /// Workers that may still make work.
    working: usize,
    done: bool,
}

impl Queue {
    pub(super) fn new(chunks: usize) -> Self {
        Self {
            pending: (0..chunks).map(|_| Mutex::default()).collect(),
            state: Mutex::new(State {
                ready: VecDeque::new(),
                queued: vec![false; chunks],
                rests: Vec::new(),
                working: 0,
                done: false,
            }),
            changed: Condvar::new(),
            waiting: AtomicUsize::new(0),
            batch: (OUTBOXES / chunks.max(1)).clamp(16, BATCH),
        }
    }

    /// Whether work collected for another chunk should be handed over.
    #[inline]
    pub(super) fn is_batch(&self, work: &Work) -> bool {
        work.weight() >= self.batch
    }

    /// Hands over all of `work`.
    pub(super) fn push(&self, chunk: usize, work: &mut Work) {
        self.waiting.fetch_add(work.weight(), Relaxed);
        if let Ok(mut pending) = self.pending[chunk].lock() {
            pending.append(work);
        }
        self.announce(|state| {
            if !std::mem::replace(&mut state.queued[chunk], true) {
                state.ready.push_back(chunk as u32);
            }
        });
    }

    /// Hands over what is left of a large object.
    pub(super) fn push_rest(&self, rest: Rest) {
        self.announce(|state| state.rests.push(rest));
    }

    /// With the lock that a waiting worker holds until it sleeps, so that it misses nothing.
    fn announce(&self, change: impl FnOnce(&mut State)) {
        if let Ok(mut state) = self.state.lock() {
            change(&mut state);
            self.changed.notify_one();
        }
    }

    /// Counts the caller among those that may make work.
    pub(super) fn join(&self) -> Member<'_> {
        if let Ok(mut state) = self.state.lock() {
            state.working += 1;
        }
        Member(self)
    }

    fn take(&self, state: &mut State) -> Option<Task> {
        if self.waiting.load(Relaxed) < MANY
            && let Some(rest) = state.rests.pop()
        {
            return Some(Task::Rest(rest));
        }
        let Some(chunk) = state.ready.pop_front() else { return state.rests.pop().map(Task::Rest) };
        state.queued[chunk as usize] = false;
        Some(Task::Chunk(chunk, self.open(chunk as usize)))
    }

    fn open(&self, chunk: usize) -> Work {
        let Ok(mut pending) = self.pending[chunk].lock() else { return Work::default() };
        self.waiting.fetch_sub(pending.weight(), Relaxed);
        std::mem::take(&mut *pending)
    }
}

/// A worker. Dropped also by a panic, so that the others never wait for a dead one.
pub(super) struct Member<'q>(&'q Queue);

impl Member<'_> {
    /// Something to do, if there is anything now.
    pub(super) fn next(&self) -> Option<Task> {
        self.0.take(&mut *self.0.state.lock().ok()?)
    }

    /// Waits for something to do when there is nothing; `None` when nobody can make any. The caller must have handed over its
    /// own.
    pub(super) fn wait(&self) -> Option<Task> {
        let mut state = self.0.state.lock().ok()?;
        loop {
            if let Some(task) = self.0.take(&mut state) {
                return Some(task);
            }
            state.done |= state.working == 1;
            if state.done {
                self.0.changed.notify_all();
                return None;
            }
            state.working -= 1;
            state = self.0.changed.wait(state).ok()?;
            state.working += 1;
        }
    }
}

impl Drop for Member<'_> {
    fn drop(&mut self) {
        if let Ok(mut state) = self.0.state.lock() {
            state.working -= 1;
            state.done |= state.working == 0;
            if state.done {
                self.0.changed.notify_all();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many objects to visit, of this number.
    fn work(object: u32, count: usize) -> Work {
        Work { objects: vec![(object, 0); count], ..Work::default() }
    }

    #[test]
    fn work_made_by_work_is_done_and_then_all_workers_stop() {
        // Each object for chunk c with a number n makes one with n - 1 for chunk c + 1.
        const CHUNKS: usize = 5;
        let queue = Queue::new(CHUNKS);
        (0..40).for_each(|n| queue.push(n as usize % CHUNKS, &mut work(n, 1)));
        let done = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let member = queue.join();
                    while let Some(task) = member.next().or_else(|| member.wait()) {
                        let Task::Chunk(chunk, found) = task else { panic!("nobody made a rest") };
                        for (object, _) in found.objects {
                            done.fetch_add(1, Relaxed);
                            if let Some(less) = object.checked_sub(1) {
                                queue.push((chunk as usize + 1) % CHUNKS, &mut work(less, 1));
                            }
                        }
                    }
                });
            }
        });
        assert_eq!(done.into_inner(), (1..=40).sum::<usize>());
        assert_eq!(queue.waiting.load(Relaxed), 0);
    }

    #[test]
    fn large_objects_come_first_until_much_is_waiting_and_then_chunks_in_turn() {
        let queue = Queue::new(3);
        let member = queue.join();
        queue.push(2, &mut work(1, 5));
        queue.push(0, &mut work(1, 7));
        let rest = |start| Rest { start, len: 8, ty: TypeId(7) };
        (0..2).for_each(|start| queue.push_rest(rest(start)));
        assert!(matches!(member.next(), Some(Task::Rest(Rest { start: 1, .. }))));
        queue.push(2, &mut work(1, MANY));
        for (chunk, count) in [(2, MANY + 5), (0, 7)] {
            let Some(Task::Chunk(taken, found)) = member.next() else { panic!("{chunk} has work") };
            assert_eq!((taken, found.weight()), (chunk, count));
            if chunk == 2 {
                assert!(matches!(member.next(), Some(Task::Rest(Rest { start: 0, .. }))), "little is waiting again");
            }
        }
        assert!(member.wait().is_none());
    }

    #[test]
    fn a_worker_that_panics_holds_up_nobody() {
        let queue = Queue::new(1);
        let member = queue.join();
        let other = queue.join();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| member.wait().is_none());
            let dead = scope.spawn(move || {
                let _held = other;
                panic!("on purpose");
            });
            assert!(dead.join().is_err());
            assert!(waiter.join().is_ok_and(|ended| ended));
        });
    }
}
