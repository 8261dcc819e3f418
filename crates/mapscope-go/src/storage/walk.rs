//! The walk: every live object and every value outside the heap whose type is known, once, in parallel over chunks of
//! spans, so that a live target is read in large pieces.

use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use super::channels::Channels;
use super::columns::MAX_OBJECT;
use super::pinned::{self, Small};
use super::places::{Leaf, Places};

use super::timers::LooseTimer;
use super::{Found, strings};
use crate::heap::{CHUNK, Span, word};
use crate::session::Stages;
use crate::types::{Kind, Plan, Ref, TypeId, visit_numbered};
use crate::typing::{Class, Facts, Region};

/// Bytes of one region that are looked at.
const MAX_REGION: u64 = 64 << 20;

/// Regions that one worker looks at together.
const REGIONS: usize = 4096;

/// How objects of one type are looked at.
pub(super) enum Look {
    /// There is nothing in them that is asked for.
    Nothing,
    /// What is in them is not known.
    Unknown,
    /// Headers of slices and strings.
    Headers { plan: Arc<Plan>, row: bool, leaves: Vec<Leaf> },
    /// A channel's header.
    Channel(TypeId),
    /// A `time.Timer` or `time.Ticker`.
    Timer,
}

/// Everything the walk needs to know, found out before it.
pub(super) struct Walk<'w, 's> {
    pub(super) stages: &'w Stages<'s>,
    pub(super) places: &'w Places,
    /// By type.
    looks: Vec<Look>,
    /// Where the runtime's timer is in a `time.Timer`.
    timer_offset: Option<u64>,
}

/// What one worker has found apart from what is kept by object.
#[derive(Default)]
pub(super) struct Tally {
    pub(super) channels: Channels,
    pub(super) timers: Vec<LooseTimer>,
    pub(super) parts: Vec<strings::Part>,
    pub(super) small: Vec<Small>,
    /// Bytes of live objects that were looked into, or hold nothing to look into.
    pub(super) looked_at: u64,
}

/// The types that live objects have.
pub(crate) fn live_types(stages: &Stages<'_>) -> FxHashSet<TypeId> {
    let (graph, reach) = (&stages.heap.graph, stages.reach);
    let known = stages.context.types.len();
    let of_chunk = |mut seen: Vec<bool>, chunk: &std::ops::Range<usize>| {
        for object in graph.blocks.blocks()[chunk.clone()].iter().flat_map(mapscope_heap::Block::objects) {
            if let Some(seen) = seen.get_mut(graph.type_of(object) as usize)
                && !*seen
                && reach.is_live(object)
            {
                *seen = true;
            }
        }
        seen
    };
    let none = || vec![false; known];
    let either = |mut a: Vec<bool>, b: Vec<bool>| {
        a.iter_mut().zip(b).for_each(|(a, b)| *a |= b);
        a
    };
    let seen = stages.heap.chunks.par_iter().fold(none, of_chunk).reduce(none, either);
    seen.iter().enumerate().filter(|(_, s)| **s).map(|(id, _)| TypeId(id as u32)).collect()
}

impl<'w, 's> Walk<'w, 's> {
    pub(super) fn new(stages: &'w Stages<'s>, places: &'w Places, types: &FxHashSet<TypeId>) -> Self {
        let mut looks = Vec::new();
        let mut facts = Facts::new(stages.context.types);
        for id in types {
            if looks.len() <= id.0 as usize {
                looks.resize_with(id.0 as usize + 1, || Look::Nothing);
            }
            looks[id.0 as usize] = look(stages, places, *id, &mut facts);
        }
        let layout = stages.context.layout;
        let new = layout.time_timer.map(|t| t.timer.offset);
        let timer_offset = new.or(layout.old_time_timer.map(|t| t.timer.offset));
        Self { stages, places, looks, timer_offset }
    }

    /// Visits everything; what is kept by object goes to `found`.
    pub(super) fn run(&self, found: &Found<'_, '_>) -> Tally {
        let heap = self.stages.heap;
        let of_chunk = |mut worker: Worker, chunk: &std::ops::Range<usize>| {
            for index in chunk.clone() {
                self.span(index, &mut worker, found);
            }
            heap.spans.release(self.stages.context.memory, chunk.clone());
            worker
        };
        let workers = heap.chunks.par_iter().fold(Worker::default, of_chunk);
        let tally = workers.map(|w| w.tally).reduce(Tally::default, Tally::join);
        tally.join(self.regions(found))
    }

