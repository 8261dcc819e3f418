//! What `mapscope maps` takes.

use clap::ValueEnum;

use super::TargetArgs;

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
    /// Bytes that would be freed with the map
    Retained,
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
