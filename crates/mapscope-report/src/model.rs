//! The data every view shows, and the JSON contract (`docs/schema/`). Fields are only ever added.
//! Bytes are integers; a figure that does not apply is absent, never zero.

mod capture;
mod diff;
mod dominators;
mod findings;
mod gate;
mod goroutines;
mod held;
mod layout;
mod occupancy;
mod partial;
mod paths;
mod report;
mod rules;
mod sites;
mod size;
mod storage;

pub use capture::Capture;
pub use diff::{Diff, DiffChange, DiffFigures, DiffInspection, DiffPoint, DiffRow, Growth, RowKind, Verdict};
pub use dominators::{DominatorList, DominatorNode, HolderRow, LargestObject, Omitted, Suspect};
pub use findings::FindingRow;
pub use gate::{BudgetRow, GateReport, GateRun, OffenderRow};
pub use goroutines::{GoroutineList, GoroutineRow, LeftOut, LoopRow, Waited};
pub use held::{HeldGraph, HeldNode};
pub use layout::{BestOrder, FieldRow, LayoutReport, LayoutRow, SlotRow};
pub use mapscope_model::{ContainerRow, MapFigures, MapId, MapRef, MapRow, MapTable};
pub use occupancy::Occupancy;
pub use partial::{Figure, PartialScope, Uncertain};
pub use paths::{
    ClosingEdge, CycleList, CycleMap, CycleRow, PathObject, PathObjects, PathReport, PathRow, PathStep, PathSubject,
};
pub use report::{NodeKind, Report, Tree, TreeNode};
pub use rules::{RuleList, RuleText};
pub use sites::{CodeLine, SiteList, SiteRow};
pub use size::{BytesRange, CurvePoint, GrowthRow, MapCost, SizeReport, SizedType};
pub use storage::{
    ChannelRow, FinalizerRow, FinalizerTotals, PinnedRow, PoolRow, QueuedRow, RunningRow, SliceRow, Storage, StringRow,
    StringTotals, TimerHeapRow, TimerRow, TimerTotals,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `mapscope inspect --format json`: the whole picture of one target.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Inspection {
    /// Names this contract: `mapscope.inspect/1`.
    pub schema: String,
    /// What was examined.
    pub target: Target,
    /// Where memory went.
    pub memory: MemoryUse,
    /// What to change, the most urgent first (`mapscope rule CODE` explains each).
    #[serde(default)]
    pub findings: Vec<FindingRow>,
    /// Totals of the Go heap.
    pub heap: Heap,
    /// Goroutines that are not dead; absent in inspections that older versions saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goroutines: Option<GoroutineCount>,
    /// Who holds live objects from outside the heap, most retained bytes first. With `shared` among them they add up to
    /// the live bytes.
    #[serde(default)]
    pub holders: Vec<HolderRow>,
    /// Parts of the heap that one way leads to, largest first.
    #[serde(default)]
    pub suspects: Vec<Suspect>,
    /// Live objects by type, most bytes first.
    pub types: Vec<TypeRow>,
    /// Live maps, most table bytes first.
    pub maps: MapTable,
    /// Live maps and caches of libraries that are known, most retained bytes first; absent when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<ContainerRow>,
    /// Types in the target, where `types` has fewer because a limit was asked for; absent when it has all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_types: Option<u64>,
    /// The same of maps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_maps: Option<u64>,
    /// Live objects whose type nothing tells; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub untyped: Option<Untyped>,
    /// Objects that look like maps that never had an entry, and whose type nothing tells: they are not among the maps.
    /// Absent when there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub untyped_maps: u64,
    /// Why the result is partial: one sentence for each reason. Absent when the result is whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<String>,
    /// What each reason makes uncertain; every other figure is exact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial_scope: Vec<PartialScope>,
}

/// Live objects without a type.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Untyped {
    /// How many.
    pub objects: u64,
    /// Bytes of their slots.
    pub bytes: u64,
    /// The largest groups of them, most bytes first.
    pub groups: Vec<UntypedGroup>,
}

/// Objects of one size without a type.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct UntypedGroup {
    /// Bytes of each one's slot.
    pub slot_bytes: u64,
    /// They can hold pointers.
    pub pointers: bool,
    /// How many.
    pub objects: u64,
    /// Bytes of their slots.
    pub bytes: u64,
    /// How a person would name one of them.
    pub owner: String,
}

