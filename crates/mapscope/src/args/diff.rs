//! What `mapscope diff` takes.

use std::path::PathBuf;

use clap::ValueHint;

use super::PauseArgs;

/// What `diff` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct DiffArgs {
    /// Pids, cores, or files that `inspect --format json` wrote, the earliest first; - is standard input
    #[arg(value_name = "TARGET", value_hint = ValueHint::FilePath, required = true)]
    pub(crate) targets: Vec<String>,
    /// Inspect the one process given again after so long: 30s, 2m, 1h
    #[arg(long, value_name = "DURATION")]
    pub(crate) after: Option<String>,
    /// With --after, how many times the process is inspected in all
    #[arg(long, value_name = "N", requires = "after", default_value_t = 2, value_parser = clap::value_parser!(u64).range(2..=1000))]
    pub(crate) times: u64,
    /// The executable, when cores or a container hide it, or a library with a Go runtime; given once, or once for each TARGET
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) exe: Vec<PathBuf>,
    /// Debug information of stripped executables; given once, or once for each TARGET
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) debug_info: Vec<PathBuf>,
    /// Also what did not change
    #[arg(long)]
    pub(crate) all: bool,
    /// Only what takes or retains at least SIZE (10MiB, 10M, 512k) in the first inspection or in the last
    #[arg(long, value_name = "SIZE")]
    pub(crate) min_bytes: Option<String>,
    /// Only maps, holders and goroutines whose name matches this regular expression
    #[arg(long, value_name = "REGEX")]
    pub(crate) owner: Option<String>,
    /// Only maps and types whose type matches this regular expression
    #[arg(long = "type", value_name = "REGEX")]
    pub(crate) type_regex: Option<String>,
    /// Rows of each table; 0 shows all [default: 10 as text and Markdown, all as JSON]
    #[arg(long, visible_alias = "top", value_name = "N")]
    pub(crate) limit: Option<usize>,
    #[command(flatten)]
    pub(crate) pause: PauseArgs,
}
