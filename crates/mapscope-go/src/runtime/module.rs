//! `runtime.moduledata`: where a module's code, data, types and tables are.

use std::ops::Range;

use mapscope_memory::Memory;

use super::Layout;
use crate::GoError;

/// Modules a target may have (the program and its plugins); more is a damaged list.
const MAX_MODULES: usize = 256;

/// One module, with addresses of the target.
#[derive(Clone, Debug, Default)]
pub(crate) struct Module {
    /// The name of the file of a plugin; `None` of the runtime's own module.
    pub(crate) plugin: Option<String>,
    pub(crate) text: Range<u64>,
    pub(crate) data: Range<u64>,
    pub(crate) bss: Range<u64>,
    /// Type descriptors; name offsets count from its start.
    pub(crate) types: Range<u64>,
    /// Offsets of descriptors from `types`, four bytes each, up to 1.26: (address, length). From 1.27 on descriptors lie
    /// side by side, and this is empty.
    pub(crate) type_links: (u64, u64),
    /// Bytes of descriptors side by side at the start of `types`, from 1.27; else 0.
    pub(crate) descriptor_bytes: u64,
    /// Addresses of itabs, up to 1.26: (address, length).
    pub(crate) itab_links: (u64, u64),
    /// Itabs side by side, from 1.27; else empty.
    pub(crate) itabs: Range<u64>,
    /// Masks of stack objects count from here.
    pub(crate) rodata: u64,
    /// Function data counts from here.
    pub(crate) func_data: u64,
    /// Pointer masks of data and bss: (words, address).
    pub(crate) data_mask: (u64, u64),
    pub(crate) bss_mask: (u64, u64),
    /// The programs that the masks were made of; none where it is not known where they are.
    pub(crate) data_program: Option<u64>,
    pub(crate) bss_program: Option<u64>,
    /// Function names, pc tables, function records, index: (address, length in elements).
    pub(crate) names: (u64, u64),
    pub(crate) pc_table: (u64, u64),
    pub(crate) functions: (u64, u64),
    pub(crate) index: (u64, u64),
    /// Offset of a file's name for each file of each compilation unit, and those names: likewise.
    pub(crate) units: (u64, u64),
    pub(crate) files: (u64, u64),
    /// Sections of text, when the linker split it: (vaddr, end, base address).
    pub(crate) text_sections: Vec<(u64, u64, u64)>,
}

/// Reads the list of modules that starts at `first`.
///
/// # Errors
/// When the first module cannot be read or its ranges make no sense.
pub(crate) fn modules(memory: &dyn Memory, layout: &Layout, first: u64) -> Result<Vec<Module>, GoError> {
    let mut found: Vec<Module> = Vec::new();
    let mut seen = Vec::new();
    let mut at = first;
    while at != 0 && seen.len() < MAX_MODULES {
        if seen.contains(&at) {
            return Err(GoError::inconsistent("runtime.moduledata", at, "the list of modules comes back to it"));
        }
        seen.push(at);
        let mut bytes = vec![0; layout.module.size.min(4096) as usize];
        memory.read_into(at, &mut bytes)?;
        if layout.module.bad.get(&bytes) == 0 {
            let module = parse(memory, layout, &bytes, at)?;
            // Each table is copied, so the same one must not be copied again and again.
            if found.iter().any(|m| m.functions.0 == module.functions.0 || m.pc_table.0 == module.pc_table.0) {
                return Err(GoError::inconsistent("runtime.moduledata", at, "another module has the same tables"));
            }
            found.push(module);
        }
        at = layout.module.next.get(&bytes);
    }
    Ok(found)
}

fn parse(memory: &dyn Memory, layout: &Layout, bytes: &[u8], at: u64) -> Result<Module, GoError> {
    let l = &layout.module;
    let slice = |field: super::Field| {
        let offset = field.offset as usize;
        let word = |i: usize| super::Field { offset: (offset + i * 8) as u64, size: 8 }.get(bytes);
        (word(0), word(1))
    };
    let range = |from: super::Field, to: super::Field, what: &'static str| {
        let range = from.get(bytes)..to.get(bytes);
        let ok = range.start <= range.end && memory.is_mapped(range.start, (range.end - range.start).min(1 << 40));
        ok.then_some(range)
            .ok_or_else(|| GoError::inconsistent("runtime.moduledata", at, format!("its {what} is not mapped")))
    };
    let mask = |field: super::Field| {
        let (words, address) = slice(field);
        (words & 0xffff_ffff, address)
    };
    let (sections, count) = slice(l.text_sections);
    let number = |field: Option<super::Field>| field.map_or(0, |f| f.get(bytes));
    let itabs = l.types.get(bytes).wrapping_add(number(l.itab_offset));
    Ok(Module {
        plugin: None,
        text: l.text.get(bytes)..l.end_text.get(bytes),
        data: range(l.data, l.end_data, "data")?,
        bss: range(l.bss, l.end_bss, "bss")?,
        types: range(l.types, l.end_types, "type section")?,
        type_links: l.type_links.map_or((0, 0), slice),
        descriptor_bytes: number(l.descriptor_bytes),
        itab_links: l.itab_links.map_or((0, 0), slice),
        itabs: itabs..itabs.saturating_add(number(l.itab_bytes)),
        rodata: l.rodata.get(bytes),
        func_data: l.func_data.get(bytes),
        data_mask: mask(l.data_mask),
        bss_mask: mask(l.bss_mask),
        data_program: l.data_program.map(|f| f.get(bytes)),
        bss_program: l.bss_program.map(|f| f.get(bytes)),
        names: slice(l.name_table),
        units: slice(l.unit_table),
        files: slice(l.file_table),
        pc_table: slice(l.pc_table),
        functions: slice(l.functions),
        index: slice(l.index),
        text_sections: text_sections(memory, sections, count)?,
    })
}

/// `textsectmap`: only present with more than one entry when the linker had to split a huge text.
fn text_sections(memory: &dyn Memory, address: u64, count: u64) -> Result<Vec<(u64, u64, u64)>, GoError> {
    if !(2..=1024).contains(&count) {
        return Ok(Vec::new());
    }
    let mut bytes = vec![0; count as usize * 24];
    memory.read_into(address, &mut bytes)?;
    let word = |b: &[u8], i: usize| super::Field { offset: i as u64 * 8, size: 8 }.get(b);
    Ok(bytes.chunks_exact(24).map(|s| (word(s, 0), word(s, 1), word(s, 2))).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::Field;
    use super::*;
    use crate::fuzzing::Image;

    #[test]
    fn lists_of_modules_come_to_an_end() {
        let word = |index: u64| Field { offset: index * 8, size: 8 };
        let mut layout = Layout::default();
        layout.module.size = 64;
        (layout.module.next, layout.module.functions, layout.module.pc_table) = (word(0), word(1), word(3));
        (layout.module.bad, layout.module.text_sections) = (Field { offset: 63, size: 1 }, word(5));
        let list = |next: [u64; 2], tables: [u64; 2]| {
            let one = |i: usize| [next[i], tables[i], 8, tables[i] + 8, 8, 0, 0, 0].map(u64::to_le_bytes).concat();
            let image = Image::new(vec![(0x1000, [one(0), one(1)].concat())]);
            modules(&image, &layout, 0x1000).map(|m| m.len()).map_err(|e| e.to_string())
        };
        assert_eq!(list([0x1040, 0], [0x10, 0x20]), Ok(2));
        assert!(list([0x1040, 0x1000], [0x10, 0x20]).unwrap_err().contains("comes back"));
        assert!(list([0x1040, 0], [0x10, 0x10]).unwrap_err().contains("the same tables"));
    }
}
