//! The live words of a frame, by its stack maps (`getStackMap`, `scanframeworker`).

use std::ops::Range;

use mapscope_memory::Memory;
use rustc_hash::FxHashSet;

use super::unwind::Frame;
use super::words;
use crate::heap::read_bits;
use crate::runtime::{Field, FunctionTable, STACK_MAP_INDEX};

const ARGS_MAP: u8 = 0;
const LOCALS_MAP: u8 = 1;
const STACK_OBJECTS: u8 = 2;
/// `abi.ArgsSizeUnknown`.
const ARGS_UNKNOWN: i32 = i32::MIN;
/// Stack maps of one function, and bits of one map; more is a damaged table.
const MAX_MAPS: u32 = 1 << 20;
/// Stack objects of one function.
const MAX_OBJECTS: u64 = 1 << 16;

/// A word that is a root, with the frame it belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameWord {
    pub(super) address: u64,
    pub(super) value: u64,
    pub(super) frame: u32,
}

/// A variable whose address is taken: scanned only when something points to it.
#[derive(Clone, Debug)]
struct StackObject {
    range: Range<u64>,
    /// Words that may be pointers.
    pointers: Vec<u32>,
    frame: u32,
}

/// Collects the roots of one stack.
pub(super) struct StackScan<'s> {
    memory: &'s dyn Memory,
    tables: &'s [FunctionTable],
    stack: Range<u64>,
    objects: Vec<StackObject>,
    reached: FxHashSet<usize>,
    pub(super) words: Vec<FrameWord>,
    /// A frame had no valid map and was scanned word by word.
    pub(super) conservative: bool,
}

impl<'s> StackScan<'s> {
    pub(super) fn new(memory: &'s dyn Memory, tables: &'s [FunctionTable], stack: Range<u64>) -> Self {
        Self {
            memory,
            tables,
            stack,
            objects: Vec::new(),
            reached: FxHashSet::default(),
            words: Vec::new(),
            conservative: false,
        }
    }

    /// Adds the words of a frame that its maps call live. False when it has no map for where it stands.
    pub(super) fn precise(&mut self, index: u32, frame: &Frame) -> bool {
        let table = &self.tables[frame.table];
        let function = &frame.function;
        if frame.continue_at == 0 {
            return true;
        }
        let map = if frame.continue_at == function.entry {
            0
        } else {
            // No value here means the one at the function's entry.
            match table.pcdata(function, STACK_MAP_INDEX, frame.continue_at - 1) {
                -1 => 0,
                m => m,
            }
        };
        if frame.varp > frame.sp {
            let Some((bits, count)) = self.stack_map(table.funcdata(function, LOCALS_MAP), map) else { return false };
            let from = frame.varp.wrapping_sub(u64::from(count) * 8);
            self.add_bits(index, bits, count, from);
        }
        if function.args == ARGS_UNKNOWN {
            // Assembler without maps, but for reflect's two stubs, whose map their caller left on the stack.
            if let Some((bits, count)) = self.reflect_stub(frame, table.name(function)) {
                self.add_bits(index, bits, count, frame.fp);
            }
        } else if function.args > 0 {
            let Some((bits, count)) = self.stack_map(table.funcdata(function, ARGS_MAP), map) else { return false };
            self.add_bits(index, bits, count, frame.fp);
        }
        self.add_objects(index, frame, table);
        true
    }

    /// Adds every word of a frame: for code that was interrupted where it has no maps.
    pub(super) fn conservative(&mut self, index: u32, range: Range<u64>) {
        self.conservative = true;
        let Some(from) = range.start.max(self.stack.start).checked_next_multiple_of(8) else { return };
        let end = range.end.min(self.stack.end);
        if from < end
            && let Ok(values) = words(self.memory, from, (end - from) / 8 * 8)
        {
            for (i, value) in values.into_iter().enumerate() {
                self.push(FrameWord { address: from + i as u64 * 8, value, frame: index });
            }
        }
    }

    /// Adds a word that is no part of a frame.
    pub(super) fn push(&mut self, word: FrameWord) {
        if word.value != 0 {
            self.words.push(word);
        }
    }

    /// Scans the stack objects that live words point to, and what those point to.
    pub(super) fn finish(&mut self) {
        self.objects.sort_by_key(|o| o.range.start);
        let mut next = 0;
        while let Some(word) = self.words.get(next) {
            next += 1;
            let Some(at) = self.objects.partition_point(|o| o.range.start <= word.value).checked_sub(1) else {
                continue;
            };
            if !self.objects[at].range.contains(&word.value) || !self.reached.insert(at) {
                continue;
            }
            let object = self.objects[at].clone();
            for pointer in object.pointers {
                let address = object.range.start + u64::from(pointer) * 8;
                let value = self.memory.u64(address).unwrap_or(0);
                self.push(FrameWord { address, value, frame: object.frame });
            }
        }
    }

