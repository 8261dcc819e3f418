//! Rows: one type for each thing that readers find and views show, with the names and schemas of its JSON.
//!
//! A row is plain data and owns its strings. There can be millions of maps, so they are kept as columns ([`MapTable`]);
//! a row is made where it is shown or written, and nowhere else:
//!
//! ```
//! use mapscope_model::{MapFigures, MapRow, MapTable, MapTableBuilder};
//!
//! let mut builder = MapTableBuilder::default();
//! let place = builder.place("main.rooms[].peers", ("map[string]int", 7), "swiss", false);
//! for room in 0..1000 {
//!     let figures = MapFigures { entries: 3, slots: 8, groups: 1, ..MapFigures::default() };
//!     builder.push(0xc0_0000_0000 + room * 48, place, Some(256), Ok(figures));
//! }
//! let maps: MapTable = builder.finish();
//! let first: MapRow = maps.rows().next().unwrap();
//! assert_eq!((maps.len(), first.addr.as_str(), first.owner.as_str()), (1000, "0xc000000000", "main.rooms[].peers"));
//! ```

mod container;
mod intern;
mod map;
mod map_table;

pub use container::ContainerRow;
pub use map::{MapFigures, MapRow};
pub use map_table::{MapId, MapPlace, MapRef, MapTable, MapTableBuilder};
