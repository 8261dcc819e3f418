//! What rules look at: figures that were counted, as plain data. Sizes are in bytes.

use std::sync::Arc;

use mapscope_heap::{FreedShare, MapFigures};

use crate::Maps;
use crate::severity::MIN_BYTES;

/// Everything that is known of one target.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// Slots of live objects.
    pub live_bytes: u64,
    /// Slots of objects that nothing reaches.
    pub garbage_bytes: u64,
    /// Live maps that are not torn.
    pub maps: Maps,
    /// `sync.Map`s of [`SyncMapFacts::MIN_ENTRIES`] or more.
    pub sync_maps: Vec<SyncMapFacts>,
    /// The handles of `runtime/cgo` that are not deleted; none where there are few.
    pub handles: Option<HandleFacts>,
    /// Contexts that nothing but their parents hold, by parent.
    pub contexts: Vec<ContextFacts>,
    /// Tables that only loops hold.
    pub stale_tables: Vec<StaleFacts>,
    /// Cycles of live objects that have a map among them.
    pub cycles: Vec<CycleFacts>,
    /// Arrays of slices, by the place of the slices.
    pub slices: Vec<SliceFacts>,
    /// Objects that only unused parts of arrays hold, by the place of the slices.
    pub popped: Vec<PoppedFacts>,
    /// Large objects that only small slices and strings keep, by place.
    pub pinned: Vec<PinnedFacts>,
    /// Texts of strings.
    pub strings: StringFacts,
    /// Where resident memory went; absent where that is not known.
    pub memory: Option<MemoryFacts>,
    /// Spans in use by the size of their slots.
    pub classes: Vec<ClassFacts>,
    /// Goroutines that nothing can wake any more, in groups with one stack.
    pub leaks: Vec<LeakFacts>,
    /// Goroutines of the standard library that wait until something is closed, by place.
    pub helpers: Vec<HelperFacts>,
    /// Finalizers and cleanups.
    pub finalizers: FinalizerFacts,
    /// Finalizers and cleanups that can never run.
    pub never_run: NeverFacts,
    /// Pools that hold something.
    pub pools: Vec<PoolFacts>,
    /// Timers, by what they call.
    pub timers: Vec<TimerFacts>,
    /// Parts of the heap that one way leads to.
    pub suspects: Vec<SuspectFacts>,
    /// Structs that another order of their fields makes smaller.
    pub padded: Vec<PaddedFacts>,
    /// Maps of two inspections of one program; none where there is one inspection.
    pub growth: Vec<GrowthFacts>,
    /// What frees whole objects, by number. Other facts say what of their bytes a cause frees (their `share`, `freed_by`).
    pub causes: Vec<CauseFacts>,
}

/// Something that, when it is mended, frees objects with all that they alone lead to: a leaked goroutine, a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CauseFacts {
    /// Bytes of the objects that it frees and no other cause does: each object counts for one cause.
    pub bytes: u64,
    /// A cause that frees some of what this one would free alone.
    pub outer: Option<u16>,
}

/// One map.
#[derive(Clone, Debug, Default)]
pub struct MapFacts {
    /// How a person would name it.
    pub owner: String,
    /// Its type.
    pub type_name: String,
    /// Its type was inferred.
    pub heuristic: bool,
    /// Its audit.
    pub figures: MapFigures,
    /// Bytes that would be freed with it.
    pub retained_bytes: u64,
    /// Bytes of its tables if it were made anew, with a hint of its entries.
    pub remade_bytes: u64,
    /// It was emptied with `clear`; absent when it does not say, as legacy maps do not.
    pub cleared: Option<bool>,
    /// Bytes of its tables if it were made anew without the entries whose element is zero; absent when there are none.
    pub without_zero_bytes: Option<u64>,
    /// Bytes of its entries as a slice of pairs, with what the slice's header takes more than the map's pointer. Only for
    /// maps with a single group.
    pub as_pairs_bytes: Option<u64>,
    /// Pointers to it in live objects.
    pub pointers: u64,
    /// Keys that point to objects which nothing but its entries holds.
    pub pinned_keys: u64,
    /// Bytes that would be freed with them.
    pub pinned_bytes: u64,
    /// What the order of fields of its key or element costs; absent when no order is better.
    pub padded: Option<Arc<PaddedMapFacts>>,
    /// Entries that are of no use; absent where there are none.
    pub lost: Option<LostFacts>,
    /// The cause that frees the whole map.
    pub freed_by: Option<u16>,
    /// The number that what only its keys hold has as a cause.
    pub keys_cause: Option<u16>,
}

