//! Where the pointers of the objects of one span are, whatever they lead to.

use std::ops::Range;

use super::scan::{ArenaBits, bitmap_offset, set_bits, tile, windows, word};
use super::{MAX_IN_SPAN, Masks, Span, SpanTable};
use crate::roots::Context;

/// What says where the pointers of a span's objects are.
enum Bits {
    /// They have none.
    None,
    /// A bit for each word of the span, at its end.
    InSpan(Vec<u8>),
    /// The same, of the arena.
    Arena(ArenaBits),
    /// A type, in front of each object.
    Headers,
    /// One object: its type, or the arena's bits.
    Large,
}

/// The pointers of one span.
pub(crate) struct PointerWords<'p, 'c> {
    context: &'p Context<'c>,
    spans: &'p SpanTable,
    index: usize,
    bits: Bits,
}

impl<'p, 'c> PointerWords<'p, 'c> {
    /// Reads what the span's objects share.
    pub(crate) fn new(context: &'p Context<'c>, spans: &'p SpanTable, index: usize) -> Self {
        let mut found = Self { context, spans, index, bits: Bits::None };
        let span = found.span();
        found.bits = match found.bitmap() {
            _ if span.noscan => Bits::None,
            _ if span.large => Bits::Large,
            Some(bitmap) => {
                let mut bits = vec![0; (span.bytes / 64) as usize];
                let len = bits.len().min((bitmap.end - bitmap.start) as usize);
                match context.memory.read_into(bitmap.start, &mut bits[..len]) {
                    Ok(()) => Bits::InSpan(bits),
                    Err(_) => Bits::None,
                }
            }
            None if spans.headers => Bits::Headers,
            None => ArenaBits::read(context.memory, context.layout, context.mheap, span.start, span.bytes)
                .map_or(Bits::None, Bits::Arena),
        };
        found
    }

    fn span(&self) -> &'p Span {
        &self.spans.spans[self.index]
    }

    /// Where the span itself has its bitmap, with the mark bits behind it.
    pub(crate) fn bitmap(&self) -> Option<Range<u64>> {
        let span = self.span();
        if span.noscan || span.large || !self.spans.headers || span.elem_size > MAX_IN_SPAN {
            return None;
        }
        Some(span.start + bitmap_offset(self.context.layout, span)..span.start + span.bytes)
    }

    /// Calls `sink` with the address of each word of an object that is a pointer.
    pub(crate) fn each(&self, object: u32, masks: &mut Masks, mut sink: impl FnMut(u64)) {
        let span = self.span();
        let start = self.spans.blocks.blocks()[self.index].address(object);
        let from = start - span.start;
        match &self.bits {
            Bits::None => {}
            Bits::InSpan(bits) => {
                set_bits(bits, from / 8, span.elem_size / 8, |word| sink(start + word * 8));
            }
            Bits::Arena(bits) => {
                bits.pointers(from, span.elem_size, |at| sink(span.start + at));
            }
            Bits::Headers => {
                let mut header = [0; 8];
                if self.context.memory.read_into(start, &mut header).is_ok() {
                    let room = span.elem_size - 8;
                    let mask = masks.of(self.context.types, word(&header, 0), room);
                    tile(&mask, room, 0..room, |at| sink(start + 8 + at));
                }
            }
            Bits::Large => self.large(start, masks, sink),
        }
    }

    fn large(&self, start: u64, masks: &mut Masks, mut sink: impl FnMut(u64)) {
        let (span, context) = (self.span(), self.context);
        if self.spans.headers {
            let mask = masks.of(context.types, span.large_type, span.elem_size);
            tile(&mask, span.elem_size, 0..span.elem_size, |at| sink(start + at));
            return;
        }
        for window in windows(span) {
            let (address, len) = (start + window.start, window.end - window.start);
            let bits = ArenaBits::read(context.memory, context.layout, context.mheap, address, len);
            if bits.is_some_and(|bits| !bits.pointers(0, len, |o| sink(address + o))) {
                return;
            }
        }
    }
}
