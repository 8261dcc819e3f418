//! Goroutines in groups.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CodeLine, PartialScope, Target, is_zero};

/// `mapscope goroutines --format json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct GoroutineList {
    /// Names this contract: `mapscope.goroutines/1`.
    pub schema: String,
    /// What was examined.
    pub target: Target,
    /// Goroutines that are not dead, those of the runtime included: the sum of the next two.
    pub total_goroutines: u64,
    /// Those of the program: what `runtime.NumGoroutine` counts, and every view but this means by goroutines.
    #[serde(default)]
    pub program_goroutines: u64,
    /// Those of the runtime.
    pub system_goroutines: u64,
    /// Those that nothing can wake any more: what they wait for is in nobody's hands but those of leaked goroutines.
    /// Absent when it could not be worked out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaked_goroutines: Option<u64>,
    /// Bytes of live objects that nothing but leaked goroutines hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaked_bytes: Option<u64>,
    /// Why it is not known which goroutines are leaked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaks_unknown: Option<String>,
    /// Waiting times end at the last moment that a core is known to be younger than: they may be longer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub times_are_bounds: bool,
    /// The groups asked for: leaked ones first, then by bytes of stacks and of what they retain, then by number; those of the
    /// runtime last.
    pub groups: Vec<GoroutineRow>,
    /// Groups in the target before filters.
    pub total_groups: u64,
    /// Groups that passed the filters; more than `groups` holds when a limit was asked for.
    pub matched_groups: u64,
    /// Why the result is partial.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<String>,
    /// What each reason makes uncertain; every other figure is exact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial_scope: Vec<PartialScope>,
}

/// Goroutines with one stack, in one state.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct GoroutineRow {
    /// As Go's stack traces print it: `chan receive`, `select`, `running`.
    pub state: String,
    /// Goroutines.
    pub count: u64,
    /// Nothing can wake them any more.
    pub leaked: bool,
    /// Heuristic: nothing that was read can wake them, they are many or have much memory, and have waited for a minute; but
    /// the reading is partial, so what could wake them may not have been read. Never true where it is known which are leaked.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspect: bool,
    /// They belong to the runtime.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub system: bool,
    /// Each has a thread of its own.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub locked: bool,
    /// Bytes of their stacks.
    pub stack_bytes: u64,
    /// Bytes of objects that would be freed with each of them, in all. What they share is not among them.
    pub retained_bytes: u64,
    /// How long they have waited; absent when it is known of none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waited: Option<Waited>,
    /// Where they are, innermost first, without the runtime's own functions.
    pub stack: Vec<CodeLine>,
    /// Frames in the middle of a very deep stack are not in `stack`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
    /// The `go` statement that made them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_by: Option<CodeLine>,
    /// The goroutines that made them, the first ten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub creators: Vec<u64>,
    /// Their numbers, the first ten.
    pub ids: Vec<u64>,
    /// The loops over maps that they are in: the ten that lead to most bytes of replaced tables.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loops: Vec<LoopRow>,
    /// How many loops there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub total_loops: u64,
}

/// A loop over a map (`for range m`) that has begun and not ended.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct LoopRow {
    /// The goroutine that is in it.
    pub goroutine: u64,
    /// The function with the loop, or one that it was inlined into.
    pub function: String,
    /// Who owns the map.
    pub owner: String,
    /// The map's type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Address of the map's header.
    pub addr: String,
    /// Entries of the map; absent when it is torn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
    /// Slots (Swiss) or buckets (legacy) that it has passed, from where it began.
    pub passed: u64,
    /// Of so many.
    pub of: u64,
    /// Bytes of tables that the map has replaced since the loop began, and that the loop leads to.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub replaced_bytes: u64,
}

/// Frames that are not shown.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// They come after so many frames of the stack.
    pub after: u64,
    /// How many they are.
    pub frames: u64,
}

/// How long goroutines have waited, in milliseconds. The runtime notes the time when a collection finds a goroutine
/// waiting, so it may have waited longer.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Waited {
    /// Of how many it is known; the others have begun to wait after the last collection.
    pub known: u64,
    /// The shortest.
    pub min_ms: u64,
    /// Half of them have waited as long.
    pub median_ms: u64,
    /// The longest.
    pub max_ms: u64,
}
