//! Which bytes of which mapping go into a core, and where.

use std::ops::Range;

use crate::elf::{AT_SYSINFO_EHDR, HEADER_SIZE, PF_R, PF_W, PF_X, PN_XNUM, PT_LOAD, PT_NOTE, SEGMENT_SIZE, auxv_value};
use crate::ranges::{intersection, join};
use crate::record::{MappingTraits, PageRange};
use crate::{AMD64, Memory, ProcessRecord, Region};

/// Bytes of a section header; there is one where the count of segments does not fit the file's header.
const SECTION: u64 = 64;
/// Memory that was never touched and is larger is a reservation: it is described, and gets no bytes, not even a hole.
const RESERVATION: u64 = 1 << 40;

/// One segment of a core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) start: u64,
    pub(super) end: u64,
    flags: u32,
    /// Bytes that the file has for it, from its start; the rest is for the reader to find elsewhere, or unknown.
    pub(super) stored: u64,
    /// Where in the file they are.
    pub(super) offset: u64,
    /// The addresses whose bytes are copied; between them are zeros.
    pub(super) copied: Vec<Range<u64>>,
}

/// The segments of a core of `memory`, without places yet. `keep` (ranges by address, not overlapping) narrows what is
/// copied to what lies in it.
pub(super) fn of(memory: &dyn Memory, record: &ProcessRecord, keep: Option<&[Range<u64>]>) -> Vec<Segment> {
    let kernel = auxv_value(&record.auxv, AT_SYSINFO_EHDR);
    let mut segments = Vec::new();
    for region in memory.regions() {
        let of_region = record.traits.partition_point(|t| t.start < region.start);
        let traits = record.traits.get(of_region).filter(|t| t.start == region.start).copied().unwrap_or_default();
        let first = record.pages.partition_point(|p| p.range.end <= region.start);
        let pages = record.pages[first..].iter().take_while(|p| p.range.start < region.end);
        let mut copied = content(memory, region, (traits, kernel == Some(region.start)), pages);
        let mut stored = stored_bytes(region, traits, &copied);
        if let Some(keep) = keep {
            copied = intersection(&copied, keep);
            let kept = intersection(std::slice::from_ref(&(region.start..region.end)), keep);
            stored = stored.min(kept.last().map_or(0, |last| last.end - region.start));
        }
        let flag = |set: bool, flag: u32| if set { flag } else { 0 };
        let flags = flag(region.read, PF_R) | flag(region.write, PF_W) | flag(region.execute, PF_X);
        segments.push(Segment { start: region.start, end: region.end, flags, stored, offset: 0, copied });
    }
    segments
}

/// The addresses of a region whose bytes no file has, as the kernel's usual filter would have it (Linux
/// `fs/coredump.c`, `vma_dump_size`), but page by page where memory is the process's own.
fn content<'p>(
    memory: &dyn Memory,
    region: &Region,
    (traits, kernel): (MappingTraits, bool),
    pages: impl Iterator<Item = &'p PageRange>,
) -> Vec<Range<u64>> {
    let whole = region.start..region.end;
    let clip = |range: &Range<u64>| range.start.max(whole.start)..range.end.min(whole.end);
    if traits.excluded {
        return Vec::new();
    }
    match (&region.file, traits.shared) {
        // The kernel's code is there whether or not the process has used it.
        (None, false) if kernel => one(whole),
        (None, false) => join(pages.map(|p| clip(&p.range))),
        // Whoever else has it mapped may have written it: which pages this process has seen means nothing.
        (None, true) => one(whole),
        (Some(_), false) if pages.into_iter().any(|p| !p.file) => one(whole),
        // The first page of a program or library has its build id.
        (Some((_, 0)), false) if starts_like_elf(memory, region) => {
            one(whole.start..whole.end.min(whole.start + AMD64.page_size))
        }
        (Some(_), _) => Vec::new(),
    }
}

fn one(range: Range<u64>) -> Vec<Range<u64>> {
    std::iter::once(range).collect()
}

