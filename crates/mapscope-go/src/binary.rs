//! The Go executable: its sections, its version, whether it still has debug information.

use std::borrow::Cow;
use std::fmt::Write as _;

use object::read::elf::{ElfFile64, FileHeader};
use object::{LittleEndian, Object, ObjectSection, ObjectSegment};

use crate::GoError;
use crate::containers::Modules;
use crate::image::Image;

/// Oldest and newest minor version of Go 1 that are read.
const VERSIONS: std::ops::RangeInclusive<u32> = 21..=27;
/// Bytes of a page of the system.
const PAGE: u64 = 4096;
/// A compressed section may expand by this much at most; DWARF of Go programs stays below 10.
const MAX_EXPANSION: u64 = 64;

/// A parsed Go executable. Addresses in it are those of the file; add [`Binary::bias`] for the target's.
pub struct Binary<'a> {
    path: String,
    elf: ElfFile64<'a, LittleEndian>,
    /// The whole version text, with experiments (`go1.24.11 X:noswissmap`).
    pub go_version: String,
    /// Minor version: 27 for `go1.27.3`.
    pub minor: u32,
    /// Where the target loaded the file, less where the file asks to be: 0 unless it is position-independent.
    pub bias: u64,
}

impl<'a> Binary<'a> {
    /// Parses an executable. `path` is for messages.
    ///
    /// # Errors
    /// When it is no ELF file, not for amd64, not Go, or of a Go version that is not read.
    pub fn parse(path: &str, bytes: &'a [u8], bias: u64) -> Result<Self, GoError> {
        check_architecture(path, bytes)?;
        let bad = |e: object::Error| GoError::BadElf { path: path.into(), reason: e.to_string() };
        let elf = ElfFile64::<LittleEndian>::parse(bytes).map_err(bad)?;
        let go_version = build_version(&elf).ok_or_else(|| GoError::NotGo { path: path.into() })?;
        let minor = minor_version(&go_version).filter(|m| VERSIONS.contains(m));
        let minor = minor.ok_or_else(|| GoError::Version { path: path.into(), version: go_version.clone() })?;
        Ok(Self { path: path.into(), elf, go_version, minor, bias })
    }

    /// Parses a file with the debug information of an executable, which need not be one itself. `path` is for messages.
    ///
    /// # Errors
    /// When it is no ELF file, or not for amd64.
    pub(crate) fn parse_debug_file(path: &str, bytes: &'a [u8], bias: u64) -> Result<Self, GoError> {
        check_architecture(path, bytes)?;
        let bad = |e: object::Error| GoError::BadElf { path: path.into(), reason: e.to_string() };
        let elf = ElfFile64::<LittleEndian>::parse(bytes).map_err(bad)?;
        Ok(Self { path: path.into(), elf, go_version: String::new(), minor: 0, bias })
    }

