//! An ELF core file, written by the Linux kernel or by gdb's `gcore`.
//!
//! A core is a file of segments (ranges of memory) and notes (registers, the list of mapped files). Neither writer
//! stores everything:
//! - The kernel stores a segment wholly, or only its first page when that is the header of an ELF file, or not at all;
//!   what it leaves out are pages of files that were never written to, and anonymous memory that was never touched or
//!   that the process excluded. `p_memsz` is the size of the mapping all the same.
//! - gdb stores a mapping wholly, or writes a segment without bytes, or leaves the segment out, by the same filter.
//!
//! So bytes beyond `p_filesz` are never the zeros that they would be in an executable: in a segment that is not
//! writable they are those of the mapped file, and otherwise they are not known and reads of them fail.

mod compressed;
mod files;
mod fill;
mod held;
mod layout;
mod origin;
mod pieces;
mod programs;
mod records;
mod shape;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::compressed::Unpacked;
use self::files::Files;
use self::origin::Origin;
use self::pieces::Pieces;
use self::programs::Program;
use crate::elf::{AT_RANDOM, AT_SYSINFO_EHDR, ET_CORE, Header};
use crate::residency::backings;
use crate::{
    AMD64, Arch, Figure, FileBytes, Input, InputBounds, Memory, MemoryError, Partial, Region, Residency, TargetInfo,
    TargetKind, Thread,
};

pub use self::write::{CoreFile, CoreOptions, Progress, Redaction, Written};

/// The kernel's page in every address space (`[vsyscall]`), which it writes into cores too.
const VSYSCALL: u64 = 0xffff_ffff_ff60_0000;

/// A core and the executable that it was written by.
pub struct Core {
    /// Where its file is, when it is one.
    place: Option<PathBuf>,
    /// Its bytes, when `place` leads to compressed ones.
    unpacked: Option<Unpacked>,
    info: TargetInfo,
    regions: Vec<Region>,
    threads: Vec<Thread>,
    /// How mapscope wrote it, if it did.
    origin: Option<Origin>,
    /// An address in the first thread's stack, and one in the kernel's mapping.
    stack: Option<u64>,
    kernel: Option<u64>,
    pieces: Pieces,
    /// The core, the file that was given or else the executable, then other mapped files; pieces name them by index.
    files: Vec<Arc<FileBytes>>,
    /// The path in the target of the second of them, and of what the user gave.
    first: PathBuf,
    given: Option<PathBuf>,
    /// The path by which it was given.
    given_by: Option<PathBuf>,
    /// Files may be opened.
    on_disk: bool,
    /// Address ranges whose bytes would lie beyond the end of the core.
    missing: Vec<(u64, u64)>,
    /// Sum of the sizes of all files: no honest read is longer.
    total: usize,
}

impl Core {
    /// Opens the core at `path`. Its executable is `exe`, or else the file that the core names. `exe` may also be a library
    /// that the target had mapped; then the executable itself is not needed.
    ///
    /// One that is compressed with zstd is unpacked into the directory for temporary files first.
    /// A core that was cut short opens all the same, and says so in [`TargetInfo::partial`].
    pub fn open(path: &Path, exe: Option<&Path>) -> Result<Self, MemoryError> {
        Self::of(Input::open(path, &InputBounds::ELF)?, exe)
    }

    /// As [`Core::open`], of a file or pipe that is open.
    pub fn of(input: Input, exe: Option<&Path>) -> Result<Self, MemoryError> {
        let (name, place) = (input.name().to_path_buf(), input.place().map(Path::to_path_buf));
        let core = input.into_bytes();
        if !compressed::is_compressed(&core) {
            return Ok(Self::load(&name, core, &Files::OnDisk { exe })?.found(place));
        }
        let unpacked = Unpacked::new(&name, &core)?;
        let core = FileBytes::open(&unpacked.path())?;
        let loaded = Self::load(&name, core, &Files::OnDisk { exe })?.found(place);
        Ok(Self { unpacked: Some(unpacked), ..loaded })
    }

