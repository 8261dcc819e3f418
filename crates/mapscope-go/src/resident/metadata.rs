//! Memory that the runtime mapped for itself, found through its own variables.
//!
//! Follows every caller of `sysAlloc`, `sysMap` and `mmap` in `runtime`: blocks of `persistentalloc`, arena structures
//! and their index, summaries and bitmaps of the page allocator, the array of all spans, mark and allocation bits, the
//! profiler's table, queues of the collector (1.26 and later), state of `getrandom` (1.24 and later). Buffers of an
//! execution trace that is being recorded, and tables of more than 64 KiB that were outgrown, are not found: they count
//! as other memory.

use std::cell::Cell;
use std::ops::Range;

use mapscope_memory::Memory;
use rustc_hash::FxHashSet;

use super::slice;
use crate::dwarf::{Dwarf, DwarfIndex};
use crate::heap::{ARENA, Heap};
use crate::roots::Context;
use crate::runtime::{Accounts, DebugOffsets, read_structure};

/// Bytes of a page of the system.
const PAGE: u64 = 4096;
/// `arenaBaseOffset` on amd64: where arena 0 begins.
const ARENA_BASE: u64 = 0xffff_8000_0000_0000;
/// Arenas that fit into the address space: elements of the index (`1 << arenaL2Bits`).
const ARENAS: u64 = 1 << 22;
/// `persistentChunkSize`.
pub(crate) const PERSISTENT_CHUNK: u64 = 256 << 10;
/// `gcBitsChunkBytes`.
pub(crate) const BITS_CHUNK: u64 = 64 << 10;
/// `buckHashSize` pointers.
const PROFILE_TABLE: u64 = 179_999 * 8;
/// Elements of a second-level table of the page allocator (`1 << pallocChunksL2Bits`).
pub(super) const PAGE_TABLE: u64 = 1 << 13;
/// Elements of a list that are followed.
const MAX_LIST: usize = 1 << 20;
/// System stacks are not larger than this.
const MAX_STACK: u64 = 1 << 30;

/// Addresses of the runtime's variables that lead to its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Variables {
    /// `persistentChunks`.
    pub(crate) persistent: u64,
    /// `buckhash`.
    pub(crate) profile: u64,
    /// Heads of the four lists of `gcBitsArenas`.
    pub(crate) bits: [u64; 4],
    pub(crate) work: u64,
    /// `memstats`.
    pub(crate) statistics: u64,
    /// `gcController`.
    pub(crate) controller: u64,
    /// The slice of `getrandom` states.
    pub(crate) random: Option<u64>,
}

impl Variables {
    /// Finds them; `None` when the debug information lacks one.
    pub(crate) fn find<'d>(dwarf: &Dwarf<'d>, index: &DwarfIndex<'d>) -> Option<Self> {
        let global = |name| index.global(name).ok();
        let field = |name, path| DebugOffsets { dwarf, index }.field_of_global(name, path).ok();
        let bits = |list| field("runtime.gcBitsArenas", list);
        Some(Self {
            persistent: global("runtime.persistentChunks")?,
            profile: global("runtime.buckhash")?,
            bits: [bits("free")?, bits("next")?, bits("current")?, bits("previous")?],
            work: global("runtime.work")?,
            statistics: global("runtime.memstats")?,
            controller: global("runtime.gcController")?,
            random: field("runtime.vgetrandomAlloc", "states"),
        })
    }
}

/// What the runtime's variables lead to.
#[derive(Debug, Default)]
pub(super) struct Metadata {
    /// Ranges outside the heap, in no order.
    pub(super) ranges: Vec<Range<u64>>,
    /// System stacks, wherever they are.
    pub(super) stacks: Vec<Range<u64>>,
    /// `mspan`s of spans managed by hand that are no stacks.
    pub(super) manual: FxHashSet<u64>,
    /// Lists and tables that lead to memory that is not there, or back to themselves.
    pub(super) broken: u64,
}

