//! One container of a library: a map or cache that is no Go map, and what its library keeps of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One live container. A figure that the table of its library does not give is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContainerRow {
    /// Address of its value, in hexadecimal.
    pub addr: String,
    /// How a person would name it: `main.calls`.
    pub owner: String,
    /// Its type, as people call it: `xsync.MapOf[uint64,*main.call]`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The version of the library's module; absent when the binary does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The type was inferred, not read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub heuristic: bool,
    /// Entries, as the container itself counts them, or those of its Go maps.
    pub entries: u64,
    /// Places for entries, without those of buckets that overflow; or those of its Go maps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<u64>,
    /// Deleted entries that still take room; or those of its Go maps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tombstones: Option<u64>,
    /// What it may hold at most, in entries or whatever unit the program gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// Bytes that it has set aside for entries, full or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage_bytes: Option<u64>,
    /// Go maps that it consists of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maps: Option<u64>,
    /// Bytes of the tables of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_bytes: Option<u64>,
    /// What these would save if they were made anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reclaimable_bytes: Option<u64>,
    /// Bytes that would be freed with it.
    pub retained_bytes: u64,
}
