//! `mheap_.allspans`: every span in use, with its allocation bits.

use std::sync::Arc;

use mapscope_heap::{BitSet, BlockTable};
use mapscope_memory::{Figure, Memory, Partial, TargetKind};

use super::arenas::{Arenas, Contradicted, Placed};
use super::{Allocator, MAX_IN_SPAN, PAGE};
use crate::GoError;
use crate::runtime::{Layout, read_structure};

/// `mSpanInUse`.
const IN_USE: u64 = 1;
/// `mSpanManual`.
const MANUAL: u64 = 2;
/// Bytes of `mspan` that are read; it has 160 in all versions.
const MAX_SPAN_STRUCT: u64 = 512;

/// One span in use.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    /// Address of its `mspan`.
    pub(crate) pointer: u64,
    pub(crate) start: u64,
    pub(crate) bytes: u64,
    pub(crate) elem_size: u64,
    pub(crate) elems: u32,
    /// Its objects hold no pointers.
    pub(crate) noscan: bool,
    /// Size class 0: one object of whole pages.
    pub(crate) large: bool,
    /// Type of the large object, from 1.22; 0 where there is none.
    pub(crate) large_type: u64,
    pub(crate) specials: u64,
}

/// What says which slots of a span are allocated.
#[derive(Clone, Copy)]
struct SlotsInUse {
    free_index: u64,
    alloc_bits: u64,
    /// How many the runtime counts; none where it is not known where it does.
    count: Option<u64>,
}

/// A span that the runtime allocates from by hand: stacks, work buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ManualSpan {
    /// Address of its `mspan`.
    pub(crate) pointer: u64,
    pub(crate) start: u64,
    pub(crate) bytes: u64,
}

/// Bytes between two spans that are released with them.
const MAX_GAP: u64 = 1 << 20;

/// All spans in use in address order, one [`mapscope_heap::Block`] each.
pub(crate) struct SpanTable {
    pub(crate) spans: Vec<Span>,
    /// By address.
    pub(crate) manual: Vec<ManualSpan>,
    pub(crate) blocks: BlockTable,
    pub(crate) allocated: Arc<BitSet>,
    /// Objects that the last collection kept.
    pub(crate) kept: BitSet,
    /// Spans whose allocated slots are not as many as the runtime counts.
    pub(crate) miscounted: u64,
    /// Spans of which the arenas' tables say something else; of a process, nobody asks them.
    pub(crate) contradicted: Contradicted,
    /// Types precede the objects of scannable spans above 512 bytes (from 1.22).
    pub(crate) headers: bool,
}

impl SpanTable {
    /// Reads all spans. What cannot be is left out, and `partial` says so.
    pub(crate) fn read(
        memory: &dyn Memory,
        layout: &Layout,
        mheap: u64,
        partial: &mut Partial,
    ) -> Result<Self, GoError> {
        let all = mheap.wrapping_add(layout.heap.all_spans.offset);
        let (array, count) = (memory.u64(all)?, memory.u64(all.wrapping_add(8))?);
        let len = count.checked_mul(8).filter(|l| memory.is_mapped(array, *l));
        let len = len.ok_or_else(|| GoError::inconsistent("mheap_.allspans", all, "it is not mapped"))?;
        let mut pointers: Vec<u64> = read_structure(memory, array, len)?
            .chunks_exact(8)
            .map(|b| u64::from_le_bytes(b.try_into().unwrap_or_default()))
            .collect();
        // The runtime makes room for a span before it writes its address (`recordspan`), and uses it only later.
        if pointers.last() == Some(&0) {
            pointers.pop();
        }
        if pointers.is_empty() {
            return Err(GoError::empty("mheap_.allspans", all));
        }
        let (mut spans, mut manual) = (Vec::new(), Vec::new());
        let mut unreadable = 0u64;
        for pointer in pointers {
            match read_span(memory, layout, pointer) {
                Ok(Some(AnySpan::InUse(span, slots))) => spans.push((span, slots)),
                Ok(Some(AnySpan::Manual(span))) => manual.push(span),
                Ok(None) => {}
                Err(_) => unreadable += 1,
            }
        }
        manual.sort_by_key(|s| s.start);
        spans.sort_by_key(|s| s.0.start);
        let before = spans.len();
        let mut end = 0;
        spans.retain(|(s, _)| {
            let apart = s.start >= end;
            if apart {
                end = s.start + s.bytes;
            }
            apart
        });
        unreadable += (before - spans.len()) as u64;
        if unreadable > 0 {
            partial.add(
                Figure::Objects | Figure::Memory,
                format!("{unreadable} of {count} heap spans could not be read or make no sense; they are left out"),
            );
        }
        let (spans, slots): (Vec<Span>, Vec<SlotsInUse>) = spans.into_iter().unzip();
        let headers = layout.span.large_type.is_some() && layout.arena.bitmap.is_none();
        let blocks = BlockTable::new(spans.iter().map(|s| (s.start, s.elem_size, s.elems)).collect())?;
        let Allocation { allocated, kept, miscounted } = Allocation::read(memory, &blocks, &slots, partial);
        let mut table = Self {
            spans,
            manual,
            blocks,
            allocated: Arc::new(allocated),
            kept,
            miscounted,
            contradicted: Contradicted::default(),
            headers,
        };
        if memory.info().kind == TargetKind::Core {
            table.contradicted = Arenas::new(memory, layout, mheap).compare(table.placed());
        }
        Ok(table)
    }