/// Entries of a map that are of no use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LostFacts {
    /// Their keys are NaN; else their weak pointers lead to nothing.
    pub nan: bool,
    /// How many.
    pub entries: u64,
    /// Bytes of objects that would be freed with them.
    pub bytes: u64,
    /// Bytes of the map's tables if it were made anew without them.
    pub remade_bytes: u64,
    /// The number that those objects have as a cause.
    pub cause: Option<u16>,
}

/// A struct with its fields in the order that takes least.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldOrder {
    /// The struct.
    pub type_name: String,
    /// Its fields in that order.
    pub fields: Vec<String>,
    /// Its size as it is,
    pub size: u64,
    /// and in that order.
    pub best_size: u64,
}

/// A map whose key or element could be smaller.
#[derive(Clone, Debug, Default)]
pub struct PaddedMapFacts {
    /// Key and element, as far as another order makes them smaller.
    pub orders: Vec<FieldOrder>,
    /// Bytes of a slot now,
    pub slot_bytes: u64,
    /// and in those orders.
    pub best_slot_bytes: u64,
    /// What those orders save of a map made anew.
    pub savable_bytes: u64,
}

/// The live objects and arrays of a struct that could be smaller.
#[derive(Clone, Debug, Default)]
pub struct PaddedFacts {
    /// The struct, and what to do.
    pub order: FieldOrder,
    /// Values that are objects of their own.
    pub objects: u64,
    /// The slot of one as it is,
    pub slot_bytes: u64,
    /// and in that order.
    pub best_slot_bytes: u64,
    /// Values in arrays.
    pub elements: u64,
    /// What all of them would save.
    pub savable_bytes: u64,
    /// What of the savable bytes causes free.
    pub share: FreedShare,
}

/// The maps with one owner and type, in two inspections of one program.
#[derive(Clone, Debug, Default)]
pub struct GrowthFacts {
    /// How a person would name them.
    pub owner: String,
    /// Their type.
    pub type_name: String,
    /// The owner is a package's variable: nothing ends it but the program.
    pub package_level: bool,
    /// Entries in the earlier one,
    pub entries_before: u64,
    /// and in the later one.
    pub entries_after: u64,
    /// Bytes that would be freed with them, in the earlier one,
    pub retained_before: u64,
    /// and in the later one.
    pub retained_after: u64,
    /// One of them has a tombstone: entries are deleted from them.
    pub deleted_from: bool,
}

/// Live objects that reach each other, with a map among them.
#[derive(Clone, Debug, Default)]
pub struct CycleFacts {
    /// How a person would name the map, the largest if there are several.
    pub owner: String,
    /// Objects.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes that would be freed with the map.
    pub retained_bytes: u64,
    /// The pointer that leads back: `Member.room`.
    pub closing: String,
    /// The type of the map.
    pub type_name: String,
}

/// The handles of `runtime/cgo` that were made and not deleted.
#[derive(Clone, Debug, Default)]
pub struct HandleFacts {
    /// Handles.
    pub handles: u64,
    /// Bytes that would be freed if all were deleted.
    pub bytes: u64,
    /// Its number as a cause.
    pub cause: Option<u16>,
}

/// The children of contexts with one owner.
#[derive(Clone, Debug, Default)]
pub struct ContextFacts {
    /// How a person would name the parent's list of them: `main.root.children`.
    pub owner: String,
    /// Children, those included that something else holds.
    pub contexts: u64,
    /// Bytes of children, and of what they lead to, that nothing but the parent holds.
    pub bytes: u64,
    /// Its number as a cause.
    pub cause: Option<u16>,
}

impl ContextFacts {
    /// The type of a context's list of children.
    pub const CHILDREN: &'static str = "map[context.canceler]struct {}";
}

impl MapFacts {
    /// The owner without the number of its goroutine: maps of one place and type count together.
    pub fn place(owner: &str) -> &str {
        crate::alike::nameless(owner)
    }

    /// What is the matter with smaller tables is not worth a finding alone.
    pub const MIN_TABLE_BYTES: u64 = MIN_BYTES;
    /// Fewer bytes that only keys hold are not worth a finding, whether of one map or of all with one owner and type.
    pub const MIN_PINNED_BYTES: u64 = MIN_BYTES;

    /// What making it anew would free.
    pub fn reclaimable_bytes(&self) -> u64 {
        self.figures.table_bytes.saturating_sub(self.remade_bytes)
    }
}

