//! Offsets of the runtime's structures, as one value per binary.
//!
//! They are read from the debug information of the target's own binary, so a field that moved between Go versions
//! needs no code here; a field that only some versions have is an `Option`. Where there is no debug information, a
//! table answers the same questions (see [`super::tables`]).

use crate::GoError;
use crate::dwarf::{Dwarf, DwarfIndex};

/// Who knows where the runtime's fields are.
pub(crate) trait Offsets {
    /// Bytes of a structure.
    fn size(&self, structure: &str) -> Result<u64, GoError>;

    /// The field at the end of a path of member names through nested structures.
    fn field(&self, structure: &str, path: &str) -> Result<Field, GoError>;
}

/// No structure of the runtime is larger; `heapArena` of Go 1.21 has a megabyte.
const MAX_STRUCTURE: u64 = 1 << 30;

/// Where a field is in its structure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Field {
    /// Byte offset.
    pub(crate) offset: u64,
    /// Bytes; integers changed their width between versions.
    pub(crate) size: u64,
}

impl Field {
    /// The unsigned integer in `bytes`, a copy of the structure; 0 beyond its end.
    pub(crate) fn get(self, bytes: &[u8]) -> u64 {
        let at = self.offset as usize;
        let size = self.size.min(8) as usize;
        let mut word = [0; 8];
        if let Some(field) = bytes.get(at..at + size) {
            word[..size].copy_from_slice(field);
        }
        u64::from_le_bytes(word)
    }
}

