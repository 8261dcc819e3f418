//! What a map costs, from the types of its keys and elements and the number of its entries: the runtime's own sizing as
//! arithmetic. Audits work out from it what a map made anew would save; `mapscope size` shows all of it.
//!
//! It follows `internal/runtime/maps` (Go 1.24 and later) for Swiss maps, `runtime/map.go` (up to 1.23) and
//! `map_noswiss.go` (1.24, 1.25) for legacy ones. Bytes are whole slots of the heap and count what an audit's
//! `table_bytes` counts: header, directory, tables and groups; header, extra, buckets and overflow buckets. Where the
//! hashes of the keys have a part in it, the answer is an [`Estimate`] with a range.

mod chance;
mod legacy;
mod swiss;

pub use chance::Estimate;

use crate::heap::Allocator;
use legacy::Legacy;
use swiss::Swiss;

/// Keys and elements of more bytes are stored as pointers (`abi.MapMaxKeyBytes`).
const MAX_INLINE: u64 = 128;
/// Slots of a group or bucket.
const SLOTS: u64 = 8;

/// The size of a type, as far as a map cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeSize {
    /// Bytes of a value.
    pub size: u64,
    /// Its alignment in bytes.
    pub align: u64,
    /// It holds pointers.
    pub pointers: bool,
}

/// A map implementation of one Go version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapDesign {
    /// Swiss maps, Go 1.24 and later. `split`: keys and elements of a group lie apart (`GOEXPERIMENT=mapsplitgroup`).
    Swiss {
        /// With that experiment.
        split: bool,
    },
    /// Legacy maps of Go 1.`minor`: up to 1.23, and 1.24 and 1.25 with `GOEXPERIMENT=noswissmap`.
    Legacy {
        /// The minor version.
        minor: u32,
    },
}

impl MapDesign {
    /// That of a binary: which Go 1.`minor` it was built with, and which experiments its `version` names.
    pub(crate) fn of(swiss: bool, version: &str, minor: u32) -> Self {
        if swiss { Self::Swiss { split: version.contains("mapsplitgroup") } } else { Self::Legacy { minor } }
    }

    /// Bytes of a group or bucket that are not its slots': a control word; eight top hashes and the next bucket.
    fn overhead(self) -> u64 {
        if matches!(self, Self::Swiss { .. }) { 8 } else { 16 }
    }
}

/// How a group or bucket of one map type is laid out, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupLayout {
    /// The whole group or bucket.
    pub size: u64,
    /// It holds pointers.
    pub pointers: bool,
    /// Of a key in its slot: 8 when it is stored as a pointer.
    pub key_size: u64,
    /// Of an element in its slot.
    pub elem_size: u64,
    /// From the start of the group to the first key.
    pub keys_offset: u64,
    /// From one key to the next.
    pub key_stride: u64,
    /// From the start of the group to the first element.
    pub elems_offset: u64,
    /// From one element to the next.
    pub elem_stride: u64,
}

impl GroupLayout {
    /// Bytes that belong to neither a key nor an element, nor to what every group has: control word or top hashes and the
    /// pointer to the next bucket.
    pub fn padding(&self, design: MapDesign) -> u64 {
        self.size.saturating_sub(design.overhead() + SLOTS * (self.key_size + self.elem_size))
    }
}

/// A moment at which a map that is filled entry by entry takes a larger array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrowthStep {
    /// The entry whose insertion starts it. Swiss maps of many tables split them one by one: where 1% have.
    pub entries: u64,
    /// Where 99% of the tables have split; the same as `entries` when the whole map grows at once.
    pub until: u64,
    /// Slots afterwards.
    pub slots: u64,
    /// Bytes just before.
    pub before: Estimate,
    /// Bytes when it is over.
    pub after: Estimate,
    /// Most bytes in use at once on the way: the old array and the new one.
    pub peak: Estimate,
}

/// What maps of one type cost in one implementation.
#[derive(Clone, Copy, Debug)]
pub struct MapModel {
    design: MapDesign,
    allocator: Allocator,
    group: GroupLayout,
    key: TypeSize,
    elem: TypeSize,
}

impl MapModel {
    /// The model of `map[key]elem`.
    pub fn new(design: MapDesign, key: TypeSize, elem: TypeSize) -> Self {
        let headers = !matches!(design, MapDesign::Legacy { minor: ..22 });
        Self { design, allocator: Allocator { headers }, group: group_layout(design, key, elem), key, elem }
    }

    /// The layout of a group or bucket.
    pub fn group(&self) -> GroupLayout {
        self.group
    }

    /// Bytes of a slot: an eighth of a group without its control word, or of a bucket without what is not a slot's.
    pub fn slot_bytes(&self) -> u64 {
        self.group.size.saturating_sub(self.design.overhead()) / SLOTS
    }

    /// Keys are stored as pointers to them, and elements.
    pub fn indirect(&self) -> (bool, bool) {
        (self.key.size > MAX_INLINE, self.elem.size > MAX_INLINE)
    }

    /// Bytes of keys and elements that are allocated one by one, for so many entries.
    pub fn indirect_bytes(&self, entries: u64) -> u64 {
        let one = |t: TypeSize| if t.size > MAX_INLINE { self.allocator.slot(t.size, t.pointers) } else { 0 };
        entries.saturating_mul(one(self.key) + one(self.elem))
    }

    /// Bytes of `make(map[K]V, hint)` before there is an entry: exact.
    pub fn made(&self, hint: u64) -> u64 {
        match self.design {
            MapDesign::Swiss { .. } => self.swiss().made(hint),
            MapDesign::Legacy { .. } => self.legacy().made(hint),
        }
    }

