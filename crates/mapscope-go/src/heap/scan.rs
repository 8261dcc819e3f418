//! The edges of the heap: every pointer of every allocated object, by the runtime's own bitmaps.
//!
//! Follows `runtime/mbitmap.go`: one bit per word in the arena's bitmap in 1.21; from 1.22 a bitmap at the end of the
//! span for objects up to 512 bytes, a type in front of the object above, and the span's own type for large objects.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use mapscope_heap::{EdgeRows, HeapGraph};
use mapscope_memory::{Figure, Memory, Partial};
use rayon::prelude::*;

use super::{ARENA, MAX_IN_SPAN, Masks, Span, SpanTable};
use crate::GoError;
use crate::runtime::Layout;
use crate::types::TypeTable;

/// Bytes of spans that one worker handles at a time, and bytes of a large object read at once.
pub(crate) const CHUNK: u64 = 4 << 20;
/// Pieces of a large object that are read before any is looked at: one may say that there is nothing behind it.
const WINDOWS: usize = 32;

/// The scanned heap, typed as far as the objects themselves say.
pub(crate) struct Heap {
    pub(crate) spans: SpanTable,
    pub(crate) graph: HeapGraph,
    /// Runs of spans that are handled together.
    pub(crate) chunks: Vec<Range<usize>>,
    /// Allocated objects that have pointers by their span, and none by the runtime's bitmaps or types.
    pub(crate) unmapped: u64,
}

/// Reads every span once and builds the graph. Spans whose bytes are missing get no edges, and `partial` says so.
pub(crate) fn scan(
    memory: &dyn Memory,
    layout: &Layout,
    mheap: u64,
    types: &TypeTable<'_>,
    spans: SpanTable,
    partial: &mut Partial,
) -> Result<Heap, GoError> {
    let column: Vec<AtomicU32> = (0..spans.blocks.len()).map(|_| AtomicU32::new(0)).collect();
    let chunks = chunks(&spans);
    let scanner = Scanner { memory, layout, mheap, types, spans: &spans, column: &column };
    let done: Vec<Scanned> = chunks.par_iter().map(|chunk| scanner.chunk(chunk.clone())).collect();
    let missing: u64 = done.iter().map(|d| d.missing).sum();
    let unmapped = done.iter().map(|d| d.unmapped).sum();
    if missing > 0 {
        partial
            .add(Figure::Live, format!("the bytes of {missing} heap spans are missing; their pointers are not known"));
    }
    let rows = done.into_iter().map(|d| d.rows).collect();
    let mut graph = HeapGraph::with_types(spans.blocks.clone(), rows, column)?;
    graph.allocated = Arc::clone(&spans.allocated);
    Ok(Heap { spans, graph, chunks, unmapped })
}

/// Offsets, in words from its start, of the pointers of a small object by the heap's own bitmap. `None` where a type in
/// front of the object says it, or where it is not small.
pub(crate) fn pointer_words(
    memory: &dyn Memory,
    layout: &Layout,
    mheap: u64,
    spans: &SpanTable,
    (object, span_index): (u32, usize),
) -> Option<Vec<u32>> {
    let span = &spans.spans[span_index];
    if span.noscan || span.large || span.elem_size > MAX_IN_SPAN {
        return None;
    }
    let start = spans.blocks.blocks()[span_index].address(object);
    let mut words = Vec::new();
    if !spans.headers {
        ArenaBits::read(memory, layout, mheap, start, span.elem_size)?.pointers(0, span.elem_size, |at| {
            words.push((at / 8) as u32);
        });
        return Some(words);
    }
    let bitmap = span.start + bitmap_offset(layout, span);
    let first = (start - span.start) / 8;
    for word in 0..span.elem_size / 8 {
        let at = first + word;
        if memory.u8(bitmap + at / 8).ok()? >> (at % 8) & 1 == 1 {
            words.push(word as u32);
        }
    }
    Some(words)
}

/// Where in a span of small objects its bitmap begins: a bit for each word, in the last bytes (`heapBitsInSpan`). Green
/// Tea keeps mark bits behind it in spans of 16 to 512 byte objects.
pub(super) fn bitmap_offset(layout: &Layout, span: &Span) -> u64 {
    let marks = if (16..=MAX_IN_SPAN).contains(&span.elem_size) { layout.inline_mark_bytes } else { 0 };
    (span.bytes - span.bytes / 64).saturating_sub(marks)
}

/// Consecutive spans of at most [`CHUNK`] bytes; a larger span is a chunk of its own.
fn chunks(spans: &SpanTable) -> Vec<Range<usize>> {
    let mut chunks = Vec::new();
    let (mut from, mut bytes) = (0, 0);
    for (index, span) in spans.spans.iter().enumerate() {
        if index > from && bytes + span.bytes > CHUNK {
            chunks.push(from..index);
            (from, bytes) = (index, 0);
        }
        bytes += span.bytes;
    }
    if from < spans.spans.len() {
        chunks.push(from..spans.spans.len());
    }
    chunks
}

