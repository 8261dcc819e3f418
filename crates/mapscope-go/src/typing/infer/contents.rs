//! Reads live objects without a type for what they say of themselves: a closure begins with the address of its code, a
//! channel names the type of its elements, and an interface that of what it holds.

use std::sync::atomic::Ordering::Relaxed;

use mapscope_heap::Reachability;
use rayon::prelude::*;
use rustc_hash::FxHashSet;

use crate::heap::{CHUNK, Masks, PointerWords, slot_for, word};
use crate::types::{Descriptor, Kind, TypeId};
use crate::typing::{Facts, Offer, Typing};

/// Bytes of one object that are looked at.
const MAX_LOOK: u64 = 1 << 20;

/// What objects said.
#[derive(Default)]
pub(super) struct Told {
    /// What the interfaces in them hold.
    pub(super) offers: Vec<Offer>,
    /// Those that have a type now: (object, span).
    pub(super) objects: Vec<(u32, usize)>,
}

/// A live object without a type.
pub(super) struct Untyped<'u> {
    pub(super) object: u32,
    pub(super) span: usize,
    /// Its bytes without its header, at most [`MAX_LOOK`].
    pub(super) value: &'u [u8],
    /// Offsets of its pointers, ascending.
    pub(super) pointers: &'u [u64],
}

impl Typing<'_> {
    /// Those of `spans` with live objects that have no type, and how many objects these are.
    pub(super) fn untyped_spans(
        &self,
        spans: impl IntoParallelIterator<Item = usize, Iter: IndexedParallelIterator>,
        reach: &Reachability,
    ) -> (Vec<usize>, u64) {
        let blocks = self.heap.spans.blocks.blocks();
        let untyped = |span: usize| blocks[span].objects().filter(|object| self.is_untyped(*object, reach)).count();
        let counted = spans.into_par_iter().map(|span| (span, untyped(span) as u64));
        let counted: Vec<(usize, u64)> = counted.filter(|(_, count)| *count > 0).collect();
        (counted.iter().map(|(span, _)| *span).collect(), counted.iter().map(|(_, count)| count).sum())
    }

    fn is_untyped(&self, object: u32, reach: &Reachability) -> bool {
        self.heap.graph.type_of(object) == 0 && reach.is_live(object)
    }

    /// Calls `visit` with each live object of a span that has no type.
    pub(super) fn each_untyped(&self, index: usize, reach: &Reachability, mut visit: impl FnMut(&Untyped<'_>)) {
        let (context, spans) = (self.context, &self.heap.spans);
        let (span, block) = (&spans.spans[index], &spans.blocks.blocks()[index]);
        let header = spans.header(span);
        let room = (span.elem_size - header).min(MAX_LOOK);
        let mut scratch = Vec::new();
        // Small objects are read together.
        let whole = if span.bytes <= CHUNK {
            let Ok(bytes) = context.memory.bytes(span.start, span.bytes as usize, &mut scratch) else { return };
            Some(bytes)
        } else {
            None
        };
        let words = PointerWords::new(context, spans, index);
        let (mut masks, mut pointers) = (Masks::default(), Vec::new());
        for object in block.objects().filter(|o| self.is_untyped(*o, reach)) {
            let start = block.address(object) + header;
            let mut own = Vec::new();
            let value = match whole {
                Some(bytes) => {
                    let at = (start - span.start) as usize;
                    bytes.get(at..at + room as usize).unwrap_or_default()
                }
                None => match context.memory.bytes(start, room as usize, &mut own) {
                    Ok(bytes) => bytes,
                    Err(_) => continue,
                },
            };
            pointers.clear();
            words.each(object, &mut masks, |address| pointers.extend(address.checked_sub(start).filter(|o| *o < room)));
            visit(&Untyped { object, span: index, value, pointers: &pointers });
        }
    }

    /// What the objects of these spans say. Those that are closures or channels get their type.
    pub(super) fn told(&self, spans: &[usize], reach: &Reachability, itabs: &FxHashSet<u64>) -> Told {
        let in_span = |told: Told, span: &usize| {
            let (mut told, mut facts) = (told, Facts::new(self.context.types));
            self.each_untyped(*span, reach, |object| self.tell(object, itabs, &mut facts, &mut told));
            told
        };
        let join = |mut told: Told, other: Told| {
            told.offers.extend(other.offers);
            told.objects.extend(other.objects);
            told
        };
        spans.par_iter().fold(Told::default, in_span).reduce(Told::default, join)
    }

    fn tell(&self, object: &Untyped<'_>, itabs: &FxHashSet<u64>, facts: &mut Facts<'_>, told: &mut Told) {
        if let Some(ty) = self.channel(object).or_else(|| self.function_value(object)) {
            self.heap.graph.types()[object.object as usize].store(ty.0, Relaxed);
            told.objects.push((object.object, object.span));
        } else {
            self.object_interfaces(object.value, object.pointers, itabs, facts, &mut told.offers);
        }
    }

    /// `runtime.hchan`: the size of an element is that of its type, and no more are queued than there is room for.
    fn channel(&self, object: &Untyped<'_>) -> Option<TypeId> {
        let (context, layout) = (self.context, &self.context.layout.channel);
        if (object.value.len() as u64) < layout.size {
            return None;
        }
        let elem = layout.elem_type.get(object.value);
        if !context.types.is_descriptor(elem) {
            return None;
        }
        let size = Descriptor::read(context.memory, elem).ok()?.size;
        let (queued, capacity) = (layout.queued.get(object.value), layout.capacity.get(object.value));
        let buffer = layout.buffer.get(object.value);
        let fits = layout.elem_size.get(object.value) == size && queued <= capacity && buffer != 0;
        fits.then(|| context.types.chan_header(context.types.descriptor(elem)))
    }

    /// `runtime.funcval`: the entry of a function, which is no pointer to the collector.
    fn function_value(&self, object: &Untyped<'_>) -> Option<TypeId> {
        let context = self.context;
        let code = word(object.value, 0);
        // An object without pointers captures nothing, and would be no object.
        if object.pointers.first().is_none_or(|first| *first == 0) || !context.is_entry(code) {
            return None;
        }
        let closure = context.types.get(self.closures.of(context.types, context.functions, code));
        let span = &self.heap.spans.spans[object.span];
        let captures = matches!(&closure.kind, Kind::Struct(fields) if !fields.is_empty());
        let fits = !captures || slot_for(closure.size + self.heap.spans.header(span)) == span.elem_size;
        fits.then(|| context.types.func_value())
    }
}
