//! Says who holds which root, and whose part or of which group a holder is.

/// Who holds which root: roots of one holder count as one predecessor.
#[derive(Clone, Copy, Debug)]
pub struct HolderTree<'h> {
    /// The holder of each root of the reachability; roots beyond the end count for holder 0.
    pub of_root: &'h [u32],
    /// The holder that each is a part of, as a variable is of its goroutine: one that is itself no part. A holder that is
    /// no part of another has its own number here.
    pub above: &'h [u32],
    /// The group of each holder: what several holders of one group share is that group's.
    pub groups: &'h [u32],
}

impl HolderTree<'_> {
    #[inline]
    pub(super) fn of(&self, root: u32) -> u32 {
        self.of_root.get(root as usize).copied().unwrap_or(0)
    }

    /// How many holders there are; without any, all roots are those of one.
    pub(super) fn count(&self) -> u32 {
        (self.above.len() as u32).max(1)
    }

    /// The holder that a holder is a part of.
    pub(super) fn above(&self, holder: u32) -> Option<u32> {
        self.above.get(holder as usize).copied().filter(|above| *above != holder && *above < self.count())
    }

    /// The parts of each holder, as sparse rows in which holder `h` is `h + 1`; those of 0 are the holders that are no
    /// parts.
    pub(super) fn parts(&self) -> (Vec<u32>, Vec<u32>) {
        let node = |holder: u32| (self.above(holder).map_or(0, |above| above + 1), holder + 1);
        rows_of((0..self.count()).map(node).collect(), self.count() + 1)
    }

    /// The group of the holder that is no part of another.
    pub(super) fn group(&self, holder: u32) -> u32 {
        let whole = self.above(holder).unwrap_or(holder);
        self.groups.get(whole as usize).copied().unwrap_or(0)
    }
}

/// Pairs of a row below `rows` and what is in it, as sparse rows.
pub(super) fn rows_of(mut pairs: Vec<(u32, u32)>, rows: u32) -> (Vec<u32>, Vec<u32>) {
    pairs.sort_unstable();
    pairs.dedup();
    let mut offsets = vec![0; rows as usize + 1];
    for (row, _) in &pairs {
        offsets[*row as usize + 1] += 1;
    }
    let mut total = 0;
    for offset in &mut offsets {
        total += *offset;
        *offset = total;
    }
    (offsets, pairs.into_iter().map(|p| p.1).collect())
}
