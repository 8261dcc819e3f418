//! The memory of a stopped process in our own: what stands in for a snapshot where forking is refused.

use std::io::IoSliceMut;
use std::ops::Range;

use memmap2::{Advice, MmapMut, MmapOptions};
use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

use super::facts::resident;
use super::status;
use crate::ranges::{intersection, join};
use crate::record::PageRange;
use crate::{MemoryError, Region, available_memory};

/// Bytes asked of the kernel at once.
const CHUNK: usize = 64 << 20;
/// Memory beyond what was resident when we looked, for what the process adds before it is stopped.
const GROWTH: u64 = 8;
/// A mapping of which also pages that were never touched are copied is not larger.
const MAX_UNTOUCHED: u64 = 16 << 20;
/// Part of the available memory that copies may take: analysing takes memory too.
const SHARE: u64 = 2;

/// Room for a copy, touched before the process is stopped: the kernel finds pages in time that is ours.
pub(super) struct Room(MmapMut);

/// Copies of ranges of a process's memory.
pub(super) struct Copy {
    bytes: MmapMut,
    /// The ranges by address, and where each begins in `bytes`.
    ranges: Vec<(Range<u64>, usize)>,
}

impl Room {
    /// As much as the process `pid` now needs, and some more.
    pub(super) fn for_process(pid: u32) -> Result<Self, MemoryError> {
        let now = resident(&status::read(pid, "statm")?).unwrap_or(0);
        let wanted = now + now / GROWTH + (1 << 20);
        let there = available_memory().map_or(u64::MAX, |bytes| bytes / SHARE);
        if wanted > there {
            return Err(MemoryError::NoRoom { pid, wanted, there });
        }
        room(wanted).map(Self)
    }
}

/// The keeper, which stops the process, is a fork of ours: pages shared with it would be copied once more as we write to
/// them.
fn room(bytes: u64) -> Result<MmapMut, MemoryError> {
    let options = || {
        let room = MmapOptions::new().len(bytes as usize).populate().map_anon()?;
        room.advise(Advice::DontFork)?;
        Ok(room)
    };
    options().map_err(|source| MemoryError::File { path: "memory for a copy".into(), source })
}

impl Copy {
    /// Copies what cannot be had later: the pages `held` of all mappings that the process can write or that no file has.
    pub(super) fn of(pid: u32, held: &[PageRange], regions: &[Region], room: Room) -> Result<Self, MemoryError> {
        let wanted = wanted(held, regions);
        let total = wanted.iter().map(|r| r.end - r.start).sum::<u64>();
        let mut bytes = match room {
            Room(bytes) if bytes.len() as u64 >= total => bytes,
            Room(_) => self::room(total)?,
        };
        let mut ranges = Vec::with_capacity(wanted.len());
        let mut at = 0;
        for range in wanted {
            let length = (range.end - range.start) as usize;
            let copied = read(pid, range.start, &mut bytes[at..at + length])?;
            ranges.push((range.start..range.start + copied as u64, at));
            at += length;
        }
        Ok(Self { bytes, ranges })
    }

    /// Copies `ranges` of the process `pid`, as long as that is `wanted`; `None` when there is not enough room, or it is
    /// not wanted any more.
    pub(super) fn of_snapshot(
        pid: u32,
        ranges: Vec<Range<u64>>,
        wanted: &dyn Fn() -> bool,
    ) -> Result<Option<Self>, MemoryError> {
        let total = ranges.iter().map(|r| r.end - r.start).sum::<u64>();
        if total == 0 || available_memory().is_some_and(|bytes| total > bytes / SHARE) {
            return Ok(None);
        }
        let failed = |source| MemoryError::File { path: "memory for a copy".into(), source };
        let mut bytes = MmapOptions::new().len(total as usize).map_anon().map_err(failed)?;
        let mut copied = Vec::with_capacity(ranges.len());
        let mut at = 0;
        for range in ranges {
            let mut start = range.start;
            while start < range.end {
                if !wanted() {
                    return Ok(None);
                }
                let length = CHUNK.min((range.end - start) as usize);
                let count = read(pid, start, &mut bytes[at..at + length])?;
                copied.push((start..start + count as u64, at));
                at += length;
                start += length as u64;
            }
        }
        Ok(Some(Self { bytes, ranges: copied }))
    }

