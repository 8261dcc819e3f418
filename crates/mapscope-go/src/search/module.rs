//! `runtime.firstmoduledata`: its first word leads to the header of the function table.

use std::ops::Range;

use mapscope_memory::Memory;

use crate::runtime::{FunctionTable, Layout, modules};
use crate::{Binary, GoError};

/// First bytes of the function table from Go 1.20 on: magic number, padding, instruction and pointer size of amd64
/// (`runtime.pcHeader`).
const HEADER: [u8; 8] = [0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8];
/// Words in one window that lead to a function table; only the module's own does.
const MAX_CANDIDATES: usize = 16;
/// Bytes read at once.
const WINDOW: u64 = 1 << 20;

/// Address of the first module: where section `.go.module` is (1.26 and later), else somewhere in the data.
///
/// # Errors
/// When there is no module.
pub(crate) fn first_module(memory: &dyn Memory, layout: &Layout, binary: &Binary<'_>) -> Result<u64, GoError> {
    if let Some(section) = binary.section_range(".go.module")
        && is_module(memory, layout, section.start)
    {
        return Ok(section.start);
    }
    for section in binary.data_sections() {
        if let Some(found) = in_section(memory, layout, section) {
            return Ok(found);
        }
    }
    Err(GoError::not_found(binary.path(), "the module (runtime.firstmoduledata)", memory))
}

fn in_section(memory: &dyn Memory, layout: &Layout, section: Range<u64>) -> Option<u64> {
    let mut scratch = Vec::new();
    let mut at = section.start.checked_next_multiple_of(8)?;
    while at < section.end {
        let len = WINDOW.min(section.end - at) / 8 * 8;
        // What a core leaves out has no module either.
        if len > 0
            && let Ok(bytes) = memory.bytes(at, len as usize, &mut scratch)
        {
            let words = bytes.chunks_exact(8).map(|b| u64::from_le_bytes(b.try_into().unwrap_or_default()));
            let candidates = words.enumerate().filter(|(_, word)| is_header(memory, *word));
            let found =
                candidates.take(MAX_CANDIDATES).find(|(index, _)| is_module(memory, layout, at + *index as u64 * 8));
            if let Some((index, _)) = found {
                return Some(at + index as u64 * 8);
            }
        }
        at = at.checked_add(WINDOW)?;
    }
    None
}

fn is_header(memory: &dyn Memory, address: u64) -> bool {
    let mut bytes = [0; HEADER.len()];
    address != 0 && address.is_multiple_of(8) && memory.read_into(address, &mut bytes).is_ok() && bytes == HEADER
}

/// A module names its own first function.
fn is_module(memory: &dyn Memory, layout: &Layout, address: u64) -> bool {
    memory.u64(address).is_ok_and(|header| is_header(memory, header))
        && modules(memory, layout, address).is_ok_and(|modules| {
            let first = modules.first().and_then(|m| Some((FunctionTable::read(memory, m).ok()?, m.text.start)));
            first.is_some_and(|(table, start)| table.find(start).is_some_and(|f| !table.name(&f).is_empty()))
        })
}
