//! Legacy maps (`runtime.hmap`, up to Go 1.23 and with `GOEXPERIMENT=noswissmap`).

use mapscope_heap::{GroupFill, MapFigures};
use rustc_hash::FxHashSet;

use super::{Auditor, Details, Tally, torn, unreadable};
use crate::heap::word;
use crate::runtime::LegacyMap;
use crate::types::MapShape;

/// Bytes of top hashes per bucket.
const TOP_HASHES: u64 = 8;
/// Top hashes below this are states, from it on entries.
const MIN_TOP_HASH: u8 = 5;
/// Top hashes of a bucket whose entries were moved (`evacuatedX`, `evacuatedY`, `evacuatedEmpty`).
const EVACUATED: std::ops::RangeInclusive<u8> = 2..=4;
const WRITING: u64 = 4;
const SAME_SIZE_GROW: u64 = 8;
/// Buckets in one chain; more is a cycle.
const MAX_CHAIN: usize = 1 << 16;
/// Largest logarithm of the number of buckets.
const MAX_LOG: u64 = 48;
/// Bytes of buckets read at once.
const WINDOW: u64 = 1 << 20;

/// One bucket array and its chains.
#[derive(Default)]
struct Walk {
    tally: Tally,
    holes: u64,
    overflow: u64,
    evacuated: u64,
    /// Overflow buckets that are objects of their own.
    overflow_bytes: u64,
    seen: FxHashSet<u64>,
}

impl Auditor<'_> {
    pub(super) fn legacy(
        &self,
        address: u64,
        shape: &MapShape,
        map: &LegacyMap,
        details: Option<&mut Details>,
    ) -> Result<MapFigures, String> {
        let mut header = [0; 64];
        let header = &mut header[..map.size.min(64) as usize];
        self.memory.read_into(address, header).map_err(|e| unreadable("its header", &e))?;
        let (count, flags, log) = (map.count.get(header), map.flags.get(header), map.log_buckets.get(header));
        if flags & WRITING != 0 {
            return torn("it was being written");
        }
        if log > MAX_LOG {
            return Err(format!("its number of buckets is 2^{log}"));
        }
        let (buckets, old) = (map.buckets.get(header), map.old_buckets.get(header));
        let main = if buckets == 0 { 0 } else { 1 << log };
        let mut current = Walk::default();
        self.buckets(buckets, main, shape, &mut current, details)?;
        let mut previous = Walk::default();
        if old != 0 {
            let same = flags & SAME_SIZE_GROW != 0;
            let count = if same || log == 0 { 1 << log } else { 1 << (log - 1) };
            self.buckets(old, count, shape, &mut previous, None)?;
        }
        let entries = current.tally.entries + previous.tally.entries;
        if entries != count {
            return Err(format!("{entries} entries were found, its header counts {count}"));
        }
        let old_bytes = if old == 0 { 0 } else { self.slot_bytes(old) + previous.overflow_bytes };
        let extra = self.slot_bytes(map.extra.get(header));
        let table_bytes =
            self.slot_bytes(address) + self.slot_bytes(buckets) + current.overflow_bytes + old_bytes + extra;
        let zero = Tally { zero_values: current.tally.zero_values + previous.tally.zero_values, ..Tally::default() };
        let chained = main + current.overflow;
        Ok(MapFigures {
            entries,
            slots: 8 * chained,
            groups: main,
            holes: current.holes,
            overflow_buckets: Some(current.overflow),
            old_buckets_bytes: Some(old_bytes),
            evacuated_buckets: Some(previous.evacuated),
            zero_values: zero.zero_values(shape, self.types),
            table_bytes,
            indirect_bytes: current.tally.indirect_bytes + previous.tally.indirect_bytes,
            padding_bytes: chained * shape.padding(TOP_HASHES + 8),
            reclaimable_bytes: table_bytes.saturating_sub(super::model::legacy_anew(
                entries,
                shape.group_size,
                shape.scan,
                self.types.minor(),
            )),
            ..MapFigures::default()
        })
    }

    /// Walks `count` buckets at `address` and their chains.
    fn buckets(
        &self,
        address: u64,
        count: u64,
        shape: &MapShape,
        walk: &mut Walk,
        mut details: Option<&mut Details>,
    ) -> Result<(), String> {
        let size = shape.group_size;
        let Some(len) = count.checked_mul(size).filter(|l| count == 0 || self.has_room(address, *l)) else {
            return Err("its buckets are not an object of that size".to_owned());
        };
        let step = (WINDOW / size.max(1)).max(1) * size;
        let mut scratch = Vec::new();
        let mut at = 0;
        while at < len {
            let piece = step.min(len - at);
            let bytes = self.memory.bytes(address + at, piece as usize, &mut scratch);
            let bytes = bytes.map_err(|e| unreadable("its buckets", &e))?;
            for bucket in bytes.chunks_exact(size as usize) {
                let fill = self.chain(bucket, address..address + len, shape, walk, &mut details)?;
                walk.holes += u64::from(fill.entries == 0);
                if let Some(details) = details.as_deref_mut() {
                    details.groups.push(fill);
                }
            }
            self.memory.release(address + at, piece as usize);
            at += piece;
        }
        Ok(())
    }

    /// One main bucket with its overflow buckets.
    fn chain(
        &self,
        bucket: &[u8],
        array: std::ops::Range<u64>,
        shape: &MapShape,
        walk: &mut Walk,
        details: &mut Option<&mut Details>,
    ) -> Result<GroupFill, String> {
        let mut fill = GroupFill::default();
        if EVACUATED.contains(&bucket[0]) {
            walk.evacuated += 1;
        }
        let array_slot = self.spans.object(array.start).map(|(object, ..)| object);
        let mut copy = Vec::new();
        let mut bytes = bucket;
        for position in 0..MAX_CHAIN {
            let before = walk.tally.entries;
            self.bucket(bytes, shape, walk)?;
            let entries = walk.tally.entries - before;
            fill.entries += entries as u32;
            fill.slots += 8;
            if let Some(details) = details.as_deref_mut() {
                details.chain_positions.resize(details.chain_positions.len().max(position + 1), 0);
                details.chain_positions[position] += entries;
            }
            let next = word(bytes, shape.group_size.saturating_sub(8));
            if next == 0 {
                return Ok(fill);
            }
            if !self.has_room(next, shape.group_size) || !walk.seen.insert(next) {
                return Err(format!("an overflow bucket at {next:#x} is no object of that size, or is met twice"));
            }
            walk.overflow += 1;
            // Preallocated overflow buckets are part of the array's own slot.
            if self.spans.object(next).map(|(object, ..)| object) != array_slot {
                walk.overflow_bytes += self.slot_bytes(next);
            }
            let mut scratch = Vec::new();
            let fresh = self.memory.bytes(next, shape.group_size as usize, &mut scratch);
            copy = fresh.map_err(|e| unreadable("an overflow bucket", &e))?.to_vec();
            bytes = &copy;
        }
        drop(copy);
        Err("a chain of overflow buckets does not end".to_owned())
    }

    fn bucket(&self, bytes: &[u8], shape: &MapShape, walk: &mut Walk) -> Result<(), String> {
        for slot in 0..8 {
            if bytes[slot as usize] >= MIN_TOP_HASH {
                self.entry(shape, bytes, slot, &mut walk.tally)?;
            }
        }
        Ok(())
    }
}
