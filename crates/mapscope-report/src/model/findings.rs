//! What the rules found.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
fn is_zero(bytes: &u64) -> bool {
    *bytes == 0
}

/// A rule that fired.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FindingRow {
    /// Code of the rule, as `mapscope rule` takes it: `GM001`.
    pub rule: String,
    /// Its name: `drained-map`.
    pub name: String,
    /// `high`, `medium` or `low`: by bytes, and by their share of the live heap.
    pub severity: String,
    /// What it is about: the owner of a map, a place, a function.
    pub subject: String,
    /// What is, and why.
    pub summary: String,
    /// The figures behind it, by name.
    pub evidence: BTreeMap<String, u64>,
    /// Bytes that following the advice frees, besides what other findings free: over all findings, they add up to what
    /// following all of them frees.
    pub reclaimable_bytes: u64,
    /// Of those, bytes of no live objects: stacks, garbage, and slots and spans that nothing uses.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_live_bytes: u64,
    /// Bytes that following this advice alone would free as well, but that are in the sums of other findings.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub shared_bytes: u64,
    /// One of those findings: its rule and its subject.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub shared_with: String,
    /// What to do.
    pub advice: String,
}
