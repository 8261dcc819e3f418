//! From a reference in a value to a typed pointer.

use rustc_hash::FxHashMap;

use super::Typing;
use super::offer::Offer;
use crate::heap::word;
use crate::types::{Kind, MapPart, Ref, TypeId};

/// Offset of the type in an itab (`internal/abi.ITab`).
const ITAB_TYPE: u64 = 8;

/// Types of interface words already looked up; each worker has its own.
#[derive(Default)]
pub(crate) struct InterfaceTypes {
    known: FxHashMap<(u64, bool), TypeId>,
}

impl Typing<'_> {
    /// What the reference `reference` at offset `at` of `bytes` leads to. `from`: address of its word, when outside the
    /// heap.
    pub(crate) fn resolve(
        &self,
        reference: Ref,
        bytes: &[u8],
        at: u64,
        from: u64,
        interfaces: &mut InterfaceTypes,
    ) -> Option<Offer> {
        let types = self.context.types;
        let value = word(bytes, at);
        let one =
            |address: u64, ty: TypeId| (address != 0).then_some(Offer { address, ty, many: false, count: 1, from });
        let many = |address: u64, ty: TypeId, count: u64| {
            (address != 0).then_some(Offer { address, ty, many: true, count, from })
        };
        match reference {
            Ref::Pointer(ty) => one(value, ty),
            Ref::Slice(ty) => many(value, ty, word(bytes, at + 16)),
            Ref::String => one(value, types.string_data()),
            Ref::Map(map) => one(value, types.part(MapPart::Header, map)),
            Ref::Chan(elem) => one(value, types.chan_header(elem)),
            Ref::Func => one(value, types.func_value()),
            Ref::Part(part, map) => one(value, types.part(part, map)),
            Ref::ChanBuffer(elem) => many(value, elem, word(bytes, at.saturating_sub(8))),
            Ref::SwissDirectory(map) => {
                let part = if word(bytes, at + 8) == 0 { MapPart::Groups } else { MapPart::Directory };
                one(value, types.part(part, map))
            }
            Ref::TrieNode(indirect, entry) => {
                let is_entry = value != 0 && self.context.memory.u8(value).ok()? != 0;
                one(value, if is_entry { entry } else { indirect })
            }
            Ref::Interface { empty } => {
                let data = word(bytes, at + 8);
                let ty = self.interface_type(value, empty, interfaces)?;
                let from = if from == 0 { 0 } else { from + 8 };
                self.interface_data(ty, data, from, interfaces)
            }
        }
    }

    fn interface_type(&self, value: u64, empty: bool, interfaces: &mut InterfaceTypes) -> Option<TypeId> {
        if value == 0 {
            return None;
        }
        if let Some(id) = interfaces.known.get(&(value, empty)) {
            return Some(*id);
        }
        let descriptor = if empty { value } else { self.context.memory.u64(value.checked_add(ITAB_TYPE)?).ok()? };
        let id = self.context.types.descriptor(descriptor);
        interfaces.known.insert((value, empty), id);
        Some(id)
    }

    /// A value that is a pointer is the data word itself; any other the data word points to.
    fn interface_data(&self, ty: TypeId, data: u64, from: u64, interfaces: &mut InterfaceTypes) -> Option<Offer> {
        let held = self.context.types.get(ty);
        if !held.direct {
            return (data != 0).then_some(Offer { address: data, ty, many: false, count: 1, from });
        }
        let mut reference = None;
        let plan = crate::types::compile(self.context.types, ty);
        crate::types::visit(&plan, 8, &mut |at, r| {
            if at == 0 {
                reference = Some(r);
            }
        });
        match (reference?, &held.kind) {
            // A struct or array of one interface is never direct; nothing else nests.
            (Ref::Interface { .. }, _) | (_, Kind::Interface { .. }) => None,
            (reference, _) => self.resolve(reference, &data.to_le_bytes(), 0, from, interfaces),
        }
    }
}