/// What was found in a run of spans.
struct Scanned {
    rows: EdgeRows,
    /// Spans that could not be read.
    missing: u64,
    unmapped: u64,
}

struct Scanner<'s, 't> {
    memory: &'s dyn Memory,
    layout: &'s Layout,
    mheap: u64,
    types: &'s TypeTable<'t>,
    spans: &'s SpanTable,
    column: &'s [AtomicU32],
}

impl Scanner<'_, '_> {
    fn chunk(&self, chunk: Range<usize>) -> Scanned {
        let first = self.spans.blocks.blocks()[chunk.start].first;
        let mut rows = EdgeRows::new(first);
        let mut missing = 0;
        let mut worker = Worker { masks: Masks::default(), scratch: Vec::new(), unmapped: 0 };
        for index in chunk.clone() {
            let span = &self.spans.spans[index];
            if span.noscan {
                rows.skip_rows(span.elems);
            } else if self.span(index, span, &mut rows, &mut worker).is_err() {
                missing += 1;
            }
        }
        self.spans.release(self.memory, chunk);
        rows.shrink();
        Scanned { rows, missing, unmapped: worker.unmapped }
    }

    /// Adds a row for each object of a span, also when it fails.
    fn span(&self, index: usize, span: &Span, rows: &mut EdgeRows, worker: &mut Worker) -> Result<(), GoError> {
        if span.large {
            let result = self.large(index, span, rows, worker);
            rows.end_row();
            return result;
        }
        let Worker { masks, scratch, unmapped } = worker;
        let bytes = match self.memory.bytes(span.start, span.bytes as usize, scratch) {
            Ok(bytes) => bytes,
            Err(e) => {
                rows.skip_rows(span.elems);
                return Err(e.into());
            }
        };
        if !self.spans.headers {
            let Some(bits) = ArenaBits::read(self.memory, self.layout, self.mheap, span.start, span.bytes) else {
                rows.skip_rows(span.elems);
                return Err(GoError::inconsistent("runtime.heapArena", span.start, "its bitmap could not be read"));
            };
            self.slots(index, span, rows, |slot, edges| {
                let (from, mut any) = (slot * span.elem_size, false);
                bits.pointers(from, span.elem_size, |at| {
                    any = true;
                    edges(word(bytes, at));
                });
                *unmapped += u64::from(!any);
            });
        } else if span.elem_size <= MAX_IN_SPAN {
            let bitmap = bitmap_offset(self.layout, span).min(bytes.len() as u64);
            self.slots(index, span, rows, |slot, edges| {
                let (from, mut any) = (slot * span.elem_size, false);
                set_bits(&bytes[bitmap as usize..], from / 8, span.elem_size / 8, |w| {
                    any = true;
                    edges(word(bytes, from + w * 8));
                });
                *unmapped += u64::from(!any);
            });
        } else {
            let first = self.spans.blocks.blocks()[index].first;
            self.slots(index, span, rows, |slot, edges| {
                let from = slot * span.elem_size;
                let descriptor = word(bytes, from);
                let room = span.elem_size - 8;
                let mask = masks.of(self.types, descriptor, room);
                self.note_type(first + slot as u32, descriptor, &mask, room);
                *unmapped += u64::from(mask.pointers.is_empty());
                tile(&mask, room, 0..room, |at| edges(word(bytes, from + 8 + at)));
            });
        }
        Ok(())
    }

    /// The object's own word on its type. It names the element: whether there is one or a row of them, the room says.
    fn note_type(&self, object: u32, descriptor: u64, mask: &super::Mask, room: u64) {
        if mask.stride > 0 {
            let ty = self.types.descriptor(descriptor);
            let ty = if room / (mask.stride * 8) > 1 { self.types.row(ty) } else { ty };
            self.column[object as usize].store(ty.0, Relaxed);
        }
    }

    fn slots(&self, index: usize, span: &Span, rows: &mut EdgeRows, mut slot: impl FnMut(u64, &mut dyn FnMut(u64))) {
        let first = self.spans.blocks.blocks()[index].first;
        for i in 0..span.elems {
            if self.spans.allocated.contains((first + i) as usize) {
                slot(u64::from(i), &mut |value| self.edge(value, rows));
            }
            rows.end_row();
        }
    }

    #[inline]
    fn edge(&self, value: u64, rows: &mut EdgeRows) {
        if let Some(target) = self.target(value) {
            rows.push_edge(target);
        }
    }

