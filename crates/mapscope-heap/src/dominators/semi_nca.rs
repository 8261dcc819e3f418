//! Immediate dominators of a graph whose nodes are numbered in depth-first preorder from its only entry.
//!
//! Semi-NCA (Georgiadis, *Linear-Time Algorithms for Dominators and Related Problems*, 2005): semidominators as in
//! Lengauer and Tarjan's algorithm, then each node's dominator by walking up the tree built so far. The walk is short in
//! practice and quadratic in the worst case, so it is counted; a graph that is out to be slow gets Lengauer and Tarjan's
//! own second half.

use crate::bits::RankedSet;

/// Steps of the walks that each node may cause on average before they are given up.
const STEPS_PER_NODE: u64 = 32;

/// A graph in preorder: node 0 is the entry, and each other node's parent in the depth-first tree has a smaller number.
pub(super) struct Preorder {
    /// Parent of each node in the depth-first tree; that of node 0 is 0.
    pub(super) parents: Vec<u32>,
    /// The nodes with rows of predecessors. Any other has one predecessor, its parent.
    pub(super) several: RankedSet,
    /// Where the row of each of these starts; one more than they are.
    pub(super) offsets: Vec<u32>,
    /// Predecessors, row after row.
    pub(super) predecessors: Vec<u32>,
}

impl Preorder {
    /// The predecessors of a node, but for a parent that is the only one.
    pub(super) fn predecessors(&self, node: usize) -> &[u32] {
        let Some(rank) = self.several.rank(node) else { return &[] };
        &self.predecessors[self.offsets[rank] as usize..self.offsets[rank + 1] as usize]
    }
}

/// The immediate dominator of each node; that of node 0 is 0.
pub(super) fn immediate_dominators(graph: &Preorder) -> Vec<u32> {
    let steps = STEPS_PER_NODE * graph.parents.len() as u64;
    by_walking(graph, steps).unwrap_or_else(|| by_buckets(graph))
}

/// `None` when the walks take more than `steps` steps.
fn by_walking(graph: &Preorder, mut steps: u64) -> Option<Vec<u32>> {
    let semi = {
        let mut forest = Forest::new(graph);
        for node in (1..graph.parents.len()).rev() {
            forest.semidominator(graph, node);
        }
        // The other columns end here.
        forest.semi
    };
    let mut dominators = graph.parents.clone();
    for node in 1..dominators.len() {
        let mut at = dominators[node];
        while at > semi[node] {
            at = dominators[at as usize];
            steps = steps.checked_sub(1)?;
        }
        dominators[node] = at;
    }
    Some(dominators)
}

/// Lengauer and Tarjan's way: nodes wait in the bucket of their semidominator until the path to it is known.
fn by_buckets(graph: &Preorder) -> Vec<u32> {
    let len = graph.parents.len();
    let mut forest = Forest::new(graph);
    let mut dominators = vec![0; len];
    // Lists in two columns; node 0 waits in no bucket, so 0 ends a list.
    let (mut first, mut next) = (vec![0u32; len], vec![0u32; len]);
    for node in (1..len).rev() {
        let semi = forest.semidominator(graph, node) as usize;
        next[node] = std::mem::replace(&mut first[semi], node as u32);
        let parent = graph.parents[node];
        let mut waiting = std::mem::take(&mut first[parent as usize]);
        while waiting != 0 {
            let least = forest.least(waiting, node as u32);
            let sooner = forest.semi[least as usize] < forest.semi[waiting as usize];
            dominators[waiting as usize] = if sooner { least } else { parent };
            waiting = next[waiting as usize];
        }
    }
    for node in 1..len {
        if dominators[node] != forest.semi[node] {
            dominators[node] = dominators[dominators[node] as usize];
        }
    }
    dominators
}

/// The depth-first tree as far as it has been linked, with compressed paths.
struct Forest {
    semi: Vec<u32>,
    /// The node of least semidominator on the compressed path.
    label: Vec<u32>,
    ancestor: Vec<u32>,
    path: Vec<u32>,
}

impl Forest {
    fn new(graph: &Preorder) -> Self {
        let identity: Vec<u32> = (0..graph.parents.len() as u32).collect();
        Self { semi: identity.clone(), label: identity, ancestor: graph.parents.clone(), path: Vec::new() }
    }

    /// Works out the semidominator of `node`, when all nodes of larger numbers have theirs, and links the node.
    fn semidominator(&mut self, graph: &Preorder, node: usize) -> u32 {
        let mut semi = graph.parents[node];
        for &predecessor in graph.predecessors(node) {
            let least = self.least(predecessor, node as u32 + 1);
            semi = semi.min(self.semi[least as usize]);
        }
        self.semi[node] = semi;
        semi
    }

