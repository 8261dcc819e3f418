//! Which memory a core holds: the nearest that it can say of residency.
//!
//! Both writers store what was resident, but leave what was not to holes in the file (the kernel) or write it as zeros
//! (gdb); a copy may fill the holes. So a page counts when the core itself has bytes for it, and they are neither in a
//! hole nor, in a file without any hole, all zeros. Pages that the core leaves to other files never count.

use std::ops::Range;
use std::path::Path;

use nix::unistd::{Whence, lseek};

use super::pieces::Piece;
use crate::{AMD64, FileBytes, system};

/// Holes that are looked for; a file with more is taken to end there.
const MAX_HOLES: usize = 1 << 20;
/// Bytes that are looked through before their pages are let go: a file without holes may be much larger than the heap.
const WINDOW: usize = 4 << 20;

/// The holes of the file at `path`, by offset; empty where there are none or the file system does not say.
pub(super) fn holes(path: &Path, len: u64) -> Vec<Range<u64>> {
    let mut found = Vec::new();
    let Ok(file) = system::open(path) else { return found };
    if !file.metadata().is_ok_and(|m| m.is_file() && m.len() == len) {
        return found;
    }
    let seek = |at: u64, whence: Whence| lseek(&file, i64::try_from(at).ok()?, whence).ok()?.try_into().ok();
    let mut at = 0;
    while at < len && found.len() < MAX_HOLES {
        // The end of a file counts as a hole of no length.
        let Some(hole) = seek(at, Whence::SeekHole).filter(|h: &u64| *h >= at && *h < len) else { break };
        let data = seek(hole, Whence::SeekData).unwrap_or(len).min(len);
        if data <= hole {
            break;
        }
        found.push(hole..data);
        at = data;
    }
    found
}

/// The ranges of addresses that `core` holds in `pieces`, by address.
pub(super) fn ranges<'p>(
    core: &FileBytes,
    holes: &[Range<u64>],
    pieces: impl Iterator<Item = &'p Piece>,
) -> Vec<Range<u64>> {
    let mut found: Vec<Range<u64>> = Vec::new();
    let mut add = |range: Range<u64>| match found.last_mut() {
        _ if range.is_empty() => {}
        Some(last) if last.end == range.start => last.end = range.end,
        _ => found.push(range),
    };
    for piece in pieces.filter(|p| p.file == 0) {
        if holes.is_empty() {
            let bytes = core.get(piece.offset..piece.offset + piece.len as usize).unwrap_or_default();
            let mut start = piece.start;
            for (window, at) in bytes.chunks(WINDOW).zip((piece.offset..).step_by(WINDOW)) {
                for page in window.chunks(AMD64.page_size as usize) {
                    let end = start + page.len() as u64;
                    if !is_zero(page) {
                        add(start..end);
                    }
                    start = end;
                }
                core.release(at, window.len());
            }
            continue;
        }
        let (mut at, end) = (piece.offset as u64, piece.offset as u64 + piece.len);
        let address = |offset: u64| piece.start + (offset - piece.offset as u64);
        let first = holes.partition_point(|h| h.end <= at);
        for hole in holes[first..].iter().take_while(|h| h.start < end) {
            add(address(at)..address(hole.start.max(at)));
            at = hole.end.min(end);
        }
        add(address(at)..address(end));
    }
    found
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.chunks(64).all(|c| c.iter().fold(0, |sum, b| sum | b) == 0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::single_range_in_vec_init)]
mod tests {
    use std::fs::File;
    use std::os::unix::fs::FileExt;

    use super::*;

    #[test]
    fn holes_are_not_held() {
        let path = std::env::temp_dir().join(format!("mapscope-holes-{}", std::process::id()));
        let file = File::create(&path).unwrap();
        file.write_all_at(&[1; 4096], 0).unwrap();
        file.write_all_at(&[0; 4096], 64 << 12).unwrap();
        file.set_len(128 << 12).unwrap();
        let holes = holes(&path, 128 << 12);
        std::fs::remove_file(&path).unwrap();
        let piece = |start: u64, pages: u64, offset: usize| Piece { start, len: pages << 12, file: 0, offset };
        let pieces = [piece(0x10_0000, 2, 0), piece(0x20_0000, 64, 64 << 12)];
        let bytes = FileBytes::from([vec![1; 4096], vec![0; 127 << 12]].concat());
        // A file system without holes stores the zeros.
        let expected = if holes.is_empty() {
            vec![0x10_0000..0x10_1000]
        } else {
            vec![0x10_0000..0x10_1000, 0x20_0000..0x20_1000]
        };
        assert_eq!(ranges(&bytes, &holes, pieces.iter()), expected);
        assert_eq!(ranges(&bytes, &[], pieces.iter()), [0x10_0000..0x10_1000]);
        // Other files are no part of the core.
        let other = Piece { file: 1, ..pieces[0] };
        assert_eq!(ranges(&bytes, &[], [other].iter()), []);
    }
}
