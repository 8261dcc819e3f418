//! What changed between inspections.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FindingRow, PartialScope, Target};

/// `mapscope diff --format json`: two or more inspections next to each other, by name.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Diff {
    /// Names this contract: `mapscope.diff/1`.
    pub schema: String,
    /// What is compared, in the order given: the first is `before`, the last `after`.
    pub inspections: Vec<DiffInspection>,
    /// What cannot be compared, and what to keep in mind: one sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What the rules say of the growth.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<FindingRow>,
    /// Totals first, then what changed by most bytes.
    pub rows: Vec<DiffRow>,
    /// Rows before filters and limits.
    pub total_rows: u64,
    /// Why the inspections are partial, with the name of each in front.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial: Vec<String>,
    /// What each reason makes uncertain; every other figure is exact.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partial_scope: Vec<PartialScope>,
}

/// One of the inspections that are compared.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct DiffInspection {
    /// Where it came from: the path of a file, or `pid 21291`.
    pub source: String,
    /// What was examined.
    pub target: Target,
}

/// What a row is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RowKind {
    /// A part of memory, or a total of the heap.
    #[default]
    Total,
    /// The maps of one owner and type.
    Map,
    /// Live objects of one type.
    Type,
    /// A variable, or what else holds live objects from outside the heap.
    Holder,
    /// Goroutines that began with one function and hold something.
    Goroutine,
}

/// What became of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every figure is within a hundredth of what it was.
    #[default]
    Steady,
    /// Only in the last inspection.
    New,
    /// Only in an earlier one.
    Gone,
    /// More than before.
    Grew,
    /// More than before, as much in every span of time: see `growth`.
    GrowsLinearly,
    /// More than before, in step with something else: see `growth`. Heuristic.
    GrowsWith,
    /// Less than before.
    Shrank,
    /// A map with at most a quarter of its entries left, in as many slots as before.
    Drained,
    /// A map that was being written in one of the inspections, and has no figures there.
    Torn,
    /// One of the inspections was saved with a limit that may have left it out.
    Unlisted,
}

/// Something that is in at least one of the inspections.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DiffRow {
    /// `total`, `map`, `type`, `holder` (a variable, or what the runtime holds) or `goroutine` (those that began with one
    /// function and hold something).
    #[schemars(with = "String")]
    pub kind: RowKind,
    /// Owner of the maps, name of the type, holder or part of memory. Numbers of goroutines and addresses are left out of
    /// names, for they are others each time.
    pub name: String,
    /// The maps' type.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// The type or the identity of one of the maps was inferred, not read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub heuristic: bool,
    /// `new`, `gone`, `steady`, `grew`, `shrank`, `drained`, `grows-linearly`, `grows-with`, `torn` (no figures in one of
    /// the inspections) or `unlisted` (a limit may have left it out of one).
    #[schemars(with = "String")]
    pub verdict: Verdict,
    /// In the first inspection; absent when it is not there, or not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<DiffFigures>,
    /// In the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<DiffFigures>,
    /// After less before. What is not there counts as nothing; what is not known has no change.
    pub change: DiffChange,
    /// In each inspection that has it, the first and the last included, when there are three or more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub series: Vec<DiffPoint>,
    /// What it grows in step with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub growth: Vec<Growth>,
}

/// The figures of a row in one inspection. Those that do not apply are absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiffFigures {
    /// Maps that the row stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maps: Option<u64>,
    /// Entries of maps, objects of a type, holders, goroutines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Slots of maps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slots: Option<u64>,
    /// Table bytes of maps, bytes of a type's objects, bytes of a part of memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Bytes that would be freed with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retained_bytes: Option<u64>,
    /// Table bytes that maps made anew would save.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reclaimable_bytes: Option<u64>,
}

/// Differences of the figures of the same names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiffChange {
    /// Of `count`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<i64>,
    /// Of `bytes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<i64>,
    /// Of `retained_bytes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retained_bytes: Option<i64>,
}

/// The figures of a row in one of many inspections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiffPoint {
    /// Index in `inspections`.
    pub inspection: u64,
    /// The figures there.
    #[serde(flatten)]
    pub figures: DiffFigures,
}

/// What something grows in step with.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Growth {
    /// `time`, `map` (entries), `type` (live objects) or `goroutine`.
    pub with: String,
    /// The name of that map, type or group of goroutines.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The type of that map.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub type_name: Option<String>,
    /// What is counted: `count`, or the bytes of what has no number.
    pub figure: String,
    /// How much the figure grows in a second, or with each one of the other.
    pub ratio: f64,
    /// How much of the figure's variation a straight line explains, 0 to 1; absent where the ratio is the same throughout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r_squared: Option<f64>,
    /// Concluded from numbers that agree, which can have another cause.
    pub heuristic: bool,
}
