//! Keeps the edges that a depth-first walk did not walk along, and gives those that lead to one node in a row.
//!
//! While they come in, an edge takes six bytes: it is kept with those to the same 65,536 nodes, so that 16 bits say where it
//! leads. Sorted, it takes four, and a node as many.

use rayon::prelude::*;

/// Nodes of a bucket, as a power of two.
const BITS: u32 = 16;

/// Edges by the numbers of the nodes that they lead to.
#[derive(Debug, Default)]
pub(super) struct Entries {
    buckets: Vec<Bucket>,
}

/// Edges that lead to the nodes of one bucket.
#[derive(Debug, Default)]
struct Bucket {
    /// The node that each leads to, without the bits that all of them have; none when they are sorted.
    to: Vec<u16>,
    /// The node that each comes from.
    from: Vec<u32>,
    /// When they are sorted: where those to each node begin, and where the last end.
    starts: Vec<u32>,
}

impl Entries {
    /// None yet, with room for edges to nodes below `nodes`.
    pub(super) fn new(nodes: usize) -> Self {
        let mut buckets = Vec::new();
        buckets.resize_with((nodes >> BITS) + 1, Bucket::default);
        Self { buckets }
    }

    #[inline]
    pub(super) fn push(&mut self, from: u32, to: u32) {
        let bucket = &mut self.buckets[(to >> BITS) as usize];
        bucket.to.push(to as u16);
        bucket.from.push(from);
    }

    /// Sorts them by where they lead; edges to one node keep their order. No more are added after that.
    pub(super) fn sort(&mut self) {
        self.buckets.par_iter_mut().for_each(Bucket::sort);
    }

    /// Where the edges to `node` come from, when they are sorted.
    #[inline]
    pub(super) fn to(&self, node: u32) -> &[u32] {
        let Bucket { from, starts, .. } = &self.buckets[(node >> BITS) as usize];
        let at = usize::from(node as u16);
        match (starts.get(at), starts.get(at + 1)) {
            (Some(start), Some(end)) => &from[*start as usize..*end as usize],
            _ => &[],
        }
    }
}

impl Bucket {
    fn sort(&mut self) {
        let (to, from) = (std::mem::take(&mut self.to), std::mem::take(&mut self.from));
        let Some(last) = to.iter().max() else { return };
        let mut starts = vec![0u32; usize::from(*last) + 2];
        for low in &to {
            starts[usize::from(*low) + 1] += 1;
        }
        let mut total = 0;
        for start in &mut starts {
            // The start of the row before for now; filling moves it to its end, which is where this one starts.
            total += std::mem::replace(start, total);
        }
        let mut sorted = vec![0; from.len()];
        for (low, node) in to.iter().zip(from) {
            let at = &mut starts[usize::from(*low) + 1];
            sorted[*at as usize] = node;
            *at += 1;
        }
        *self = Self { to: Vec::new(), from: sorted, starts };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_have_what_leads_to_each_node_in_the_order_in_which_it_was_added() {
        let mut entries = Entries::new(1 << 18);
        let edges = [(7, 3), (9, 65_535), (5, 3), (1, 65_536), (3, 200_000), (2, 3), (8, 65_536), (6, 0)];
        for (from, to) in edges {
            entries.push(from, to);
        }
        entries.sort();
        for node in 0..1 << 18 {
            let expected: Vec<u32> = edges.iter().filter(|e| e.1 == node).map(|e| e.0).collect();
            assert_eq!(entries.to(node), expected);
        }
        assert!(Entries::new(1).to(0).is_empty());
    }
}
