//! An executable as memory: what a process that runs it would have before its first instruction. Types are read from it
//! with no process at all.

use std::borrow::Cow;
use std::path::PathBuf;

use mapscope_memory::{AMD64, Arch, Memory, MemoryError, Partial, Region, TargetInfo, TargetKind, Thread};
use object::read::elf::ElfFile64;
use object::{LittleEndian, Object, ObjectSegment, RelocationFlags};

/// Relocations that are applied at most; large programs have a few hundred thousand.
const MAX_RELOCATIONS: usize = 1 << 24;

/// The segments of an executable at the addresses of the file, with the relocations of a position-independent one done.
pub(crate) struct Image<'e> {
    info: TargetInfo,
    regions: Vec<Region>,
    /// What the file has of each region; zeros follow.
    bytes: Vec<Cow<'e, [u8]>>,
}

impl<'e> Image<'e> {
    pub(crate) fn new(path: &str, elf: &ElfFile64<'e, LittleEndian>) -> Self {
        let info = TargetInfo {
            kind: TargetKind::Core,
            pid: 0,
            exe: PathBuf::from(path),
            rss_bytes: None,
            monotonic_ns: None,
            taken_at: None,
            file_time: false,
            load_bias: 0,
            redacted: false,
            partial: Partial::default(),
        };
        let mut segments: Vec<(u64, u64, &'e [u8])> = elf
            .segments()
            .filter_map(|s| Some((s.address(), s.address().checked_add(s.size())?, s.data().ok()?)))
            .filter(|(start, end, _)| start < end)
            .collect();
        segments.sort_by_key(|s| s.0);
        let mut image = Self { info, regions: Vec::new(), bytes: Vec::new() };
        for (start, end, data) in segments {
            if image.regions.last().is_some_and(|last| start < last.end) {
                continue;
            }
            image.regions.push(Region { start, end, read: true, write: false, execute: false, file: None });
            image.bytes.push(Cow::Borrowed(data));
        }
        image.relocate(elf);
        image
    }

    /// In a position-independent executable, pointers are added when it is loaded: `R_X86_64_RELATIVE`.
    fn relocate(&mut self, elf: &ElfFile64<'e, LittleEndian>) {
        let relocations = elf.dynamic_relocations().into_iter().flatten().take(MAX_RELOCATIONS);
        for (address, relocation) in relocations {
            let RelocationFlags::Elf { r_type } = relocation.flags() else { continue };
            if r_type != object::elf::R_X86_64_RELATIVE {
                continue;
            }
            let Some(index) = self.region(address) else { continue };
            let at = (address - self.regions[index].start) as usize;
            let addend = relocation.addend().to_le_bytes();
            if let Some(word) = at.checked_add(8).and_then(|end| self.bytes[index].to_mut().get_mut(at..end)) {
                word.copy_from_slice(&addend);
            }
        }
    }

    fn region(&self, address: u64) -> Option<usize> {
        let index = self.regions.partition_point(|r| r.end <= address);
        self.regions.get(index).filter(|r| r.start <= address).map(|_| index)
    }
}

impl Memory for Image<'_> {
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
        &[]
    }

    fn borrow(&self, addr: u64, len: usize) -> Option<&[u8]> {
        let index = self.region(addr)?;
        let at = (addr - self.regions[index].start) as usize;
        self.bytes[index].get(at..at.checked_add(len)?)
    }

    fn read_into(&self, addr: u64, buf: &mut [u8]) -> Result<(), MemoryError> {
        let missing = || MemoryError::NotMapped { addr, len: buf.len() as u64 };
        let index = self.region(addr).ok_or_else(missing)?;
        let region = &self.regions[index];
        if region.end - addr < buf.len() as u64 {
            return Err(missing());
        }
        let rest = self.bytes[index].get((addr - region.start) as usize..).unwrap_or_default();
        let known = rest.len().min(buf.len());
        buf[..known].copy_from_slice(&rest[..known]);
        buf[known..].fill(0);
        Ok(())
    }
}
