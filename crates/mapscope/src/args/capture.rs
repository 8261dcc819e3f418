//! What `mapscope capture` takes.

use std::path::PathBuf;

use clap::ValueHint;

use super::PauseArgs;

/// What `capture` takes.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(crate) struct CaptureArgs {
    /// The process
    #[arg(value_name = "PID")]
    pub(crate) pid: String,
    /// Debug information of a stripped executable, library or plugin, for --heap-only and --redact; may be given several
    /// times
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) debug_info: Vec<PathBuf>,
    /// Replace FILE if it exists
    #[arg(long)]
    pub(crate) force: bool,
    /// Leave out what the analysis does not read: memory of C code, free pages, the runtime's caches
    #[arg(long)]
    pub(crate) heap_only: bool,
    /// Overwrite every byte that is neither a pointer nor metadata of maps or the runtime, so that the core can be shared
    #[arg(long)]
    pub(crate) redact: bool,
    /// Compress with zstd; so is any FILE that ends in .zst
    #[arg(long)]
    pub(crate) zstd: bool,
    #[command(flatten)]
    pub(crate) pause: PauseArgs,
}