macro_rules! layouts {
    ($($(#[$doc:meta])* $structure:ident = $name:literal { $($required:ident: $path:literal,)* $(? $optional:ident: $other:literal,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
            pub(crate) struct $structure {
                /// Bytes of the whole structure.
                #[allow(dead_code, reason = "every structure has a size, few readers copy it whole")]
                pub(crate) size: u64,
                $(pub(crate) $required: Field,)*
                $(pub(crate) $optional: Option<Field>,)*
            }

            impl $structure {
                fn read(offsets: &dyn Offsets) -> Result<Self, GoError> {
                    Ok(Self {
                        size: offsets.size($name)?,
                        $($required: offsets.field($name, $path)?,)*
                        $($optional: offsets.field($name, $other).ok(),)*
                    })
                }
            }
        )*
    };
}

layouts! {
    /// `runtime.mspan`: a run of pages.
    Span = "runtime.mspan" {
        start_addr: "startAddr", pages: "npages", elem_size: "elemsize", elems: "nelems", free_index: "freeindex",
        alloc_bits: "allocBits", span_class: "spanclass", state: "state.s.value", specials: "specials",
        ? large_type: "largeType", ? next: "next", ? alloc_count: "allocCount",
    }
    /// `runtime.mheap`.
    Heap = "runtime.mheap" {
        all_spans: "allspans", arenas: "arenas",
        ? all_arenas: "allArenas", ? heap_arenas: "heapArenas", ? user_arenas: "userArenaArenas",
        ? pages_in_use: "pagesInUse",
        ? span_allocator: "spanalloc", ? finalizer_allocator: "specialfinalizeralloc",
        ? cleanup_allocator: "specialCleanupAlloc", ? weak_handle_allocator: "specialWeakHandleAlloc",
        ? profile_allocator: "specialprofilealloc",
    }
    /// `runtime.fixalloc`: an allocator of the runtime's own structures, all of one size.
    FixedAllocator = "runtime.fixalloc" { unit: "size", in_use: "inuse", }
    /// `runtime.heapArena`; the pointer bitmap is here up to 1.21.
    Arena = "runtime.heapArena" {
        ? bitmap: "bitmap", ? no_more_ptrs: "noMorePtrs", ? spans: "spans", ? specials: "pageSpecials",
    }
    /// `runtime.g`: a goroutine.
    Goroutine = "runtime.g" {
        stack_lo: "stack.lo", stack_hi: "stack.hi", sched_sp: "sched.sp", sched_pc: "sched.pc", sched_ctxt: "sched.ctxt",
        syscall_sp: "syscallsp", syscall_pc: "syscallpc", defers: "_defer", panics: "_panic", id: "goid",
        status: "atomicstatus", wait_reason: "waitreason", wait_since: "waitsince", created_at: "gopc",
        starts_at: "startpc", parent: "parentGoid", locked_to: "lockedm", waiting: "waiting", thread: "m",
    }
    /// `runtime.sudog`: a goroutine in a queue. From 1.26 two of its pointers are pairs, of which the collector may clear
    /// one half.
    Waiter = "runtime.sudog" {
        goroutine: "g", next: "next", previous: "prev", link: "waitlink", element: "elem", channel: "c",
        ? element_address: "elem.vu", ? channel_address: "c.maybeTraceablePtr.vu",
    }
    /// `runtime.semaRoot`: a tree of those who wait for semaphores.
    Semaphores = "runtime.semaRoot" { tree: "treap", }
    /// `runtime.notifyList`: those who wait for a `sync.Cond`.
    NotifyList = "runtime.notifyList" { first: "head", }
    /// `runtime.mstats`.
    Collections = "runtime.mstats" { last_collection: "last_gc_nanotime", }
    /// `runtime.schedt`.
    Scheduler = "runtime.schedt" { last_poll: "lastpoll", }
    /// `runtime.m`: a thread.
    Thread = "runtime.m" {
        tid: "procid", g0: "g0", signal: "gsignal", current: "curg", next: "alllink", vdso_sp: "vdsoSP", vdso_pc: "vdsoPC",
        ? random_state: "mOS.vgetrandomState", ? locked_to: "lockedg", ? locks: "locks", ? dying: "dying",
    }
    /// `runtime.p`: a processor. Its timers are a slice of pointers up to 1.22, and a structure from 1.23.
    Processor = "runtime.p" {
        cache: "mcache", id: "id", ? timer_heap: "timers.heap", ? timer_list: "timers",
        ? spare_spans: "mspancache.len", ? cleanups_queued: "cleanupsQueued",
    }
    /// `runtime.mcache`.
    Cache = "runtime.mcache" { tiny: "tiny", ? spans: "alloc", }
    /// `runtime._defer`.
    Defer = "runtime._defer" { heap: "heap", function: "fn", link: "link", stack: "sp", }
    /// `runtime.special`: something attached to an object.
    Special = "runtime.special" { next: "next", offset: "offset", kind: "kind", }
    /// `runtime.specialfinalizer`.
    SpecialFinalizer = "runtime.specialfinalizer" { function: "fn", }
    /// `runtime.specialprofile`: says where a sampled object was allocated.
    SpecialProfile = "runtime.specialprofile" { bucket: "b", }
    /// `runtime.bucket`: a stack of the memory profile; its program counters and its record follow it.
    Bucket = "runtime.bucket" { next: "allnext", kind: "typ", object_size: "size", stack_len: "nstk", }
    /// `runtime.memRecord`: what was allocated at a stack.
    MemoryRecord = "runtime.memRecord" { active: "active", future: "future", }
    /// `runtime.memRecordCycle`: during one garbage collection.
    MemoryCycle = "runtime.memRecordCycle" { allocs: "allocs", frees: "frees", }
    /// `runtime.moduledata`.
    ModuleData = "runtime.moduledata" {
        name_table: "funcnametab", unit_table: "cutab", file_table: "filetab", pc_table: "pctab",
        functions: "pclntable", index: "ftab",
        text: "text", end_text: "etext",
        data: "data", end_data: "edata", bss: "bss", end_bss: "ebss",
        types: "types", end_types: "etypes", rodata: "rodata", func_data: "gofunc", text_sections: "textsectmap",
        data_mask: "gcdatamask", bss_mask: "gcbssmask", bad: "bad", next: "next",
        ? type_links: "typelinks", ? descriptor_bytes: "typedesclen",
        ? data_program: "gcdata", ? bss_program: "gcbss",
        ? itab_links: "itablinks", ? itab_offset: "itaboffset", ? itab_bytes: "itabsize",
    }
    /// `runtime.hchan`: a channel.
    Channel = "runtime.hchan" {
        buffer: "buf", queued: "qcount", capacity: "dataqsiz", elem_size: "elemsize", elem_type: "elemtype", closed: "closed",
        receivers: "recvq.first", senders: "sendq.first",
    }
    /// `runtime.timer`: `status` up to 1.22, `state` from 1.23.
    Timer = "runtime.timer" {
        when: "when", period: "period", function: "f", argument: "arg", ? status: "status", ? state: "state",
    }
    /// `runtime.timerWhen` (1.23 and later): an entry of a heap of timers.
    TimerEntry = "runtime.timerWhen" { timer: "timer", }
    /// `runtime.timeTimer` (1.23 and later): what a `time.Timer` or `time.Ticker` really is.
    TimeTimer = "runtime.timeTimer" { timer: "timer", }
    /// `time.Timer` up to 1.22, which holds the runtime's timer itself; `time.Ticker` is the same.
    OldTimeTimer = "time.Timer" { timer: "r", }
    /// `sync.Pool`.
    Pool = "sync.Pool" {
        local: "local", local_count: "localSize", victim: "victim", victim_count: "victimSize",
    }
    /// `sync.poolLocal`: what one processor has in a pool.
    PoolLocal = "sync.poolLocal" {
        private: "poolLocalInternal.private",
        tail: "poolLocalInternal.shared.tail",
    }
    /// `sync.poolChainElt`: one ring of a queue.
    PoolRing = "sync.poolChainElt" {
        head_tail: "poolDequeue.headTail", values: "poolDequeue.vals", next: "next",
    }
    /// `runtime.cleanupBlock` (1.25 and later): a block of queued cleanups.
    CleanupBlock = "runtime.cleanupBlock" { all_link: "cleanupBlockHeader.alllink", count: "cleanupBlockHeader.n", entries: "cleanups", }
    /// `runtime.finalizer`: a queued finalizer.
    QueuedFinalizer = "runtime.finalizer" { function: "fn", argument: "arg", interface: "fint", object: "ot", }
    /// `runtime.specialWeakHandle` (1.23 and later).
    SpecialWeakHandle = "runtime.specialWeakHandle" { handle: "handle", }
    /// `runtime.cleanupQueue` (1.25 and later).
    CleanupQueue = "runtime.cleanupQueue" { all: "all.value", ? queued: "queued", ? executed: "executed.value", }
    /// `internal/runtime/maps.Map`.
    SwissMap = "internal/runtime/maps.Map" {
        used: "used", directory: "dirPtr", directory_len: "dirLen", global_depth: "globalDepth", global_shift: "globalShift",
        writing: "writing",
    }
    /// `internal/runtime/maps.table`.
    SwissTable = "internal/runtime/maps.table" {
        used: "used", capacity: "capacity", growth_left: "growthLeft",
        groups: "groups.data", length_mask: "groups.lengthMask",
    }
    /// `runtime.hmap`.
    LegacyMap = "runtime.hmap" {
        count: "count", flags: "flags", log_buckets: "B", buckets: "buckets", old_buckets: "oldbuckets",
        extra: "extra",
    }
    /// `internal/runtime/maps.Iter`: a loop over a Swiss map.
    SwissIterator = "internal/runtime/maps.Iter" {
        map_type: "typ", map: "m", table: "tab",
        ? key: "key", ? directory_index: "dirIdx", ? entry_index: "entryIdx", ? group: "group.data",
    }
    /// `runtime.hiter`: a loop over a legacy map.
    LegacyIterator = "runtime.hiter" {
        map_type: "t", map: "h", log_buckets: "B", buckets: "buckets", bucket: "bptr",
        overflow: "overflow", old_overflow: "oldoverflow",
        ? key: "key", ? started_at: "startBucket", ? bucket_index: "bucket", ? wrapped: "wrapped",
    }
}

layouts! {
    /// `runtime.mheap`, where it accounts for pages and for its own structures.
    HeapPages = "runtime.mheap" {
        summary: "pages.summary", chunks: "pages.chunks", in_use: "pages.inUse.ranges",
        scavenge_index: "pages.scav.index.chunks", span_bytes: "spanalloc.inuse", cache_bytes: "cachealloc.inuse",
    }
    /// `runtime.pallocData`: of 512 pages, among others, which were returned to the system.
    PageBits = "runtime.pallocData" { returned: "scavenged", }
    /// `runtime.pageCache` in `runtime.p`: pages that a processor has taken in advance.
    PageCache = "runtime.p" { pages: "pcache.cache", returned: "pcache.scav", }
    /// `runtime.gcBitsArena`.
    BitsArena = "runtime.gcBitsArena" { next: "next", }
    /// `runtime.workType`: spans of work buffers, and queues of spans (1.26 and later).
    Work = "runtime.workType" {
        free: "wbufSpans.free.first", busy: "wbufSpans.busy.first",
        ? queues: "spanSPMCs.list.obj",
    }
    /// `runtime.spanSPMC` (1.26 and later).
    SpanQueue = "runtime.spanSPMC" { next: "allnode.next", capacity: "cap", ring: "ring", }
    /// `runtime.mstats`.
    Statistics = "runtime.mstats" {
        stacks: "stacks_sys", spans: "mspan_sys", caches: "mcache_sys", profile: "buckhash_sys", collector: "gcMiscSys",
        other: "other_sys", deltas: "heapStats.stats",
    }
    /// `runtime.heapStatsDelta`; pointer bitmaps of their own up to 1.24.
    StatisticsDelta = "runtime.heapStatsDelta" {
        stacks: "inStacks", work_buffers: "inWorkBufs",
        ? bitmaps: "inPtrScalarBits",
    }
    /// `runtime.gcControllerState`.
    Controller = "runtime.gcControllerState" { in_use: "heapInUse", free: "heapFree", released: "heapReleased", }
}

/// What the runtime's accounts of its own memory need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Accounts {
    pub(crate) pages: HeapPages,
    pub(crate) page_bits: PageBits,
    pub(crate) page_cache: PageCache,
    pub(crate) bits_arena: BitsArena,
    pub(crate) work: Work,
    pub(crate) span_queue: Option<SpanQueue>,
    pub(crate) statistics: Statistics,
    pub(crate) delta: StatisticsDelta,
    pub(crate) controller: Controller,
}

