//! The function table (pclntab): from a program counter to its function, frame size and stack maps.
//!
//! Follows `runtime/symtab.go` of Go 1.21 to 1.27 (magic 0xfffffff1); `_func` has had the same layout in all of them.
//! Offsets are resolved through `moduledata`, never through the header, whose `textStart` is 0 from 1.26 on.

use mapscope_memory::Memory;

use super::{Field, Module};
use crate::GoError;
use crate::binary::uvarint;

/// Bytes of a function's name that are read at most.
const MAX_NAME: usize = 4096;
/// Bytes of `_func` before its pcdata offsets.
const HEADER: usize = 44;

/// `PCDATA_StackMapIndex`.
pub(crate) const STACK_MAP_INDEX: u32 = 1;

/// The tables of one module, held in memory.
pub(crate) struct FunctionTable {
    module: Module,
    index: Vec<u8>,
    functions: Vec<u8>,
    pc_table: Vec<u8>,
    names: Vec<u8>,
    pub(super) units: Vec<u8>,
    pub(super) files: Vec<u8>,
}

/// One function's record.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    /// First instruction, in the target.
    pub(crate) entry: u64,
    /// First instruction of the next function.
    pub(crate) end: u64,
    /// Bytes of arguments, or `i32::MIN` when they vary.
    pub(crate) args: i32,
    /// Offset of the call of `deferreturn`; 0 for none.
    pub(crate) defer_return: u32,
    /// `abi.FuncFlag`: 1 top of stack, 2 writes sp, 4 assembler.
    pub(crate) flag: u8,
    /// `abi.FuncID`: which of the functions that the runtime treats apart it is; 0 for any other.
    pub(crate) id: u8,
    /// Line of the declaration.
    pub(super) start_line: u32,
    /// Numbers of files and lines by program counter: offsets into the pc table.
    pub(super) file_table: u32,
    pub(super) line_table: u32,
    /// Index of the compilation unit's first file.
    pub(super) unit: u32,
    sp_table: u32,
    name: i32,
    pcdata_count: u32,
    funcdata_count: u8,
    /// Offset of the record in the table.
    record: usize,
}

impl Function {
    /// Whether the compiler made it, for a method or for `go f(x)` (`abi.FuncIDWrapper`, whose number moved).
    pub(crate) fn is_wrapper(&self, minor: u32) -> bool {
        let wrapper = match minor {
            ..=21 => 21,
            22..=24 => 22,
            _ => 23,
        };
        self.id == wrapper
    }
}

