//! What a core records of a process besides its memory: plain data, so that whatever is stopped can be written.

use std::ops::Range;
use std::time::SystemTime;

use crate::{MemoryError, Residency};

/// What is known of a process at the instant it was stopped.
#[derive(Clone, Debug, Default)]
pub struct ProcessRecord {
    /// Process id.
    pub pid: u32,
    /// Its parent.
    pub parent: u32,
    /// Its process group.
    pub group: u32,
    /// Its session.
    pub session: u32,
    /// Real user id.
    pub uid: u32,
    /// Real group id.
    pub gid: u32,
    /// State letter, as in `/proc/PID/stat`.
    pub state: u8,
    /// Nice value.
    pub nice: i8,
    /// The kernel's flags for it.
    pub flags: u64,
    /// The name of its first thread, without a terminating zero.
    pub name: Vec<u8>,
    /// Its arguments, with a space behind each.
    pub arguments: Vec<u8>,
    /// The auxiliary vector.
    pub auxv: Vec<u8>,
    /// Resident bytes, as the kernel counted them.
    pub rss_bytes: Option<u64>,
    /// `CLOCK_MONOTONIC` when it was stopped, in nanoseconds.
    pub monotonic_ns: Option<u64>,
    /// When it was stopped.
    pub taken_at: Option<SystemTime>,
    /// What was resident before anything was read.
    pub residency: Residency,
    /// Pages that have content, by address: resident or swapped out.
    pub pages: Vec<PageRange>,
    /// Traits of mappings that its regions do not tell, by address.
    pub traits: Vec<MappingTraits>,
}

/// Pages with content that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRange {
    /// Their addresses.
    pub range: Range<u64>,
    /// They are those of the mapped file, or shared; otherwise they are the process's own.
    pub file: bool,
}

/// What is special about one mapping.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MappingTraits {
    /// First address.
    pub start: u64,
    /// Writes are seen by others.
    pub shared: bool,
    /// Not to be written to cores: the process excluded it (`MADV_DONTDUMP`), or it is a device's.
    pub excluded: bool,
}

/// A source of cores: memory that stands still, and what is known of the process it belongs to.
pub trait Recorded: crate::Memory {
    /// What a core records besides memory. Ask before anything is read: reading makes pages resident.
    ///
    /// # Errors
    /// When the system does not say what is resident, or the process is gone.
    fn record(&self) -> Result<ProcessRecord, MemoryError>;
}
