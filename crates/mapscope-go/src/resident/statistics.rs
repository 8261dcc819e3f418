//! The runtime's own figures: the counters behind `runtime.MemStats`, and the totals of its page bitmaps.

use mapscope_memory::Memory;
use rustc_hash::FxHashSet;

use super::metadata::{PAGE_TABLE, Variables, words};
use super::slice;
use crate::heap::{Heap, PAGE};
use crate::roots::Context;
use crate::runtime::Field;

/// Pages of one element of the page allocator's tables (`pallocChunkPages`).
const CHUNK_PAGES: u64 = 512;
/// First address of chunk 0 (`arenaBaseOffset`).
const CHUNKS_BASE: u64 = 0xffff_8000_0000_0000;
/// Ranges of the heap's address space that are looked at.
const MAX_RANGES: u64 = 1 << 16;
/// Chunks of one range that are looked at: 16 TiB.
const MAX_CHUNKS: u64 = 1 << 22;
/// Words of a bitmap of one chunk.
const BITMAP: usize = (CHUNK_PAGES / 64) as usize;

/// Counters of the runtime as `runtime.ReadMemStats` computes its fields from them; they mean the same. In bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RuntimeStatistics {
    /// `HeapSys`.
    pub heap_sys: u64,
    /// `HeapIdle`.
    pub heap_idle: u64,
    /// `HeapInuse`.
    pub heap_inuse: u64,
    /// `HeapReleased`.
    pub heap_released: u64,
    /// `StackInuse`.
    pub stack_inuse: u64,
    /// `StackSys`.
    pub stack_sys: u64,
    /// `MSpanInuse`.
    pub mspan_inuse: u64,
    /// `MSpanSys`.
    pub mspan_sys: u64,
    /// `MCacheInuse`.
    pub mcache_inuse: u64,
    /// `MCacheSys`.
    pub mcache_sys: u64,
    /// `BuckHashSys`.
    pub buckhash_sys: u64,
    /// `GCSys`.
    pub gc_sys: u64,
    /// `OtherSys`.
    pub other_sys: u64,
}

/// The heap's pages by what the runtime's structures, not its counters, say of them; resident or not. In bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PageTotals {
    /// Spans with objects: `HeapInuse`.
    pub in_use: u64,
    /// Spans for stacks: `StackInuse`.
    pub stacks: u64,
    /// Spans that the runtime uses for itself: part of `GCSys`.
    pub own: u64,
    /// In no span: `HeapIdle`.
    pub idle: u64,
    /// Of the idle ones, those returned to the system: `HeapReleased`.
    pub released: u64,
}

/// Reads the counters. `None` when their layout is not known or they cannot be read.
pub(super) fn read(context: &Context<'_>, variables: &Variables) -> Option<RuntimeStatistics> {
    let (memory, accounts) = (context.memory, context.layout.accounts.as_ref()?);
    let number = |base: u64, field: Field| memory.u64(base.wrapping_add(field.offset)).ok();
    let (of, controller, delta) = (&accounts.statistics, &accounts.controller, &accounts.delta);
    let in_use = number(variables.controller, controller.in_use)?;
    let free = number(variables.controller, controller.free)?;
    let released = number(variables.controller, controller.released)?;
    let (mut stacks, mut buffers) = (0u64, 0u64);
    // Three copies, whose sum counts (`consistentHeapStats.unsafeRead`); in each one, what went may exceed what came.
    for copy in 0..of.deltas.size.checked_div(delta.size).unwrap_or(0).min(3) {
        let base = variables.statistics.wrapping_add(of.deltas.offset + copy * delta.size);
        stacks = stacks.wrapping_add(number(base, delta.stacks)?);
        for field in [Some(delta.work_buffers), delta.bitmaps].into_iter().flatten() {
            buffers = buffers.wrapping_add(number(base, field)?);
        }
    }
    let statistic = |field: Field| number(variables.statistics, field);
    Some(RuntimeStatistics {
        heap_sys: in_use.wrapping_add(free).wrapping_add(released),
        heap_idle: free.wrapping_add(released),
        heap_inuse: in_use,
        heap_released: released,
        stack_inuse: stacks,
        stack_sys: stacks.wrapping_add(statistic(of.stacks)?),
        mspan_inuse: number(context.mheap, accounts.pages.span_bytes)?,
        mspan_sys: statistic(of.spans)?,
        mcache_inuse: number(context.mheap, accounts.pages.cache_bytes)?,
        mcache_sys: statistic(of.caches)?,
        buckhash_sys: statistic(of.profile)?,
        gc_sys: statistic(of.collector)?.wrapping_add(buffers),
        other_sys: statistic(of.other)?,
    })
}

