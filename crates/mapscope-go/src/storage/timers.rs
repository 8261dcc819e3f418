//! Timers: those in the processors' heaps, and the live `time.Timer`s and `time.Ticker`s that are in none
//! (`runtime/time.go`).
//!
//! From Go 1.23 on the timer of a channel is in a heap only while a goroutine waits for the channel, so that one that
//! nothing refers to can be collected. Up to 1.22 a timer that is set is in a heap, whoever refers to it.

use mapscope_memory::{Figure, Partial};
use rustc_hash::FxHashMap;

use super::places::function_name;
use crate::GoError;
use crate::heap::word;
use crate::roots::Context;
use crate::runtime::Layout;
use crate::session::Stages;

/// Processors; more is a damaged list.
const MAX_PROCESSORS: u64 = 1 << 16;
/// Timers of all heaps; each costs a few small reads.
const MAX_TIMERS: u64 = 1 << 22;
/// Bytes of a timer that are read; the largest has 104.
const TIMER: usize = 128;
/// `timerHeaped` and `timerZombie`, from 1.23.
const HEAPED: u64 = 1;
const ZOMBIE: u64 = 4;
/// What `time.AfterFunc` gives the runtime to call: it starts the function that is the argument.
pub(crate) const GO_FUNC: &str = "time.goFunc";

/// All timers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timers {
    /// By function, most first.
    pub functions: Vec<TimerFunction>,
    /// The heap of each processor that has timers.
    pub heaps: Vec<TimerHeap>,
}

/// The timers that call one function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimerFunction {
    /// The function: for `time.AfterFunc` the one it was given; `time.sendTime` sends to the channel of a timer or ticker,
    /// `runtime.goroutineReady` ends a `time.Sleep`.
    pub function: String,
    /// They fire again and again.
    pub periodic: bool,
    /// In a heap, and will fire.
    pub pending: u64,
    /// Set, but in no heap, for nobody waits for the channel (from Go 1.23).
    pub unwatched: u64,
    /// Stopped, but still in a heap.
    pub zombies: u64,
    /// Live, but neither set nor in a heap: stopped, or fired.
    pub stopped: u64,
    /// Bytes that those that are set, or still in a heap, retain: each by itself, with its channel or its function.
    pub retained_bytes: u64,
    /// Those of them that are objects.
    pub objects: Vec<u32>,
}

impl TimerFunction {
    /// All of them.
    pub fn count(&self) -> u64 {
        self.pending + self.unwatched + self.zombies + self.stopped
    }
}

/// The heap of timers of one processor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimerHeap {
    /// Number of the processor.
    pub processor: u64,
    /// Timers in it.
    pub timers: u64,
    /// Of those, stopped ones.
    pub zombies: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Pending,
    Unwatched,
    Zombie,
    Stopped,
}

/// A timer that the walk came across.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LooseTimer {
    pub(crate) address: u64,
    /// Function value that it calls, and the data of its argument.
    pub(crate) function: u64,
    pub(crate) argument: u64,
    periodic: bool,
    state: State,
}

impl LooseTimer {
    /// The `runtime.timer` whose bytes are `bytes`; `None` when they are too few.
    pub(super) fn parse(layout: &Layout, bytes: &[u8], address: u64) -> Option<Self> {
        let l = &layout.timer;
        let argument = l.argument.offset + 8;
        if l.period.offset + 8 > bytes.len() as u64 || argument + 8 > bytes.len() as u64 {
            return None;
        }
        let state = match (l.state, l.status) {
            (Some(state), _) => match state.get(bytes) {
                s if s & (HEAPED | ZOMBIE) == HEAPED | ZOMBIE => State::Zombie,
                s if s & HEAPED != 0 => State::Pending,
                _ if l.when.get(bytes) as i64 > 0 => State::Unwatched,
                _ => State::Stopped,
            },
            // timerDeleted and timerRemoving; timerNoStatus and timerRemoved.
            (None, Some(status)) => match status.get(bytes) & 0xffff_ffff {
                3 | 4 => State::Zombie,
                0 | 5 => State::Stopped,
                _ => State::Pending,
            },
            (None, None) => return None,
        };
        let function = l.function.get(bytes);
        let periodic = l.period.get(bytes) as i64 > 0;
        Some(Self { address, function, argument: word(bytes, argument), periodic, state })
    }
}

