//! Which of the addresses in the runtime's code is which variable.

use std::collections::BTreeSet;

use mapscope_memory::{Figure, Memory, Partial};

use super::answers::{Copies, List, Phase, agreed};
use super::code::{RuntimeCode, bases, one};
use super::shapes::Shapes;
use crate::dwarf::{Dwarf, DwarfIndex};
use crate::resident;
use crate::roots::{NameList, ProfileGlobals, RuntimeGlobals, WaitGlobals};
use crate::runtime::{Field, FunctionTable, Layout, names_text};
use crate::{Binary, GoError};

/// Threads looked at in all lists that may be that of all threads.
const MAX_STEPS: usize = 1 << 20;
/// `_GCmarktermination`, the largest phase of the collector.
const MAX_PHASE: u32 = 2;
/// `mProfCycleWrap`: cycles of the memory profile.
const MAX_CYCLE: u32 = 3 * (2 << 24);

/// Addresses of the runtime's variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Variables {
    /// `runtime.mheap_`.
    pub(crate) heap: u64,
    pub(crate) globals: RuntimeGlobals,
    /// Those that lead to the runtime's own memory; `None` when one of them is not known.
    pub(crate) own: Option<resident::Variables>,
}

impl Variables {
    /// As the debug information names them.
    pub(crate) fn named<'d>(dwarf: &Dwarf<'d>, index: &DwarfIndex<'d>) -> Result<Self, GoError> {
        let globals = RuntimeGlobals {
            all_goroutines: index.global("runtime.allgs")?,
            all_threads: index.global("runtime.allm")?,
            all_processors: index.global("runtime.allp")?,
            all_finalizers: Some(index.global("runtime.allfin")?),
            finalizer_lists: index.global("runtime.finq").ok().zip(index.global("runtime.finc").ok()),
            cleanups: index.global("runtime.gcCleanups").ok(),
            waits: WaitGlobals::find(dwarf, index),
            profile: ProfileGlobals {
                rate: index.global("runtime.MemProfileRate").ok(),
                disabled: index.global("runtime.disableMemoryProfiling").ok(),
                buckets: index.global("runtime.mbuckets").ok(),
                cycle: index.global("runtime.mProfCycle").ok(),
            },
        };
        let own = resident::Variables::find(dwarf, index);
        Ok(Self { heap: index.global("runtime.mheap_")?, globals, own })
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
    let search = Search::new(memory, layout, functions);
    let missing = |what| GoError::not_found(binary.path(), what, memory);
    let heap = search.heap().ok_or_else(|| missing("the heap (runtime.mheap_)"))?;
    let all_goroutines = search.goroutines(heap);
    let all_goroutines = all_goroutines.ok_or_else(|| missing("the list of goroutines (runtime.allgs)"))?;
    let all_processors = search.processors().ok_or_else(|| missing("the list of processors (runtime.allp)"))?;
    let all_threads = search.threads().ok_or_else(|| missing("the list of threads (runtime.allm)"))?;
    let all_finalizers = search.finalizers();
    if all_finalizers.is_none() {
        partial.add(
            Figure::Live | Figure::Storage,
            "queued finalizers could not be found without debug information; they are no roots",
        );
    }
    let cleanups = search.cleanups();
    if cleanups.is_none() && layout.cleanup_queue.is_some() {
        partial.add(
            Figure::Live | Figure::Storage,
            "queued cleanups could not be found without debug information; they are no roots",
        );
    }
    let waits = search.waits(binary);
    let profile = search.profile();
    let globals = RuntimeGlobals {
        all_goroutines,
        all_threads,
        all_processors,
        all_finalizers,
        finalizer_lists: None,
        cleanups,
        profile,
        waits,
    };
    let own = waits.statistics.and_then(|statistics| search.own(statistics));
    Ok(Variables { heap, globals, own })
}

/// Where the phase of the collector (`runtime.gcphase`) is, which is only looked at while variables are searched for.
pub(crate) fn find_phase(memory: &dyn Memory, layout: &Layout, functions: &[FunctionTable], heap: u64) -> Option<u64> {
    Search::new(memory, layout, functions).phase_at(heap)
}

/// What variables are looked for in.
struct Search<'s> {
    memory: &'s dyn Memory,
    layout: &'s Layout,
    code: RuntimeCode,
    shapes: Shapes<'s>,
}

impl<'s> Search<'s> {
    fn new(memory: &'s dyn Memory, layout: &'s Layout, functions: &[FunctionTable]) -> Self {
        Self { memory, layout, code: RuntimeCode::read(memory, functions), shapes: Shapes { memory, layout } }
    }

    fn heap(&self) -> Option<u64> {
        one(self.code.all.iter().copied().filter(|a| self.shapes.is_heap(*a)))
    }

