//! ELF notes, and the build ids among them.

use std::fmt::Write;

use crate::elf::{Header, PT_NOTE, clipped, u32_at};

/// One note.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Note<'a> {
    /// Without its terminating zeros.
    pub(crate) name: &'a [u8],
    pub(crate) kind: u32,
    pub(crate) desc: &'a [u8],
}

/// The notes of a segment, until its end or the first one that is cut short. The kernel and gdb pad a core's notes to
/// 4 bytes whatever `p_align` says; executables pad those of segments aligned to 8 to 8.
pub(crate) fn notes(bytes: &[u8], align: u64) -> impl Iterator<Item = Note<'_>> {
    let align = if align == 8 { 8 } else { 4 };
    let mut at = 0;
    std::iter::from_fn(move || {
        let name_len = u32_at(bytes, at)? as usize;
        let desc_len = u32_at(bytes, at.checked_add(4)?)? as usize;
        let kind = u32_at(bytes, at.checked_add(8)?)?;
        let name_at = at.checked_add(12)?;
        let name_end = name_at.checked_add(name_len)?;
        let desc_at = name_end.checked_next_multiple_of(align)?;
        let desc_end = desc_at.checked_add(desc_len)?;
        let name = bytes.get(name_at..name_end)?;
        let desc = bytes.get(desc_at..desc_end)?;
        at = desc_end.checked_next_multiple_of(align)?;
        let name = name.split(|&b| b == 0).next().unwrap_or_default();
        Some(Note { name, kind, desc })
    })
}

/// Where the last note of a segment ends that [`notes`] finds.
pub(crate) fn notes_end(bytes: &[u8], align: u64) -> usize {
    notes(bytes, align).last().map_or(0, |note| {
        let end = note.desc.as_ptr_range().end.addr() - bytes.as_ptr().addr();
        end.next_multiple_of(if align == 8 { 8 } else { 4 })
    })
}

/// Note segments of an executable that are looked at, and bytes of each: real ones have three of less than a page.
pub(crate) const NOTE_SEGMENTS: usize = 64;
/// See [`NOTE_SEGMENTS`].
pub(crate) const NOTE_BYTES: u64 = 64 << 10;

/// What identifies a build. Go's linker writes its own note, and GNU's as well where the platform wants one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BuildId {
    gnu: Option<Vec<u8>>,
    go: Option<Vec<u8>>,
}

impl BuildId {
    /// Collects from the notes of one segment.
    pub(crate) fn add(&mut self, bytes: &[u8], align: u64) {
        for note in notes(bytes, align) {
            match (note.name, note.kind) {
                (b"GNU", 3) => self.gnu = Some(note.desc.to_vec()),
                (b"Go", 4) => self.go = Some(note.desc.to_vec()),
                _ => {}
            }
        }
    }

    /// Both identifiers in words, when they contradict each other.
    pub(crate) fn contradiction(&self, other: &Self) -> Option<(String, String)> {
        let text = |id: &[u8]| String::from_utf8_lossy(&id[..id.len().min(96)]).escape_debug().to_string();
        match (&self.gnu, &other.gnu, &self.go, &other.go) {
            (Some(a), Some(b), ..) if a != b => Some((hex(a), hex(b))),
            (.., Some(a), Some(b)) if a != b => Some((text(a), text(b))),
            _ => None,
        }
    }

    /// Whether both have an identifier that is the same, and none that differs.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        let same = |a: &Option<Vec<u8>>, b: &Option<Vec<u8>>| a.is_some() && a == b;
        self.contradiction(other).is_none() && (same(&self.gnu, &other.gnu) || same(&self.go, &other.go))
    }

    /// One with these bytes as GNU's identifier, or none.
    #[cfg(test)]
    pub(crate) fn of_text(text: &str) -> Self {
        Self { gnu: (!text.is_empty()).then(|| text.into()), go: None }
    }

    /// The identifiers of an executable file.
    pub(crate) fn of_file(header: &Header, bytes: &[u8]) -> Self {
        let mut id = Self::default();
        for s in header.segments(bytes).filter(|s| s.kind == PT_NOTE).take(NOTE_SEGMENTS) {
            id.add(clipped(bytes, s.offset, s.filesz.min(NOTE_BYTES)), s.align);
        }
        id
    }
}

/// In hexadecimal, as other tools print GNU build ids.
fn hex(id: &[u8]) -> String {
    id.iter().take(32).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_stop_at_the_first_damage() {
        let mut bytes = Vec::new();
        for (kind, desc) in [(3_u32, b"abcde".as_slice()), (4, b"xy")] {
            bytes.extend(4_u32.to_le_bytes());
            bytes.extend((desc.len() as u32).to_le_bytes());
            bytes.extend(kind.to_le_bytes());
            bytes.extend(b"GNU\0");
            bytes.extend(desc);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        assert_eq!(notes(&bytes, 4).count(), 2);
        assert_eq!(notes(&bytes, 4).next().map(|n| n.desc), Some(b"abcde".as_slice()));
        assert_eq!(notes(&bytes[..bytes.len() - 3], 4).count(), 1);
        bytes[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(notes(&bytes, 4).count(), 0);
    }

    #[test]
    fn build_ids_differ_only_when_both_are_there() {
        let id = |gnu: &str, go: &str| BuildId {
            gnu: (!gnu.is_empty()).then(|| gnu.into()),
            go: (!go.is_empty()).then(|| go.into()),
        };
        assert_eq!(id("a", "").contradiction(&id("", "b")), None);
        assert_eq!(id("a", "x").contradiction(&id("a", "x")), None);
        assert_eq!(id("a", "x").contradiction(&id("a", "y")), Some(("x".into(), "y".into())));
        assert_eq!(id("a", "x").contradiction(&id("b", "x")), Some(("61".into(), "62".into())));
    }
}