    fn look(&self, id: u32) -> &Look {
        self.looks.get(id as usize).unwrap_or(&Look::Nothing)
    }

    fn span(&self, index: usize, worker: &mut Worker, found: &Found<'_, '_>) {
        let Stages { heap, reach, context, .. } = self.stages;
        let (span, block) = (&heap.spans.spans[index], &heap.spans.blocks.blocks()[index]);
        let header = heap.spans.header(span);
        let mut bytes: Option<Option<&[u8]>> = None;
        let Worker { tally, scratch } = worker;
        let mut scratch = Some(scratch);
        for object in block.objects().filter(|o| reach.is_live(*o)) {
            let look = self.look(heap.graph.type_of(object));
            if span.noscan || !matches!(look, Look::Unknown) {
                tally.looked_at += block.slot_size;
            }
            if matches!(look, Look::Nothing | Look::Unknown) {
                continue;
            }
            let start = block.address(object) + header;
            let room = span.elem_size - header;
            if span.bytes > CHUNK {
                *tally = std::mem::take(tally).join(self.large(look, start, room, found));
                continue;
            }
            let bytes = *bytes.get_or_insert_with(|| {
                let scratch = scratch.take()?;
                context.memory.bytes(span.start, span.bytes as usize, scratch).ok()
            });
            let at = (start - span.start) as usize;
            if let Some(value) = bytes.and_then(|b| b.get(at..at + room as usize)) {
                self.value(look, value, start, found, tally);
            }
        }
    }

    /// A large object, in pieces of whole values, in parallel: there may be little else. Each is let go at once, for a map of
    /// millions has all its slots in one object.
    fn large(&self, look: &Look, start: u64, room: u64, found: &Found<'_, '_>) -> Tally {
        let memory = self.stages.context.memory;
        let row = matches!(look, Look::Headers { row: true, .. });
        let step = match look {
            Look::Headers { plan, .. } if row && plan.size > 0 => (CHUNK / plan.size).max(1) * plan.size,
            _ => room.min(MAX_REGION),
        };
        // Whatever is no row is one value, at the start.
        let pieces = if row { room.div_ceil(step) } else { 1 };
        let of_piece = |scratch: &mut Vec<u8>, number: u64| {
            let mut tally = Tally::default();
            let at = number * step;
            let len = step.min(room - at) as usize;
            if let Ok(bytes) = memory.bytes(start + at, len, scratch) {
                self.value(look, bytes, start + at, found, &mut tally);
            }
            memory.release(start + at, len);
            tally
        };
        (0..pieces).into_par_iter().map_init(Vec::new, of_piece).reduce(Tally::default, Tally::join)
    }

    /// The bytes of one object, or of whole values of a row.
    fn value(&self, look: &Look, bytes: &[u8], address: u64, found: &Found<'_, '_>, tally: &mut Tally) {
        match look {
            Look::Nothing | Look::Unknown => {}
            Look::Headers { plan, row, leaves } => {
                let len = if *row { bytes.len() as u64 } else { plan.size.min(bytes.len() as u64) };
                visit_numbered(plan, len, &mut |at, number, reference| {
                    let Some(leaf) = leaves.get(number as usize) else { return };
                    header(found, tally, (reference, *leaf), bytes, at, 0);
                });
            }
            Look::Channel(elem) => tally.channels.add(self.stages, *elem, bytes, &found.waiters),
            Look::Timer => {
                let timer = self.timer_offset.and_then(|o| bytes.get(o as usize..));
                let timer = timer.and_then(|t| {
                    LooseTimer::parse(self.stages.context.layout, t, address + self.timer_offset.unwrap_or(0))
                });
                tally.timers.extend(timer);
            }
        }
    }

    fn regions(&self, found: &Found<'_, '_>) -> Tally {
        let of_chunk = |regions: &[Region]| {
            let mut tally = Tally::default();
            let (mut facts, mut scratch) = (Facts::new(self.stages.context.types), Vec::new());
            for region in regions {
                self.region(region, found, &mut tally, &mut facts, &mut scratch);
            }
            tally
        };
        self.stages.regions.par_chunks(REGIONS).map(of_chunk).reduce(Tally::default, Tally::join)
    }