/// Counts the timers of the heaps, and of `loose` those that are in none.
pub(super) fn timers(stages: &Stages<'_>, loose: &[LooseTimer], partial: &mut Partial) -> Timers {
    let mut counts = Counts { stages, names: FxHashMap::default(), rows: FxHashMap::default() };
    let mut heaps = Vec::new();
    let mut seen = Vec::new();
    if let Err(error) = read_heaps(&mut counts, &mut heaps, &mut seen) {
        partial.add(Figure::Storage, format!("not all timers could be read: {error}"));
    }
    seen.sort_unstable();
    for timer in loose.iter().filter(|t| seen.binary_search(&t.address).is_err() && t.function != 0) {
        counts.add(timer);
    }
    let mut functions: Vec<TimerFunction> = counts.rows.into_values().collect();
    let key = |f: &TimerFunction| (std::cmp::Reverse(f.count()), f.periodic);
    functions.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.function.cmp(&b.function)));
    Timers { functions, heaps }
}

fn read_heaps(counts: &mut Counts<'_, '_>, heaps: &mut Vec<TimerHeap>, seen: &mut Vec<u64>) -> Result<(), GoError> {
    heap_timers(counts.stages.context, |processor, timer| {
        if heaps.last().is_none_or(|heap| heap.processor != processor) {
            heaps.push(TimerHeap { processor, timers: 0, zombies: 0 });
        }
        if let Some(heap) = heaps.last_mut() {
            heap.timers += 1;
            heap.zombies += u64::from(timer.state == State::Zombie);
        }
        seen.push(timer.address);
        counts.add(&timer);
    })
}

/// Calls `sink` with each timer of the processors' heaps, and the number of its processor.
pub(crate) fn heap_timers(context: &Context<'_>, mut sink: impl FnMut(u64, LooseTimer)) -> Result<(), GoError> {
    let (memory, layout) = (context.memory, context.layout);
    let (field, stride) = match (layout.p.timer_heap, layout.timer_entry, layout.p.timer_list) {
        (Some(heap), Some(entry), _) => (heap, entry.size.max(8)),
        (_, _, Some(list)) => (list, 8),
        _ => return Ok(()),
    };
    let in_entry = layout.timer_entry.map_or(0, |e| e.timer.offset);
    let all = context.globals.all_processors;
    let (array, count) = (memory.u64(all)?, memory.u64(all.wrapping_add(8))?);
    let mut left = MAX_TIMERS;
    for index in 0..count.min(MAX_PROCESSORS) {
        let processor = memory.u64(array.wrapping_add(index * 8))?;
        if processor == 0 {
            continue;
        }
        let at = processor.wrapping_add(field.offset);
        let (list, len) = (memory.u64(at)?, memory.u64(at.wrapping_add(8))?);
        let fits = len.checked_mul(stride).is_some_and(|bytes| memory.is_mapped(list, bytes));
        if len > 0 && !(fits && len <= left) {
            return Err(GoError::inconsistent("a processor's timers", at, format!("there are {len}")));
        }
        left -= len;
        for entry in 0..len {
            let timer = memory.u64(list + entry * stride + in_entry)?;
            let mut bytes = [0; TIMER];
            let bytes = &mut bytes[..(layout.timer.size as usize).min(TIMER)];
            memory.read_into(timer, bytes)?;
            if let Some(timer) = LooseTimer::parse(layout, bytes, timer) {
                sink(index, timer);
            }
        }
    }
    Ok(())
}

struct Counts<'c, 's> {
    stages: &'c Stages<'s>,
    /// By the code of the function.
    names: FxHashMap<u64, String>,
    rows: FxHashMap<(u64, bool), TimerFunction>,
}

impl Counts<'_, '_> {
    fn add(&mut self, timer: &LooseTimer) {
        let mut code = self.code(timer.function);
        if self.names.get(&code).is_some_and(|n| n == GO_FUNC) {
            code = self.code(timer.argument);
        }
        let function = self.names.get(&code).cloned().unwrap_or_default();
        let empty = || TimerFunction { function, periodic: timer.periodic, ..TimerFunction::default() };
        let object = self.stages.context.spans.object(timer.address).filter(|_| timer.state != State::Stopped);
        let retained = object.map_or(0, |(object, ..)| self.stages.dominators.retained(object));
        let row = self.rows.entry((code, timer.periodic)).or_insert_with(empty);
        row.retained_bytes = row.retained_bytes.saturating_add(retained);
        row.objects.extend(object.map(|(object, ..)| object));
        match timer.state {
            State::Pending => row.pending += 1,
            State::Unwatched => row.unwatched += 1,
            State::Zombie => row.zombies += 1,
            State::Stopped => row.stopped += 1,
        }
    }

    /// The code of a function value, whose name is known from then on.
    fn code(&mut self, value: u64) -> u64 {
        let code = self.stages.context.memory.u64(value).unwrap_or(0);
        self.names.entry(code).or_insert_with(|| function_name(self.stages, code));
        code
    }
}
