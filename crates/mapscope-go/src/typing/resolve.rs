//! From a reference in a value to a typed pointer.

use super::facts::{Facts, Held};
use super::{Offer, Typing};
use crate::heap::word;
use crate::types::{Ref, TypeId};

/// Offset of the type in an itab (`internal/abi.ITab`).
const ITAB_TYPE: u64 = 8;

impl Typing<'_> {
    /// What the reference `reference` at offset `at` of `bytes` leads to. `from`: address of its word, when outside the
    /// heap.
    #[inline]
    pub(crate) fn resolve(
        &self,
        reference: Ref,
        bytes: &[u8],
        at: u64,
        from: u64,
        facts: &mut Facts<'_>,
    ) -> Option<Offer> {
        let address = word(bytes, at);
        if address == 0 {
            return None;
        }
        let one = |ty: TypeId| Offer { address, ty, many: false, count: 1, from };
        let many = |ty: TypeId, count: u64| Offer { address, ty, many: true, count, from };
        Some(match reference {
            Ref::Pointer(ty) => one(ty),
            Ref::Slice(ty) => many(ty, word(bytes, at + 16)),
            Ref::Counted(ty) => many(ty, word(bytes, at + 8)),
            Ref::ChanBuffer(elem) => many(elem, word(bytes, at.saturating_sub(8))),
            Ref::SwissDirectory { groups, directory } => one(if word(bytes, at + 8) == 0 { groups } else { directory }),
            Ref::TrieNode(indirect, entry) => {
                let is_entry = self.context.memory.u8(address).ok()? != 0;
                one(if is_entry { entry } else { indirect })
            }
            Ref::Interface { empty } => {
                let data = word(bytes, at + 8);
                let read = || {
                    let itab = || self.context.memory.u64(address.checked_add(ITAB_TYPE)?).ok();
                    if empty { Some(address) } else { itab() }
                };
                let ty = facts.interface(address, empty, read)?;
                let from = if from == 0 { 0 } else { from.wrapping_add(8) };
                match facts.held(ty) {
                    Held::Value if data != 0 => Offer { address: data, ty, many: false, count: 1, from },
                    // Never an interface again, so this goes no deeper.
                    Held::Pointer(inner) => return self.resolve(inner, &data.to_le_bytes(), 0, from, facts),
                    Held::Value | Held::Nothing => return None,
                }
            }
        })
    }
}