    fn region(
        &self,
        region: &Region,
        found: &Found<'_, '_>,
        tally: &mut Tally,
        facts: &mut Facts<'_>,
        scratch: &mut Vec<u8>,
    ) {
        let leaves = self.places.of_region(self.stages, region);
        if leaves.is_empty() {
            return;
        }
        let plan = facts.plan(region.ty);
        let len = plan.size.saturating_mul(region.count).min(MAX_REGION);
        let Ok(bytes) = self.stages.context.memory.bytes(region.start, len as usize, scratch) else { return };
        let goroutines = &self.stages.roots.goroutines;
        visit_numbered(&plan, len, &mut |at, number, reference| {
            let Some(leaf) = leaves.get(number as usize).filter(|l| l.place().is_some()) else { return };
            // A part of a local variable that is in another place is not here.
            let end = at.saturating_add(if matches!(reference, Ref::Slice(_)) { 24 } else { 16 });
            if at < region.window.0 || end > region.window.1 {
                return;
            }
            let address = region.start.wrapping_add(at);
            // A word of a stack counts only when the stack maps call it live: a dead one may hold anything.
            if goroutines.at(address).is_none_or(|g| goroutines.all[g as usize].is_live(address)) {
                header(found, tally, (reference, *leaf), bytes, at, address);
            }
        });
    }
}

fn look(stages: &Stages<'_>, places: &Places, id: TypeId, facts: &mut Facts<'_>) -> Look {
    let ty = stages.context.types.get(id);
    if let Kind::ChanHeader(elem) = ty.kind {
        return Look::Channel(elem);
    }
    if matches!(ty.name.as_str(), "time.Timer" | "time.Ticker") {
        return Look::Timer;
    }
    if id == TypeId::UNKNOWN || facts.get(id).class == Class::FuncValue {
        return Look::Unknown;
    }
    match places.of_type(id) {
        [] => Look::Nothing,
        leaves => {
            Look::Headers { plan: Arc::clone(&facts.plan(id)), row: facts.get(id).is_row(), leaves: leaves.to_vec() }
        }
    }
}

/// Hands a header of a slice or a string on. `from`: its address, when it is outside the heap.
#[inline]
fn header(found: &Found<'_, '_>, tally: &mut Tally, (reference, leaf): (Ref, Leaf), bytes: &[u8], at: u64, from: u64) {
    let (Some(place), address) = (leaf.place(), word(bytes, at)) else { return };
    let len = word(bytes, at + 8);
    let Some(target) = locate(found.stages, address) else { return };
    let text = matches!(reference, Ref::Pointer(_));
    let cap = if text { len } else { word(bytes, at + 16) };
    let bytes = |count: u64| count.checked_mul(leaf.elem_size).filter(|b| *b <= target.room - target.offset);
    // What does not fit its object was caught in the middle of a change.
    let (Some(len), Some(cap)) = (bytes(len), bytes(cap)) else { return };
    if leaf.elem_size == 0 || len > cap || target.room >= MAX_OBJECT {
        return;
    }
    let header = Header { target, len, cap, place, from, text };
    if text {
        found.texts.add(found, tally, &header);
    } else {
        found.arrays.add(found, &header);
    }
    pinned::consider(found, tally, &header);
}

/// A header of a slice or a string that leads into the heap; sizes in bytes.
pub(super) struct Header<'h> {
    pub(super) target: Located<'h>,
    pub(super) len: u64,
    /// For a string its length.
    pub(super) cap: u64,
    pub(super) place: u32,
    /// Its address when it is outside the heap, else 0.
    pub(super) from: u64,
    /// It is a string's.
    pub(super) text: bool,
}

#[derive(Default)]
struct Worker {
    tally: Tally,
    scratch: Vec<u8>,
}

impl Tally {
    fn join(mut self, other: Self) -> Self {
        self.channels.join(other.channels);
        self.timers.extend(other.timers);
        self.parts.extend(other.parts);
        self.small.extend(other.small);
        self.looked_at += other.looked_at;
        self
    }
}

/// An object where it lies: its bytes without the type in front of it.
#[derive(Clone, Copy)]
pub(super) struct Located<'h> {
    pub(super) object: u32,
    pub(super) index: usize,
    pub(super) span: &'h Span,
    /// Where an address is in it, from the end of its type.
    pub(super) offset: u64,
    /// Bytes that it has room for.
    pub(super) room: u64,
    /// Bytes of the type in front of it.
    pub(super) header: u64,
}

/// The live object that `address` leads into, unless it leads to the type in front of it.
#[inline]
pub(super) fn locate<'h>(stages: &Stages<'h>, address: u64) -> Option<Located<'h>> {
    let spans = &stages.heap.spans;
    let (object, offset, index) = spans.object(address)?;
    let span = &spans.spans[index];
    let header = spans.header(span);
    Some(Located { object, index, span, offset: offset.checked_sub(header)?, room: span.elem_size - header, header })
}
