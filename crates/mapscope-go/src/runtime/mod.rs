//! The Go runtime's own structures: where their fields are, and the few that are read whole.

mod cache;
mod layout;
mod module;
mod pclntab;

pub(crate) use cache::Cached;
pub(crate) use layout::{Accounts, Field, Layout, LegacyMap, SwissMap, SwissTable, field_of_global};
pub(crate) use module::{Module, modules};
pub(crate) use pclntab::{Function, FunctionTable, STACK_MAP_INDEX};
