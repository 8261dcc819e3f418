//! The heap as the runtime lays it out: spans, pointer bitmaps, and from them the edges of the graph.

mod allocator;
mod arenas;
mod mask;
mod pointers;
mod scan;
mod spans;

pub use allocator::Allocator;
pub(crate) use allocator::slot_for;
pub(crate) use mask::{Mask, Masks, read_bits, type_words};
pub(crate) use pointers::PointerWords;
pub(crate) use scan::{CHUNK, Heap, pointer_words, scan, word};
pub(crate) use spans::{ManualSpan, Span, SpanTable, holds_bytes};

/// Bytes of a heap page (`runtime.pageSize`).
pub(crate) const PAGE: u64 = 8192;
/// Bytes of an arena.
pub(crate) const ARENA: u64 = 64 << 20;
/// Objects with pointers up to this size have their bitmap in the span (`heapBitsInSpan`, from 1.22).
pub(crate) const MAX_IN_SPAN: u64 = 512;
