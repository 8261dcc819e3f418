//! Who holds an object, and objects that reach each other.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PartialScope, Target};

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
    /// What each reason makes uncertain; every other figure is exact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial_scope: Vec<PartialScope>,
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
    /// What each reason makes uncertain; every other figure is exact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial_scope: Vec<PartialScope>,
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
