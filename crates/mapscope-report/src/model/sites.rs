//! Where objects were allocated.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The stacks that allocated some objects, as far as the program sampled its allocations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SiteList {
    /// One object is sampled for this many bytes allocated, on average; 1 means every object. Absent when none is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_bytes: Option<u64>,
    /// Why no object is sampled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Objects of those asked for that were sampled.
    pub sampled_objects: u64,
    /// Their bytes.
    pub sampled_bytes: u64,
    /// Bytes that they stand for: an estimate, unless every object is sampled.
    pub estimated_bytes: u64,
    /// Stacks that allocated them.
    pub stacks: u64,
    /// Those of most estimated bytes.
    pub sites: Vec<SiteRow>,
}

/// One stack.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SiteRow {
    /// Its lines, innermost call first, without the runtime's own functions that allocate for the program.
    pub stack: Vec<CodeLine>,
    /// Sampled objects that it allocated.
    pub sampled_objects: u64,
    /// Their bytes.
    pub sampled_bytes: u64,
    /// Bytes that they stand for: an estimate, unless every object is sampled.
    pub estimated_bytes: u64,
    /// Their share of the estimated bytes of all stacks, from 0 to 1.
    pub share: f64,
}

/// A line of a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CodeLine {
    /// The function, as stack traces name it.
    pub function: String,
    /// Its source file.
    pub file: String,
    /// The line; 0 when it is not known.
    pub line: u32,
}