fn starts_like_elf(memory: &dyn Memory, region: &Region) -> bool {
    let mut magic = [0; 4];
    region.read && memory.read_into(region.start, &mut magic).is_ok() && magic == *b"\x7fELF"
}

/// Bytes that the file has for a region: all of memory that is the process's own, holes and all.
fn stored_bytes(region: &Region, traits: MappingTraits, copied: &[Range<u64>]) -> u64 {
    let size = region.end - region.start;
    let own = region.file.is_none() && region.read && !traits.excluded && size < RESERVATION;
    match copied.last() {
        _ if own => size,
        Some(last) => last.end - region.start,
        None => 0,
    }
}

/// Everything before the first segment's bytes, and a place for each segment. The notes come with the headers.
pub(super) fn lay_out(segments: &mut [Segment], notes: &[u8]) -> Vec<u8> {
    let count = segments.len() as u64 + 1;
    let extended = count >= PN_XNUM;
    let sections_at = HEADER_SIZE as u64 + count * SEGMENT_SIZE;
    let notes_at = sections_at + if extended { SECTION } else { 0 };
    let mut at = (notes_at + notes.len() as u64).next_multiple_of(AMD64.page_size);
    for segment in segments.iter_mut() {
        segment.offset = at;
        at += segment.stored.next_multiple_of(AMD64.page_size);
    }

    let mut out = vec![0; HEADER_SIZE];
    let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"\x7fELF\x02\x01\x01");
    put(16, &crate::elf::ET_CORE.to_le_bytes());
    put(18, &AMD64.elf_machine.to_le_bytes());
    put(20, &1_u32.to_le_bytes());
    put(32, &(HEADER_SIZE as u64).to_le_bytes());
    put(52, &(HEADER_SIZE as u16).to_le_bytes());
    put(54, &(SEGMENT_SIZE as u16).to_le_bytes());
    put(56, &(count.min(PN_XNUM) as u16).to_le_bytes());
    if extended {
        put(40, &sections_at.to_le_bytes());
        put(58, &(SECTION as u16).to_le_bytes());
        put(60, &1_u16.to_le_bytes());
    }
    program_header(&mut out, PT_NOTE, 0, [notes_at, 0, notes.len() as u64, 0, 4]);
    for s in segments.iter() {
        program_header(&mut out, PT_LOAD, s.flags, [s.offset, s.start, s.stored, s.end - s.start, AMD64.page_size]);
    }
    if extended {
        let mut section = [0; SECTION as usize];
        section[44..48].copy_from_slice(&(count as u32).to_le_bytes());
        out.extend(section);
    }
    out.extend(notes);
    out
}

fn program_header(out: &mut Vec<u8>, kind: u32, flags: u32, [offset, vaddr, filesz, memsz, align]: [u64; 5]) {
    out.extend(kind.to_le_bytes());
    out.extend(flags.to_le_bytes());
    for word in [offset, vaddr, 0, filesz, memsz, align] {
        out.extend(word.to_le_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elf::Header;

    #[test]
    fn more_segments_than_the_header_can_count() {
        let segment = |i: u64| Segment {
            start: i * 8192,
            end: i * 8192 + 4096,
            flags: PF_R,
            stored: 4096,
            offset: 0,
            copied: Vec::new(),
        };
        for count in [3, PN_XNUM - 1, PN_XNUM, 70_000] {
            let mut segments: Vec<Segment> = (1..=count).map(segment).collect();
            let bytes = lay_out(&mut segments, &[0; 20]);
            let header = Header::parse(&bytes, std::path::Path::new("core")).expect("a header");
            assert_eq!(header.segment_count, count + 1);
            let read: Vec<_> = header.segments(&bytes).collect();
            assert_eq!(read.len() as u64, count + 1);
            let last = read.last().expect("a segment");
            assert_eq!((last.vaddr, last.offset), (count * 8192, segments[count as usize - 1].offset));
            assert!(read.windows(2).skip(1).all(|w| w[0].offset + w[0].filesz <= w[1].offset));
            assert!(bytes.len() as u64 <= read[1].offset && bytes[read[0].offset as usize..].len() == 20);
        }
    }
}