/// Follows all variables. `None` when the layout of the structures is not known.
pub(super) fn read(context: &Context<'_>, heap: &Heap, variables: &Variables) -> Option<Metadata> {
    let accounts = context.layout.accounts.as_ref()?;
    let reader = Reader { context, memory: context.memory, accounts, broken: Cell::new(0) };
    let mut found = Metadata::default();
    reader.lists(variables, &mut found);
    reader.arenas(&mut found);
    reader.page_allocator(&mut found);
    reader.threads(&mut found);
    reader.random_states(variables, &mut found);
    reader.manual_spans(heap, variables, &mut found);
    found.broken = reader.broken.get();
    Some(found)
}

/// The numbers of arenas in a slice of the runtime.
pub(super) fn arena_indices(memory: &dyn Memory, at: u64) -> Vec<u64> {
    let Some((array, len, _)) = slice(memory, at) else { return Vec::new() };
    let mut indices = words(memory, array, len.min(ARENAS));
    indices.retain(|i| *i < ARENAS);
    indices
}

/// The address of an arena (`arenaBase`).
pub(super) fn arena_start(index: u64) -> u64 {
    index.wrapping_mul(ARENA).wrapping_add(ARENA_BASE)
}

struct Reader<'r, 'c> {
    context: &'r Context<'c>,
    memory: &'r dyn Memory,
    accounts: &'r Accounts,
    broken: Cell<u64>,
}

impl Reader<'_, '_> {
    fn word(&self, at: u64) -> u64 {
        self.memory.u64(at).unwrap_or(0)
    }

    /// The addresses of a list whose head is stored at `head`; each element has the next at `next`. It is broken at the
    /// first element that cannot be read or comes again.
    fn list(&self, head: u64, next: u64) -> Vec<u64> {
        let mut seen = FxHashSet::default();
        let mut found = Vec::new();
        let mut link = head;
        while found.len() < MAX_LIST {
            match self.memory.u64(link) {
                Ok(0) => return found,
                Ok(at) if seen.insert(at) => {
                    found.push(at);
                    link = at.wrapping_add(next);
                }
                _ => break,
            }
        }
        self.broken.set(self.broken.get() + 1);
        found
    }

    /// `count` words of a table; none when they cannot be read.
    fn words(&self, at: u64, count: u64) -> Vec<u64> {
        let found = words(self.memory, at, count);
        self.broken.set(self.broken.get() + u64::from(found.len() as u64 != count));
        found
    }

    /// Adds a range that the runtime mapped as a whole. One that lacks a part is broken.
    fn add(&self, found: &mut Metadata, start: u64, bytes: u64) {
        let is_lost = start != 0 && bytes > 0 && !self.memory.is_mapped(start, bytes);
        self.broken.set(self.broken.get() + u64::from(is_lost));
        found.add(start, bytes);
    }

    /// The whole array of a slice, as [`Reader::add`].
    fn add_slice(&self, found: &mut Metadata, at: u64, element: u64) {
        if let Some((array, _, capacity)) = slice(self.memory, at) {
            self.add(found, array, capacity.saturating_mul(element));
        }
    }

    fn lists(&self, variables: &Variables, found: &mut Metadata) {
        for chunk in self.list(variables.persistent, 0) {
            self.add(found, chunk, PERSISTENT_CHUNK);
        }
        for head in variables.bits {
            for chunk in self.list(head, self.accounts.bits_arena.next.offset) {
                self.add(found, chunk, BITS_CHUNK);
            }
        }
        self.add(found, self.word(variables.profile), PROFILE_TABLE);
        if let (Some(queues), Some(queue)) = (self.accounts.work.queues, self.accounts.span_queue) {
            for at in self.list(variables.work.wrapping_add(queues.offset), queue.next.offset) {
                let capacity = self.memory.u32(at.wrapping_add(queue.capacity.offset)).unwrap_or(0);
                self.add(found, self.word(at.wrapping_add(queue.ring.offset)), u64::from(capacity) * 8);
            }
        }
    }

    /// Structures of the arenas, their index, and the array of all spans.
    fn arenas(&self, found: &mut Metadata) {
        let heap = &self.context.layout.heap;
        let index = self.word(self.context.mheap.wrapping_add(heap.arenas.offset));
        self.add(found, index, ARENAS * 8);
        for field in [heap.all_arenas, heap.heap_arenas, heap.user_arenas].into_iter().flatten() {
            let at = self.context.mheap.wrapping_add(field.offset);
            self.add_slice(found, at, 8);
            for arena in arena_indices(self.memory, at) {
                self.add(found, self.word(index.wrapping_add(arena * 8)), self.context.layout.arena.size);
            }
        }
        self.add_slice(found, self.context.mheap.wrapping_add(heap.all_spans.offset), 8);
    }

