//! Finalizers and cleanups: what has one, what waits for its turn, and whether the goroutine that calls them stands
//! still (`runtime/mfinal.go`, `runtime/mcleanup.go`).

use mapscope_memory::{Figure, Partial};
use rustc_hash::{FxHashMap, FxHashSet};

use super::places::function_name;
use crate::GoError;
use crate::runtime::Field;
use crate::session::Stages;
use crate::types::TypeId;

/// Bytes of a block of queued finalizers (`_FinBlockSize`), and of queued cleanups (`cleanupBlockSize`).
const FINALIZER_BLOCK: usize = 4096;
const CLEANUP_BLOCK: usize = 512;
/// What the goroutine that runs finalizers starts with: up to 1.24, and from 1.25.
const RUN_FINALIZERS: [&str; 2] = ["runtime.runfinq", "runtime.runFinalizers"];
/// The same for cleanups, from 1.25; in 1.24 the finalizers' goroutine calls them, through a closure of `AddCleanup`.
const RUN_CLEANUPS: &str = "runtime.runCleanups";
const CLEANUP_CLOSURE: &str = "runtime.AddCleanup[";
/// Frames of a goroutine at its outer end that are looked at: `runtime.goexit`, then its first function.
const OUTER: usize = 2;

/// Finalizers and cleanups of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finalizers {
    /// Objects with a finalizer or a cleanup, by type, most first.
    pub types: Vec<FinalizerType>,
    /// Finalizers whose object is dead and that have not been called.
    pub queued_finalizers: u64,
    /// Cleanups whose object is dead and that have not been called.
    pub queued_cleanups: u64,
    /// The queued finalizers by function, most first.
    pub queued: Vec<QueuedFunction>,
    /// The calls that are going on.
    pub running: Vec<RunningCall>,
}

/// Objects of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FinalizerType {
    /// The type; empty when it is not known.
    pub type_name: String,
    /// Finalizers.
    pub finalizers: u64,
    /// Cleanups; an object may have several.
    pub cleanups: u64,
}

/// Finalizers in the queue that call one function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueuedFunction {
    /// The function.
    pub function: String,
    /// How many.
    pub count: u64,
}

/// A goroutine that calls finalizers or cleanups, in the middle of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunningCall {
    /// The goroutine.
    pub goroutine: u64,
    /// It is a cleanup.
    pub cleanup: bool,
    /// The function that it has called.
    pub function: String,
    /// The innermost function outside the runtime.
    pub inside: String,
}

/// Reads all of it; `partial` says what could not be.
pub(super) fn finalizers(stages: &Stages<'_>, partial: &mut Partial) -> Finalizers {
    let mut found = Finalizers { types: types(stages), running: running(stages), ..Finalizers::default() };
    for result in [queued_finalizers(stages, &mut found), queued_cleanups(stages, &mut found)] {
        if let Err(error) = result {
            partial.add(Figure::Storage, format!("not all queued finalizers and cleanups could be read: {error}"));
        }
    }
    // What is being called leaves its queue when it returns; from 1.26 a cleanup leaves it before it is called.
    for call in &found.running {
        if !call.cleanup {
            found.queued_finalizers = found.queued_finalizers.saturating_sub(1);
            if let Some(queued) = found.queued.iter_mut().find(|q| q.function == call.function) {
                queued.count = queued.count.saturating_sub(1);
            }
        } else if stages.context.minor <= 25 {
            found.queued_cleanups = found.queued_cleanups.saturating_sub(1);
        }
    }
    found.queued.retain(|q| q.count > 0);
    found.queued.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.function.cmp(&b.function)));
    found
}

fn types(stages: &Stages<'_>) -> Vec<FinalizerType> {
    let mut by_type: FxHashMap<u32, (u64, u64)> = FxHashMap::default();
    let type_of = |object: &u32| stages.heap.graph.type_of(*object);
    for id in stages.roots.finalized.iter().map(type_of) {
        by_type.entry(id).or_default().0 += 1;
    }
    for id in stages.roots.cleaned.iter().map(type_of) {
        by_type.entry(id).or_default().1 += 1;
    }
    let mut by_name: FxHashMap<String, FinalizerType> = FxHashMap::default();
    for (id, (finalizers, cleanups)) in by_type {
        let sum = by_name.entry(stages.context.types.get(TypeId(id)).name.clone()).or_default();
        (sum.finalizers, sum.cleanups) = (sum.finalizers + finalizers, sum.cleanups + cleanups);
    }
    let mut rows: Vec<FinalizerType> =
        by_name.into_iter().map(|(type_name, sum)| FinalizerType { type_name, ..sum }).collect();
    let key = |t: &FinalizerType| std::cmp::Reverse(t.finalizers + t.cleanups);
    rows.sort_by(|a, b| key(a).cmp(&key(b)).then_with(|| a.type_name.cmp(&b.type_name)));
    rows
}

