//! The two maps of a `sync.Map` (`sync/map.go` up to Go 1.23): one that is read without a lock, one that is written. Most
//! entries are in both. A deleted entry stays until the map that is read is replaced by the other.

use rustc_hash::FxHashSet;

use super::{Contents, MAX_ENTRIES, Walker};
use crate::heap::word;
use crate::hops;
use crate::types::{Kind, MapPart, MapShape, TypeId, compile, leaves};

/// Bytes of groups or buckets read at once.
const WINDOW: u64 = 1 << 20;
/// A top hash from this on is an entry's (`minTopHash`, `runtime/map.go`).
const MIN_TOP_HASH: u8 = 5;
/// A control byte below this is an entry's.
const EMPTY: u8 = 0x80;

impl Walker<'_, '_> {
    /// `read`: address of the `readOnly`, or 0; `dirty`: of the header of the map that is written, or 0.
    pub(super) fn pair(&mut self, read: u64, dirty: u64, target: TypeId, contents: &mut Contents) -> Option<()> {
        let mut maps = vec![dirty];
        if read != 0 {
            self.part(read, contents)?;
            let plan = compile(self.stages().context.types, target);
            let (offset, _) = *leaves(&plan).first()?;
            maps.push(self.stages().context.memory.u64(read.checked_add(offset)?).ok()?);
        }
        let mut entries = Vec::new();
        for map in maps.into_iter().filter(|m| *m != 0) {
            self.one_map(map, contents, &mut entries)?;
        }
        entries.sort_unstable();
        let expunged = self.expunged()?;
        let mut last = 0;
        for (entry, key) in entries {
            let value = self.stages().context.memory.u64(entry).ok()?;
            let deleted = value == 0 || value == expunged;
            if deleted {
                self.boxes.add_untyped(&mut contents.keys, key);
            } else {
                self.boxes.add(&mut contents.keys, key);
            }
            if std::mem::replace(&mut last, entry) == entry {
                continue;
            }
            self.part(entry, contents)?;
            if deleted {
                contents.deleted += 1;
                continue;
            }
            self.part(value, contents)?;
            let memory = self.stages().context.memory;
            let value = (memory.u64(value).ok()?, memory.u64(value.checked_add(8)?).ok()?);
            self.boxes.add(&mut contents.values, value);
            contents.entries += 1;
        }
        Some(())
    }

    /// What the pointer of an entry that was deleted for good leads to.
    fn expunged(&self) -> Option<u64> {
        let (_, index) = self.stages().context.types.debug_info()?;
        self.stages().context.memory.u64(index.global("sync.expunged").ok()?).ok()
    }

    /// The entries of one of the maps, each with its key: type word and data word.
    fn one_map(&mut self, header: u64, contents: &mut Contents, entries: &mut Vec<(u64, (u64, u64))>) -> Option<()> {
        let found = self.session.maps.at(header)?;
        let (map, figures) = (self.session.map_type(found.id())?, found.figures()?);
        let shape = self.stages().context.types.shape(map)?;
        let fits = shape.key_size == 16 && shape.elem_size == 8 && !shape.indirect_key && !shape.indirect_elem;
        if !fits || entries.len() as u64 + figures.entries > MAX_ENTRIES as u64 {
            return None;
        }
        let before = entries.len();
        for object in self.parts(header, map)? {
            self.inside.insert(object as usize);
            let id = TypeId(self.session.graph().type_of(object));
            if matches!(self.stages().context.types.get(id).kind, Kind::MapPart(MapPart::Groups, _)) {
                self.slots(object, &shape, figures.entries as usize + before, entries)?;
            }
        }
        contents.structure_bytes += figures.table_bytes;
        contents.maps.push(header);
        (entries.len() - before == figures.entries as usize).then_some(())
    }

    /// The objects that a map consists of.
    fn parts(&self, header: u64, map: TypeId) -> Option<Vec<u32>> {
        let (types, graph) = (self.stages().context.types, self.session.graph());
        let mut parts = vec![self.stages().heap.spans.object(header)?.0];
        let mut seen: FxHashSet<u32> = parts.iter().copied().collect();
        let mut next = 0;
        while let Some(part) = parts.get(next).copied() {
            next += 1;
            for target in graph.edges(part) {
                let kind = &types.get(TypeId(graph.type_of(*target))).kind;
                if matches!(kind, Kind::MapPart(_, of) if *of == map) && seen.insert(*target) {
                    parts.push(*target);
                }
            }
        }
        Some(parts)
    }

    /// The entries in an object that consists of groups or buckets.
    fn slots(&self, object: u32, shape: &MapShape, most: usize, entries: &mut Vec<(u64, (u64, u64))>) -> Option<()> {
        let (swiss, memory) = (self.stages().context.types.is_swiss(), self.stages().context.memory);
        let (start, room) = hops::contents(self.stages().typing, object)?;
        let size = shape.group_size.max(8);
        let step = (WINDOW / size).max(1) * size;
        let mut scratch = Vec::new();
        // Behind the groups of a table, which are a power of two, a slot may have room, whose zeros are no control bytes.
        // Behind buckets, they say that there is no entry.
        let groups = room / size;
        let len = if swiss { size << groups.checked_ilog2()? } else { groups * size };
        let mut at = 0;
        while at < len {
            let piece = step.min(len - at);
            let bytes = memory.bytes(start + at, piece as usize, &mut scratch).ok()?;
            for group in bytes.chunks_exact(size as usize) {
                for slot in 0..8u64 {
                    let control = group[slot as usize];
                    if (swiss && control < EMPTY) || (!swiss && control >= MIN_TOP_HASH) {
                        let key = shape.key_at(slot);
                        let entry = word(group, shape.elem_at(slot));
                        if entries.len() >= most {
                            return None;
                        }
                        entries.push((entry, (word(group, key), word(group, key + 8))));
                    }
                }
            }
            at += piece;
        }
        Some(())
    }
}
