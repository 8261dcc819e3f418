//! What interfaces hold: the types of keys and values, and the objects that a conversion to an interface has made.

use std::sync::Mutex;

use mapscope_heap::BitSet;
use rustc_hash::FxHashMap;

use crate::heap::slot_for;
use crate::session::Stages;
use crate::storage::references;

/// Objects without pointers below this size share slots of 16 bytes (`maxTinySize`, `runtime/malloc.go`).
const TINY: u64 = 16;
/// Types of what interfaces hold that are remembered.
const MAX_TYPES: usize = 1 << 16;

/// All keys of one `sync.Map`, or all its values.
#[derive(Default)]
pub(super) struct Side {
    /// The type word of all of them.
    word: Option<u64>,
    /// They have several, or one has none.
    mixed: bool,
    /// The objects that hold them, and whether each is a slot that may hold others.
    boxes: Vec<(u32, bool)>,
}

impl Side {
    /// The type word, when all have the same.
    pub(super) fn only(&self) -> Option<u64> {
        self.word.filter(|_| !self.mixed)
    }
}

/// How values of a type are in an interface.
#[derive(Clone, Copy)]
enum Held {
    /// In its data word.
    Directly,
    /// In an object of so many bytes.
    Boxed(u64),
}

/// The boxes of all `sync.Map`s.
pub(super) struct Boxes<'b, 's> {
    stages: &'b Stages<'s>,
    met: BitSet,
    /// By type word; `None` for what is no type.
    types: FxHashMap<u64, Option<Held>>,
}

impl<'b, 's> Boxes<'b, 's> {
    pub(super) fn new(stages: &'b Stages<'s>) -> Self {
        Self { stages, met: BitSet::new(stages.heap.graph.len()), types: FxHashMap::default() }
    }

    /// Adds what one interface holds: its type word and its data word.
    pub(super) fn add(&mut self, side: &mut Side, interface: (u64, u64)) {
        match side.word {
            None => side.word = Some(interface.0),
            Some(known) => side.mixed |= known != interface.0,
        }
        side.mixed |= self.held(interface.0).is_none();
        self.add_untyped(side, interface);
    }

    /// As [`Boxes::add`], for the key of an entry that is no more: its type does not count.
    pub(super) fn add_untyped(&mut self, side: &mut Side, (word, data): (u64, u64)) {
        if let Some(Held::Boxed(size)) = self.held(word)
            && let Some((object, tiny)) = self.boxed(data, size)
            && self.met.insert(object as usize)
        {
            side.boxes.push((object, tiny));
        }
    }

    fn held(&mut self, word: u64) -> Option<Held> {
        if let Some(known) = self.types.get(&word) {
            return *known;
        }
        let types = self.stages.context.types;
        let held = (self.types.len() < MAX_TYPES && types.is_descriptor(word)).then(|| {
            let ty = types.get(types.descriptor(word));
            if ty.direct { Held::Directly } else { Held::Boxed(ty.size) }
        });
        self.types.insert(word, held);
        held
    }

    /// The object that was made for a value of `size` bytes: no part of something larger. And whether it is one of the
    /// slots that tiny objects share.
    fn boxed(&self, data: u64, size: u64) -> Option<(u32, bool)> {
        let spans = &self.stages.heap.spans;
        let (object, offset, span) = spans.object(data)?;
        let span = &spans.spans[span];
        let header = spans.header(span);
        let own = offset == header && span.elem_size == slot_for(size.saturating_add(header));
        let tiny = span.noscan && size < TINY && span.elem_size == TINY;
        (own || tiny).then_some((object, tiny))
    }

    /// The boxes that something else than a `sync.Map` refers to. `inside`: what they are made of.
    pub(super) fn shared(&self, inside: &BitSet) -> BitSet {
        let found = Mutex::new(Vec::new());
        references::from_objects(self.stages, &self.met, |from, to| {
            if !inside.contains(from as usize)
                && let Ok(mut found) = found.lock()
            {
                found.push(to);
            }
        });
        let mut found = found.into_inner().unwrap_or_default();
        found.extend(references::from_roots(self.stages, &self.met).into_iter().map(|r| r.0));
        let mut shared = BitSet::new(self.stages.heap.graph.len());
        for object in found {
            shared.insert(object as usize);
        }
        shared
    }

    /// Bytes of the boxes that go when keys or values of one type come to lie in slots. Where one of the two stays in
    /// boxes, so do the slots that tiny objects share.
    pub(super) fn freed(&self, keys: &Side, values: &Side, shared: &BitSet) -> u64 {
        let graph = &self.stages.heap.graph;
        let sides: Vec<&Side> = [keys, values].into_iter().filter(|s| s.only().is_some()).collect();
        let all = sides.len() == 2;
        let boxes = sides.into_iter().flat_map(|s| &s.boxes).filter(|(_, tiny)| all || !tiny);
        boxes.filter(|(o, _)| !shared.contains(*o as usize)).map(|(o, _)| graph.blocks.size(*o)).sum()
    }
}
