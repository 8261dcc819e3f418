//! The programs and libraries that a target has mapped: takes regions, and says which ELF files lie where.
//!
//! A Go runtime need not be in the executable: a host loads it as a library. So every file that is mapped as code can be
//! opened as the target has it, and the one that a user names is told from the others by its build id.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::elf::{ET_EXEC, HEADER_SIZE, Header, PT_LOAD, PT_NOTE, Segment};
use crate::notes::{BuildId, NOTE_BYTES, NOTE_SEGMENTS};
use crate::{AMD64, FileBytes, Memory, MemoryError, Region};

/// Objects of one target; a process with more is not a real one.
const MAX_OBJECTS: usize = 1024;
const PAGE: u64 = AMD64.page_size;
/// Bytes at the start of a file that are compared with what is mapped.
const COMPARED: usize = 4096;

/// An ELF file that a target has mapped as code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedObject {
    /// Its path, as the target knows it.
    pub path: PathBuf,
    /// From where its first byte is mapped to the end of its last mapping.
    pub range: Range<u64>,
    /// The end of the first mapping.
    pub(crate) first_end: u64,
}

impl MappedObject {
    /// What to add to addresses in the file to get those in the target; `None` when the file cannot have been mapped so.
    pub fn load_bias(&self, file: &[u8]) -> Option<u64> {
        let header = Header::parse(file, &self.path).ok()?;
        if header.kind == ET_EXEC {
            return Some(0);
        }
        let first = header.segments(file).take(NOTE_SEGMENTS).find(|s| s.kind == PT_LOAD)?;
        let start = first.vaddr.checked_sub(first.offset)?;
        Some(self.range.start.wrapping_sub(start))
    }
}

/// A target whose mapped files can be opened.
pub trait MappedFiles: Memory {
    /// The bytes of the file that is mapped as `object`, when it can be opened and is still the one that was mapped.
    ///
    /// # Errors
    /// When it cannot be opened, or something else has its name now.
    fn file_of(&self, object: &MappedObject) -> Result<Arc<FileBytes>, MemoryError>;

    /// The path of the object that the user named, as the target knows it.
    fn named(&self) -> Option<&Path>;

    /// The path by which the user gave that file, for messages; `None` when nobody gave one.
    fn named_by(&self) -> Option<&Path>;

    /// The programs and libraries of the target, by address. The executable is always among them: one that no mapping names,
    /// because it is in memory alone or its code was copied, comes first, with an empty range.
    fn objects(&self) -> Vec<MappedObject> {
        let mut found = objects(self.regions());
        if !found.iter().any(|object| self.is_executable(object)) {
            found.insert(0, MappedObject { path: self.info().exe.clone(), range: 0..0, first_end: 0 });
        }
        found
    }

    /// Whether an object is the executable.
    fn is_executable(&self, object: &MappedObject) -> bool {
        object.path == self.info().exe
    }
}

/// The ELF files that are mapped as code. Data files are mapped too; what has no code is none of them.
pub(crate) fn objects(regions: &[Region]) -> Vec<MappedObject> {
    let mut found: Vec<(MappedObject, bool)> = Vec::new();
    // The object that the last mapping of each path belongs to is near: libraries are mapped in one go.
    for region in regions {
        let Some((path, offset)) = &region.file else { continue };
        let room = found.len() < MAX_OBJECTS;
        let open = found.iter_mut().rev().take(8).find(|(object, _)| object.path == *path);
        match open {
            Some((object, code)) if *offset > 0 => {
                object.range.end = region.end;
                *code |= region.execute;
            }
            _ if *offset == 0 && room => {
                let range = region.start..region.end;
                found.push((MappedObject { path: path.clone(), range, first_end: region.end }, region.execute));
            }
            _ => {}
        }
    }
    found.into_iter().filter_map(|(object, code)| code.then_some(object)).collect()
}

