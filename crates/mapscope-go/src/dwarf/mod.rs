//! Debug information: what is indexed once, and what is looked up when it is needed.
//!
//! Go writes DWARF 4 up to 1.24 and DWARF 5 from 1.25; `gimli` reads both. Go's own attributes are those of
//! `cmd/internal/dwarf/dwarf.go`.

mod index;
mod locals;
pub(crate) mod reader;

pub(crate) use index::{Array, Descriptor, DwarfIndex};
pub(crate) use locals::{Local, LocalPlace};
pub(crate) use reader::{Dwarf, DwarfSections, Entry};

use gimli::DwAt;

/// The `reflect.Kind` of a type.
pub(crate) const GO_KIND: DwAt = DwAt(0x2900);
/// Element type of a map, slice or channel.
/// `DW_AT_go_key`.
pub(crate) const GO_KEY: DwAt = DwAt(0x2901);
pub(crate) const GO_ELEM: DwAt = DwAt(0x2902);
/// Offset of the type descriptor from the module's `types`; 0 for none.
pub(crate) const GO_RUNTIME_TYPE: DwAt = DwAt(0x2904);
/// Offset of a captured variable in its closure (Go 1.23 and later).
pub(crate) const GO_CLOSURE_OFFSET: DwAt = DwAt(0x2907);
