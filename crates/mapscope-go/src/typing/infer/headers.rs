//! Objects that can be the header of a map, and the map types that they can be of.

use std::cmp::Reverse;
use std::sync::{Arc, RwLock};

use mapscope_heap::Reachability;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::code::Evidence;
use super::maps::Ground;
use crate::heap::slot_for;
use crate::heap::{MAX_IN_SPAN, Masks, pointer_words};
use crate::maps::Auditor;
use crate::runtime::Field;
use crate::types::{Catalog, Kind, MapShape, TypeId};
use crate::typing::Typing;

/// Types that fit a map's groups and are looked at; more are as good as unknown.
const MAX_FITTING: usize = 1024;
/// Groups of one map whose entries are looked at.
const MAX_GROUPS: u64 = 32;
/// Entries of one map that are looked at.
const MAX_ENTRIES: usize = 64;
/// Largest logarithm of the length of a directory, or of the number of buckets.
const MAX_LOG: u64 = 48;
/// `reflect.Bool`.
const BOOL: u64 = 1;
/// So many values that are 0 or 1 are hardly numbers.
const MANY_TRUTHS: usize = 4;
/// First top hash of a legacy map's entry; a Swiss map's control byte of one is below 0x80.
const MIN_TOP_HASH: u8 = 5;

/// A live object without a type that can be the header of a map.
pub(super) struct Candidate {
    pub(super) object: u32,
    pub(super) span: usize,
    pub(super) address: u64,
    /// `None` for a map that never had an entry.
    pub(super) storage: Option<Storage>,
}

/// The first groups or the buckets of a map.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Storage {
    address: u64,
    kind: StorageKind,
}

/// What can be said of groups without their type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct StorageKind {
    groups: u64,
    /// Bytes of the slot, header included.
    slot: u64,
    noscan: bool,
    /// The type that the object carries; 0 for none.
    declared: u64,
    /// Where its pointers are, when the span says so.
    pointers: Option<Vec<u32>>,
}

/// Offsets of pointers, in words; `None` where they are not known.
pub(super) type Words = Option<Arc<[u32]>>;

/// The keys or the elements of a map.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Column {
    ty: TypeId,
    indirect: bool,
    at: u64,
    stride: u64,
}

/// What was worked out for one map, of which many types may be asked.
#[derive(Default)]
pub(super) struct Sample {
    columns: FxHashMap<(Column, u64), Option<u64>>,
    /// Where objects have their pointers.
    pub(super) pointers: FxHashMap<u32, Option<Vec<u32>>>,
}

/// Looks for maps.
pub(super) struct Search<'s, 't> {
    pub(super) typing: &'s Typing<'t>,
    auditor: &'s Auditor<'t>,
    catalog: &'s Catalog,
    evidence: &'s Evidence,
    /// Types whose groups can be such an object.
    fitting: RwLock<FxHashMap<StorageKind, Arc<[TypeId]>>>,
    /// Where values of a type have their pointers, in objects of a size.
    pub(super) words: RwLock<FxHashMap<(TypeId, u64), Words>>,
    /// Where a header has its pointers.
    pointers: Vec<u32>,
    /// Maps of each type found so far.
    pub(super) known: FxHashMap<TypeId, u64>,
}

impl<'s, 't> Search<'s, 't> {
    pub(super) fn new(
        typing: &'s Typing<'t>,
        auditor: &'s Auditor<'t>,
        catalog: &'s Catalog,
        evidence: &'s Evidence,
    ) -> Self {
        let layout = typing.context.layout;
        let fields: Vec<Field> = match (layout.swiss, layout.legacy) {
            (Some((map, _)), _) => vec![map.directory],
            (None, Some(map)) => vec![map.buckets, map.old_buckets, map.extra],
            (None, None) => Vec::new(),
        };
        let mut pointers: Vec<u32> = fields.iter().map(|f| (f.offset / 8) as u32).collect();
        pointers.sort_unstable();
        Self {
            typing,
            auditor,
            catalog,
            evidence,
            fitting: RwLock::default(),
            pointers,
            known: FxHashMap::default(),
            words: RwLock::default(),
        }
    }

