//! What is still to be done, by chunk of spans.
//!
//! Most pointers of a heap lead far away, and each look at a far place costs the time of a hundred instructions. So a
//! worker does not follow them: it sends each as a [`Parcel`] to the chunk that it leads into, and whoever works on that
//! chunk opens all its parcels together, while what they touch is close.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Condvar, Mutex};

use super::Offer;
use crate::types::TypeId;

/// Parcels collected for another chunk before they are handed over, unless there are very many chunks.
const BATCH: usize = 512;
/// Parcels that all outboxes of one worker may hold, about: 8 MiB.
const OUTBOXES: usize = 1 << 19;
/// Parcels on their way that make a worker on a large object turn to them first: 32 MiB.
const MANY: usize = 1 << 21;

/// A typed pointer from the heap into it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parcel {
    address: u64,
    ty: TypeId,
    /// Values of a row, as far as 31 bits can count, above [`Parcel::ROW`].
    count: u32,
}

impl Parcel {
    /// Set in the count of a row.
    const ROW: u32 = 1 << 31;

    #[inline]
    pub(super) fn new(offer: &Offer) -> Self {
        let row = if offer.many { Self::ROW } else { 0 };
        let count = offer.count.min(u64::from(Self::ROW - 1)) as u32;
        Self { address: offer.address, ty: offer.ty, count: row | count }
    }

    pub(super) fn address(&self) -> u64 {
        self.address
    }

    #[inline]
    pub(super) fn offer(self) -> Offer {
        let count = u64::from(self.count & !Self::ROW);
        Offer { address: self.address, ty: self.ty, many: self.count & Self::ROW != 0, count, from: 0 }
    }
}

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
    pub(super) parcels: Vec<Parcel>,
    /// Objects that got a better type: (object, span).
    pub(super) objects: Vec<(u32, u32)>,
    pub(super) rests: Vec<Rest>,
}

impl Work {
    fn len(&self) -> usize {
        self.parcels.len() + self.objects.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0 && self.rests.is_empty()
    }

    fn append(&mut self, other: &mut Self) {
        self.parcels.append(&mut other.parcels);
        self.objects.append(&mut other.objects);
        self.rests.append(&mut other.rests);
    }
}

/// The work on all chunks.
pub(super) struct Queue {
    pending: Vec<Mutex<Work>>,
    state: Mutex<State>,
    changed: Condvar,
    /// Parcels and objects in `pending`.
    waiting: AtomicUsize,
    /// How much a worker collects for another chunk.
    batch: usize,
}

struct State {
    ready: VecDeque<u32>,
    queued: Vec<bool>,
    /// Workers that may still make work.
    working: usize,
    done: bool,
}

impl State {
    fn take(&mut self) -> Option<u32> {
        let chunk = self.ready.pop_front()?;
        self.queued[chunk as usize] = false;
        Some(chunk)
    }
}

impl Queue {
    pub(super) fn new(chunks: usize) -> Self {
        Self {
            pending: (0..chunks).map(|_| Mutex::default()).collect(),
            state: Mutex::new(State { ready: VecDeque::new(), queued: vec![false; chunks], working: 0, done: false }),
            changed: Condvar::new(),
            waiting: AtomicUsize::new(0),
            batch: (OUTBOXES / chunks.max(1)).clamp(16, BATCH),
        }
    }

    /// Whether work collected for another chunk should be handed over.
    #[inline]
    pub(super) fn is_batch(&self, work: &Work) -> bool {
        work.len() >= self.batch
    }

    /// Whether so much is waiting that no more should be made.
    pub(super) fn is_full(&self) -> bool {
        self.waiting.load(Relaxed) > MANY
    }

    /// Hands over all of `work`.
    pub(super) fn push(&self, chunk: usize, work: &mut Work) {
        self.waiting.fetch_add(work.len(), Relaxed);
        if let Ok(mut pending) = self.pending[chunk].lock() {
            pending.append(work);
        }
        if let Ok(mut state) = self.state.lock()
            && !state.queued[chunk]
        {
            state.queued[chunk] = true;
            state.ready.push_back(chunk as u32);
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

    fn open(&self, chunk: u32) -> (u32, Work) {
        let work = self.pending[chunk as usize].lock().map(|mut p| std::mem::take(&mut *p)).unwrap_or_default();
        self.waiting.fetch_sub(work.len(), Relaxed);
        (chunk, work)
    }
}

/// A worker. Dropped also by a panic, so that the others never wait for a dead one.
pub(super) struct Member<'q>(&'q Queue);

impl Member<'_> {
    /// A chunk with work, and the work, if there is any now.
    pub(super) fn next(&self) -> Option<(u32, Work)> {
        let chunk = self.0.state.lock().ok().and_then(|mut state| state.take())?;
        Some(self.0.open(chunk))
    }

    /// Waits for work when there is none; `None` when nobody can make any. The caller must have handed over its own.
    pub(super) fn wait(&self) -> Option<(u32, Work)> {
        let mut state = self.0.state.lock().ok()?;
        loop {
            if let Some(chunk) = state.take() {
                drop(state);
                return Some(self.0.open(chunk));
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

    fn parcel(address: u64, many: bool, count: u64) -> Parcel {
        Parcel::new(&Offer { address, ty: TypeId(7), many, count, from: 0 })
    }

    #[test]
    fn parcels_hold_what_was_offered_as_far_as_it_fits() {
        for (many, count, kept) in [(false, 1, 1), (true, 0, 0), (true, 12, 12), (true, u64::MAX, (1 << 31) - 1)] {
            let offer = parcel(u64::MAX - 8, many, count).offer();
            assert_eq!((offer.address, offer.ty, offer.from), (u64::MAX - 8, TypeId(7), 0));
            assert_eq!((offer.many, offer.count), (many, kept));
        }
    }

    #[test]
    fn work_made_by_work_is_done_and_then_all_workers_stop() {
        // Each parcel for chunk c with a number n makes one with n - 1 for chunk c + 1.
        const CHUNKS: usize = 5;
        let queue = Queue::new(CHUNKS);
        let one = |n| Work { parcels: vec![parcel(n, false, 1)], ..Work::default() };
        (0..40).for_each(|n| queue.push(n as usize % CHUNKS, &mut one(n)));
        let done = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let member = queue.join();
                    while let Some((chunk, work)) = member.next().or_else(|| member.wait()) {
                        for parcel in work.parcels {
                            done.fetch_add(1, Relaxed);
                            if let Some(less) = parcel.address().checked_sub(1) {
                                queue.push((chunk as usize + 1) % CHUNKS, &mut one(less));
                            }
                        }
                    }
                });
            }
        });
        assert_eq!(done.into_inner(), (1..=40).sum());
        assert_eq!(queue.waiting.load(Relaxed), 0);
        assert!(!queue.is_full());
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
