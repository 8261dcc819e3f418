//! The data every view shows, and the JSON contract (`docs/schema/`). Fields are only ever added.
//! Bytes are integers; a figure that does not apply is absent, never zero.

mod dominators;

pub use dominators::{DominatorList, DominatorNode, HolderRow, LargestObject, Omitted, Suspect};

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
    /// Totals of the Go heap.
    pub heap: Heap,
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
    pub maps: Vec<MapRow>,
    /// Why the result is partial: one sentence for each reason. Absent when the result is whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<String>,
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
    /// The Go version of the binary, as it names itself (`go1.27.3`).
    pub go_version: String,
    /// `swiss` or `legacy`.
    pub map_impl: String,
    /// No DWARF and no symbol table in the binary.
    pub stripped: bool,
    /// How long the target was stopped, in milliseconds; absent for a core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused_ms: Option<f64>,
    /// How long reading and analysing took, in milliseconds.
    pub read_ms: f64,
}

/// Where memory went, in bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct MemoryUse {
    /// Resident set of the process; absent for a core.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rss_bytes: Option<u64>,
    /// Slots of reachable objects.
    pub heap_live_bytes: u64,
    /// Allocated slots that nothing reaches.
    pub heap_garbage_bytes: u64,
    /// Free slots and tails of spans in use.
    pub heap_fragmentation_bytes: u64,
    /// Spans that are idle and were not returned to the system; absent when not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heap_free_bytes: Option<u64>,
    /// Goroutine stacks.
    pub stacks_bytes: u64,
    /// The runtime's own metadata: spans, caches, bitmaps, profiles; absent when not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_bytes: Option<u64>,
    /// Pages of the executable and its libraries; absent when not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binary_bytes: Option<u64>,
    /// What Go does not know: cgo, mmap; absent when not measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_bytes: Option<u64>,
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

/// Live objects of one type.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct TypeRow {
    /// The type, named as Go's reflection names it; `(unknown)` for objects without one.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Objects.
    pub count: u64,
    /// Bytes of their slots.
    pub shallow_bytes: u64,
    /// Bytes that would be freed with all of them, but for what only several of them hold together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retained_bytes: Option<u64>,
}

/// One live map and its audit. The figures are absent when the map is torn.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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
    /// Why the result is partial.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<String>,
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
    pub maps: Vec<MapRow>,
    /// Maps in the target before filters.
    pub total_maps: u64,
    /// Maps that passed the filters; more than `maps` holds when a limit was asked for.
    #[serde(default)]
    pub matched_maps: u64,
    /// Why the result is partial.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<String>,
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
    /// Why the result is partial.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<String>,
}

/// `mapscope path --format json`: who holds an object, or the objects of a type.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct PathReport {
    /// Names this contract: `mapscope.path/1`.
    pub schema: String,
    /// What was examined.
    pub target: Target,
    /// What was asked for, as it was typed.
    pub query: String,
    /// The object, when an address was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<PathSubject>,
    /// The objects, when a type was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub objects: Option<PathObjects>,
    /// Kinds of roots that were left out: `global`, `stack`, `finalizer`, `cleanup`, `runtime`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<String>,
    /// Of an object, a shortest path from each kind of root that reaches it. Of a type, the paths of its objects, most
    /// bytes first.
    pub paths: Vec<PathRow>,
    /// Paths found; more than `paths` holds when a limit was asked for.
    pub total_paths: u64,
    /// Why the result is partial.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<String>,
}

/// The object that a path was asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct PathSubject {
    /// The object.
    #[serde(flatten)]
    pub object: PathObject,
    /// Bytes from its start to the address that was asked for.
    pub offset: u64,
    /// A root leads to it. If not, it is garbage that the collector has not freed yet.
    pub live: bool,
    /// Garbage: how many other objects, garbage as well, point to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub garbage_referrers: Option<u64>,
    /// The first of those.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub referrers: Vec<PathObject>,
}

