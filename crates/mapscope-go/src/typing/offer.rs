//! What a typed pointer says about the object it leads to.

use std::sync::atomic::Ordering::Relaxed;

use super::Typing;
use super::facts::{Class, Fact, Facts};
use crate::heap::{pointer_words, type_words};
use crate::types::{MapPart, TypeId};

/// Bytes of a block of tiny objects (`maxTinySize`).
pub(super) const TINY_BLOCK: u64 = 16;

/// A typed pointer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Offer {
    pub(crate) address: u64,
    pub(super) ty: TypeId,
    /// A row of values, not one.
    pub(super) many: bool,
    /// How many values of a row are there; 1 when it is not a row.
    pub(super) count: u64,
    /// The word that holds the pointer, when it is outside the heap; 0 otherwise.
    pub(super) from: u64,
}

/// What to do after an offer.
pub(super) enum Outcome {
    /// Nothing new.
    Nothing,
    /// The object has a better type now and should be visited: (object, span).
    Visit(u32, usize),
    /// The values lie inside an object of another type, or outside the heap.
    Region,
}

impl Typing<'_> {
    /// Gives the object at the offer's address the offer's type, if that is better than the one it has.
    #[inline]
    pub(super) fn take(&self, offer: &Offer, facts: &mut Facts<'_>) -> Outcome {
        let Some((object, offset, span_index)) = self.heap.spans.object(offer.address) else { return Outcome::Region };
        let span = &self.heap.spans.spans[span_index];
        let header = self.heap.spans.header(span);
        let Some(offset) = offset.checked_sub(header) else { return Outcome::Nothing };
        let room = span.elem_size - header;
        let ty = facts.get(offer.ty);
        if ty.size == 0 || ty.size > room {
            return Outcome::Nothing;
        }
        let local = offer.from != 0 && self.goroutines().at(offer.from).is_some();
        if local && !self.agrees(object, span_index, offset, offer) {
            return Outcome::Nothing;
        }
        let old = TypeId(self.heap.graph.type_of(object));
        if offset != 0 {
            let aligned = offset % ty.size == 0;
            // A pointer to a byte is one to some of many: part of a string, or of a buffer.
            let many = (offer.many || ty.size == 1) && aligned;
            // Several tiny objects share a block; the first of them may be gone.
            let apart = many || span.noscan && span.elem_size == TINY_BLOCK;
            if covers(facts.get(old), offer.ty, aligned) || span.noscan && !apart {
                return Outcome::Nothing;
            }
            if !apart || old != TypeId::UNKNOWN && !self.inside.contains(object as usize) {
                return if span.noscan { Outcome::Nothing } else { Outcome::Region };
            }
        }
        let byte = offset != 0 && ty.size == 1 && ty.class != Class::StringData;
        let row = (offer.many || byte) && room / ty.size > 1;
        let new = if row { facts.row(offer.ty) } else { offer.ty };
        if offset != 0 && old == TypeId::UNKNOWN {
            self.inside.insert(object as usize);
        } else if offset == 0 && self.inside.remove(object as usize) && new != old {
            // What points to the start knows better, whichever of them came first.
            self.heap.graph.types()[object as usize].store(new.0, Relaxed);
            return if span.noscan { Outcome::Nothing } else { Outcome::Visit(object, span_index) };
        }
        self.store(object, span_index, new, facts)
    }

    /// Whether the pointers of an object are where a value of the offer's type has them. Asked for what local variables
    /// say: in optimised code, debug information may name a variable whose place another one has taken.
    fn agrees(&self, object: u32, span: usize, offset: u64, offer: &Offer) -> bool {
        let context = self.context;
        let actual = pointer_words(context.memory, context.layout, context.mheap, &self.heap.spans, (object, span));
        let Some(actual) = actual else { return true };
        let room = self.heap.spans.spans[span].elem_size - offset;
        let size = context.types.get(offer.ty).size;
        let count = if offer.many { room / size.max(1) } else { 1 };
        let row = if count > 1 { context.types.row(offer.ty) } else { offer.ty };
        let Some(expected) = type_words(context.types, row, room) else { return true };
        let (from, end) = ((offset / 8) as u32, ((offset + size * count) / 8) as u32);
        let actual: Vec<u32> = actual.into_iter().filter(|w| (from..end).contains(w)).map(|w| w - from).collect();
        // In a slice's unused room there may be no pointers yet.
        actual == expected || offer.many && actual.iter().all(|w| expected.contains(w))
    }

    /// Stores a better type.
    #[inline]
    pub(super) fn store(&self, object: u32, span: usize, new: TypeId, facts: &mut Facts<'_>) -> Outcome {
        let column = &self.heap.graph.types()[object as usize];
        let mut old = column.load(Relaxed);
        while self.is_better(new, TypeId(old), span, facts) {
            match column.compare_exchange_weak(old, new.0, Relaxed, Relaxed) {
                Ok(_) if self.heap.spans.spans[span].noscan => return Outcome::Nothing,
                Ok(_) => return Outcome::Visit(object, span),
                Err(now) => old = now,
            }
        }
        Outcome::Nothing
    }
}

/// Whether a visit of an object looks at a value of type `inner` inside it anyway.
fn covers(object: Fact, inner: TypeId, aligned: bool) -> bool {
    match object.class {
        Class::Row(elem) => elem == inner && aligned,
        Class::Part(part) => part == MapPart::Groups,
        _ => false,
    }
}
