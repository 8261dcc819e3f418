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
        ? large_type: "largeType",
    }
    /// `runtime.mheap`.
    Heap = "runtime.mheap" { all_spans: "allspans", arenas: "arenas", }
    /// `runtime.heapArena`; the pointer bitmap is here up to 1.21.
    Arena = "runtime.heapArena" { ? bitmap: "bitmap", ? no_more_ptrs: "noMorePtrs", }
    /// `runtime.g`: a goroutine.
    Goroutine = "runtime.g" {
        stack_lo: "stack.lo", stack_hi: "stack.hi", sched_sp: "sched.sp", sched_pc: "sched.pc", sched_ctxt: "sched.ctxt",
        syscall_sp: "syscallsp", syscall_pc: "syscallpc", defers: "_defer", panics: "_panic", id: "goid",
        status: "atomicstatus", thread: "m",
    }
    /// `runtime.m`: a thread.
    Thread = "runtime.m" {
        tid: "procid", g0: "g0", signal: "gsignal", current: "curg", next: "alllink", vdso_sp: "vdsoSP", vdso_pc: "vdsoPC",
    }
    /// `runtime.p`: a processor.
    Processor = "runtime.p" { cache: "mcache", id: "id", }
    /// `runtime.mcache`.
    Cache = "runtime.mcache" { tiny: "tiny", }
    /// `runtime._defer`.
    Defer = "runtime._defer" { heap: "heap", function: "fn", link: "link", }
    /// `runtime.special`: something attached to an object.
    Special = "runtime.special" { next: "next", offset: "offset", kind: "kind", }
    /// `runtime.specialfinalizer`.
    SpecialFinalizer = "runtime.specialfinalizer" { function: "fn", }
    /// `runtime.moduledata`.
    ModuleData = "runtime.moduledata" {
        name_table: "funcnametab", pc_table: "pctab", functions: "pclntable", index: "ftab",
        text: "text", end_text: "etext",
        data: "data", end_data: "edata", bss: "bss", end_bss: "ebss",
        types: "types", end_types: "etypes", rodata: "rodata", func_data: "gofunc", text_sections: "textsectmap",
        data_mask: "gcdatamask", bss_mask: "gcbssmask", bad: "bad", next: "next",
        ? type_links: "typelinks", ? descriptor_bytes: "typedesclen",
        ? itab_links: "itablinks", ? itab_offset: "itaboffset", ? itab_bytes: "itabsize",
    }
    /// `runtime.hchan`: a channel.
    Channel = "runtime.hchan" { buffer: "buf", capacity: "dataqsiz", elem_size: "elemsize", elem_type: "elemtype", }
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

/// `runtime.finblock` (`finBlock` from 1.25): a block of queued finalizers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FinalizerBlock {
    pub(crate) all_link: Field,
    pub(crate) count: Field,
    pub(crate) entries: Field,
}

impl FinalizerBlock {
    fn read(offsets: &dyn Offsets) -> Result<Self, GoError> {
        let name = ["runtime.finblock", "runtime.finBlock"].into_iter().find(|n| offsets.size(n).is_ok());
        let name = name.unwrap_or("runtime.finblock");
        let field = |path| offsets.field(name, path);
        Ok(Self { all_link: field("alllink")?, count: field("cnt")?, entries: field("fin")? })
    }
}

/// All offsets of one binary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
}

impl Layout {
    /// Reads every offset; a structure that all versions have but this binary lacks is an error.
    pub(crate) fn read(offsets: &dyn Offsets) -> Result<Self, GoError> {
        let swiss = SwissMap::read(offsets).and_then(|m| Ok((m, SwissTable::read(offsets)?))).ok();
        let legacy = LegacyMap::read(offsets).ok();
        let cleanup = |path| offsets.field("runtime.specialCleanup", path).ok();
        Ok(Self {
            span: Span::read(offsets)?,
            heap: Heap::read(offsets)?,
            arena: Arena::read(offsets)?,
            g: Goroutine::read(offsets)?,
            m: Thread::read(offsets)?,
            p: Processor::read(offsets)?,
            cache: Cache::read(offsets)?,
            deferred: Defer::read(offsets)?,
            special: Special::read(offsets)?,
            special_finalizer: SpecialFinalizer::read(offsets)?,
            special_cleanup_fn: cleanup("cleanup.fn").or_else(|| cleanup("fn")),
            special_weak_handle: SpecialWeakHandle::read(offsets).ok(),
            module: ModuleData::read(offsets)?,
            channel: Channel::read(offsets)?,
            finalizer_block: FinalizerBlock::read(offsets)?,
            cleanup_block: CleanupBlock::read(offsets).ok(),
            queued_cleanup_bytes: offsets.size("runtime.cleanupFn").unwrap_or(8),
            queued_finalizer: QueuedFinalizer::read(offsets)?,
            cleanup_queue: CleanupQueue::read(offsets).ok(),
            swiss,
            legacy,
            inline_mark_bytes: offsets.size("runtime.spanInlineMarkBits").unwrap_or(0),
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