/// Whether `file` begins as what is mapped as `object`. Where that cannot be read, its name has to do.
pub(crate) fn begins_as(memory: &dyn Memory, object: &MappedObject, file: &[u8]) -> bool {
    let mapped = (object.first_end - object.range.start).min(COMPARED as u64) as usize;
    let mut bytes = vec![0; mapped.min(file.len())];
    match memory.read_into(object.range.start, &mut bytes) {
        Ok(()) => file.starts_with(&bytes),
        Err(_) => true,
    }
}

/// The build id of the file whose first mapping is `first`, from what `read` finds in the target's memory: it gets an
/// address and a length, and gives as much of that as there is.
pub(crate) fn build_id_at<'m>(
    first: Range<u64>,
    path: &Path,
    read: impl Fn(u64, u64) -> Option<std::borrow::Cow<'m, [u8]>>,
) -> BuildId {
    let mut id = BuildId::default();
    let len = first.end.saturating_sub(first.start);
    let Some(start) = read(first.start, len.min(NOTE_BYTES)) else { return id };
    let header = start.get(..HEADER_SIZE).and_then(|h| Header::parse(h, path).ok());
    let segments = header.iter().flat_map(|h| h.segments(&start));
    // Notes lie in the first mapping, right behind the headers, so their file offset leads to them.
    let inside = |s: &Segment| s.kind == PT_NOTE && s.offset < len;
    for s in segments.filter(inside).take(NOTE_SEGMENTS) {
        if let Some(notes) = read(first.start + s.offset, s.filesz.min(NOTE_BYTES)) {
            id.add(&notes, s.align);
        }
    }
    id
}

/// Something mapped, for [`which`].
pub(crate) struct Candidate<'c> {
    pub(crate) path: &'c Path,
    pub(crate) id: BuildId,
    /// It is mapped as the given file would be.
    pub(crate) fits: bool,
}

