//! Whether the tables of a core are as every writer makes them: what they describe lies side by side in the file and in
//! order in memory. A table that is not was damaged, and where its bytes belong is then not known.

use super::records::Mapping;
use crate::elf::{HEADER_SIZE, Header, PT_LOAD, PT_NOTE, Segment, clipped};
use crate::{AMD64, Figures, Partial};

/// Adds a reason for each thing that no writer does.
///
/// In a core of what the analysis reads (`pieces`), segments end where that ends; in any other, where a page ends.
pub(super) fn check(core: &[u8], header: &Header, pieces: bool, partial: &mut Partial) {
    let mut segments: Vec<Segment> = header.segments(core).collect();
    if let Some(odd) = segments.iter().find(|s| s.kind != PT_LOAD && s.kind != PT_NOTE) {
        partial.add(
            Figures::EVERY,
            format!(
                "segment {} of the core is of kind {:#x}, which no core has: its table is damaged",
                odd.index, odd.kind
            ),
        );
    }
    if segments.iter().filter(|s| s.kind == PT_NOTE).count() > 1 {
        partial.add(Figures::EVERY, "the core has more than one segment of notes: its table is damaged");
    }
    let loads: Vec<&Segment> = segments.iter().filter(|s| s.kind == PT_LOAD).collect();
    if let Some(pair) = loads.windows(2).find(|pair| pair[0].vaddr > pair[1].vaddr) {
        let (index, address) = (pair[1].index, pair[1].vaddr);
        partial.add(
            Figures::EVERY,
            format!("segment {index} of the core, at address {address:#x}, is not in order: its table is damaged"),
        );
    }
    if let Some(s) = loads.iter().find(|s| s.memsz != 0 && s.memsz < s.filesz) {
        partial.add(
            Figures::EVERY,
            format!(
                "segment {} of the core has {} bytes in the file and {} in memory: its table is damaged",
                s.index, s.filesz, s.memsz
            ),
        );
    }
    segments.retain(|s| s.filesz > 0);
    segments.sort_by_key(|s| s.offset);
    let apart = |pair: &&[Segment]| {
        let gap = pair[0].offset.checked_add(pair[0].filesz).and_then(|end| pair[1].offset.checked_sub(end));
        gap.is_none_or(|gap| gap > 0 && (gap >= AMD64.page_size || pair[0].kind == PT_LOAD && !pieces))
    };
    if let Some(pair) = segments.windows(2).find(apart) {
        partial.add(
            Figures::EVERY,
            format!(
                "segment {} of the core, at file offset {:#x}, does not follow on segment {}, which has {} bytes at {:#x}: its \
                 table is damaged",
                pair[1].index, pair[1].offset, pair[0].index, pair[0].filesz, pair[0].offset
            ),
        );
    }
}

/// Where the core has the first page of the executable, when that is not where it was mapped.
pub(super) fn moved(core: &[u8], header: &Header, executable: &[u8], main: &Mapping) -> Option<u64> {
    let front = executable.get(..HEADER_SIZE).filter(|_| main.offset == 0)?;
    let is_front = |s: &Segment| clipped(core, s.offset, s.filesz).starts_with(front);
    let mut found = header.segments(core).filter(|s| s.kind == PT_LOAD && is_front(s)).map(|s| s.vaddr).peekable();
    let first = *found.peek()?;
    found.all(|start| start != main.start).then_some(first)
}
