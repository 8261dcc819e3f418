//! Loops over maps that have not ended: their iterators, and the tables and bucket arrays that these lead to.
//!
//! The compiler keeps an iterator on the stack and gives it no name, so it is known by what it says: the descriptor of a
//! map type next to a pointer to the header of a map of that type, and behind them a table, or an array of buckets, of
//! just the size that it says it has.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::maps::Auditor;
use crate::roots::RootKind;
use crate::runtime::{Field, LegacyIterator, SwissIterator};
use crate::session::Stages;
use crate::storage::live_types;
use crate::types::{Kind, MapShape, TypeId};

/// `maxTableCapacity`.
const MAX_CAPACITY: u64 = 1024;
/// Slots of a group.
const SLOTS: u64 = 8;
/// Largest logarithm of the number of buckets.
const MAX_LOG: u64 = 48;
/// Bytes of an iterator that are read; both have 96.
const MAX_ITERATOR: usize = 128;
/// Bytes of a list of overflow buckets, which is a slice, and of what leads to it (`mapextra`).
const LIST: u64 = 24;
/// Loops that are looked at.
const MAX_LOOPS: usize = 1 << 20;

/// Who has an iterator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Keeper {
    /// A frame of a goroutine: indices of both.
    Frame(u32, u32),
    /// A `reflect.MapIter`.
    Object(u32),
}

/// An iterator of a loop that has begun.
pub(super) struct Loop {
    pub(super) keeper: Keeper,
    /// Addresses that it takes.
    pub(super) range: std::ops::Range<u64>,
    /// Address of the map's header.
    pub(super) map: u64,
    /// Objects that were parts of the map, and are none any more.
    pub(super) stale: Vec<u32>,
    /// Where it is; none when the layout does not say, or the loop has ended.
    pub(super) place: Option<Progress>,
}

/// How far a loop is, by the slots it has passed: a Swiss map's in the order of its directory, a legacy map's in the order
/// of its buckets, each from where the loop began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) passed: u64,
    pub(super) of: u64,
}

/// What an iterator says.
struct Said {
    map: u64,
    /// Parts of the map that it leads to, now or once.
    held: Vec<u32>,
    place: Option<Progress>,
}

/// The layout of an iterator.
#[derive(Clone, Copy)]
enum Form {
    Swiss(SwissIterator),
    Legacy(LegacyIterator),
}

/// What loops are looked for with.
pub(super) struct Finder<'f, 's> {
    pub(super) stages: &'f Stages<'s>,
    auditor: Auditor<'s>,
    form: Form,
    /// Types of the maps whose figures add up, by the address of their header.
    maps: &'f dyn Fn(u64) -> Option<TypeId>,
    /// The objects that a map consists of, as far as its iterators can lead to them.
    current: FxHashMap<u64, FxHashSet<u32>>,
}

impl<'f, 's> Finder<'f, 's> {
    /// `None` when the layout of iterators is not known.
    pub(super) fn new(stages: &'f Stages<'s>, maps: &'f dyn Fn(u64) -> Option<TypeId>) -> Option<Self> {
        let layout = stages.context.layout;
        let swiss = layout.swiss_iterator.filter(|_| stages.context.types.is_swiss()).map(Form::Swiss);
        let form = swiss.or(layout.legacy_iterator.filter(|_| !stages.context.types.is_swiss()).map(Form::Legacy))?;
        Some(Self { stages, auditor: stages.auditor(), form, maps, current: FxHashMap::default() })
    }

    /// The loops over maps whose figures add up.
    pub(super) fn loops(&mut self) -> Vec<Loop> {
        let (map, size) = match self.form {
            Form::Swiss(i) => (i.map.offset, i.size),
            Form::Legacy(i) => (i.map.offset, i.size),
        };
        let mut found = Vec::new();
        for (at, keeper) in self.stacks(map).into_iter().chain(self.reflected()).take(MAX_LOOPS) {
            let mut bytes = [0; MAX_ITERATOR];
            let bytes = &mut bytes[..(size as usize).min(MAX_ITERATOR)];
            if self.stages.context.memory.read_into(at, bytes).is_err() {
                continue;
            }
            if let Some(Said { map, held, place }) = self.said(bytes) {
                let current = self.current(map);
                let stale = held.into_iter().filter(|o| !current.contains(o)).collect();
                found.push(Loop { keeper, range: at..at.saturating_add(size), map, stale, place });
            }
        }
        found
    }

    /// Where iterators may be on stacks: around live words that lead to the header of a map. `map`: the offset of that
    /// word.
    fn stacks(&self, map: u64) -> Vec<(u64, Keeper)> {
        let mut found = Vec::new();
        for root in &self.stages.roots.words {
            if let RootKind::Stack(goroutine, frame) = root.kind
                && (self.maps)(root.value).is_some()
                && let Some(at) = root.address.checked_sub(map).filter(|_| root.address != 0)
            {
                found.push((at, Keeper::Frame(goroutine, frame)));
            }
        }
        found.sort_unstable();
        found.dedup_by_key(|f| f.0);
        found
    }