    /// Every candidate, by address.
    pub(super) fn candidates(&self, reach: &Reachability) -> Vec<Candidate> {
        let spans = &self.typing.heap.spans;
        let slot = slot_for(self.typing.context.types.map_header_size());
        let wanted = |s: &usize| spans.spans[*s].elem_size == slot && !spans.spans[*s].noscan;
        let spans = (0..spans.spans.len()).into_par_iter().filter(wanted);
        spans.flat_map_iter(|span| self.in_span(span, reach)).collect()
    }

    fn in_span(&self, span: usize, reach: &Reachability) -> Vec<Candidate> {
        let typing = self.typing;
        let block = &typing.heap.spans.blocks.blocks()[span];
        let untyped = |o: &u32| typing.heap.graph.type_of(*o) == 0 && reach.is_live(*o);
        block.objects().filter(untyped).filter_map(|o| self.candidate(o, span)).collect()
    }

    /// An object of the size of a header, if it can be one.
    fn candidate(&self, object: u32, span: usize) -> Option<Candidate> {
        let address = self.typing.heap.spans.blocks.blocks()[span].address(object);
        let pointers = self.pointers_of(object, span)?;
        (pointers == self.pointers && self.is_header(address)?).then(|| Candidate {
            object,
            span,
            address,
            storage: self.storage(address),
        })
    }

    /// Whether an object can be the header of a map with groups of some type: nothing else is to be concluded of it from
    /// what it looks like.
    pub(super) fn can_be_map(&self, object: u32, span: usize) -> bool {
        let slot = slot_for(self.typing.context.types.map_header_size());
        let is_slot = self.typing.heap.spans.spans[span].elem_size == slot;
        let candidate = if is_slot { self.candidate(object, span) } else { None };
        candidate.and_then(|c| c.storage).is_some_and(|storage| !self.fitting(&storage.kind).is_empty())
    }

    pub(super) fn pointers_of(&self, object: u32, span: usize) -> Option<Vec<u32>> {
        let context = self.typing.context;
        pointer_words(context.memory, context.layout, context.mheap, &self.typing.heap.spans, (object, span))
    }

    /// Whether the numbers of a header agree with each other. Both kinds of map have a random seed.
    fn is_header(&self, address: u64) -> Option<bool> {
        let context = self.typing.context;
        let mut bytes = [0; 64];
        let bytes = &mut bytes[..context.types.map_header_size().min(64) as usize];
        context.memory.read_into(address, bytes).ok()?;
        if let Some((map, _)) = context.layout.swiss.filter(|_| context.types.is_swiss()) {
            let (used, directory, len) = (map.used.get(bytes), map.directory.get(bytes), map.directory_len.get(bytes));
            let (depth, shift) = (map.global_depth.get(bytes), map.global_shift.get(bytes));
            let seed = Field { offset: 8, size: 8 }.get(bytes);
            let small = len == 0 && used <= 8 && depth == 0 && (used == 0 || directory != 0);
            let large = depth <= MAX_LOG && len == 1 << depth && shift & 63 == (64 - depth) & 63 && directory != 0;
            return Some(seed != 0 && map.writing.get(bytes) <= 1 && (small || large));
        }
        let map = context.layout.legacy?;
        let (count, log, buckets) = (map.count.get(bytes), map.log_buckets.get(bytes), map.buckets.get(bytes));
        let seed = Field { offset: 12, size: 4 }.get(bytes);
        Some(seed != 0 && log <= MAX_LOG && map.flags.get(bytes) < 16 && (count == 0 || buckets != 0))
    }

    fn storage(&self, address: u64) -> Option<Storage> {
        let (typing, spans) = (self.typing, &self.typing.heap.spans);
        let (storage, groups) = self.auditor.groups(address)?;
        let (object, offset, index) = spans.object(storage)?;
        let span = &spans.spans[index];
        let header = spans.header(span);
        if offset != header {
            return None;
        }
        let declared = match (span.large, header) {
            // A span without pointers still names the type of what was there before.
            (true, _) => span.large_type * u64::from(!span.noscan),
            (false, 0) => 0,
            (false, _) => typing.context.memory.u64(storage - header).ok()?,
        };
        let pointers = self.pointers_of(object, index);
        let kind = StorageKind { groups, slot: span.elem_size, noscan: span.noscan, declared, pointers };
        Some(Storage { address: storage, kind })
    }

