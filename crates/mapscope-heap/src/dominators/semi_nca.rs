//! Works out immediate dominators from a depth-first walk.
//!
//! Semi-NCA (Georgiadis, *Linear-Time Algorithms for Dominators and Related Problems*, 2005): semidominators as in
//! Lengauer and Tarjan's algorithm, then each node's dominator by walking up the tree built so far. The walk is short in
//! practice and quadratic in the worst case, so it is counted; in a graph that is out to be slow it goes on by jumps.

use super::entries::Entries;

/// Steps of the walks that each node may cause on average before the rest jumps.
const STEPS_PER_NODE: u64 = 32;

/// The immediate dominator of each node of a walk, with its parents and its other edges; that of node 0 is 0.
pub(super) fn immediate_dominators(parents: &[u32], entries: &Entries) -> Vec<u32> {
    let semi = semidominators(parents, entries);
    climb(parents.to_vec(), &semi, STEPS_PER_NODE * parents.len() as u64)
}

fn semidominators(parents: &[u32], entries: &Entries) -> Vec<u32> {
    let mut forest = Forest::new(parents);
    let mut semi = parents.to_vec();
    for node in (1..parents.len() as u32).rev() {
        let mut least = parents[node as usize];
        for &from in entries.to(node) {
            // What has a lower number is above it.
            least = least.min(if from < node { from } else { forest.least(from, node + 1) });
        }
        semi[node as usize] = least;
        forest.nodes[node as usize].least = least;
    }
    semi
}

/// A node as far as it has been linked.
#[derive(Clone, Copy)]
struct Linked {
    /// A node above, all between being known.
    above: u32,
    /// The least semidominator of the node and of those between.
    least: u32,
}

/// The depth-first tree as far as it has been linked, with compressed paths.
struct Forest {
    nodes: Vec<Linked>,
    path: Vec<u32>,
}

impl Forest {
    fn new(parents: &[u32]) -> Self {
        Self { nodes: parents.iter().map(|above| Linked { above: *above, least: 0 }).collect(), path: Vec::new() }
    }

    /// The least semidominator on the tree path from `node` up to the first that is not linked: those below `linked` are
    /// not.
    #[inline]
    fn least(&mut self, node: u32, linked: u32) -> u32 {
        let Linked { above, least } = self.nodes[node as usize];
        if above < linked { least } else { self.compress(node, linked) }
    }

    fn compress(&mut self, node: u32, linked: u32) -> u32 {
        let mut at = node;
        let top = loop {
            let top = self.nodes[at as usize];
            if top.above < linked {
                break top;
            }
            self.path.push(at);
            at = top.above;
        };
        // From the top down: each takes over the best of what is above it.
        let mut least = top.least;
        while let Some(below) = self.path.pop() {
            let below = &mut self.nodes[below as usize];
            least = least.min(below.least);
            *below = Linked { above: top.above, least };
        }
        least
    }
}

/// Makes dominators of parents: each node's is the first on the way up from its parent that is not after its
/// semidominator. After so many `steps` it jumps.
fn climb(mut dominators: Vec<u32>, semi: &[u32], mut steps: u64) -> Vec<u32> {
    for node in 1..dominators.len() {
        let mut at = dominators[node];
        while at > semi[node] {
            at = dominators[at as usize];
            if steps == 0 {
                return jump(dominators, semi, node);
            }
            steps -= 1;
        }
        dominators[node] = at;
    }
    dominators
}

/// As [`climb`] from node `first` on, in logarithmic time for each node (Myers, *An applicative random-access stack*, 1983).
fn jump(mut dominators: Vec<u32>, semi: &[u32], first: usize) -> Vec<u32> {
    let mut depth = vec![0u32; dominators.len()];
    let mut jumps = vec![0u32; dominators.len()];
    for node in 1..dominators.len() {
        let mut at = dominators[node];
        if node >= first {
            while at > semi[node] {
                let far = jumps[at as usize];
                at = if far > semi[node] { far } else { dominators[at as usize] };
            }
            dominators[node] = at;
        }
        let (near, far) = (jumps[at as usize], jumps[jumps[at as usize] as usize]);
        depth[node] = depth[at as usize] + 1;
        let same = depth[at as usize] - depth[near as usize] == depth[near as usize] - depth[far as usize];
        jumps[node] = if same { far } else { at };
    }
    dominators
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Random;

    /// The part of a graph that node 0 reaches, in preorder.
    fn depth_first(edges: &[Vec<u32>]) -> (Vec<u32>, Entries) {
        let (mut number, mut parents, mut order) = (vec![u32::MAX; edges.len()], Vec::new(), Vec::new());
        let mut stack = vec![(0, 0)];
        while let Some((node, parent)) = stack.pop() {
            if number[node as usize] == u32::MAX {
                number[node as usize] = order.len() as u32;
                order.push(node);
                parents.push(parent);
                stack.extend(edges[node as usize].iter().rev().map(|to| (*to, number[node as usize])));
            }
        }
        let mut entries = Entries::new(order.len());
        for node in &order {
            for to in &edges[*node as usize] {
                entries.push(number[*node as usize], number[*to as usize]);
            }
        }
        entries.sort();
        (parents, entries)
    }

    #[test]
    fn climbing_and_jumping_lead_to_the_same_node() {
        let mut random = Random::new(0x2545_f491_4f6c_dd1d);
        for _ in 0..500 {
            let nodes = 2 + random.below(60);
            let (parents, entries) = depth_first(&random.edges(nodes, 4));
            let semi = semidominators(&parents, &entries);
            let climbed = climb(parents.clone(), &semi, u64::MAX);
            for steps in [0, 1, 5, 20] {
                assert_eq!(climb(parents.clone(), &semi, steps), climbed);
            }
        }
    }

    #[test]
    fn a_graph_that_is_out_to_be_slow_is_not_climbed() {
        // A chain of n nodes, then n leaves that both ends of the chain point to: each would climb the whole chain.
        let n = 100_000;
        let parents: Vec<u32> =
            (0..2 * n).map(|node: u32| if node < n { node.saturating_sub(1) } else { n - 1 }).collect();
        let mut entries = Entries::new(2 * n as usize);
        (n..2 * n).for_each(|leaf| entries.push(1, leaf));
        entries.sort();
        let dominators = immediate_dominators(&parents, &entries);
        assert!((n..2 * n).all(|node| dominators[node as usize] == 1));
        assert!((1..n).all(|node| dominators[node as usize] == node - 1));
    }
}
