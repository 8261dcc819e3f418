//! Typed values that are not objects of their own: variables in data, bss and on stacks, and values inside objects.

use std::sync::Mutex;

use rustc_hash::FxHashSet;

use crate::types::TypeId;

/// Regions kept; only targets whose objects do not say their type come near it.
const MAX_REGIONS: usize = 1 << 22;

/// How a region was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A package-level variable: index into the names.
    Global(u32),
    /// A local variable: (goroutine, frame, index into the names).
    Local(u32, u32, u32),
    /// Something that the word at this address points to.
    Pointer(u64),
    /// Guessed from the code of a function: (goroutine, frame).
    Guess(u32, u32),
}

/// A typed value outside the heap, or inside an object.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Region {
    pub(crate) start: u64,
    pub(crate) ty: TypeId,
    /// Values in a row.
    pub(crate) count: u64,
    /// Bytes from `start` that really belong to it: parts of a local variable can be in different places.
    pub(crate) window: (u64, u64),
    pub(crate) origin: Origin,
}

/// All regions met, each once.
#[derive(Default)]
pub(crate) struct Regions {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    seen: FxHashSet<(u64, TypeId, u64)>,
    list: Vec<Region>,
}

impl Regions {
    /// Adds a region; false when it is known. Regions of the heap are remembered but not listed.
    pub(super) fn add(&self, region: Region, in_heap: bool) -> bool {
        let Ok(mut inner) = self.inner.lock() else { return false };
        if inner.seen.len() >= MAX_REGIONS || !inner.seen.insert((region.start, region.ty, region.window.0)) {
            return false;
        }
        if !in_heap {
            inner.list.push(region);
        }
        true
    }

    /// The regions outside the heap met so far, by address.
    pub(crate) fn sorted(&self) -> Vec<Region> {
        let mut list = self.inner.lock().map(|i| i.list.clone()).unwrap_or_default();
        list.sort_by_key(|r| (r.start, matches!(r.origin, Origin::Pointer(_)), r.ty));
        list
    }
}
