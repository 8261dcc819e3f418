//! What a report shows beyond an inspection. None of it is a document of its own: the HTML view writes it in columns,
//! and the page that reads them is part of the same file.

use super::{Diff, GoroutineList, Inspection, Occupancy};

/// Everything that one report shows.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The whole picture.
    pub inspection: Inspection,
    /// When a process was read, in seconds since 1970; a core has no such moment.
    pub taken_at: Option<u64>,
    /// Who holds what.
    pub tree: Tree,
    /// Pictures of the largest maps.
    pub occupancy: Vec<Occupancy>,
    /// Goroutines in groups.
    pub goroutines: Option<GoroutineList>,
    /// What changed since an earlier inspection.
    pub diff: Option<Diff>,
}

/// The merged dominator tree, in preorder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Names, each once.
    pub names: Vec<String>,
    /// The whole heap, then what is below each node right after it; siblings with most retained bytes first.
    pub nodes: Vec<TreeNode>,
}

/// A holder, or the objects of one type below a node. What it retains is the sum of the bytes from it to the next node
/// that is no deeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeNode {
    /// Levels below the whole heap, which is at 0.
    pub depth: u32,
    /// What it stands for.
    pub kind: NodeKind,
    /// Index of its name.
    pub name: u32,
    /// Objects of the type; holders of the name; nodes left out.
    pub count: u64,
    /// Bytes of the objects themselves; of all that were left out.
    pub shallow_bytes: u64,
}

/// What a node stands for. The numbers are part of what is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// The whole heap.
    All = 0,
    /// A package variable.
    Variable = 1,
    /// Goroutines that began with one function.
    Goroutine = 2,
    /// What waits for its finalizer.
    Finalizer = 3,
    /// What waits for a cleanup.
    Cleanup = 4,
    /// What the runtime holds.
    Runtime = 5,
    /// What several holders reach by ways of their own.
    Shared = 6,
    /// Objects of a type.
    Type = 7,
    /// Nodes that are too small to be written one by one.
    Omitted = 8,
    /// What a variable or a frame of goroutines holds.
    Local = 9,
    /// What timers hold that call one function.
    Timer = 10,
    /// What a pool holds that only the runtime's list of pools leads to.
    Pool = 11,
}

impl NodeKind {
    /// The kind that a holder or node of a dominator tree is called; types for what is not known.
    pub fn of_name(name: &str) -> Self {
        match name {
            "all" => Self::All,
            "variable" => Self::Variable,
            "goroutine" => Self::Goroutine,
            "finalizer" => Self::Finalizer,
            "cleanup" => Self::Cleanup,
            "runtime" => Self::Runtime,
            "shared" => Self::Shared,
            "local" => Self::Local,
            "timer" => Self::Timer,
            "pool" => Self::Pool,
            _ => Self::Type,
        }
    }
}
