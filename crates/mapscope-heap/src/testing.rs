//! Small graphs for tests.
#![allow(clippy::unwrap_used)]

use crate::{BlockTable, EdgeRows, HeapGraph};

/// A graph of objects of 16 bytes with these edges.
pub(crate) fn graph(edges: &[Vec<u32>]) -> HeapGraph {
    let blocks = BlockTable::new(vec![(0x2000, 16, edges.len() as u32)]).unwrap();
    let mut rows = EdgeRows::new(0);
    for row in edges {
        rows.push_row(row.iter().copied());
    }
    HeapGraph::new(blocks, vec![rows]).unwrap()
}

/// Numbers that look random and are the same in every run (xorshift).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % u64::from(bound)) as u32
    }

    /// Edges of `n` objects, each with fewer than `degree` of them.
    pub(crate) fn edges(&mut self, n: u32, degree: u32) -> Vec<Vec<u32>> {
        (0..n).map(|_| (0..self.below(degree)).map(|_| self.below(n)).collect()).collect()
    }
}
