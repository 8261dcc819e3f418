//! What `gate` takes.

use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};

use super::PauseArgs;

/// What `gate` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct GateArgs {
    /// A pid, or the path of a core (- is standard input); or else a command, with --run or behind --
    #[arg(value_name = "TARGET", value_hint = ValueHint::FilePath)]
    pub(crate) target: Option<String>,
    /// The executable, when the core or the container hides it; or a library with a Go runtime that the target has loaded
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) exe: Option<PathBuf>,
    /// Debug information of a stripped executable, library or plugin; may be given several times
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) debug_info: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) pause: PauseArgs,
    /// A budget: a figure and what it may be at most, such as live=50MiB or 'map:main.cache.*:entries=10000'
    #[arg(long, value_name = "NAME=LIMIT", help_heading = "Budgets")]
    pub(crate) max: Vec<String>,
    /// A budget: by how much a figure may be larger than in the baseline, such as live=10% or live=5MiB
    #[arg(long, value_name = "NAME=LIMIT", help_heading = "Budgets")]
    pub(crate) max_growth: Vec<String>,
    /// The file with budgets; those of the command line are added, and replace those of the same name [default:
    /// mapscope.toml, if there is one]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Budgets")]
    pub(crate) config: Option<PathBuf>,
    /// What --max-growth compares with: a file that --write-baseline, --save or `inspect --format json` wrote
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = "Budgets")]
    pub(crate) baseline: Option<PathBuf>,
    /// Write the inspection to FILE as a baseline, and check nothing
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "baseline")]
    #[arg(help_heading = "Budgets")]
    pub(crate) write_baseline: Option<PathBuf>,
    /// A budget that no map, type or function matches holds; it is an error otherwise
    #[arg(long, help_heading = "Budgets")]
    pub(crate) allow_unmatched: bool,
    /// Also check an inspection that is partial, of which every figure may be too small; it is an error otherwise
    #[arg(long, help_heading = "Budgets")]
    pub(crate) allow_partial: bool,
    /// Keep the inspection in FILE, as JSON
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) save: Option<PathBuf>,
    /// Write the result to FILE as SARIF too, for code hosts
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) sarif: Option<PathBuf>,
    /// Write the result to FILE as `JUnit` XML too, for CI servers
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) junit: Option<PathBuf>,
    /// Things shown below a broken budget; 0 shows all [default: 5]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// The command that `gate` starts.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Running a command")]
pub(crate) struct RunArgs {
    /// Start a command, in words as a shell splits them, and examine it at a marker; its output goes to standard error
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["target", "command"])]
    pub(crate) run: Option<String>,
    /// The same, in words that are split already
    #[arg(last = true, value_name = "COMMAND", conflicts_with = "target", value_hint = ValueHint::CommandWithArguments)]
    pub(crate) command: Vec<String>,
    /// Marker: the command, or a process that it started, is about to get this signal. It is held there, and never gets it
    #[arg(long, value_name = "SIGNAL", conflicts_with_all = ["at_line", "after"])]
    pub(crate) at_signal: Option<String>,
    /// Marker: the command has written a line that contains TEXT
    #[arg(long, value_name = "TEXT", conflicts_with = "after")]
    pub(crate) at_line: Option<String>,
    /// Marker: so much time has passed, such as 30s, 500ms or 2m
    #[arg(long, value_name = "TIME")]
    pub(crate) after: Option<String>,
    /// What becomes of the command when it was examined
    #[arg(long, value_name = "WHAT", value_enum)]
    pub(crate) then: Option<Then>,
    /// Give up, and end the command, when the marker has not come after so much time [default: wait]
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<String>,
}

/// What becomes of a command that was examined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Then {
    /// It goes on, and its end is waited for; that it fails then is an error
    #[default]
    Continue,
    /// It is ended: SIGTERM, and after five seconds SIGKILL
    Kill,
}
