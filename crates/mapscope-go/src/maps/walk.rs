//! One group or bucket: its entries and their values.

use super::{Auditor, Tally};
use crate::heap::word;
use crate::types::MapShape;

/// Bytes of an indirect key or element that are compared with zero.
const MAX_VALUE: u64 = 1 << 20;

impl Auditor<'_> {
    /// Adds the entry in `slot` of the group in `bytes`.
    pub(super) fn entry(&self, shape: &MapShape, bytes: &[u8], slot: u64, tally: &mut Tally) -> Result<(), String> {
        tally.entries += 1;
        if let Some(lookout) = &self.lookout {
            lookout.entry(self, shape, bytes, slot);
        }
        if shape.indirect_key {
            tally.indirect_bytes += self.slot_bytes(word(bytes, shape.key_at(slot)));
        }
        let elem = shape.elem_at(slot);
        if shape.indirect_elem {
            let address = word(bytes, elem);
            tally.indirect_bytes += self.slot_bytes(address);
            let mut scratch = Vec::new();
            let len = self.types.get(shape.elem).size.min(MAX_VALUE) as usize;
            let value =
                self.memory.bytes(address, len, &mut scratch).map_err(|e| super::unreadable("an element", &e))?;
            tally.zero_values += u64::from(is_zero(value));
        } else if shape.elem_size > 0 {
            let value = bytes.get(elem as usize..(elem + shape.elem_size) as usize).unwrap_or(&[1]);
            tally.zero_values += u64::from(is_zero(value));
        }
        Ok(())
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|b| *b == 0)
}