    /// `allgs`: the header that a new goroutine is added to; in code that does not tell, the one that fits.
    fn goroutines(&self, heap: u64) -> Option<u64> {
        let fitting = |addresses: &BTreeSet<u64>| -> Vec<List> {
            addresses.iter().filter_map(|a| self.shapes.goroutines(*a)).collect()
        };
        let copies = Copies::of_goroutines(self.phase(heap));
        agreed(&fitting(&headers(&self.code.stores("runtime.allgadd"))), copies)
            .or_else(|| agreed(&fitting(&self.code.all), copies))
    }

    /// `gcphase`: what is read both where a collection begins and where it ends, but the heap's own state.
    fn phase_at(&self, heap: u64) -> Option<u64> {
        let (begins, ends) = (self.code.halves("runtime.gcStart"), self.code.halves("runtime.gcMarkTermination"));
        // The number of processors is read in both places too, as a whole word.
        let words = self.code.loads("runtime.gcStart");
        let inside = heap..heap.saturating_add(self.layout.heap.size);
        let is_phase = |at: &u64| self.memory.u32(*at).is_ok_and(|phase| phase <= MAX_PHASE);
        let found = begins.intersection(&ends).copied();
        one(found.filter(|a| !words.contains(a) && !inside.contains(a) && is_phase(a)))
    }

    fn phase(&self, heap: u64) -> Option<Phase> {
        let phase = self.memory.u32(self.phase_at(heap)?).ok()?;
        Some(if phase == 0 { Phase::Off } else { Phase::Marking })
    }

    /// `allp`: the header that is written when the number of processors changes; a thread may have a copy of it.
    fn processors(&self) -> Option<u64> {
        let fitting = |addresses: &BTreeSet<u64>| -> Vec<List> {
            addresses.iter().filter_map(|a| self.shapes.processors(*a)).collect()
        };
        agreed(&fitting(&headers(&self.code.stores("runtime.procresize"))), Copies::Equal)
            .or_else(|| agreed(&fitting(&self.code.all), Copies::Equal))
    }

    /// `allm`: a new thread is put in front of it. In code that does not tell, the longest list: that of idle threads is
    /// a part of it.
    fn threads(&self) -> Option<u64> {
        let mut steps = MAX_STEPS;
        let mut fitting = |addresses: &BTreeSet<u64>, unborn| -> Vec<List> {
            addresses.iter().filter_map(|a| self.shapes.threads(*a, unborn, &mut steps)).collect()
        };
        let (new, read) = (self.code.addresses("runtime.mcommoninit"), self.code.loads("runtime.mcommoninit"));
        let told = fitting(&new.intersection(&read).copied().collect(), true);
        agreed(&told, Copies::Parts).or_else(|| agreed(&fitting(&self.code.all, false), Copies::Parts))
    }

    /// `allfin`: the collector reads it to mark what is queued, and a new block is put in front of it.
    fn finalizers(&self) -> Option<u64> {
        let block = &self.layout.finalizer_block;
        let (queue, mark) = (self.code.stores("runtime.queuefinalizer"), self.code.loads("runtime.markroot"));
        let both = queue.intersection(&mark).copied();
        one(both.filter(|a| self.shapes.is_block_list(*a, block.all_link, block.count)))
    }

    /// `gcCleanups`: the collector reads a field of it, and what is freed is queued there.
    fn cleanups(&self) -> Option<u64> {
        let (queue, block) = (self.layout.cleanup_queue?, self.layout.cleanup_block?);
        // Code that was not optimised takes the field's address first.
        let mut lists = self.code.loads("runtime.markroot");
        lists.extend(self.code.addresses("runtime.markroot"));
        let freed = self.code.addresses("runtime.freeSpecial");
        let found = bases(&[(0, &freed), (queue.all.offset, &lists)]);
        let is_list = |a: u64| self.shapes.is_block_list(a, block.all_link, block.count);
        one(found.into_iter().filter(|a| is_list(a.wrapping_add(queue.all.offset))))
    }

    /// What says what goroutines wait for.
    fn waits(&self, binary: &Binary<'_>) -> WaitGlobals {
        let names = |variable| names_text(binary.minor, &binary.go_version, variable).map(NameList::Known);
        let (acquire, release) =
            (self.code.addresses("runtime.semacquire1"), self.code.addresses("runtime.semrelease1"));
        let mut tables = acquire.intersection(&release).filter_map(|a| self.shapes.semaphores(*a));
        let semaphores = tables.next().filter(|_| tables.next().is_none());
        WaitGlobals {
            status_names: names("runtime.gStatusStrings"),
            reason_names: names("runtime.waitReasonStrings"),
            semaphores,
            statistics: self.statistics(),
            scheduler: self.scheduler(),
        }
    }