impl Accounts {
    fn read(offsets: &dyn Offsets) -> Result<Self, GoError> {
        Ok(Self {
            pages: HeapPages::read(offsets)?,
            page_bits: PageBits::read(offsets)?,
            page_cache: PageCache::read(offsets)?,
            bits_arena: BitsArena::read(offsets)?,
            work: Work::read(offsets)?,
            span_queue: SpanQueue::read(offsets).ok(),
            statistics: Statistics::read(offsets)?,
            delta: StatisticsDelta::read(offsets)?,
            controller: Controller::read(offsets)?,
        })
    }
}

/// `runtime.finblock` (`finBlock` from 1.25): a block of queued finalizers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FinalizerBlock {
    pub(crate) all_link: Field,
    pub(crate) next: Option<Field>,
    pub(crate) count: Field,
    pub(crate) entries: Field,
}

impl FinalizerBlock {
    fn read(offsets: &dyn Offsets) -> Result<Self, GoError> {
        let name = ["runtime.finblock", "runtime.finBlock"].into_iter().find(|n| offsets.size(n).is_ok());
        let name = name.unwrap_or("runtime.finblock");
        let field = |path| offsets.field(name, path);
        let next = field("next").ok();
        Ok(Self { next, all_link: field("alllink")?, count: field("cnt")?, entries: field("fin")? })
    }
}

