//! What else owns memory than maps: unused room of slices, large objects that small slices and strings keep, equal
//! strings, channels, pools, timers, and what waits for its finalizer.
//!
//! A second walk over the live heap, after the one that found the types: every live object and every variable whose type
//! is known hands its headers of slices and strings to small accumulators, one for each worker (`walk.rs`). What is not
//! typed is not looked into, and [`Storage::looked_at_bytes`] says how much that is.

mod channels;
mod columns;
mod finalizers;
mod never;
mod pinned;
mod places;
mod pools;
mod popped;
pub(crate) mod references;
mod slices;
mod strings;
mod timers;
mod walk;

use mapscope_heap::Freed;
use mapscope_memory::{Figure, Partial};
use std::sync::atomic::AtomicU64;

pub use channels::ChannelType;
pub use finalizers::{FinalizerType, Finalizers, QueuedFunction, RunningCall};
pub use never::NeverRun;
pub use pinned::PinnedPlace;
pub use pools::Pool;
pub use popped::PoppedPlace;
pub use slices::SlicePlace;
pub use strings::{StringGroup, Strings};
pub(crate) use timers::{GO_FUNC, heap_timers};
pub use timers::{TimerFunction, TimerHeap, Timers};
pub(crate) use walk::live_types;

use self::channels::Waiters;
use self::places::Places;
use self::slices::Arrays;
use self::strings::Texts;
use self::walk::{Tally, Walk};
use crate::Session;
use crate::session::Stages;

/// What of a target's storage is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct StorageOptions {
    /// Copy the start of the duplicate strings that are listed. Without it, no content leaves the target.
    pub values: bool,
    /// Leave out the strings whose text has no object to itself: nothing is freed when there is one less of them, and there
    /// may be as many as objects.
    pub whole_texts: bool,
}

/// What else owns memory than maps. Rows are sorted by what they waste, the most first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Storage {
    /// Slots of the live objects that were looked into, or have no pointers: the others' type is not known.
    pub looked_at_bytes: u64,
    /// Arrays by the place of their slices.
    pub slices: Vec<SlicePlace>,
    /// Large objects that only small slices and strings keep, by place.
    pub pinned: Vec<PinnedPlace>,
    /// Objects that only unused parts of arrays hold, by place.
    pub popped: Vec<PoppedPlace>,
    /// Strings, and those that are there more than once.
    pub strings: Strings,
    /// Channels by type.
    pub channels: Vec<ChannelType>,
    /// Pools that hold something.
    pub pools: Vec<Pool>,
    /// Timers.
    pub timers: Timers,
    /// Finalizers and cleanups.
    pub finalizers: Finalizers,
    /// Why the result is partial: one sentence for each reason.
    pub partial: Partial,
}

/// What the workers of the walk share.
struct Found<'f, 's> {
    stages: &'f Stages<'s>,
    places: &'f Places,
    arrays: Arrays,
    texts: Texts,
    /// Small parts of large objects met so far.
    small_parts: AtomicU64,
    whole_texts: bool,
    waiters: Waiters,
    live_bytes: u64,
}

impl Session<'_> {
    /// Walks the live heap once more and sums up what slices, strings, channels, pools, timers and finalizers hold.
    pub fn storage(&self, options: &StorageOptions) -> Storage {
        self.storage_beside(options, |_| Freed::default()).0
    }

    /// As [`Session::storage`], beside what other causes free: `freed` is asked when pools, timers and finalizers are known
    /// and the rest is not, and of slices and strings it is told what of their bytes those causes free.
    pub fn storage_beside(&self, options: &StorageOptions, freed: impl FnOnce(&Storage) -> Freed) -> (Storage, Freed) {
        let stages = &self.stages;
        let types = walk::live_types(stages);
        let places = Places::new(stages, &types, stages.regions);
        let spans = &stages.heap.spans;
        let found = Found {
            stages,
            places: &places,
            arrays: Arrays::new(spans),
            texts: Texts::new(spans),
            small_parts: AtomicU64::new(0),
            whole_texts: options.whole_texts,
            waiters: Waiters::new(),
            live_bytes: self.totals.live_bytes,
        };
        let Tally { channels, timers, looked_at, parts, small } = Walk::new(stages, &places, &types).run(&found);
        let mut partial = Partial::default();
        let mut storage = Storage {
            looked_at_bytes: looked_at,
            popped: popped::places(&found, &found.arrays),
            channels: channels.types(stages),
            pools: pools::pools(stages, &mut partial),
            timers: timers::timers(stages, &timers, &mut partial),
            finalizers: finalizers::finalizers(stages, &mut partial),
            ..Storage::default()
        };
        let freed = freed(&storage);
        let (mut elsewhere, pinned) = pinned::places(&found, small, &freed);
        // A buffer between two uses is empty rightly.
        storage.pools.iter().flat_map(|pool| &pool.objects).for_each(|object| {
            elsewhere.insert(*object as usize);
        });
        storage.slices = found.arrays.places(&found, &elsewhere, &freed);
        storage.pinned = pinned;
        if !self.redacted {
            storage.strings = found.texts.compare(&found, parts, options.values, &freed);
        }
        let limits = [
            (places.capped, "there are more places that hold slices and strings than are told apart"),
            (pinned::capped(&found), "more small slices and strings than are remembered lead into large objects"),
            (storage.strings.capped, "there are more strings than are told apart"),
            (found.waiters.capped(), "more goroutines than are counted wait for channels"),
        ];
        for (_, limit) in limits.into_iter().filter(|limit| limit.0) {
            partial.add(Figure::Storage, format!("{limit}; some are left out"));
        }
        (Storage { partial, ..storage }, freed)
    }
}
