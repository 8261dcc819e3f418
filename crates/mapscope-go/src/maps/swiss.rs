//! Swiss maps (`internal/runtime/maps`, Go 1.24 and later).

use mapscope_heap::{GroupFill, MapFigures};
use rustc_hash::FxHashSet;

use super::{Auditor, Details, Tally, torn, unreadable};
use crate::heap::word;
use crate::runtime::{SwissMap, SwissTable};
use crate::types::MapShape;

/// Bytes of control words per group.
const CONTROL: u64 = 8;
/// Control bytes: below 0x80 an entry.
const EMPTY: u8 = 0x80;
const DELETED: u8 = 0xfe;
/// `maxTableCapacity`.
const MAX_CAPACITY: u64 = 1024;
/// A directory has one entry for each value of so many hash bits at most.
const MAX_DEPTH: u64 = 40;

#[derive(Default)]
struct Walk {
    tally: Tally,
    groups: u64,
    holes: u64,
    tombstones: u64,
    table_bytes: u64,
    /// Group arrays of tables.
    seen: FxHashSet<u64>,
}

impl Auditor<'_> {
    pub(super) fn swiss(
        &self,
        address: u64,
        shape: &MapShape,
        layout: &(SwissMap, SwissTable),
        mut details: Option<&mut Details>,
    ) -> Result<MapFigures, String> {
        let (map, _) = layout;
        let mut header = [0; 64];
        let header = &mut header[..map.size.min(64) as usize];
        self.memory.read_into(address, header).map_err(|e| unreadable("its header", &e))?;
        if map.writing.get(header) != 0 {
            return torn("it was being written");
        }
        let (used, directory, len) = (map.used.get(header), map.directory.get(header), map.directory_len.get(header));
        let mut walk = Walk { table_bytes: self.slot_bytes(address), ..Walk::default() };
        if len == 0 {
            if directory != 0 {
                walk.table_bytes += self.slot_bytes(directory);
                self.swiss_groups(directory, 1, shape, &mut walk, details)?;
            }
            if walk.tombstones > 0 {
                return torn("a single group has tombstones");
            }
        } else {
            let depth = map.global_depth.get(header);
            if depth > MAX_DEPTH || len != 1 << depth || map.global_shift.get(header) & 63 != (64 - depth) & 63 {
                return torn("its directory does not have the length its depth asks for");
            }
            walk.table_bytes += self.slot_bytes(directory);
            for table in self.tables(directory, len)? {
                self.swiss_table(table, shape, &layout.1, &mut walk, details.as_deref_mut())?;
            }
        }
        if walk.tally.entries != used {
            return Err(format!("{} entries were found, its header counts {used}", walk.tally.entries));
        }
        let entries = walk.tally.entries;
        Ok(MapFigures {
            entries,
            slots: walk.groups * 8,
            groups: walk.groups,
            holes: walk.holes,
            tombstones: Some(walk.tombstones),
            zero_values: walk.tally.zero_values(shape, self.types),
            table_bytes: walk.table_bytes,
            indirect_bytes: walk.tally.indirect_bytes,
            padding_bytes: walk.groups * shape.padding(CONTROL),
            reclaimable_bytes: walk.table_bytes.saturating_sub(super::model::swiss_anew(
                entries,
                shape.group_size,
                shape.scan,
            )),
            ..MapFigures::default()
        })
    }

    /// The distinct tables of a directory, which names a table once for each hash prefix it serves.
    fn tables(&self, directory: u64, len: u64) -> Result<Vec<u64>, String> {
        if !self.has_room(directory, len * 8) {
            return Err("its directory is not an object of that size".to_owned());
        }
        let mut scratch = Vec::new();
        let bytes = self.memory.bytes(directory, len as usize * 8, &mut scratch);
        let bytes = bytes.map_err(|e| unreadable("its directory", &e))?;
        let mut tables: Vec<u64> = bytes.chunks_exact(8).map(|b| word(b, 0)).collect();
        // The entries of one table are neighbours.
        tables.dedup();
        let mut seen = FxHashSet::default();
        if !tables.iter().all(|t| seen.insert(*t)) {
            return Err("its directory names a table in two places".to_owned());
        }
        Ok(tables)
    }

    fn swiss_table(
        &self,
        address: u64,
        shape: &MapShape,
        layout: &SwissTable,
        walk: &mut Walk,
        details: Option<&mut Details>,
    ) -> Result<(), String> {
        let mut bytes = [0; 64];
        let bytes = &mut bytes[..layout.size.min(64) as usize];
        self.memory.read_into(address, bytes).map_err(|e| unreadable("a table", &e))?;
        let (used, capacity) = (layout.used.get(bytes), layout.capacity.get(bytes));
        let (groups, mask) = (layout.groups.get(bytes), layout.length_mask.get(bytes));
        let fits = capacity.is_power_of_two() && (8..=MAX_CAPACITY).contains(&capacity);
        if !fits || mask.checked_add(1).and_then(|n| n.checked_mul(8)) != Some(capacity) {
            return Err(format!("a table at {address:#x} has a capacity of {capacity}"));
        }
        if !walk.seen.insert(groups) {
            return Err(format!("two tables have the same groups at {groups:#x}"));
        }
        walk.table_bytes += self.slot_bytes(address) + self.slot_bytes(groups);
        let before = (walk.tally.entries, walk.tombstones);
        self.swiss_groups(groups, capacity / 8, shape, walk, details)?;
        let (entries, tombstones) = (walk.tally.entries - before.0, walk.tombstones - before.1);
        if entries != used {
            return Err(format!("{entries} entries were found in a table that counts {used}"));
        }
        let limit = if capacity <= 8 { capacity - 1 } else { capacity * 7 / 8 };
        if used.checked_add(layout.growth_left.get(bytes)).and_then(|n| n.checked_add(tombstones)) != Some(limit) {
            return Err(format!("a table's growth left does not agree with its {tombstones} tombstones"));
        }
        Ok(())
    }

    fn swiss_groups(
        &self,
        address: u64,
        count: u64,
        shape: &MapShape,
        walk: &mut Walk,
        mut details: Option<&mut Details>,
    ) -> Result<(), String> {
        let len = count * shape.group_size;
        if !self.has_room(address, len) {
            return Err("its groups are not an object of that size".to_owned());
        }
        let mut scratch = Vec::new();
        let bytes = self.memory.bytes(address, len as usize, &mut scratch);
        let bytes = bytes.map_err(|e| unreadable("its groups", &e))?;
        for group in bytes.chunks_exact(shape.group_size.max(1) as usize) {
            let mut fill = GroupFill { slots: 8, ..GroupFill::default() };
            for (slot, control) in group.iter().take(8).enumerate() {
                match *control {
                    0..EMPTY => {
                        fill.entries += 1;
                        self.entry(shape, group, slot as u64, &mut walk.tally)?;
                    }
                    EMPTY => {}
                    DELETED => fill.tombstones += 1,
                    other => return Err(format!("a control byte is {other:#x}")),
                }
            }
            walk.groups += 1;
            walk.holes += u64::from(fill.entries == 0);
            walk.tombstones += u64::from(fill.tombstones);
            if let Some(details) = details.as_deref_mut() {
                details.groups.push(fill);
            }
        }
        self.memory.release(address, len as usize);
        Ok(())
    }
}
