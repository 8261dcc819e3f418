//! Whether bytes look like a value of a type.
//!
//! Each answer is `None` when they cannot be one, else how much speaks for it: a string that leads to that many bytes
//! without pointers, an interface that starts with a type, a pointer to an object of the right size.

use super::headers::{Sample, Search, Words};
use crate::heap::slot_for;
use crate::heap::{type_words, word};
use crate::types::{Descriptor, Kind, MapPart, TypeId};

/// Values nested deeper, and elements of an array after these, are not looked at.
const MAX_DEPTH: usize = 6;
const MAX_ELEMENTS: u64 = 8;
/// Words of a value outside the heap that are compared with its module's mask.
const MAX_WORDS: u64 = 64;
/// Something that few other values would pass for.
pub(super) const STRONG: u64 = 4;
/// Something that some other values would pass for.
const WEAK: u64 = 1;
/// Exponents of doubles that people use: 2^-100 to 2^100.
const EXPONENTS: std::ops::RangeInclusive<u64> = 923..=1123;

impl Search<'_, '_> {
    /// A key or an element in its slot.
    pub(super) fn slot_score(&self, ty: TypeId, indirect: bool, bytes: &[u8], sample: &mut Sample) -> Option<u64> {
        if indirect {
            self.pointer(ty, word(bytes, 0), sample).filter(|_| word(bytes, 0) != 0)
        } else {
            self.value(ty, bytes, 0, sample)
        }
    }

    /// A value of type `id`.
    pub(super) fn value(&self, id: TypeId, bytes: &[u8], depth: usize, sample: &mut Sample) -> Option<u64> {
        let context = self.typing.context;
        let ty = context.types.get(id);
        if depth > MAX_DEPTH || bytes.is_empty() {
            return Some(0);
        }
        let first = word(bytes, 0);
        match &ty.kind {
            Kind::Opaque => scalar(context.types.kind_number(ty.descriptor), bytes),
            Kind::String => self.string(first, word(bytes, 8)),
            Kind::Pointer(elem) => self.pointer(*elem, first, sample),
            Kind::Slice(elem) => self.slice(*elem, first, word(bytes, 8), word(bytes, 16)),
            Kind::Array { elem, len } => {
                let size = context.types.get(*elem).size.max(1) as usize;
                let count = (*len).min(MAX_ELEMENTS) as usize;
                bytes.chunks_exact(size).take(count).map(|b| self.value(*elem, b, depth + 1, sample)).sum()
            }
            Kind::Struct(fields) => {
                let mut field = |f: &crate::types::StructField| {
                    let size = context.types.get(f.ty).size;
                    let value = bytes.get(f.offset as usize..f.offset.saturating_add(size) as usize)?;
                    self.value(f.ty, value, depth + 1, sample)
                };
                fields.iter().map(&mut field).sum()
            }
            Kind::Map(_) => self.map(id, first),
            Kind::Chan(elem) => self.chan(*elem, first),
            Kind::Func => self.function(first),
            Kind::Interface { empty } => self.interface(*empty, first, word(bytes, 8)),
            Kind::UnsafePointer => self.mapped(first, 1),
            _ => Some(0),
        }
    }

    fn mapped(&self, address: u64, len: u64) -> Option<u64> {
        (address == 0 || self.typing.context.memory.is_mapped(address, len.max(1))).then_some(0)
    }

    fn string(&self, address: u64, len: u64) -> Option<u64> {
        if len == 0 {
            return Some(0);
        }
        match self.typing.heap.spans.object(address) {
            Some((_, offset, span)) => {
                let span = &self.typing.heap.spans.spans[span];
                (len <= span.elem_size - offset).then_some(if span.noscan { STRONG } else { 0 })
            }
            None => (address != 0 && self.typing.context.memory.is_mapped(address, len)).then_some(STRONG),
        }
    }

    fn slice(&self, elem: TypeId, address: u64, len: u64, capacity: u64) -> Option<u64> {
        let bytes = self.typing.context.types.get(elem).size.checked_mul(capacity)?;
        if len > capacity {
            return None;
        }
        if bytes == 0 {
            return Some(0);
        }
        match self.typing.heap.spans.object(address) {
            Some((_, offset, span)) => {
                let span = &self.typing.heap.spans.spans[span];
                // As with strings: elements without pointers in an object with some are rare.
                let score = match (self.has_pointers(elem), span.noscan) {
                    (true, true) => return None,
                    (false, false) => 0,
                    _ => STRONG,
                };
                (bytes <= span.elem_size - offset).then_some(score)
            }
            None => self.mapped(address, bytes).filter(|_| address != 0),
        }
    }

