//! Which figures a reason for being partial makes uncertain.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Figures that stand or fall together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// Which slots are allocated: objects and their bytes, fragmentation.
    Objects,
    /// What is reachable: live objects and bytes, garbage, roots.
    Live,
    /// The rows of types.
    Types,
    /// The list of maps, and what their rows count.
    Maps,
    /// The names of what holds objects, and the paths to them.
    Owners,
    /// Retained bytes, of whatever.
    Retained,
    /// How many goroutines there are, and what each of them does.
    Goroutines,
    /// Which goroutines are leaked.
    Leaks,
    /// The heap profile, and where live objects were allocated.
    Profile,
    /// The parts of resident memory, but for the division of objects into live ones and garbage.
    Memory,
    /// Of those parts, stacks, the runtime's own and what Go does not know.
    RuntimeMemory,
    /// Slices, strings, channels, pools, timers, finalizers.
    Storage,
    /// What rules find.
    Findings,
    /// Something that a newer mapscope knows.
    #[serde(other)]
    Other,
}

impl Figure {
    /// All that a result has.
    pub const ALL: [Self; 13] = [
        Self::Objects,
        Self::Live,
        Self::Types,
        Self::Maps,
        Self::Owners,
        Self::Retained,
        Self::Goroutines,
        Self::Leaks,
        Self::Profile,
        Self::Memory,
        Self::RuntimeMemory,
        Self::Storage,
        Self::Findings,
    ];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Objects => "objects",
            Self::Live => "live bytes",
            Self::Types => "types",
            Self::Maps => "maps",
            Self::Owners => "owners",
            Self::Retained => "retained bytes",
            Self::Goroutines => "goroutines",
            Self::Leaks => "leaks",
            Self::Profile => "allocation sites",
            Self::Memory => "parts of memory",
            Self::RuntimeMemory => "the runtime's part of memory",
            Self::Storage => "slices, strings and the like",
            Self::Findings => "findings",
            Self::Other => "other figures",
        }
    }
}

/// A reason for being partial with what it makes uncertain: those figures may be others; every figure that no reason
/// names is exact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartialScope {
    /// One of the sentences of `partial`.
    pub reason: String,
    /// What it makes uncertain.
    pub figures: Vec<Figure>,
}

/// The reasons of a document. One that does not say what it is about, as those of an earlier mapscope, is about all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Uncertain<'d> {
    /// The sentences.
    pub partial: &'d [String],
    /// What they are about.
    pub scope: &'d [PartialScope],
}

impl<'d> Uncertain<'d> {
    /// What a sentence makes uncertain.
    pub fn figures(&self, sentence: &str) -> &'d [Figure] {
        self.scope.iter().find(|row| row.reason == sentence).map_or(&Figure::ALL, |row| &row.figures)
    }

    /// What a sentence makes uncertain, for people: `maps, findings`, or `all figures`.
    pub fn about(&self, sentence: &str) -> String {
        let figures = self.figures(sentence);
        if Figure::ALL.iter().all(|figure| figures.contains(figure)) {
            return "all figures".to_owned();
        }
        figures.iter().map(|figure| figure.name()).collect::<Vec<_>>().join(", ")
    }

    /// Why one of the figures is uncertain: the sentences that say so.
    pub fn why(&self, figures: &[Figure]) -> Vec<&'d str> {
        let about = |sentence: &&String| self.figures(sentence).iter().any(|figure| figures.contains(figure));
        self.partial.iter().filter(about).map(String::as_str).collect()
    }

    /// Whether the figure is uncertain.
    pub fn has(&self, figure: Figure) -> bool {
        !self.why(&[figure]).is_empty()
    }
}

macro_rules! partial_documents {
    ($($document:ty),*) => {$(
        impl $document {
            /// Why it is partial, and what is uncertain for it.
            pub fn uncertain(&self) -> Uncertain<'_> {
                Uncertain { partial: &self.partial, scope: &self.partial_scope }
            }
        }
    )*};
}

partial_documents!(
    super::CycleList,
    super::Diff,
    super::DominatorList,
    super::GateReport,
    super::GoroutineList,
    super::HeldGraph,
    super::Inspection,
    super::MapDetail,
    super::MapList,
    super::PathReport,
    super::TypeList
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_touches_what_it_says_and_one_that_says_nothing_all() {
        let partial = ["a".to_owned(), "b".to_owned()];
        let scope = [PartialScope { reason: "b".into(), figures: vec![Figure::Maps, Figure::Findings] }];
        let old = Uncertain { partial: &partial, scope: &scope };
        assert_eq!(old.why(&[Figure::Live]), ["a"]);
        assert_eq!(old.why(&[Figure::Live, Figure::Maps]), ["a", "b"]);
        let new = Uncertain { partial: &partial[1..], scope: &scope };
        assert!(new.has(Figure::Maps) && !new.has(Figure::Live));
    }

    #[test]
    fn a_figure_of_a_newer_mapscope_is_read() {
        let row: PartialScope = serde_json::from_str(r#"{"reason":"x","figures":["moons","live"]}"#).expect("a row");
        assert_eq!(row.figures, [Figure::Other, Figure::Live]);
    }
}