/// What was examined, and how.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// `process` or `core`.
    pub kind: String,
    /// Process id; absent when a core does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Path of the executable.
    pub exe: String,
    /// Path of the library with the Go runtime that was read; absent when that is the executable's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub library: Option<String>,
    /// Paths of what has a Go runtime of its own in the same process, which was not read (`--exe` names it).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_runtimes: Vec<String>,
    /// The Go version of the binary, as it names itself (`go1.27.3`).
    pub go_version: String,
    /// `swiss` or `legacy`.
    pub map_impl: String,
    /// No DWARF and no symbol table in the binary.
    pub stripped: bool,
    /// When it was stopped to be read, or to write the core (RFC 3339, UTC); absent when that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<String>,
    /// `taken_at` is when the core's file was last written, for the core itself does not say: a copy may be younger.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub file_time: bool,
    /// How long the target was stopped, in milliseconds; absent for a core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused_ms: Option<f64>,
    /// How the target was held still: `fork` (a copy-on-write child was read), `copy` (its memory was copied), `none` (it
    /// ran while it was read); absent for a core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pause: Option<String>,
    /// Bytes of memory that the snapshot cost: pages that the target wrote to or gave back since it was forked, until it
    /// was analysed; or those that were copied. Absent for a core, and where nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copied_bytes: Option<u64>,
    /// Why the target was copied, not forked, though that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why_not_forked: Option<String>,
    /// How long reading and analysing took, in milliseconds.
    pub read_ms: f64,
    /// The stages of that, in order; what is not in any was small.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<StageTime>,
}

/// How long a stage took.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct StageTime {
    /// What was done: `marking what is live`.
    pub stage: String,
    /// Milliseconds.
    pub ms: f64,
}

/// Where memory went, in bytes. Where residency is known, only resident pages count, of a core those that it holds; the
/// parts then sum to `rss_bytes` or `core_bytes`. Totals of slots, resident or not, are in `heap`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct MemoryUse {
    /// Resident set of the process; absent for a core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rss_bytes: Option<u64>,
    /// Memory that the core holds: what was resident, without pages that files have; absent for a process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core_bytes: Option<u64>,
    /// Slots of reachable objects.
    pub heap_live_bytes: u64,
    /// Allocated slots that nothing reaches.
    pub heap_garbage_bytes: u64,
    /// Free slots and tails of spans in use.
    pub heap_fragmentation_bytes: u64,
    /// Spans that are idle and were not returned to the system; absent when not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heap_free_bytes: Option<u64>,
    /// Stacks: of goroutines, used or kept for the next, and of threads.
    pub stacks_bytes: u64,
    /// The runtime's own metadata: spans, caches, bitmaps, profiles; absent when not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_bytes: Option<u64>,
    /// Executable and libraries: their pages, data and bss; absent when not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary_bytes: Option<u64>,
    /// What Go does not know: cgo, mmap; with the runtime's own where `runtime_bytes` is absent. Absent when not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_bytes: Option<u64>,
    /// What Go does not know by the mappings that it lies in, most bytes first: with `runtime_bytes`, they add up to
    /// `other_bytes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other: Vec<OtherMemory>,
    /// Spans in use by the size of their slots, ascending; absent when residency is not known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<SizeClass>,
}

/// Resident memory that Go does not know, in mappings of one kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OtherMemory {
    /// `file`, `shared`, `brk` (C's heap), `thread stack` or `anonymous`.
    pub kind: String,
    /// The file, or the name of the shared memory; empty for the others.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// Mappings.
    pub mappings: u64,
    /// Resident bytes.
    pub bytes: u64,
}

impl OtherMemory {
    /// What it is, in words.
    pub fn words(&self) -> String {
        match (self.kind.as_str(), self.name.as_str()) {
            ("file", "") => "a mapped file".to_owned(),
            ("file", name) => format!("file {name}"),
            ("shared", name) => format!("shared memory {name}"),
            ("brk", _) => "C heap (brk)".to_owned(),
            ("thread stack", _) => "stacks of C threads".to_owned(),
            _ => "anonymous memory (malloc of C, mmap)".to_owned(),
        }
    }
}

/// Spans in use whose slots have one size. The bytes are resident ones; those of all classes sum to the parts.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct SizeClass {
    /// Bytes of a slot; absent for large objects, each of which has a span of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slot_bytes: Option<u64>,
    /// Spans.
    pub spans: u64,
    /// Slots, allocated or not.
    pub slots: u64,
    /// Slots of reachable objects.
    pub live_slots: u64,
    /// Allocated slots that nothing reaches.
    pub garbage_slots: u64,
    /// Bytes of reachable objects.
    pub live_bytes: u64,
    /// Bytes of objects that nothing reaches.
    pub garbage_bytes: u64,
    /// Bytes of free slots and of the spans' tails.
    pub fragmentation_bytes: u64,
}

