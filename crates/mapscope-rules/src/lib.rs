//! The rules: evidence in, findings out.
//!
//! [`Evidence`] is plain data that a reader fills. [`findings`] asks every rule of [`RULES`] and sorts what they say. A
//! rule is one file under `rules/`; its doc comment is what `mapscope rule CODE` prints and what `docs/rules/` is
//! generated from ([`Rule::text`]).
//!
//! ```
//! use mapscope_heap::MapFigures;
//! use mapscope_rules::{Evidence, MapFacts, Severity, findings};
//!
//! let figures = MapFigures {
//!     entries: 40_112,
//!     slots: 14_680_064,
//!     table_bytes: 400 << 20,
//!     overflow_buckets: Some(9),
//!     ..MapFigures::default()
//! };
//! let map = MapFacts { owner: "main.sessions".into(), figures, remade_bytes: 2 << 20, ..MapFacts::default() };
//! let evidence = Evidence { live_bytes: 1 << 30, maps: vec![map].into(), ..Evidence::default() };
//! let found = findings(&evidence);
//! assert_eq!((found[0].rule, found[0].severity), ("GM001", Severity::High));
//! assert_eq!(found[0].reclaimable_bytes, 398 << 20);
//! ```
//!
//! No two findings promise the same bytes: of a map, the cause that says most about it counts alone (`state.rs`), and what a
//! finding frees as a whole no other has a part of (`sums.rs`).

mod alike;
mod evidence;
mod finding;
mod maps;
mod registry;
#[allow(clippy::tabs_in_doc_comments, reason = "Go is written with tabs")]
mod rules;
mod severity;
mod source_name;
mod state;
mod sums;
mod text;

pub use evidence::{
    CauseFacts, ClassFacts, ContextFacts, CycleFacts, Evidence, FieldOrder, FinalizerFacts, GrowthFacts, HandleFacts,
    HelperFacts, LeakFacts, LostFacts, MapFacts, MemoryFacts, NeverFacts, OtherFacts, PaddedFacts, PaddedMapFacts,
    PinnedFacts, PoolFacts, PoppedFacts, SliceFacts, StaleFacts, StringFacts, SuspectFacts, SyncMapFacts, TimerFacts,
};
pub use finding::{Finding, Severity};
pub use maps::Maps;
pub use registry::{RULES, Rule, findings, rule};
