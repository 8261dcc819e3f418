//! What `mapscope export` writes.

use clap::ValueEnum;

/// What `export` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportForm {
    /// The program's own heap profile, as `runtime/pprof` would write it now (pprof)
    HeapProfile,
    /// What is live and what is garbage now, by the stack that allocated it (pprof)
    LiveHeap,
    /// Who holds what: a flame graph of all live objects, by holder and type (pprof)
    Pprof,
    /// The same as folded stacks, in bytes
    Folded,
    /// The largest holders and types as a graph (Graphviz)
    Dot,
    /// The same graph as JSON
    Json,
}
