//! The sections of debug information, and access to single entries by their offset.

use std::borrow::Cow;

use gimli::{AttributeValue, DebugInfoOffset, DwAt, DwTag, EndianSlice, LittleEndian, Unit, UnitSectionOffset};

use crate::{Binary, GoError};

pub(crate) type Slice<'d> = EndianSlice<'d, LittleEndian>;

/// The decompressed sections; [`Dwarf`] borrows them.
pub(crate) struct DwarfSections<'a>(gimli::DwarfSections<Cow<'a, [u8]>>);

impl<'a> DwarfSections<'a> {
    /// Loads what the binary has; `NoDwarf` when it has none.
    pub(crate) fn load(binary: &Binary<'a>) -> Result<Self, GoError> {
        if !binary.has_section(".debug_info") {
            return Err(GoError::NoDwarf { path: binary.path().to_owned() });
        }
        gimli::DwarfSections::load(|id| binary.section(id.name()).map(Option::unwrap_or_default)).map(Self)
    }

    /// Sections that are in no binary.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn given(section: impl Fn(&str) -> &'a [u8]) -> Result<Self, GoError> {
        gimli::DwarfSections::load(|id| Ok(Cow::Borrowed(section(id.name())))).map(Self)
    }

    /// The units of the sections.
    pub(crate) fn parse(&self, path: &str) -> Result<Dwarf<'_>, GoError> {
        let sections = self.0.borrow(|s| EndianSlice::new(s, LittleEndian));
        let mut parsed = Dwarf { sections, units: Vec::new(), starts: Vec::new(), path: path.to_owned() };
        let mut headers = parsed.sections.units();
        loop {
            let at = parsed.starts.last().copied().unwrap_or(0);
            let header = match headers.next() {
                Ok(Some(header)) => header,
                Ok(None) => break,
                Err(e) => return Err(parsed.bad(at, &e)),
            };
            let UnitSectionOffset(start) = header.offset();
            let unit = parsed.sections.unit(header).map_err(|e| parsed.bad(start, &e))?;
            parsed.starts.push(start);
            parsed.units.push(unit);
        }
        Ok(parsed)
    }
}

/// Parsed units, found by offset.
pub(crate) struct Dwarf<'d> {
    pub(crate) sections: gimli::Dwarf<Slice<'d>>,
    pub(crate) units: Vec<Unit<Slice<'d>>>,
    starts: Vec<usize>,
    path: String,
}

/// One entry, with its unit.
pub(crate) struct Entry<'u, 'd> {
    pub(crate) unit: usize,
    pub(crate) tag: DwTag,
    pub(crate) has_children: bool,
    die: gimli::DebuggingInformationEntry<Slice<'d>>,
    dwarf: &'u Dwarf<'d>,
}

impl<'d> Dwarf<'d> {
    /// An error at an offset of `.debug_info`.
    pub(crate) fn bad(&self, offset: usize, error: &gimli::Error) -> GoError {
        let reason = self.sections.format_error(*error);
        GoError::BadDwarf { path: self.path.clone(), section: ".debug_info", offset: offset as u64, reason }
    }

    /// The entry at `offset` of `.debug_info`.
    pub(crate) fn entry(&self, offset: usize) -> Result<Entry<'_, 'd>, GoError> {
        let unit =
            self.unit_at(offset).ok_or_else(|| self.bad(offset, &gimli::Error::OffsetOutOfBounds(offset as u64)))?;
        let header = &self.units[unit].header;
        let inner = DebugInfoOffset(offset);
        let inner = UnitSectionOffset(inner.0)
            .to_unit_offset(header)
            .ok_or_else(|| self.bad(offset, &gimli::Error::OffsetOutOfBounds(offset as u64)))?;
        let die = self.units[unit].entry(inner).map_err(|e| self.bad(offset, &e))?;
        Ok(Entry { unit, tag: die.tag(), has_children: die.has_children(), die, dwarf: self })
    }

    /// Calls `visit` with each direct child of the entry at `offset`, in order.
    pub(crate) fn children(&self, offset: usize, mut visit: impl FnMut(&Entry<'_, 'd>)) -> Result<(), GoError> {
        self.descendants(offset, |depth, entry| {
            if depth == 1 {
                visit(entry);
            }
        })
    }

    /// Calls `visit` with each descendant of the entry at `offset` and its depth below it, in order.
    pub(crate) fn descendants(
        &self,
        offset: usize,
        mut visit: impl FnMut(isize, &Entry<'_, 'd>),
    ) -> Result<(), GoError> {
        let parent = self.entry(offset)?;
        if !parent.has_children {
            return Ok(());
        }
        let unit = &self.units[parent.unit];
        let fail = |e: gimli::Error| self.bad(offset, &e);
        let mut raw = unit.entries_raw(Some(parent.die.offset())).map_err(fail)?;
        let mut die = gimli::DebuggingInformationEntry::null();
        raw.read_entry(&mut die).map_err(fail)?;
        while raw.next_depth() > 0 && !raw.is_empty() {
            let depth = raw.next_depth();
            if !raw.read_entry(&mut die).map_err(fail)? {
                continue;
            }
            let entry = Entry {
                unit: parent.unit,
                tag: die.tag(),
                has_children: die.has_children(),
                die: die.clone(),
                dwarf: self,
            };
            visit(depth, &entry);
        }
        Ok(())
    }

    fn unit_at(&self, offset: usize) -> Option<usize> {
        self.starts.partition_point(|s| *s <= offset).checked_sub(1)
    }

    /// The offset in `.debug_info` that a reference leads to.
    pub(crate) fn reference(&self, unit: usize, value: &AttributeValue<Slice<'d>>) -> Option<usize> {
        match value {
            AttributeValue::UnitRef(offset) => self.units[unit].header.offset().0.checked_add(offset.0),
            AttributeValue::DebugInfoRef(offset) => Some(offset.0),
            _ => None,
        }
    }
}

impl<'d> Entry<'_, 'd> {
    /// Offset in `.debug_info`.
    pub(crate) fn offset(&self) -> usize {
        self.die.offset().to_unit_section_offset(&self.dwarf.units[self.unit].header).0
    }

    /// The value of an attribute.
    pub(crate) fn value(&self, name: DwAt) -> Option<AttributeValue<Slice<'d>>> {
        self.die.attr_value(name)
    }

    /// An attribute that is an unsigned number, whatever form it is in.
    pub(crate) fn number(&self, name: DwAt) -> Option<u64> {
        match self.die.attr(name)?.raw_value() {
            AttributeValue::Addr(a) => Some(a),
            AttributeValue::DebugAddrIndex(index) => {
                self.dwarf.sections.address(&self.dwarf.units[self.unit], index).ok()
            }
            AttributeValue::Data4(v) => Some(u64::from(v)),
            AttributeValue::Data8(v) => Some(v),
            _ => self.die.attr(name)?.udata_value(),
        }
    }

    /// An attribute that refers to another entry, as an offset in `.debug_info`.
    pub(crate) fn reference(&self, name: DwAt) -> Option<usize> {
        self.dwarf.reference(self.unit, &self.value(name)?)
    }

    /// The text of an attribute, borrowed from the sections.
    pub(crate) fn text(&self, name: DwAt) -> Option<&'d str> {
        let value = self.value(name)?;
        let text = self.dwarf.sections.attr_string(&self.dwarf.units[self.unit], value).ok()?;
        std::str::from_utf8(text.slice()).ok()
    }

    /// `DW_AT_name`.
    pub(crate) fn name(&self) -> Option<&'d str> {
        self.text(gimli::DW_AT_name)
    }
}
