//! Where memory piles up: leak suspects, as Eclipse MAT looks for them (`FindLeaksQuery`).
//!
//! A suspect is a large part of the heap that one way leads to. From the top of the merged dominator tree the way goes
//! down while one node below still retains most of it; where the retained size drops, the memory is spread over many
//! small things, and there it was piled up.

use crate::{MergedNode, MergedTree};

/// A part of the heap is suspicious from this share on, in percent. MAT's default is 20 for the largest heaps; a fifth of
/// a heap is what someone has to know of.
const SUSPICIOUS_PERCENT: u64 = 20;
/// The way goes on as long as what is below retains so much of what is above, in percent: MAT's `big_drop_ratio`.
const GOES_ON_PERCENT: u64 = 70;

/// A suspect: the way to it, from the top down, as indices into the nodes of the merged tree. The last is where the
/// memory is piled up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// The way.
    pub path: Vec<u32>,
    /// Bytes that the last node of the way retains.
    pub retained: u64,
}

impl MergedTree {
    /// The suspects, largest first. Parts of one suspect are not suspects themselves.
    pub fn suspects(&self) -> Vec<Suspect> {
        let Some(all) = self.nodes.first() else { return Vec::new() };
        let threshold = (u128::from(all.retained) * u128::from(SUSPICIOUS_PERCENT)).div_ceil(100) as u64;
        // The largest node below each.
        let mut heaviest = vec![0u32; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate().skip(1) {
            let best = &mut heaviest[node.above as usize];
            if *best == 0 || self.nodes[*best as usize].retained < node.retained {
                *best = index as u32;
            }
        }
        let suspicious = |n: &(usize, &MergedNode)| n.1.above == 0 && n.1.retained >= threshold.max(1);
        let tops = self.nodes.iter().enumerate().skip(1).filter(suspicious);
        let mut suspects: Vec<Suspect> = tops.map(|(top, _)| self.follow(top as u32, &heaviest)).collect();
        suspects.sort_by(|a, b| b.retained.cmp(&a.retained).then_with(|| a.path.cmp(&b.path)));
        suspects
    }

    fn follow(&self, top: u32, heaviest: &[u32]) -> Suspect {
        let mut path = vec![top];
        let mut at = top;
        loop {
            let (here, below) = (&self.nodes[at as usize], heaviest[at as usize]);
            let goes_on = |below: &MergedNode| {
                u128::from(below.retained) * 100 >= u128::from(here.retained) * u128::from(GOES_ON_PERCENT)
            };
            // Many things of one kind below one thing are the pile, not the way to it.
            let many = here.count <= 1 && self.nodes[below as usize].count > 1;
            if below == 0 || !goes_on(&self.nodes[below as usize]) {
                return Suspect { path, retained: here.retained };
            }
            path.push(below);
            at = below;
            if many && self.is_pile(below) {
                return Suspect { path, retained: self.nodes[below as usize].retained };
            }
        }
    }

    /// Whether no single object of a node retains most of what the node does.
    fn is_pile(&self, node: u32) -> bool {
        let node = &self.nodes[node as usize];
        node.largest.is_some_and(|(retained, _)| retained.saturating_mul(2) < node.retained)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Label;

    fn tree(nodes: &[(u32, u64, u64, u64)]) -> MergedTree {
        let node = |(index, (above, count, retained, largest)): (usize, &(u32, u64, u64, u64))| MergedNode {
            label: if index == 0 { Label::All } else { Label::Class(index as u32) },
            above: *above,
            count: *count,
            bytes: 0,
            retained: *retained,
            largest: (*count > 0).then_some((*largest, 0)),
        };
        MergedTree { nodes: nodes.iter().enumerate().map(node).collect() }
    }

    #[test]
    fn the_way_ends_where_the_memory_is_spread() {
        // All; a variable; its registry; a map; 1,000 sessions; their buffers. And a small variable.
        let nodes = [(0, 0, 1000, 0), (0, 0, 900, 0), (1, 1, 900, 900), (2, 1, 890, 890), (3, 1000, 800, 1)];
        let nodes = [&nodes[..], &[(4, 1000, 700, 1), (0, 0, 100, 0)]].concat();
        assert_eq!(tree(&nodes).suspects(), [Suspect { path: vec![1, 2, 3, 4], retained: 800 }]);
    }

    #[test]
    fn one_large_object_is_the_end_of_its_way() {
        let nodes = [(0, 0, 1000, 0), (0, 0, 500, 0), (1, 1, 500, 500), (0, 0, 210, 0), (3, 70, 210, 200)];
        let suspects = tree(&nodes).suspects();
        assert_eq!(suspects.len(), 2);
        assert_eq!((suspects[0].path.as_slice(), suspects[1].path.as_slice()), (&[1, 2][..], &[3, 4][..]));
    }

    #[test]
    fn an_even_heap_has_no_suspect() {
        let nodes: Vec<_> = std::iter::once((0, 0, 1000, 0)).chain((0..10).map(|_| (0, 0, 100, 0))).collect();
        assert_eq!(tree(&nodes).suspects(), []);
        assert_eq!(tree(&[(0, 0, 0, 0), (0, 0, 0, 0)]).suspects(), []);
        assert_eq!(MergedTree::default().suspects(), []);
    }
}
