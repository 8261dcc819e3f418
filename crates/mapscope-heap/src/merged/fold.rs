//! The merged tree with what belongs together as one: the header, tables and groups of a map are one thing to people.

use rustc_hash::FxHashMap;

use super::{Label, MergedNode, MergedTree};

impl MergedTree {
    /// The tree in coarser classes, `coarse[class]` for each. A node below one of its own coarse class becomes part of
    /// that; its bytes count there, its objects do not: a map is one map, of however many parts.
    #[must_use]
    pub fn fold(&self, coarse: &[u32]) -> Self {
        let mut nodes: Vec<MergedNode> = Vec::new();
        let mut known: FxHashMap<(u32, Label), u32> = FxHashMap::default();
        // Where each node goes; nodes come after the one above them.
        let mut place = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let label = match node.label {
                Label::Class(class) => Label::Class(coarse.get(class as usize).copied().unwrap_or(class)),
                other => other,
            };
            let above = place.get(node.above as usize).copied().unwrap_or(0);
            if nodes.get(above as usize).is_some_and(|a| a.label == label && label != Label::All) {
                nodes[above as usize].bytes += node.bytes;
                place.push(above);
                continue;
            }
            let at = *known.entry((above, label)).or_insert_with(|| {
                nodes.push(MergedNode { label, above, count: 0, bytes: 0, retained: 0, largest: None });
                nodes.len() as u32 - 1
            });
            let sum = &mut nodes[at as usize];
            (sum.count, sum.bytes, sum.retained) =
                (sum.count + node.count, sum.bytes + node.bytes, sum.retained + node.retained);
            sum.largest = sum.largest.max(node.largest);
            place.push(at);
        }
        Self { nodes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_become_their_whole() {
        // A holder; two maps of one class (1) with groups (2) and values (3), which have a map of their own.
        let node = |label, above, count, bytes, retained, largest| MergedNode {
            label,
            above,
            count,
            bytes,
            retained,
            largest: (count > 0).then_some((largest, 0)),
        };
        let class = Label::Class;
        let tree = MergedTree {
            nodes: vec![
                node(Label::All, 0, 0, 0, 700, 0),
                node(Label::Holders(0), 0, 0, 0, 700, 0),
                node(class(1), 1, 2, 100, 700, 400),
                node(class(2), 2, 8, 200, 600, 90),
                node(class(3), 3, 50, 400, 400, 10),
                node(class(2), 4, 5, 0, 0, 3),
            ],
        };
        let folded = tree.fold(&[0, 1, 1, 3]);
        assert_eq!(
            folded.nodes[2..],
            [node(class(1), 1, 2, 300, 700, 400), node(class(3), 2, 50, 400, 400, 10), node(class(1), 3, 5, 0, 0, 3),]
        );
    }
}