/// Adds up spans and page bitmaps. `own`: the `mspan`s of spans managed by hand that are no stacks.
pub(super) fn page_totals(context: &Context<'_>, heap: &Heap, own: &FxHashSet<u64>) -> Option<PageTotals> {
    let in_use = heap.spans.spans.iter().fold(0, |sum: u64, s| sum.saturating_add(s.bytes));
    let mut totals = PageTotals { in_use, ..PageTotals::default() };
    for span in &heap.spans.manual {
        let sum = if own.contains(&span.pointer) { &mut totals.own } else { &mut totals.stacks };
        *sum = sum.saturating_add(span.bytes);
    }
    let (taken, released) = bitmaps(context)?;
    let spans = totals.in_use.saturating_add(totals.stacks).saturating_add(totals.own);
    totals.idle = taken.saturating_sub(spans);
    totals.released = released;
    Some(totals)
}

/// Bytes that the page allocator manages, and those of them that were returned to the system. Pages that a processor has
/// in its cache are idle like the others, but their bits are in the cache.
fn bitmaps(context: &Context<'_>) -> Option<(u64, u64)> {
    let (memory, accounts) = (context.memory, context.layout.accounts.as_ref()?);
    let at = |field: Field| context.mheap.wrapping_add(field.offset);
    let tables = words(memory, at(accounts.pages.chunks), (accounts.pages.chunks.size / 8).min(PAGE_TABLE));
    let (array, count, _) = slice(memory, at(accounts.pages.in_use))?;
    let ranges = words(memory, array, count.min(MAX_RANGES) * 2);
    let (mut bytes, mut pages, mut last) = (0u64, 0u64, 0);
    for range in ranges.chunks_exact(2) {
        let chunk_of = |address: u64| address.wrapping_sub(CHUNKS_BASE) / (CHUNK_PAGES * PAGE);
        let (start, end) = (range[0].max(last), range[1]);
        if start >= end {
            continue;
        }
        last = end;
        bytes += end - start;
        // Both are multiples of a chunk (`pageAlloc.grow`).
        for chunk in chunk_of(start)..chunk_of(end).min(chunk_of(start).saturating_add(MAX_CHUNKS)) {
            let table = tables.get((chunk / PAGE_TABLE) as usize).copied().filter(|t| *t != 0)?;
            let element = table.wrapping_add(chunk % PAGE_TABLE * accounts.page_bits.size);
            pages += returned(memory, element.wrapping_add(accounts.page_bits.returned.offset))?;
        }
    }
    Some((bytes, (pages + cached(context)?).saturating_mul(PAGE)))
}

fn returned(memory: &dyn Memory, at: u64) -> Option<u64> {
    let mut bits = [0; BITMAP * 8];
    memory.read_into(at, &mut bits).ok()?;
    Some(bits.iter().map(|b| u64::from(b.count_ones())).sum())
}

/// Returned pages in the caches of processors.
fn cached(context: &Context<'_>) -> Option<u64> {
    let (memory, cache) = (context.memory, &context.layout.accounts.as_ref()?.page_cache);
    let (array, count, _) = slice(memory, context.globals.all_processors)?;
    let mut pages = 0;
    for processor in words(memory, array, count.min(MAX_RANGES)) {
        let bits = |field: Field| memory.u64(processor.wrapping_add(field.offset)).ok();
        pages += u64::from((bits(cache.pages)? & bits(cache.returned)?).count_ones());
    }
    Some(pages)
}