    /// The iterators in objects of the type `reflect.MapIter`.
    fn reflected(&self) -> Vec<(u64, Keeper)> {
        let types = self.stages.context.types;
        let mut live = live_types(self.stages).into_iter();
        let Some(id) = live.find(|id| types.get(*id).name == "reflect.MapIter") else { return Vec::new() };
        let Kind::Struct(fields) = &types.get(id).kind else { return Vec::new() };
        let Some(offset) = fields.iter().find(|f| f.name == "hiter").map(|f| f.offset) else { return Vec::new() };
        let graph = &self.stages.heap.graph;
        let objects = graph.blocks.blocks().iter().flat_map(mapscope_heap::Block::objects);
        let ours = objects.filter(|o| graph.type_of(*o) == id.0 && self.stages.reach.is_live(*o));
        ours.map(|o| (graph.blocks.address(o) + offset, Keeper::Object(o))).collect()
    }

    /// What an iterator says; `None` when the bytes are none.
    fn said(&self, iterator: &[u8]) -> Option<Said> {
        let (map_type, map) = match self.form {
            Form::Swiss(i) => (i.map_type.get(iterator), i.map.get(iterator)),
            Form::Legacy(i) => (i.map_type.get(iterator), i.map.get(iterator)),
        };
        let types = self.stages.context.types;
        let known = types.shape((self.maps)(map)?)?;
        if !types.is_map_descriptor(map_type) {
            return None;
        }
        let shape = types.shape(types.descriptor(map_type))?;
        if (shape.key, shape.elem, shape.group_size) != (known.key, known.elem, known.group_size) {
            return None;
        }
        let (held, place) = match self.form {
            Form::Swiss(i) if i.table.get(iterator) == 0 => (Vec::new(), Some(self.of_single_group(&i, iterator)?)),
            Form::Swiss(i) => {
                let (held, capacity) = self.table(i.table.get(iterator), &shape)?;
                (held, self.of_tables(&i, iterator, capacity))
            }
            Form::Legacy(i) => (self.arrays(&i, iterator, &shape)?, of_buckets(&i, iterator)),
        };
        let key = match self.form {
            Form::Swiss(i) => i.key,
            Form::Legacy(i) => i.key,
        };
        // A loop ends with a nil key (`Iter.Next`, `mapiternext`).
        let has_ended = key.is_none_or(|key| key.get(iterator) == 0);
        Some(Said { map, held, place: place.filter(|_| !has_ended) })
    }

    /// Where a loop over a map of one group is. An interface that holds a map looks like the start of an iterator: the rest
    /// has to be one of such a loop (`Iter.Init`).
    fn of_single_group(&self, i: &SwissIterator, iterator: &[u8]) -> Option<Progress> {
        let (map, _) = self.stages.context.layout.swiss?;
        let (group, index, entry) = (i.group?, i.directory_index?, i.entry_index?);
        let word = |field: Field| self.stages.context.memory.u64(i.map.get(iterator).wrapping_add(field.offset)).ok();
        let is_single = word(map.directory_len)? == 0 && word(map.directory)? == group.get(iterator);
        let is_loop = index.get(iterator) == u64::MAX && entry.get(iterator) <= SLOTS;
        (is_single && is_loop).then(|| Progress { passed: entry.get(iterator), of: SLOTS })
    }

    /// Where a loop over a map with tables is, in slots of as many tables of one size as the directory has entries.
    fn of_tables(&self, i: &SwissIterator, iterator: &[u8], capacity: u64) -> Option<Progress> {
        let (map, _) = self.stages.context.layout.swiss?;
        let at = i.map.get(iterator).wrapping_add(map.directory_len.offset);
        let tables = self.stages.context.memory.u64(at).ok()?.max(1);
        let (index, entry) = (i.directory_index?.get(iterator), i.entry_index?.get(iterator));
        let of = tables.checked_mul(capacity)?;
        Some(Progress { passed: index.checked_mul(capacity)?.checked_add(entry.min(capacity))?.min(of), of })
    }

    /// A Swiss table and its groups, and how many slots they have.
    fn table(&self, table: u64, shape: &MapShape) -> Option<(Vec<u32>, u64)> {
        let (_, layout) = self.stages.context.layout.swiss?;
        let object = self.object(table, layout.size, true)?;
        let mut bytes = [0; 64];
        let bytes = &mut bytes[..layout.size.min(64) as usize];
        self.stages.context.memory.read_into(table, bytes).ok()?;
        let capacity = layout.capacity.get(bytes);
        let fits = capacity.is_power_of_two() && (8..=MAX_CAPACITY).contains(&capacity);
        if !fits || layout.length_mask.get(bytes).checked_add(1)?.checked_mul(8)? != capacity {
            return None;
        }
        let groups = self.object(layout.groups.get(bytes), capacity / 8 * shape.group_size, shape.scan)?;
        Some((vec![object, groups], capacity))
    }

