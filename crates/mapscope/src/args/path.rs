//! What `mapscope path` takes.

use clap::ValueEnum;

use super::TargetArgs;

/// What `path` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct PathArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// An address in the heap (0x...), the name of a type, also as `maps` writes it, or a regular expression for types
    #[arg(value_name = "ADDR|TYPE")]
    pub(crate) what: String,
    /// Leave out roots of these kinds
    #[arg(long, value_name = "KINDS", value_enum, value_delimiter = ',')]
    pub(crate) exclude: Vec<RootArg>,
    /// Paths of a type; 0 shows all [default: 50 as text, all as JSON]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

/// A kind of root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RootArg {
    /// Package variables
    Global,
    /// Goroutines: local variables, registers, deferred calls
    Stack,
    /// Finalizers, and what objects with a finalizer point to
    Finalizer,
    /// Cleanups
    Cleanup,
    /// What the runtime holds itself
    Runtime,
}
