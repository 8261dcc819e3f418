//! What each of the runtime's variables looks like.
//!
//! A target is stopped anywhere in its code, so a structure may be half made: what is only then so is let pass in some
//! of many, and never in all.

use mapscope_memory::Memory;
use rustc_hash::FxHashSet;

use super::answers::List;
use crate::dwarf::Array;
use crate::runtime::{Field, Layout};

/// Elements of a list that are looked at closely.
const SOME: u64 = 64;
/// Of those that are looked at, so many may be half made: one in this many.
const HALF_MADE: usize = 4;
/// Blocks in a list; more is a loop.
const MAX_BLOCKS: usize = 1 << 12;
/// Elements of a list; no target has more.
const MAX_LIST: u64 = 1 << 32;
/// Goroutines; no target has more.
const MAX_GOROUTINES: u64 = 1 << 24;
/// Chunks of the runtime's own memory in one list.
const MAX_CHUNKS: usize = 1 << 20;
/// `mSpanManual`, the largest state of a span.
const MAX_SPAN_STATE: u64 = 2;
/// States of goroutines: `_Gidle`, which none has when it is added to `allgs`, `_Grunnable`, `_Gwaiting`,
/// `_Gmoribund_unused`, `_Gdead`, `_Gpreempted`, and `_Gdeadextra`, the largest.
const IDLE: u64 = 0;
const RUNNABLE: u64 = 1;
const WAITING: u64 = 4;
const DEAD: u64 = 6;
const UNUSED: u64 = 7;
const PREEMPTED: u64 = 9;
const MAX_STATUS: u64 = 11;
/// `_Gscan`.
const SCAN: u64 = 0x1000;
/// Bytes of a block of queued finalizers or cleanups that are looked at.
const BLOCK: usize = 32;
/// `semTabSize`, and `cpu.CacheLinePadSize` of amd64: roots of `semtable`, and the bytes from one to the next.
const SEMAPHORE_ROOTS: u64 = 251;
const SEMAPHORE_STRIDE: u64 = 64;

/// Reads fields of the target.
#[derive(Clone, Copy)]
pub(super) struct Shapes<'s> {
    pub(super) memory: &'s dyn Memory,
    pub(super) layout: &'s Layout,
}

/// A slice of pointers.
#[derive(Clone, Copy)]
struct Slice {
    array: u64,
    len: u64,
}

/// What a `g` says of itself.
struct Standing {
    /// 0 for one that is free.
    id: u64,
    /// Its parts agree with one another.
    sound: bool,
}

