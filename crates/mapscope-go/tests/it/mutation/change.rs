//! One damage to a core, by a number: program headers, notes, zeroed and swapped pages, a shorter file.

use std::fmt;
use std::fs::File;
use std::os::unix::fs::FileExt;

use crate::damage::Random;

pub const PAGE: u64 = 4096;
const PROGRAM_HEADER: u64 = 56;
const LOAD: u32 = 1;
const NOTE: u32 = 4;

/// A program header of the core, and where it is in the file.
#[derive(Clone, Copy, Debug)]
pub struct Segment {
    at: u64,
    kind: u32,
    pub offset: u64,
    pub vaddr: u64,
    pub filesz: u64,
}

/// The parts of a core that are damaged.
pub struct Parts {
    pub size: u64,
    pub segments: Vec<Segment>,
    /// Offsets of pages of memory that hold something.
    pub pages: Vec<u64>,
    /// Offset and bytes of each note.
    notes: Vec<(u64, u64)>,
}

impl Parts {
    pub fn of(file: &File) -> Self {
        let size = file.metadata().unwrap().len();
        let (at, count) = (u64_at(file, 32), u64::from(u32_at(file, 56) as u16));
        let segments: Vec<Segment> = (0..count)
            .map(|index| at + index * PROGRAM_HEADER)
            .map(|at| Segment {
                at,
                kind: u32_at(file, at),
                offset: u64_at(file, at + 8),
                vaddr: u64_at(file, at + 16),
                filesz: u64_at(file, at + 32),
            })
            .collect();
        let (mut page, mut pages, mut notes) = ([0; PAGE as usize], Vec::new(), Vec::new());
        for segment in segments.iter().filter(|s| s.kind == LOAD) {
            let offsets = (segment.offset..segment.offset + segment.filesz / PAGE * PAGE).step_by(PAGE as usize);
            pages.extend(
                offsets.filter(|at| file.read_exact_at(&mut page, *at).is_ok() && page.iter().any(|byte| *byte != 0)),
            );
        }
        for segment in segments.iter().filter(|s| s.kind == NOTE) {
            let (mut at, end) = (segment.offset, segment.offset + segment.filesz);
            while at + 12 <= end {
                let padded = |len: u32| u64::from(len).next_multiple_of(4);
                let bytes = 12 + padded(u32_at(file, at)) + padded(u32_at(file, at + 4));
                notes.push((at, bytes));
                at += bytes;
            }
        }
        Self { size, segments, pages, notes }
    }

    /// The address of the byte at an offset of the file.
    pub fn address(&self, offset: u64) -> Option<u64> {
        let of = |s: &&Segment| s.kind == LOAD && (s.offset..s.offset + s.filesz).contains(&offset);
        self.segments.iter().find(of).map(|s| s.vaddr + (offset - s.offset))
    }
}

/// A kind of damage, with where it is.
#[derive(Clone, Debug)]
pub enum Change {
    /// Bytes of a header or note are others.
    Bytes {
        what: &'static str,
        at: u64,
        bytes: Vec<u8>,
    },
    Zeroed(u64),
    Swapped(u64, u64),
    Cut(u64),
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes { what, at, bytes } => write!(f, "{what} at {at:#x} is {bytes:x?}"),
            Self::Zeroed(page) => write!(f, "page {page:#x} zeroed"),
            Self::Swapped(a, b) => write!(f, "pages {a:#x} and {b:#x} swapped"),
            Self::Cut(len) => write!(f, "cut at {len:#x}"),
        }
    }
}

