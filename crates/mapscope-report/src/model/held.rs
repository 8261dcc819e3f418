//! Who holds what, as a graph.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Omitted, PartialScope, Target};

/// `mapscope export --as json`: the largest nodes of the merged dominator tree.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct HeldGraph {
    /// Names this contract: `mapscope.held/1`.
    pub schema: String,
    /// What was examined.
    pub target: Target,
    /// Bytes of all live objects.
    pub live_bytes: u64,
    /// The nodes, most retained bytes first; each comes after the one above it.
    pub nodes: Vec<HeldNode>,
    /// Nodes that are too small to be among them, with the bytes of their own objects.
    pub omitted: Omitted,
    /// Why the result is partial.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<String>,
    /// What each reason makes uncertain; every other figure is exact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial_scope: Vec<PartialScope>,
}

/// A holder, or the objects of one type below a node.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct HeldNode {
    /// Its number.
    pub id: u64,
    /// Number of the node above; absent at the top.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub above: Option<u64>,
    /// `variable`, `goroutine`, `local`, `timer`, `pool`, `finalizer`, `cleanup`, `runtime`, `shared` or `type`.
    pub kind: String,
    /// Name of the holder, or of the type.
    pub name: String,
    /// Objects of the type; holders of the name.
    pub count: u64,
    /// Bytes of the objects themselves; 0 for holders.
    pub shallow_bytes: u64,
    /// Bytes that would be freed without the node.
    pub retained_bytes: u64,
}
