//! How a map type lays out its slots: one value for every implementation and version.

use super::TypeId;

/// Slots of a group or bucket.
pub(crate) const SLOTS: u64 = 8;

/// Larger keys and elements are stored as pointers (`abi.MapMaxKeyBytes`).
const MAX_INLINE: u64 = 128;

/// Keys and elements over 128 bytes are stored indirectly, so no group or bucket is larger than 2 KiB and a bit.
const MAX_GROUP: u64 = 4096;

/// Which map descriptor the binary's version has (`internal/abi/map*.go`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MapForm {
    /// `MapType` up to 1.23, `OldMapType` of 1.24 and 1.25 with `noswissmap`.
    Legacy,
    /// 1.24 to 1.26: slot size and element offset.
    Slots,
    /// 1.27: separate strides for keys and elements, so that `mapsplitgroup` needs nothing special.
    Strides,
}

/// The layout of one map type's groups or buckets, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct MapShape {
    pub(crate) key: TypeId,
    pub(crate) elem: TypeId,
    /// Bytes of a key in its slot: 8 when stored indirectly.
    pub(crate) key_size: u64,
    /// Bytes of an element in its slot.
    pub(crate) elem_size: u64,
    pub(crate) indirect_key: bool,
    pub(crate) indirect_elem: bool,
    /// Bytes of a whole group or bucket.
    pub(crate) group_size: u64,
    pub(crate) keys_offset: u64,
    pub(crate) key_stride: u64,
    pub(crate) elems_offset: u64,
    pub(crate) elem_stride: u64,
    /// Descriptor of the group or bucket type.
    pub(crate) storage: u64,
    /// The group or bucket has pointers.
    pub(crate) scan: bool,
}

/// A type that a map's slots are made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct LaidOut {
    pub(super) ty: TypeId,
    pub(super) size: u64,
    pub(super) align: u64,
}

impl LaidOut {
    /// As it is in a slot: what is large is a pointer.
    fn in_slot(self) -> Self {
        if self.size > MAX_INLINE { Self { size: 8, align: 8, ..self } } else { self }
    }
}

impl MapShape {
    /// The shape of maps that never get a group, because nothing says what one would be like: as the compiler would lay
    /// one out, without a type. `None` when such sizes cannot be.
    pub(super) fn of_empty(form: MapForm, key: LaidOut, elem: LaidOut) -> Option<Self> {
        let (indirect_key, indirect_elem) = (key.size > MAX_INLINE, elem.size > MAX_INLINE);
        let (key, elem) = (key.in_slot(), elem.in_slot());
        let elem_in_slot = key.size.checked_next_multiple_of(elem.align)?;
        let slot = elem_in_slot.checked_add(elem.size)?.checked_next_multiple_of(key.align.max(elem.align))?;
        let (key_stride, elems_offset, elem_stride, group_size) = match form {
            MapForm::Legacy => (key.size, 8 + 8 * key.size, elem.size, 16 + 8 * (key.size + elem.size)),
            MapForm::Slots | MapForm::Strides => (slot, 8 + elem_in_slot, slot, 8 + 8 * slot),
        };
        Some(Self {
            key: key.ty,
            elem: elem.ty,
            key_size: key.size,
            elem_size: elem.size,
            indirect_key,
            indirect_elem,
            group_size,
            keys_offset: 8,
            key_stride,
            elems_offset,
            elem_stride,
            storage: 0,
            scan: false,
        })
    }

    /// Offset of key `slot` in its group.
    pub(crate) fn key_at(&self, slot: u64) -> u64 {
        self.keys_offset + slot * self.key_stride
    }

    /// Offset of element `slot` in its group.
    pub(crate) fn elem_at(&self, slot: u64) -> u64 {
        self.elems_offset + slot * self.elem_stride
    }

    /// Whether every slot lies inside the group: what a hostile descriptor must prove before it is used.
    pub(crate) fn fits(&self) -> bool {
        let end =
            |offset: u64, stride: u64, size: u64| stride.checked_mul(SLOTS - 1)?.checked_add(offset)?.checked_add(size);
        let fits = |e: Option<u64>| e.is_some_and(|e| e <= self.group_size);
        self.group_size <= MAX_GROUP
            && fits(end(self.keys_offset, self.key_stride, self.key_size))
            && fits(end(self.elems_offset, self.elem_stride, self.elem_size))
    }

    /// Bytes of a group that belong to neither key nor element, nor to the control word or top hashes.
    pub(crate) fn padding(&self, overhead: u64) -> u64 {
        self.group_size.saturating_sub(overhead + SLOTS * (self.key_size + self.elem_size))
    }
}
