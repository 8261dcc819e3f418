//! What each of the runtime's variables looks like.

use mapscope_memory::Memory;
use rustc_hash::FxHashSet;

use crate::runtime::{Field, Layout};

/// Elements of a list that are looked at.
const SOME: u64 = 64;
/// Blocks in a list; more is a loop.
const MAX_BLOCKS: usize = 1 << 12;
/// Elements of a list; no target has more.
const MAX_LIST: u64 = 1 << 32;
/// `mSpanManual`, the largest state of a span.
const MAX_SPAN_STATE: u64 = 2;
/// `_Gdeadextra`, the largest state of a goroutine.
const MAX_STATUS: u64 = 11;
/// `_Gscan`.
const SCAN: u64 = 0x1000;
/// Bytes of a block of queued finalizers or cleanups that are looked at.
const BLOCK: usize = 32;

/// Reads fields of the target.
#[derive(Clone, Copy)]
pub(super) struct Shapes<'s> {
    pub(super) memory: &'s dyn Memory,
    pub(super) layout: &'s Layout,
}

impl Shapes<'_> {
    fn word(self, base: u64, field: Field) -> Option<u64> {
        let mut bytes = [0; 8];
        let size = field.size.clamp(1, 8) as usize;
        self.memory.read_into(base.checked_add(field.offset)?, &mut bytes[..size]).ok()?;
        Some(u64::from_le_bytes(bytes))
    }

    /// The elements of the slice of pointers at `address`, evenly picked where there are many, with their indices.
    fn slice(self, address: u64) -> Option<Vec<(u64, u64)>> {
        let word = |index: u64| self.memory.u64(address.checked_add(index * 8)?).ok();
        let (array, len, capacity) = (word(0)?, word(1)?, word(2)?);
        if len == 0
            || len > capacity
            || capacity > MAX_LIST
            || array % 8 != 0
            || !self.memory.is_mapped(array, capacity * 8)
        {
            return None;
        }
        let step = len.div_ceil(SOME);
        (0..len).step_by(step as usize).map(|i| Some((i, self.memory.u64(array.checked_add(i * 8)?).ok()?))).collect()
    }

    /// `mheap_`: its `allspans` leads to spans, and at least one is of the heap.
    pub(super) fn is_heap(self, address: u64) -> bool {
        let spans = address.checked_add(self.layout.heap.all_spans.offset).and_then(|a| self.slice(a));
        let Some(spans) = spans else { return false };
        let states: Option<Vec<u64>> = spans.iter().filter(|s| s.1 != 0).map(|s| self.span_state(s.1)).collect();
        let arenas = address.checked_add(self.layout.heap.arenas.offset).and_then(|a| self.memory.u64(a).ok());
        states.is_some_and(|s| s.contains(&1)) && arenas.is_some_and(|a| self.memory.is_mapped(a, 8))
    }

    fn span_state(self, span: u64) -> Option<u64> {
        let layout = &self.layout.span;
        let state = self.word(span, layout.state)?;
        if state != 0 {
            let (start, pages) = (self.word(span, layout.start_addr)?, self.word(span, layout.pages)?);
            let bytes = pages.checked_mul(crate::heap::PAGE)?;
            if start % crate::heap::PAGE != 0 || pages == 0 || !self.memory.is_mapped(start, bytes) {
                return None;
            }
        }
        (state <= MAX_SPAN_STATE).then_some(state)
    }

    /// `allgs`: a slice of goroutines, one of them the first, whose number is 1.
    pub(super) fn is_goroutines(self, address: u64) -> bool {
        let Some(goroutines) = self.slice(address) else { return false };
        let ids: Option<Vec<u64>> = goroutines.iter().map(|g| self.goroutine_id(g.1)).collect();
        ids.is_some_and(|ids| ids.contains(&1))
    }

    fn goroutine_id(self, g: u64) -> Option<u64> {
        let layout = &self.layout.g;
        let (low, high) = (self.word(g, layout.stack_lo)?, self.word(g, layout.stack_hi)?);
        let status = self.word(g, layout.status)? & 0xffff_ffff & !SCAN;
        let stack = low == 0 && high == 0 || low < high && self.memory.is_mapped(low, high - low);
        let pointer = self.word(g, layout.sched_sp)?;
        // A goroutine that never ran has none.
        let inside = pointer == 0 || low == 0 || (low..=high).contains(&pointer);
        (g.is_multiple_of(8) && stack && inside && status <= MAX_STATUS).then(|| self.word(g, layout.id))?
    }

    /// `allp`: a slice of processors, each with its index as its number.
    pub(super) fn is_processors(self, address: u64) -> bool {
        let Some(processors) = self.slice(address) else { return false };
        let layout = &self.layout.p;
        let is_processor = |(index, p): &(u64, u64)| {
            let cache = self.word(*p, layout.cache);
            self.word(*p, layout.id) == Some(*index)
                && cache.is_some_and(|c| c == 0 || self.word(c, self.layout.cache.tiny).is_some())
        };
        processors.iter().all(is_processor)
            && processors.iter().any(|(_, p)| self.word(*p, layout.cache).is_some_and(|c| c != 0))
    }

    /// Length of the list of threads that the word at `address` starts; 0 when it starts none. `steps` are left for all
    /// lists together.
    pub(super) fn threads(self, address: u64, steps: &mut usize) -> usize {
        let layout = &self.layout.m;
        let mut seen = FxHashSet::default();
        let mut at = self.memory.u64(address).unwrap_or(0);
        while at != 0 {
            let scheduler = self.word(at, layout.g0).filter(|g0| *g0 != 0);
            let back = scheduler.and_then(|g0| self.word(g0, self.layout.g.thread));
            if back != Some(at) || !seen.insert(at) || *steps == 0 {
                return 0;
            }
            *steps -= 1;
            at = self.word(at, layout.next).unwrap_or(u64::MAX);
        }
        seen.len()
    }

    /// A list of blocks: empty, or each with a link to the next and a small count.
    pub(super) fn is_block_list(self, address: u64, link: Field, count: Field) -> bool {
        let Ok(mut at) = self.memory.u64(address) else { return false };
        let mut seen = FxHashSet::default();
        while at != 0 {
            let mut bytes = [0; BLOCK];
            if at % 8 != 0 || self.memory.read_into(at, &mut bytes).is_err() || count.get(&bytes) > 512 {
                return false;
            }
            if !seen.insert(at) || seen.len() > MAX_BLOCKS {
                return false;
            }
            at = link.get(&bytes);
        }
        true
    }
}