    /// Bytes of a map made with `hint` (0: without) that got so many entries, one after the other, and lost none.
    pub fn filled(&self, entries: u64, hint: u64) -> Estimate {
        match self.design {
            MapDesign::Swiss { .. } => self.swiss().filled(entries, hint),
            MapDesign::Legacy { .. } => self.legacy().filled(entries, hint),
        }
    }

    /// The most bytes in use at once while it is filled like that. Old arrays that wait for the collector do not count.
    pub fn peak(&self, entries: u64, hint: u64) -> Estimate {
        match self.design {
            MapDesign::Swiss { .. } => self.swiss().peak(entries, hint),
            MapDesign::Legacy { .. } => self.legacy().peak(entries, hint),
        }
    }

    /// Bytes after every entry was deleted and replaced by a new one again and again: from what it takes now to a bound.
    pub fn churned(&self, entries: u64) -> Estimate {
        match self.design {
            MapDesign::Swiss { .. } => self.swiss().churned(entries),
            MapDesign::Legacy { .. } => self.legacy().churned(entries),
        }
    }

    /// The steps in which a map made without a hint grows up to so many entries, and the one after.
    pub fn steps(&self, entries: u64) -> Vec<GrowthStep> {
        match self.design {
            MapDesign::Swiss { .. } => self.swiss().steps(entries),
            MapDesign::Legacy { .. } => self.legacy().steps(entries),
        }
    }

    /// Bytes of a Swiss map of so many tables with 1024 slots each and a directory of `2^depth`: exact, for a map whose
    /// tables are known. `None` for legacy maps.
    pub fn tables(&self, tables: u64, depth: u32) -> Option<u64> {
        matches!(self.design, MapDesign::Swiss { .. }).then(|| self.swiss().tables(tables, depth))
    }

    /// Bytes of a legacy map of `2^log` buckets, with so many overflow buckets in their chains and no old buckets.
    /// `extra`: it has a `mapextra` even if its array has no room for overflow buckets. `None` for Swiss maps.
    pub fn buckets(&self, log: u32, overflow: u64, extra: bool) -> Option<u64> {
        matches!(self.design, MapDesign::Legacy { .. }).then(|| self.legacy().buckets(log, overflow, extra))
    }

    fn swiss(&self) -> Swiss {
        Swiss { group: self.group.size, pointers: self.group.pointers, allocator: self.allocator }
    }

    fn legacy(&self) -> Legacy {
        let minor = if let MapDesign::Legacy { minor } = self.design { minor } else { 23 };
        Legacy::new(self.group.size, self.group.pointers, minor)
    }
}

/// Bytes of a Swiss map made anew for its entries. `group`: bytes of a group; `pointers`: it has some.
pub(super) fn swiss_anew(entries: u64, group: u64, pointers: bool) -> u64 {
    Swiss { group, pointers, allocator: Allocator { headers: true } }.anew(entries)
}

/// Bytes of a legacy map of Go 1.`minor` made anew for its entries, likewise.
pub(super) fn legacy_anew(entries: u64, group: u64, pointers: bool, minor: u32) -> u64 {
    Legacy::new(group, pointers, minor).anew(entries)
}

/// Bytes of a Swiss map that was made with a hint of its entries, and got them: what hashes that crowd add is in it.
pub(super) fn swiss_filled(entries: u64, group: u64, pointers: bool) -> Estimate {
    Swiss { group, pointers, allocator: Allocator { headers: true } }.filled(entries, entries)
}

/// Bytes of a legacy map of Go 1.`minor`, likewise.
pub(super) fn legacy_filled(entries: u64, group: u64, pointers: bool, minor: u32) -> Estimate {
    Legacy::new(group, pointers, minor).filled(entries, entries)
}

/// `MapGroupType` and `MapBucketType` of the compiler (`reflectdata/map.go`, up to 1.23 `reflect.go`).
fn group_layout(design: MapDesign, key: TypeSize, elem: TypeSize) -> GroupLayout {
    let inline = |t: TypeSize| {
        if t.size > MAX_INLINE { TypeSize { size: 8, align: 8, pointers: true } } else { t }
    };
    let (key, elem) = (inline(key), inline(elem));
    let align = key.align.max(elem.align).max(1);
    let pointers = key.pointers || elem.pointers;
    let apart = |elems_offset: u64, size: u64| GroupLayout {
        size,
        pointers,
        key_size: key.size,
        elem_size: elem.size,
        keys_offset: 8,
        key_stride: key.size,
        elems_offset,
        elem_stride: elem.size,
    };
    let up = |offset: u64, align: u64| offset.next_multiple_of(align.max(1));
    match design {
        MapDesign::Legacy { .. } => {
            let elems = up(8 + SLOTS * key.size, elem.align);
            apart(elems, up(elems + SLOTS * elem.size, 8) + 8)
        }
        MapDesign::Swiss { split: true } => {
            let elems = up(8 + SLOTS * key.size, elem.align);
            let end = elems + SLOTS * elem.size;
            // A last field without size gets a byte, so that its address stays inside.
            apart(elems, up(if elem.size == 0 { end + 1 } else { end }, 8))
        }
        MapDesign::Swiss { split: false } => {
            let elem_at = up(key.size, elem.align);
            let end = elem_at + elem.size;
            let slot = up(if elem.size == 0 && end > 0 { end + 1 } else { end }, align);
            let size = up(8 + SLOTS * slot + u64::from(slot == 0), 8);
            GroupLayout {
                size,
                pointers,
                key_size: key.size,
                elem_size: elem.size,
                keys_offset: 8,
                key_stride: slot,
                elems_offset: 8 + elem_at,
                elem_stride: slot,
            }
        }
    }
}
