//! Files without a name, for what does not fit into memory: they are gone when they are closed, however we end.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::libc;
use nix::sys::statvfs::fstatvfs;

use crate::AMD64;

/// A file in the directory for temporary files, and that directory, for messages.
pub(crate) struct Temporary {
    pub(crate) file: File,
    pub(crate) directory: PathBuf,
}

impl Temporary {
    /// Makes one.
    ///
    /// # Errors
    /// With the directory.
    pub(crate) fn new() -> Result<Self, (PathBuf, io::Error)> {
        let directory = std::env::temp_dir();
        let unnamed =
            OpenOptions::new().read(true).write(true).mode(0o600).custom_flags(libc::O_TMPFILE).open(&directory);
        match unnamed.or_else(|_| named(&directory)) {
            Ok(file) => Ok(Self { file, directory }),
            Err(error) => Err((directory, error)),
        }
    }

    /// Bytes that it can still take.
    pub(crate) fn room(&self) -> u64 {
        fstatvfs(&self.file).map_or(0, |s| s.blocks_available() * s.fragment_size())
    }

    /// Bytes that it takes on the disk.
    pub(crate) fn taken(&self) -> u64 {
        self.file.metadata().map_or(0, |m| m.blocks() * 512)
    }

    /// Writes `bytes` at an offset, but leaves out pages of zeros.
    pub(crate) fn write_sparse(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        use std::os::unix::fs::FileExt;
        for (index, page) in bytes.chunks(AMD64.page_size as usize).enumerate() {
            if page.iter().any(|&b| b != 0) {
                self.file.write_all_at(page, at + (index as u64) * AMD64.page_size)?;
            }
        }
        Ok(())
    }
}

/// Where the file system has no files without a name: one whose name is gone at once.
fn named(directory: &Path) -> io::Result<File> {
    let path = directory.join(format!("mapscope-{}.tmp", std::process::id()));
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    std::fs::remove_file(path)?;
    Ok(file)
}
