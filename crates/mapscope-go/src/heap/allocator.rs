//! Which slot of the heap an allocation gets.

use super::{MAX_IN_SPAN, PAGE};

/// Slot sizes up to 32 KiB (`runtime/sizeclasses.go`, the same in Go 1.21 to 1.27).
const SIZE_CLASSES: [u64; 66] = [
    8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352, 384, 416, 448, 480,
    512, 576, 640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048, 2304, 2688, 3072, 3200, 3456, 4096, 4864,
    5376, 6144, 6528, 6784, 6912, 8192, 9472, 9728, 10240, 10880, 12288, 13568, 14336, 16384, 18432, 19072, 20480,
    21760, 24576, 27264, 28672,
];

/// Bytes of a slot in front of an object with pointers that say its type.
const TYPE_HEADER: u64 = 8;
/// Objects up to this size, header included, come from size classes.
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

    /// Bytes of a slot of `slot` bytes that an object can use: all but the header in front of objects with pointers.
    pub(crate) fn room_of(self, slot: u64, pointers: bool) -> u64 {
        let header = self.headers && pointers && slot > MAX_IN_SPAN && slot <= MAX_SMALL;
        slot - if header { TYPE_HEADER } else { 0 }
    }

    fn header(self, size: u64, pointers: bool) -> u64 {
        let small = size > MAX_IN_SPAN && size <= MAX_SMALL - TYPE_HEADER;
        if self.headers && pointers && small { TYPE_HEADER } else { 0 }
    }
}

/// The slot size the allocator gives to `bytes`, header included.
pub(crate) fn slot_for(bytes: u64) -> u64 {
    // The largest class is 32 KiB; above it, whole pages.
    match SIZE_CLASSES.iter().find(|c| **c >= bytes) {
        Some(class) => *class,
        None if bytes <= MAX_SMALL => MAX_SMALL,
        None => bytes.next_multiple_of(PAGE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_allocator() {
        for (bytes, slot) in [(1, 8), (24, 24), (25, 32), (4865, 5376), (28673, 32768), (32769, 40960)] {
            assert_eq!(slot_for(bytes), slot, "{bytes}");
        }
    }

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
