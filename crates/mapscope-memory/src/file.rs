//! A file's bytes, mapped or owned.

use std::fs::{self, File, FileType};
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use memmap2::{Mmap, UncheckedAdvice};

use crate::{MemoryError, system};

/// The bytes of a file: memory-mapped, or owned when they never were a file (an embedded recording).
pub struct FileBytes(Inner);

enum Inner {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

/// Page size for rounding advice; a multiple of the real one would do as well.
const PAGE: usize = 4096;

impl FileBytes {
    /// Maps the file at `path`, read-only. A path may come from a target, and lead to anything by now: what is not a
    /// regular file is neither opened nor waited for.
    pub fn open(path: &Path) -> Result<Self, MemoryError> {
        let error = |source| MemoryError::File { path: path.to_path_buf(), source };
        // Looked at before it is opened, for opening some devices does things; and after, for it may be another by then.
        regular(path, fs::metadata(path).map_err(error)?.file_type())?;
        let file = system::open(path).map_err(error)?;
        regular(path, file.metadata().map_err(error)?.file_type())?;
        Self::of(&file).map_err(error)
    }

    /// Maps a regular file that is open.
    pub(crate) fn of(file: &File) -> io::Result<Self> {
        // SAFETY: the mapping is private and read-only. The only hazard is that somebody truncates the file while it
        // is mapped, which every reader of cores and binaries shares; replacing a file on disk does not touch it.
        #[allow(unsafe_code)]
        let map = unsafe { Mmap::map(file) }?;
        Ok(Self(Inner::Mapped(map)))
    }

    /// Gives the pages of a range back to the kernel; the next access reads them from the page cache again. Only whole
    /// pages inside the range go, so that a neighbour in use is not read twice.
    pub(crate) fn release(&self, offset: usize, len: usize) {
        let Inner::Mapped(map) = &self.0 else { return };
        let end = offset.saturating_add(len).min(map.len());
        let last = if end == map.len() { end } else { end / PAGE * PAGE };
        let first = offset.div_ceil(PAGE).saturating_mul(PAGE);
        if first < last {
            // SAFETY: the mapping is file-backed and never written, so a dropped page comes back with the same bytes.
            #[allow(unsafe_code)]
            let _ = unsafe { map.unchecked_advise_range(UncheckedAdvice::DontNeed, first, last - first) };
        }
    }
}

/// Refuses what is not a regular file.
fn regular(path: &Path, kind: FileType) -> Result<(), MemoryError> {
    if kind.is_file() { Ok(()) } else { Err(MemoryError::NotRegular { path: path.to_path_buf(), kind: named(kind) }) }
}

/// What is not a regular file, with its article.
pub(crate) fn named(kind: FileType) -> &'static str {
    match kind {
        k if k.is_dir() => "a directory",
        k if k.is_fifo() => "a pipe",
        k if k.is_socket() => "a socket",
        _ => "a device",
    }
}

impl From<Vec<u8>> for FileBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Inner::Owned(bytes))
    }
}

impl std::fmt::Debug for FileBytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FileBytes({} bytes)", self.len())
    }
}

impl std::ops::Deref for FileBytes {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Inner::Mapped(map) => map,
            Inner::Owned(bytes) => bytes,
        }
    }
}