    /// Notes where its file is, if it is one. A core that does not say when it was taken was written then, so the file tells.
    fn found(mut self, place: Option<PathBuf>) -> Self {
        self.place = place;
        if let Some(place) = &self.place
            && self.info.taken_at.is_none()
        {
            self.info.taken_at = std::fs::metadata(place).and_then(|file| file.modified()).ok();
            self.info.file_time = self.info.taken_at.is_some();
        }
        self
    }

    /// Reads a core that is in memory already, with the bytes of its executable. No file is opened.
    pub fn from_bytes(core: Vec<u8>, exe: Vec<u8>) -> Result<Self, MemoryError> {
        let path = Path::new("(core in memory)");
        let core = if compressed::is_compressed(&core) { compressed::in_memory(path, &core)? } else { core.into() };
        Self::load(path, core, &Files::Given(Arc::new(exe.into())))
    }

    /// The bytes of the file that the core was opened with, or else of the executable.
    pub fn executable(&self) -> &Arc<FileBytes> {
        // `load` puts it there; the core itself stands before it.
        &self.files[1]
    }

    fn load(path: &Path, core: FileBytes, source: &Files<'_>) -> Result<Self, MemoryError> {
        let header = Header::parse(&core, path)?;
        if header.kind != ET_CORE {
            return Err(MemoryError::NotCore { path: path.to_path_buf(), kind: header.kind_name() });
        }
        let mut partial = Partial::default();
        let mut records = records::read(&core, &header, &mut partial);
        let pieces = records.origin.as_ref().is_some_and(|origin| origin.heap_only);
        shape::check(&core, &header, pieces, &mut partial);
        let mut layout = layout::of(&core, std::mem::take(&mut records.segments), &mut partial);
        let main = records.main_mapping().cloned();

        let stored = Pieces::new(layout.pieces.clone());
        let program = Program::find(path, source, (&core, &stored), main.as_ref(), &records.mappings)?;
        let load_bias = program.load_bias(&records, main.as_ref());

        let core = Arc::new(core);
        let (core_bytes, main_mapping) = (Arc::clone(&core), main.clone());
        let mut files = vec![core, Arc::clone(&program.file.bytes)];
        // Kernels before 3.7 wrote no list of files; the executable's own headers say where it lies.
        if records.mappings.is_empty() {
            records.mappings = fill::mappings_of(&program.header, &program.file, load_bias);
        }
        let main_path = main.map_or_else(|| program.file.path.clone(), |m| m.path);
        let first = program.place(&main_path).to_path_buf();
        fill::fill(&mut layout, &stored, &records.mappings, &first, source, &mut files);

        if let Some(main) = main_mapping.filter(|_| !program.is_library())
            && let Some(start) = shape::moved(&core_bytes, &header, &program.file.bytes, &main)
        {
            partial.add(
                Figure::Memory,
                format!("the first page of the executable is at {start:#x}, and was mapped at {:#x}", main.start),
            );
        }
        for (key, what) in [(AT_RANDOM, "stack that the process began on"), (AT_SYSINFO_EHDR, "kernel's code")] {
            let holds = |at: u64| layout.regions.iter().any(|r| (r.start..r.end).contains(&at));
            if let Some(at) = records.auxiliary(key).filter(|at| !holds(*at)) {
                partial.add(Figure::Memory, format!("the {what}, at {at:#x}, is not in the core"));
            }
        }
        let origin = records.origin.take();
        let info = TargetInfo {
            kind: TargetKind::Core,
            pid: records.pid,
            exe: main_path,
            rss_bytes: origin.as_ref().and_then(|o| o.rss_bytes),
            monotonic_ns: origin.as_ref().and_then(|o| o.monotonic_ns),
            taken_at: origin.as_ref().and_then(|o| o.taken_at),
            file_time: false,
            redacted: origin.as_ref().is_some_and(|o| o.redacted != 0),
            load_bias,
            partial,
        };
        let total = files.iter().fold(0_usize, |sum, f| sum.saturating_add(f.len()));
        Ok(Self {
            place: None,
            unpacked: None,
            info,
            regions: layout.regions,
            origin,
            stack: records.auxiliary(AT_RANDOM),
            kernel: records.auxiliary(AT_SYSINFO_EHDR),
            threads: records.threads,
            pieces: Pieces::new(layout.pieces),
            files,
            missing: layout.missing,
            first,
            given_by: program.given.is_some().then_some(program.file.path),
            given: program.given,
            on_disk: matches!(source, Files::OnDisk { .. }),
            total,
        })
    }

