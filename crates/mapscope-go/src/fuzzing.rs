//! Doors for the fuzzer: each hands arbitrary bytes to one parser. No part of the interface.

use std::path::PathBuf;

use mapscope_heap::MapFigures;
use mapscope_memory::{AMD64, Arch, Memory, MemoryError, Partial, Region, TargetInfo, TargetKind, Thread};

use crate::Binary;
use crate::dwarf::{Dwarf, DwarfIndex, DwarfSections};
use crate::heap::{Masks, SpanTable, type_words};
use crate::maps::Auditor;
use crate::runtime::{
    DebugOffsets, Field, FunctionTable, Layout, LegacyMap, Module, STACK_MAP_INDEX, Spots, SwissMap, SwissTable,
};
use crate::types::{TypeId, TypeTable, compile, leaves, steps, visit, visit_numbered};

/// Where the bytes of an input are in the target.
const BASE: u64 = 0x10000;
/// Where its code would be.
const TEXT: std::ops::Range<u64> = 0x40_0000..0x50_0000;
/// Types, functions or variables of one input that are looked at, of those it has.
const SOME: usize = 64;
/// Bytes of a value that are walked.
const VALUE: u64 = 1 << 16;

/// A target that is a few pieces of memory.
pub(crate) struct Image {
    info: TargetInfo,
    regions: Vec<Region>,
    parts: Vec<Vec<u8>>,
}

impl Image {
    pub(crate) fn new(parts: Vec<(u64, Vec<u8>)>) -> Self {
        let info = TargetInfo {
            kind: TargetKind::Core,
            pid: 1,
            exe: PathBuf::from("fuzzed"),
            rss_bytes: None,
            redacted: false,
            monotonic_ns: None,
            taken_at: None,
            file_time: false,
            load_bias: 0,
            partial: Partial::default(),
        };
        let region = |(start, bytes): &(u64, Vec<u8>)| Region {
            start: *start,
            end: start + bytes.len() as u64,
            read: true,
            write: true,
            execute: false,
            file: None,
        };
        let regions = parts.iter().map(region).collect();
        Self { info, regions, parts: parts.into_iter().map(|p| p.1).collect() }
    }
}

impl Memory for Image {
    fn arch(&self) -> &'static Arch {
        &AMD64
    }

    fn info(&self) -> &TargetInfo {
        &self.info
    }

    fn regions(&self) -> &[Region] {
        &self.regions
    }

    fn threads(&self) -> &[Thread] {
        &[]
    }

    fn borrow(&self, addr: u64, len: usize) -> Option<&[u8]> {
        let index = self.regions.iter().position(|r| (r.start..r.end).contains(&addr))?;
        let at = (addr - self.regions[index].start) as usize;
        self.parts[index].get(at..at.checked_add(len)?)
    }

    fn read_into(&self, addr: u64, buf: &mut [u8]) -> Result<(), MemoryError> {
        let bytes = self.borrow(addr, buf.len()).ok_or(MemoryError::NotMapped { addr, len: buf.len() as u64 })?;
        buf.copy_from_slice(bytes);
        Ok(())
    }
}

/// An executable: its header, sections and build information.
pub fn binary(bytes: &[u8]) {
    let Ok(binary) = Binary::parse("fuzzed", bytes, 0x1000) else { return };
    for name in [".debug_info", ".debug_abbrev", ".debug_str", ".zdebug_info", ".text", ".go.buildinfo"] {
        let _ = binary.section(name);
        let _ = binary.section_range(name);
    }
    let _ = binary.is_stripped();
    let image = binary.image();
    let _ = (image.u64(0x40_0000), image.regions().len());
}

/// The debug information of an executable.
pub fn dwarf_image(bytes: &[u8]) {
    let Ok(binary) = Binary::parse("fuzzed", bytes, 0) else { return };
    let Ok(sections) = DwarfSections::load(&binary) else { return };
    debug_information(&sections);
}

