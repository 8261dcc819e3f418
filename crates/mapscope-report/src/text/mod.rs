//! Views for a terminal.
//!
//! Every view is a pure function of the data and a width. Styles are always written; the program strips them when
//! the reader of its output would not want them.

mod alike;
mod bar;
mod capture;
mod containers;
mod cycles;
pub(crate) mod diff;
mod dominators;
mod findings;
mod footer;
mod gate;
mod goroutines;
mod header;
mod histogram;
mod holders;
mod inspect;
mod layout;
mod map;
mod maps;
mod memory;
mod occupancy;
mod path;
mod rows;
mod rules;
mod sites;
mod size;
mod storage;
pub(crate) mod style;
mod table;
mod types;
pub(crate) mod units;

pub use capture::capture;
pub use cycles::cycles;
pub use diff::diff;
pub use dominators::dominators;
pub use gate::gate;
pub use goroutines::goroutines;
pub use inspect::inspect;
pub use layout::layout;
pub use map::map;
pub use maps::maps;
pub use path::path;
pub use rules::{rule, rules};
pub use size::size;
pub use types::types;
pub use units::{bytes, count};

/// A string from the target, safe to print: what could steer a terminal is written as an escape.
pub fn printable(text: &str) -> std::borrow::Cow<'_, str> {
    style::safe(text)
}

/// How a view is laid out.
#[derive(Clone, Copy, Debug)]
pub struct TextOptions {
    /// Columns of the terminal. Tables drop and shorten columns to fit.
    pub width: usize,
    /// At most this many rows in each table; `None` shows all.
    pub limit: Option<usize>,
    /// A column of the map table that stays however narrow the terminal is: the one the rows are sorted by.
    pub keep: Option<MapColumn>,
}

/// Columns of the map table that would otherwise leave a narrow terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapColumn {
    /// Places for entries.
    Slots,
    /// Share of groups without an entry.
    Holes,
    /// Deleted entries that still occupy a slot.
    Tombstones,
    /// Entries whose element is all zero bits.
    ZeroValues,
    /// What a map made anew would save.
    Reclaimable,
    /// What would be freed with the map.
    Retained,
}

impl Default for TextOptions {
    fn default() -> Self {
        Self { width: 100, limit: None, keep: None }
    }
}

impl TextOptions {
    /// How many of `total` rows are shown.
    fn shown(&self, total: usize) -> usize {
        self.limit.map_or(total, |limit| limit.min(total))
    }
}