    /// Bytes that were copied.
    pub(super) fn len(&self) -> u64 {
        self.ranges.iter().map(|(r, _)| r.end - r.start).sum()
    }

    /// The bytes from `addr` that are in one piece, at most `len`; or how many from there are not copied.
    pub(super) fn at(&self, addr: u64, len: usize) -> Result<&[u8], usize> {
        let index = self.ranges.partition_point(|(r, _)| r.end <= addr);
        match self.ranges.get(index) {
            Some((range, at)) if range.start <= addr => {
                let length = len.min((range.end - addr) as usize);
                let from = at + (addr - range.start) as usize;
                Ok(&self.bytes[from..from + length])
            }
            Some((range, _)) => Err(len.min((range.start - addr) as usize)),
            None => Err(len),
        }
    }
}

/// Reads from the start of `buf`; how much could be read.
fn read(pid: u32, addr: u64, buf: &mut [u8]) -> Result<usize, MemoryError> {
    let mut done = 0;
    while done < buf.len() {
        let end = buf.len().min(done + CHUNK);
        let remote = [RemoteIoVec { base: addr as usize + done, len: end - done }];
        match process_vm_readv(Pid::from_raw(pid as i32), &mut [IoSliceMut::new(&mut buf[done..end])], &remote) {
            Ok(0) | Err(Errno::EFAULT) => return Ok(done),
            Ok(count) => done += count,
            Err(Errno::ESRCH) => return Err(MemoryError::Exited { pid }),
            Err(e) => {
                return Err(MemoryError::Unreadable { addr, len: (end - done) as u64, source: e.into() });
            }
        }
    }
    Ok(done)
}

/// The parts of `held` in mappings whose bytes change, or are nowhere else; of files that can be written
/// also what was never touched, unless that is much.
fn wanted(held: &[PageRange], regions: &[Region]) -> Vec<Range<u64>> {
    let mut held: Vec<_> = held.iter().map(|pages| pages.range.clone()).collect();
    let copied: Vec<_> = regions.iter().filter(|r| must_be_copied(r)).map(|r| r.start..r.end).collect();
    let untouched = regions.iter().filter(|r| r.write && r.file.is_some());
    let small = untouched.map(|r| r.start..r.end).filter(|r| r.end - r.start <= MAX_UNTOUCHED);
    held = intersection(&held, &copied);
    held.extend(small);
    held.sort_unstable_by_key(|r| r.start);
    join(held)
}

/// The parts of `resident` in mappings that can be read.
pub(super) fn readable(resident: &[Range<u64>], regions: &[Region]) -> Vec<Range<u64>> {
    let readable: Vec<_> = regions.iter().filter(|r| r.read).map(|r| r.start..r.end).collect();
    join(intersection(resident, &readable))
}

/// Whether the bytes of a mapping change, or are nowhere else.
pub(super) fn must_be_copied(region: &Region) -> bool {
    region.write || region.file.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_what_is_held_and_nowhere_else() {
        let region = |start, end, write, file: bool| Region {
            start,
            end,
            read: true,
            write,
            execute: !write,
            file: file.then(|| ("/exe".into(), 0)),
        };
        let regions = [
            region(0x1000, 0x3000, false, true),
            region(0x3000, 0x5000, true, true),
            region(0x5000, 0x9000, true, false),
        ];
        let held = [0x2000..0x6000, 0x7000..0xa000].map(|range| PageRange { range, file: false });
        // The second one is a file's, and can be written: nobody knows what has become of it later.
        assert_eq!(wanted(&held, &regions), [0x3000..0x6000, 0x7000..0x9000]);
    }

    #[test]
    fn finds_what_was_copied_and_the_gaps() {
        let mut bytes = MmapMut::map_anon(4096).expect("a page");
        bytes[..8].copy_from_slice(b"abcdefgh");
        let copy = Copy { bytes, ranges: vec![(0x10..0x14, 0), (0x20..0x24, 4)] };
        assert_eq!(copy.len(), 8);
        assert_eq!(copy.at(0x11, 2), Ok(&b"bc"[..]));
        assert_eq!(copy.at(0x12, 9), Ok(&b"cd"[..]));
        assert_eq!(copy.at(0x14, 100), Err(12));
        assert_eq!(copy.at(0x20, 100), Ok(&b"efgh"[..]));
        assert_eq!(copy.at(0x24, 100), Err(100));
    }
}
