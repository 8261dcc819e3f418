//! From segments to address ranges: sorted, clipped where they overlap, and cut where the file ends.

use super::pieces::Piece;
use crate::elf::{PF_R, PF_W, PF_X, Segment};
use crate::{Figures, Partial, Region};

/// Damaged segments that are reported one by one; the others are counted.
const REPORTED: usize = 8;

/// The address space as the core describes it.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) regions: Vec<Region>,
    /// Bytes that the core holds.
    pub(super) pieces: Vec<Piece>,
    /// Ranges that the core was meant to hold, but it ends before them.
    pub(super) missing: Vec<(u64, u64)>,
    /// Ranges that the core leaves to the mapped files, where there are any.
    pub(super) omitted: Vec<(u64, u64)>,
}

/// Lays out the `PT_LOAD` segments of `core`.
pub(super) fn of(core: &[u8], mut segments: Vec<Segment>, partial: &mut Partial) -> Layout {
    let mut layout = Layout::default();
    let mut damage = Damage { partial, count: 0 };
    let file_len = core.len() as u64;
    let mut last_end = 0;
    segments.sort_by_key(|s| s.vaddr);
    for s in segments {
        // Some writers leave the size in memory 0 where it equals the one in the file.
        let size = if s.memsz == 0 { s.filesz } else { s.memsz };
        let end = s.vaddr.saturating_add(size);
        if s.vaddr.checked_add(size).is_none() {
            damage.add(|| format!("segment {} at address {:#x} is larger than the address space", s.index, s.vaddr));
        }
        let start = s.vaddr.max(last_end);
        if size > 0 && start > s.vaddr {
            damage.add(|| format!("segment {} at address {:#x} overlaps another; that one is used", s.index, s.vaddr));
        }
        if start >= end {
            continue;
        }
        last_end = end;

        let stored_end = s.vaddr.saturating_add(s.filesz).min(end);
        let held = file_len.saturating_sub(s.offset).min(s.filesz);
        let held_end = s.vaddr.saturating_add(held).min(end);
        if start < held_end {
            let offset = (s.offset + (start - s.vaddr)) as usize;
            layout.pieces.push(Piece { start, len: held_end - start, file: 0, offset });
        }
        if held_end < stored_end {
            layout.missing.push((held_end.max(start), stored_end));
            damage.add(|| {
                format!(
                    "segment {} at file offset {:#x} needs {} bytes, but the file ends at {file_len:#x}",
                    s.index, s.offset, s.filesz
                )
            });
        }
        let write = s.flags & PF_W != 0;
        if stored_end.max(start) < end {
            layout.omitted.push((stored_end.max(start), end));
        }
        let (read, execute) = (s.flags & PF_R != 0, s.flags & PF_X != 0);
        layout.regions.push(Region { start, end, read, write, execute, file: None });
    }
    layout.missing.retain(|&(from, to)| from < to);
    damage.total();
    layout
}

/// Counts damaged segments and describes the first ones.
struct Damage<'a> {
    partial: &'a mut Partial,
    count: usize,
}

impl Damage<'_> {
    fn add(&mut self, sentence: impl FnOnce() -> String) {
        self.count += 1;
        if self.count <= REPORTED {
            self.partial.add(Figures::EVERY, sentence());
        }
    }

    fn total(self) {
        let more = self.count.saturating_sub(REPORTED);
        if more > 0 {
            self.partial.add(
                Figures::EVERY,
                format!("{more} more segments of the core are damaged or cut off in the same way"),
            );
        }
    }
}
