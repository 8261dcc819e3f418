//! One pass over all entries: globals, functions and named types.

use gimli::{AttributeValue, Operation};
use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::GO_RUNTIME_TYPE;
use super::reader::{Dwarf, File, Slice};
use crate::GoError;

/// A package-level variable.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Global<'d> {
    /// Full name: `main.sessions`.
    pub(crate) name: &'d str,
    /// Address in the target.
    pub(crate) address: u64,
    /// Entry of its type.
    pub(crate) type_offset: usize,
    /// The number of the runtime's module that it is in.
    module: usize,
}

/// A type descriptor, as debug information names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Descriptor {
    /// The number of the runtime's module that it is in.
    pub(crate) module: usize,
    /// Its offset from that module's types.
    pub(crate) offset: u64,
}

/// A package-level array.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Array {
    /// Address of its first element, in the target.
    pub(crate) address: u64,
    /// Elements.
    pub(crate) len: u64,
    /// Bytes of one element.
    pub(crate) stride: u64,
}

/// A function's machine code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subprogram {
    pub(crate) low: u64,
    pub(crate) high: u64,
    /// Its entry.
    pub(crate) offset: usize,
}

/// What one pass over the debug information finds.
#[derive(Default)]
pub(crate) struct DwarfIndex<'d> {
    /// By address.
    pub(crate) globals: Vec<Global<'d>>,
    /// By address.
    pub(crate) subprograms: Vec<Subprogram>,
    /// Entry of each named struct type.
    pub(crate) structs: FxHashMap<&'d str, usize>,
    /// The type descriptor, by the type's name; only types that have one.
    pub(crate) runtime_types: FxHashMap<&'d str, Descriptor>,
}

impl<'d> DwarfIndex<'d> {
    /// Reads every unit; addresses become those of the target.
    pub(crate) fn build(dwarf: &Dwarf<'d>) -> Result<Self, GoError> {
        let mut index = Self::default();
        (0..dwarf.files.len()).try_for_each(|file| index.add_file(dwarf, file))?;
        Ok(index)
    }

    /// Adds the units of one file. Of types with one name, the first stays. On an error nothing is added.
    pub(crate) fn add_file(&mut self, dwarf: &Dwarf<'d>, file: usize) -> Result<(), GoError> {
        let Some(file) = dwarf.files.get(file) else { return Ok(()) };
        let add = |mut index: Self, unit| index.add_unit(dwarf, unit).map(|()| index);
        let units = file.units.clone().into_par_iter();
        let found = units.try_fold(Self::default, add).try_reduce(Self::default, |a, b| Ok(a.join(b)))?;
        self.globals.extend(found.globals);
        self.subprograms.extend(found.subprograms);
        self.globals.sort_by_key(|g| g.address);
        self.subprograms.sort_by_key(|s| s.low);
        for (name, offset) in found.structs {
            self.structs.entry(name).or_insert(offset);
        }
        for (name, descriptor) in found.runtime_types {
            self.runtime_types.entry(name).or_insert(descriptor);
        }
        Ok(())
    }

    fn join(mut self, other: Self) -> Self {
        self.globals.extend(other.globals);
        self.subprograms.extend(other.subprograms);
        self.structs.extend(other.structs);
        self.runtime_types.extend(other.runtime_types);
        self
    }

    fn add_unit(&mut self, dwarf: &Dwarf<'d>, unit_index: usize) -> Result<(), GoError> {
        let unit = &dwarf.units[unit_index];
        let file = dwarf.file(unit_index);
        let start = dwarf.offset(unit_index, gimli::UnitOffset(0));
        let fail = |e: gimli::Error| dwarf.bad(start, &e);
        let mut raw = unit.entries_raw(None).map_err(fail)?;
        while !raw.is_empty() {
            let (depth, offset) = (raw.next_depth(), raw.next_offset());
            let Some(abbreviation) = raw.read_abbreviation().map_err(fail)? else { continue };
            let tag = abbreviation.tag();
            if depth == 0 && tag == gimli::DW_TAG_compile_unit {
                for spec in abbreviation.attributes() {
                    let attribute = raw.read_attribute(*spec).map_err(fail)?;
                    // A host's own code may be much, and says nothing of Go.
                    if matches!(attribute.value(), AttributeValue::Language(language) if language != gimli::DW_LANG_Go)
                    {
                        return Ok(());
                    }
                }
                continue;
            }
            let wanted = matches!(
                tag,
                gimli::DW_TAG_variable
                    | gimli::DW_TAG_subprogram
                    | gimli::DW_TAG_structure_type
                    | gimli::DW_TAG_typedef
            );
            if depth != 1 || !wanted {
                raw.skip_attributes(abbreviation.attributes()).map_err(fail)?;
                continue;
            }
            let mut found = Found { unit: unit_index, ..Found::default() };
            for spec in abbreviation.attributes() {
                let attribute = raw.read_attribute(*spec).map_err(fail)?;
                found.take(dwarf, &attribute);
            }
            self.add(tag, &found, dwarf.offset(unit_index, offset), file);
        }
        Ok(())
    }

