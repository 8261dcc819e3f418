//! Views of an inspection: what a person reads in a terminal or a browser, and the JSON that scripts read.
//!
//! [`model`] is the contract: plain data that any analysis can fill. The views take it and nothing else.
//!
//! ```
//! use mapscope_report::model::{MapFigures, MapList, MapRow};
//! use mapscope_report::{TextOptions, text};
//!
//! let figures = MapFigures { entries: 40_112, slots: 14_680_064, groups: 1_835_008, ..MapFigures::default() };
//! let row = MapRow { owner: "main.sessions".into(), figures: Some(figures), ..MapRow::default() };
//! let list = MapList { maps: vec![row].into(), total_maps: 1, matched_maps: 1, ..MapList::default() };
//! assert!(text::maps(&list, &TextOptions::default()).contains("14,680,064"));
//! ```
//!
//! Text carries ANSI styles; a writer that strips them (`anstream`) decides whether they are seen. Strings that come
//! from the target are made harmless first: a type name cannot move the reader's cursor.

mod diff;
mod gate;
mod html;
mod json;
mod junit;
mod markdown;
pub mod model;
mod moments;
mod sarif;
pub mod text;

pub use diff::{Grower, Inspected, diff, growers};
pub use gate::budget_summary;
pub use html::html;
pub use json::{
    CAPTURE_SCHEMA, CYCLES_SCHEMA, DIFF_SCHEMA, DOMINATORS_SCHEMA, GATE_SCHEMA, GOROUTINES_SCHEMA, HELD_SCHEMA,
    INSPECT_SCHEMA, LAYOUT_SCHEMA, MAP_SCHEMA, MAPS_SCHEMA, PATH_SCHEMA, RULE_SCHEMA, RULES_SCHEMA, SIZE_SCHEMA,
    TYPES_SCHEMA, schemas, to_json, write_json,
};
pub use junit::junit;
pub use markdown::markdown;
pub use moments::{rfc3339, seconds};
pub use sarif::sarif;
pub use text::TextOptions;
