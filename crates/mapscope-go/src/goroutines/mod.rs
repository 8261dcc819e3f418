//! Goroutines put together by what they do: one stack, one state, one group.
//!
//! States are those of Go's own stack traces (`goroutineheader` of `runtime/traceback.go`). Which goroutines nothing can
//! wake any more is worked out as the runtime's own leak profile does ([`leaks`]).

mod blocked;
mod clock;
mod leaks;
mod names;
mod stacks;

use mapscope_memory::Figure;
use rustc_hash::FxHashMap;

use crate::Session;
use crate::maps::OpenLoop;
use crate::roots::Goroutine;
use crate::session::Stages;
pub(crate) use blocked::waiters;
use names::Names;
pub(crate) use names::names_in;
pub use stacks::StackFrame;
use stacks::{Stack, Stacks};

/// All goroutines of a target.
#[derive(Clone, Debug, Default)]
pub struct GoroutineCensus {
    /// Goroutines that run the same code in the same state; in no particular order.
    pub groups: Vec<GoroutineGroup>,
    /// What was found out about leaks.
    pub leaks: LeakVerdict,
    /// Waiting times are lower bounds: a core does not say when it was taken.
    pub times_are_bounds: bool,
}

/// What was found out about goroutines that nothing can wake any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeakVerdict {
    /// Every leaked goroutine was found; bytes of the objects that nothing but leaked goroutines hold.
    Found {
        /// Bytes of slots.
        held_bytes: u64,
    },
    /// It cannot be said of all, and why. Those that are called leaked are.
    Unknown(String),
}

impl Default for LeakVerdict {
    fn default() -> Self {
        Self::Unknown(String::new())
    }
}

/// Goroutines that are alike.
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct GoroutineGroup {
    /// As Go's stack traces print it: `chan receive`, `select`, `running`.
    pub state: String,
    /// It waits in the state.
    pub waiting: bool,
    /// Where they are, innermost first, without the runtime's own functions.
    pub stack: Vec<StackFrame>,
    /// Frames in the middle of a very deep stack are left out: (after so many of `stack`, how many).
    pub left_out: Option<(u64, u64)>,
    /// The `go` statement that made them.
    pub created_by: Option<StackFrame>,
    /// The goroutines that made them, ascending; those of which it is not known are left out.
    pub creators: Vec<u64>,
    /// They belong to the runtime (`isSystemGoroutine`).
    pub system: bool,
    /// Each has a thread of its own.
    pub locked: bool,
    /// Nothing can wake them any more: what they wait for is in nobody's hands but those of leaked goroutines.
    pub leaked: bool,
    /// Nothing that was read can wake them, but not all was read: whether they are leaked is not known.
    pub unreached: bool,
    /// Their numbers, ascending.
    pub ids: Vec<u64>,
    /// Bytes of their stacks.
    pub stack_bytes: u64,
    /// Bytes of objects that would be freed with each of them, in all; what several of them share is not among them.
    pub retained_bytes: u64,
    /// How long those have waited of which it is known, in nanoseconds, ascending.
    ///
    /// The runtime notes the time when a collection finds a goroutine waiting, so it may have waited longer.
    pub waited_ns: Vec<u64>,
    /// The loops over maps that they are in.
    pub loops: Vec<OpenLoop>,
}

/// What the goroutines of one group have in common.
#[derive(PartialEq, Eq, Hash)]
struct Key {
    state: String,
    stack: Stack,
    created_by: Option<u32>,
    system: bool,
    locked: bool,
    fate: Fate,
}

/// What can wake a goroutine.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Fate {
    Something,
    /// Nothing that was read; what was not may.
    NothingRead,
    Nothing,
}

/// How many goroutines there are, the dead left out: all that stack traces show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GoroutineCount {
    /// The program's: what `runtime.NumGoroutine` counts.
    pub program: u64,
    /// The runtime's own (`isSystemGoroutine`).
    pub runtime: u64,
}

impl Session<'_> {
    /// How many goroutines there are. The groups of [`Session::goroutines`] add up to the same.
    pub fn goroutine_count(&self) -> GoroutineCount {
        let all = &self.stages.roots.goroutines.all;
        let runtime = all.iter().filter(|goroutine| is_system(&self.stages, goroutine)).count();
        GoroutineCount { program: (all.len() - runtime) as u64, runtime: runtime as u64 }
    }

    /// Every goroutine, in groups, and which of them are leaked.
    pub fn goroutines(&self) -> GoroutineCensus {
        let stages = &self.stages;
        let names = Names::read(stages.context);
        let (lost, leaks) = match (leaks::find(stages, &names), self.partial.of(Figure::Leaks)) {
            (Ok(found), None) => {
                let leaks = LeakVerdict::Found { held_bytes: found.held_bytes };
                (Lost { leaked: found.leaked, unreached: Vec::new() }, leaks)
            }
            // What was not read may hold what a goroutine waits for.
            (Ok(found), Some(reason)) => {
                let leaked = leaks::for_nothing(stages, &names);
                (
                    Lost { leaked, unreached: found.leaked },
                    LeakVerdict::Unknown(format!("the reading is partial: {reason}")),
                )
            }
            (Err(reason), _) => {
                let leaked = leaks::for_nothing(stages, &names);
                (Lost { leaked, unreached: Vec::new() }, LeakVerdict::Unknown(reason))
            }
        };
        let (now, times_are_bounds) = clock::now(stages.context);
        let mut groups = group(stages, &names, &lost, now);
        add_loops(&mut groups, self.open_loops());
        GoroutineCensus { groups, leaks, times_are_bounds }
    }
}

