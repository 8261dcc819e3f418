//! Offsets of the runtime's structures, as one value per binary.
//!
//! They are read from the debug information of the target's own binary, so a field that moved between Go versions
//! needs no code here; a field that only some versions have is an `Option`.

use crate::GoError;
use crate::dwarf::{Dwarf, DwarfIndex};

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
            #[derive(Clone, Copy, Debug, Default)]
            pub(crate) struct $structure {
                /// Bytes of the whole structure.
                #[allow(dead_code, reason = "every structure has a size, few readers copy it whole")]
                pub(crate) size: u64,
                $(pub(crate) $required: Field,)*
                $(pub(crate) $optional: Option<Field>,)*
            }

            impl $structure {
                fn read(reader: &Reader<'_, '_>) -> Result<Self, GoError> {
                    let structure = reader.structure($name)?;
                    Ok(Self {
                        size: structure.1,
                        $($required: reader.field($name, structure.0, $path)?,)*
                        $($optional: reader.field($name, structure.0, $other).ok(),)*
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
        ? large_type: "largeType", ? next: "next",
    }
    /// `runtime.mheap`.
    Heap = "runtime.mheap" {
        all_spans: "allspans", arenas: "arenas",
        ? all_arenas: "allArenas", ? heap_arenas: "heapArenas", ? user_arenas: "userArenaArenas",
    }
    /// `runtime.heapArena`; the pointer bitmap is here up to 1.21.
    Arena = "runtime.heapArena" { ? bitmap: "bitmap", ? no_more_ptrs: "noMorePtrs", }
    /// `runtime.g`: a goroutine.
    Goroutine = "runtime.g" {
        stack_lo: "stack.lo", stack_hi: "stack.hi", sched_sp: "sched.sp", sched_pc: "sched.pc", sched_ctxt: "sched.ctxt",
        syscall_sp: "syscallsp", syscall_pc: "syscallpc", defers: "_defer", panics: "_panic", id: "goid",
        status: "atomicstatus",
    }
    /// `runtime.m`: a thread.
    Thread = "runtime.m" {
        tid: "procid", g0: "g0", signal: "gsignal", current: "curg", next: "alllink", vdso_sp: "vdsoSP", vdso_pc: "vdsoPC",
        ? random_state: "vgetrandomState",
    }
    /// `runtime.p`: a processor.
    Processor = "runtime.p" { cache: "mcache", }
    /// `runtime.mcache`.
    Cache = "runtime.mcache" { tiny: "tiny", }
    /// `runtime._defer`.
    Defer = "runtime._defer" { heap: "heap", function: "fn", link: "link", }
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
    }
    /// `runtime.hchan`: a channel.
    Channel = "runtime.hchan" { buffer: "buf", }
    /// `runtime.cleanupBlock` (1.25 and later): a block of queued cleanups.
    CleanupBlock = "runtime.cleanupBlock" { all_link: "cleanupBlockHeader.alllink", count: "cleanupBlockHeader.n", entries: "cleanups", }
    /// `runtime.finalizer`: a queued finalizer.
    QueuedFinalizer = "runtime.finalizer" { function: "fn", argument: "arg", interface: "fint", object: "ot", }
    /// `runtime.specialWeakHandle` (1.23 and later).
    SpecialWeakHandle = "runtime.specialWeakHandle" { handle: "handle", }
    /// `runtime.cleanupQueue` (1.25 and later).
    CleanupQueue = "runtime.cleanupQueue" { all: "all.value", }
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
#[derive(Clone, Copy, Debug, Default)]
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
    fn read(reader: &Reader<'_, '_>) -> Result<Self, GoError> {
        Ok(Self {
            pages: HeapPages::read(reader)?,
            page_bits: PageBits::read(reader)?,
            page_cache: PageCache::read(reader)?,
            bits_arena: BitsArena::read(reader)?,
            work: Work::read(reader)?,
            span_queue: SpanQueue::read(reader).ok(),
            statistics: Statistics::read(reader)?,
            delta: StatisticsDelta::read(reader)?,
            controller: Controller::read(reader)?,
        })
    }
}

/// The address of a field of the variable `name`, whose structure has no name of its own.
///
/// # Errors
/// When the debug information lacks either.
pub(crate) fn field_of_global<'d>(
    dwarf: &Dwarf<'d>,
    index: &DwarfIndex<'d>,
    name: &'static str,
    path: &str,
) -> Result<u64, GoError> {
    let missing = || GoError::MissingInDwarf { what: format!("the variable {name}") };
    let global = index.globals.iter().find(|g| g.name == name).ok_or_else(missing)?;
    let field = Reader { dwarf, index }.field(name, global.type_offset, path)?;
    Ok(global.address.wrapping_add(field.offset))
}