/// Structures of the memory profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProfileLayout {
    pub(crate) special: SpecialProfile,
    pub(crate) bucket: Bucket,
    pub(crate) record: MemoryRecord,
    pub(crate) cycle: MemoryCycle,
}

impl ProfileLayout {
    fn read(offsets: &dyn Offsets) -> Result<Self, GoError> {
        Ok(Self {
            special: SpecialProfile::read(offsets)?,
            bucket: Bucket::read(offsets)?,
            record: MemoryRecord::read(offsets)?,
            cycle: MemoryCycle::read(offsets)?,
        })
    }
}

/// All offsets of one binary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) span: Span,
    pub(crate) heap: Heap,
    pub(crate) fixed_allocator: Option<FixedAllocator>,
    pub(crate) arena: Arena,
    pub(crate) g: Goroutine,
    pub(crate) m: Thread,
    pub(crate) p: Processor,
    /// What goroutines wait for: the linker leaves out what a program does not use.
    pub(crate) waiter: Option<Waiter>,
    pub(crate) semaphores: Option<Semaphores>,
    pub(crate) notify_list: Option<NotifyList>,
    pub(crate) collections: Option<Collections>,
    pub(crate) scheduler: Option<Scheduler>,
    pub(crate) cache: Cache,
    pub(crate) deferred: Defer,
    pub(crate) special: Special,
    pub(crate) special_finalizer: SpecialFinalizer,
    /// `fn` of a cleanup special: in `specialCleanup` itself up to 1.25, in its `cleanup` from 1.26.
    pub(crate) special_cleanup_fn: Option<Field>,
    pub(crate) special_weak_handle: Option<SpecialWeakHandle>,
    /// The memory profile; none when the program was linked without it.
    pub(crate) profile: Option<ProfileLayout>,
    pub(crate) module: ModuleData,
    pub(crate) channel: Channel,
    pub(crate) timer: Timer,
    pub(crate) timer_entry: Option<TimerEntry>,
    pub(crate) time_timer: Option<TimeTimer>,
    pub(crate) old_time_timer: Option<OldTimeTimer>,
    /// Of `sync.Pool`, in programs that have one.
    pub(crate) pool: Option<(Pool, PoolLocal, PoolRing)>,
    pub(crate) finalizer_block: FinalizerBlock,
    pub(crate) cleanup_block: Option<CleanupBlock>,
    /// Bytes of one queued cleanup: a function pointer in 1.25, three words from 1.26.
    pub(crate) queued_cleanup_bytes: u64,
    pub(crate) queued_finalizer: QueuedFinalizer,
    pub(crate) cleanup_queue: Option<CleanupQueue>,
    pub(crate) swiss: Option<(SwissMap, SwissTable)>,
    pub(crate) legacy: Option<LegacyMap>,
    pub(crate) swiss_iterator: Option<SwissIterator>,
    pub(crate) legacy_iterator: Option<LegacyIterator>,
    /// Bytes at the end of a one-page span of small objects that hold inline mark bits; 0 without Green Tea.
    pub(crate) inline_mark_bytes: u64,
    pub(crate) accounts: Option<Accounts>,
}