impl FunctionTable {
    /// Copies the tables of `module` out of the target; lengths are checked against its mappings first.
    pub(crate) fn read(memory: &dyn Memory, module: &Module) -> Result<Self, GoError> {
        let table = |(address, count): (u64, u64), size: u64, what: &'static str| -> Result<Vec<u8>, GoError> {
            let len = count.checked_mul(size).filter(|l| memory.is_mapped(address, *l));
            let len = len.ok_or_else(|| GoError::inconsistent(what, address, "it is not mapped"))?;
            let mut scratch = Vec::new();
            let bytes = memory.bytes(address, len as usize, &mut scratch)?;
            Ok(bytes.to_vec())
        };
        Ok(Self {
            index: table(module.index, 8, "function index")?,
            functions: table(module.functions, 1, "function table")?,
            pc_table: table(module.pc_table, 1, "pc table")?,
            names: table(module.names, 1, "function names")?,
            units: table(module.units, 4, "table of compilation units")?,
            files: table(module.files, 1, "file names")?,
            module: module.clone(),
        })
    }

    /// The module the tables belong to.
    pub(crate) fn module(&self) -> &Module {
        &self.module
    }

    /// The function that covers `pc`.
    pub(crate) fn find(&self, pc: u64) -> Option<Function> {
        if !self.module.text.contains(&pc) {
            return None;
        }
        let offset = u32::try_from(self.text_offset(pc)?).ok()?;
        let entries = self.index.len() / 8;
        let entry_offset = |i: usize| word(&self.index, i * 8);
        // The last entry only marks the end of text.
        let (mut low, mut high) = (0, entries.checked_sub(1)?);
        while low < high {
            let middle = low + (high - low) / 2;
            if entry_offset(middle)? <= offset {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let record = word(&self.index, low.checked_sub(1)? * 8 + 4)?;
        let end = self.address_of(u64::from(entry_offset(low)?));
        self.function(record as usize, end.unwrap_or(self.module.text.end))
    }

    /// Every function, by address. None overlaps the one before it, so that code is never looked at twice.
    pub(crate) fn all(&self) -> impl Iterator<Item = Function> {
        let mut covered = 0;
        // The last entry only marks the end of text.
        let functions = (0..(self.index.len() / 8).saturating_sub(1)).filter_map(|i| {
            let record = word(&self.index, i * 8 + 4)?;
            let end = self.address_of(u64::from(word(&self.index, i * 8 + 8)?));
            self.function(record as usize, end.unwrap_or(self.module.text.end))
        });
        functions.filter(move |f| {
            let apart = f.entry >= covered && f.end > f.entry;
            if apart {
                covered = f.end;
            }
            apart
        })
    }

    fn function(&self, record: usize, end: u64) -> Option<Function> {
        let header = self.functions.get(record..record.checked_add(HEADER)?)?;
        let word = |at| Field { offset: at, size: 4 }.get(header) as u32;
        Some(Function {
            entry: self.address_of(u64::from(word(0)))?,
            end,
            name: word(4) as i32,
            args: word(8) as i32,
            defer_return: word(12),
            sp_table: word(16),
            file_table: word(20),
            line_table: word(24),
            unit: word(32),
            start_line: word(36),
            pcdata_count: word(28),
            flag: header[41],
            id: header[40],
            funcdata_count: header[43],
            record,
        })
    }

    /// Offset of `pc` from the start of text, as the index counts it (`moduledata.textOff`).
    fn text_offset(&self, pc: u64) -> Option<u64> {
        for &(vaddr, end, base) in &self.module.text_sections {
            if pc >= base && pc - base <= end.wrapping_sub(vaddr) {
                return (pc - base).checked_add(vaddr);
            }
        }
        pc.checked_sub(self.module.text.start)
    }

    /// The reverse of [`Self::text_offset`] (`moduledata.textAddr`).
    fn address_of(&self, offset: u64) -> Option<u64> {
        for &(vaddr, end, base) in &self.module.text_sections {
            if (vaddr..end).contains(&offset) {
                return base.checked_add(offset - vaddr);
            }
        }
        self.module.text.start.checked_add(offset)
    }

    /// The function's full name.
    pub(crate) fn name(&self, function: &Function) -> &str {
        self.name_at(function.name)
    }

    /// The function name at an offset of the names.
    pub(super) fn name_at(&self, offset: i32) -> &str {
        text(&self.names, usize::try_from(offset).unwrap_or(usize::MAX))
    }

    /// Bytes of the frame at `pc`, without the return address; `None` when the table does not say.
    pub(crate) fn frame_size(&self, function: &Function, pc: u64) -> Option<u64> {
        if function.sp_table == 0 {
            return None;
        }
        let delta = self.value_at(function.sp_table, function.entry, pc)?;
        u64::try_from(delta).ok()
    }

    /// A pcdata value at `pc`; -1 when the function has no such table.
    pub(crate) fn pcdata(&self, function: &Function, table: u32, pc: u64) -> i32 {
        if table >= function.pcdata_count {
            return -1;
        }
        let at = function.record + HEADER + table as usize * 4;
        let offset = word(&self.functions, at).unwrap_or(0);
        if offset == 0 {
            return -1;
        }
        self.value_at(offset, function.entry, pc).unwrap_or(-1)
    }

    /// Address of a function's data; `None` when it has none.
    pub(crate) fn funcdata(&self, function: &Function, index: u8) -> Option<u64> {
        if index >= function.funcdata_count {
            return None;
        }
        let base = (function.pcdata_count as usize).checked_mul(4)?.checked_add(function.record + HEADER)?;
        let offset = word(&self.functions, base.checked_add(usize::from(index) * 4)?)?;
        (offset != u32::MAX).then(|| self.module.func_data.wrapping_add(u64::from(offset)))
    }

    /// `runtime.pcvalue`: deltas of value and pc until the target is passed.
    pub(super) fn value_at(&self, table: u32, entry: u64, target: u64) -> Option<i32> {
        let mut rest = self.pc_table.get(table as usize..)?;
        let (mut pc, mut value, mut first) = (entry, -1i32, true);
        loop {
            let (delta, used) = uvarint(rest)?;
            if delta == 0 && !first {
                return None;
            }
            first = false;
            rest = &rest[used..];
            let delta = delta as u32;
            let signed = (delta >> 1) as i32 ^ -((delta & 1) as i32);
            value = value.wrapping_add(signed);
            let (step, used) = uvarint(rest)?;
            rest = &rest[used..];
            pc = pc.checked_add(step)?;
            if target < pc {
                return Some(value);
            }
        }
    }
}

/// The text at `start` that a zero byte ends; empty when there is none.
pub(super) fn text(bytes: &[u8], start: usize) -> &str {
    let Some(rest) = bytes.get(start..) else { return "" };
    let end = rest.iter().take(MAX_NAME).position(|b| *b == 0).unwrap_or(0);
    std::str::from_utf8(&rest[..end]).unwrap_or("")
}

pub(super) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}
