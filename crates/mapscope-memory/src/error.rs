//! What can go wrong between us and the bytes of a target.

use std::path::PathBuf;

/// An error of this crate: what, where, and what to try.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// The address range is not part of the target.
    #[error("address {addr:#x} (+{len} bytes) is not mapped in the target")]
    NotMapped {
        /// First address asked for.
        addr: u64,
        /// Bytes asked for.
        len: u64,
    },
    /// The range is mapped, but its bytes are not in the core and in no file we have.
    #[error("address {addr:#x} (+{len} bytes) is mapped, but the core does not hold its bytes")]
    NotInCore {
        /// First address asked for.
        addr: u64,
        /// Bytes asked for.
        len: u64,
    },
    /// A file could not be opened or mapped.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}
