//! A file's bytes, mapped or owned.

use std::fs::File;
use std::path::Path;

use memmap2::{Mmap, UncheckedAdvice};

use crate::MemoryError;

/// The bytes of a file: memory-mapped, or owned when they never were a file (an embedded recording).
pub struct FileBytes(Inner);

enum Inner {
    Mapped(Mmap),
    Owned(Vec<u8>),
}

impl FileBytes {
    /// Maps the file at `path`, read-only.
    pub fn open(path: &Path) -> Result<Self, MemoryError> {
        let error = |source| MemoryError::File { path: path.to_path_buf(), source };
        let file = File::open(path).map_err(error)?;
        // SAFETY: the mapping is private and read-only. The only hazard is that somebody truncates the file while it
        // is mapped, which every reader of cores and binaries shares; replacing a file on disk does not touch it.
        #[allow(unsafe_code)]
        let map = unsafe { Mmap::map(&file) }.map_err(error)?;
        Ok(Self(Inner::Mapped(map)))
    }

    /// Gives the pages of a range back to the kernel; the next access reads them from the page cache again.
    pub(crate) fn release(&self, offset: usize, len: usize) {
        if let Inner::Mapped(map) = &self.0 {
            // SAFETY: the mapping is file-backed and never written, so a dropped page comes back with the same bytes.
            #[allow(unsafe_code)]
            let _ = unsafe { map.unchecked_advise_range(UncheckedAdvice::DontNeed, offset, len) };
        }
    }
}

impl From<Vec<u8>> for FileBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Inner::Owned(bytes))
    }
}

impl std::ops::Deref for FileBytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match &self.0 {
            Inner::Mapped(map) => map,
            Inner::Owned(bytes) => bytes,
        }
    }
}
