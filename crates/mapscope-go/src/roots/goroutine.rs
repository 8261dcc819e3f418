//! `allgs`: every goroutine, its frames, and the roots on its stack.

use std::ops::Range;

use mapscope_memory::{Figure, Partial};
use rustc_hash::FxHashSet;

use super::frame::{FrameWord, StackScan};
use super::threads::Threads;
use super::unwind::{End, Frame, unwind};
use super::{Context, Root, RootKind};
use crate::GoError;
use crate::heap::{Span, holds_bytes};
use crate::runtime::Field;

/// `_Gscan`: set while the collector holds the goroutine.
const SCAN: u64 = 0x1000;
const RUNNING: u64 = 2;
const DEAD: u64 = 6;
/// From 1.26: a spare goroutine of a C thread. No status is above it, and `_Gidle`, 0, has none that is in the list
/// (`allgadd`).
const DEAD_EXTRA: u64 = 11;
/// Bytes of `g` that are read.
const MAX_G: usize = 1024;

/// What a goroutine is doing, as its `g` says.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Standing {
    /// `_Gwaiting` and its like, without `_Gscan`.
    pub(crate) status: u64,
    /// `waitReason`; means something only while it waits.
    pub(crate) reason: u64,
    /// The start of the first collection that saw it wait or in a system call, by the monotonic clock; 0 for none.
    pub(crate) since: u64,
    /// The `go` statement that made it: the address after its call.
    pub(crate) created_at: u64,
    /// Its first function.
    pub(crate) starts_at: u64,
    /// The goroutine that made it; 0 when not known.
    pub(crate) parent: u64,
    /// The thread of its own that it has (`runtime.LockOSThread`); 0 for none.
    pub(crate) thread: u64,
    /// The first of its `sudog`s, where the runtime notes them; 0 for none.
    pub(crate) waiting: u64,
    /// Its thread was stopped in its code: the first frame's address is that of an instruction, not of a return.
    pub(crate) interrupted: bool,
}

/// One live goroutine.
#[derive(Clone, Debug)]
pub(crate) struct Goroutine {
    pub(crate) id: u64,
    /// Address of its `g`.
    pub(crate) address: u64,
    pub(crate) standing: Standing,
    pub(crate) stack: Range<u64>,
    /// Innermost first.
    pub(crate) frames: Vec<Frame>,
    /// Addresses of the live pointer words of its stack, ascending.
    pub(crate) live: Vec<u64>,
    /// Variables on the stack whose address is taken, with their frame.
    pub(crate) objects: Vec<(Range<u64>, u32)>,
    /// Its frames lead to its first function, as those of every goroutine do that is not in the middle of something:
    /// the collector itself depends on it (`unwinder.next` throws otherwise).
    unwound: bool,
}

/// All live goroutines.
#[derive(Default)]
pub(crate) struct Goroutines {
    pub(crate) all: Vec<Goroutine>,
    /// How many could not be read.
    pub(crate) broken: u64,
    /// Addresses of all, dead ones too.
    pub(crate) addresses: Vec<u64>,
    /// Addresses of the runtime's threads.
    pub(crate) threads: Vec<u64>,
    /// (stack start, index), ascending.
    by_stack: Vec<(u64, u32)>,
}

