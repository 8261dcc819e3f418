//! The tables of a core: its segments, and what its notes record of the process.

use std::path::{Path, PathBuf};

use super::origin::{NT_ORIGIN, OWNER, Origin};
use crate::elf::{
    AT_ENTRY, AT_PHDR, AT_RANDOM, Header, PT_LOAD, PT_NOTE, Segment, auxv_value, clipped, u32_at, u64_at,
};
use crate::notes::{notes, notes_end};
use crate::process::mapped_file;
use crate::{AMD64, Figure, Figures, Partial, Registers, Thread};

pub(super) const NT_PRSTATUS: u32 = 1;
pub(super) const NT_PRPSINFO: u32 = 3;
pub(super) const NT_AUXV: u32 = 6;
/// "FILE" in ASCII.
pub(super) const NT_FILE: u32 = 0x4649_4c45;
/// `pr_pid` and `pr_reg` in `struct elf_prstatus`, Linux `include/linux/elfcore.h` on amd64.
pub(super) const PRSTATUS_TID: usize = 32;
/// See [`PRSTATUS_TID`].
const PRSTATUS_BYTES: usize = 336;
/// See [`PRSTATUS_TID`].
pub(super) const PRSTATUS_REGISTERS: usize = 112;
/// `pr_pid` in `struct elf_prpsinfo`.
const PRPSINFO_PID: usize = 24;

/// Longest path the kernel writes.
const PATH_MAX: usize = 4096;

/// A file mapped by the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mapping {
    pub(super) start: u64,
    pub(super) end: u64,
    /// Offset of `start` in the file.
    pub(super) offset: u64,
    pub(super) path: PathBuf,
}

/// What the tables say.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// Those of type `PT_LOAD`.
    pub(super) segments: Vec<Segment>,
    pub(super) threads: Vec<Thread>,
    pub(super) pid: u32,
    /// By address, not overlapping.
    pub(super) mappings: Vec<Mapping>,
    /// What mapscope noted when it wrote the core.
    pub(super) origin: Option<Origin>,
    auxv: Vec<u8>,
    notes_read: usize,
}

/// Reads the program headers and the notes.
pub(super) fn read(core: &[u8], header: &Header, partial: &mut Partial) -> Records {
    let mut records = Records::default();
    let mut seen = 0;
    for segment in header.segments(core) {
        seen += 1;
        match segment.kind {
            PT_LOAD => records.segments.push(segment),
            PT_NOTE => records.add_notes(core, &segment, partial),
            _ => {}
        }
    }
    if seen < header.segment_count {
        partial.add(
            Figures::EVERY,
            format!(
                "the core lists {} segments at file offset {:#x}, but it ends at {:#x}, after {seen} of them",
                header.segment_count,
                header.segments_at,
                core.len()
            ),
        );
    }
    if [AT_PHDR, AT_ENTRY, AT_RANDOM].iter().any(|key| records.auxiliary(*key).is_none()) {
        let sentence =
            "the core lacks the auxiliary vector or a part of it: where the program and its stack lie is inferred";
        partial.add(Figure::Memory, sentence);
    }
    if records.mappings.is_empty() {
        partial.add(Figure::Memory, "the core does not list mapped files: what lies behind its memory is not known");
    }
    if records.threads.is_empty() {
        partial.add(
            Figure::Live | Figure::Goroutines,
            "the core records no thread: there are no registers, so no stacks to start from",
        );
    }
    let mut end = 0;
    records.mappings.sort_by_key(|m| m.start);
    records.mappings.retain(|m| {
        let fits = m.start >= end && m.start < m.end;
        end = if fits { m.end } else { end };
        fits
    });
    records
}

