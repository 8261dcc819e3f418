//! The Go runtime's own structures: where their fields are, and the few that are read whole.

mod cache;
pub(crate) mod gc_program;
mod layout;
mod lines;
mod module;
mod pclntab;
mod tables;

pub use cache::Reads;
pub(crate) use cache::{Cached, read_structure};
pub(crate) use layout::{
    Accounts, DebugOffsets, Field, Layout, LegacyIterator, LegacyMap, ProfileLayout, SwissIterator, SwissMap,
    SwissTable, Waiter,
};
#[cfg(test)]
pub(crate) use layout::{Arena, Bucket, Heap, MemoryCycle, MemoryRecord};
pub(crate) use lines::Spots;
pub use lines::{CodeFrame, CodeSpot};
pub(crate) use module::{Module, modules};
pub(crate) use pclntab::{Function, FunctionTable, STACK_MAP_INDEX};
pub(crate) use tables::{known_names, names_text, record, record_names, table_layout, table_name, table_text};
