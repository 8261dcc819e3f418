//! Pointer masks of types: read where the runtime keeps them, computed where it builds them on demand.

use std::sync::Arc;

use mapscope_memory::Memory;
use rustc_hash::FxHashMap;

use crate::runtime::read_structure;
use crate::types::{Descriptor, Kind, MapPart, MaskSource, TypeId, TypeTable};

/// Structs and arrays nested deeper than this have no mask; no Go type has them.
const MAX_DEPTH: usize = 64;

/// Which words of a value are pointers.
#[derive(Debug, Default)]
pub(crate) struct Mask {
    /// Words of one value.
    pub(crate) stride: u64,
    /// Offsets, in words, of its pointers, ascending.
    pub(crate) pointers: Vec<u32>,
}

/// Masks by descriptor; each worker has its own.
#[derive(Default)]
pub(crate) struct Masks {
    known: FxHashMap<u64, Arc<Mask>>,
}

impl Masks {
    /// The mask of the type at `descriptor`, for an object with room for `max_bytes`. Descriptors that make no sense
    /// have no pointers.
    pub(crate) fn of(&mut self, types: &TypeTable<'_>, descriptor: u64, max_bytes: u64) -> Arc<Mask> {
        if let Some(mask) = self.known.get(&descriptor) {
            return mask.clone();
        }
        let mask = Arc::new(build(types, descriptor, max_bytes).unwrap_or_default());
        self.known.insert(descriptor, mask.clone());
        mask
    }
}

fn build(types: &TypeTable<'_>, address: u64, max_bytes: u64) -> Option<Mask> {
    let memory = types.memory();
    let descriptor = Descriptor::read(memory, address).ok()?;
    if descriptor.size == 0 || descriptor.pointer_bytes > max_bytes {
        return None;
    }
    let mut mask = Mask { stride: descriptor.size / 8, pointers: Vec::new() };
    match descriptor.mask_source(memory, types.minor()) {
        MaskSource::Bits(bits) => mask.pointers = read_bits(memory, bits, descriptor.pointer_bytes / 8)?,
        MaskSource::Structure => {
            let mut budget = budget(descriptor.pointer_bytes);
            let id = types.descriptor(address);
            structure(types, id, 0, descriptor.pointer_bytes, (MAX_DEPTH, &mut budget), &mut mask.pointers);
            mask.pointers.sort_unstable();
        }
    }
    Some(mask)
}

/// Offsets, in words, of the pointers in `len` bytes that hold values of a type; `None` where that depends on more than
/// the type.
pub(crate) fn type_words(types: &TypeTable<'_>, id: TypeId, len: u64) -> Option<Vec<u32>> {
    let ty = types.get(id);
    let (elem, count) = match &ty.kind {
        Kind::Row(elem) => (*elem, len.checked_div(ty.size)?),
        Kind::MapPart(MapPart::Header, _) => (types.map_header()?, 1),
        Kind::MapPart(..) | Kind::ChanHeader(_) | Kind::FuncValue | Kind::Opaque => return None,
        _ => (id, 1),
    };
    let mut one = Vec::new();
    let end = types.get(elem).size.min(len);
    structure(types, elem, 0, end, (MAX_DEPTH, &mut budget(end)), &mut one);
    one.sort_unstable();
    let stride = (types.get(elem).size / 8) as u32;
    Some((0..count as u32).flat_map(|i| one.iter().map(move |w| i * stride + w)).collect())
}

/// The set bits among the first `words` of a mask in memory.
pub(crate) fn read_bits(memory: &dyn Memory, address: u64, words: u64) -> Option<Vec<u32>> {
    let bytes = read_structure(memory, address, words.div_ceil(8)).ok()?;
    let set = |i: &u64| bytes[(i / 8) as usize] >> (i % 8) & 1 == 1;
    Some((0..words).filter(set).map(|i| i as u32).collect())
}

/// Steps that the words of `len` bytes may take: each word lies in some nested types, and types without words are few.
/// A type whose fields overlap needs more than any Go type.
fn budget(len: u64) -> usize {
    (len as usize / 8).saturating_mul(16).saturating_add(1 << 16)
}

/// Adds the pointer words of a value of type `id` at `base` bytes, as far as `end`. Follows `cmd/compile` and
/// `runtime/type.go` (`buildGCMask`): of an interface only the data word counts.
fn structure(
    types: &TypeTable<'_>,
    id: TypeId,
    base: u64,
    end: u64,
    (depth, budget): (usize, &mut usize),
    out: &mut Vec<u32>,
) {
    if base >= end || depth == 0 || *budget == 0 {
        return;
    }
    *budget -= 1;
    let ty = types.get(id);
    let mut push = |offset: u64| {
        let at = base.saturating_add(offset);
        if at < end {
            out.push((at / 8) as u32);
        }
    };
    match &ty.kind {
        Kind::Pointer(_)
        | Kind::Map(_)
        | Kind::Chan(_)
        | Kind::Func
        | Kind::UnsafePointer
        | Kind::String
        | Kind::Slice(_) => push(0),
        Kind::Interface { .. } => push(8),
        Kind::Array { elem, len } => {
            let size = types.get(*elem).size;
            if size == 0 {
                return;
            }
            let mut inner = Vec::new();
            structure(types, *elem, 0, size.min(end), (depth - 1, &mut *budget), &mut inner);
            for i in 0..*len {
                let at = base.saturating_add(i.saturating_mul(size));
                if at >= end || inner.is_empty() || *budget < inner.len() {
                    break;
                }
                *budget -= inner.len();
                out.extend(inner.iter().map(|w| (at / 8) as u32 + w).filter(|w| u64::from(*w) * 8 < end));
            }
        }
        Kind::Struct(fields) => {
            for field in fields {
                structure(types, field.ty, base.saturating_add(field.offset), end, (depth - 1, &mut *budget), out);
            }
        }
        _ => {}
    }
}