/// Debug information from sections by name.
pub fn dwarf_sections(sections: &[(&str, &[u8])]) {
    let find = |name: &str| sections.iter().find(|s| s.0 == name).map_or(&[][..], |s| s.1);
    if let Ok(sections) = DwarfSections::given(find) {
        debug_information(&sections);
    }
}

fn debug_information(sections: &DwarfSections<'_>) {
    let Ok(dwarf) = Dwarf::of(sections, "fuzzed", 0x1000) else { return };
    let Ok(index) = DwarfIndex::build(&dwarf) else { return };
    let layout = Layout::read(&DebugOffsets { dwarf: &dwarf, index: &index });
    let memory = Image::new(Vec::new());
    let modules = [module(0..0)];
    let types = TypeTable::new(&memory, &modules, Some((&dwarf, &index)), 27, &layout.unwrap_or_default());
    for function in index.subprograms.iter().take(SOME) {
        locals(&dwarf, &types, function.offset, function.low);
        locals(&dwarf, &types, function.offset, function.low.wrapping_add(40));
    }
    let globals = index.globals.iter().map(|g| g.type_offset);
    for offset in index.structs.values().copied().take(SOME).chain(globals.take(SOME)) {
        look_at(&types, types.debug(offset));
    }
}

fn locals(dwarf: &Dwarf<'_>, types: &TypeTable<'_>, function: usize, pc: u64) {
    for local in dwarf.locals(function, pc).unwrap_or_default().iter().take(SOME) {
        look_at(types, types.debug(local.type_offset));
    }
}

/// What a reading does with a type.
fn look_at(types: &TypeTable<'_>, id: TypeId) {
    let ty = types.get(id);
    if let Some(layout) = types.struct_layout(id) {
        let _ = (layout.holes(), layout.pointer_bytes(), layout.best_order());
    }
    let plan = compile(types, id);
    visit(&plan, VALUE, &mut |_, _| {});
    // Every reference of a value has a number, and the first of that number is where its leaf says.
    let leaves = leaves(&plan);
    let mut met = vec![false; leaves.len()];
    visit_numbered(&plan, plan.size.min(VALUE), &mut |offset, number, _| {
        if !std::mem::replace(&mut met[number as usize], true) {
            assert_eq!(offset, leaves[number as usize].0);
        }
    });
    for offset in [0, 8, ty.size / 2, ty.size.saturating_sub(1)] {
        let _ = steps(types, id, offset);
    }
    let _ = type_words(types, id, 512);
    let _ = types.shape(id);
}

fn module(types: std::ops::Range<u64>) -> Module {
    Module { text: TEXT, types, rodata: BASE, func_data: BASE, ..Module::default() }
}

/// A function table: index, functions, pc table, names. `sections`: how the text is split, three words each.
pub fn pclntab(tables: [&[u8]; 4], sections: &[u8]) {
    let starts = [BASE, 2 * BASE, 3 * BASE, 4 * BASE];
    let memory = Image::new(starts.into_iter().zip(tables).map(|(start, t)| (start, t.to_vec())).collect());
    let place = |i: usize, size: usize| (starts[i], (tables[i].len() / size) as u64);
    let word = |bytes: &[u8], i: u64| Field { offset: i * 8, size: 8 }.get(bytes);
    let module = Module {
        index: place(0, 8),
        functions: place(1, 1),
        pc_table: place(2, 1),
        names: place(3, 1),
        units: place(0, 4),
        files: place(3, 1),
        text_sections: sections.chunks_exact(24).map(|s| (word(s, 0), word(s, 1), word(s, 2))).collect(),
        ..module(0..0)
    };
    let Ok(table) = FunctionTable::read(&memory, &module) else { return };
    let stack: Vec<u64> = tables[1].chunks_exact(8).take(SOME).map(|w| TEXT.start + word(w, 0) % (1 << 20)).collect();
    let mut spots = Spots::new(std::slice::from_ref(&table), &memory);
    let numbers = spots.add(&stack);
    assert!(numbers.iter().all(|number| spots.get(*number).is_some()));
    let entries = tables[0].chunks_exact(8).map(|e| TEXT.start.wrapping_add(word(e, 0) & 0xffff_ffff));
    for pc in entries.take(SOME).chain([TEXT.start, TEXT.start + 1, TEXT.end - 1, 0, u64::MAX]) {
        let _ = table.frames_at(&memory, pc);
        let Some(function) = table.find(pc) else { continue };
        let _ = (table.name(&function), table.frame_size(&function, pc), table.frame_size(&function, u64::MAX));
        for number in [0, STACK_MAP_INDEX, 2, u32::MAX] {
            let _ = table.pcdata(&function, number, pc);
            let _ = table.funcdata(&function, number as u8);
        }
    }
}