impl Goroutines {
    /// Reads all goroutines and adds their roots.
    pub(super) fn read(context: &Context<'_>, roots: &mut Vec<Root>, partial: &mut Partial) -> Result<Self, GoError> {
        let memory = context.memory;
        let at = context.globals.all_goroutines;
        let (array, count) = (memory.u64(at)?, memory.u64(at.wrapping_add(8))?);
        let len = count.checked_mul(8).filter(|l| memory.is_mapped(array, *l));
        let len = len.ok_or_else(|| GoError::inconsistent("runtime.allgs", at, "it is not mapped"))?;
        if count == 0 {
            return Err(GoError::empty("runtime.allgs", at));
        }
        let threads = Threads::read(context)?;
        let mut goroutines = Self { addresses: super::words(memory, array, len)?, ..Self::default() };
        for g in goroutines.addresses.clone() {
            let index = goroutines.all.len() as u32;
            match read_goroutine(context, &threads, g, index, roots) {
                Ok(Some(goroutine)) => goroutines.all.push(goroutine),
                Ok(None) => {}
                Err(_) => goroutines.broken += 1,
            }
        }
        if goroutines.broken > 0 {
            let broken = goroutines.broken;
            partial.add(
                Figure::Live | Figure::Goroutines,
                format!("{broken} of {count} goroutines could not be read; their stacks are no roots"),
            );
        }
        let unfinished = goroutines.all.iter().filter(|g| !g.unwound).count();
        if unfinished > 0 {
            partial.add(
                Figure::Live | Figure::Goroutines,
                format!("the stacks of {unfinished} of {count} goroutines do not lead to their first function"),
            );
        }
        threads.check(&goroutines.addresses, partial);
        goroutines.threads = threads.addresses();
        goroutines.by_stack = goroutines.all.iter().enumerate().map(|(i, g)| (g.stack.start, i as u32)).collect();
        goroutines.by_stack.sort_unstable();
        Ok(goroutines)
    }

    /// The goroutine whose stack covers `address`.
    pub(crate) fn at(&self, address: u64) -> Option<u32> {
        let index = self.by_stack.partition_point(|(start, _)| *start <= address).checked_sub(1)?;
        let goroutine = self.by_stack[index].1;
        self.all[goroutine as usize].stack.contains(&address).then_some(goroutine)
    }

    /// Bytes of all stacks.
    pub(crate) fn stack_bytes(&self) -> u64 {
        self.all.iter().fold(0, |sum, g| sum.saturating_add(g.stack.end - g.stack.start))
    }
}

impl Goroutine {
    /// Whether the word at `address` is a live pointer of this stack.
    pub(crate) fn is_live(&self, address: u64) -> bool {
        self.live.binary_search(&address).is_ok()
    }
}

/// Whether a status is that of a goroutine that has ended, or not begun.
pub(super) fn is_dead(status: u64) -> bool {
    matches!(status & !SCAN, DEAD | DEAD_EXTRA)
}

/// `None` for a goroutine that has no stack to scan.
fn read_goroutine(
    context: &Context<'_>,
    threads: &Threads<'_, '_>,
    g: u64,
    index: u32,
    roots: &mut Vec<Root>,
) -> Result<Option<Goroutine>, GoError> {
    let layout = &context.layout.g;
    let mut bytes = [0; MAX_G];
    let bytes = &mut bytes[..(layout.size as usize).min(MAX_G)];
    context.memory.read_into(g, bytes)?;
    let status = layout.status.get(bytes) & 0xffff_ffff & !SCAN;
    let stack = layout.stack_lo.get(bytes)..layout.stack_hi.get(bytes);
    if is_dead(status) {
        return Ok(None);
    }
    let bad = |reason: &str| Err(GoError::inconsistent("runtime.g", g, reason));
    if !(1..DEAD_EXTRA).contains(&status) {
        return bad("it has a status that no goroutine has");
    }
    if layout.id.get(bytes) == 0 {
        return bad("it has no number");
    }
    if stack.is_empty() {
        return bad("it has no stack");
    }
    let overlaps = |s: &Span| s.start < stack.end && stack.start < s.start + s.bytes;
    let near = context.spans.spans.partition_point(|s| s.start + s.bytes <= stack.start);
    if context.spans.spans.get(near).is_some_and(overlaps)
        || !context.memory.is_mapped(stack.start, stack.end - stack.start)
    {
        return Err(GoError::inconsistent("runtime.g", g, "its stack is not memory of its own"));
    }
    let mut scan = StackScan::new(context.memory, context.functions, stack.clone());
    let syscall = (layout.syscall_pc.get(bytes), layout.syscall_sp.get(bytes));
    let saved = (layout.sched_pc.get(bytes), layout.sched_sp.get(bytes));
    let running = if status == RUNNING && syscall.1 == 0 { threads.start(g, &stack) } else { None };
    let (start, registers) = match running {
        Some(start) => ((start.pc, start.sp), Some(start.registers)),
        None if syscall.1 != 0 => (syscall, None),
        None => (saved, None),
    };
    let sp = start.1.clamp(stack.start, stack.end);
    if !holds_bytes(context.memory, sp, stack.end - sp) {
        return Err(GoError::inconsistent("runtime.g", g, "its stack is not there"));
    }
    let (frames, end) = unwind(context.memory, context.functions, &stack, start, syscall.1 != 0);
    for value in registers.iter().flatten() {
        scan.push(FrameWord { address: 0, value: *value, frame: 0 });
    }
    scan_frames(context, &mut scan, &frames, registers.is_some());
    if let End::Unknown(from) = end {
        scan.conservative(frames.len().saturating_sub(1) as u32, from..stack.end);
    }
    add_context_and_defers(context, &mut scan, bytes, &frames);
    scan.finish();
    let kind = |frame| RootKind::Stack(index, frame);
    roots.extend(scan.words.iter().map(|w| Root { address: w.address, value: w.value, kind: kind(w.frame) }));
    let mut live: Vec<u64> = scan.words.iter().map(|w| w.address).collect();
    live.sort_unstable();
    live.dedup();
    let standing = Standing {
        status,
        reason: layout.wait_reason.get(bytes),
        since: layout.wait_since.get(bytes),
        created_at: layout.created_at.get(bytes),
        starts_at: layout.starts_at.get(bytes),
        parent: layout.parent.get(bytes),
        thread: layout.locked_to.get(bytes),
        waiting: layout.waiting.get(bytes),
        interrupted: registers.is_some(),
    };
    let (id, objects) = (layout.id.get(bytes), scan.object_ranges());
    let unwound = registers.is_some() || end == End::Top;
    Ok(Some(Goroutine { id, address: g, standing, stack, frames, live, objects, unwound }))
}

