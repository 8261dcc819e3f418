//! What each goroutine that waits for others is waiting for: `isMaybeRunnable` of `runtime/mgc.go` (1.26), for all versions.
//!
//! A goroutine in a queue has a `sudog` there. From channels `g.waiting` leads to them; from semaphores it does so only
//! since 1.26, but `semtable` has them all. For a `sync.Cond` nothing else leads to them, so before 1.26 it is not known
//! who waits for which.

use rustc_hash::{FxHashMap, FxHashSet};

use super::names::{Names, Reason, waits};
use crate::roots::{Context, Goroutine};
use crate::runtime::{Field, Waiter};
use crate::session::Stages;

/// Bytes of a `sudog` that are read.
const MAX_WAITER: usize = 256;
/// Places in queues; more is a damaged list.
const MAX_PLACES: usize = 1 << 24;
/// `runtime.coro` has 48 bytes at most (1.23 to 1.27).
const MAX_COROUTINE: u64 = 64;
/// Bytes between two roots of the table of semaphores, at least.
const MIN_STRIDE: u64 = 8;

/// What could wake a goroutine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    /// Whatever it is, it is no object of the heap, or it is not known: it may run again.
    Open,
    /// Whoever has one of these objects; nobody when there are none.
    For(Vec<u32>),
}

/// A goroutine and the records of the runtime that stand for it in queues.
#[derive(Clone, Debug)]
pub(super) struct Blocked {
    pub(super) wait: Wait,
    /// Objects of its `sudog`s.
    pub(super) records: Vec<u32>,
}

/// What every goroutine waits for, in their order.
pub(super) fn blocked(stages: &Stages<'_>, names: &Names, layout: Waiter) -> Vec<Blocked> {
    let mut queues =
        Queues { context: stages.context, layout, channels: FxHashMap::default(), seen: FxHashSet::default() };
    let semaphores = queues.semaphores();
    let coroutines = coroutines(stages, names);
    let one = |(index, goroutine): (u32, &Goroutine)| {
        let places = match names.reason(&goroutine.standing).filter(|_| waits(&goroutine.standing)) {
            Some(Reason::Nothing) => Some(Vec::new()),
            Some(Reason::Channel) => queues.channels(goroutine).filter(|c| !c.is_empty()),
            Some(Reason::Select) => queues.channels(goroutine),
            Some(Reason::Semaphore) => semaphores.get(&goroutine.address).map(|place| vec![*place]),
            Some(Reason::Coroutine) => coroutines.get(&index).cloned(),
            Some(Reason::Condition) => queues.condition(goroutine).map(|place| vec![place]),
            Some(Reason::Other) | None => None,
        };
        let object = |address| stages.context.spans.object(address).map(|(object, ..)| object);
        let (mut wait, mut records) = (Vec::new(), Vec::new());
        for place in places.iter().flatten() {
            records.extend(object(place.waiter));
            wait.extend(object(place.target));
        }
        // Something outside the heap is in everybody's reach.
        let known = places.is_some_and(|p| p.len() == wait.len());
        Blocked { wait: if known { Wait::For(wait) } else { Wait::Open }, records }
    };
    (0u32..).zip(&stages.roots.goroutines.all).map(one).collect()
}

/// The coroutine (`runtime.coro`, `runtime/coro.go`, from 1.23 on) that each goroutine is, by the goroutine's index: a small
/// object that begins with the address of the `g` while that waits to be resumed. The goroutine has it on its stack, or
/// in its `g` before it first runs; whoever can resume it has it too.
fn coroutines(stages: &Stages<'_>, names: &Names) -> FxHashMap<u32, Vec<Place>> {
    let all = &stages.roots.goroutines.all;
    let waits = |g: &Goroutine| waits(&g.standing) && names.reason(&g.standing) == Some(Reason::Coroutine);
    let mut found: FxHashMap<u32, Vec<Place>> = FxHashMap::default();
    if !all.iter().any(waits) {
        return found;
    }
    let spans = &stages.heap.spans;
    let mut consider = |index: u32, goroutine: &Goroutine, value: u64| {
        let Some((_, offset, span)) = spans.object(value) else { return };
        let span = &spans.spans[span];
        let is_one = offset == spans.header(span)
            && span.elem_size <= MAX_COROUTINE
            && stages.context.memory.u64(value).is_ok_and(|first| first == goroutine.address);
        let places = found.entry(index).or_default();
        if is_one && places.iter().all(|place| place.target != value) {
            // No sudog stands for it: the object itself is what there is of it.
            places.push(Place { waiter: 0, target: value });
        }
    };
    for root in &stages.roots.words {
        if let crate::roots::RootKind::Stack(index, _) = root.kind
            && let Some(goroutine) = all.get(index as usize).filter(|g| waits(g))
        {
            consider(index, goroutine, root.value);
        }
    }
    for (index, goroutine) in (0u32..).zip(all).filter(|(_, g)| waits(g)) {
        let record = spans.object(goroutine.address).map(|(object, ..)| object);
        for target in record.iter().flat_map(|object| stages.heap.graph.edges(*object)) {
            consider(index, goroutine, stages.heap.graph.blocks.address(*target));
        }
    }
    found.retain(|_, places| !places.is_empty());
    found
}