    /// The node of least semidominator on the tree path from `node` up to the first that is not linked: those below
    /// `linked` are not.
    #[inline]
    fn least(&mut self, node: u32, linked: u32) -> u32 {
        if node < linked {
            return node;
        }
        let mut at = node;
        while self.ancestor[at as usize] >= linked {
            self.path.push(at);
            at = self.ancestor[at as usize];
        }
        // From the top down: each takes over the best of what is above it.
        let mut above = at;
        while let Some(below) = self.path.pop() {
            let (best, own) = (self.label[above as usize], self.label[below as usize]);
            if self.semi[best as usize] < self.semi[own as usize] {
                self.label[below as usize] = best;
            }
            self.ancestor[below as usize] = self.ancestor[above as usize];
            above = below;
        }
        self.label[node as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitSet;

    /// A graph with the predecessors of each node in rows.
    fn preorder(parents: Vec<u32>, offsets: &[u32], predecessors: &[u32]) -> Preorder {
        let row = |node: usize| &predecessors[offsets[node] as usize..offsets[node + 1] as usize];
        let mut several = BitSet::new(parents.len());
        let (mut starts, mut rows) = (vec![0], Vec::new());
        for node in (0..parents.len()).filter(|node| row(*node).len() > 1) {
            several.insert(node);
            rows.extend_from_slice(row(node));
            starts.push(rows.len() as u32);
        }
        Preorder { parents, several: RankedSet::new(several), offsets: starts, predecessors: rows }
    }

    /// A ladder that sends every walk to the top: node i of the long path is also entered from the entry.
    fn ladder(len: u32) -> Preorder {
        let parents: Vec<u32> = (0..len).map(|n| n.saturating_sub(1)).collect();
        let (mut offsets, mut predecessors) = (vec![0, 0], Vec::new());
        for node in 1..len {
            predecessors.push(node - 1);
            if node > len / 2 {
                predecessors.push(0);
            }
            offsets.push(predecessors.len() as u32);
        }
        preorder(parents, &offsets, &predecessors)
    }

    #[test]
    fn both_ways_agree() {
        let graph = ladder(2000);
        let expected: Vec<u32> = (0..2000u32).map(|n| if n > 1000 { 0 } else { n.saturating_sub(1) }).collect();
        assert_eq!(by_walking(&graph, u64::MAX).as_deref(), Some(&*expected));
        assert_eq!(by_buckets(&graph), expected);
    }

    #[test]
    fn both_ways_agree_on_random_graphs() {
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        let mut below = |end: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state % end as u64) as usize
        };
        for _ in 0..300 {
            let len = 2 + below(60);
            let edges: Vec<Vec<usize>> = (0..len).map(|_| (0..=below(3)).map(|_| below(len)).collect()).collect();
            let graph = depth_first(&edges);
            assert_eq!(by_walking(&graph, u64::MAX), Some(by_buckets(&graph)), "{edges:?}");
        }
    }

    /// The part that node 0 reaches, in preorder.
    fn depth_first(edges: &[Vec<usize>]) -> Preorder {
        let (mut number, mut parents, mut order) = (vec![usize::MAX; edges.len()], Vec::new(), Vec::new());
        let mut stack = vec![(0, 0)];
        while let Some((node, parent)) = stack.pop() {
            if number[node] == usize::MAX {
                number[node] = order.len();
                order.push(node);
                parents.push(parent);
                stack.extend(edges[node].iter().rev().map(|to| (*to, number[node] as u32)));
            }
        }
        let (mut offsets, mut predecessors) = (vec![0], Vec::new());
        for node in &order {
            predecessors.extend(
                order
                    .iter()
                    .flat_map(|from| edges[*from].iter().filter(|to| *to == node).map(|_| number[*from] as u32)),
            );
            offsets.push(predecessors.len() as u32);
        }
        preorder(parents, &offsets, &predecessors)
    }

    #[test]
    fn a_graph_that_is_out_to_be_slow_is_not_walked() {
        // A chain of n nodes, then n leaves that both ends of the chain point to: each walks the whole chain.
        let n = 1000u32;
        let parents = (0..2 * n).map(|node| if node < n { node.saturating_sub(1) } else { n - 1 }).collect();
        let (mut offsets, mut predecessors) = (vec![0, 0], Vec::new());
        for node in 1..2 * n {
            predecessors.extend(if node < n { vec![node - 1] } else { vec![1, n - 1] });
            offsets.push(predecessors.len() as u32);
        }
        let graph = preorder(parents, &offsets, &predecessors);
        assert_eq!(by_walking(&graph, STEPS_PER_NODE * u64::from(2 * n)), None);
        let dominators = immediate_dominators(&graph);
        assert!((n..2 * n).all(|node| dominators[node as usize] == 1));
        assert!((1..n).all(|node| dominators[node as usize] == node - 1));
    }
}
