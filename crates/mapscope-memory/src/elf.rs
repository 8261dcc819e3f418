//! The little of ELF that cores and executables share: the header, program headers and notes of 64-bit little-endian
//! files. Nothing is trusted: every read is bounds-checked and every count is limited by the bytes that are there.

use std::path::Path;

use crate::MemoryError;
use crate::arch::AMD64;

/// `e_type` of a core.
pub(crate) const ET_CORE: u16 = 4;
/// `e_type` of an executable at fixed addresses.
pub(crate) const ET_EXEC: u16 = 2;
/// `e_type` of an executable that runs at any address, and of a shared library.
pub(crate) const ET_DYN: u16 = 3;
/// `p_type` of a part of the address space.
pub(crate) const PT_LOAD: u32 = 1;
/// `p_type` of notes.
pub(crate) const PT_NOTE: u32 = 4;
/// `p_flags`: executable, writable, readable.
pub(crate) const PF_X: u32 = 1;
/// See [`PF_X`].
pub(crate) const PF_W: u32 = 2;
/// See [`PF_X`].
pub(crate) const PF_R: u32 = 4;
/// `AT_PHDR` and `AT_ENTRY` of the auxiliary vector: the program headers in memory, and where the program starts.
pub(crate) const AT_PHDR: u64 = 3;
/// See [`AT_PHDR`].
pub(crate) const AT_ENTRY: u64 = 9;
/// Sixteen random bytes, which the kernel puts on the first thread's stack.
pub(crate) const AT_RANDOM: u64 = 25;
/// The kernel's own code in the process.
pub(crate) const AT_SYSINFO_EHDR: u64 = 33;
/// Size of the ELF header.
pub(crate) const HEADER_SIZE: usize = 64;
/// Size of a program header.
pub(crate) const SEGMENT_SIZE: u64 = 56;
/// `e_phnum` when the count does not fit its 16 bits: it is then in `sh_info` of the first section header.
pub(crate) const PN_XNUM: u64 = 0xffff;

/// The little-endian `u16` at `at`.
pub(crate) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

/// The little-endian `u32` at `at`.
pub(crate) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// The little-endian `u64` at `at`.
pub(crate) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at.checked_add(8)?)?.try_into().ok()?))
}

/// The fields of an ELF header that are used here.
#[derive(Clone, Debug)]
pub(crate) struct Header {
    pub(crate) kind: u16,
    pub(crate) entry: u64,
    pub(crate) segments_at: u64,
    segment_size: u64,
    /// Program headers the file claims to have.
    pub(crate) segment_count: u64,
}

/// One program header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) index: usize,
    pub(crate) kind: u32,
    pub(crate) flags: u32,
    pub(crate) offset: u64,
    pub(crate) vaddr: u64,
    pub(crate) filesz: u64,
    pub(crate) memsz: u64,
    pub(crate) align: u64,
}

impl Header {
    /// Reads the header of an amd64 file. `bytes` may be the whole file or only its start; `path` is for the errors.
    pub(crate) fn parse(bytes: &[u8], path: &Path) -> Result<Self, MemoryError> {
        if !bytes.starts_with(b"\x7fELF") {
            return Err(MemoryError::NotElf { path: path.to_path_buf(), start: describe_start(bytes) });
        }
        let short = || MemoryError::Corrupt {
            path: path.to_path_buf(),
            offset: bytes.len() as u64,
            what: "the ELF header is cut short".into(),
        };
        let (Some(&class), Some(&order)) = (bytes.get(4), bytes.get(5)) else { return Err(short()) };
        let machine = match order {
            2 => u16_at(bytes, 18).map(u16::swap_bytes),
            _ => u16_at(bytes, 18),
        };
        let machine = machine.ok_or_else(short)?;
        if class != 2 || order != 1 || machine != AMD64.elf_machine {
            let found = describe_machine(class, order, machine);
            return Err(MemoryError::Architecture { path: path.to_path_buf(), found });
        }
        Self::fields(bytes).ok_or_else(short)
    }

    fn fields(bytes: &[u8]) -> Option<Self> {
        let mut segment_count = u64::from(u16_at(bytes, 56)?);
        if segment_count == PN_XNUM {
            let sections_at = usize::try_from(u64_at(bytes, 40)?).ok()?;
            if let Some(count) = sections_at.checked_add(44).and_then(|at| u32_at(bytes, at)) {
                segment_count = u64::from(count);
            }
        }
        Some(Self {
            kind: u16_at(bytes, 16)?,
            entry: u64_at(bytes, 24)?,
            segments_at: u64_at(bytes, 32)?,
            segment_size: u64::from(u16_at(bytes, 54)?).max(SEGMENT_SIZE),
            segment_count,
        })
    }

