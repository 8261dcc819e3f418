//! The dominator tree for views: the merged tree with names, cut to what a reader can take in.

use std::borrow::Cow;

use mapscope_go::{HolderKind, Session};
use mapscope_heap::{Label, MergedNode};
use mapscope_report::DOMINATORS_SCHEMA;
use mapscope_report::model::{DominatorList, DominatorNode, HolderRow, Inspection, LargestObject, Omitted, Suspect};

use super::or_unknown;
use crate::config::TreeShape;

/// The whole document.
pub(crate) fn list(session: &Session<'_>, inspection: &Inspection, shape: TreeShape) -> DominatorList {
    let cut = Cut { names: &Names::new(session), shape, least: least(inspection.heap.live_bytes, shape.min_share) };
    let below = children(&session.merged_dominators().nodes);
    let (tree, omitted) = cut.below(&below, 0, shape.depth + 1);
    DominatorList {
        schema: DOMINATORS_SCHEMA.to_owned(),
        target: inspection.target.clone(),
        heap: inspection.heap.clone(),
        suspects: inspection.suspects.clone(),
        tree,
        omitted,
        partial: inspection.partial.clone(),
        partial_scope: inspection.partial_scope.clone(),
    }
}

/// The first level, whole.
pub(crate) fn holders(session: &Session<'_>) -> Vec<HolderRow> {
    let names = Names::new(session);
    let nodes = &session.merged_dominators().nodes;
    let top = nodes.iter().skip(1).filter(|n| n.above == 0 && n.retained > 0);
    let row = |node: &MergedNode| {
        let (kind, name, count) = names.of(node);
        HolderRow { kind: kind.to_owned(), name: name.into_owned(), count, retained_bytes: node.retained }
    };
    let mut rows: Vec<HolderRow> = top.map(row).collect();
    rows.sort_by(|a, b| b.retained_bytes.cmp(&a.retained_bytes).then_with(|| a.name.cmp(&b.name)));
    rows
}

/// The suspects, with names.
pub(crate) fn suspects(session: &Session<'_>) -> Vec<Suspect> {
    let names = Names::new(session);
    let tree = session.merged_dominators();
    let named = |suspect: mapscope_heap::Suspect| {
        let path = suspect.path.iter().filter_map(|index| tree.nodes.get(*index as usize));
        let end = suspect.path.last().and_then(|index| tree.nodes.get(*index as usize));
        Suspect {
            path: path.map(|node| names.of(node).1.into_owned()).collect(),
            count: end.map_or(0, |node| node.count),
            retained_bytes: suspect.retained,
            largest: end.and_then(|node| names.largest(node)),
        }
    };
    tree.suspects().into_iter().map(named).collect()
}

fn least(live_bytes: u64, share: f64) -> u64 {
    (live_bytes as f64 * share).ceil() as u64
}

/// The nodes below each node, most retained bytes first.
fn children(nodes: &[MergedNode]) -> Vec<Vec<u32>> {
    let mut below = vec![Vec::new(); nodes.len()];
    for (index, node) in nodes.iter().enumerate().skip(1).filter(|(_, n)| n.retained > 0) {
        below[node.above as usize].push(index as u32);
    }
    for list in &mut below {
        list.sort_by_key(|index| std::cmp::Reverse(nodes[*index as usize].retained));
    }
    below
}

struct Cut<'c, 's> {
    names: &'c Names<'c, 's>,
    shape: TreeShape,
    least: u64,
}

impl Cut<'_, '_> {
    /// What is shown below a node, and what is not. As deep as the shape says, which is bounded.
    fn below(&self, children: &[Vec<u32>], node: u32, depth: usize) -> (Vec<DominatorNode>, Option<Omitted>) {
        let nodes = &self.names.session.merged_dominators().nodes;
        let (mut shown, mut omitted) = (Vec::new(), Omitted::default());
        for &index in &children[node as usize] {
            let child = &nodes[index as usize];
            if shown.len() >= self.shape.limit || child.retained < self.least || depth == 0 {
                omitted.nodes += 1;
                omitted.retained_bytes += child.retained;
                continue;
            }
            let (kind, name, count) = self.names.of(child);
            let (below, rest) = self.below(children, index, depth.saturating_sub(1));
            shown.push(DominatorNode {
                kind: kind.to_owned(),
                name: name.into_owned(),
                count,
                shallow_bytes: child.bytes,
                retained_bytes: child.retained,
                largest: self.names.largest(child),
                below,
                omitted: rest,
            });
        }
        (shown, (omitted.nodes > 0).then_some(omitted))
    }
}

/// Names of nodes.
pub(super) struct Names<'n, 's> {
    session: &'n Session<'s>,
}

impl<'n, 's> Names<'n, 's> {
    pub(super) fn new(session: &'n Session<'s>) -> Self {
        Self { session }
    }

    /// Kind, name, and how many objects or holders a node stands for.
    pub(super) fn of(&self, node: &MergedNode) -> (&'static str, Cow<'s, str>, u64) {
        match node.label {
            Label::All => ("all", "".into(), 0),
            Label::Shared(share) => ("shared", self.session.share_name(share).into(), 0),
            Label::Holders(group) => {
                let kinds = self.session.group_kinds().get(group as usize);
                let (kind, count) = kinds.copied().unwrap_or((HolderKind::Runtime, 0));
                let name = self.session.holder_groups().get(group as usize).map_or("", String::as_str);
                (kind.name(), name.into(), count)
            }
            Label::Class(class) => ("type", or_unknown(self.session.class_name(class)).into(), node.count),
        }
    }

    fn largest(&self, node: &MergedNode) -> Option<LargestObject> {
        let (retained_bytes, object) = node.largest?;
        Some(LargestObject { addr: format!("{:#x}", self.session.graph().blocks.address(object)), retained_bytes })
    }
}
