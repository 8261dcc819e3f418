//! Where reachability starts: the runtime's own root set (`runtime/mgcmark.go`, `markroot`).

mod frame;
mod goroutine;
mod passages;
mod queues;
mod specials;
mod statics;
mod threads;
mod unwind;

pub(crate) use goroutine::{Goroutine, Goroutines, Standing};
pub(crate) use passages::Passages;
pub(crate) use specials::{SpecialCounts, profiled};
pub(crate) use unwind::Frame;

use mapscope_memory::{Memory, Partial};

use crate::GoError;
use crate::dwarf::{Array, Dwarf, DwarfIndex};
use crate::heap::SpanTable;
use crate::runtime::{FunctionTable, Layout, Module};
use crate::types::TypeTable;

/// What a root is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RootKind {
    /// A word of data or bss.
    Static,
    /// A word of a goroutine's stack or one of its registers: (goroutine, frame).
    Stack(u32, u32),
    /// A finalizer or what it keeps.
    Finalizer,
    /// A cleanup.
    Cleanup,
    /// Something else the runtime keeps: weak handles, blocks of tiny objects.
    Runtime,
}

/// A pointer into the heap from outside.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Root {
    /// Address of the word that holds the pointer; 0 for a register.
    pub(crate) address: u64,
    /// The pointer.
    pub(crate) value: u64,
    pub(crate) kind: RootKind,
}

/// Addresses of the runtime's variables that lead to roots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RuntimeGlobals {
    pub(crate) all_goroutines: u64,
    pub(crate) all_threads: u64,
    pub(crate) all_processors: u64,
    /// Not found in some binary without symbols.
    pub(crate) all_finalizers: Option<u64>,
    /// `finq` and `finc`, the queue of their blocks and the list of free ones; with debug information only.
    pub(crate) finalizer_lists: Option<(u64, u64)>,
    /// 1.25 and later.
    pub(crate) cleanups: Option<u64>,
    pub(crate) profile: ProfileGlobals,
    pub(crate) waits: WaitGlobals,
}

/// Names by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameList {
    /// An array of strings in the target.
    Target(Array),
    /// Lines of the table of the target's version (see [`crate::runtime::names_text`]).
    Known(&'static str),
}

/// Where the runtime says what goroutines are waiting for. Nothing works without them but saying so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct WaitGlobals {
    /// `gStatusStrings` and `waitReasonStrings`.
    pub(crate) status_names: Option<NameList>,
    pub(crate) reason_names: Option<NameList>,
    /// `semtable`.
    pub(crate) semaphores: Option<Array>,
    /// `memstats` and `sched`.
    pub(crate) statistics: Option<u64>,
    pub(crate) scheduler: Option<u64>,
}

impl WaitGlobals {
    /// Finds them in the debug information.
    pub(crate) fn find<'d>(dwarf: &Dwarf<'d>, index: &DwarfIndex<'d>) -> Self {
        Self {
            status_names: index.array(dwarf, "runtime.gStatusStrings").map(NameList::Target),
            reason_names: index.array(dwarf, "runtime.waitReasonStrings").map(NameList::Target),
            semaphores: index.array(dwarf, "runtime.semtable"),
            statistics: index.global("runtime.memstats").ok(),
            scheduler: index.global("runtime.sched").ok(),
        }
    }
}

/// Addresses of the variables of the memory profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProfileGlobals {
    /// `runtime.MemProfileRate`.
    pub(crate) rate: Option<u64>,
    /// `runtime.disableMemoryProfiling`.
    pub(crate) disabled: Option<u64>,
    /// `runtime.mbuckets`, the list of stacks.
    pub(crate) buckets: Option<u64>,
    /// `runtime.mProfCycle`.
    pub(crate) cycle: Option<u64>,
}

/// What the readers of roots share.
pub(crate) struct Context<'c> {
    pub(crate) memory: &'c dyn Memory,
    pub(crate) layout: &'c Layout,
    pub(crate) modules: &'c [Module],
    pub(crate) functions: &'c [FunctionTable],
    pub(crate) types: &'c TypeTable<'c>,
    pub(crate) spans: &'c SpanTable,
    pub(crate) globals: RuntimeGlobals,
    /// `runtime.mheap_`.
    pub(crate) mheap: u64,
    pub(crate) minor: u32,
}

impl Context<'_> {
    /// Whether a function begins at `code`.
    pub(crate) fn is_entry(&self, code: u64) -> bool {
        self.functions.iter().any(|table| table.find(code).is_some_and(|function| function.entry == code))
    }
}

/// The whole root set, and the goroutines it was read from.
#[derive(Default)]
pub(crate) struct Roots {
    pub(crate) words: Vec<Root>,
    /// Objects with a finalizer: what they point to is live.
    pub(crate) finalized: Vec<u32>,
    /// Objects with a cleanup, once for each cleanup.
    pub(crate) cleaned: Vec<u32>,
    /// The same, each with what the collector keeps for it: the function value, and from 1.26 on its argument.
    pub(crate) cleanups: Vec<(u32, Vec<u64>)>,
    /// Objects that a weak pointer can turn up again as long as something else holds them.
    pub(crate) weak: Vec<u32>,
    /// What weak pointers point to: the runtime's record of such an object.
    pub(crate) weak_handles: Vec<u64>,
    /// How many specials there are.
    pub(crate) specials: SpecialCounts,
    /// Finalizers: (function value, the object that it is for).
    pub(crate) finalizers: Vec<(u64, u32)>,
    /// Cleanups attached to objects, from 1.26: (function value, address of its argument).
    pub(crate) cleanup_arguments: Vec<(u64, u64)>,
    pub(crate) goroutines: Goroutines,
    pub(crate) passages: Passages,
}

impl Roots {
    /// Reads all roots. What cannot be read is left out, and `partial` says so.
    pub(crate) fn read(context: &Context<'_>, partial: &mut Partial) -> Result<Self, GoError> {
        let mut roots = Vec::new();
        statics::add(context, &mut roots, partial);
        queues::add(context, &mut roots, partial);
        let mut found = Self::default();
        specials::add(context, &mut roots, &mut found, partial);
        let goroutines = Goroutines::read(context, &mut roots, partial)?;
        let passages = Passages::read(context, &roots, &goroutines);
        Ok(Self { words: roots, goroutines, passages, ..found })
    }
}

/// Bytes of `len` at `address`, as words.
fn words(memory: &dyn Memory, address: u64, len: u64) -> Result<Vec<u64>, GoError> {
    let mut scratch = Vec::new();
    let bytes = memory.bytes(address, len as usize, &mut scratch)?;
    Ok(bytes.chunks_exact(8).map(|b| u64::from_le_bytes(b.try_into().unwrap_or_default())).collect())
}
