//! Ways with the same steps, put together.
//!
//! A node is a root and the steps from it. A step that is on the way already leads back to its node instead of making a
//! new one: a list of any length is one node, and a tree has no more nodes than its types have ways of pointing at each
//! other. So the number of nodes follows from the program, not from its data.

use rustc_hash::FxHashMap;

/// Nodes kept; ways that would need more go to [`OTHER`].
const MAX_NODES: usize = 1 << 16;
/// The node above all roots.
pub(super) const TOP: u32 = 0;
/// Ways that nobody can tell apart any more.
pub(super) const OTHER: u32 = 1;

/// One node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Node {
    /// The node above; that of the first is itself.
    pub(super) above: u32,
    /// Number of the step that leads here.
    pub(super) step: u32,
    /// The step is taken at most so many times in a row.
    pub(super) times: u32,
    /// Longer ways come back to it.
    pub(super) returns: bool,
    /// Objects whose way ends here.
    pub(super) count: u64,
    /// Their bytes.
    pub(super) bytes: u64,
}

/// What a step leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// A node below, for the first time on this way.
    Below(u32),
    /// The same node again.
    Same,
    /// A node above.
    Back(u32),
}

/// The tree.
pub(super) struct Trie {
    pub(super) nodes: Vec<Node>,
    known: FxHashMap<(u32, u32), Arrival>,
    /// The last answer: neighbours are alike.
    last: ((u32, u32), Arrival),
}

impl Trie {
    pub(super) fn new() -> Self {
        let node = Node { step: u32::MAX, ..Node::default() };
        Self { nodes: vec![node; 2], known: FxHashMap::default(), last: ((OTHER, u32::MAX), Arrival::Same) }
    }

    /// Goes one step from `node`.
    #[inline]
    pub(super) fn enter(&mut self, node: u32, step: u32) -> Arrival {
        let key = (node, step);
        if self.last.0 != key {
            let arrival = match self.known.get(&key) {
                Some(arrival) => *arrival,
                None => self.meet(node, step),
            };
            self.last = (key, arrival);
        }
        self.last.1
    }

    fn meet(&mut self, node: u32, step: u32) -> Arrival {
        let arrival = if node == OTHER { Arrival::Same } else { self.find(node, step) };
        if let Arrival::Back(above) = arrival {
            self.nodes[above as usize].returns = true;
        }
        self.known.insert((node, step), arrival);
        arrival
    }

    fn find(&mut self, node: u32, step: u32) -> Arrival {
        let mut at = node;
        while at != TOP {
            if self.nodes[at as usize].step == step {
                return if at == node { Arrival::Same } else { Arrival::Back(at) };
            }
            at = self.nodes[at as usize].above;
        }
        if self.nodes.len() >= MAX_NODES {
            return Arrival::Below(OTHER);
        }
        self.nodes.push(Node { above: node, step, times: 1, ..Node::default() });
        Arrival::Below(self.nodes.len() as u32 - 1)
    }

    /// Nodes from the root's to `node`.
    pub(super) fn way(&self, node: u32) -> Vec<u32> {
        let above = |n: &u32| Some(self.nodes.get(*n as usize)?.above).filter(|a| *a != TOP);
        let mut way: Vec<u32> = std::iter::successors(Some(node).filter(|n| *n != TOP), above).collect();
        way.reverse();
        way
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn go(trie: &mut Trie, steps: &[u32]) -> u32 {
        steps.iter().fold(TOP, |at, step| match trie.enter(at, *step) {
            Arrival::Below(node) | Arrival::Back(node) => node,
            Arrival::Same => at,
        })
    }

    #[test]
    fn ways_that_come_back_make_no_nodes() {
        let mut trie = Trie::new();
        let list = go(&mut trie, &[10, 1, 1, 1, 1]);
        assert_eq!(list, go(&mut trie, &[10, 1]));
        let pair = go(&mut trie, &[10, 2, 3, 2, 3]);
        assert_eq!(pair, go(&mut trie, &[10, 2, 3]));
        let nodes = trie.way(pair);
        assert!(trie.nodes[nodes[1] as usize].returns && !trie.nodes[nodes[2] as usize].returns);
        assert_ne!(go(&mut trie, &[11, 1]), list);
        assert_eq!(trie.way(TOP), Vec::<u32>::new());
    }

    #[test]
    fn ways_without_number_end_in_one_node() {
        let mut trie = Trie::new();
        for step in 0..MAX_NODES as u32 + 10 {
            go(&mut trie, &[step, 1 << 20]);
        }
        assert_eq!(trie.nodes.len(), MAX_NODES);
        assert_eq!(go(&mut trie, &[1 << 21, 5, 6]), OTHER);
    }
}
