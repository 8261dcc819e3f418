//! The one trait behind which a live process and a core look alike.

use std::path::PathBuf;
use std::time::SystemTime;

use crate::residency::backings;
use crate::{Arch, MemoryError, Partial, Registers, Residency};

/// What kind of target the bytes come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// A process that exists now; its threads are stopped while it is read.
    Process,
    /// An ELF core file.
    Core,
}

/// What is known of a target without looking into its memory.
#[derive(Clone, Debug)]
pub struct TargetInfo {
    /// Live process or core.
    pub kind: TargetKind,
    /// Process id, as the kernel recorded it; 0 when a core does not say.
    pub pid: u32,
    /// Path of the executable as the target knew it.
    pub exe: PathBuf,
    /// Resident bytes of the process; of a core, only where mapscope wrote it.
    pub rss_bytes: Option<u64>,
    /// The target's monotonic clock (`CLOCK_MONOTONIC`) when it was stopped, in nanoseconds; of a core, only where
    /// mapscope wrote it.
    pub monotonic_ns: Option<u64>,
    /// When the target was stopped; of a core that does not say, when its file was last written.
    pub taken_at: Option<SystemTime>,
    /// `taken_at` is the time of the core's file: a copy may be younger than what is in it.
    pub file_time: bool,
    /// Data was overwritten: what is no pointer and no metadata is not what the process had there.
    pub redacted: bool,
    /// What to add to an address in the executable file to get one in the target; 0 unless it is position-independent.
    pub load_bias: u64,
    /// Why what is read may be incomplete: a sentence for each reason, with file and offset. Empty when whole.
    pub partial: Partial,
}

/// One mapped range of the target's address space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// First address.
    pub start: u64,
    /// One past the last address.
    pub end: u64,
    /// The target may read it.
    pub read: bool,
    /// The target may write it.
    pub write: bool,
    /// The target may execute it.
    pub execute: bool,
    /// The mapped file, and the offset of `start` in it; absent for anonymous memory.
    pub file: Option<(PathBuf, u64)>,
}

/// One thread of the target at the instant it was stopped.
#[derive(Clone, Debug)]
pub struct Thread {
    /// Kernel thread id, as the target itself sees it: Go's `m.procid`.
    pub tid: u32,
    /// Its registers.
    pub registers: Registers,
    /// Its floating point and vector registers as the processor stores them (`XSAVE`); empty when they are not known.
    pub extended: Vec<u8>,
}

/// Read access to the memory of a target. All numbers are little-endian; addresses are the target's own.
pub trait Memory: Send + Sync {
    /// The processor the target runs on.
    fn arch(&self) -> &'static Arch;

    /// What is known of the target itself.
    fn info(&self) -> &TargetInfo;

    /// The target's mappings, sorted by address, not overlapping.
    fn regions(&self) -> &[Region];

    /// The names that the kernel gives to mappings without a file, with the mappings' first addresses, in order: `[heap]`,
    /// `/memfd:cache`. None where they are not known, as of a core.
    fn labels(&self) -> &[(u64, String)] {
        &[]
    }

    /// The target's threads.
    fn threads(&self) -> &[Thread];

    /// The bytes of `addr..addr + len` without a copy, when the target holds them in one piece in our address space.
    fn borrow(&self, addr: u64, len: usize) -> Option<&[u8]>;

    /// Fills `buf` from `addr`, wholly or not at all.
    fn read_into(&self, addr: u64, buf: &mut [u8]) -> Result<(), MemoryError>;

    /// Whether the target is still there, so that what was read belongs together: a live process may have exited
    /// half-way, and what came after is not its memory.
    fn still_there(&self) -> Result<(), MemoryError> {
        Ok(())
    }

    /// The pages that are in memory, as RSS counts them; of a core, those that it holds. Reading a live process can make
    /// pages resident, so ask before anything is read. Without a better source, all mappings are.
    ///
    /// # Errors
    /// When the system does not say.
    fn residency(&self) -> Result<Residency, MemoryError> {
        let regions = backings(self.regions(), &self.info().exe, None, &[]);
        Ok(Residency::of(&regions, self.regions().iter().map(|r| r.start..r.end)))
    }

    /// Says that `addr..addr + len` is not needed for now, so that mapped pages need not stay resident. A hint.
    fn release(&self, addr: u64, len: usize) {
        let _ = (addr, len);
    }

    /// The bytes of `addr..addr + len`: borrowed where possible, else read into `scratch`. The length is checked
    /// against the target's mappings before `scratch` grows, so that a hostile length costs nothing.
    fn bytes<'a>(&'a self, addr: u64, len: usize, scratch: &'a mut Vec<u8>) -> Result<&'a [u8], MemoryError> {
        if let Some(bytes) = self.borrow(addr, len) {
            return Ok(bytes);
        }
        if !self.is_mapped(addr, len as u64) {
            return Err(MemoryError::NotMapped { addr, len: len as u64 });
        }
        scratch.clear();
        scratch.resize(len, 0);
        self.read_into(addr, scratch)?;
        Ok(scratch)
    }

    /// Whether every byte of `addr..addr + len` lies in a mapping.
    fn is_mapped(&self, addr: u64, len: u64) -> bool {
        let Some(end) = addr.checked_add(len) else { return false };
        let regions = self.regions();
        let mut at = addr;
        let mut index = regions.partition_point(|r| r.end <= addr);
        while at < end {
            match regions.get(index) {
                Some(r) if r.start <= at => at = r.end,
                _ => return false,
            }
            index += 1;
        }
        true
    }

    /// The `u8` at `addr`.
    fn u8(&self, addr: u64) -> Result<u8, MemoryError> {
        if let Some(&[b]) = self.borrow(addr, 1) {
            return Ok(b);
        }
        let mut b = [0; 1];
        self.read_into(addr, &mut b)?;
        Ok(b[0])
    }

    /// The little-endian `u32` at `addr`.
    fn u32(&self, addr: u64) -> Result<u32, MemoryError> {
        if let Some(Ok(b)) = self.borrow(addr, 4).map(<[u8; 4]>::try_from) {
            return Ok(u32::from_le_bytes(b));
        }
        let mut b = [0; 4];
        self.read_into(addr, &mut b)?;
        Ok(u32::from_le_bytes(b))
    }

    /// The little-endian `u64` at `addr`.
    fn u64(&self, addr: u64) -> Result<u64, MemoryError> {
        if let Some(Ok(b)) = self.borrow(addr, 8).map(<[u8; 8]>::try_from) {
            return Ok(u64::from_le_bytes(b));
        }
        let mut b = [0; 8];
        self.read_into(addr, &mut b)?;
        Ok(u64::from_le_bytes(b))
    }
}
