//! The work list: objects that got a better type, by chunk of spans.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};

use super::facts::{Class, Facts};
use super::offer::{Offer, Outcome};
use super::regions::{Origin, Region, Regions};
use super::{Typing, slot_for};
use crate::heap::CHUNK;
use crate::types::{Plan, TypeId, visit};

/// Objects collected for another chunk before they are handed over.
const BATCH: usize = 512;
/// Bytes of one region that are looked at.
const MAX_REGION: u64 = 64 << 20;

/// Visits everything that `seeds`, `offers` and `objects` (with their spans) lead to.
pub(super) fn run(
    typing: &Typing<'_>,
    regions: &Regions,
    seeds: Vec<Region>,
    offers: &[Offer],
    objects: &[(u32, usize)],
) {
    let chunks = typing.heap.chunks.len();
    let mut chunk_of_span = vec![0u32; typing.heap.spans.spans.len()];
    for (number, chunk) in typing.heap.chunks.iter().enumerate() {
        chunk_of_span[chunk.clone()].fill(number as u32);
    }
    let queue = Queue {
        pending: (0..chunks).map(|_| Mutex::default()).collect(),
        state: Mutex::new(State { ready: VecDeque::new(), queued: vec![false; chunks], busy: 0 }),
        changed: Condvar::new(),
    };
    let worker = || Worker {
        typing,
        regions,
        queue: &queue,
        chunk_of_span: &chunk_of_span,
        chunk: u32::MAX,
        local: Vec::new(),
        local_regions: Vec::new(),
        outbox: vec![Vec::new(); chunks],
        facts: Facts::new(typing.context.types),
        scratch: Vec::new(),
        spans: Vec::new(),
    };
    let mut first = worker();
    for seed in seeds {
        first.add_region(seed);
    }
    for offer in offers {
        first.take(offer);
    }
    first.drain_regions();
    for (object, span) in objects {
        first.outbox[chunk_of_span[*span] as usize].push(*object);
    }
    first.flush();
    drop(first);
    rayon::scope(|scope| {
        for _ in 0..rayon::current_num_threads() {
            scope.spawn(|_| worker().run());
        }
    });
}

struct Queue {
    pending: Vec<Mutex<Vec<u32>>>,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    ready: VecDeque<u32>,
    queued: Vec<bool>,
    busy: usize,
}

impl Queue {
    fn push(&self, chunk: usize, objects: &mut Vec<u32>) {
        if let Ok(mut pending) = self.pending[chunk].lock() {
            pending.append(objects);
        }
        if let Ok(mut state) = self.state.lock()
            && !state.queued[chunk]
        {
            state.queued[chunk] = true;
            state.ready.push_back(chunk as u32);
            self.changed.notify_one();
        }
    }

    /// The next chunk with work; `None` when there is none and nobody can make any.
    fn next(&self) -> Option<u32> {
        let mut state = self.state.lock().ok()?;
        loop {
            if let Some(chunk) = state.ready.pop_front() {
                state.queued[chunk as usize] = false;
                state.busy += 1;
                return Some(chunk);
            }
            if state.busy == 0 {
                self.changed.notify_all();
                return None;
            }
            state = self.changed.wait(state).ok()?;
        }
    }
}

/// A worker that may still make work. Dropped also by a panic, so that the others never wait for a dead one.
struct Busy<'q>(&'q Queue);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        if let Ok(mut state) = self.0.state.lock() {
            state.busy -= 1;
            if state.busy == 0 {
                self.0.changed.notify_all();
            }
        }
    }
}

struct Worker<'w, 't> {
    typing: &'w Typing<'t>,
    regions: &'w Regions,
    queue: &'w Queue,
    chunk_of_span: &'w [u32],
    /// The chunk being worked on.
    chunk: u32,
    /// Its objects still to visit: (object, span).
    local: Vec<(u32, usize)>,
    local_regions: Vec<Region>,
    outbox: Vec<Vec<u32>>,
    facts: Facts<'t>,
    scratch: Vec<u8>,
    /// Bytes of the chunk's spans that had to be copied.
    spans: Vec<Option<Vec<u8>>>,
}