    /// The path it was parsed under.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// A section's bytes, decompressed when they were compressed; `None` when there is no such section.
    ///
    /// # Errors
    /// When the section is compressed and damaged, or claims to expand beyond reason.
    pub fn section(&self, name: &str) -> Result<Option<Cow<'a, [u8]>>, GoError> {
        let Some(section) = self.elf.section_by_name(name) else { return Ok(None) };
        let bad =
            |reason: String| GoError::BadElf { path: self.path.clone(), reason: format!("section {name}: {reason}") };
        let data = section.compressed_data().map_err(|e| bad(e.to_string()))?;
        let stored = data.data.len() as u64;
        if data.uncompressed_size > stored.saturating_mul(MAX_EXPANSION) {
            return Err(bad(format!("{stored} bytes claim to expand to {}", data.uncompressed_size)));
        }
        data.decompress().map(Some).map_err(|e| bad(e.to_string()))
    }

    /// Address range of a section in the target; `None` when there is no such section.
    pub fn section_range(&self, name: &str) -> Option<std::ops::Range<u64>> {
        let section = self.elf.section_by_name(name)?;
        let start = section.address().wrapping_add(self.bias);
        Some(start..start.checked_add(section.size())?)
    }

    /// Its segments as memory.
    pub(crate) fn image(&self) -> Image<'a> {
        Image::new(&self.path, &self.elf)
    }

    /// Address ranges of its segments in the target, bss included.
    pub(crate) fn load_ranges(&self) -> Vec<std::ops::Range<u64>> {
        let segments = self.elf.segments().map(|s| (s.address().wrapping_add(self.bias), s.size()));
        let end = |(start, size): (u64, u64)| start.checked_add(size)?.checked_next_multiple_of(PAGE);
        segments.filter_map(|s| Some(s.0 / PAGE * PAGE..end(s)?)).collect()
    }

    /// Address ranges in the target of the writable sections that the file fills, with those that only relocation writes.
    pub fn data_sections(&self) -> Vec<std::ops::Range<u64>> {
        let wanted = |section: &object::read::elf::ElfSection64<'_, '_, LittleEndian>| {
            let object::SectionFlags::Elf { sh_flags, .. } = section.flags() else { return false };
            let both = object::elf::SHF_ALLOC | object::elf::SHF_WRITE;
            sh_flags & both == both && section.kind() != object::SectionKind::UninitializedData
        };
        let range = |start: u64, size: u64| Some(start..start.checked_add(size)?);
        let sections = self.elf.sections().filter(wanted);
        sections.filter_map(|s| range(s.address().wrapping_add(self.bias), s.size())).collect()
    }

    /// The go command's build id, from the note section that the linker writes; `None` without one.
    pub fn go_build_id(&self) -> Option<Vec<u8>> {
        self.note(".note.go.buildid")
    }

    /// The linker's build id (`ld --build-id`, and Go's own linker from 1.24); `None` without one.
    pub fn build_id(&self) -> Option<Vec<u8>> {
        self.note(".note.gnu.build-id")
    }

    /// What follows the name in a section with one note; `None` when it is empty or makes no sense.
    fn note(&self, section: &str) -> Option<Vec<u8>> {
        let data = self.elf.section_by_name(section)?.data().ok()?;
        let number = |at: usize| data.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes);
        let (name, len) = (number(0)? as usize, number(4)? as usize);
        let start = name.checked_next_multiple_of(4)?.checked_add(12)?;
        let value = data.get(start..start.checked_add(len)?)?;
        (!value.is_empty()).then(|| value.to_vec())
    }

    /// The name of the file with its debug information (`objcopy --add-gnu-debuglink`); `None` without one.
    pub fn debug_link(&self) -> Option<String> {
        let (name, _) = self.elf.gnu_debuglink().ok()??;
        std::str::from_utf8(name).ok().map(str::to_owned)
    }

    /// Whether there is a section of this name.
    pub fn has_section(&self, name: &str) -> bool {
        self.elf.section_by_name(name).is_some()
    }

    /// The modules that it was built from, with their versions; none where it does not say.
    pub(crate) fn modules(&self) -> Modules {
        module_text(&self.elf).map(Modules::parse).unwrap_or_default()
    }

    /// Whether it carries neither debug information nor a symbol table.
    pub fn is_stripped(&self) -> bool {
        !self.has_section(".debug_info") && !self.has_section(".symtab")
    }
}

/// As build ids are written.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn check_architecture(path: &str, bytes: &[u8]) -> Result<(), GoError> {
    let bad = |reason: &str| GoError::BadElf { path: path.into(), reason: reason.into() };
    if bytes.get(..4) != Some(b"\x7fELF") {
        return Err(bad("it does not start with the ELF magic"));
    }
    let class = *bytes.get(4).ok_or_else(|| bad("it ends in its first bytes"))?;
    let machine = bytes.get(18..20).ok_or_else(|| bad("it ends in its header"))?;
    let machine = u16::from_le_bytes([machine[0], machine[1]]);
    if class == 2 && machine == object::elf::EM_X86_64.0 {
        let header = object::elf::FileHeader64::<LittleEndian>::parse(bytes);
        return header.map(|_| ()).map_err(|e| bad(&e.to_string()));
    }
    let arch = match (class, machine) {
        (1, 3) => "386 (32-bit)".to_owned(),
        (1, 40) => "arm (32-bit)".to_owned(),
        (1, m) => format!("a 32-bit machine (ELF machine {m})"),
        (_, 183) => "arm64".to_owned(),
        (_, 243) => "riscv64".to_owned(),
        (_, 258) => "loong64".to_owned(),
        (_, 21) => "ppc64".to_owned(),
        (_, 22) => "s390x".to_owned(),
        (_, m) => format!("ELF machine {m}"),
    };
    Err(GoError::Architecture { path: path.into(), arch })
}