    fn page_allocator(&self, found: &mut Metadata) {
        let pages = &self.accounts.pages;
        let at = |offset: u64| self.context.mheap.wrapping_add(offset);
        // Of these, most is reserved and not mapped.
        for level in 0..(pages.summary.size / 24).min(8) {
            found.add_slice(self.memory, at(pages.summary.offset + level * 24), 8);
        }
        found.add_slice(self.memory, at(pages.scavenge_index.offset), 8);
        self.add_slice(found, at(pages.in_use.offset), 16);
        for table in self.words(at(pages.chunks.offset), (pages.chunks.size / 8).min(PAGE_TABLE)) {
            self.add(found, table, PAGE_TABLE * self.accounts.page_bits.size);
        }
    }

    /// Stacks on which threads run Go's scheduler, and C.
    fn threads(&self, found: &mut Metadata) {
        let (m, g) = (&self.context.layout.m, &self.context.layout.g);
        for thread in self.list(self.context.globals.all_threads, m.next.offset) {
            let system = self.word(thread.wrapping_add(m.g0.offset));
            let bound = |field: crate::runtime::Field| self.word(system.wrapping_add(field.offset));
            let (low, high) = (bound(g.stack_lo), bound(g.stack_hi));
            if low != 0 && low < high && high - low <= MAX_STACK {
                found.stacks.push(low / PAGE * PAGE..high.checked_next_multiple_of(PAGE).unwrap_or(high));
            }
            if let Some(state) = m.random_state {
                found.add(self.word(thread.wrapping_add(state.offset)) / PAGE * PAGE, PAGE);
            }
        }
    }

    /// The states that no thread has taken; elements beyond the length are those that were.
    fn random_states(&self, variables: &Variables, found: &mut Metadata) {
        let Some((array, _, capacity)) = variables.random.and_then(|at| slice(self.memory, at)) else { return };
        for state in self.words(array, capacity.min(MAX_LIST as u64)) {
            found.add(state / PAGE * PAGE, PAGE);
        }
    }

    /// Spans of work buffers, and up to 1.23 those with pointer bitmaps of large objects: the object's type is in them.
    fn manual_spans(&self, heap: &Heap, variables: &Variables, found: &mut Metadata) {
        let work = &self.accounts.work;
        if let Some(next) = self.context.layout.span.next {
            for list in [work.free, work.busy] {
                found.manual.extend(self.list(variables.work.wrapping_add(list.offset), next.offset));
            }
        }
        if self.accounts.delta.bitmaps.is_some() {
            let manual = &heap.spans.manual;
            for span in heap.spans.spans.iter().filter(|s| s.large_type != 0) {
                let index = manual.partition_point(|m| m.start + m.bytes <= span.large_type);
                found.manual.extend(manual.get(index).filter(|m| m.start <= span.large_type).map(|m| m.pointer));
            }
        }
    }
}

impl Metadata {
    fn add(&mut self, start: u64, bytes: u64) {
        if start != 0 && bytes > 0 {
            self.ranges.push(start..start.saturating_add(bytes).checked_next_multiple_of(PAGE).unwrap_or(u64::MAX));
        }
    }

    /// The whole array of a slice, with the elements that have room.
    fn add_slice(&mut self, memory: &dyn Memory, at: u64, element: u64) {
        if let Some((array, _, capacity)) = slice(memory, at) {
            self.add(array, capacity.saturating_mul(element));
        }
    }
}

/// `count` words at `at`; none when they cannot be read.
pub(super) fn words(memory: &dyn Memory, at: u64, count: u64) -> Vec<u64> {
    let bytes = read_structure(memory, at, count.saturating_mul(8)).unwrap_or_default();
    bytes.chunks_exact(8).map(|b| u64::from_le_bytes(b.try_into().unwrap_or_default())).collect()
}