/// Which of `candidates`, of which the first is the executable, the file `given` at `path` is.
///
/// One with the same build id; else, of those whose build id is not known or not given, one that is mapped as this file
/// would be, or that has its name; else the executable. The error names the build ids that differ: those of the one with
/// the same file name, or the executable's.
pub(crate) fn which(path: &Path, given: &BuildId, candidates: &[Candidate<'_>]) -> Result<usize, MemoryError> {
    if let Some(same) = candidates.iter().position(|c| c.id.agrees(given)) {
        return Ok(same);
    }
    let named = |c: &Candidate<'_>| c.path.file_name() == path.file_name();
    let possible = |c: &Candidate<'_>| c.id.contradiction(given).is_none();
    let fitting = candidates.iter().position(|c| possible(c) && c.fits && named(c));
    let fitting = fitting.or_else(|| candidates.iter().position(|c| possible(c) && c.fits));
    let likely = fitting.or_else(|| candidates.iter().position(named)).unwrap_or(0);
    match candidates.get(likely).and_then(|c| c.id.contradiction(given)) {
        None => Ok(likely),
        Some((in_core, in_file)) => Err(MemoryError::OtherBuild { path: path.to_path_buf(), in_core, in_file }),
    }
}

/// Whether `mappings` of one file, by address, each a range and its offset in the file, are those that the program headers
/// in `file` ask for.
pub(crate) fn is_mapped_as(header: &Header, file: &[u8], mappings: &[(Range<u64>, u64)]) -> bool {
    let page = |address: u64| address / PAGE * PAGE;
    let loads: Vec<Segment> =
        header.segments(file).take(NOTE_SEGMENTS).filter(|s| s.kind == PT_LOAD && s.filesz > 0).collect();
    let Some((base, first)) = mappings.first().map(|m| m.0.start).zip(loads.first().map(|s| page(s.vaddr))) else {
        return false;
    };
    // Loaders cut mappings where protection changes, and may leave some between segments: each segment is begun by one.
    let of = |segment: &Segment, (range, offset): &(Range<u64>, u64)| {
        let into = range.start.wrapping_sub(base).wrapping_sub(page(segment.vaddr).wrapping_sub(first));
        let len = (segment.vaddr % PAGE).saturating_add(segment.filesz);
        into < len
            && range.end - range.start <= (len - into).saturating_add(PAGE - 1)
            && page(segment.offset) + into == *offset
    };
    loads.iter().all(|segment| mappings.iter().any(|m| page(segment.offset) == m.1 && of(segment, m)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(start: u64, end: u64, file: Option<(&str, u64)>, execute: bool) -> Region {
        let file = file.map(|(path, offset)| (PathBuf::from(path), offset));
        Region { start, end, read: true, write: false, execute, file }
    }

    #[test]
    fn libraries_are_told_from_data() {
        let regions = [
            region(0x1000, 0x2000, Some(("/host", 0)), false),
            region(0x2000, 0x3000, Some(("/host", 0x1000)), true),
            region(0x8000, 0x9000, Some(("/data", 0)), false),
            region(0x9000, 0xa000, Some(("/lib", 0)), false),
            region(0xa000, 0xb000, Some(("/lib", 0x1000)), true),
            region(0xb000, 0xc000, None, false),
            region(0xc000, 0xd000, Some(("/lib", 0x3000)), false),
            region(0xe000, 0xf000, Some(("/lib", 0)), false),
        ];
        let found: Vec<_> = objects(&regions).into_iter().map(|o| (o.path, o.range)).collect();
        assert_eq!(found, [(PathBuf::from("/host"), 0x1000..0x3000), (PathBuf::from("/lib"), 0x9000..0xd000)]);
    }

    #[test]
    fn a_given_file_is_known_by_its_build_id() {
        let id = |text: &str| BuildId::of_text(text);
        let candidate = |path: &'static str, text: &str| Candidate {
            path: Path::new(path),
            id: id(text),
            fits: path.ends_with("c.so"),
        };
        let mapped = [
            candidate("/usr/bin/python3", "p"),
            candidate("/app/a.so", "a"),
            candidate("/app/b.so", ""),
            candidate("/c.so", ""),
        ];
        let found = |path: &str, text: &str| which(Path::new(path), &id(text), &mapped);
        assert_eq!(found("elsewhere", "a").ok(), Some(1));
        assert_eq!(found("python3.debug", "p").ok(), Some(0));
        // Without a build id, its mappings tell, or its name; and without those, it is taken for the executable.
        assert_eq!(found("./elsewhere", "x").ok(), Some(3));
        let mapped = &mapped[..3];
        let found = |path: &str, text: &str| which(Path::new(path), &id(text), mapped);
        assert_eq!(found("./b.so", "x").ok(), Some(2));
        assert_eq!(found("python", "").ok(), Some(0));
        assert!(found("./a.so", "x").is_err_and(|e| e.to_string().contains("78 in the file")));
        assert!(found("./other", "x").is_err_and(|e| e.to_string().contains("70 in the target")));
        assert!(which(Path::new("x"), &id("x"), &[]).is_ok());
    }

    #[test]
    fn mappings_are_those_of_the_program_headers() {
        let mut file = vec![0; 64 + 3 * 56];
        file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
        put(16, &[3, 0, 62, 0]);
        put(32, &64_u64.to_le_bytes());
        put(54, &[56, 0, 3, 0]);
        for (i, (offset, vaddr, size)) in
            [(0, 0, 0x1800_u64), (0x2000, 0x2000, 0x1000), (0x3e00, 0x4e00, 0x400)].iter().enumerate()
        {
            let at = 64 + i * 56;
            put(at, &1_u32.to_le_bytes());
            for (field, value) in [(8, *offset as u64), (16, *vaddr as u64), (32, *size), (40, *size)] {
                put(at + field, &value.to_le_bytes());
            }
        }
        let header = Header::parse(&file, Path::new("lib")).expect("a header");
        let fits = |mappings: &[(Range<u64>, u64)]| is_mapped_as(&header, &file, mappings);
        let own =
            [(0x10000..0x12000, 0), (0x12000..0x13000, 0x2000), (0x14000..0x15000, 0x3000), (0x15000..0x16000, 0x4000)];
        assert!(fits(&own));
        assert!(!fits(&own[..2]) && !fits(&[]));
        let mut other = own.clone();
        other[1].1 = 0x1000;
        assert!(!fits(&other));
        other = own;
        other[0].0.end = 0x20000;
        assert!(!fits(&other));
    }
}