    /// A pointer to one value.
    fn pointer(&self, elem: TypeId, address: u64, sample: &mut Sample) -> Option<u64> {
        let (context, heap) = (self.typing.context, self.typing.heap);
        let size = context.types.get(elem).size;
        let Some((object, offset, index)) = heap.spans.object(address) else {
            return self.outside(elem, address, size);
        };
        let span = &heap.spans.spans[index];
        let header = heap.spans.header(span);
        let pointers = self.has_pointers(elem);
        if offset < header || size > span.elem_size - offset || pointers && span.noscan {
            return None;
        }
        let known = TypeId(heap.graph.type_of(object));
        if offset != header {
            // Into the middle of a row of such values.
            let in_row = matches!(context.types.get(known).kind, Kind::Row(row) if row == elem);
            let aligned = (offset - header).checked_rem(size) == Some(0);
            return Some(if in_row && aligned { 2 * STRONG } else { 0 });
        }
        if known != TypeId::UNKNOWN {
            return Some(if known == elem { 2 * STRONG } else { 0 });
        }
        if slot_for(size + header) != span.elem_size || span.noscan == pointers {
            return Some(0);
        }
        let actual = sample.pointers.entry(object).or_insert_with(|| self.pointers_of(object, index));
        match (actual, self.words_of(elem, span.elem_size - header)) {
            (Some(actual), Some(expected)) => Some(if **actual == *expected { STRONG } else { 0 }),
            _ => Some(WEAK),
        }
    }

    /// A pointer to a value outside the heap. In data and bss the module's mask says where its pointers are.
    fn outside(&self, elem: TypeId, address: u64, size: u64) -> Option<u64> {
        let memory = self.typing.context.memory;
        let parts = self.typing.context.modules.iter().flat_map(|m| [(&m.data, m.data_mask), (&m.bss, m.bss_mask)]);
        let Some((range, (bits, mask))) = parts.into_iter().find(|(range, _)| range.contains(&address)) else {
            return self.mapped(address, size);
        };
        let Some(expected) = self.words_of(elem, size).filter(|_| address.is_multiple_of(8)) else { return Some(0) };
        if size > range.end - address {
            return None;
        }
        let first = (address - range.start) / 8;
        let is_pointer = |word: u64| {
            let bit = first + word;
            let byte = if bit < bits { memory.u8(mask.wrapping_add(bit / 8)).unwrap_or(0) } else { 0 };
            byte >> (bit % 8) & 1 == 1
        };
        let agrees = |word: u64| is_pointer(word) == expected.contains(&(word as u32));
        (0..(size / 8).min(MAX_WORDS)).all(agrees).then_some(STRONG)
    }

    fn words_of(&self, elem: TypeId, room: u64) -> Words {
        if let Some(known) = self.words.read().ok().and_then(|w| w.get(&(elem, room)).cloned()) {
            return known;
        }
        let words: Words = type_words(self.typing.context.types, elem, room).map(Into::into);
        if let Ok(mut known) = self.words.write() {
            known.insert((elem, room), words.clone());
        }
        words
    }

    fn has_pointers(&self, id: TypeId) -> bool {
        let context = self.typing.context;
        let descriptor = context.types.get(id).descriptor;
        descriptor != 0 && Descriptor::read(context.memory, descriptor).is_ok_and(|d| d.pointer_bytes > 0)
    }

    fn map(&self, map: TypeId, address: u64) -> Option<u64> {
        let types = self.typing.context.types;
        let Some((object, offset, span)) = self.typing.heap.spans.object(address) else {
            return self.mapped(address, 48);
        };
        let span = &self.typing.heap.spans.spans[span];
        if offset != 0 || span.noscan || span.elem_size != slot_for(types.map_header_size()) {
            return None;
        }
        match types.get(TypeId(self.typing.heap.graph.type_of(object))).kind {
            Kind::MapPart(MapPart::Header, known) if known == map => Some(2 * STRONG),
            Kind::MapPart(..) => None,
            _ => Some(WEAK),
        }
    }

    fn chan(&self, elem: TypeId, address: u64) -> Option<u64> {
        if address == 0 {
            return Some(0);
        }
        let context = self.typing.context;
        let at = address.checked_add(context.layout.channel.elem_type.offset)?;
        let said = context.memory.u64(at).ok()?;
        (said == context.types.get(elem).descriptor).then_some(2 * STRONG)
    }

    fn function(&self, address: u64) -> Option<u64> {
        if address == 0 {
            return Some(0);
        }
        let code = self.typing.context.memory.u64(address).ok()?;
        self.typing.context.is_entry(code).then_some(STRONG)
    }

    fn interface(&self, empty: bool, first: u64, data: u64) -> Option<u64> {
        let types = self.typing.context.types;
        match first {
            0 => (data == 0).then_some(0),
            _ if empty => types.is_descriptor(first).then_some(2 * STRONG),
            _ => types.is_itab(first).then_some(2 * STRONG),
        }
    }
}

/// A number: those of people are small integers, and doubles with a small exponent.
fn scalar(kind: u64, bytes: &[u8]) -> Option<u64> {
    let value = word(bytes, 0);
    match kind {
        1 => (*bytes.first()? <= 1).then_some(WEAK),
        // int, int64, uint, uint64, uintptr
        2 | 6 | 7 | 11 | 12 if bytes.len() >= 8 => Some(u64::from(value.min(value.wrapping_neg()) < 1 << 48)),
        14 if bytes.len() >= 8 => Some(u64::from(EXPONENTS.contains(&(value >> 52 & 0x7ff)))),
        _ => Some(0),
    }
}