/// The objects that paths were asked for.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct PathObjects {
    /// Their types.
    pub types: Vec<String>,
    /// Live objects of these types.
    pub count: u64,
    /// Bytes of their slots.
    pub shallow_bytes: u64,
    /// Objects among them that only roots of excluded kinds reach.
    pub excluded_count: u64,
    /// Bytes of those.
    pub excluded_bytes: u64,
}

/// A path from a root: of one object, or of all objects whose paths have the same root and the same steps.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct PathRow {
    /// Kind of the root: `global`, `stack`, `finalizer`, `cleanup` or `runtime`. Absent when paths of a type were so many
    /// that the rest is one row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// The root: a variable, the frame of a goroutine, or what the runtime holds.
    pub root: String,
    /// The whole path as text.
    pub path: String,
    /// The object that the root itself points to; absent when a step leads there, and for paths of a type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<PathObject>,
    /// What leads from the root to the object.
    pub steps: Vec<PathStep>,
    /// Paths of a type: objects with this path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Paths of a type: bytes of their slots.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shallow_bytes: Option<u64>,
}

/// One step of a path: a field, an element, a captured variable.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct PathStep {
    /// `Registry.items`, `map value`, `map key`, `slice element`, `array element`, `channel element`,
    /// `interface content`, `{captured}`, `map internals`.
    pub label: String,
    /// Whole name of the struct type that has the field; absent for other steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner_type: Option<String>,
    /// The object that the step leads to; absent for a place inside an object, and for paths of a type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object: Option<PathObject>,
    /// The step is taken so many times in a row, at most where paths were put together; absent when it is once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// The fewest times, where paths of several lengths were put together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times_from: Option<u64>,
    /// So many steps, this one the last, are repeated together; absent when it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<u64>,
    /// Longer ways come back to this step, and were put together with those that do not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub returns: bool,
}

/// An object on a path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PathObject {
    /// Its address, in hexadecimal.
    pub addr: String,
    /// Its type; `(unknown)` without one.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Bytes of its slot.
    pub shallow_bytes: u64,
    /// Bytes that would be freed with it; absent when not worked out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retained_bytes: Option<u64>,
}

/// `mapscope cycles --format json`: live objects that reach each other.
///
/// A cycle is no leak: the collector frees it when nothing outside leads to it. One entry that is reached keeps all of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct CycleList {
    /// Names this contract: `mapscope.cycles/1`.
    pub schema: String,
    /// What was examined.
    pub target: Target,
    /// Groups of objects that all reach each other, most bytes first.
    pub cycles: Vec<CycleRow>,
    /// Groups that hold a map; more than `cycles` holds when a limit was asked for.
    pub with_map: u64,
    /// Groups without a map; listed when all were asked for.
    pub without_map: u64,
    /// Groups without a map are listed too.
    pub all: bool,
    /// Why the result is partial.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<String>,
}

/// Objects that all reach each other.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct CycleRow {
    /// Objects.
    pub objects: u64,
    /// Bytes of their slots.
    pub shallow_bytes: u64,
    /// Maps among them.
    pub map_count: u64,
    /// The first of these maps, most table bytes first.
    pub maps: Vec<CycleMap>,
    /// Where the cycle is entered: its object that is nearest to a root.
    pub entry: PathObject,
    /// How a person would name that.
    pub owner: String,
    /// A shortest cycle through the first map, or else through the entry, as text.
    pub path: String,
    /// Its steps, from the entry back to it.
    pub steps: Vec<PathStep>,
    /// The pointer of that cycle that leads back to the entry.
    pub closing: ClosingEdge,
}

/// A map in a cycle.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct CycleMap {
    /// Address of its header, in hexadecimal.
    pub addr: String,
    /// How a person would name it.
    pub owner: String,
    /// Its type.
    #[serde(rename = "type")]
    pub type_name: String,
}

/// The pointer that makes a cycle of a way.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct ClosingEdge {
    /// The object that has it.
    pub from: PathObject,
    /// Where in that object: `Child.parent`.
    pub field: String,
    /// The object that it leads back to.
    pub to: PathObject,
}