impl Change {
    /// The damage with a number; the same for the same core.
    pub fn new(parts: &Parts, seed: u64) -> Self {
        // Neighbouring seeds are to be unlike each other.
        let mut random = Random((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for _ in 0..8 {
            random.below(2);
        }
        match random.below(8) {
            0 | 1 => Self::header(parts, &mut random),
            2 => Self::note(parts, &mut random),
            3 | 4 => Self::Zeroed(random.of(&parts.pages)),
            5 | 6 => Self::Swapped(random.of(&parts.pages), random.of(&parts.pages)),
            _ => Self::Cut(random.below(parts.size)),
        }
    }

    fn header(parts: &Parts, random: &mut Random) -> Self {
        let segment = random.of(&parts.segments);
        let pages = |random: &mut Random| (1 + random.below(64)) * PAGE;
        let old = |at: u64| match at {
            8 => segment.offset,
            16 => segment.vaddr,
            _ => segment.filesz,
        };
        let (what, field): (&'static str, u64) = random.of(&[
            ("offset", 8),
            ("address", 16),
            ("bytes in the file", 32),
            ("bytes in memory", 40),
            ("kind", 0),
            ("flags", 4),
        ]);
        let bytes = match field {
            0 | 4 => (random.below(8) as u32).to_le_bytes().to_vec(),
            _ => {
                let value = match random.below(4) {
                    0 => old(field).wrapping_add(pages(random)),
                    1 => old(field).saturating_sub(pages(random)),
                    2 => random.below(segment.filesz.max(2)),
                    _ => 0,
                };
                value.to_le_bytes().to_vec()
            }
        };
        Self::Bytes { what, at: segment.at + field, bytes }
    }

    fn note(parts: &Parts, random: &mut Random) -> Self {
        let (at, len) = random.of(&parts.notes);
        match random.below(4) {
            0 => Self::Bytes {
                what: "size of a note's name",
                at,
                bytes: (random.below(64) as u32).to_le_bytes().to_vec(),
            },
            1 => Self::Bytes {
                what: "size of a note",
                at: at + 4,
                bytes: (random.below(len) as u32).to_le_bytes().to_vec(),
            },
            2 => Self::Bytes {
                what: "kind of a note",
                at: at + 8,
                bytes: (random.below(9) as u32).to_le_bytes().to_vec(),
            },
            _ => {
                let from = random.below(len);
                Self::Bytes { what: "rest of a note", at: at + from, bytes: vec![0; (len - from) as usize] }
            }
        }
    }

    /// The pages of memory whose bytes are others.
    pub fn pages(&self) -> Vec<u64> {
        match self {
            Self::Zeroed(page) => vec![*page],
            Self::Swapped(a, b) => vec![*a, *b],
            Self::Bytes { .. } | Self::Cut(_) => Vec::new(),
        }
    }

    /// Damages the file; calling what comes back mends it again, but for one that was
    /// cut: the holes behind the cut would not come back.
    pub fn apply<'f>(&self, file: &'f File) -> impl FnOnce() + 'f {
        let mut old: Vec<(u64, Vec<u8>)> = Vec::new();
        let mut keep = |at: u64, len: usize| {
            let mut bytes = vec![0; len];
            file.read_exact_at(&mut bytes, at).unwrap();
            old.push((at, bytes.clone()));
            bytes
        };
        match self {
            Self::Bytes { at, bytes, .. } => {
                keep(*at, bytes.len());
                file.write_all_at(bytes, *at).unwrap();
            }
            Self::Zeroed(page) => {
                keep(*page, PAGE as usize);
                file.write_all_at(&[0; PAGE as usize], *page).unwrap();
            }
            Self::Swapped(a, b) => {
                let (first, second) = (keep(*a, PAGE as usize), keep(*b, PAGE as usize));
                file.write_all_at(&first, *b).unwrap();
                file.write_all_at(&second, *a).unwrap();
            }
            Self::Cut(len) => file.set_len(*len).unwrap(),
        }
        move || old.into_iter().for_each(|(at, bytes)| file.write_all_at(&bytes, at).unwrap())
    }
}

fn u32_at(file: &File, at: u64) -> u32 {
    let mut bytes = [0; 4];
    file.read_exact_at(&mut bytes, at).unwrap();
    u32::from_le_bytes(bytes)
}

fn u64_at(file: &File, at: u64) -> u64 {
    let mut bytes = [0; 8];
    file.read_exact_at(&mut bytes, at).unwrap();
    u64::from_le_bytes(bytes)
}