/// `runtime.finblock` (`finBlock` from 1.25): a block of queued finalizers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FinalizerBlock {
    pub(crate) all_link: Field,
    pub(crate) count: Field,
    pub(crate) entries: Field,
}

impl FinalizerBlock {
    fn read(reader: &Reader<'_, '_>) -> Result<Self, GoError> {
        let name = ["runtime.finblock", "runtime.finBlock"].into_iter().find(|n| reader.index.structs.contains_key(n));
        let name = name.unwrap_or("runtime.finblock");
        let field = |path| reader.path(name, path);
        Ok(Self { all_link: field("alllink")?, count: field("cnt")?, entries: field("fin")? })
    }
}

/// Structures of the memory profile.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ProfileLayout {
    pub(crate) special: SpecialProfile,
    pub(crate) bucket: Bucket,
    pub(crate) record: MemoryRecord,
    pub(crate) cycle: MemoryCycle,
}

impl ProfileLayout {
    fn read(reader: &Reader<'_, '_>) -> Result<Self, GoError> {
        Ok(Self {
            special: SpecialProfile::read(reader)?,
            bucket: Bucket::read(reader)?,
            record: MemoryRecord::read(reader)?,
            cycle: MemoryCycle::read(reader)?,
        })
    }
}

/// All offsets of one binary.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Layout {
    pub(crate) span: Span,
    pub(crate) heap: Heap,
    pub(crate) arena: Arena,
    pub(crate) g: Goroutine,
    pub(crate) m: Thread,
    pub(crate) p: Processor,
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
    pub(crate) finalizer_block: FinalizerBlock,
    pub(crate) cleanup_block: Option<CleanupBlock>,
    /// Bytes of one queued cleanup: a function pointer in 1.25, three words from 1.26.
    pub(crate) queued_cleanup_bytes: u64,
    pub(crate) queued_finalizer: QueuedFinalizer,
    pub(crate) cleanup_queue: Option<CleanupQueue>,
    pub(crate) swiss: Option<(SwissMap, SwissTable)>,
    pub(crate) legacy: Option<LegacyMap>,
    /// Bytes at the end of a one-page span of small objects that hold inline mark bits; 0 without Green Tea.
    pub(crate) inline_mark_bytes: u64,
    pub(crate) accounts: Option<Accounts>,
}

impl Layout {
    /// Reads every offset; a structure that all versions have but this binary lacks is an error.
    pub(crate) fn from_dwarf<'d>(dwarf: &Dwarf<'d>, index: &DwarfIndex<'d>) -> Result<Self, GoError> {
        let reader = &Reader { dwarf, index };
        let swiss = SwissMap::read(reader).and_then(|m| Ok((m, SwissTable::read(reader)?))).ok();
        let legacy = LegacyMap::read(reader).ok();
        let cleanup = |path| reader.path("runtime.specialCleanup", path).ok();
        Ok(Self {
            span: Span::read(reader)?,
            heap: Heap::read(reader)?,
            arena: Arena::read(reader)?,
            g: Goroutine::read(reader)?,
            m: Thread::read(reader)?,
            p: Processor::read(reader)?,
            cache: Cache::read(reader)?,
            deferred: Defer::read(reader)?,
            special: Special::read(reader)?,
            special_finalizer: SpecialFinalizer::read(reader)?,
            special_cleanup_fn: cleanup("cleanup.fn").or_else(|| cleanup("fn")),
            special_weak_handle: SpecialWeakHandle::read(reader).ok(),
            profile: ProfileLayout::read(reader).ok(),
            module: ModuleData::read(reader)?,
            channel: Channel::read(reader)?,
            finalizer_block: FinalizerBlock::read(reader)?,
            cleanup_block: CleanupBlock::read(reader).ok(),
            queued_cleanup_bytes: reader.structure("runtime.cleanupFn").map_or(8, |s| s.1),
            queued_finalizer: QueuedFinalizer::read(reader)?,
            cleanup_queue: CleanupQueue::read(reader).ok(),
            swiss,
            legacy,
            inline_mark_bytes: reader.structure("runtime.spanInlineMarkBits").map_or(0, |s| s.1),
            accounts: Accounts::read(reader).ok(),
        })
    }
}

struct Reader<'u, 'd> {
    dwarf: &'u Dwarf<'d>,
    index: &'u DwarfIndex<'d>,
}

impl Reader<'_, '_> {
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

    fn path(&self, structure: &str, path: &str) -> Result<Field, GoError> {
        self.field(structure, self.structure(structure)?.0, path)
    }

    /// Follows a path of member names through nested structures.
    fn field(&self, structure: &str, entry: usize, path: &str) -> Result<Field, GoError> {
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