    /// The allocated object that a word leads to.
    #[inline]
    fn target(&self, value: u64) -> Option<u32> {
        let (target, _) = self.spans.blocks.find(value).filter(|_| value != 0)?;
        self.spans.allocated.contains(target.0 as usize).then_some(target.0)
    }

    /// A large object, its windows in parallel: there may be little else.
    fn large(&self, index: usize, span: &Span, rows: &mut EdgeRows, worker: &mut Worker) -> Result<(), GoError> {
        let object = self.spans.blocks.blocks()[index].first as usize;
        if !self.spans.allocated.contains(object) {
            return Ok(());
        }
        let mask = worker.masks.of(self.types, span.large_type, span.elem_size);
        if self.spans.says_type(span) {
            self.note_type(object as u32, span.large_type, &mask, span.elem_size);
        }
        let of_window = |scratch: &mut Vec<u8>, window: Range<u64>| {
            let found = self.window(span, &mask, window.clone(), scratch);
            self.memory.release(span.start + window.start, (window.end - window.start) as usize);
            found
        };
        let mut windows = windows(span);
        loop {
            let some: Vec<Range<u64>> = windows.by_ref().take(WINDOWS).collect();
            if some.is_empty() {
                return Ok(());
            }
            let found: Vec<_> = some.into_par_iter().map_init(Vec::new, of_window).collect();
            for window in found {
                let (targets, goes_on) = window?;
                for target in targets {
                    rows.push_edge(target);
                }
                if !goes_on {
                    return Ok(());
                }
            }
        }
    }

    /// What a window of a large object points to, and whether there can be pointers behind it.
    fn window(
        &self,
        span: &Span,
        mask: &super::Mask,
        window: Range<u64>,
        scratch: &mut Vec<u8>,
    ) -> Result<(Vec<u32>, bool), GoError> {
        let (start, len) = (span.start + window.start, window.end - window.start);
        let bytes = self.memory.bytes(start, len as usize, scratch)?;
        let mut targets = Vec::new();
        let mut goes_on = true;
        if self.spans.headers {
            let from = window.start;
            tile(mask, span.elem_size, window, |at| targets.extend(self.target(word(bytes, at - from))));
        } else if let Some(bits) = ArenaBits::read(self.memory, self.layout, self.mheap, start, len) {
            goes_on = bits.pointers(0, len, |at| targets.extend(self.target(word(bytes, at))));
        }
        Ok((targets, goes_on))
    }
}

/// Pieces of a large object, none over the end of an arena: there its bitmap ends.
pub(super) fn windows(span: &Span) -> impl Iterator<Item = Range<u64>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let arena_rest = ARENA - (span.start + at) % ARENA;
        let window = at..at + CHUNK.min(span.elem_size - at).min(arena_rest);
        at = window.end;
        (window.start < window.end).then_some(window)
    })
}

struct Worker {
    masks: Masks,
    scratch: Vec<u8>,
    unmapped: u64,
}

