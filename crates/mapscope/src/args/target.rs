//! What is examined, and how it is held still.

use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};

/// What to examine.
#[derive(Debug, clap::Args)]
pub(crate) struct TargetArgs {
    /// A pid, or the path of a core (for `layout` also of an executable); - is standard input
    #[arg(value_name = "TARGET", value_hint = ValueHint::FilePath)]
    pub(crate) target: String,
    /// The executable, when the core or the container hides it; or a library with a Go runtime that the target has loaded
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) exe: Option<PathBuf>,
    /// Debug information of a stripped executable, library or plugin: the same build unstripped, or its .debug file; without
    /// it, what lies below /usr/lib/debug is used. May be given several times
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) debug_info: Vec<PathBuf>,
    /// A file with [[container]] tables, which say how to read maps of other libraries [default: mapscope.toml, if there is one]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) pause: PauseArgs,
}

/// How a running process is held still, and for how long.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct PauseArgs {
    /// How a running process is held still while it is read
    #[arg(long, value_name = "HOW", value_enum, default_value_t = PauseArg::Fork)]
    pub(crate) pause: PauseArg,
    /// Give the forked snapshot up after so many seconds: what the process writes meanwhile is copied, at its expense
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) max_snapshot_seconds: u64,
}

/// How a running process is held still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PauseArg {
    /// Stop it, fork it, let it run, read the copy-on-write child: milliseconds. Where that is refused, as `copy`
    Fork,
    /// Stop it, copy its memory, let it run: about a second per 2 GiB
    Copy,
    /// Do not stop it: what it changes meanwhile is marked as torn, or missing
    None,
}
