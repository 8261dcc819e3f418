//! A profile as plain data. Parts refer to each other by index, and strings that are the same share their memory.

use std::sync::Arc;

/// What is measured, and in what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ValueType {
    /// `inuse_space`.
    pub kind: Arc<str>,
    /// `bytes`, `count`, `nanoseconds`.
    pub unit: Arc<str>,
}

/// A mapped file of the target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mapping {
    /// First address.
    pub start: u64,
    /// One past the last address.
    pub limit: u64,
    /// Offset of `start` in the file, in bytes.
    pub offset: u64,
    /// The file; `[vdso]` and the like where there is none.
    pub file: Arc<str>,
    /// Identifies the build of the file, in hexadecimal; empty when it has none.
    pub build_id: Arc<str>,
    /// All locations in it have their functions, so that none need be looked up.
    pub has_functions: bool,
}

/// A function.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Function {
    /// Its name, for people.
    pub name: Arc<str>,
    /// Its name, as the linker knows it.
    pub system_name: Arc<str>,
    /// Its source file.
    pub file: Arc<str>,
    /// Line of its declaration; 0 when it is not known.
    pub start_line: i64,
}

/// A line of source that a location stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Line {
    /// Index into [`Profile::functions`].
    pub function: usize,
    /// The line; 0 when it is not known.
    pub line: i64,
}

/// An instruction.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Location {
    /// Its address in the target.
    pub address: u64,
    /// Index into [`Profile::mappings`].
    pub mapping: Option<usize>,
    /// Where it is in the source: the innermost inlined call first, the function itself last.
    pub lines: Vec<Line>,
}

/// What a sample is marked with: a text, or a number of some unit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Label {
    /// Its name.
    pub key: Arc<str>,
    /// The text; empty when it is a number.
    pub text: Arc<str>,
    /// The number.
    pub number: i64,
    /// Unit of the number; empty for the key's own.
    pub unit: Arc<str>,
}

/// Values measured at one stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sample {
    /// Indices into [`Profile::locations`], innermost call first.
    pub stack: Vec<usize>,
    /// One for each of [`Profile::sample_types`].
    pub values: Vec<i64>,
    /// What sets it apart from other samples of its stack.
    pub labels: Vec<Label>,
}

/// A profile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// What the values of each sample are.
    pub sample_types: Vec<ValueType>,
    /// Name of the sample type that is shown first; empty for the last.
    pub default_sample_type: Arc<str>,
    /// The samples.
    pub samples: Vec<Sample>,
    /// Mapped files, the executable first.
    pub mappings: Vec<Mapping>,
    /// Instructions.
    pub locations: Vec<Location>,
    /// Functions.
    pub functions: Vec<Function>,
    /// What is counted between two samples.
    pub period_type: Option<ValueType>,
    /// How much of it lies between two samples, on average.
    pub period: i64,
    /// When the profile was taken, in nanoseconds since 1970; 0 when it does not say.
    pub time_nanos: i64,
    /// Over how long, in nanoseconds; 0 for a moment.
    pub duration_nanos: i64,
    /// Remarks for people.
    pub comments: Vec<Arc<str>>,
}

impl Profile {
    /// The sum of the values of one sample type; sums that do not fit saturate.
    pub fn total(&self, sample_type: usize) -> i64 {
        let values = self.samples.iter().filter_map(|s| s.values.get(sample_type));
        values.fold(0, |sum, value| sum.saturating_add(*value))
    }

    /// The lines of a sample's stack, innermost first: function and line of source.
    pub fn frames<'p>(&'p self, sample: &'p Sample) -> impl Iterator<Item = (&'p Function, i64)> {
        let locations = sample.stack.iter().filter_map(|index| self.locations.get(*index));
        let lines = locations.flat_map(|location| &location.lines);
        lines.filter_map(|line| Some((self.functions.get(line.function)?, line.line)))
    }
}