/// The little-endian word at `at`; 0 beyond the end.
#[inline]
pub(crate) fn word(bytes: &[u8], at: u64) -> u64 {
    let at = at as usize;
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// Calls `sink` with each of the `count` bits from bit `first` on that is set, counted from there. There are none beyond the
/// end.
#[inline]
pub(super) fn set_bits(bytes: &[u8], first: u64, count: u64, mut sink: impl FnMut(u64)) {
    let mut at = 0;
    while at < count {
        let position = first + at;
        let valid = (64 - position % 8).min(count - at);
        // The last bytes of a bitmap are fewer than a word.
        let start = ((position / 8) as usize).min(bytes.len());
        let mut bits = match bytes[start..].first_chunk() {
            Some(word) => u64::from_le_bytes(*word),
            None => bytes[start..].iter().rev().fold(0, |bits, byte| bits << 8 | u64::from(*byte)),
        };
        bits >>= position % 8;
        if valid < 64 {
            bits &= (1 << valid) - 1;
        }
        while bits != 0 {
            sink(at + u64::from(bits.trailing_zeros()));
            bits &= bits - 1;
        }
        at += valid;
    }
}

/// Calls `sink` with the offset of each pointer in `window`, where values of the mask's type fill `room` bytes.
pub(super) fn tile(mask: &super::Mask, room: u64, window: Range<u64>, mut sink: impl FnMut(u64)) {
    if mask.stride == 0 || mask.pointers.is_empty() {
        return;
    }
    let stride = mask.stride * 8;
    let mut elem = window.start / stride * stride;
    while elem < window.end.min(room) {
        for pointer in &mask.pointers {
            let at = elem + u64::from(*pointer) * 8;
            if at >= window.end || at + 8 > room {
                break;
            }
            if at >= window.start {
                sink(at);
            }
        }
        elem += stride;
    }
}

/// The pointer bits of a range of an arena, Go 1.21: one bit per word, and one byte-packed bit per bitmap word that
/// says that the object has no pointers after it, whatever the bits say.
pub(super) struct ArenaBits {
    /// Word of the arena that the range starts at.
    first: u64,
    bitmap: Vec<u8>,
    no_more: Vec<u8>,
    /// Bitmap word that `bitmap` starts at.
    base: u64,
}

impl ArenaBits {
    /// Reads the bits of `start..start + len`, which lies in one arena.
    pub(super) fn read(memory: &dyn Memory, layout: &Layout, mheap: u64, start: u64, len: u64) -> Option<Self> {
        let (bitmap, no_more) = (layout.arena.bitmap?, layout.arena.no_more_ptrs?);
        // linux/amd64: one first-level entry; arena numbers count from -2^47.
        let number = start.wrapping_add(1 << 47) / ARENA;
        let second = memory.u64(mheap.wrapping_add(layout.heap.arenas.offset)).ok()?;
        let arena = memory.u64(second.checked_add(number.checked_mul(8)?)?).ok()?;
        let first = start % ARENA / 8;
        let words = len / 8;
        let (base, end) = (first / 64, (first + words).div_ceil(64));
        let mut bits = Self { first, base, bitmap: vec![0; ((end - base) * 8) as usize], no_more: Vec::new() };
        memory.read_into(arena.checked_add(bitmap.offset + base * 8)?, &mut bits.bitmap).ok()?;
        bits.no_more = vec![0; (end.div_ceil(8) - base / 8) as usize];
        memory.read_into(arena.checked_add(no_more.offset + base / 8)?, &mut bits.no_more).ok()?;
        Some(bits)
    }

    /// Calls `sink` with the offset of each pointer of the object at `from..from + len` of the range. Returns false
    /// when the object has no pointers after the range.
    pub(super) fn pointers(&self, from: u64, len: u64, mut sink: impl FnMut(u64)) -> bool {
        let (mut at, end) = (from / 8, (from + len) / 8);
        while at < end {
            let position = self.first + at;
            let (index, bit) = (position / 64, position % 64);
            let valid = (64 - bit).min(end - at);
            let mut bits = word(&self.bitmap, (index - self.base) * 8) >> bit;
            if valid < 64 {
                bits &= (1 << valid) - 1;
            }
            while bits != 0 {
                sink((at + u64::from(bits.trailing_zeros())) * 8);
                bits &= bits - 1;
            }
            let stop =
                self.no_more.get((index / 8 - self.base / 8) as usize).is_some_and(|b| b >> (index % 8) & 1 == 1);
            if stop && 64 - bit < end - at {
                return false;
            }
            at += valid;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::heap::Mask;

    #[test]
    fn masks_tile_to_the_end_of_the_object_and_not_beyond() {
        let mask = Mask { stride: 3, pointers: vec![0, 2] };
        let mut all = Vec::new();
        tile(&mask, 64, 0..64, |at| all.push(at));
        assert_eq!(all, [0, 16, 24, 40, 48], "the last value is cut after one word and a half");
        let mut windows = Vec::new();
        for from in (0..64).step_by(16) {
            tile(&mask, 64, from..from + 16, |at| windows.push(at));
        }
        assert_eq!(windows, all);
    }

    #[test]
    fn bits_are_found_wherever_they_start_and_none_beyond_the_end() {
        let bytes: Vec<u8> = (0..21u32).map(|i| (i * 89 + 7) as u8).collect();
        let all: Vec<u64> = (0..21 * 8).filter(|b| bytes[(b / 8) as usize] >> (b % 8) & 1 == 1).collect();
        for first in 0..180 {
            for count in [0, 1, 7, 8, 57, 63, 64, 65, 128, 400] {
                let mut found = Vec::new();
                set_bits(&bytes, first, count, |bit| found.push(first + bit));
                let expected: Vec<u64> = all.iter().copied().filter(|b| (first..first + count).contains(b)).collect();
                assert_eq!(found, expected, "{count} from {first}");
            }
        }
    }

    #[test]
    fn stale_bits_after_the_last_pointer_are_not_read() {
        // Three bitmap words of ones; the first says that nothing follows it.
        let bits = ArenaBits { first: 0, base: 0, bitmap: vec![0xff; 24], no_more: vec![0b1] };
        let mut seen = Vec::new();
        assert!(!bits.pointers(0, 1024, |at| seen.push(at)));
        assert_eq!(seen.len(), 64);
        seen.clear();
        assert!(bits.pointers(512, 512, |at| seen.push(at)), "an object that starts behind it is not affected");
        assert_eq!(seen.len(), 64);
        seen.clear();
        assert!(bits.pointers(0, 64, |at| seen.push(at)), "an object that ends inside the word is whole");
        assert_eq!(seen.len(), 8);
    }
}
