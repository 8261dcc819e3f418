//! The variables of one function that are in memory at one program counter.

use gimli::{AttributeValue, Operation};

use super::GO_CLOSURE_OFFSET;
use super::reader::{Dwarf, Entry, Slice};
use crate::GoError;

/// A variable or parameter of a function.
#[derive(Clone, Debug)]
pub(crate) struct Local<'d> {
    /// Its name; a variable that was moved to the heap has lost the compiler's `&`.
    pub(crate) name: &'d str,
    /// Entry of its type. For a variable moved to the heap under the name `&x`, the type of the pointer.
    pub(crate) type_offset: usize,
    /// Offset of the captured variable in the closure, when it is one (Go 1.23 and later).
    pub(crate) closure_offset: Option<u64>,
    /// Line of its declaration.
    pub(crate) line: Option<u64>,
    /// It is a parameter or result.
    pub(crate) parameter: bool,
    /// Where its bytes are; empty when they are only in registers or nowhere.
    pub(crate) places: Vec<LocalPlace>,
}

/// A run of bytes of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LocalPlace {
    /// Offset in the variable.
    pub(crate) offset: u64,
    /// Bytes that are there; `u64::MAX` for all the rest of the variable.
    pub(crate) size: u64,
    /// Address relative to the canonical frame address.
    pub(crate) frame_offset: i64,
    /// The address holds a pointer to the bytes, not the bytes.
    pub(crate) indirect: bool,
}

impl<'d> Dwarf<'d> {
    /// The variables of the function whose entry is at `subprogram`, as they are at `pc`, an address in the target.
    pub(crate) fn locals(&self, subprogram: usize, pc: u64) -> Result<Vec<Local<'d>>, GoError> {
        let pc = pc.wrapping_sub(self.file(self.entry(subprogram)?.unit).bias);
        let mut locals = Vec::new();
        // A block that does not cover pc is left out with all it holds.
        let mut outside: Option<isize> = None;
        self.descendants(subprogram, |depth, entry| {
            if outside.is_some_and(|d| depth > d) {
                return;
            }
            outside = None;
            match entry.tag {
                gimli::DW_TAG_lexical_block | gimli::DW_TAG_inlined_subroutine if !self.covers(entry, pc) => {
                    outside = Some(depth);
                }
                gimli::DW_TAG_variable | gimli::DW_TAG_formal_parameter => locals.extend(self.local(entry, pc)),
                _ => {}
            }
        })?;
        Ok(locals)
    }

    fn covers(&self, entry: &Entry<'_, 'd>, pc: u64) -> bool {
        let unit = &self.units[entry.unit];
        if let (Some(low), Some(high)) = (entry.number(gimli::DW_AT_low_pc), entry.number(gimli::DW_AT_high_pc)) {
            let high = if high < low { low.wrapping_add(high) } else { high };
            return (low..high).contains(&pc);
        }
        let Some(value) = entry.value(gimli::DW_AT_ranges) else { return true };
        let Ok(Some(mut ranges)) = self.sections(entry.unit).attr_ranges(unit, value) else { return false };
        while let Ok(Some(range)) = ranges.next() {
            if (range.begin..range.end).contains(&pc) {
                return true;
            }
        }
        false
    }

    fn local(&self, entry: &Entry<'_, 'd>, pc: u64) -> Option<Local<'d>> {
        let origin = entry.reference(gimli::DW_AT_abstract_origin).and_then(|o| self.entry(o).ok());
        let name = entry.name().or_else(|| origin.as_ref()?.name())?;
        let type_offset =
            entry.reference(gimli::DW_AT_type).or_else(|| origin.as_ref()?.reference(gimli::DW_AT_type))?;
        let name = name.strip_prefix('&').unwrap_or(name);
        let places = self.places(entry, pc).unwrap_or_default();
        Some(Local {
            name,
            type_offset,
            closure_offset: entry.number(GO_CLOSURE_OFFSET),
            line: entry.number(gimli::DW_AT_decl_line),
            parameter: entry.tag == gimli::DW_TAG_formal_parameter,
            places,
        })
    }

    /// `None` when the location cannot be decoded; empty when the variable has none at `pc`.
    fn places(&self, entry: &Entry<'_, 'd>, pc: u64) -> Option<Vec<LocalPlace>> {
        let unit = &self.units[entry.unit];
        let value = entry.value(gimli::DW_AT_location)?;
        if let AttributeValue::Exprloc(expression) = value {
            return decode(expression, unit.encoding());
        }
        let mut list = self.sections(entry.unit).attr_locations(unit, value).ok()??;
        while let Some(location) = list.next().ok()? {
            if (location.range.begin..location.range.end).contains(&pc) {
                return decode(location.data, unit.encoding());
            }
        }
        Some(Vec::new())
    }
}