impl Worker<'_, '_> {
    fn run(mut self) {
        while let Some(chunk) = self.queue.next() {
            let _busy = Busy(self.queue);
            self.chunk = chunk;
            let spans = self.typing.heap.chunks[chunk as usize].clone();
            self.spans = vec![None; spans.len()];
            let pending = &self.queue.pending[chunk as usize];
            let mut objects = pending.lock().map(|mut p| std::mem::take(&mut *p)).unwrap_or_default();
            objects.sort_unstable();
            objects.dedup();
            let mut span = spans.start;
            let blocks = self.typing.heap.spans.blocks.blocks();
            for object in objects {
                while span + 1 < spans.end && blocks[span + 1].first <= object {
                    span += 1;
                }
                self.local.push((object, span));
                self.drain();
            }
            self.flush();
            let heap = self.typing.heap;
            heap.spans.release(self.typing.context.memory, heap.chunks[chunk as usize].clone());
        }
    }

    fn drain(&mut self) {
        loop {
            if let Some((object, span)) = self.local.pop() {
                self.visit(object, span);
            } else if !self.local_regions.is_empty() {
                self.drain_regions();
            } else {
                return;
            }
        }
    }

    fn flush(&mut self) {
        for chunk in 0..self.outbox.len() {
            if !self.outbox[chunk].is_empty() {
                self.queue.push(chunk, &mut self.outbox[chunk]);
            }
        }
    }

    fn visit(&mut self, object: u32, span_index: usize) {
        let typing = self.typing;
        typing.visited.insert(object as usize);
        let span = &typing.heap.spans.spans[span_index];
        let block = &typing.heap.spans.blocks.blocks()[span_index];
        let header = typing.heap.spans.header(span);
        let start = block.address(object) + header;
        let room = span.elem_size - header;
        let mut id = TypeId(typing.heap.graph.type_of(object));
        if self.facts.get(id).class == Class::FuncValue {
            let Ok(code) = typing.context.memory.u64(start) else { return };
            id = self.closure(code);
            // A layout that was worked out, not read, has to fit.
            if typing.context.minor < 23 && slot_for(self.facts.get(id).size) != span.elem_size {
                return;
            }
            typing.store(object, span_index, id, &mut self.facts);
        }
        let fact = self.facts.get(id);
        let len = if fact.is_row() { room } else { fact.size.min(room) };
        let plan = self.facts.plan(id);
        if plan.is_empty() || plan.size == 0 {
            return;
        }
        if len > CHUNK {
            self.visit_windows(&plan, start, len);
        } else if let Some(bytes) = typing.context.memory.borrow(start, len as usize) {
            self.visit_bytes(&plan, bytes, 0, (0, u64::MAX));
        } else {
            let index = span_index - typing.heap.chunks[self.chunk as usize].start;
            let mut copy = self.spans[index].take();
            if copy.is_none() {
                let mut bytes = Vec::new();
                let read = typing.context.memory.bytes(span.start, span.bytes as usize, &mut bytes).is_ok();
                copy = read.then_some(bytes);
            }
            if let Some(copy) = copy {
                let at = (start - span.start) as usize;
                self.visit_bytes(&plan, &copy[at..at + len as usize], 0, (0, u64::MAX));
                self.spans[index] = Some(copy);
            }
        }
    }

    fn closure(&self, code: u64) -> TypeId {
        let context = self.typing.context;
        self.typing.closures.of(context.types, context.functions, context.bias, code)
    }