    /// `memstats`: where what the profiler's stacks take is counted, and other memory, and when a collection ended.
    fn statistics(&self) -> Option<u64> {
        let (collections, accounts) = (self.layout.collections?, self.layout.accounts.as_ref()?);
        let fields = [
            (accounts.statistics.profile.offset, &self.code.addresses("runtime.stkbucket")),
            (accounts.statistics.other.offset, &self.code.addresses("runtime.persistentalloc1")),
            (collections.last_collection.offset, &self.code.words("runtime.gcMarkTermination")),
        ];
        one(bases(&fields))
    }

    /// `sched`: the monitor reads when somebody last looked at the network, and who looks for work writes it.
    fn scheduler(&self) -> Option<u64> {
        let poll = self.layout.scheduler?.last_poll.offset;
        let fields = [
            (poll, &self.code.loads("runtime.sysmon")),
            (poll, &self.code.addresses("runtime.sysmon")),
            (poll, &self.code.addresses("runtime.findRunnable")),
        ];
        one(bases(&fields))
    }

    /// Variables of the memory profile. Whether the linker left it out, the function table says.
    fn profile(&self) -> ProfileGlobals {
        let Some(layout) = self.layout.profile else { return ProfileGlobals::default() };
        let both = |a: BTreeSet<u64>, b: BTreeSet<u64>| one(a.intersection(&b).copied());
        let cycles = self.code.halves("runtime.mProf_Malloc");
        let cycles = cycles.intersection(&self.code.halves("runtime.mProf_Free")).copied().collect::<Vec<_>>();
        let is_cycle = |a: &u64| self.memory.u32(*a).is_ok_and(|cycle| cycle >> 1 < MAX_CYCLE);
        let buckets = both(self.code.loads("runtime.mProf_FlushLocked"), self.code.addresses("runtime.stkbucket"));
        ProfileGlobals {
            rate: both(self.code.loads("runtime.profilealloc"), self.code.stores("runtime.parsegodebug")),
            disabled: None,
            buckets: buckets.filter(|a| self.is_profile(*a, layout.bucket.kind)),
            cycle: one(cycles.into_iter().filter(is_cycle)),
        }
    }

    /// A list of stacks is empty, or begins with one of the memory profile: `memProfile` is 1.
    fn is_profile(&self, list: u64, kind: Field) -> bool {
        self.memory.u64(list).is_ok_and(|first| {
            let kind = first.checked_add(kind.offset).and_then(|at| self.memory.u32(at).ok());
            first == 0 || kind.is_some_and(|kind| kind & 0xff == 1)
        })
    }

    /// What leads to the runtime's own memory.
    fn own(&self, statistics: u64) -> Option<resident::Variables> {
        let accounts = self.layout.accounts.as_ref()?;
        let both = |function: &str| -> Vec<u64> {
            self.code.loads(function).intersection(&self.code.addresses(function)).copied().collect()
        };
        let chunks = |a: &u64, bytes| self.shapes.chunks(*a, 0, bytes);
        let persistent = both("runtime.persistentalloc1");
        let persistent = persistent.into_iter().filter(|a| chunks(a, resident::PERSISTENT_CHUNK).is_some());
        let profile = both("runtime.stkbucket").into_iter();
        let spans = self.code.addresses("runtime.(*mheap).allocSpan");
        let controller = [
            (accounts.controller.in_use.offset, &spans),
            (accounts.controller.free.offset, &spans),
            (accounts.controller.released.offset, &spans),
        ];
        let buffers = self.code.loads("runtime.prepareFreeWorkbufs");
        let work = [(accounts.work.free.offset, &buffers), (accounts.work.busy.offset, &buffers)];
        Some(resident::Variables {
            persistent: one(persistent)?,
            profile: one(profile)?,
            bits: self.bits(accounts.bits_arena.next.offset)?,
            work: one(bases(&work))?,
            statistics,
            controller: one(bases(&controller))?,
            random: self.layout.m.random_state.and_then(|_| self.random()),
        })
    }

    /// The four lists of `gcBitsArenas`, which stand side by side after a lock: each epoch hands one on to the next.
    fn bits(&self, next: u64) -> Option<[u64; 4]> {
        let all = self.code.words("runtime.nextMarkBitArenaEpoch");
        let lists = |free: u64| [0, 8, 16, 24].map(|o| free.wrapping_add(o));
        let is_chunks = |a: &u64| self.shapes.chunks(*a, next, resident::BITS_CHUNK).is_some();
        let stored = self.code.stores("runtime.nextMarkBitArenaEpoch");
        let fits = |free: &u64| lists(*free).iter().all(|a| all.contains(a) && is_chunks(a)) && stored.contains(free);
        one(all.iter().copied().filter(fits)).map(lists)
    }

    /// `vgetrandomAlloc.states`: a slice that grows when a thread ends.
    fn random(&self) -> Option<u64> {
        one(headers(&self.code.stores("runtime.vgetrandomDestroy")))
    }
}

/// Addresses of slices all of whose three words are among `stores`.
fn headers(stores: &BTreeSet<u64>) -> BTreeSet<u64> {
    bases(&[(0, stores), (8, stores), (16, stores)])
}