/// Of each goroutine, by index: whether nothing can wake it, and whether nothing that was read can.
struct Lost {
    leaked: Vec<bool>,
    unreached: Vec<bool>,
}

impl Lost {
    fn fate(&self, index: usize) -> Fate {
        let is_in = |list: &[bool]| list.get(index).copied().unwrap_or(false);
        match (is_in(&self.leaked), is_in(&self.unreached)) {
            (true, _) => Fate::Nothing,
            (false, true) => Fate::NothingRead,
            (false, false) => Fate::Something,
        }
    }
}

fn group(stages: &Stages<'_>, names: &Names, lost: &Lost, now: Option<u64>) -> Vec<GoroutineGroup> {
    let mut stacks = Stacks::new(stages.context);
    let retained = retained(stages);
    let mut found: FxHashMap<Key, GoroutineGroup> = FxHashMap::default();
    for (index, goroutine) in stages.roots.goroutines.all.iter().enumerate() {
        let stack = stacks.stack(goroutine);
        let key = Key {
            state: names.state(&goroutine.standing),
            created_by: stacks.creator(goroutine),
            system: is_system(stages, goroutine),
            locked: goroutine.standing.thread != 0,
            fate: lost.fate(index),
            stack,
        };
        let waiting = names::waits(&goroutine.standing);
        let group = found.entry(key).or_default();
        group.waiting = waiting;
        group.ids.push(goroutine.id);
        group.creators.extend(Some(goroutine.standing.parent).filter(|id| *id != 0));
        group.stack_bytes = group.stack_bytes.saturating_add(goroutine.stack.end - goroutine.stack.start);
        let held = retained.get(index).copied().unwrap_or(0);
        group.retained_bytes = group.retained_bytes.saturating_add(held);
        let since = goroutine.standing.since;
        if let Some(waited) =
            now.and_then(|now| now.checked_sub(since)).filter(|_| names::is_timed(&goroutine.standing))
        {
            group.waited_ns.push(waited);
        }
    }
    let finish = |(key, mut group): (Key, GoroutineGroup)| {
        group.ids.sort_unstable();
        group.waited_ns.sort_unstable();
        group.creators.sort_unstable();
        group.creators.dedup();
        group.stack = key.stack.frames.iter().filter_map(|f| stacks.frame(*f)).collect();
        group.left_out = key.stack.left_out;
        group.created_by = key.created_by.and_then(|f| stacks.frame(f));
        group.leaked = key.fate == Fate::Nothing;
        group.unreached = key.fate == Fate::NothingRead;
        GoroutineGroup { state: key.state, system: key.system, locked: key.locked, ..group }
    };
    found.into_iter().map(finish).collect()
}

/// Gives each group the loops of its goroutines.
fn add_loops(groups: &mut [GoroutineGroup], loops: Vec<OpenLoop>) {
    if loops.is_empty() {
        return;
    }
    let all = groups.iter().enumerate();
    let of: FxHashMap<u64, usize> = all.flat_map(|(index, g)| g.ids.iter().map(move |id| (*id, index))).collect();
    for one in loops {
        if let Some(index) = of.get(&one.goroutine) {
            groups[*index].loops.push(one);
        }
    }
}

/// Bytes that each goroutine retains as a holder, by index.
fn retained(stages: &Stages<'_>) -> Vec<u64> {
    let mut bytes = vec![0; stages.roots.goroutines.all.len()];
    for (number, holder) in (0u32..).zip(&stages.holders.all) {
        if let Some(held) = holder.goroutine.and_then(|index| bytes.get_mut(index as usize)) {
            *held = stages.dominators.held(number);
        }
    }
    bytes
}

/// `isSystemGoroutine`. Goroutines that run finalizers and cleanups count for the program while they are in its code.
fn is_system(stages: &Stages<'_>, goroutine: &Goroutine) -> bool {
    let functions = stages.context.functions;
    let found = functions.iter().find_map(|t| Some(t.name(&t.find(goroutine.standing.starts_at)?)));
    let Some(name) = found else { return false };
    match name {
        "runtime.main" | "runtime.corostart" | "runtime.handleAsyncEvent" => false,
        "runtime.runfinq" | "runtime.runFinalizers" | "runtime.runCleanups" => {
            goroutine.frames.iter().all(|f| functions[f.table].name(&f.function).starts_with("runtime."))
        }
        name => name.starts_with("runtime."),
    }
}