    /// A large row, in pieces of whole values.
    fn visit_windows(&mut self, plan: &Arc<Plan>, start: u64, len: u64) {
        let step = (CHUNK / plan.size).max(1) * plan.size;
        let memory = self.typing.context.memory;
        let mut at = 0;
        while at < len {
            let piece = step.min(len - at);
            let mut scratch = std::mem::take(&mut self.scratch);
            if let Ok(bytes) = memory.bytes(start + at, piece as usize, &mut scratch) {
                self.visit_bytes(plan, bytes, 0, (0, u64::MAX));
            }
            self.scratch = scratch;
            at += piece;
        }
    }

    /// `base`: address of `bytes` when they are outside the heap, else 0. Only references in `window` count.
    fn visit_bytes(&mut self, plan: &Plan, bytes: &[u8], base: u64, window: (u64, u64)) {
        let typing = self.typing;
        visit(plan, bytes.len() as u64, &mut |at, reference| {
            if at < window.0 || at >= window.1 || base != 0 && !self.is_live(base + at, reference) {
                return;
            }
            let from = if base == 0 { 0 } else { base + at };
            if let Some(offer) = typing.resolve(reference, bytes, at, from, &mut self.facts) {
                self.take(&offer);
            }
        });
    }

    /// A word of a stack counts only when the stack maps call it live: a dead one may hold anything.
    fn is_live(&self, address: u64, reference: crate::types::Ref) -> bool {
        let Some(goroutine) = self.typing.goroutines().at(address) else { return true };
        let data =
            if matches!(reference, crate::types::Ref::Interface { .. }) { address.wrapping_add(8) } else { address };
        self.typing.goroutines().all[goroutine as usize].is_live(data)
    }

    fn take(&mut self, offer: &Offer) {
        match self.typing.take(offer, &mut self.facts) {
            Outcome::Nothing => {}
            Outcome::Visit(object, span) => {
                let chunk = self.chunk_of_span[span];
                if chunk == self.chunk {
                    self.local.push((object, span));
                    return;
                }
                let outbox = &mut self.outbox[chunk as usize];
                outbox.push(object);
                if outbox.len() >= BATCH {
                    self.queue.push(chunk as usize, outbox);
                }
            }
            Outcome::Region => {
                let count = if offer.many { offer.count } else { 1 };
                let window = (0, u64::MAX);
                let origin = Origin::Pointer(offer.from);
                self.add_region(Region { start: offer.address, ty: offer.ty, count, window, origin });
            }
        }
    }

    fn add_region(&mut self, region: Region) {
        let context = self.typing.context;
        let in_heap = self.typing.heap.spans.object(region.start).is_some();
        let known = in_heap
            || self.typing.goroutines().at(region.start).is_some()
            || context.modules.iter().any(|m| m.data.contains(&region.start) || m.bss.contains(&region.start));
        let function = self.facts.get(region.ty).class == Class::FuncValue;
        let named = !matches!(region.origin, Origin::Pointer(_));
        if known && (function || named || !self.facts.plan(region.ty).is_empty()) && self.regions.add(region, in_heap) {
            self.local_regions.push(region);
        }
    }

    fn drain_regions(&mut self) {
        while let Some(region) = self.local_regions.pop() {
            let mut ty = region.ty;
            let memory = self.typing.context.memory;
            if self.facts.get(ty).class == Class::FuncValue {
                let Ok(code) = memory.u64(region.start) else { continue };
                ty = self.closure(code);
                // Listed once more under its real type, so that what it captures gets a name.
                self.regions.add(Region { ty, ..region }, self.typing.heap.spans.object(region.start).is_some());
            }
            let plan = self.facts.plan(ty);
            let len = plan.size.saturating_mul(region.count).min(MAX_REGION);
            let in_heap = self.typing.heap.spans.object(region.start).is_some();
            let mut scratch = Vec::new();
            if let Ok(bytes) = memory.bytes(region.start, len as usize, &mut scratch) {
                let base = if in_heap { 0 } else { region.start };
                self.visit_bytes(&plan, bytes, base, region.window);
            }
        }
    }
}
