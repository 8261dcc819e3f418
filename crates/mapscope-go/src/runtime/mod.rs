//! The Go runtime's own structures: where their fields are, and the few that are read whole.

mod cache;
mod layout;
mod module;
mod pclntab;
mod tables;

pub(crate) use cache::Cached;
pub(crate) use layout::{DebugOffsets, Field, Layout, LegacyMap, SwissMap, SwissTable};
pub(crate) use module::{Module, modules};
pub(crate) use pclntab::{Function, FunctionTable, STACK_MAP_INDEX};
pub(crate) use tables::{record, table_layout, table_name};
