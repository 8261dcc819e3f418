//! Where the runtime's fields and variables are: from debug information, or, without it, from a table and a search.

use mapscope_memory::{Memory, Partial};

use crate::dwarf::{Dwarf, DwarfIndex};
use crate::runtime::{DebugOffsets, FunctionTable, Layout, table_layout};
use crate::search::{self, Variables};
use crate::{Binary, GoError};

/// What answers for one binary.
#[derive(Clone, Copy)]
pub(crate) struct Symbols<'s, 'd> {
    pub(crate) binary: &'s Binary<'s>,
    pub(crate) debug: Option<(&'s Dwarf<'d>, &'s DwarfIndex<'d>)>,
}

impl Symbols<'_, '_> {
    /// The offsets of the runtime's structures.
    pub(crate) fn layout(&self) -> Result<Layout, GoError> {
        match self.debug {
            Some((dwarf, index)) => Layout::read(&DebugOffsets { dwarf, index }),
            None => table_layout(self.binary.path(), self.binary.minor, &self.binary.go_version),
        }
    }

    /// Address of `runtime.firstmoduledata`.
    pub(crate) fn first_module(&self, memory: &dyn Memory, layout: &Layout) -> Result<u64, GoError> {
        match self.debug {
            Some((_, index)) => index.global("runtime.firstmoduledata"),
            None => search::first_module(memory, layout, self.binary),
        }
    }

    /// The runtime's variables. What is not found, and can be done without, goes to `partial`.
    pub(crate) fn variables(
        &self,
        memory: &dyn Memory,
        layout: &Layout,
        functions: &[FunctionTable],
        partial: &mut Partial,
    ) -> Result<Variables, GoError> {
        match self.debug {
            Some((dwarf, index)) => Variables::named(dwarf, index),
            None => search::find(memory, layout, functions, self.binary, partial),
        }
    }
}