/// Addresses of the `sudog`s that the runtime itself leads to: those of goroutines that wait for channels, and of who waits
/// for locks.
pub(crate) fn waiters(context: &Context<'_>, goroutines: &[Goroutine]) -> Vec<u64> {
    let Some(layout) = context.layout.waiter else { return Vec::new() };
    let queues = Queues { context, layout, channels: FxHashMap::default(), seen: FxHashSet::default() };
    let mut found: FxHashSet<u64> = queues.semaphores().values().map(|place| place.waiter).collect();
    for goroutine in goroutines {
        let mut at = goroutine.standing.waiting;
        while at != 0 && found.len() < MAX_PLACES {
            let Some(waiter) = queues.waiter(at) else { break };
            if layout.goroutine.get(&waiter) != goroutine.address || !found.insert(at) {
                break;
            }
            at = layout.link.get(&waiter);
        }
    }
    found.into_iter().collect()
}

/// A place in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    /// Address of the `sudog`.
    waiter: u64,
    /// Address of what it waits for.
    target: u64,
}

struct Queues<'q, 'c> {
    context: &'q Context<'c>,
    layout: Waiter,
    /// The channel in whose queue a `sudog` is.
    channels: FxHashMap<u64, u64>,
    /// Channels and lists whose queues were read.
    seen: FxHashSet<u64>,
}

impl Queues<'_, '_> {
    /// Places in the queues of the channels that a goroutine waits for. `None` when one is not in its queue: then
    /// somebody has taken it out, and is about to wake the goroutine.
    fn channels(&mut self, goroutine: &Goroutine) -> Option<Vec<Place>> {
        let layout = self.layout;
        let mut places = Vec::new();
        let mut own = FxHashSet::default();
        let mut at = goroutine.standing.waiting;
        while at != 0 {
            let waiter = self.waiter(at)?;
            if layout.goroutine.get(&waiter) != goroutine.address || !own.insert(at) {
                return None;
            }
            let channel = layout.channel_address.unwrap_or(layout.channel).get(&waiter);
            let queues = [self.context.layout.channel.receivers, self.context.layout.channel.senders];
            self.read_queues(channel, &queues);
            if self.channels.get(&at) != Some(&channel) {
                return None;
            }
            places.push(Place { waiter: at, target: channel });
            at = layout.link.get(&waiter);
        }
        Some(places)
    }

    fn condition(&mut self, goroutine: &Goroutine) -> Option<Place> {
        let waiter = goroutine.standing.waiting;
        let list = self.element(&self.waiter(waiter)?);
        self.read_queues(list, &[self.context.layout.notify_list?.first]);
        (self.channels.get(&waiter) == Some(&list)).then_some(Place { waiter, target: list })
    }

    /// Notes who is in the queues of a channel or list, once.
    fn read_queues(&mut self, owner: u64, queues: &[Field]) {
        if !self.seen.insert(owner) {
            return;
        }
        for queue in queues {
            let mut at = owner.checked_add(queue.offset).and_then(|a| self.context.memory.u64(a).ok()).unwrap_or(0);
            while at != 0 && self.channels.len() < MAX_PLACES {
                let Some(waiter) = self.waiter(at) else { break };
                // A list that comes back to itself, or to that of another, has no end.
                if self.channels.insert(at, owner).is_some() {
                    break;
                }
                at = self.layout.next.get(&waiter);
            }
        }
    }

    /// Who waits for a semaphore: by the address of their `g`. Each root is a tree, each node of it a list.
    fn semaphores(&self) -> FxHashMap<u64, Place> {
        let mut found = FxHashMap::default();
        let table = self.context.globals.waits.semaphores.filter(|t| t.stride >= MIN_STRIDE);
        let Some((table, roots)) = table.zip(self.context.layout.semaphores) else { return found };
        let layout = self.layout;
        let mut seen = FxHashSet::default();
        for index in 0..table.len.min(1 << 16) {
            let root = table.address.wrapping_add(index * table.stride + roots.tree.offset);
            let mut next = vec![self.context.memory.u64(root).unwrap_or(0)];
            while let Some(at) = next.pop() {
                if at == 0 || seen.len() >= MAX_PLACES || !seen.insert(at) {
                    continue;
                }
                let Some(waiter) = self.waiter(at) else { continue };
                next.extend([layout.next, layout.previous, layout.link].map(|f| f.get(&waiter)));
                found.insert(layout.goroutine.get(&waiter), Place { waiter: at, target: self.element(&waiter) });
            }
        }
        found
    }

    fn element(&self, waiter: &[u8]) -> u64 {
        let layout = self.layout;
        layout.element_address.unwrap_or(layout.element).get(waiter)
    }

    fn waiter(&self, address: u64) -> Option<[u8; MAX_WAITER]> {
        let mut bytes = [0; MAX_WAITER];
        let size = (self.layout.size as usize).min(MAX_WAITER);
        self.context.memory.read_into(address, &mut bytes[..size]).ok()?;
        Some(bytes)
    }
}
