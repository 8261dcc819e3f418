//! Filling what a core leaves out from the files it names, once they are known to be the same build.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files::{Executable, Files};
use super::layout::Layout;
use super::pieces::{Piece, Pieces};
use super::records::{Mapping, file_at};
use crate::elf::{Header, PF_W, PF_X, PT_LOAD};
use crate::notes::BuildId;
use crate::objects::{Candidate, build_id_at, is_mapped_as, which};
use crate::{AMD64, FileBytes, MemoryError, Region};

/// Libraries that are opened at most; a process with more is not a real one.
const LIBRARIES: usize = 512;
/// Program headers of a library that are looked at.
const SEGMENTS: usize = 64;

/// Refuses an executable whose build id is not the one in the core's memory. Where either has none, or the core does
/// not hold the page, there is nothing to compare.
pub(super) fn same_build(
    core: &[u8],
    pieces: &Pieces,
    executable: &Executable,
    program: &Header,
    main: Option<&Mapping>,
) -> Result<(), MemoryError> {
    let Some(main) = main else { return Ok(()) };
    let candidate = Candidate { path: &main.path, id: in_memory(core, pieces, main), fits: true };
    which(&executable.path, &BuildId::of_file(program, &executable.bytes), &[candidate]).map(|_| ())
}

/// The path of the mapping that a file given by the user stands for: of the executable, or of a library.
pub(super) fn stands_for<'m>(
    core: &[u8],
    pieces: &Pieces,
    given: &Executable,
    main: Option<&'m Mapping>,
    mappings: &'m [Mapping],
) -> Result<Option<PathBuf>, MemoryError> {
    let header = Header::parse(&given.bytes, &given.path)?;
    let id = BuildId::of_file(&header, &given.bytes);
    let mut ranges: HashMap<&Path, Vec<(Range<u64>, u64)>> = HashMap::new();
    for m in mappings {
        ranges.entry(&m.path).or_default().push((m.start..m.end, m.offset));
    }
    let fits = |path: &Path| ranges.get(path).is_some_and(|ranges| is_mapped_as(&header, &given.bytes, ranges));
    let mut seen = HashSet::new();
    let first = main.into_iter().chain(mappings.iter().filter(|m| m.offset == 0));
    let objects: Vec<&'m Mapping> = first.filter(|m| seen.insert(&m.path)).take(LIBRARIES).collect();
    let candidate = |m: &&'m Mapping| Candidate { path: &m.path, id: in_memory(core, pieces, m), fits: fits(&m.path) };
    let candidates: Vec<_> = objects.iter().map(candidate).collect();
    let found = which(&given.path, &id, &candidates)?;
    Ok(objects.get(found).map(|m| m.path.clone()))
}

/// The build id of the file whose first mapping is `first`, from the bytes that the core itself holds.
fn in_memory(core: &[u8], pieces: &Pieces, first: &Mapping) -> BuildId {
    if first.offset != 0 {
        return BuildId::default();
    }
    build_id_at(first.start..first.end, &first.path, |addr, len| {
        let piece = pieces.find(addr)?;
        let into = addr - piece.start;
        let at = piece.offset + into as usize;
        core.get(at..at + (piece.len - into).min(len) as usize).map(Cow::Borrowed)
    })
}

/// The mappings the kernel makes of an executable.
pub(super) fn mappings_of(program: &Header, executable: &Executable, load_bias: u64) -> Vec<Mapping> {
    let page = AMD64.page_size;
    let mut found = Vec::new();
    let mut last_end = 0;
    for s in program.segments(&executable.bytes).filter(|s| s.kind == PT_LOAD && s.flags & PF_W == 0) {
        let into = s.vaddr % page;
        if s.offset % page != into {
            continue;
        }
        let start = s.vaddr.wrapping_add(load_bias) / page * page;
        let (Some(end), Some(offset)) = (start.checked_add(s.filesz), s.offset.checked_sub(into)) else { continue };
        let Some(end) = end.checked_add(into).and_then(|e| e.checked_next_multiple_of(page)) else { continue };
        if start >= last_end && start < end {
            last_end = end;
            found.push(Mapping { start, end, offset, path: executable.path.clone() });
        }
    }
    found
}