    /// The type of a map, if it is known on this ground.
    pub(super) fn judge(&self, candidate: &Candidate, ground: Ground) -> Option<TypeId> {
        let passed = self.evidence.passed.get(&candidate.address);
        let Some(storage) = &candidate.storage else {
            // An empty map without groups has no other witness.
            let passed = passed.filter(|_| ground == Ground::Passed)?;
            return only(passed.iter().copied().filter(|t| self.is_whole(candidate, *t)), |t| self.name(*t));
        };
        let fitting = self.fitting(&storage.kind);
        if storage.kind.declared != 0 && self.one_name(&fitting) {
            // Even one that was being written: its type is no guess.
            return fitting.first().copied();
        }
        match ground {
            Ground::Declared => None,
            Ground::Passed => {
                let passed = fitting.iter().copied().filter(|t| passed.is_some_and(|p| p.contains(t)));
                only(passed.filter(|t| self.is_whole(candidate, *t)), |t| self.name(*t))
            }
            Ground::Container | Ground::Fits | Ground::Likely => {
                let (map, decided) = self.likeliest(candidate, storage, &fitting)?;
                let enough = match ground {
                    Ground::Container => decided && self.leads_on(map),
                    Ground::Fits => decided,
                    _ => true,
                };
                enough.then_some(map)
            }
        }
    }

    /// The best of the types that fit: by its entries, then because other maps are of it, then because code puts entries
    /// into such maps, then because it has no name of its own; the last word has the name, so that every reading says
    /// the same. The second value says whether the entries alone decide.
    fn likeliest(&self, candidate: &Candidate, storage: &Storage, fitting: &[TypeId]) -> Option<(TypeId, bool)> {
        let types = self.typing.context.types;
        let mut sample = Sample::default();
        let mut score = |map: &TypeId| Some((self.entries_score(storage, &*types.shape(*map)?, &mut sample)?, *map));
        let mut scored: Vec<(u64, TypeId)> = fitting.iter().filter_map(&mut score).collect();
        scored.sort_by_cached_key(|(score, map)| {
            let (assigned, loaded) = (self.evidence.assigned.contains(map), self.evidence.loaded.contains(map));
            let (name, known) = (self.name(*map), self.known.get(map).copied().unwrap_or(0));
            (Reverse(*score), Reverse(known), !assigned, !loaded, !name.starts_with("map["), name)
        });
        // Types that lay out their groups alike are audited once.
        let mut whole = FxHashMap::default();
        scored.retain(|(_, map)| {
            let Some(shape) = types.shape(*map) else { return false };
            let elem = if shape.indirect_elem { types.get(shape.elem).size } else { 0 };
            let layout = MapShape { key: TypeId::UNKNOWN, elem: TypeId::UNKNOWN, storage: elem, ..(*shape).clone() };
            *whole.entry(layout).or_insert_with(|| self.is_whole(candidate, *map))
        });
        let first = *scored.first()?;
        Some((first.1, scored.get(1).is_none_or(|second| second.0 < first.0)))
    }

    /// Whether other types follow from those of the map's entries.
    fn leads_on(&self, map: TypeId) -> bool {
        let types = self.typing.context.types;
        let Some(shape) = types.shape(map) else { return false };
        let plain = |id: TypeId| matches!(types.get(id).kind, Kind::String | Kind::Opaque | Kind::Interface { .. });
        shape.scan && !(plain(shape.key) && plain(shape.elem))
    }

    fn is_whole(&self, candidate: &Candidate, map: TypeId) -> bool {
        self.auditor.audit(candidate.address, map).figures.is_ok()
    }

    fn name(&self, map: TypeId) -> String {
        self.typing.context.types.get(map).name.clone()
    }

    fn one_name(&self, maps: &[TypeId]) -> bool {
        let names: FxHashSet<String> = maps.iter().map(|m| self.name(*m)).collect();
        names.len() == 1
    }