    /// Why `addr..addr + len` cannot be read.
    fn failure(&self, addr: u64, len: u64) -> MemoryError {
        let end = addr.saturating_add(len);
        let at = self.missing.partition_point(|&(_, to)| to <= addr);
        if !self.is_mapped(addr, len) {
            MemoryError::NotMapped { addr, len }
        } else if self.missing.get(at).is_some_and(|&(from, _)| from < end) {
            MemoryError::Truncated { addr, len }
        } else {
            MemoryError::NotInCore { addr, len }
        }
    }
}

impl Memory for Core {
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
        &self.threads
    }

    #[inline]
    fn borrow(&self, addr: u64, len: usize) -> Option<&[u8]> {
        let piece = self.pieces.find(addr)?;
        let into = addr - piece.start;
        if len as u64 > piece.len - into {
            return None;
        }
        let at = piece.offset + into as usize;
        self.files.get(piece.file as usize)?.get(at..at + len)
    }

    fn residency(&self) -> Result<Residency, MemoryError> {
        if let Some(origin) = &self.origin {
            return Ok(origin.residency.clone());
        }
        let Some(core) = self.files.first() else { return Ok(Residency::default()) };
        let path = self.unpacked.as_ref().map(Unpacked::path).or_else(|| self.place.clone());
        let holes = path.map_or_else(Vec::new, |path| held::holes(&path, core.len() as u64));
        let kernel: Vec<u64> = self.kernel.into_iter().chain([VSYSCALL]).collect();
        let regions = backings(&self.regions, &self.info.exe, self.stack, &kernel);
        Ok(Residency::of(&regions, held::ranges(core, &holes, self.pieces.all())))
    }

    /// On an error, `buf` is as it was.
    fn read_into(&self, addr: u64, buf: &mut [u8]) -> Result<(), MemoryError> {
        if let Some(bytes) = self.borrow(addr, buf.len()) {
            buf.copy_from_slice(bytes);
            return Ok(());
        }
        let len = buf.len() as u64;
        if !self.pieces.hold(addr, len) {
            return Err(self.failure(addr, len));
        }
        let mut done = 0;
        for (piece, into, len) in self.pieces.parts(addr, len) {
            let at = piece.offset + into as usize;
            let bytes = self.files.get(piece.file as usize).and_then(|f| f.get(at..at + len));
            let (Some(bytes), Some(to)) = (bytes, buf.get_mut(done..done + len)) else {
                return Err(MemoryError::NotInCore { addr, len: len as u64 });
            };
            to.copy_from_slice(bytes);
            done += len;
        }
        Ok(())
    }

    fn release(&self, addr: u64, len: usize) {
        for (piece, into, len) in self.pieces.parts(addr, len as u64) {
            if let Some(file) = self.files.get(piece.file as usize) {
                file.release(piece.offset + into as usize, len);
            }
        }
    }

    /// A segment may claim any size, so being mapped is no licence to allocate: the bytes must be there.
    fn bytes<'a>(&'a self, addr: u64, len: usize, scratch: &'a mut Vec<u8>) -> Result<&'a [u8], MemoryError> {
        if let Some(bytes) = self.borrow(addr, len) {
            return Ok(bytes);
        }
        // Segments may also share the bytes of the file, many times over.
        if len > self.total || !self.pieces.hold(addr, len as u64) {
            return Err(self.failure(addr, len as u64));
        }
        scratch.clear();
        scratch.resize(len, 0);
        self.read_into(addr, scratch)?;
        Ok(scratch)
    }
}
