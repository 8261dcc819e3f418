//! Channels: what is queued in them, and who waits for them (`runtime/chan.go`).

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use rustc_hash::FxHashMap;

use crate::session::Stages;
use crate::types::TypeId;

/// Waiting goroutines that are counted, in all channels together: each costs a small read.
const MAX_WAITERS: u64 = 1 << 22;

/// The live channels of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelType {
    /// The type: `chan main.Job`.
    pub type_name: String,
    /// Channels.
    pub count: u64,
    /// Of those, closed ones.
    pub closed: u64,
    /// Elements that their buffers have room for.
    pub capacity: u64,
    /// Elements in their buffers.
    pub queued: u64,
    /// Bytes of their buffers.
    pub buffer_bytes: u64,
    /// Goroutines that wait to receive. One that waits in a `select` waits at each of its channels.
    pub receivers: u64,
    /// Goroutines that wait to send.
    pub senders: u64,
    /// Channels caught in the middle of a change, or whose figures do not add up. They only count as channels.
    pub torn: u64,
}

/// Goroutines that may still be counted.
pub(super) struct Waiters(AtomicU64);

impl Waiters {
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(MAX_WAITERS))
    }

    /// Whether there were more.
    pub(super) fn capped(&self) -> bool {
        self.0.load(Relaxed) == 0
    }

    /// The length of the list of `runtime.sudog`s that starts at `first`; `None` when it has no end.
    fn count(&self, stages: &Stages<'_>, first: u64) -> Option<u64> {
        let Some(next) = stages.context.layout.waiter.map(|w| w.next.offset) else {
            return (first == 0).then_some(0);
        };
        let (mut at, mut count) = (first, 0u64);
        // Brent: the tortoise stays and is moved up to the hare whenever that has made twice as many steps.
        let (mut tortoise, mut power) = (0, 1);
        while at != 0 {
            if at == tortoise || self.0.load(Relaxed) == 0 {
                return None;
            }
            self.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).ok()?;
            count += 1;
            if count == power {
                (tortoise, power) = (at, power * 2);
            }
            at = stages.context.memory.u64(at.checked_add(next)?).ok()?;
        }
        Some(count)
    }
}

/// Sums by type of the elements.
#[derive(Default)]
pub(super) struct Channels {
    by_elem: FxHashMap<TypeId, ChannelType>,
}

impl Channels {
    /// Adds the channel whose header has the bytes `bytes`.
    pub(super) fn add(&mut self, stages: &Stages<'_>, elem: TypeId, bytes: &[u8], waiters: &Waiters) {
        let sum = self.by_elem.entry(elem).or_default();
        sum.count += 1;
        let Some(one) = figures(stages, elem, bytes, waiters) else {
            sum.torn += 1;
            return;
        };
        sum.add(&one);
    }

    pub(super) fn join(&mut self, other: Self) {
        for (elem, one) in other.by_elem {
            let sum = self.by_elem.entry(elem).or_default();
            (sum.count, sum.torn) = (sum.count + one.count, sum.torn + one.torn);
            sum.add(&one);
        }
    }

    /// The sums by name of the type, most bytes of buffers first.
    pub(super) fn types(self, stages: &Stages<'_>) -> Vec<ChannelType> {
        let mut by_name: FxHashMap<String, ChannelType> = FxHashMap::default();
        for (elem, one) in self.by_elem {
            let sum = by_name.entry(format!("chan {}", stages.context.types.get(elem).name)).or_default();
            (sum.count, sum.torn) = (sum.count + one.count, sum.torn + one.torn);
            sum.add(&one);
        }
        let mut rows: Vec<ChannelType> =
            by_name.into_iter().map(|(type_name, sum)| ChannelType { type_name, ..sum }).collect();
        let key = |c: &ChannelType| std::cmp::Reverse((c.buffer_bytes, c.queued, c.receivers + c.senders, c.count));
        rows.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.type_name.cmp(&b.type_name)));
        rows
    }
}

impl ChannelType {
    /// Adds all but the number of channels.
    fn add(&mut self, other: &Self) {
        self.closed += other.closed;
        self.capacity = self.capacity.saturating_add(other.capacity);
        self.queued = self.queued.saturating_add(other.queued);
        self.buffer_bytes = self.buffer_bytes.saturating_add(other.buffer_bytes);
        self.receivers += other.receivers;
        self.senders += other.senders;
    }
}

/// The figures of one channel; `None` when they make no sense.
fn figures(stages: &Stages<'_>, elem: TypeId, bytes: &[u8], waiters: &Waiters) -> Option<ChannelType> {
    let layout = &stages.context.layout.channel;
    let (queued, capacity) = (layout.queued.get(bytes), layout.capacity.get(bytes));
    let size = layout.elem_size.get(bytes);
    let buffer_bytes = capacity.checked_mul(size)?;
    let buffer = layout.buffer.get(bytes);
    let fits = buffer_bytes == 0 || {
        // A buffer without pointers is behind the header, in the same object.
        let (_, offset, span) = stages.heap.spans.object(buffer)?;
        buffer_bytes <= stages.heap.spans.spans[span].elem_size - offset
    };
    if queued > capacity || !fits || size != stages.context.types.get(elem).size {
        return None;
    }
    Some(ChannelType {
        closed: u64::from(layout.closed.get(bytes) & 0xffff_ffff != 0),
        capacity,
        queued,
        buffer_bytes,
        receivers: waiters.count(stages, layout.receivers.get(bytes))?,
        senders: waiters.count(stages, layout.senders.get(bytes))?,
        ..ChannelType::default()
    })
}