/// One `sync.Map`.
#[derive(Clone, Debug, Default)]
pub struct SyncMapFacts {
    /// How a person would name it.
    pub owner: String,
    /// The type of a plain map that can hold the same.
    pub plain_type: String,
    /// Entries.
    pub entries: u64,
    /// Keys that were deleted and are still there.
    pub deleted: u64,
    /// What it is made of.
    pub structure_bytes: u64,
    /// Objects of keys and values that a plain map would have in its slots.
    pub box_bytes: u64,
    /// What the plain map would take.
    pub plain_bytes: u64,
    /// The cause that frees the whole map.
    pub freed_by: Option<u16>,
}

impl SyncMapFacts {
    /// The one that holds the handles of `runtime/cgo`.
    pub const HANDLES: &'static str = "runtime/cgo.handles";
    /// Smaller ones are not worth a lock that has to be thought of.
    pub const MIN_ENTRIES: u64 = 1000;
}

/// Tables that the loops of one function hold, and their maps have replaced.
#[derive(Clone, Debug, Default)]
pub struct StaleFacts {
    /// The loop: `goroutine 7 main.walk`.
    pub holder: String,
    /// How a person would name the map.
    pub map: String,
    /// Loops.
    pub loops: u64,
    /// Tables and their groups; bucket arrays, and lists of overflow buckets.
    pub objects: u64,
    /// Bytes that would be freed if the loops ended.
    pub bytes: u64,
    /// Its number as a cause.
    pub cause: Option<u16>,
}

/// The arrays of the slices in one place.
#[derive(Clone, Debug, Default)]
pub struct SliceFacts {
    /// The field, element or variable that holds the slices.
    pub place: String,
    /// Their type.
    pub type_name: String,
    /// Arrays.
    pub arrays: u64,
    /// Bytes within the slices' lengths.
    pub len_bytes: u64,
    /// Bytes within their capacities.
    pub cap_bytes: u64,
    /// Slots of the arrays less those of copies of just the length.
    pub savable_bytes: u64,
    /// What of the savable bytes causes free.
    pub share: FreedShare,
}

/// What the unused parts of the arrays of the slices in one place hold.
#[derive(Clone, Debug, Default)]
pub struct PoppedFacts {
    /// The field, element or variable that holds the slices.
    pub place: String,
    /// Their type.
    pub type_name: String,
    /// Arrays.
    pub arrays: u64,
    /// Objects.
    pub objects: u64,
    /// Bytes that would be freed with them.
    pub bytes: u64,
    /// Its number as a cause.
    pub cause: Option<u16>,
}

/// The objects that slices or strings in one place pin.
#[derive(Clone, Debug, Default)]
pub struct PinnedFacts {
    /// The field, element or variable that holds them.
    pub place: String,
    /// Their type.
    pub type_name: String,
    /// Further places that hold parts of the same objects.
    pub others: Vec<String>,
    /// Objects.
    pub objects: u64,
    /// Slices and strings that refer to them.
    pub references: u64,
    /// Bytes that are referred to.
    pub referred_bytes: u64,
    /// Bytes of the objects.
    pub object_bytes: u64,
    /// Bytes of the objects less the slots of copies of what is referred to.
    pub savable_bytes: u64,
    /// What of the savable bytes causes free.
    pub share: FreedShare,
}

/// Texts of strings.
#[derive(Clone, Debug, Default)]
pub struct StringFacts {
    /// Texts.
    pub count: u64,
    /// Different ones.
    pub distinct: u64,
    /// Objects that would be freed if equal texts were one.
    pub savable_bytes: u64,
    /// What of the savable bytes causes free.
    pub share: FreedShare,
    /// The place that holds most of the text that wastes most.
    pub place: String,
    /// Bytes that this text alone wastes.
    pub worst_bytes: u64,
    /// How many times it is there.
    pub worst_count: u64,
}

/// Where resident memory went.
#[derive(Clone, Debug, Default)]
pub struct MemoryFacts {
    /// All resident bytes.
    pub resident_bytes: u64,
    /// Spans that no object is in and that were not returned to the system.
    pub free_bytes: u64,
    /// What Go does not know.
    pub other_bytes: u64,
    /// The same by the mappings that it lies in, most bytes first.
    pub others: Vec<OtherFacts>,
}