fn queued_finalizers(stages: &Stages<'_>, found: &mut Finalizers) -> Result<(), GoError> {
    let (block, entry) = (&stages.context.layout.finalizer_block, &stages.context.layout.queued_finalizer);
    let memory = stages.context.memory;
    let mut by_code: FxHashMap<u64, u64> = FxHashMap::default();
    let mut seen = FxHashSet::default();
    let Some(list) = stages.context.globals.all_finalizers else { return Ok(()) };
    let mut at = memory.u64(list)?;
    let size = entry.size.max(8);
    while at != 0 {
        check_new(&mut seen, at, "block of queued finalizers")?;
        let mut bytes = [0; FINALIZER_BLOCK];
        memory.read_into(at, &mut bytes)?;
        for index in 0..block.count.get(&bytes).min(FINALIZER_BLOCK as u64 / size) {
            let base = block.entries.offset + index * size;
            let value = |field: Field| Field { offset: base + field.offset, size: 8 }.get(&bytes);
            // In 1.24, a queued cleanup is a finalizer without an object.
            if stages.context.minor == 24 && value(entry.argument) == 0 {
                found.queued_cleanups += 1;
                continue;
            }
            found.queued_finalizers += 1;
            *by_code.entry(memory.u64(value(entry.function)).unwrap_or(0)).or_default() += 1;
        }
        at = block.all_link.get(&bytes);
    }
    let named =
        by_code.into_iter().map(|(code, count)| QueuedFunction { function: function_name(stages, code), count });
    found.queued = named.collect();
    Ok(())
}

fn queued_cleanups(stages: &Stages<'_>, found: &mut Finalizers) -> Result<(), GoError> {
    let layout = stages.context.layout;
    let (Some(queue), Some(block), Some(global)) =
        (layout.cleanup_queue, layout.cleanup_block, stages.context.globals.cleanups)
    else {
        return Ok(());
    };
    let memory = stages.context.memory;
    let mut seen = FxHashSet::default();
    let mut at = memory.u64(global.wrapping_add(queue.all.offset))?;
    let size = layout.queued_cleanup_bytes.max(8);
    while at != 0 {
        check_new(&mut seen, at, "block of queued cleanups")?;
        let mut bytes = [0; CLEANUP_BLOCK];
        memory.read_into(at, &mut bytes)?;
        let entries = (0..block.count.get(&bytes).min(CLEANUP_BLOCK as u64 / size))
            .map(|index| Field { offset: block.entries.offset + index * size, size: 8 }.get(&bytes));
        // One that was called is cleared; the block keeps its number until all of it were.
        found.queued_cleanups += entries.filter(|first| *first != 0).count() as u64;
        at = block.all_link.get(&bytes);
    }
    Ok(())
}

fn check_new(seen: &mut FxHashSet<u64>, at: u64, what: &'static str) -> Result<(), GoError> {
    if seen.insert(at) { Ok(()) } else { Err(GoError::inconsistent(what, at, "the list comes back to it")) }
}

/// The goroutines of the runtime that stand in a call of a finalizer or a cleanup.
fn running(stages: &Stages<'_>) -> Vec<RunningCall> {
    let mut calls = Vec::new();
    for goroutine in &stages.roots.goroutines.all {
        let name = |f: &crate::roots::Frame| stages.context.functions[f.table].name(&f.function);
        let mut outer = goroutine.frames.iter().rev().take(OUTER).map(name);
        if !outer.any(|n| n == RUN_CLEANUPS || RUN_FINALIZERS.contains(&n)) {
            continue;
        }
        let cleanup = goroutine.frames.iter().map(name).any(|n| n == RUN_CLEANUPS || n.starts_with(CLEANUP_CLOSURE));
        let outside = |name: &&str| !name.starts_with("runtime.") && !name.starts_with("internal/runtime/");
        let mut names = goroutine.frames.iter().map(name).filter(outside);
        let Some(inside) = names.next() else { continue };
        let function = names.next_back().unwrap_or(inside).to_owned();
        calls.push(RunningCall { goroutine: goroutine.id, cleanup, function, inside: inside.to_owned() });
    }
    calls
}
