//! Makes a profile piece by piece, each function, location and text once.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::model::{Function, Label, Line, Location, Mapping, Profile, Sample, ValueType};

/// A line of a stack, as it is given to [`Builder::location`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frame<'f> {
    /// The function's name.
    pub function: &'f str,
    /// Its source file.
    pub file: &'f str,
    /// The line that runs; 0 when it is not known.
    pub line: i64,
    /// Line of the function's declaration; 0 when it is not known.
    pub start_line: i64,
}

/// Makes a [`Profile`].
#[derive(Debug, Default)]
pub struct Builder {
    profile: Profile,
    texts: FxHashSet<Arc<str>>,
    functions: FxHashMap<Function, usize>,
    locations: FxHashMap<Location, usize>,
}

impl Builder {
    /// An empty profile whose samples have a value of each of these types: (kind, unit).
    pub fn new<'t>(sample_types: impl IntoIterator<Item = (&'t str, &'t str)>) -> Self {
        let mut builder = Self::default();
        for (kind, unit) in sample_types {
            let value_type = builder.value_type(kind, unit);
            builder.profile.sample_types.push(value_type);
        }
        builder
    }

    /// Says how much of what lies between two samples, on average.
    pub fn period(&mut self, kind: &str, unit: &str, period: i64) {
        self.profile.period_type = Some(self.value_type(kind, unit));
        self.profile.period = period;
    }

    /// Says when the profile was taken, in nanoseconds since 1970.
    pub fn time(&mut self, nanoseconds: i64) {
        self.profile.time_nanos = nanoseconds;
    }

    /// Names the sample type that is shown first.
    pub fn show_first(&mut self, kind: &str) {
        self.profile.default_sample_type = self.text(kind);
    }

    /// Adds a remark for people.
    pub fn comment(&mut self, text: &str) {
        let text = self.text(text);
        self.profile.comments.push(text);
    }

    /// Adds a mapped file; the result is its index.
    pub fn mapping(&mut self, mapping: Mapping) -> usize {
        self.profile.mappings.push(mapping);
        self.profile.mappings.len() - 1
    }

    /// The index of a location, added when it is new. `frames`: the innermost inlined call first.
    pub fn location<'f>(
        &mut self,
        address: u64,
        mapping: Option<usize>,
        frames: impl IntoIterator<Item = Frame<'f>>,
    ) -> usize {
        let lines = frames.into_iter().map(|f| Line { function: self.function(&f), line: f.line }).collect();
        let location = Location { address, mapping, lines };
        let next = self.profile.locations.len();
        *self.locations.entry(location).or_insert_with_key(|location| {
            self.profile.locations.push(location.clone());
            next
        })
    }

    /// Adds a sample: indices of its locations, innermost first, and one value for each sample type.
    pub fn sample(&mut self, stack: Vec<usize>, values: Vec<i64>, labels: Vec<Label>) {
        debug_assert_eq!(values.len(), self.profile.sample_types.len());
        self.profile.samples.push(Sample { stack, values, labels });
    }

    /// The profile.
    pub fn build(self) -> Profile {
        self.profile
    }

    /// The one copy of a text.
    pub fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.texts.insert(new.clone());
        new
    }

    fn value_type(&mut self, kind: &str, unit: &str) -> ValueType {
        ValueType { kind: self.text(kind), unit: self.text(unit) }
    }

    fn function(&mut self, frame: &Frame<'_>) -> usize {
        let name = self.text(frame.function);
        let file = self.text(frame.file);
        let function = Function { system_name: name.clone(), name, file, start_line: frame.start_line };
        let next = self.profile.functions.len();
        *self.functions.entry(function).or_insert_with_key(|function| {
            self.profile.functions.push(function.clone());
            next
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_same_is_kept_once() {
        let mut builder = Builder::new([("objects", "count")]);
        let outer = Frame { function: "main.main", file: "main.go", line: 9, start_line: 1 };
        let inner = Frame { function: "main.leaf", line: 20, ..outer };
        let (a, b) = (builder.location(1, None, [inner, outer]), builder.location(1, None, [inner, outer]));
        let c = builder.location(2, None, [Frame { line: 10, ..outer }]);
        assert_eq!((a, b, c), (0, 0, 1));
        builder.sample(vec![a], vec![3], Vec::new());
        builder.sample(vec![c], vec![4], Vec::new());
        let profile = builder.build();
        assert_eq!((profile.functions.len(), profile.locations.len()), (2, 2));
        assert_eq!(profile.total(0), 7);
        let names: Vec<_> = profile.frames(&profile.samples[0]).map(|(f, line)| (&*f.name, line)).collect();
        assert_eq!(names, [("main.leaf", 20), ("main.main", 9)]);
        assert!(Arc::ptr_eq(&profile.functions[0].file, &profile.functions[1].file));
    }
}
