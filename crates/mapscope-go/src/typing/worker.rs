//! A worker: takes a chunk of spans, opens its parcels, visits the objects that got a better type, and sends on what
//! they lead to.

use std::borrow::Cow;

use super::Typing;
use super::facts::{Class, Facts};
use super::offer::{Offer, Outcome};
use super::parcels::Order;
use super::queue::{Queue, Rest, Task, Work};
use super::regions::{Origin, Region, Regions};
use crate::heap::slot_for;
use crate::heap::{CHUNK, Span};
use crate::types::{Plan, TypeId, visit};

/// Not a chunk.
const NO_CHUNK: u32 = u32::MAX;
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
    let starts = typing.heap.chunks.iter().map(|chunk| typing.heap.spans.spans.get(chunk.start).map_or(0, |s| s.start));
    let chunk_starts: Vec<u64> = starts.collect();
    let queue = Queue::new(chunks);
    let worker = || Worker {
        typing,
        regions,
        queue: &queue,
        chunk_of_span: &chunk_of_span,
        chunk_starts: &chunk_starts,
        chunk: NO_CHUNK,
        local: Vec::new(),
        local_regions: Vec::new(),
        outbox: (0..chunks).map(|_| Work::default()).collect(),
        facts: Facts::new(typing.context.types),
        scratch: Vec::new(),
        order: Order::default(),
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
        first.outbox[chunk_of_span[*span] as usize].objects.push((*object, *span as u32));
    }
    first.flush();
    drop(first);
    rayon::scope(|scope| {
        for _ in 0..rayon::current_num_threads() {
            scope.spawn(|_| worker().run());
        }
    });
}

struct Worker<'w, 't> {
    typing: &'w Typing<'t>,
    regions: &'w Regions,
    queue: &'w Queue,
    chunk_of_span: &'w [u32],
    /// Where the first span of each chunk starts.
    chunk_starts: &'w [u64],
    /// The chunk being worked on.
    chunk: u32,
    /// Its objects still to visit: (object, span).
    local: Vec<(u32, usize)>,
    local_regions: Vec<Region>,
    outbox: Vec<Work>,
    facts: Facts<'t>,
    scratch: Vec<u8>,
    order: Order,
    /// Bytes of the chunk's spans that were looked into.
    spans: Vec<Option<Cow<'t, [u8]>>>,
}

impl<'t> Worker<'_, 't> {
    fn run(mut self) {
        let member = self.queue.join();
        while let Some(task) = member.next().or_else(|| {
            self.flush();
            member.wait()
        }) {
            match task {
                Task::Chunk(chunk, work) => self.work_on_chunk(chunk, work),
                Task::Rest(rest) => self.work_on_rest(rest),
            }
        }
    }

    fn work_on_chunk(&mut self, chunk: u32, work: Work) {
        self.chunk = chunk;
        let heap = self.typing.heap;
        let spans = heap.chunks[chunk as usize].clone();
        self.spans.resize(spans.len(), None);
        for (object, span) in work.objects {
            self.visit(object, span as usize);
            self.drain();
        }
        let mut order = std::mem::take(&mut self.order);
        work.post.open(self.chunk_starts[chunk as usize], &mut order, |offer| {
            self.take(offer);
            self.drain();
        });
        self.order = order;
        self.spans.clear();
        heap.spans.release(self.typing.context.memory, spans);
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
        for (chunk, work) in self.outbox.iter_mut().enumerate() {
            if !work.is_empty() {
                self.queue.push(chunk, work);
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
            let worked_out = typing.context.minor < 23 && !self.facts.plan(id).is_empty();
            if worked_out && slot_for(self.facts.get(id).size) != span.elem_size {
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
            self.queue.push_rest(Rest { start, len, ty: id });
            return;
        }
        let index = span_index - typing.heap.chunks[self.chunk as usize].start;
        let bytes = self.spans[index].take().unwrap_or_else(|| self.bytes_of(span));
        let at = (start - span.start) as usize;
        if let Some(bytes) = bytes.get(at..at + len as usize) {
            self.visit_bytes(&plan, bytes, 0, (0, u64::MAX));
        }
        self.spans[index] = Some(bytes);
    }

    /// The bytes of a span; none when they are missing.
    fn bytes_of(&self, span: &Span) -> Cow<'t, [u8]> {
        let memory = self.typing.context.memory;
        let copied = || {
            let mut bytes = Vec::new();
            let read = memory.bytes(span.start, span.bytes as usize, &mut bytes).is_ok();
            if read { bytes } else { Vec::new() }
        };
        memory.borrow(span.start, span.bytes as usize).map_or_else(|| copied().into(), Cow::from)
    }

    /// A piece of a large object, in whole values; another worker can take the rest of it.
    fn work_on_rest(&mut self, rest: Rest) {
        let plan = self.facts.plan(rest.ty);
        let piece = ((CHUNK / plan.size).max(1) * plan.size).min(rest.len);
        if piece < rest.len {
            self.queue.push_rest(Rest { start: rest.start + piece, len: rest.len - piece, ty: rest.ty });
        }
        self.chunk = NO_CHUNK;
        let mut scratch = std::mem::take(&mut self.scratch);
        if let Ok(bytes) = self.typing.context.memory.bytes(rest.start, piece as usize, &mut scratch) {
            self.visit_bytes(&plan, bytes, 0, (0, u64::MAX));
        }
        self.scratch = scratch;
        self.typing.context.memory.release(rest.start, piece as usize);
        self.drain();
    }

    fn closure(&self, code: u64) -> TypeId {
        let context = self.typing.context;
        self.typing.closures.of(context.types, context.functions, code)
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
                self.send(&offer);
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

    /// Takes an offer or sends it to where its address lies.
    #[inline]
    fn send(&mut self, offer: &Offer) {
        // Its place matters only for those from outside the heap, which are few.
        let span = self.typing.heap.spans.blocks.block_index(offer.address).filter(|_| offer.from == 0);
        match span.map(|span| self.chunk_of_span[span]).filter(|chunk| *chunk != self.chunk) {
            Some(chunk) => {
                let start = self.chunk_starts[chunk as usize];
                self.post(chunk, |work| work.post.add(offer, start));
            }
            None => self.take(offer),
        }
    }

    #[inline]
    fn post(&mut self, chunk: u32, add: impl FnOnce(&mut Work)) {
        let work = &mut self.outbox[chunk as usize];
        add(work);
        if self.queue.is_batch(work) {
            self.queue.push(chunk as usize, work);
        }
    }

    fn take(&mut self, offer: &Offer) {
        match self.typing.take(offer, &mut self.facts) {
            Outcome::Nothing => {}
            Outcome::Visit(object, span) => match self.chunk_of_span[span] {
                chunk if chunk == self.chunk => self.local.push((object, span)),
                chunk => self.post(chunk, |work| work.objects.push((object, span as u32))),
            },
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
