//! One map: where it is, who owns it, and its audit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One live map and its audit. The figures are absent when the map is torn.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MapRow {
    /// Address of the map header, in hexadecimal.
    pub addr: String,
    /// How a person would name it: `main.sessions.byID`.
    pub owner: String,
    /// The map's type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// `swiss` or `legacy`.
    #[serde(rename = "impl")]
    pub implementation: String,
    /// The map was being written when it was read, or its counts do not add up.
    pub torn: bool,
    /// Why it is called torn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub torn_reason: Option<String>,
    /// The type or the identity of the map was inferred, not read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub heuristic: bool,
    /// Bytes that would be freed with the map: its table, and what nothing but its entries holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retained_bytes: Option<u64>,
    /// The audit.
    #[serde(flatten)]
    pub figures: Option<MapFigures>,
}

/// The audit of one map. DESIGN: what the fields count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct MapFigures {
    /// Keys in the map, counted by walking it.
    pub entries: u64,
    /// Places for entries: 8 for each group or bucket.
    pub slots: u64,
    /// Swiss: groups of all tables. Legacy: main buckets.
    pub groups: u64,
    /// Groups, or buckets with their chain, without a single entry.
    pub holes: u64,
    /// Swiss: control bytes that say deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tombstones: Option<u64>,
    /// Legacy: overflow buckets linked in chains of the current array.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overflow_buckets: Option<u64>,
    /// Legacy: bytes of the old bucket array and its overflow buckets while the map grows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_buckets_bytes: Option<u64>,
    /// Legacy: old buckets already moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evacuated_buckets: Option<u64>,
    /// Entries whose element is all zero bits; absent for elements of size 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zero_values: Option<u64>,
    /// Bytes of the map's own structure: whole heap slots.
    pub table_bytes: u64,
    /// Keys and elements over 128 bytes, allocated one by one.
    pub indirect_bytes: u64,
    /// Bytes of all slots that belong to neither key nor element.
    pub padding_bytes: u64,
    /// `table_bytes` less those of the same map made anew with a hint of `entries`.
    pub reclaimable_bytes: u64,
}
