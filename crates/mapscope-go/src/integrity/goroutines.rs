//! Compares goroutines with what their stacks and the threads say of them, and counts those of which two say different
//! things.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::roots::{Context, Frame, Goroutine, Goroutines};

/// `_Gwaiting`, and from 1.26 `_Gleaked`.
const WAITING: [u64; 2] = [4, 10];
const RUNNING: u64 = 2;
const SYSCALL: u64 = 3;
/// Where every stack of a goroutine begins.
const END: &str = "runtime.goexit";
/// What a thread of C calls Go through.
const FROM_C: &str = "runtime.cgocallback";

/// How many goroutines contradict themselves.
pub(super) fn contradicted(context: &Context<'_>, goroutines: &Goroutines) -> usize {
    let threads = Threads::read(context, &goroutines.threads);
    let mut numbers = FxHashSet::default();
    let wrong = |goroutine: &&Goroutine| {
        !numbers.insert(goroutine.id)
            || !begins(context, goroutine)
            || !is_linked(context, goroutine)
            || !stands(goroutine)
            || !threads.agree(goroutine)
    };
    goroutines.all.iter().filter(wrong).count()
}

/// The first function of its stack is the one that it notes, and a `go` statement in code made it.
fn begins(context: &Context<'_>, goroutine: &Goroutine) -> bool {
    let standing = &goroutine.standing;
    let name = |frame: &Frame| context.functions[frame.table].name(&frame.function);
    let mut outer = goroutine.frames.iter().rev();
    let first = match (outer.next().map(name), outer.next()) {
        (Some(END), Some(first)) if !standing.interrupted && standing.status != RUNNING => Some(first),
        _ => None,
    };
    // A thread of C has a goroutine of its own, which nothing made, also while it is in C again.
    let is_in_c = goroutine.frames.iter().all(|frame| name(frame) == END) && standing.thread != 0;
    let is_made = standing.starts_at != 0 || standing.created_at != 0;
    if goroutine.frames.iter().any(|frame| name(frame) == FROM_C) || is_in_c && !is_made {
        return true;
    }
    let find = |address: u64| context.functions.iter().find_map(|table| table.find(address));
    let Some(start) = find(standing.starts_at).filter(|function| function.entry == standing.starts_at) else {
        return false;
    };
    // Code that the compiler made may jump to the function that it is for.
    let same = |first: &Frame| first.function.entry == start.entry || start.is_wrapper(context.minor);
    find(standing.created_at).is_some() && first.is_none_or(same)
}

/// Each frame pointer leads to a frame further out on the same stack, or is nil (`adjustframe` in `runtime/stack.go`).
fn is_linked(context: &Context<'_>, goroutine: &Goroutine) -> bool {
    let is_from_c = |frame: &Frame| context.functions[frame.table].name(&frame.function) == FROM_C;
    if goroutine.standing.interrupted || goroutine.standing.status == RUNNING || goroutine.frames.iter().any(is_from_c)
    {
        return true;
    }
    // Above the frame pointer there is the return address.
    let mut saved = goroutine.frames.iter().filter(|frame| frame.fp.wrapping_sub(frame.varp) == 16);
    let outer = |frame: &Frame, pointer: u64| pointer == 0 || (frame.fp..goroutine.stack.end).contains(&pointer);
    saved.all(|frame| context.memory.u64(frame.varp).is_ok_and(|pointer| outer(frame, pointer)))
}

/// Who waits has a reason.
fn stands(goroutine: &Goroutine) -> bool {
    !WAITING.contains(&goroutine.standing.status) || goroutine.standing.reason != 0
}

/// What threads say of goroutines.
struct Threads {
    /// Those that run on one.
    current: FxHashSet<u64>,
    /// Those that have one of their own; none where threads do not say.
    locked: Option<FxHashMap<u64, u64>>,
}

impl Threads {
    fn read(context: &Context<'_>, threads: &[u64]) -> Self {
        let layout = &context.layout.m;
        let word = |thread: u64, offset: u64| context.memory.u64(thread.wrapping_add(offset)).unwrap_or(0);
        let current = threads.iter().map(|thread| word(*thread, layout.current.offset)).collect();
        let locked = |field: crate::runtime::Field| {
            threads.iter().map(|thread| (word(*thread, field.offset), *thread)).filter(|(g, _)| *g != 0).collect()
        };
        Self { current, locked: layout.locked_to.map(locked) }
    }

    fn agree(&self, goroutine: &Goroutine) -> bool {
        let standing = &goroutine.standing;
        let runs = !matches!(standing.status, RUNNING | SYSCALL) || self.current.contains(&goroutine.address);
        runs && self
            .locked
            .as_ref()
            .is_none_or(|locked| locked.get(&goroutine.address).copied().unwrap_or(0) == standing.thread)
    }
}