/// Reads the version from `.go.buildinfo` (debug/buildinfo, format with inline strings, Go 1.18 and later). An older
/// format is reported as "a Go older than 1.18".
fn build_version(elf: &ElfFile64<'_, LittleEndian>) -> Option<String> {
    let info = build_info(elf)?;
    if info.get(15)? & 2 == 0 {
        return Some("a Go older than 1.18".to_owned());
    }
    let (version, _) = inline_string(info.get(32..)?)?;
    std::str::from_utf8(version).ok().map(str::to_owned)
}

/// The modules that a binary was built from, as the go command lists them in the string behind the version; between two
/// marks of 16 bytes each.
fn module_text<'e>(elf: &ElfFile64<'e, LittleEndian>) -> Option<&'e str> {
    let info = build_info(elf)?;
    let (_, rest) = inline_string(info.get(32..).filter(|_| info.get(15).is_some_and(|flags| flags & 2 != 0))?)?;
    let (text, _) = inline_string(rest)?;
    std::str::from_utf8(text.get(16..text.len().checked_sub(16)?)?).ok()
}

fn build_info<'e>(elf: &ElfFile64<'e, LittleEndian>) -> Option<&'e [u8]> {
    let data = elf.section_by_name(".go.buildinfo")?.data().ok()?;
    let start = data.windows(14).position(|w| w == b"\xff Go buildinf:")?;
    data.get(start..)
}

/// A string with its length in front, and what follows it.
fn inline_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, used) = uvarint(bytes)?;
    bytes.get(used..)?.split_at_checked(usize::try_from(len).ok()?)
}

/// `27` for `go1.27.3`, `go1.27rc1`, `go1.27-custom X:experiment`.
fn minor_version(version: &str) -> Option<u32> {
    let rest = version.strip_prefix("go1.")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Decodes an unsigned varint: (value, bytes used).
pub(crate) fn uvarint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (i, b) in bytes.iter().take(10).enumerate() {
        value |= u64::from(b & 0x7f).checked_shl(7 * i as u32)?;
        if b & 0x80 == 0 {
            return Some((value, i + 1));
        }
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        assert_eq!(minor_version("go1.27.3"), Some(27));
        assert_eq!(minor_version("go1.21rc2"), Some(21));
        assert_eq!(minor_version("go1.24.11 X:noswissmap"), Some(24));
        assert_eq!(minor_version("devel go1.28-abc"), None);
    }

    #[test]
    fn varints_end_within_the_input() {
        assert_eq!(uvarint(&[0x7f]), Some((127, 1)));
        assert_eq!(uvarint(&[0x80, 0x01, 0xff]), Some((128, 2)));
        assert_eq!(uvarint(&[0x80, 0x80]), None);
        assert_eq!(uvarint(&[]), None);
        assert_eq!(uvarint(&[0xff; 20]), None);
    }

    #[test]
    fn says_what_a_foreign_binary_is() {
        let mut elf = vec![0; 64];
        elf[..6].copy_from_slice(b"\x7fELF\x02\x01");
        elf[18] = 183;
        let error = Binary::parse("x", &elf, 0).err().unwrap().to_string();
        assert!(error.contains("arm64"), "{error}");
        assert!(Binary::parse("x", b"#!/bin/sh", 0).err().unwrap().to_string().contains("ELF"));
    }
}