    /// What the arenas' tables know of spans, of each.
    fn placed(&self) -> impl Iterator<Item = Placed> + '_ {
        let in_use = self.spans.iter().map(|s| Placed {
            pointer: s.pointer,
            start: s.start,
            bytes: s.bytes,
            specials: Some(s.specials != 0),
        });
        let manual =
            self.manual.iter().map(|s| Placed { pointer: s.pointer, start: s.start, bytes: s.bytes, specials: None });
        in_use.chain(manual)
    }

    /// Lets the target's pages of a run of spans go. What lies in small gaps between them goes too: each call interrupts all
    /// processors, so a few pages that have to come back are cheaper than another one.
    pub(crate) fn release(&self, memory: &dyn Memory, chunk: std::ops::Range<usize>) {
        let mut piece = 0..0;
        for span in &self.spans[chunk] {
            if span.start.saturating_sub(piece.end) > MAX_GAP {
                memory.release(piece.start, (piece.end - piece.start) as usize);
                piece = span.start..span.start;
            }
            piece.end = span.start + span.bytes;
        }
        memory.release(piece.start, (piece.end - piece.start) as usize);
    }

    /// Bytes of type header in front of each object of a span.
    pub(crate) fn header(&self, span: &Span) -> u64 {
        let has = self.headers && !span.noscan && !span.large && span.elem_size > MAX_IN_SPAN;
        if has { 8 } else { 0 }
    }

    /// Whether the objects of a span say of which type they are. Up to 1.23 a large one may have a copy of it, without a
    /// name, made for it alone in memory of the runtime's own: its mask, where the type has only a program for one
    /// (`heapSetType`).
    pub(crate) fn says_type(&self, span: &Span) -> bool {
        let made = |at: u64| {
            let index = self.manual.partition_point(|m| m.start + m.bytes <= at);
            self.manual.get(index).is_some_and(|m| m.start <= at)
        };
        self.headers && !span.noscan && if span.large { !made(span.large_type) } else { span.elem_size > MAX_IN_SPAN }
    }

    /// Which slots objects get.
    pub(crate) fn allocator(&self) -> Allocator {
        Allocator { headers: self.headers }
    }

    /// The allocated object that `address` points into, the offset in its slot, and the index of its span.
    #[inline]
    pub(crate) fn object(&self, address: u64) -> Option<(u32, u64, usize)> {
        let (index, object, offset) = self.blocks.locate(address)?;
        self.allocated.contains(object.0 as usize).then_some((object.0, offset, index))
    }
}

/// What the spans say of their slots.
struct Allocation {
    allocated: BitSet,
    kept: BitSet,
    miscounted: u64,
}

