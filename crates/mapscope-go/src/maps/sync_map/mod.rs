//! `sync.Map`s: what they take, and what a plain map would take in their place.
//!
//! Up to Go 1.23 (and with `GOEXPERIMENT=nosynchashtriemap` in 1.24 and 1.25) a `sync.Map` is two maps from keys to
//! entries, each an object with a pointer to an interface (`sync/map.go`): `pair.rs`. From 1.24 on it is a tree
//! (`internal/sync/hashtriemap.go`): `trie.rs`. Keys and values are interfaces in both: what is no pointer lies in an
//! object of its own (`boxes.rs`).

mod boxes;
mod pair;
mod places;
mod trie;

use mapscope_heap::BitSet;

use self::boxes::{Boxes, Side};
use self::places::Place;
use super::model::{MapDesign, MapModel, TypeSize};
use crate::Session;
use crate::session::Stages;
use crate::types::TypeId;

/// Entries of one `sync.Map`; each costs a few small reads.
const MAX_ENTRIES: usize = 1 << 23;

/// One `sync.Map`; sizes in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncMap {
    /// How a person would name it: `main.visits`.
    pub owner: String,
    /// The type of a plain map that can hold the same: `map[string]int64`. Keys or values of several types are `interface {}`.
    pub plain_type: String,
    /// Entries.
    pub entries: u64,
    /// Up to 1.23: keys that were deleted and are still there.
    pub deleted: u64,
    /// The tree, or both maps with their entries.
    pub structure_bytes: u64,
    /// Objects of keys and values that a plain map would have in its slots, and that nothing else refers to.
    pub box_bytes: u64,
    /// What the plain map would take, made with room for the entries.
    pub plain_bytes: u64,
    /// Up to 1.23: the headers of the maps that it consists of.
    pub maps: Vec<u64>,
    /// The first of the objects that it consists of.
    pub first: Option<u32>,
}

/// What is found of one `sync.Map`.
#[derive(Default)]
struct Contents {
    keys: Side,
    values: Side,
    entries: u64,
    deleted: u64,
    structure_bytes: u64,
    maps: Vec<u64>,
}

/// Walks `sync.Map`s.
struct Walker<'w, 's> {
    session: &'w Session<'s>,
    /// Objects that `sync.Map`s are made of, but for keys and values.
    inside: BitSet,
    boxes: Boxes<'w, 's>,
}

impl Session<'_> {
    /// The `sync.Map`s with `at_least` so many entries, most bytes first. What could not be read whole is left out, for
    /// it was being written. Needs debug information.
    pub fn sync_maps(&self, at_least: u64) -> Vec<SyncMap> {
        let places = places::places(&self.stages);
        if places.is_empty() {
            return Vec::new();
        }
        let inside = BitSet::new(self.graph().len());
        let mut walker = Walker { session: self, inside, boxes: Boxes::new(&self.stages) };
        let mut whole: Vec<(Place, Contents)> = Vec::new();
        for place in places {
            let contents = walker.walk(&place);
            whole.extend(contents.filter(|c| c.entries >= at_least.max(1)).map(|c| (place, c)));
        }
        if whole.is_empty() {
            return Vec::new();
        }
        let Walker { inside, boxes, .. } = walker;
        let shared = boxes.shared(&inside);
        let (mut owners, spans) = (self.stages.owners(), &self.stages.heap.spans);
        let found = whole.into_iter().map(|(place, contents)| SyncMap {
            owner: owners.of_word(place.word),
            first: self.stages.context.memory.u64(place.word).ok().and_then(|w| spans.object(w)).map(|o| o.0),
            ..self.compare(&contents, &boxes, &shared)
        });
        let mut found: Vec<SyncMap> = found.collect();
        found.sort_by(|a, b| {
            let bytes = |m: &SyncMap| m.structure_bytes + m.box_bytes;
            bytes(b).cmp(&bytes(a)).then_with(|| a.owner.cmp(&b.owner))
        });
        found
    }

    /// A `sync.Map` with what a plain map would take. `shared`: boxes that something else refers to.
    fn compare(&self, contents: &Contents, boxes: &Boxes<'_, '_>, shared: &BitSet) -> SyncMap {
        let types = self.stages.context.types;
        let one = |side: &Side| side.only().map(|word| types.descriptor(word));
        let (key, value) = (one(&contents.keys), one(&contents.values));
        let design = if types.is_swiss() {
            MapDesign::Swiss { split: self.go_version.contains("mapsplitgroup") }
        } else {
            MapDesign::Legacy { minor: types.minor() }
        };
        let any = TypeSize { size: 16, align: 8, pointers: true };
        let size = |id: Option<TypeId>| id.map_or(any, |id| types.type_size(id));
        let name = |id: Option<TypeId>| id.map_or("interface {}".to_owned(), |id| types.get(id).name.clone());
        let model = MapModel::new(design, size(key), size(value));
        let entries = contents.entries;
        let plain = model.filled(entries, entries).expected.saturating_add(model.indirect_bytes(entries));
        SyncMap {
            owner: String::new(),
            plain_type: format!("map[{}]{}", name(key), name(value)),
            entries,
            deleted: contents.deleted,
            structure_bytes: contents.structure_bytes,
            box_bytes: boxes.freed(&contents.keys, &contents.values, shared),
            plain_bytes: plain,
            maps: contents.maps.clone(),
            first: None,
        }
    }
}

impl<'s> Walker<'_, 's> {
    fn stages(&self) -> &Stages<'s> {
        &self.session.stages
    }

    /// `None` when what is there makes no sense.
    fn walk(&mut self, place: &Place) -> Option<Contents> {
        let root = self.stages().context.memory.u64(place.word).ok()?;
        let mut contents = Contents::default();
        match place.dirty {
            None if root == 0 => {}
            None => self.trie(root, place.target, &mut contents)?,
            Some(dirty) => {
                let dirty = self.stages().context.memory.u64(dirty).ok()?;
                self.pair(root, dirty, place.target, &mut contents)?;
            }
        }
        Some(contents)
    }

    /// Counts the object that starts at `address` as a part; `None` when there is none, false when it was counted before.
    fn part(&mut self, address: u64, contents: &mut Contents) -> Option<bool> {
        let spans = &self.stages().heap.spans;
        let (object, offset, span) = spans.object(address)?;
        let span = &spans.spans[span];
        if offset != spans.header(span) || !self.stages().reach.is_live(object) {
            return None;
        }
        let size = span.elem_size;
        let new = self.inside.insert(object as usize);
        contents.structure_bytes += if new { size } else { 0 };
        Some(new)
    }
}
