//! What a map costs before it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `mapscope size --format json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SizeReport {
    /// Names this contract: `mapscope.size/1`.
    pub schema: String,
    /// The map type, as far as it was written.
    pub map_type: String,
    /// The keys.
    pub key: SizedType,
    /// The elements.
    pub element: SizedType,
    /// Entries of the map.
    pub entries: u64,
    /// The cost in each implementation, the one asked for first.
    pub maps: Vec<MapCost>,
    /// The line of Go that makes the map with room for its entries.
    pub make: String,
}

/// The size of a type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SizedType {
    /// The type, as it was written; empty when only its size is known.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Bytes of a value.
    pub bytes: u64,
    /// Its alignment.
    pub align: u64,
    /// It holds pointers.
    pub pointers: bool,
}

/// The cost in one implementation. Bytes are whole slots of the heap: header, directory, tables and groups, or header,
/// buckets and overflow buckets, as `table_bytes` of a map audit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MapCost {
    /// The Go version: `1.27`.
    pub go: String,
    /// `swiss` or `legacy`.
    #[serde(rename = "impl")]
    pub implementation: String,
    /// Bytes of a group or bucket of eight slots.
    pub group_bytes: u64,
    /// Bytes of it that belong to neither key nor element.
    pub group_padding_bytes: u64,
    /// Keys are stored as pointers, for they have more than 128 bytes.
    pub indirect_key: bool,
    /// Elements are, likewise.
    pub indirect_element: bool,
    /// Keys and elements that are allocated one by one: they come on top of all other figures.
    pub indirect_bytes: u64,
    /// Bytes of the keys and elements themselves, as the slots hold them.
    pub entry_bytes: u64,
    /// Made without a hint and filled entry by entry.
    pub grown: BytesRange,
    /// The most in use at once on the way.
    pub grown_peak: BytesRange,
    /// Made with a hint of its entries: as it is made, which is exact.
    pub made_bytes: u64,
    /// Made with a hint, and filled.
    pub hinted: BytesRange,
    /// The most in use at once on the way.
    pub hinted_peak: BytesRange,
    /// After all entries were replaced by new ones again and again; absent unless asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub churned: Option<BytesRange>,
    /// The steps in which it grows without a hint, with the next one.
    pub steps: Vec<GrowthRow>,
    /// Bytes by entries, around the number asked for.
    pub curve: Vec<CurvePoint>,
}

/// Bytes, as exactly as they can be known without the hashes of the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BytesRange {
    /// The mean over maps whose keys have hashes of their own; the figure itself when exact.
    pub expected_bytes: u64,
    /// All but one map in a million take at least this,
    pub low_bytes: u64,
    /// and at most this. After churn, a bound for ten replacements of every entry.
    pub high_bytes: u64,
    /// No hash has a part in it: every map takes exactly this.
    pub exact: bool,
}

/// A step of growth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GrowthRow {
    /// The entry that starts it; tables of a large Swiss map split one by one: where 1% have.
    pub entries: u64,
    /// Where 99% of the tables have split; else the same as `entries`.
    pub until_entries: u64,
    /// Slots afterwards.
    pub slots: u64,
    /// Just before.
    pub before: BytesRange,
    /// When it is over.
    pub after: BytesRange,
    /// The most in use at once: old and new.
    pub peak: BytesRange,
}

/// A point of the curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CurvePoint {
    /// Entries.
    pub entries: u64,
    /// Expected bytes.
    pub bytes: u64,
}