    /// The bitmap `index` of a stack map: (address of its bits, bits). `None` when there is no such bitmap.
    fn stack_map(&self, map: Option<u64>, index: i32) -> Option<(u64, u32)> {
        let address = map?;
        let (count, bits) = (self.memory.u32(address).ok()?, self.memory.u32(address.checked_add(4)?).ok()?);
        if count == 0 || count > MAX_MAPS || bits > MAX_MAPS {
            return None;
        }
        if bits == 0 {
            return Some((address, 0));
        }
        let index = u32::try_from(index).ok().filter(|i| *i < count)?;
        Some((address.checked_add(8 + u64::from(index) * u64::from(bits.div_ceil(8)))?, bits))
    }

    fn add_bits(&mut self, frame: u32, bits: u64, count: u32, from: u64) {
        for pointer in read_bits(self.memory, bits, u64::from(count)).unwrap_or_default() {
            let address = from.wrapping_add(u64::from(pointer) * 8);
            if self.stack.contains(&address) {
                let value = self.memory.u64(address).unwrap_or(0);
                self.push(FrameWord { address, value, frame });
            }
        }
    }

    /// `reflect.makeFuncStub` and `reflect.methodValueCall` keep a `reflect.methodValue` at the bottom of their frame:
    /// {fn, *bitvector, argument bytes}, and one word on whether the results are set.
    fn reflect_stub(&self, frame: &Frame, name: &str) -> Option<(u64, u32)> {
        if !matches!(name, "reflect.makeFuncStub" | "reflect.methodValueCall") || frame.sp >= frame.varp {
            return None;
        }
        let value = self.memory.u64(frame.sp).ok()?;
        let stack = self.memory.u64(value.checked_add(8)?).ok()?;
        let argument_words = self.memory.u64(value.checked_add(16)?).ok()? / 8;
        let bits = u64::from(self.memory.u32(stack).ok()?);
        let results_set = self.memory.u8(frame.sp + 32).ok()? != 0;
        let bits = if results_set { bits } else { bits.min(argument_words) };
        Some((self.memory.u64(stack.checked_add(8)?).ok()?, u32::try_from(bits).ok()?.min(MAX_MAPS)))
    }

    fn add_objects(&mut self, index: u32, frame: &Frame, table: &FunctionTable) {
        let Some(address) = table.funcdata(&frame.function, STACK_OBJECTS) else { return };
        let count = self.memory.u64(address).unwrap_or(0);
        if count > MAX_OBJECTS {
            return;
        }
        let mut bytes = vec![0; count as usize * 16];
        if self.memory.read_into(address.wrapping_add(8), &mut bytes).is_err() {
            return;
        }
        // They are variables of the frame, or its arguments, and lie side by side.
        let mut room = self.stack.end.saturating_sub(frame.sp);
        for record in bytes.chunks_exact(16) {
            let number = |at| Field { offset: at, size: 4 }.get(record) as u32;
            let (offset, size, pointer_bytes) = (number(0) as i32, number(4), number(8) as i32);
            let base = if offset < 0 { frame.varp } else { frame.fp };
            let start = base.wrapping_add_signed(i64::from(offset));
            // Not yet part of the frame.
            if start < frame.sp || !self.stack.contains(&start) {
                continue;
            }
            let Some(rest) = room.checked_sub(u64::from(size)).filter(|_| u64::from(size) <= self.stack.end - start)
            else {
                continue;
            };
            room = rest;
            let mask = table.module().rodata.wrapping_add(u64::from(number(12)));
            let pointers = match pointer_bytes {
                // Up to 1.23 a negative size means a GC program, for objects over 128 KiB: every word may be a pointer.
                ..0 => (0..size / 8).collect(),
                bytes => read_bits(self.memory, mask, u64::from(size.min(bytes as u32)) / 8).unwrap_or_default(),
            };
            self.objects.push(StackObject { range: start..start + u64::from(size), pointers, frame: index });
        }
    }

    /// Start and size of each stack object that something points to or that may hold a map, by address.
    pub(super) fn object_ranges(&self) -> Vec<(Range<u64>, u32)> {
        self.objects.iter().map(|o| (o.range.clone(), o.frame)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzzing::Image;

    #[test]
    fn a_stack_pointer_at_the_end_of_the_address_space_has_no_words() {
        let memory = Image::new(vec![(0x1000, vec![1; 64])]);
        let mut scan = StackScan::new(&memory, &[], 0x1000..0x1040);
        scan.conservative(0, u64::MAX - 3..u64::MAX);
        assert_eq!(scan.words.len(), 0);
        scan.conservative(0, 0..u64::MAX);
        assert_eq!(scan.words.len(), 8);
    }
}
