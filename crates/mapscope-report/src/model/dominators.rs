//! Who holds what: the dominator tree, and where memory piles up.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Heap, PartialScope, Target};

/// `mapscope dominators --format json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct DominatorList {
    /// Names this contract: `mapscope.dominators/1`.
    pub schema: String,
    /// What was examined.
    pub target: Target,
    /// Totals of the Go heap. What the nodes of the first level retain adds up to the live bytes.
    pub heap: Heap,
    /// Parts of the heap that one way leads to, largest first.
    pub suspects: Vec<Suspect>,
    /// The tree: variables, goroutines and what the runtime holds, most retained bytes first.
    pub tree: Vec<DominatorNode>,
    /// What the tree leaves out on its first level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub omitted: Option<Omitted>,
    /// Why the result is partial.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<String>,
    /// What each reason makes uncertain; every other figure is exact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial_scope: Vec<PartialScope>,
}

/// A holder, or the objects of one type below a node.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct DominatorNode {
    /// `variable`, `goroutine`, `local` (a variable or frame of goroutines), `timer`, `pool`, `finalizer`, `cleanup`,
    /// `runtime`, `shared` (several holders reach it by ways of their own; named after the one that reached it first) or
    /// `type`.
    pub kind: String,
    /// Name of the holder, or of the type; `(unknown)` for objects without a type.
    pub name: String,
    /// Objects of the type; holders of the name.
    pub count: u64,
    /// Bytes of the objects themselves; 0 for holders.
    pub shallow_bytes: u64,
    /// Bytes that would be freed without the node: its own, and those of all nodes below.
    pub retained_bytes: u64,
    /// The object that retains most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest: Option<LargestObject>,
    /// What it dominates, by type, most retained bytes first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub below: Vec<DominatorNode>,
    /// What is below and not shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub omitted: Option<Omitted>,
}

/// The object of a node that retains most.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct LargestObject {
    /// Its address, in hexadecimal.
    pub addr: String,
    /// Bytes that it retains.
    pub retained_bytes: u64,
}

/// Nodes that were left out.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Omitted {
    /// How many.
    pub nodes: u64,
    /// Bytes that they retain.
    pub retained_bytes: u64,
}

/// A holder and the bytes it retains.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct HolderRow {
    /// As in a node of the dominator tree.
    pub kind: String,
    /// Its name; goroutines that began with the same function are one row.
    pub name: String,
    /// How many holders the row stands for.
    pub count: u64,
    /// Bytes that would be freed without them.
    pub retained_bytes: u64,
}

/// A large part of the heap that one way leads to.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Suspect {
    /// The way, from the holder down to where the memory is piled up.
    pub path: Vec<String>,
    /// What is at its end: objects of this many.
    pub count: u64,
    /// Bytes that the end of the way retains.
    pub retained_bytes: u64,
    /// The object there that retains most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub largest: Option<LargestObject>,
}