/// Resident memory that Go does not know.
#[derive(Clone, Debug, Default)]
pub struct OtherFacts {
    /// What it is, in words.
    pub name: String,
    /// It is a mapped file.
    pub file: bool,
    /// Resident bytes.
    pub bytes: u64,
}

/// Spans whose slots have one size; resident bytes.
#[derive(Clone, Debug, Default)]
pub struct ClassFacts {
    /// Bytes of a slot.
    pub slot_bytes: u64,
    /// Spans.
    pub spans: u64,
    /// Slots, allocated or not.
    pub slots: u64,
    /// Allocated slots, live or garbage.
    pub used_slots: u64,
    /// Bytes of all slots.
    pub bytes: u64,
    /// Bytes of free slots and of the spans' tails.
    pub free_bytes: u64,
}

/// Leaked goroutines with one stack.
#[derive(Clone, Debug, Default)]
pub struct LeakFacts {
    /// As stack traces print it: `chan receive`.
    pub state: String,
    /// The innermost function outside the runtime.
    pub function: String,
    /// The function with the `go` statement that made them; empty when it is not known.
    pub created_by: String,
    /// Goroutines.
    pub count: u64,
    /// Bytes of their stacks.
    pub stack_bytes: u64,
    /// Bytes of objects that would be freed with them.
    pub retained_bytes: u64,
    /// Its number as a cause.
    pub cause: Option<u16>,
}

/// Goroutines of the standard library that wait until the program closes what they were started for.
#[derive(Clone, Debug, Default)]
pub struct HelperFacts {
    /// The innermost function outside the runtime.
    pub function: String,
    /// As stack traces print it: `select`.
    pub state: String,
    /// Goroutines.
    pub count: u64,
    /// All other goroutines of the program.
    pub others: u64,
    /// Bytes of their stacks.
    pub stack_bytes: u64,
    /// Bytes of objects that would be freed with them.
    pub retained_bytes: u64,
    /// Its number as a cause.
    pub cause: Option<u16>,
}

/// Finalizers and cleanups.
#[derive(Clone, Debug, Default)]
pub struct FinalizerFacts {
    /// Finalizers and cleanups whose object is dead and that have not been called.
    pub queued: u64,
    /// The function that most of the queued finalizers call; empty when it is not known.
    pub function: String,
    /// Bytes that nothing but finalizers and cleanups holds.
    pub held_bytes: u64,
    /// Its number as a cause.
    pub cause: Option<u16>,
    /// The calls that are going on: what was called, and the innermost function outside the runtime.
    pub running: Vec<(String, String)>,
}

/// Finalizers and cleanups that can never run.
#[derive(Clone, Debug, Default)]
pub struct NeverFacts {
    /// Finalizers whose object is kept by one that is, in the end, kept by it.
    pub finalizers: u64,
    /// Cleanups whose function or argument leads to their object.
    pub cleanups: u64,
    /// The type of most of the objects.
    pub type_name: String,
    /// Bytes of the objects and of what only they lead to; those inside each other may count for each.
    pub bytes: u64,
    /// Its number as a cause.
    pub cause: Option<u16>,
}

/// One `sync.Pool`.
#[derive(Clone, Debug, Default)]
pub struct PoolFacts {
    /// How a person would name it.
    pub owner: String,
    /// Type of its values; empty when there are several.
    pub type_name: String,
    /// Values in it.
    pub values: u64,
    /// What only pools keep alive.
    pub bytes: u64,
    /// What one value keeps alive: the least and the most.
    pub value_bytes: (u64, u64),
    /// Its number as a cause.
    pub cause: Option<u16>,
}

/// The timers that call one function.
#[derive(Clone, Debug, Default)]
pub struct TimerFacts {
    /// The function: for `time.AfterFunc` the one it was given, for a channel `time.sendTime`.
    pub function: String,
    /// They fire again and again.
    pub periodic: bool,
    /// Timers that are set, or still in a processor's heap.
    pub timers: u64,
    /// Of those, the ones in a heap that will fire.
    pub pending: u64,
    /// Of those, the ones that were stopped.
    pub zombies: u64,
    /// Bytes that they retain, each by itself.
    pub bytes: u64,
    /// Its number as a cause.
    pub cause: Option<u16>,
}

/// A part of the heap that one way leads to.
#[derive(Clone, Debug, Default)]
pub struct SuspectFacts {
    /// The way, from the holder down.
    pub path: Vec<String>,
    /// Objects at its end.
    pub count: u64,
    /// Bytes that would be freed without it.
    pub retained_bytes: u64,
}