impl Layout {
    /// Reads every offset; a structure that all versions have but this binary lacks is an error.
    pub(crate) fn read(offsets: &dyn Offsets) -> Result<Self, GoError> {
        let swiss = SwissMap::read(offsets).and_then(|m| Ok((m, SwissTable::read(offsets)?))).ok();
        let legacy = LegacyMap::read(offsets).ok();
        let pool = Pool::read(offsets).and_then(|p| Ok((p, PoolLocal::read(offsets)?, PoolRing::read(offsets)?)));
        let cleanup = |path| offsets.field("runtime.specialCleanup", path).ok();
        Ok(Self {
            span: Span::read(offsets)?,
            heap: Heap::read(offsets)?,
            fixed_allocator: FixedAllocator::read(offsets).ok(),
            arena: Arena::read(offsets)?,
            g: Goroutine::read(offsets)?,
            m: Thread::read(offsets)?,
            p: Processor::read(offsets)?,
            waiter: Waiter::read(offsets).ok(),
            semaphores: Semaphores::read(offsets).ok(),
            notify_list: NotifyList::read(offsets).ok(),
            collections: Collections::read(offsets).ok(),
            scheduler: Scheduler::read(offsets).ok(),
            cache: Cache::read(offsets)?,
            deferred: Defer::read(offsets)?,
            special: Special::read(offsets)?,
            special_finalizer: SpecialFinalizer::read(offsets)?,
            special_cleanup_fn: cleanup("cleanup.fn").or_else(|| cleanup("fn")),
            special_weak_handle: SpecialWeakHandle::read(offsets).ok(),
            profile: ProfileLayout::read(offsets).ok(),
            module: ModuleData::read(offsets)?,
            channel: Channel::read(offsets)?,
            timer: Timer::read(offsets)?,
            timer_entry: TimerEntry::read(offsets).ok(),
            time_timer: TimeTimer::read(offsets).ok(),
            old_time_timer: OldTimeTimer::read(offsets).ok(),
            pool: pool.ok(),
            finalizer_block: FinalizerBlock::read(offsets)?,
            cleanup_block: CleanupBlock::read(offsets).ok(),
            queued_cleanup_bytes: offsets.size("runtime.cleanupFn").unwrap_or(8),
            queued_finalizer: QueuedFinalizer::read(offsets)?,
            cleanup_queue: CleanupQueue::read(offsets).ok(),
            swiss,
            legacy,
            swiss_iterator: SwissIterator::read(offsets).ok(),
            legacy_iterator: LegacyIterator::read(offsets).ok(),
            inline_mark_bytes: offsets.size("runtime.spanInlineMarkBits").unwrap_or(0),
            accounts: Accounts::read(offsets).ok(),
        })
    }
}