/// A frame is read conservatively where the runtime does so itself: an asynchronously preempted function and the
/// preemption's own frame. A thread that we stopped stands as if it were just being preempted.
fn scan_frames(context: &Context<'_>, scan: &mut StackScan<'_>, frames: &[Frame], stopped_here: bool) {
    let mut conservative = stopped_here;
    for (i, frame) in frames.iter().enumerate() {
        let name = context.functions[frame.table].name(&frame.function);
        let preemption = matches!(name, "runtime.asyncPreempt" | "runtime.debugCallV2");
        if conservative || preemption || !scan.precise(i as u32, frame) {
            let args = u64::try_from(frame.function.args).unwrap_or(0);
            scan.conservative(i as u32, frame.sp..frame.fp.saturating_add(args));
        }
        conservative = preemption;
    }
}

/// The closure that a goroutine starts with or resumes in, and its deferred calls (`scanstack`).
fn add_context_and_defers(context: &Context<'_>, scan: &mut StackScan<'_>, g: &[u8], frames: &[Frame]) {
    let (memory, layout) = (context.memory, &context.layout.g);
    let mut push = |address: u64, value: u64, frame| scan.push(FrameWord { address, value, frame });
    push(0, layout.sched_ctxt.get(g), 0);
    push(0, layout.panics.get(g), 0);
    let deferred = &context.layout.deferred;
    let mut at = layout.defers.get(g);
    let size = deferred.size.clamp(8, 256);
    let mut seen = FxHashSet::default();
    loop {
        let mut bytes = [0; 256];
        if at == 0 || !seen.insert(at) || memory.read_into(at, &mut bytes[..size as usize]).is_err() {
            break;
        }
        let field = |f: Field| (at.wrapping_add(f.offset), f.get(&bytes));
        let sp = deferred.stack.get(&bytes);
        // The frame that has deferred the call.
        let frame = frames.iter().position(|f| (f.sp..f.fp).contains(&sp)).unwrap_or(0) as u32;
        for (address, value) in [field(deferred.function), field(deferred.link)] {
            push(address, value, frame);
        }
        if deferred.heap.get(&bytes) & 0xff != 0 {
            push(0, at, frame);
        }
        at = deferred.link.get(&bytes);
    }
}