/// Decodes the few forms the Go compiler writes: a frame slot, a frame slot that holds a pointer, and pieces of either.
fn decode(expression: gimli::Expression<Slice<'_>>, encoding: gimli::Encoding) -> Option<Vec<LocalPlace>> {
    let mut places = Vec::new();
    let mut at = 0;
    let mut stack: Vec<i64> = Vec::new();
    let mut in_frame = false;
    let mut indirect = false;
    let mut operations = expression.operations(encoding);
    while let Some(operation) = operations.next().ok()? {
        match operation {
            Operation::FrameOffset { offset } => {
                stack.push(offset);
                in_frame = true;
            }
            Operation::CallFrameCFA => {
                stack.push(0);
                in_frame = true;
            }
            Operation::SignedConstant { value } => stack.push(value),
            Operation::UnsignedConstant { value } => stack.push(i64::try_from(value).ok()?),
            Operation::PlusConstant { value } => {
                let top = stack.pop()?;
                stack.push(top.checked_add(i64::try_from(value).ok()?)?);
            }
            Operation::Plus => {
                let (a, b) = (stack.pop()?, stack.pop()?);
                stack.push(a.checked_add(b)?);
            }
            Operation::Deref { .. } if !indirect => indirect = true,
            Operation::Piece { size_in_bits, bit_offset: None } => {
                if let Some(frame_offset) = stack.pop().filter(|_| in_frame) {
                    places.push(LocalPlace { offset: at, size: size_in_bits / 8, frame_offset, indirect });
                }
                (in_frame, indirect) = (false, false);
                at = at.saturating_add(size_in_bits / 8);
            }
            // In a register, or a value without a place: nothing in memory to look at.
            Operation::Register { .. } => in_frame = false,
            _ => return None,
        }
    }
    if let Some(frame_offset) = stack.pop().filter(|_| in_frame) {
        places.push(LocalPlace { offset: at, size: u64::MAX, frame_offset, indirect });
    }
    Some(places)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use gimli::{EndianSlice, Expression, LittleEndian};

    fn places(bytes: &[u8]) -> Option<Vec<LocalPlace>> {
        let encoding = gimli::Encoding { address_size: 8, format: gimli::Format::Dwarf32, version: 4 };
        decode(Expression(EndianSlice::new(bytes, LittleEndian)), encoding)
    }

    #[test]
    fn forms_of_the_go_compiler() {
        // DW_OP_call_frame_cfa; DW_OP_fbreg -40; fbreg -40 deref; a slice whose length is in a register.
        assert_eq!(
            places(&[0x9c]).unwrap(),
            [LocalPlace { offset: 0, size: u64::MAX, frame_offset: 0, indirect: false }]
        );
        assert_eq!(
            places(&[0x91, 0x58]).unwrap(),
            [LocalPlace { offset: 0, size: u64::MAX, frame_offset: -40, indirect: false }]
        );
        assert_eq!(
            places(&[0x91, 0x58, 0x06]).unwrap(),
            [LocalPlace { offset: 0, size: u64::MAX, frame_offset: -40, indirect: true }]
        );
        let pieces = places(&[0x91, 0x58, 0x93, 8, 0x53, 0x93, 8, 0x91, 0x60, 0x93, 8]).unwrap();
        let at = |offset, frame_offset| LocalPlace { offset, size: 8, frame_offset, indirect: false };
        assert_eq!(pieces, [at(0, -40), at(16, -32)]);
        assert_eq!(places(&[0x50]).unwrap(), []);
        // Pieces of 2^63 bytes: offsets stop growing.
        let huge = [0x91, 0x58, 0x93, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f].repeat(80);
        assert_eq!(places(&huge).unwrap().last().unwrap().offset, u64::MAX);
        assert_eq!(places(&[]).unwrap(), []);
    }
}