/// What the debug information says.
pub(crate) struct DebugOffsets<'u, 'd> {
    pub(crate) dwarf: &'u Dwarf<'d>,
    pub(crate) index: &'u DwarfIndex<'d>,
}

impl Offsets for DebugOffsets<'_, '_> {
    fn size(&self, structure: &str) -> Result<u64, GoError> {
        self.structure(structure).map(|s| s.1)
    }

    fn field(&self, structure: &str, path: &str) -> Result<Field, GoError> {
        self.follow(structure, self.structure(structure)?.0, path)
    }
}

impl DebugOffsets<'_, '_> {
    /// The address of a field of the variable `name`, whose structure has no name of its own.
    ///
    /// # Errors
    /// When the debug information lacks either.
    pub(crate) fn field_of_global(&self, name: &'static str, path: &str) -> Result<u64, GoError> {
        let missing = || GoError::MissingInDwarf { what: format!("the variable {name}") };
        let global = self.index.globals.iter().find(|g| g.name == name).ok_or_else(missing)?;
        let field = self.follow(name, global.type_offset, path)?;
        Ok(global.address.wrapping_add(field.offset))
    }

    /// Entry and size of a structure.
    fn structure(&self, name: &str) -> Result<(usize, u64), GoError> {
        let missing = || GoError::MissingInDwarf { what: format!("the structure {name}") };
        let offset = *self.index.structs.get(name).ok_or_else(missing)?;
        let size = self.dwarf.entry(offset)?.number(gimli::DW_AT_byte_size).ok_or_else(missing)?;
        if size > MAX_STRUCTURE {
            return Err(missing());
        }
        Ok((offset, size))
    }

    /// Follows a path of member names through nested structures.
    fn follow(&self, structure: &str, entry: usize, path: &str) -> Result<Field, GoError> {
        let missing = || GoError::MissingInDwarf { what: format!("{structure}.{path}") };
        let mut at = entry;
        let mut found = Field { offset: 0, size: 0 };
        for name in path.split('.') {
            let mut member = None;
            self.dwarf.children(at, |child| {
                if child.name() == Some(name) && member.is_none() {
                    member = child.number(gimli::DW_AT_data_member_location).zip(child.reference(gimli::DW_AT_type));
                }
            })?;
            let (offset, member_type) = member.ok_or_else(missing)?;
            at = self.resolve(member_type)?;
            let size = self.dwarf.entry(at)?.number(gimli::DW_AT_byte_size).unwrap_or(8);
            let offset = found.offset.checked_add(offset).filter(|o| *o <= MAX_STRUCTURE).ok_or_else(missing)?;
            found = Field { offset, size };
        }
        Ok(found)
    }

    /// The type behind typedefs.
    fn resolve(&self, mut offset: usize) -> Result<usize, GoError> {
        // A chain of typedefs longer than this is a loop.
        for _ in 0..16 {
            let entry = self.dwarf.entry(offset)?;
            match entry.reference(gimli::DW_AT_type) {
                Some(next) if entry.tag == gimli::DW_TAG_typedef => offset = next,
                _ => break,
            }
        }
        Ok(offset)
    }
}
