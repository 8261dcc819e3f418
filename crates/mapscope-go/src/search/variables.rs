//! Which of the addresses in the runtime's code is which variable.

use std::collections::BTreeSet;

use mapscope_memory::{Figure, Memory, Partial};

use super::shapes::Shapes;
use crate::code::{Access, Relative, accesses};
use crate::dwarf::{Dwarf, DwarfIndex};
use crate::roots::{ProfileGlobals, RuntimeGlobals, WaitGlobals};
use crate::runtime::{FunctionTable, Layout};
use crate::{Binary, GoError};

/// Code of one function that is looked at.
const MAX_CODE: u64 = 1 << 18;
/// Addresses that are kept; the runtime names some thousands.
const MAX_ADDRESSES: usize = 1 << 15;
/// Threads looked at in all lists that may be that of all threads.
const MAX_STEPS: usize = 1 << 20;

/// Addresses of the runtime's variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Variables {
    /// `runtime.mheap_`.
    pub(crate) heap: u64,
    pub(crate) globals: RuntimeGlobals,
}

impl Variables {
    /// As the debug information names them.
    pub(crate) fn named<'d>(dwarf: &Dwarf<'d>, index: &DwarfIndex<'d>) -> Result<Self, GoError> {
        let globals = RuntimeGlobals {
            all_goroutines: index.global("runtime.allgs")?,
            all_threads: index.global("runtime.allm")?,
            all_processors: index.global("runtime.allp")?,
            all_finalizers: Some(index.global("runtime.allfin")?),
            cleanups: index.global("runtime.gcCleanups").ok(),
            waits: WaitGlobals::find(dwarf, index),
            profile: ProfileGlobals {
                rate: index.global("runtime.MemProfileRate").ok(),
                disabled: index.global("runtime.disableMemoryProfiling").ok(),
                buckets: index.global("runtime.mbuckets").ok(),
                cycle: index.global("runtime.mProfCycle").ok(),
            },
        };
        Ok(Self { heap: index.global("runtime.mheap_")?, globals })
    }
}

/// Finds the variables of a binary without symbols. What is missed, and not everything needs, goes to `partial`.
///
/// # Errors
/// When one that everything needs is not found, or could be in several places.
pub(crate) fn find(
    memory: &dyn Memory,
    layout: &Layout,
    functions: &[FunctionTable],
    binary: &Binary<'_>,
    partial: &mut Partial,
) -> Result<Variables, GoError> {
    let code = RuntimeCode::read(memory, functions);
    let shapes = Shapes { memory, layout };
    let missing = |what| GoError::not_found(binary.path(), what, memory);
    let only = |what: &'static str, fits: &dyn Fn(u64) -> bool| {
        let mut fitting = code.all.iter().copied().filter(|a| fits(*a));
        fitting.next().filter(|_| fitting.next().is_none()).ok_or_else(|| missing(what))
    };
    let heap = only("the heap (runtime.mheap_)", &|a| shapes.is_heap(a))?;
    let all_goroutines = only("the list of goroutines (runtime.allgs)", &|a| shapes.is_goroutines(a))?;
    let all_processors = only("the list of processors (runtime.allp)", &|a| shapes.is_processors(a))?;
    // The list of idle threads is a part of that of all.
    let mut steps = MAX_STEPS;
    let longest = code.all.iter().map(|a| (shapes.threads(*a, &mut steps), std::cmp::Reverse(*a))).max();
    let longest = longest.filter(|(len, _)| *len > 0).map(|(_, address)| address.0);
    let all_threads = longest.ok_or_else(|| missing("the list of threads (runtime.allm)"))?;
    let all_finalizers = code.finalizers(shapes);
    if all_finalizers.is_none() {
        partial.add(
            Figure::Live | Figure::Storage,
            "queued finalizers could not be found without debug information; they are no roots",
        );
    }
    let cleanups = code.cleanups(shapes);
    if cleanups.is_none() && layout.cleanup_queue.is_some() {
        partial.add(
            Figure::Live | Figure::Storage,
            "queued cleanups could not be found without debug information; they are no roots",
        );
    }
    let globals = RuntimeGlobals {
        all_goroutines,
        all_threads,
        all_processors,
        all_finalizers,
        cleanups,
        waits: WaitGlobals::default(),
        profile: ProfileGlobals::default(),
    };
    Ok(Variables { heap, globals })
}

/// The addresses that the runtime's code names.
#[derive(Default)]
struct RuntimeCode {
    all: BTreeSet<u64>,
    /// Of functions that are known by name.
    mark_root: Vec<Relative>,
    queue_finalizer: Vec<Relative>,
    free_special: Vec<Relative>,
}

impl RuntimeCode {
    fn read(memory: &dyn Memory, functions: &[FunctionTable]) -> Self {
        let mut code = Self::default();
        // The runtime is in the program itself, never in a plugin.
        let Some(table) = functions.first() else { return code };
        let text = &table.module().text;
        let mut scratch = Vec::new();
        for function in table.all() {
            let name = table.name(&function);
            if !name.starts_with("runtime.") || code.all.len() > MAX_ADDRESSES {
                continue;
            }
            let len = function.end.saturating_sub(function.entry).min(MAX_CODE);
            let Ok(bytes) = memory.bytes(function.entry, len as usize, &mut scratch) else { continue };
            let mut found = Vec::new();
            accesses(memory.arch(), bytes, function.entry, |relative| {
                if relative.address % 8 == 0 && !text.contains(&relative.address) {
                    found.push(relative);
                }
            });
            code.all.extend(found.iter().map(|r| r.address));
            match name {
                "runtime.markroot" => code.mark_root = found,
                "runtime.queuefinalizer" => code.queue_finalizer = found,
                "runtime.freeSpecial" => code.free_special = found,
                _ => {}
            }
        }
        code
    }

    /// `allfin`: the collector reads it to mark what is queued, and a new block is put in front of it.
    fn finalizers(&self, shapes: Shapes<'_>) -> Option<u64> {
        let block = &shapes.layout.finalizer_block;
        let fits = |a: u64| shapes.is_block_list(a, block.all_link, block.count);
        one(accessed(&self.queue_finalizer, Access::Store)
            .intersection(&accessed(&self.mark_root, Access::Load))
            .copied()
            .filter(|a| fits(*a)))
    }

    /// `gcCleanups`: the collector reads a field of it, and what is freed is queued there.
    fn cleanups(&self, shapes: Shapes<'_>) -> Option<u64> {
        let (queue, block) = (shapes.layout.cleanup_queue?, shapes.layout.cleanup_block?);
        // Code that was not optimised takes the field's address first.
        let mut lists = accessed(&self.mark_root, Access::Load);
        lists.extend(accessed(&self.mark_root, Access::Address));
        let list = |a: &u64| a.wrapping_add(queue.all.offset);
        one(accessed(&self.free_special, Access::Address)
            .into_iter()
            .filter(|a| lists.contains(&list(a)) && shapes.is_block_list(list(a), block.all_link, block.count)))
    }
}

fn accessed(code: &[Relative], access: Access) -> BTreeSet<u64> {
    code.iter().filter(|r| r.access == access).map(|r| r.address).collect()
}

/// The only one.
fn one(mut found: impl Iterator<Item = u64>) -> Option<u64> {
    found.next().filter(|_| found.next().is_none())
}
