//! Which slot of the heap an allocation gets.

use crate::heap::MAX_IN_SPAN;
use crate::typing::slot_for;

/// Bytes of a slot in front of an object with pointers that say its type.
const TYPE_HEADER: u64 = 8;
/// Objects up to this size, header included, come from size classes (`runtime/sizeclasses.go`).
const MAX_SMALL: u64 = 32768;

/// The allocator of one Go version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocator {
    /// Objects over 512 bytes with pointers carry their type: Go 1.22 and later.
    pub headers: bool,
}

impl Allocator {
    /// Bytes of the slot for one object of `size` bytes; 0 for nothing.
    pub fn slot(self, size: u64, pointers: bool) -> u64 {
        if size == 0 { 0 } else { slot_for(size.saturating_add(self.header(size, pointers))) }
    }

    /// Bytes of that slot that the object can use (`roundupsize` in `runtime/msize.go`).
    pub fn room(self, size: u64, pointers: bool) -> u64 {
        self.slot(size, pointers) - self.header(size, pointers)
    }

    fn header(self, size: u64, pointers: bool) -> u64 {
        let small = size > MAX_IN_SPAN && size <= MAX_SMALL - TYPE_HEADER;
        if self.headers && pointers && small { TYPE_HEADER } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_with_pointers_over_512_bytes_have_a_header_from_1_22_on() {
        let (old, new) = (Allocator { headers: false }, Allocator { headers: true });
        for (size, pointers, before, after) in [
            (0, true, 0, 0),
            (48, true, 48, 48),
            (512, true, 512, 512),
            (520, true, 576, 576),
            (576, true, 576, 640),
            (576, false, 576, 576),
            (32760, true, 32768, 32768),
            (32761, true, 32768, 32768),
            (32768, true, 32768, 32768),
            (32769, true, 40960, 40960),
        ] {
            assert_eq!((old.slot(size, pointers), new.slot(size, pointers)), (before, after), "{size} {pointers}");
        }
        assert_eq!((new.room(576, true), new.room(576, false)), (632, 576));
    }
}
