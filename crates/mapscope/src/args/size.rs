//! What `mapscope size` takes.

use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};

/// What `size` takes.
#[derive(Debug, clap::Args)]
pub(crate) struct SizeArgs {
    /// The map type; not needed when both sizes are given
    #[arg(value_name = "TYPE")]
    pub(crate) map_type: Option<String>,
    /// Entries of the map: 10M, 250k, 4096 (millions, thousands)
    #[arg(long, value_name = "N")]
    pub(crate) entries: String,
    /// The Go version [default: that of --exe, else 1.27]
    #[arg(long, value_name = "VERSION")]
    pub(crate) go: Option<String>,
    /// With GOEXPERIMENT=mapsplitgroup (Go 1.27)
    #[arg(long)]
    pub(crate) split_groups: bool,
    /// The binary that has the types, whose Go version counts
    #[arg(long, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub(crate) exe: Option<PathBuf>,
    /// Bytes of a key, whatever the type says
    #[arg(long, value_name = "N")]
    pub(crate) key_bytes: Option<u64>,
    /// Bytes of an element, whatever the type says
    #[arg(long, value_name = "N")]
    pub(crate) value_bytes: Option<u64>,
    /// Which of --key-bytes and --value-bytes hold pointers
    #[arg(long, value_name = "WHICH", value_enum, value_delimiter = ',')]
    pub(crate) pointers: Vec<PartArg>,
    /// What a steady exchange of entries makes of it
    #[arg(long)]
    pub(crate) churn: bool,
}

/// A part of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PartArg {
    /// The key
    Key,
    /// The element
    Value,
}