    /// Legacy: the array that there was when the loop began, that of the bucket it is at, which is an older one when the
    /// map was growing, and the lists of overflow buckets that hold no pointers.
    fn arrays(&self, i: &LegacyIterator, iterator: &[u8], shape: &MapShape) -> Option<Vec<u32>> {
        let log = i.log_buckets.get(iterator);
        let array = |address: u64, log: u64| self.object(address, array_bytes(log, shape)?, shape.scan);
        let buckets = i.buckets.get(iterator);
        if log == 0 && self.stages.heap.spans.object(buckets).is_none() {
            // The compiler puts a small map on the stack, with its only bucket.
            return self.is_only_bucket(i.map.get(iterator), buckets).then(Vec::new);
        }
        let mut held = vec![array(buckets, log)?];
        let spans = &self.stages.heap.spans;
        if let Some((object, offset, span)) = spans.object(i.bucket.get(iterator)) {
            let start = i.bucket.get(iterator).checked_sub(offset)? + spans.header(&spans.spans[span]);
            let older = array(start, log).or_else(|| array(start, log.checked_sub(1)?));
            held.extend(older.filter(|o| *o == object));
        }
        for list in [i.overflow, i.old_overflow] {
            // The list and its array, which leads to the first overflow buckets: those that lie in the buckets' own array.
            if let Some(list) = self.object(list.get(iterator), LIST, true) {
                held.push(list);
                held.extend_from_slice(self.stages.heap.graph.edges(list));
            }
        }
        held.sort_unstable();
        held.dedup();
        Some(held)
    }

    /// Whether a legacy map has its buckets there, outside of the heap.
    fn is_only_bucket(&self, map: u64, buckets: u64) -> bool {
        let Some(layout) = self.stages.context.layout.legacy else { return false };
        let field = |field: Field| self.stages.context.memory.u64(map.wrapping_add(field.offset)).ok();
        buckets != 0 && field(layout.buckets) == Some(buckets)
    }

    /// The live object at `address`, if its slot is that of `size` bytes.
    fn object(&self, address: u64, size: u64, pointers: bool) -> Option<u32> {
        let spans = &self.stages.heap.spans;
        let (object, offset, span) = spans.object(address)?;
        let span = &spans.spans[span];
        let fits = offset == spans.header(span) && span.elem_size == spans.allocator().slot(size, pointers);
        (fits && span.noscan != pointers && self.stages.reach.is_live(object)).then_some(object)
    }

    /// Directory, tables and groups; or buckets, old buckets and what keeps their overflow buckets.
    fn current(&mut self, map: u64) -> &FxHashSet<u32> {
        let (auditor, graph) = (&self.auditor, &self.stages.heap.graph);
        // What is larger holds entries, and what those lead to is no part.
        let largest = match (self.form, self.stages.context.layout.swiss) {
            (Form::Swiss(_), Some((_, table))) => self.stages.heap.spans.allocator().slot(table.size, true),
            _ => LIST,
        };
        let directory = matches!(self.form, Form::Swiss(_));
        self.current.entry(map).or_insert_with(|| {
            let mut parts = auditor.parts(map);
            let mut from = 0;
            for level in 0..2 {
                let until = parts.len();
                for index in from..until {
                    let part = parts[index];
                    if directory && level == 0 || graph.blocks.size(part) <= largest {
                        parts.extend_from_slice(graph.edges(part));
                    }
                }
                from = until;
            }
            parts.into_iter().collect()
        })
    }
}

/// Where a loop over a legacy map is, in buckets.
fn of_buckets(i: &LegacyIterator, iterator: &[u8]) -> Option<Progress> {
    let log = i.log_buckets.get(iterator);
    let of = 1u64.checked_shl(u32::try_from(log).ok()?).filter(|_| log <= MAX_LOG)?;
    let (start, next) = (i.started_at?.get(iterator), i.bucket_index?.get(iterator));
    // What it is at is the bucket before the next one.
    let passed = if i.wrapped?.get(iterator) & 1 == 1 { next.wrapping_add(of) } else { next }.wrapping_sub(start);
    Some(Progress { passed: passed.min(of), of })
}

/// Bytes of an array of `2^log` buckets (`makeBucketArray`): from 16 on it has room for overflow buckets.
fn array_bytes(log: u64, shape: &MapShape) -> Option<u64> {
    if log > MAX_LOG {
        return None;
    }
    let overflow = if log < 4 { 0 } else { 1 << (log - 4) };
    ((1u64 << log) + overflow).checked_mul(shape.group_size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_have_room_for_overflow_buckets_from_16_on() {
        let shape = MapShape {
            key: TypeId::UNKNOWN,
            elem: TypeId::UNKNOWN,
            key_size: 8,
            elem_size: 8,
            indirect_key: false,
            indirect_elem: false,
            group_size: 144,
            keys_offset: 8,
            key_stride: 8,
            elems_offset: 72,
            elem_stride: 8,
            storage: 0,
            scan: false,
        };
        let buckets = |log| array_bytes(log, &shape).map(|b| b / 144);
        assert_eq!([buckets(0), buckets(3), buckets(4), buckets(8)], [Some(1), Some(8), Some(17), Some(272)]);
        assert_eq!((buckets(49), buckets(255)), (None, None));
    }
}