/// Totals of the Go heap.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Heap {
    /// Allocated slots, live or garbage.
    pub objects: u64,
    /// Bytes of those slots.
    pub object_bytes: u64,
    /// Reachable slots.
    pub live_objects: u64,
    /// Bytes of those.
    pub live_bytes: u64,
    /// Pointers from outside the heap into it.
    pub roots: u64,
}

/// How many goroutines there are that are not dead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GoroutineCount {
    /// Those of the program: what `runtime.NumGoroutine` counts.
    pub program: u64,
    /// Those of the runtime.
    pub runtime: u64,
}

/// Live objects of one type.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct TypeRow {
    /// The type, named as Go's reflection names it; `(unknown)` for objects without one.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Objects.
    pub count: u64,
    /// Those of them whose type was concluded from what they look like, not read; absent when there are none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub inferred: u64,
    /// Bytes of their slots.
    pub shallow_bytes: u64,
    /// Bytes that would be freed with all of them, but for what only several of them hold together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retained_bytes: Option<u64>,
}

/// `mapscope map --format json`: one map in depth.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct MapDetail {
    /// Names this contract: `mapscope.map/1`.
    pub schema: String,
    /// What was examined.
    pub target: Target,
    /// The map's line as in an inspection.
    pub map: MapRow,
    /// How a slot is laid out, in bytes.
    pub layout: SlotLayout,
    /// The state of each group, table by table (Swiss), or of each main bucket with its chain (legacy), in address order.
    /// Empty when the map is torn.
    pub occupancy: Vec<GroupState>,
    /// `histogram[n]`: groups with n entries. Legacy chains can hold more than eight.
    pub entries_per_group: Vec<u64>,
    /// Legacy: `probe_lengths[n]` entries are found after looking at n+1 buckets of their chain. Empty for Swiss maps,
    /// where the hash of the key, which is not computed, says where probing starts.
    pub probe_lengths: Vec<u64>,
    /// Every way from a root that was looked at, the owner's first.
    pub owners: Vec<String>,
    /// Loops over it that have begun and not ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loops: Vec<LoopRow>,
    /// Where what the map retains was allocated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sites: Option<SiteList>,
    /// Why the result is partial.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<String>,
    /// What each reason makes uncertain; every other figure is exact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial_scope: Vec<PartialScope>,
}

/// How one slot is laid out, in bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct SlotLayout {
    /// The key's type.
    pub key_type: String,
    /// The element's type.
    pub elem_type: String,
    /// Bytes of the key in the slot (8 when it is stored indirectly).
    pub key_bytes: u64,
    /// Bytes of the element in the slot (8 when it is stored indirectly).
    pub elem_bytes: u64,
    /// Bytes of a whole group or bucket.
    pub group_bytes: u64,
    /// Keys are stored as pointers because they are over 128 bytes.
    pub indirect_key: bool,
    /// Elements are stored as pointers because they are over 128 bytes.
    pub indirect_elem: bool,
}

/// What one group, or one bucket with its chain, holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupState {
    /// Entries.
    pub entries: u32,
    /// Tombstones; 0 for legacy maps.
    pub tombstones: u32,
    /// Places for entries: 8, or more where a legacy bucket has a chain.
    pub slots: u32,
}

/// `mapscope maps --format json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct MapList {
    /// Names this contract: `mapscope.maps/1`.
    pub schema: String,
    /// What was examined.
    pub target: Target,
    /// The maps asked for.
    pub maps: MapTable,
    /// Maps in the target before filters.
    pub total_maps: u64,
    /// Maps that passed the filters; more than `maps` holds when a limit was asked for.
    #[serde(default)]
    pub matched_maps: u64,
    /// Maps and caches of libraries that are known, as many as passed the filters, most retained bytes first; absent when
    /// there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub containers: Vec<ContainerRow>,
    /// Why the result is partial.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<String>,
    /// What each reason makes uncertain; every other figure is exact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial_scope: Vec<PartialScope>,
}

/// `mapscope types --format json`.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct TypeList {
    /// Names this contract: `mapscope.types/1`.
    pub schema: String,
    /// What was examined.
    pub target: Target,
    /// Totals of the Go heap.
    pub heap: Heap,
    /// Live objects by type, most bytes first.
    pub types: Vec<TypeRow>,
    /// Types in the target before filters.
    #[serde(default)]
    pub total_types: u64,
    /// Types that passed the filters; more than `types` holds when a limit was asked for.
    #[serde(default)]
    pub matched_types: u64,
    /// What else owns memory than maps.
    #[serde(flatten)]
    pub storage: Option<Storage>,
    /// Why the result is partial.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<String>,
    /// What each reason makes uncertain; every other figure is exact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial_scope: Vec<PartialScope>,
}

/// Whether a count is left out: there is nothing of its kind.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}