    /// Map types whose groups can be such an object.
    fn fitting(&self, kind: &StorageKind) -> Arc<[TypeId]> {
        if let Some(known) = self.fitting.read().ok().and_then(|f| f.get(kind).cloned()) {
            return known;
        }
        let fitting: Arc<[TypeId]> = match self.catalog.by_storage.get(&kind.declared).filter(|_| kind.declared != 0) {
            Some(maps) => maps.as_slice().into(),
            None if kind.declared != 0 => [].into(),
            None => {
                let maps = self.catalog.maps.iter().filter(|(_, shape)| self.can_be(kind, shape));
                maps.take(MAX_FITTING).map(|(id, _)| *id).collect()
            }
        };
        if let Ok(mut known) = self.fitting.write() {
            known.insert(kind.clone(), fitting.clone());
        }
        fitting
    }

    fn can_be(&self, kind: &StorageKind, shape: &MapShape) -> bool {
        let Some(bytes) = kind.groups.checked_mul(shape.group_size) else { return false };
        let carries = shape.scan && self.typing.heap.spans.headers && bytes > MAX_IN_SPAN;
        if shape.scan == kind.noscan || carries || slot_for(bytes) != kind.slot {
            return false;
        }
        let Some(actual) = &kind.pointers else { return true };
        let types = self.typing.context.types;
        let mask = Masks::default().of(types, shape.storage, shape.group_size);
        let stride = (shape.group_size / 8) as u32;
        let expected = (0..kind.groups as u32).flat_map(|g| mask.pointers.iter().map(move |w| g * stride + w));
        expected.eq(actual.iter().copied())
    }

    /// How much the entries look like those of a map of this shape; `None` when one cannot be.
    fn entries_score(&self, storage: &Storage, shape: &MapShape, sample: &mut Sample) -> Option<u64> {
        let columns = [
            Column { ty: shape.key, indirect: shape.indirect_key, at: shape.key_at(0), stride: shape.key_stride },
            Column { ty: shape.elem, indirect: shape.indirect_elem, at: shape.elem_at(0), stride: shape.elem_stride },
        ];
        let mut score = 0;
        for (column, size) in columns.into_iter().zip([shape.key_size, shape.elem_size]) {
            let known = sample.columns.get(&(column, shape.group_size)).copied();
            let column_score =
                known.unwrap_or_else(|| self.column_score(storage, shape.group_size, column, size, sample));
            sample.columns.insert((column, shape.group_size), column_score);
            score += column_score?;
        }
        Some(score)
    }

    /// How much the keys, or the elements, look like values of their type.
    fn column_score(
        &self,
        storage: &Storage,
        group_size: u64,
        column: Column,
        size: u64,
        sample: &mut Sample,
    ) -> Option<u64> {
        let groups = storage.kind.groups.min(MAX_GROUPS);
        let mut scratch = Vec::new();
        let len = groups.checked_mul(group_size)? as usize;
        let bytes = self.typing.context.memory.bytes(storage.address, len, &mut scratch).ok()?;
        let swiss = self.typing.context.types.is_swiss();
        let mut entries = 0;
        let mut score = 0;
        for group in bytes.chunks_exact(group_size.max(1) as usize) {
            for slot in 0..8u64 {
                let control = *group.get(slot as usize)?;
                let full = if swiss { control < 0x80 } else { control >= MIN_TOP_HASH };
                if !full || entries >= MAX_ENTRIES {
                    continue;
                }
                entries += 1;
                let at = column.at + slot * column.stride;
                let value = group.get(at as usize..(at + size) as usize)?;
                score += self.slot_score(column.ty, column.indirect, value, sample)?;
            }
        }
        // A few numbers can all be 0 or 1; many are likelier to be truth values.
        let types = self.typing.context.types;
        let truth = types.kind_number(types.get(column.ty).descriptor) == BOOL && entries >= MANY_TRUTHS;
        Some(score + u64::from(truth))
    }
}

/// The only one, where several of one name count as one.
fn only(mut types: impl Iterator<Item = TypeId>, name: impl Fn(&TypeId) -> String) -> Option<TypeId> {
    let first = types.next()?;
    let wanted = name(&first);
    types.all(|t| name(&t) == wanted).then_some(first)
}
