//! What was typed: flags and words, not yet checked against each other. [`crate::config`] gives them meaning.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

/// Who holds a Go process's memory, in what state its maps are, and what to change
///
/// Point it at a pid or at a core. The program under examination needs no import, no restart and no endpoint; a live one
/// is stopped while its memory is read, and runs on. Where it was built without debug information (-ldflags="-s -w"),
/// owners start at an address instead of a name, unless --debug-info has the names.
#[derive(Debug, Parser)]
#[command(
    name = "mapscope",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "\
Examples:
  mapscope demo                          look at a recorded, leaking service
  mapscope inspect 21291                 the whole picture of a running process
  mapscope maps core.21291 --sort waste  its maps, those with most to win first
  mapscope map 21291 main.sessions.byID  one map in depth

A TARGET that is a number is a pid; anything else is a path (./21291 names a file).
Exit status: 0 fine, 1 a gate failed, 2 an error."
)]
pub(crate) struct Args {
    /// Flags that every command takes.
    #[command(flatten)]
    pub(crate) global: Global,
    /// The command.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Global {
    /// How the result is written
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Write the result to FILE instead of standard output (`-`)
    #[arg(short, long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// When to use colour; `NO_COLOR` is respected
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// No progress on standard error
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// How the result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For scripts; the schemas are under docs/schema
    Json,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal
    Auto,
    /// Also into pipes and files
    Always,
    /// Nowhere
    Never,
}

/// What to examine.
#[derive(Debug, clap::Args)]
pub(crate) struct TargetArgs {
    /// A pid, or the path of a core
    #[arg(value_name = "TARGET", value_hint = ValueHint::FilePath)]
    pub(crate) target: String,
    /// The executable, when the core or the container hides it
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) exe: Option<PathBuf>,
    /// Debug information of a stripped executable: the same build unstripped, or its .debug file; without it, what lies
    /// below /usr/lib/debug is used
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) debug_info: Option<PathBuf>,
}

/// One command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Analyse a recorded, leaking Go service (embedded; needs nothing)
    #[command(after_help = "\
Examples:
  mapscope demo
  mapscope demo --limit 0
  mapscope demo --format json | jq '.maps[0]'")]
    Demo {
        /// Rows of each table; 0 shows all [default: 10 as text, all as JSON]
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// The whole picture: where memory went, top maps, top types
    #[command(after_help = "\
Examples:
  mapscope inspect 21291
  mapscope inspect core.21291 --exe ./sessions
  mapscope inspect 21291 --debug-info ./sessions.debug
  mapscope inspect 21291 --format json -o before.json")]
    Inspect {
        #[command(flatten)]
        target: TargetArgs,
        /// Rows of each table; 0 shows all [default: 10 as text, all as JSON]
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Every live map, one line each
    #[command(after_help = "\
Examples:
  mapscope maps 21291
  mapscope maps 21291 --sort waste --min-bytes 10MiB
  mapscope maps 21291 --owner '^main\\.' --type '^map\\[string\\]' --limit 0
  mapscope maps core.21291 --format json | jq -r '.maps[].owner'")]
    Maps(MapsArgs),
    /// One map in depth: figures, layout, who holds it, a picture of its groups
    #[command(after_help = "\
Examples:
  mapscope map 21291 main.sessions.byID
  mapscope map 21291 sessions            a part of the owner is enough when only one map has it
  mapscope map core.21291 0xc000123450   the address that `mapscope maps` shows")]
    Map {
        #[command(flatten)]
        target: TargetArgs,
        /// The map: its owner, a part of it, a regular expression, or an address (0x...)
        #[arg(value_name = "OWNER|ADDR")]
        map: String,
    },
    /// Live objects by type: count and bytes
    #[command(after_help = "\
Examples:
  mapscope types 21291
  mapscope types 21291 --type '^\\*?main\\.' --limit 20
  mapscope types core.21291 --format json")]
    Types {
        #[command(flatten)]
        target: TargetArgs,
        /// Only types that match this regular expression
        #[arg(long = "type", value_name = "REGEX")]
        type_regex: Option<String>,
        /// Rows; 0 shows all [default: 50 as text, all as JSON]
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Write a completion script for a shell
    #[command(after_help = "\
Examples:
  mapscope completions bash > ~/.local/share/bash-completion/completions/mapscope
  mapscope completions zsh > \"${fpath[1]}/_mapscope\"
  mapscope completions fish > ~/.config/fish/completions/mapscope.fish")]
    Completions {
        /// The shell
        #[arg(value_name = "SHELL", value_enum)]
        shell: Shell,
    },
    /// Write the man pages into a directory
    #[command(after_help = "\
Examples:
  mapscope man ~/.local/share/man/man1
  mapscope man . && man ./mapscope-maps.1")]
    Man {
        /// The directory; it is made if need be
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        dir: PathBuf,
    },
}

/// What `maps` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct MapsArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    /// The order of the rows
    #[arg(long, value_name = "KEY", value_enum, default_value_t = SortKey::Table)]
    pub(crate) sort: SortKey,
    /// Only maps whose owner matches this regular expression
    #[arg(long, value_name = "REGEX")]
    pub(crate) owner: Option<String>,
    /// Only maps whose type matches this regular expression
    #[arg(long = "type", value_name = "REGEX")]
    pub(crate) type_regex: Option<String>,
    /// Only maps with tables of at least SIZE (10MiB, 10M, 512k); torn maps stay, for their size is not known
    #[arg(long, value_name = "SIZE")]
    pub(crate) min_bytes: Option<String>,
    /// Rows; 0 shows all [default: 50 as text, all as JSON]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

/// The order of maps. All but `owner` put the largest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SortKey {
    /// Bytes of the map's own structure
    Table,
    /// Entries
    Entries,
    /// Slots
    Slots,
    /// Bytes that a map made anew would save
    #[value(alias = "reclaimable")]
    Waste,
    /// Entries whose element is all zero bits
    Zero,
    /// Tombstones
    Tombstones,
    /// Groups or buckets without an entry
    Holes,
    /// Name of the owner
    Owner,
}