/// Type descriptors, at every word of a piece of memory.
pub fn types(bytes: &[u8], minor: u32, swiss: bool) {
    let memory = Image::new(vec![(BASE, bytes.to_vec())]);
    let modules = [module(BASE..BASE + bytes.len() as u64)];
    let types = TypeTable::new(&memory, &modules, None, minor, &layout(swiss));
    let mut masks = Masks::default();
    for word in 0..(bytes.len() / 8).min(SOME) {
        let address = BASE + word as u64 * 8;
        look_at(&types, types.descriptor(address));
        let _ = masks.of(&types, address, VALUE);
    }
}

/// A map. The memory starts with `allspans`, the address of the map's header and that of its type.
pub fn maps(bytes: &[u8], minor: u32, swiss: bool) -> Option<Result<MapFigures, String>> {
    let word = |i: u64| Field { offset: i * 8, size: 8 }.get(bytes);
    let memory = Image::new(vec![(BASE, bytes.to_vec())]);
    let modules = [module(BASE..BASE + bytes.len() as u64)];
    let layout = layout(swiss);
    let types = TypeTable::new(&memory, &modules, None, minor, &layout);
    let spans = SpanTable::read(&memory, &layout, BASE, &mut Partial::default()).ok()?;
    let auditor = Auditor { memory: &memory, layout: &layout, types: &types, spans: &spans, lookout: None };
    let map = types.descriptor(word(4));
    let shape = types.shape(map)?;
    let _ = auditor.storage(word(3), &shape);
    let (audit, details) = auditor.details(word(3), map);
    if let Ok(figures) = &audit.figures {
        assert_eq!(details.groups.len() as u64, figures.groups);
        assert!(figures.entries <= figures.slots);
    }
    Some(audit.figures)
}

/// Some layout of the runtime's structures.
fn layout(swiss: bool) -> Layout {
    let field = |offset, size| Field { offset, size };
    let word = |index: u64| Field { offset: index * 8, size: 8 };
    let mut layout = Layout::default();
    let span = &mut layout.span;
    span.size = 80;
    (span.start_addr, span.pages, span.elem_size, span.elems) = (word(0), word(1), word(2), word(3));
    (span.free_index, span.alloc_bits, span.specials, span.large_type) = (word(4), word(5), word(7), Some(word(8)));
    (span.span_class, span.state) = (field(48, 1), field(49, 1));
    layout.channel.buffer = word(2);
    let map = SwissMap {
        size: 48,
        used: word(0),
        directory: word(2),
        directory_len: word(3),
        global_depth: field(32, 1),
        global_shift: field(33, 1),
        writing: field(34, 1),
    };
    let table = SwissTable {
        size: 32,
        used: field(0, 2),
        capacity: field(2, 2),
        growth_left: field(4, 2),
        groups: word(2),
        length_mask: word(3),
    };
    let legacy = LegacyMap {
        size: 48,
        count: word(0),
        flags: field(8, 1),
        log_buckets: field(9, 1),
        buckets: word(2),
        old_buckets: word(3),
        extra: word(5),
    };
    (layout.swiss, layout.legacy) = if swiss { (Some((map, table)), None) } else { (None, Some(legacy)) };
    layout
}