    /// What the file is, with its article.
    pub(crate) fn kind_name(&self) -> &'static str {
        match self.kind {
            ET_CORE => "a core",
            ET_EXEC => "an executable",
            ET_DYN => "an executable or a shared library",
            1 => "an object file",
            _ => "another kind of ELF file",
        }
    }

    /// The program headers that lie within `bytes`; fewer than [`Header::segment_count`] when it is cut short.
    pub(crate) fn segments<'a>(&self, bytes: &'a [u8]) -> impl Iterator<Item = Segment> + use<'a> {
        let (start, size) = (self.segments_at, self.segment_size);
        (0..self.segment_count).map_while(move |index| {
            let at = usize::try_from(index.checked_mul(size)?.checked_add(start)?).ok()?;
            let b = bytes.get(at..at.checked_add(SEGMENT_SIZE as usize)?)?;
            Some(Segment {
                index: index as usize,
                kind: u32_at(b, 0)?,
                flags: u32_at(b, 4)?,
                offset: u64_at(b, 8)?,
                vaddr: u64_at(b, 16)?,
                filesz: u64_at(b, 32)?,
                memsz: u64_at(b, 40)?,
                align: u64_at(b, 48)?,
            })
        })
    }

    /// Difference between addresses in memory and in the file, from the entry point the kernel recorded in the
    /// auxiliary vector.
    pub(crate) fn load_bias(&self, entry: u64) -> u64 {
        if self.kind == ET_EXEC { 0 } else { entry.wrapping_sub(self.entry) }
    }
}

/// The bytes of `offset..offset + len`, or what there is of them.
pub(crate) fn clipped(bytes: &[u8], offset: u64, len: u64) -> &[u8] {
    let clip = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).min(bytes.len());
    bytes.get(clip(offset)..clip(offset.saturating_add(len))).unwrap_or_default()
}

/// The value of `key` in an auxiliary vector.
pub(crate) fn auxv_value(auxv: &[u8], key: u64) -> Option<u64> {
    (0..auxv.len() / 16).find_map(|i| (u64_at(auxv, i * 16) == Some(key)).then(|| u64_at(auxv, i * 16 + 8))?)
}

/// The first bytes of a file, with a guess at what it is.
fn describe_start(bytes: &[u8]) -> String {
    const KNOWN: [(&[u8], &str); 7] = [
        (b"\x1f\x8b", "gzip: decompress it first, unless it is a pprof profile"),
        (b"\x28\xb5\x2f\xfd", "zstd: decompress it first"),
        (b"JAVA PROFILE", "a JVM heap dump"),
        (b"go1.", "perhaps a Go heap dump or trace"),
        (b"MZ", "a Windows executable"),
        (b"\xcf\xfa\xed\xfe", "a macOS executable"),
        (b"PK", "a zip archive"),
    ];
    if bytes.is_empty() {
        return "nothing, it is empty".into();
    }
    let hex: Vec<String> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
    let guess = KNOWN.iter().find(|(magic, _)| bytes.starts_with(magic));
    guess.map_or_else(|| hex.join(" "), |(_, what)| format!("{} ({what})", hex.join(" ")))
}

/// The processor and form of an ELF file, in Go's names where Go has one.
fn describe_machine(class: u8, order: u8, machine: u16) -> String {
    let name = match machine {
        3 => "386",
        8 => "mips",
        20 => "ppc",
        21 => "ppc64",
        22 => "s390x",
        40 => "arm",
        62 => "amd64",
        183 => "arm64",
        243 => "riscv64",
        258 => "loong64",
        _ => "",
    };
    let bits = if class == 2 { "64-bit" } else { "32-bit" };
    let order = if order == 2 { "big-endian" } else { "little-endian" };
    if name.is_empty() { format!("machine {machine} ({bits}, {order})") } else { format!("{name} ({bits}, {order})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(bytes: &[u8]) -> String {
        Header::parse(bytes, Path::new("f")).expect_err("must be refused").to_string()
    }

    #[test]
    fn refuses_what_it_cannot_read_and_says_what_it_is() {
        assert!(error(b"").contains("it is empty"));
        assert!(error(b"\x1f\x8b\x08").contains("1f 8b 08 (gzip"));
        assert!(error(b"\x7fELF\x02\x01").contains("cut short"));
        let mut elf = vec![0; HEADER_SIZE];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        elf[18] = 183;
        assert!(error(&elf).contains("arm64 (64-bit, little-endian)"));
        elf[4] = 1;
        elf[18] = 3;
        assert!(error(&elf).contains("386 (32-bit, little-endian)"));
        elf[4..6].copy_from_slice(&[2, 2]);
        elf[18..20].copy_from_slice(&[0, 22]);
        assert!(error(&elf).contains("s390x (64-bit, big-endian)"));
    }

    #[test]
    fn finds_auxv_values() {
        let auxv: Vec<u8> = [6_u64, 4096, 9, 0x40_1000, 0, 0].iter().flat_map(|v| v.to_le_bytes()).collect();
        assert_eq!(auxv_value(&auxv, 9), Some(0x40_1000));
        assert_eq!(auxv_value(&auxv, 3), None);
        assert_eq!(auxv_value(&auxv[..20], 9), None);
    }
}
