//! The sections of debug information, and access to single entries by their offset.

use std::borrow::Cow;

use gimli::{AttributeValue, DwAt, DwTag, EndianSlice, LittleEndian, Section, Unit, UnitOffset, UnitSectionOffset};

use crate::{Binary, GoError};

/// The module of a file that describes none.
const NO_MODULE: usize = usize::MAX;

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

    fn borrow(&self) -> gimli::Dwarf<Slice<'_>> {
        self.0.borrow(|s| EndianSlice::new(s, LittleEndian))
    }
}

/// The debug information of one file: of the executable, a library or a plugin.
pub(crate) struct File<'d> {
    sections: gimli::Dwarf<Slice<'d>>,
    /// For messages.
    path: String,
    /// What to add to its addresses to get those in the target.
    pub(crate) bias: u64,
    /// The number of the runtime's module that it describes.
    pub(crate) module: usize,
    /// Where its `.debug_info` begins among those of all files.
    base: usize,
    /// Its units.
    pub(crate) units: std::ops::Range<usize>,
}

/// Parsed units, found by offset. Those of several files are numbered as if their sections lay one behind the other.
#[derive(Default)]
pub(crate) struct Dwarf<'d> {
    pub(crate) files: Vec<File<'d>>,
    pub(crate) units: Vec<Unit<Slice<'d>>>,
    /// The file of each unit.
    of: Vec<usize>,
    starts: Vec<usize>,
    end: usize,
}

/// One entry, with its unit.
pub(crate) struct Entry<'u, 'd> {
    pub(crate) unit: usize,
    pub(crate) tag: DwTag,
    pub(crate) has_children: bool,
    die: gimli::DebuggingInformationEntry<Slice<'d>>,
    dwarf: &'u Dwarf<'d>,
}

impl File<'_> {
    fn bad(&self, offset: usize, error: &gimli::Error) -> GoError {
        let reason = self.sections.format_error(*error);
        GoError::BadDwarf { path: self.path.clone(), section: ".debug_info", offset: offset as u64, reason }
    }
}

impl<'d> Dwarf<'d> {
    /// That of one file.
    pub(crate) fn of(sections: &'d DwarfSections<'_>, path: &str, bias: u64) -> Result<Self, GoError> {
        let mut dwarf = Self::default();
        dwarf.add(sections, path, bias, 0)?;
        Ok(dwarf)
    }

    /// Adds that of another file, which describes the runtime's module of this number; its own number. On an error
    /// nothing is added.
    pub(crate) fn add(
        &mut self,
        sections: &'d DwarfSections<'_>,
        path: &str,
        bias: u64,
        module: usize,
    ) -> Result<usize, GoError> {
        let first = self.units.len();
        let borrowed = sections.borrow();
        let len = borrowed.debug_info.reader().len();
        let base = self.end;
        let end = base.checked_add(len);
        let file = File { sections: borrowed, path: path.to_owned(), bias, module, base, units: first..first };
        let end = end.ok_or_else(|| file.bad(0, &gimli::Error::UnexpectedEof(gimli::ReaderOffsetId(0))))?;
        let (mut units, mut starts) = (Vec::new(), Vec::new());
        let mut headers = file.sections.units();
        loop {
            let at = starts.last().map_or(0, |start| start - base);
            let Some(header) = headers.next().map_err(|e| file.bad(at, &e))? else { break };
            let UnitSectionOffset(start) = header.offset();
            units.push(file.sections.unit(header).map_err(|e| file.bad(start, &e))?);
            starts.push(base + start);
        }
        self.of.resize(first + units.len(), self.files.len());
        self.units.append(&mut units);
        self.starts.append(&mut starts);
        self.files.push(File { units: first..self.units.len(), ..file });
        self.end = end;
        Ok(self.files.len() - 1)
    }

    /// Takes a file for one that describes no Go code.
    pub(crate) fn forget(&mut self, file: usize) {
        if let Some(file) = self.files.get_mut(file) {
            file.module = NO_MODULE;
        }
    }

    /// Whether any file describes Go code.
    pub(crate) fn describes_any(&self) -> bool {
        self.files.iter().any(|file| file.module != NO_MODULE)
    }

    /// The file of a unit.
    pub(crate) fn file(&self, unit: usize) -> &File<'d> {
        &self.files[self.of[unit]]
    }

    /// The sections of a unit.
    pub(crate) fn sections(&self, unit: usize) -> &gimli::Dwarf<Slice<'d>> {
        &self.file(unit).sections
    }

    /// An error at an offset.
    pub(crate) fn bad(&self, offset: usize, error: &gimli::Error) -> GoError {
        let found = self.unit_at(offset).map_or_else(|| self.files.first(), |unit| Some(self.file(unit)));
        match found {
            Some(file) => file.bad(offset - file.base.min(offset), error),
            None => GoError::MissingInDwarf { what: "every unit".to_owned() },
        }
    }

    /// The offset of an entry of a unit.
    pub(crate) fn offset(&self, unit: usize, inner: UnitOffset) -> usize {
        self.file(unit).base + inner.to_unit_section_offset(&self.units[unit].header).0
    }

    /// The entry at `offset`.
    pub(crate) fn entry(&self, offset: usize) -> Result<Entry<'_, 'd>, GoError> {
        let out = || self.bad(offset, &gimli::Error::OffsetOutOfBounds(offset as u64));
        let unit = self.unit_at(offset).ok_or_else(out)?;
        let inner = UnitSectionOffset(offset - self.file(unit).base);
        let inner = inner.to_unit_offset(&self.units[unit].header).ok_or_else(out)?;
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

    /// The offset that a reference leads to.
    pub(crate) fn reference(&self, unit: usize, value: &AttributeValue<Slice<'d>>) -> Option<usize> {
        let base = self.file(unit).base;
        match value {
            AttributeValue::UnitRef(offset) => {
                base.checked_add(self.units[unit].header.offset().0)?.checked_add(offset.0)
            }
            AttributeValue::DebugInfoRef(offset) => base.checked_add(offset.0),
            _ => None,
        }
    }
}

impl<'d> Entry<'_, 'd> {
    /// Its offset.
    pub(crate) fn offset(&self) -> usize {
        self.dwarf.offset(self.unit, self.die.offset())
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
                self.dwarf.sections(self.unit).address(&self.dwarf.units[self.unit], index).ok()
            }
            AttributeValue::Data4(v) => Some(u64::from(v)),
            AttributeValue::Data8(v) => Some(v),
            _ => self.die.attr(name)?.udata_value(),
        }
    }

    /// An attribute that refers to another entry, as its offset.
    pub(crate) fn reference(&self, name: DwAt) -> Option<usize> {
        self.dwarf.reference(self.unit, &self.value(name)?)
    }

    /// The text of an attribute, borrowed from the sections.
    pub(crate) fn text(&self, name: DwAt) -> Option<&'d str> {
        let value = self.value(name)?;
        let text = self.dwarf.sections(self.unit).attr_string(&self.dwarf.units[self.unit], value).ok()?;
        std::str::from_utf8(text.slice()).ok()
    }

    /// `DW_AT_name`.
    pub(crate) fn name(&self) -> Option<&'d str> {
        self.text(gimli::DW_AT_name)
    }
}
