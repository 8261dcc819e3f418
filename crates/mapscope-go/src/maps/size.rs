//! What a map costs when it is made anew: the runtime's own sizing, `makemap` and `NewMap` with a hint.

use crate::heap::MAX_IN_SPAN;
use crate::types::MapShape;
use crate::typing::slot_for;

/// Bytes of a Swiss map's header and tables, and of a legacy map's `mapextra`.
const HEADER: u64 = 48;
const TABLE: u64 = 32;
const EXTRA: u64 = 24;
pub(super) const MAX_CAPACITY: u64 = 1024;
/// Objects up to this size, header included, come from size classes.
const MAX_SMALL: u64 = 32768;

/// Bytes of the slot for `size` bytes: from 512 bytes on objects with pointers carry their type (Go 1.22 and later).
pub(super) fn allocated(size: u64, scan: bool) -> u64 {
    let with_header = size + if scan && size > MAX_IN_SPAN { 8 } else { 0 };
    slot_for(if with_header <= MAX_SMALL { with_header } else { size })
}

/// `maps.NewMap` (`internal/runtime/maps/map.go`) for a hint of `entries`.
pub(super) fn swiss(entries: u64, shape: &MapShape) -> u64 {
    if entries == 0 {
        return HEADER;
    }
    if entries <= 8 {
        return HEADER + allocated(shape.group_size, shape.scan);
    }
    let (tables, capacity) = swiss_tables(entries);
    HEADER + allocated(tables * 8, true) + tables * table_bytes(capacity, shape)
}

/// How many tables a map with a hint of more than eight entries gets, and how many slots each has.
pub(super) fn swiss_tables(entries: u64) -> (u64, u64) {
    let target = entries.saturating_mul(8) / 7;
    let tables = target.div_ceil(MAX_CAPACITY).next_power_of_two();
    (tables, (target / tables).max(8).next_power_of_two())
}

/// Bytes of a table with its groups.
pub(super) fn table_bytes(capacity: u64, shape: &MapShape) -> u64 {
    TABLE + allocated(capacity / 8 * shape.group_size, shape.scan)
}

/// `makemap` and `makeBucketArray` (`runtime/map.go` up to 1.23, `map_noswiss.go` after) for a hint of `entries`.
/// `header`: bytes of `hmap`, which grew in 1.24.
pub(super) fn legacy(entries: u64, shape: &MapShape, header: u64, minor: u32) -> u64 {
    let header = slot_for(header);
    if entries == 0 {
        return header;
    }
    let (log, buckets) = legacy_buckets(entries, shape, minor);
    let extra = if log >= 4 { EXTRA } else { 0 };
    header + extra + allocated(buckets * shape.group_size, has_type(shape, minor))
}

/// Objects carry their type from 1.22 on.
fn has_type(shape: &MapShape, minor: u32) -> bool {
    shape.scan && minor >= 22
}

/// The logarithm of the number of main buckets that a map with a hint of `entries` gets, and how many buckets its array
/// has: from 16 on, some for overflow.
pub(super) fn legacy_buckets(entries: u64, shape: &MapShape, minor: u32) -> (u32, u64) {
    // Entries per two buckets. 1.21 rounded its load factor of 6.5 down.
    let load = if minor <= 21 { 12 } else { 13 };
    let mut log = 0;
    while entries > 8 && entries > load * (1 << log) / 2 && log < 48 {
        log += 1;
    }
    let mut buckets = 1u64 << log;
    if log >= 4 {
        // Room for overflow buckets, and whatever the slot has left.
        buckets += 1 << (log - 4);
        let slot = allocated(buckets * shape.group_size, has_type(shape, minor));
        buckets = buckets.max(slot / shape.group_size.max(1));
    }
    (log, buckets)
}