impl Shapes<'_> {
    fn word(self, base: u64, field: Field) -> Option<u64> {
        let mut bytes = [0; 8];
        let size = field.size.clamp(1, 8) as usize;
        self.memory.read_into(base.checked_add(field.offset)?, &mut bytes[..size]).ok()?;
        Some(u64::from_le_bytes(bytes))
    }

    fn slice(self, address: u64) -> Option<Slice> {
        let word = |index: u64| self.memory.u64(address.checked_add(index * 8)?).ok();
        let (array, len, capacity) = (word(0)?, word(1)?, word(2)?);
        let is_slice = len > 0 && len <= capacity && capacity <= MAX_LIST && array % 8 == 0;
        (is_slice && self.memory.is_mapped(array, len * 8)).then_some(Slice { array, len })
    }

    /// Elements of a slice with their indices: evenly picked, or all of them in order.
    fn elements(self, slice: Slice, step: u64) -> impl Iterator<Item = Option<(u64, u64)>> {
        let element = move |index: u64| Some((index, self.memory.u64(slice.array.checked_add(index * 8)?).ok()?));
        (0..slice.len).step_by(step.max(1) as usize).map(element)
    }

    /// Some elements of the slice.
    fn some(self, slice: Slice) -> Option<Vec<(u64, u64)>> {
        self.elements(slice, slice.len.div_ceil(SOME)).collect()
    }

    /// `mheap_`: its `allspans` leads to spans, and at least one is of the heap.
    pub(super) fn is_heap(self, address: u64) -> bool {
        let spans = address.checked_add(self.layout.heap.all_spans.offset).and_then(|a| self.slice(a));
        let Some(spans) = spans else { return false };
        let arenas = address.checked_add(self.layout.heap.arenas.offset).and_then(|a| self.memory.u64(a).ok());
        let state = |span: u64| if span == 0 { Some(0) } else { self.span_state(span) };
        let legal = self.some(spans).is_some_and(|some| some.iter().all(|(_, span)| state(*span).is_some()));
        // After a peak nearly all spans are free.
        legal
            && arenas.is_some_and(|a| self.memory.is_mapped(a, 8))
            && self.elements(spans, 1).map_while(|e| e).any(|(_, span)| state(span) == Some(1))
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

    /// `allgs`, or a copy of it: a slice of goroutines, all different, of which one at least is not free.
    pub(super) fn goroutines(self, address: u64) -> Option<List> {
        let slice = self.slice(address).filter(|slice| slice.len <= MAX_GOROUTINES)?;
        let some = self.some(slice)?;
        let standing: Vec<Option<Standing>> = some.iter().map(|(_, g)| self.goroutine(*g)).collect();
        let unsound = standing.iter().filter(|s| !s.as_ref().is_some_and(|s| s.sound)).count();
        let mut ids = FxHashSet::default();
        let unique = standing.iter().flatten().filter(|s| s.id != 0).all(|s| ids.insert(s.id));
        if unsound * HALF_MADE > some.len() || !unique {
            return None;
        }
        let items: Vec<u64> = self.elements(slice, 1).map(|e| Some(e?.1)).collect::<Option<_>>()?;
        // The first is that of `main`, which may have ended.
        let lives = |g: &u64| self.goroutine(*g).is_some_and(|s| s.sound && s.id != 0);
        let mut sorted = items.clone();
        sorted.sort_unstable();
        let different = sorted.windows(2).all(|pair| pair[0] != pair[1]);
        (different && items.iter().any(lives)).then_some(List { address, items })
    }

    /// `None` when what is there is not a `g`.
    fn goroutine(self, g: u64) -> Option<Standing> {
        let layout = &self.layout.g;
        let (low, high) = (self.word(g, layout.stack_lo)?, self.word(g, layout.stack_hi)?);
        let word = self.word(g, layout.status)? & 0xffff_ffff;
        let (status, held) = (word & !SCAN, word & SCAN != 0);
        if !g.is_multiple_of(8) || status > MAX_STATUS || matches!(status, IDLE | UNUSED) {
            return None;
        }
        let free = matches!(status, DEAD | MAX_STATUS);
        let stack = free && low == 0 && high == 0 || low < high && self.memory.is_mapped(low, high - low);
        // Of one that runs, the scheduler's note is old; while its stack is moved, it is of one or the other.
        let rests = matches!(status, RUNNABLE | WAITING | PREEMPTED) && !held;
        let pointer = self.word(g, layout.sched_sp)?;
        let inside = !rests || pointer == 0 || (low..=high).contains(&pointer);
        // A thread that a goroutine is on points back to it.
        let thread = self.word(g, layout.thread)?;
        let back = free || thread == 0 || self.word(thread, self.layout.m.current) == Some(g);
        let id = if free { 0 } else { self.word(g, layout.id)? };
        Some(Standing { id, sound: stack && inside && back && (free || id != 0) })
    }

    /// `allp`, or a copy of it: a slice of processors, each with its index as its number. While their number is
    /// changed, some are not there yet.
    pub(super) fn processors(self, address: u64) -> Option<List> {
        let layout = &self.layout.p;
        let some = self.some(self.slice(address)?)?;
        let is_processor = |(index, p): &(u64, u64)| {
            let cache = self.word(*p, layout.cache);
            self.word(*p, layout.id) == Some(*index)
                && cache.is_some_and(|c| c == 0 || self.word(c, self.layout.cache.tiny).is_some())
        };
        let fits = some.iter().all(|e| e.1 == 0 || is_processor(e))
            && some.iter().any(|(_, p)| self.word(*p, layout.cache).is_some_and(|c| c != 0));
        fits.then(|| List { address, items: some.iter().map(|e| e.1).collect() })
    }

    /// The list of threads that the word at `address` starts; none when it starts none. `steps` are left for all lists
    /// together. Where `unborn` are let pass, a thread that is being made need not point back to itself yet
    /// (`runtime.allocm`).
    pub(super) fn threads(self, address: u64, unborn: bool, steps: &mut usize) -> Option<List> {
        let layout = &self.layout.m;
        let mut seen = FxHashSet::default();
        let (mut at, mut items, mut sound) = (self.memory.u64(address).unwrap_or(0), Vec::new(), 0);
        while at != 0 {
            let scheduler = self.word(at, layout.g0)?;
            let back = if scheduler == 0 { 0 } else { self.word(scheduler, self.layout.g.thread)? };
            if !(back == at || back == 0 && unborn) || !seen.insert(at) || *steps == 0 {
                return None;
            }
            *steps -= 1;
            sound += usize::from(back == at);
            items.push(at);
            at = self.word(at, layout.next)?;
        }
        (sound > 0).then_some(List { address, items })
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

    /// `semtable`: every tree of it begins with somebody who waits for a semaphore that belongs into it
    /// (`semTable.rootFor`).
    pub(super) fn semaphores(self, address: u64) -> Option<Array> {
        let (root, waiter) = (self.layout.semaphores?, self.layout.waiter?);
        let element = waiter.element_address.unwrap_or(waiter.element);
        let fits = |index: u64| {
            let tree = self.word(address.checked_add(index * SEMAPHORE_STRIDE)?, root.tree)?;
            Some(tree == 0 || self.word(tree, element)? / 8 % SEMAPHORE_ROOTS == index)
        };
        let whole = (0..SEMAPHORE_ROOTS).all(|index| fits(index) == Some(true));
        whole.then_some(Array { address, len: SEMAPHORE_ROOTS, stride: SEMAPHORE_STRIDE })
    }

    /// The list of blocks of memory that the word at `address` starts, each of `bytes` and with the address of the next
    /// at `next`: how many; `None` when one of them is not there.
    pub(super) fn chunks(self, address: u64, next: u64, bytes: u64) -> Option<usize> {
        let mut at = self.memory.u64(address).ok()?;
        let mut seen = FxHashSet::default();
        while at != 0 {
            if !self.memory.is_mapped(at, bytes) || !seen.insert(at) || seen.len() > MAX_CHUNKS {
                return None;
            }
            at = self.memory.u64(at.checked_add(next)?).ok()?;
        }
        Some(seen.len())
    }
}
