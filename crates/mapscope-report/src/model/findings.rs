//! What the rules found.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    /// Bytes that following the advice frees: of live objects; of the heap in use for GH004; with stacks for GH005.
    pub reclaimable_bytes: u64,
    /// What to do.
    pub advice: String,
}