impl Allocation {
    /// The slots that are allocated: those before the free index, and those whose allocation bit is set. The bits are the
    /// mark bits of the last collection that the span was swept after.
    fn read(memory: &dyn Memory, blocks: &BlockTable, slots: &[SlotsInUse], partial: &mut Partial) -> Self {
        let (mut allocated, mut kept) = (BitSet::new(blocks.len()), BitSet::new(blocks.len()));
        let (mut bits, mut unreadable, mut miscounted) = (Vec::new(), 0u64, 0u64);
        for (block, SlotsInUse { free_index, alloc_bits, count }) in blocks.blocks().iter().zip(slots) {
            bits.clear();
            bits.resize((block.count as usize).div_ceil(8), 0);
            if memory.read_into(*alloc_bits, &mut bits).is_err() {
                unreadable += 1;
            }
            let mut found = 0;
            for slot in 0..block.count {
                let marked = bits[slot as usize / 8] >> (slot % 8) & 1 == 1;
                if marked || u64::from(slot) < *free_index {
                    found += 1;
                    allocated.insert((block.first + slot) as usize);
                }
                if marked {
                    kept.insert((block.first + slot) as usize);
                }
            }
            miscounted += u64::from(count.is_some_and(|count| count != found));
        }
        if unreadable > 0 {
            partial.add(
                Figure::Objects,
                format!(
                    "the allocation bits of {unreadable} heap spans could not be read; their free slots are counted as \
                     free"
                ),
            );
        }
        Self { allocated, kept, miscounted }
    }
}

enum AnySpan {
    InUse(Span, SlotsInUse),
    Manual(ManualSpan),
}

/// `None` for a span that is not in use.
fn read_span(memory: &dyn Memory, layout: &Layout, pointer: u64) -> Result<Option<AnySpan>, GoError> {
    let l = &layout.span;
    let mut bytes = [0; MAX_SPAN_STRUCT as usize];
    let bytes = &mut bytes[..l.size.min(MAX_SPAN_STRUCT) as usize];
    memory.read_into(pointer, bytes)?;
    let state = l.state.get(bytes);
    if state != IN_USE && state != MANUAL {
        return Ok(None);
    }
    let bad = |reason: &str| Err(GoError::inconsistent("runtime.mspan", pointer, reason));
    let (start, pages) = (l.start_addr.get(bytes), l.pages.get(bytes));
    let (elem_size, elems) = (l.elem_size.get(bytes), l.elems.get(bytes));
    let Some(size) = pages.checked_mul(PAGE).filter(|s| (1..1 << 46).contains(s)) else { return bad("its pages") };
    if state == MANUAL {
        let fits = start % PAGE == 0 && memory.is_mapped(start, size);
        return if fits {
            Ok(Some(AnySpan::Manual(ManualSpan { pointer, start, bytes: size })))
        } else {
            bad("its memory")
        };
    }
    if start % PAGE != 0 || !memory.is_mapped(start, size) || !holds_bytes(memory, start, size) {
        return bad("its memory is not there");
    }
    let class = l.span_class.get(bytes);
    if elem_size == 0 || elem_size % 8 != 0 || elems == 0 || elems > size / 8 || elem_size > size / elems {
        return bad("its objects do not fit");
    }
    let slots = SlotsInUse {
        free_index: l.free_index.get(bytes),
        alloc_bits: l.alloc_bits.get(bytes),
        count: l.alloc_count.map(|f| f.get(bytes)),
    };
    let span = Span {
        pointer,
        start,
        bytes: size,
        elem_size,
        elems: elems as u32,
        noscan: class & 1 == 1,
        large: class >> 1 == 0,
        large_type: l.large_type.map_or(0, |f| f.get(bytes)),
        specials: l.specials.get(bytes),
    };
    Ok(Some(AnySpan::InUse(span, slots)))
}

/// Whether the memory has bytes behind it and not only a mapping that claims them: a core can claim terabytes.
pub(crate) fn holds_bytes(memory: &dyn Memory, start: u64, size: u64) -> bool {
    if memory.info().kind == TargetKind::Process || memory.borrow(start, size as usize).is_some() {
        return true;
    }
    let mut at = 0;
    while at < size {
        if memory.u8(start + at).is_err() {
            return false;
        }
        at += 16 << 20;
    }
    memory.u8(start + size - 1).is_ok()
}
