//! Who holds what, for other tools: the merged dominator tree as a flame graph and as a graph.
//!
//! A way from a holder down to the objects of one type is a stack; what is measured there is the objects themselves, so
//! that each byte is counted once, and what a node retains is the sum of all below it.

use std::cmp::Reverse;
use std::fmt::Write as _;

use mapscope_go::Session;
use mapscope_heap::{Label, MergedNode};
use mapscope_profile::{Builder, Frame, Profile};
use mapscope_report::HELD_SCHEMA;
use mapscope_report::model::{HeldGraph, HeldNode, Inspection, Omitted};
use mapscope_report::text::{bytes, count, printable};

use super::dominators::Names;

/// Nodes of a graph that a person can still read, and the least share of the live bytes that one retains, as a fraction.
const GRAPH_NODES: usize = 80;
const GRAPH_SHARE: u64 = 200;

/// A profile with one sample for each node of the tree that has objects. The parts of a map count as one with it.
pub(crate) fn pprof(session: &Session<'_>, notes: &[String]) -> Profile {
    let mut builder = Builder::new([("held_objects", "count"), ("held_space", "bytes")]);
    builder.show_first("held_space");
    for note in notes {
        builder.comment(note);
    }
    let (nodes, names) = (&session.merged_dominators().nodes, Names::new(session));
    let words: Vec<_> = nodes.iter().map(|node| names.of(node).1).collect();
    let frame = |name| Frame { function: name, ..Frame::default() };
    let locations: Vec<usize> = words.iter().map(|name| builder.location(0, None, [frame(name)])).collect();
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    for (index, node) in nodes.iter().enumerate().filter(|(_, n)| n.count > 0 || n.bytes > 0) {
        let stack = way(nodes, index).filter_map(|at| locations.get(at).copied()).collect();
        builder.sample(stack, vec![number(node.count), number(node.bytes)], Vec::new());
    }
    builder.build()
}

/// One line for each node that has bytes: the names from the holder down, between semicolons, and the bytes.
pub(crate) fn folded(session: &Session<'_>) -> String {
    let (nodes, names) = (&session.merged_dominators().nodes, Names::new(session));
    let mut out = String::new();
    for (index, node) in nodes.iter().enumerate().filter(|(_, n)| n.bytes > 0) {
        let mut stack: Vec<String> = way(nodes, index)
            .filter_map(|at| nodes.get(at))
            // A semicolon in a name (of a struct without one) would end it.
            .map(|node| printable(&names.of(node).1).replace(';', ","))
            .collect();
        stack.reverse();
        // Writing into a string cannot fail.
        let _ = writeln!(out, "{} {}", stack.join(";"), node.bytes);
    }
    out
}

/// The largest nodes.
pub(crate) fn graph(session: &Session<'_>, inspection: &Inspection) -> HeldGraph {
    let (nodes, names) = (&session.merged_dominators().nodes, Names::new(session));
    let live = inspection.heap.live_bytes;
    let mut largest: Vec<usize> = (1..nodes.len()).filter(|i| nodes[*i].retained > live / GRAPH_SHARE).collect();
    // A node retains no more than the one above, which comes before it.
    largest.sort_by_key(|index| (Reverse(nodes[*index].retained), *index));
    largest.truncate(GRAPH_NODES);
    let row = |index: &usize| {
        let node = &nodes[*index];
        let (kind, name, count) = names.of(node);
        HeldNode {
            id: *index as u64,
            above: (node.above != 0).then_some(u64::from(node.above)),
            kind: kind.to_owned(),
            name: name.into_owned(),
            count,
            shallow_bytes: node.bytes,
            retained_bytes: node.retained,
        }
    };
    let rows: Vec<HeldNode> = largest.iter().map(row).collect();
    let shown: u64 = rows.iter().map(|r| r.shallow_bytes).sum();
    let whole = nodes.iter().skip(1).filter(|n| n.retained > 0).count() as u64;
    HeldGraph {
        schema: HELD_SCHEMA.to_owned(),
        target: inspection.target.clone(),
        live_bytes: live,
        omitted: Omitted { nodes: whole.saturating_sub(rows.len() as u64), retained_bytes: live.saturating_sub(shown) },
        nodes: rows,
        partial: inspection.partial.clone(),
        partial_scope: inspection.partial_scope.clone(),
    }
}

/// A graph for Graphviz.
pub(crate) fn dot(graph: &HeldGraph) -> String {
    let mut out = "digraph held {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n".to_owned();
    for node in &graph.nodes {
        let times = if node.count > 1 { format!("{} × ", count(node.count)) } else { String::new() };
        let style = if node.kind == "type" { "" } else { ", style=bold" };
        let _ = writeln!(
            out,
            "  n{} [label=\"{times}{}\\n{}\"{style}];",
            node.id,
            quoted(&node.name),
            bytes(node.retained_bytes)
        );
    }
    for node in &graph.nodes {
        if let Some(above) = node.above {
            let _ = writeln!(out, "  n{above} -> n{} [label=\"{}\"];", node.id, bytes(node.retained_bytes));
        }
    }
    out + "}\n"
}

/// A name inside a quoted string of Graphviz.
fn quoted(name: &str) -> String {
    printable(name).replace('\\', "\\\\").replace('"', "\\\"")
}

/// The indices of a node and of those above it, but for the whole heap.
fn way(nodes: &[MergedNode], from: usize) -> impl Iterator<Item = usize> + '_ {
    std::iter::successors(Some(from), |at| nodes.get(*at).map(|node| node.above as usize))
        .take_while(|at| nodes.get(*at).is_some_and(|node| node.label != Label::All))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_end_a_string_of_graphviz() {
        let node = |id, above, name: &str| HeldNode {
            id,
            above,
            kind: "type".into(),
            name: name.into(),
            count: 2,
            ..HeldNode::default()
        };
        let nodes = vec![node(2, None, "main.a"), node(7, Some(2), "struct { a int \"json:\\\"x\\\"\" }")];
        let text = dot(&HeldGraph { nodes, ..HeldGraph::default() });
        assert!(text.contains("n2 -> n7 [label=\"0 B\"];"), "{text}");
        assert!(text.contains(r#"{ a int \"json:\\\"x\\\"\" }\n0 B"];"#), "{text}");
    }
}