    fn add(&mut self, tag: gimli::DwTag, found: &Found<'d>, offset: usize, file: &File<'d>) {
        let File { bias, module, .. } = *file;
        match tag {
            gimli::DW_TAG_variable => {
                if let (Some(name), Some(address), Some(type_offset)) = (found.name, found.address, found.type_offset) {
                    self.globals.push(Global { name, address: address.wrapping_add(bias), type_offset, module });
                }
            }
            gimli::DW_TAG_subprogram => {
                if let (Some(low), Some(high)) = (found.low, found.high) {
                    let high = if found.high_is_length { low.wrapping_add(high) } else { high };
                    let (low, high) = (low.wrapping_add(bias), high.wrapping_add(bias));
                    self.subprograms.push(Subprogram { low, high, offset });
                }
            }
            _ => {
                let Some(name) = found.name else { return };
                if tag == gimli::DW_TAG_structure_type {
                    self.structs.insert(name, offset);
                }
                if let Some(runtime_type) = found.runtime_type.filter(|t| *t != 0) {
                    self.runtime_types.insert(name, Descriptor { module, offset: runtime_type });
                }
            }
        }
    }

    /// The function whose code covers `pc`.
    pub(crate) fn subprogram(&self, pc: u64) -> Option<&Subprogram> {
        let index = self.subprograms.partition_point(|s| s.low <= pc).checked_sub(1)?;
        self.subprograms.get(index).filter(|s| pc < s.high)
    }

    /// Whether it describes the runtime's own module: a host may have debug information of its code in C alone.
    pub(crate) fn has_runtime(&self) -> bool {
        self.own("runtime.firstmoduledata").is_some()
    }

    /// A variable of the runtime's own module: a plugin has variables of the same names, which nothing uses.
    fn own(&self, name: &str) -> Option<&Global<'d>> {
        self.globals.iter().find(|g| g.name == name && g.module == 0)
    }

    /// The address of a global of the runtime's own module by its full name.
    pub(crate) fn global(&self, name: &str) -> Result<u64, GoError> {
        self.own(name)
            .map(|g| g.address)
            .ok_or_else(|| GoError::MissingInDwarf { what: format!("the variable {name}") })
    }

    /// A global array of the runtime's own module by its full name.
    pub(crate) fn array(&self, dwarf: &Dwarf<'d>, name: &str) -> Option<Array> {
        let global = self.own(name)?;
        let mut at = global.type_offset;
        // A chain of typedefs longer than this is a loop.
        for _ in 0..16 {
            let entry = dwarf.entry(at).ok()?;
            match entry.reference(gimli::DW_AT_type) {
                Some(next) if entry.tag == gimli::DW_TAG_typedef => at = next,
                _ => break,
            }
        }
        let bytes = dwarf.entry(at).ok()?.number(gimli::DW_AT_byte_size)?;
        let mut len = None;
        dwarf.children(at, |child| len = len.or(child.number(gimli::DW_AT_count))).ok()?;
        let len = len?;
        let stride = bytes.checked_div(len).filter(|stride| *stride > 0)?;
        Some(Array { address: global.address, len, stride })
    }
}

/// The attributes of one entry that the index needs.
#[derive(Default)]
struct Found<'d> {
    unit: usize,
    name: Option<&'d str>,
    address: Option<u64>,
    type_offset: Option<usize>,
    low: Option<u64>,
    high: Option<u64>,
    high_is_length: bool,
    runtime_type: Option<u64>,
}

impl<'d> Found<'d> {
    fn take(&mut self, dwarf: &Dwarf<'d>, attribute: &gimli::Attribute<Slice<'d>>) {
        let unit = &dwarf.units[self.unit];
        let value = attribute.value();
        match attribute.name() {
            gimli::DW_AT_name => {
                let text = dwarf.sections(self.unit).attr_string(unit, value).ok();
                self.name = text.and_then(|t| std::str::from_utf8(t.slice()).ok());
            }
            gimli::DW_AT_location => {
                if let AttributeValue::Exprloc(expression) = value {
                    let mut operations = expression.operations(unit.encoding());
                    self.address = match operations.next() {
                        Ok(Some(Operation::Address { address })) => Some(address),
                        Ok(Some(Operation::AddressIndex { index })) => {
                            dwarf.sections(self.unit).address(unit, index).ok()
                        }
                        _ => None,
                    };
                }
            }
            gimli::DW_AT_type => self.type_offset = dwarf.reference(self.unit, &value),
            gimli::DW_AT_low_pc => self.low = dwarf.sections(self.unit).attr_address(unit, value).ok().flatten(),
            gimli::DW_AT_high_pc => {
                if let Some(length) = attribute.udata_value() {
                    (self.high, self.high_is_length) = (Some(length), true);
                } else {
                    self.high = dwarf.sections(self.unit).attr_address(unit, value).ok().flatten();
                }
            }
            GO_RUNTIME_TYPE => self.runtime_type = number(dwarf, self.unit, attribute),
            _ => {}
        }
    }
}

/// Go writes `go_runtime_type` as an address form up to DWARF 4 and through `.debug_addr` in DWARF 5.
fn number<'d>(dwarf: &Dwarf<'d>, unit: usize, attribute: &gimli::Attribute<Slice<'d>>) -> Option<u64> {
    match attribute.raw_value() {
        AttributeValue::Addr(a) => Some(a),
        AttributeValue::DebugAddrIndex(index) => dwarf.sections(unit).address(&dwarf.units[unit], index).ok(),
        AttributeValue::Data4(v) => Some(u64::from(v)),
        AttributeValue::Data8(v) => Some(v),
        _ => attribute.udata_value(),
    }
}
