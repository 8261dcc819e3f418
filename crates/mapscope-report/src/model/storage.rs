//! What else owns memory than maps. Every list is absent when it is empty; sizes are bytes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What slices, strings, channels, pools, timers and finalizers hold, as part of `mapscope types`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Storage {
    /// Live bytes that were looked into, or have no pointers: the rest is of unknown type.
    pub looked_at_bytes: u64,
    /// Arrays by the place of their slices, most unused bytes first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slices: Vec<SliceRow>,
    /// Large objects that only small slices and strings keep, by place, most pinned bytes first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pinned: Vec<PinnedRow>,
    /// Strings, and those that are there more than once; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strings: Option<StringTotals>,
    /// Channels by type, most bytes of buffers first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<ChannelRow>,
    /// Every `sync.Pool` that holds something, most bytes first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pools: Vec<PoolRow>,
    /// Timers; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timers: Option<TimerTotals>,
    /// Finalizers and cleanups; absent when there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finalizers: Option<FinalizerTotals>,
}

/// The arrays of the slices in one place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SliceRow {
    /// The field, element or variable that holds the slices: `main.Session.buf`.
    pub place: String,
    /// Their type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Arrays, each once however many slices share it.
    pub arrays: u64,
    /// From the first byte to the last that one of an array's slices has in its length.
    pub len_bytes: u64,
    /// From the first byte to the last that one of an array's slices could grow to.
    pub cap_bytes: u64,
    /// `cap_bytes` less `len_bytes`.
    pub unused_bytes: u64,
}

/// The objects pinned from one place: every pointer to them is that of a slice or string that refers to a part, and all
/// of them together refer to at most half.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PinnedRow {
    /// The field, element or variable that holds the slices or strings: `main.Token.text`.
    pub place: String,
    /// Their type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Objects.
    pub objects: u64,
    /// Slices and strings that refer to them.
    pub references: u64,
    /// Bytes that at least one of those refers to.
    pub referred_bytes: u64,
    /// Bytes of the objects.
    pub object_bytes: u64,
    /// `object_bytes` less `referred_bytes`.
    pub pinned_bytes: u64,
}

/// Strings in the heap. A text that several strings share counts once; strings in the binary do not count.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StringTotals {
    /// Texts.
    pub count: u64,
    /// Their lengths.
    pub bytes: u64,
    /// Different texts.
    pub distinct: u64,
    /// Their lengths.
    pub distinct_bytes: u64,
    /// Texts that are there more than once.
    pub duplicated: u64,
    /// Bytes of objects that would be freed if equal texts were one. Parts of larger objects do not count.
    pub savable_bytes: u64,
    /// Texts that are there more than once, most savable bytes first; at most a hundred.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<StringRow>,
}

/// One text that is in the heap more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StringRow {
    /// Length of the text.
    pub len: u64,
    /// How many times it is there.
    pub count: u64,
    /// Bytes of objects that would be freed if it were there once.
    pub savable_bytes: u64,
    /// The field, element or variable that holds most of them.
    pub place: String,
    /// Its first 64 bytes, escaped as in Go; only with `--show-values`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// The live channels of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChannelRow {
    /// The type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Channels.
    pub count: u64,
    /// Of those, closed ones.
    pub closed: u64,
    /// Elements that their buffers have room for.
    pub capacity: u64,
    /// Elements in their buffers.
    pub queued: u64,
    /// Bytes of their buffers.
    pub buffer_bytes: u64,
    /// Goroutines that wait to receive; one that waits in a `select` waits at each of its channels.
    pub receivers: u64,
    /// Goroutines that wait to send.
    pub senders: u64,
    /// Channels caught in the middle of a change: the other figures are without them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub torn: u64,
}

/// One `sync.Pool`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PoolRow {
    /// How a person would name it: `main.buffers`.
    pub owner: String,
    /// Type of its values; empty when there are several.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Values that were put back since the last collection.
    pub local: u64,
    /// Values that the next collection drops unless they are asked for.
    pub victim: u64,
    /// What only pools keep alive, of what was put back since the last collection.
    pub local_bytes: u64,
    /// What only pools keep alive, of what the next collection drops.
    pub victim_bytes: u64,
}

/// All timers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimerTotals {
    /// By function, most first.
    pub functions: Vec<TimerRow>,
    /// The heap of each processor that has timers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heaps: Vec<TimerHeapRow>,
}

/// The timers that call one function.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimerRow {
    /// The function: for `time.AfterFunc` the one it was given; `time.sendTime` is the channel of a timer or ticker,
    /// `runtime.goroutineReady` a `time.Sleep`.
    pub function: String,
    /// They fire again and again.
    pub periodic: bool,
    /// In a heap, and will fire.
    pub pending: u64,
    /// Set, but in no heap, for nobody waits for the channel (from Go 1.23).
    pub unwatched: u64,
    /// Stopped, but still in a heap.
    pub zombies: u64,
    /// Live, but not set: stopped, or fired.
    pub stopped: u64,
}

/// The heap of timers of one processor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TimerHeapRow {
    /// Number of the processor.
    pub processor: u64,
    /// Timers in it.
    pub timers: u64,
    /// Of those, stopped ones.
    pub zombies: u64,
}

/// Finalizers and cleanups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FinalizerTotals {
    /// Objects with a finalizer or a cleanup, by type, most first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<FinalizerRow>,
    /// Finalizers whose object is dead and that have not been called.
    pub queued_finalizers: u64,
    /// Cleanups whose object is dead and that have not been called.
    pub queued_cleanups: u64,
    /// The queued finalizers by function, most first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub queued: Vec<QueuedRow>,
    /// Calls of finalizers and cleanups that are going on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub running: Vec<RunningRow>,
}

/// Objects of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FinalizerRow {
    /// The type; `(unknown)` when it is not known.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Finalizers.
    pub finalizers: u64,
    /// Cleanups; an object may have several.
    pub cleanups: u64,
}

/// Finalizers in the queue that call one function.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QueuedRow {
    /// The function.
    pub function: String,
    /// How many.
    pub count: u64,
}

/// A goroutine of the runtime in the middle of a finalizer or cleanup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunningRow {
    /// Number of the goroutine.
    pub goroutine: u64,
    /// It is a cleanup.
    pub cleanup: bool,
    /// The function that was called.
    pub function: String,
    /// The innermost function outside the runtime.
    pub inside: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}