/// Names the regions' files, adds regions for mappings without a segment (gdb leaves those out), and adds the pieces
/// of files wherever the core leaves their bytes to them. `first` is the target's path of the second of `files`.
pub(super) fn fill(
    layout: &mut Layout,
    stored: &Pieces,
    mappings: &[Mapping],
    first: &Path,
    source: &Files<'_>,
    files: &mut Vec<Arc<FileBytes>>,
) {
    let known = HashMap::from([(first.to_path_buf(), Some(1))]);
    // A mapping may span many regions, and a hostile path be long: their copies must not outgrow the core.
    let mut paths = files[0].len();
    for region in &mut layout.regions {
        region.file = file_at(mappings, region.start).filter(|(path, _)| {
            paths = paths.saturating_sub(path.as_os_str().len());
            paths > 0
        });
    }
    let mut opened = Opened { source, stored, mappings, files, known, data: HashMap::new() };
    let mut extra = Vec::new();
    let mut regions = layout.regions.iter().peekable();
    for m in mappings {
        let mut at = m.start;
        while at < m.end {
            while regions.next_if(|r| r.end <= at).is_some() {}
            let (covered, next) = match regions.peek() {
                Some(r) if r.start <= at => (true, r.end.min(m.end)),
                Some(r) => (false, r.start.min(m.end)),
                None => (false, m.end),
            };
            if !covered {
                layout.omitted.push((at, next));
                let execute = opened.is_code(m, at);
                let file = file_at(mappings, at);
                extra.push(Region { start: at, end: next, read: true, write: false, execute, file });
            }
            at = next;
        }
    }
    layout.regions.extend(extra);
    layout.regions.sort_by_key(|r| r.start);

    layout.omitted.sort_unstable();
    for &(start, end) in &layout.omitted {
        let first = mappings.partition_point(|m| m.end <= start);
        for m in mappings[first..].iter().take_while(|m| m.start < end) {
            let from = start.max(m.start);
            let offset = m.offset.saturating_add(from - m.start);
            let Some(file) = opened.file(&m.path) else { continue };
            // The file may have been shortened since; pages beyond its end are not known.
            let there = (opened.files[file as usize].len() as u64).saturating_sub(offset);
            let wanted = from..end.min(m.end).min(from.saturating_add(there));
            for part in without(wanted, &opened.data(&m.path, file)) {
                let offset = (offset + (part.start - from)) as usize;
                layout.pieces.push(Piece { start: part.start, len: part.end - part.start, file, offset });
            }
        }
    }
}

/// What `taken`, in order, leaves of a range.
fn without(whole: Range<u64>, taken: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut left = Vec::new();
    let mut at = whole.start;
    for range in taken.iter().filter(|r| r.start < whole.end && r.end > whole.start) {
        left.push(at..range.start);
        at = at.max(range.end);
    }
    left.push(at..whole.end);
    left.retain(|range| range.start < range.end);
    left
}

/// The files opened so far, by the paths the target knew.
struct Opened<'a, 'b> {
    source: &'a Files<'b>,
    stored: &'a Pieces,
    mappings: &'a [Mapping],
    files: &'a mut Vec<Arc<FileBytes>>,
    known: HashMap<PathBuf, Option<u32>>,
    /// By number of the file.
    data: HashMap<u32, Vec<Range<u64>>>,
}

impl Opened<'_, '_> {
    fn file(&mut self, path: &Path) -> Option<u32> {
        if let Some(&known) = self.known.get(path) {
            return known;
        }
        let room = self.known.len() < LIBRARIES;
        let opened = room.then(|| self.source.library(path)).flatten();
        let opened = opened.filter(|bytes| self.is_same_build(path, bytes)).map(|bytes| {
            self.files.push(Arc::new(bytes));
            self.files.len() as u32 - 1
        });
        if room {
            self.known.insert(path.to_path_buf(), opened);
        }
        opened
    }

    /// Addresses of what a program writes to when it runs. A core that does not hold it has lost it: what the file has there
    /// is what the program began with.
    fn data(&mut self, path: &Path, file: u32) -> Vec<Range<u64>> {
        let (bytes, mappings) = (&self.files[file as usize], self.mappings);
        let data = self.data.entry(file).or_insert_with(|| {
            let Ok(header) = Header::parse(bytes, path) else { return Vec::new() };
            let loads = || header.segments(bytes).take(SEGMENTS).filter(|s| s.kind == PT_LOAD);
            let begins = mappings.iter().find(|m| m.path == path && m.offset == 0).map(|m| m.start);
            let (Some(start), Some(first)) = (begins, loads().next()) else { return Vec::new() };
            let bias = start.wrapping_sub(first.vaddr.wrapping_sub(first.offset));
            let range = |s: crate::elf::Segment| {
                let start = bias.wrapping_add(s.vaddr);
                start..start.saturating_add(s.filesz)
            };
            let mut data: Vec<Range<u64>> = loads().filter(|s| s.flags & PF_W != 0).map(range).collect();
            data.sort_unstable_by_key(|range| range.start);
            data
        });
        data.clone()
    }

    /// A library may have been updated since; without its bytes is better than with wrong ones.
    fn is_same_build(&self, path: &Path, bytes: &[u8]) -> bool {
        let (Some(first), Ok(header)) = (self.mappings.iter().find(|m| m.path == path), Header::parse(bytes, path))
        else {
            return false;
        };
        in_memory(&self.files[0], self.stored, first).contradiction(&BuildId::of_file(&header, bytes)).is_none()
    }

    /// Whether the file itself says that the bytes mapped at `addr` are code.
    fn is_code(&mut self, m: &Mapping, addr: u64) -> bool {
        let Some(file) = self.file(&m.path) else { return false };
        let bytes = &self.files[file as usize];
        let offset = m.offset.saturating_add(addr - m.start);
        Header::parse(bytes, &m.path).is_ok_and(|h| {
            let mut segments = h.segments(bytes).take(SEGMENTS).filter(|s| s.kind == PT_LOAD && s.flags & PF_X != 0);
            segments.any(|s| s.offset / 4096 * 4096 <= offset && offset < s.offset.saturating_add(s.filesz))
        })
    }
}
