//! Which bytes of which file an address means.

use std::cell::Cell;

/// Bytes of a file that are bytes of the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// First address.
    pub(super) start: u64,
    /// Bytes; never 0. `start + len` does not overflow.
    pub(super) len: u64,
    /// Index of the file: 0 is the core, 1 the executable.
    pub(super) file: u32,
    /// Where they lie; `offset + len` is within the file.
    pub(super) offset: usize,
}

impl Piece {
    pub(super) fn end(&self) -> u64 {
        self.start + self.len
    }
}

thread_local! {
    /// Index of the piece that was found last: most often the heap, and then the heap again. Each thread has its own,
    /// because a shared one would bounce between them. It is only a guess, so that it does not matter if the last
    /// search was in another core.
    static LAST: Cell<usize> = const { Cell::new(0) };
}

/// All pieces, by address. There are some tens to hundreds of them, and finding one is the innermost step of every
/// walk over the heap; the start addresses lie together, so that a search stays within a few cache lines.
#[derive(Debug)]
pub(super) struct Pieces {
    starts: Vec<u64>,
    pieces: Vec<Piece>,
}

impl Pieces {
    /// Sorts the pieces and joins neighbours that lie together in a file too. They must not overlap.
    pub(super) fn new(mut pieces: Vec<Piece>) -> Self {
        pieces.sort_unstable_by_key(|p| p.start);
        pieces.dedup_by(|next, last| {
            let adjacent = last.file == next.file && last.end() == next.start;
            let joined = adjacent && last.offset + last.len as usize == next.offset;
            if joined {
                last.len += next.len;
            }
            joined
        });
        pieces.shrink_to_fit();
        Self { starts: pieces.iter().map(|p| p.start).collect(), pieces }
    }

    /// All of them, by address.
    pub(super) fn all(&self) -> impl Iterator<Item = &Piece> {
        self.pieces.iter()
    }

    /// The piece that holds `addr`.
    #[inline]
    pub(super) fn find(&self, addr: u64) -> Option<&Piece> {
        match self.pieces.get(LAST.get()) {
            // An address below the start wraps to something larger than any piece.
            Some(piece) if addr.wrapping_sub(piece.start) < piece.len => Some(piece),
            _ => self.search(addr),
        }
    }

    fn search(&self, addr: u64) -> Option<&Piece> {
        let index = self.starts.partition_point(|&start| start <= addr).checked_sub(1)?;
        let piece = self.pieces.get(index)?;
        if addr - piece.start >= piece.len {
            return None;
        }
        LAST.set(index);
        Some(piece)
    }

    /// The parts of `addr..addr + len` that are held, in order: the piece, the offset into it, and how many bytes.
    pub(super) fn parts(&self, addr: u64, len: u64) -> impl Iterator<Item = (&Piece, u64, usize)> {
        let end = addr.saturating_add(len);
        let first = self.starts.partition_point(|&start| start <= addr).saturating_sub(1);
        let pieces = self.pieces.get(first..).unwrap_or_default();
        pieces.iter().skip_while(move |p| p.end() <= addr).take_while(move |p| p.start < end).map(move |p| {
            let from = p.start.max(addr);
            (p, from - p.start, (p.end().min(end) - from) as usize)
        })
    }

    /// Whether all of `addr..addr + len` is held.
    pub(super) fn hold(&self, addr: u64, len: u64) -> bool {
        let mut at = addr;
        for (piece, into, len) in self.parts(addr, len) {
            if piece.start + into != at {
                return false;
            }
            at += len as u64;
        }
        addr.checked_add(len) == Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(start: u64, len: u64, file: u32, offset: usize) -> Piece {
        Piece { start, len, file, offset }
    }

    #[test]
    fn joins_what_lies_together_and_finds_it() {
        let pieces = Pieces::new(vec![
            piece(0x3000, 0x1000, 0, 0x900),
            piece(0x1000, 0x1000, 0, 0x100),
            piece(0x2000, 0x800, 0, 0x1100),
            piece(0x4000, 0x1000, 1, 0x1900),
        ]);
        assert_eq!(pieces.pieces.len(), 3);
        assert_eq!(pieces.find(0x27ff), Some(&piece(0x1000, 0x1800, 0, 0x100)));
        assert_eq!(pieces.find(0x2800), None);
        assert_eq!(pieces.find(0xfff), None);
        assert_eq!(pieces.find(u64::MAX), None);
        assert!(pieces.hold(0x3ff0, 0x20));
        assert!(!pieces.hold(0x27f0, 0x20));
        assert!(!pieces.hold(0x4ff0, 0x11));
        assert!(!pieces.hold(0x4ff0, u64::MAX));
        assert_eq!(pieces.parts(0, u64::MAX).count(), 3);
        let parts: Vec<_> = pieces.parts(0x2700, 0x1000).map(|(p, into, len)| (p.start, into, len)).collect();
        assert_eq!(parts, [(0x1000, 0x1700, 0x100), (0x3000, 0, 0x700)]);
        assert_eq!(Pieces::new(Vec::new()).find(0), None);
    }
}