impl Records {
    fn add_notes(&mut self, core: &[u8], segment: &Segment, partial: &mut Partial) {
        let end = segment.offset.saturating_add(segment.filesz);
        if end > core.len() as u64 {
            partial.add(
                Figures::EVERY,
                format!(
                    "the notes (segment {} at file offset {:#x}) need {} bytes, but the file ends at {:#x}",
                    segment.index,
                    segment.offset,
                    segment.filesz,
                    core.len()
                ),
            );
        }
        let bytes = clipped(core, segment.offset, segment.filesz);
        // Several segments may name the same bytes. Only a hostile file does that, and it must not multiply.
        self.notes_read += bytes.len();
        if self.notes_read > core.len() {
            return;
        }
        let end = notes_end(bytes, 4);
        if bytes.get(end..).is_some_and(|rest| rest.iter().any(|byte| *byte != 0)) {
            partial.add(
                Figures::EVERY,
                format!("the notes at file offset {:#x} make no sense from byte {end} on", segment.offset),
            );
        }
        for note in notes(bytes, 4) {
            if note.name.iter().any(|byte| !byte.is_ascii_graphic()) || note.name.is_empty() {
                partial.add(Figures::EVERY, format!("a note at file offset {:#x} has no name", segment.offset));
                return;
            }
            let again = match note.kind {
                NT_AUXV => !self.auxv.is_empty(),
                NT_PRPSINFO => self.pid != 0,
                NT_FILE => !self.mappings.is_empty(),
                _ => false,
            };
            if note.name == b"CORE" && again {
                partial.add(Figures::EVERY, format!("the core has two notes of kind {:#x}: one is damaged", note.kind));
            }
            match (note.name, note.kind) {
                (b"CORE", NT_PRSTATUS) if note.desc.len() != PRSTATUS_BYTES => partial.add(
                    Figure::Live | Figure::Goroutines,
                    format!("the registers of a thread have {} bytes: their note is damaged", note.desc.len()),
                ),
                (b"CORE", NT_PRSTATUS) => self.threads.extend(thread(note.desc)),
                (b"CORE", NT_PRPSINFO) => self.pid = u32_at(note.desc, PRPSINFO_PID).unwrap_or(0),
                (b"CORE", NT_AUXV) => self.auxv = note.desc.to_vec(),
                (b"CORE", NT_FILE) if self.mappings.is_empty() => {
                    let listed = mappings(note.desc);
                    if listed.is_none() {
                        partial.add(Figures::EVERY, "the list of mapped files makes no sense: its note is damaged");
                    }
                    self.mappings = listed.unwrap_or_default();
                }
                (OWNER, NT_ORIGIN) if self.origin.is_none() => self.origin = Origin::decode(note.desc),
                _ => {}
            }
        }
    }

    /// A value of the auxiliary vector.
    pub(super) fn auxiliary(&self, key: u64) -> Option<u64> {
        auxv_value(&self.auxv, key)
    }

    /// A mapping of the main executable: the one with its program headers.
    pub(super) fn main_mapping(&self) -> Option<&Mapping> {
        let at = |addr: u64| self.mappings.iter().find(|m| m.start <= addr && addr < m.end);
        let known = [AT_PHDR, AT_ENTRY].iter().find_map(|&key| at(auxv_value(&self.auxv, key)?));
        let known = known.or(self.mappings.first())?;
        self.mappings.iter().find(|m| m.path == known.path)
    }

    /// What to add to addresses of the executable to get those of the core.
    pub(super) fn load_bias(&self, program: &Header, exe: &[u8], main: Option<&Mapping>) -> u64 {
        let entry = auxv_value(&self.auxv, AT_ENTRY).or_else(|| {
            // Without the auxiliary vector: from where the file's first page lies.
            let first = program.segments(exe).find(|s| s.kind == PT_LOAD)?;
            let main = main.filter(|m| m.offset == 0)?;
            Some(main.start.wrapping_add(first.offset).wrapping_sub(first.vaddr).wrapping_add(program.entry))
        });
        entry.map_or(0, |e| program.load_bias(e))
    }
}

fn thread(prstatus: &[u8]) -> Option<Thread> {
    let registers = Registers::from_user_regs(&AMD64, prstatus.get(PRSTATUS_REGISTERS..)?)?;
    Some(Thread { tid: u32_at(prstatus, PRSTATUS_TID)?, registers, extended: Vec::new() })
}

/// `NT_FILE`: a count, the unit of file offsets, (start, end, offset) for each mapping, then all paths.
fn mappings(note: &[u8]) -> Option<Vec<Mapping>> {
    let count = usize::try_from(u64_at(note, 0)?).ok().filter(|count| *count <= note.len() / 24)?;
    let unit = u64_at(note, 8)?;
    let names = note.get(16 + count * 24..)?;
    let mut found = Vec::new();
    for (i, name) in names.split(|&b| b == 0).take(count).enumerate() {
        let at = 16 + i * 24;
        let (start, end, offset) = (u64_at(note, at)?, u64_at(note, at + 8)?, u64_at(note, at + 16)?);
        let name = name.get(..PATH_MAX).unwrap_or(name);
        let (Some(offset), Some(path)) = (offset.checked_mul(unit), mapped_file(name)) else { continue };
        found.push(Mapping { start, end, offset, path });
    }
    let whole = names.split(|&b| b == 0).filter(|name| !name.is_empty()).count() == count;
    (whole && found.windows(2).all(|pair| pair[0].end <= pair[1].start)).then_some(found)
}

/// The mapping that holds `addr`.
pub(super) fn mapping_at(mappings: &[Mapping], addr: u64) -> Option<&Mapping> {
    let m = mappings.get(mappings.partition_point(|m| m.end <= addr))?;
    (m.start <= addr).then_some(m)
}

/// Path and offset of the file byte at `addr`, for a region.
pub(super) fn file_at(mappings: &[Mapping], addr: u64) -> Option<(PathBuf, u64)> {
    let m = mapping_at(mappings, addr)?;
    Some((Path::to_path_buf(&m.path), m.offset.saturating_add(addr - m.start)))
}
