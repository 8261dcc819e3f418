//! Compares what was read with what the runtime itself says of it, and says what does not agree: the one means to find
//! memory that is there but is not what the process had.
//!
//! A core has no checksums, but the runtime says many things twice. Spans count their objects and the heap its pages,
//! objects that can have pointers have a bitmap or a type that says where, lists of goroutines and threads lead to each
//! other, and what the runtime itself works with is reachable. Where two such accounts differ, one of them is damaged.
//! What only the program knows (a pointer of its own, a byte of a string) is written once, and a page of zeros in its
//! place is a state that the program could have been in.

mod cleanups;
mod finalizers;
mod goroutines;
mod tables;

use mapscope_heap::Reachability;
use mapscope_memory::{Figure, Figures, Memory, Partial, TargetKind};
use mapscope_model::MapTable;
use rustc_hash::FxHashMap;

use crate::Binary;
use crate::heap::{Heap, read_bits, word};
use crate::roots::{Context, Roots};
use crate::runtime::gc_program;

/// The share of the objects that the last collection kept, in percent, below which it is not plausible that the program
/// has let go of the others since.
const PLAUSIBLE_PERCENT: u64 = 10;
/// A program may change so few pointers that a page of its data begins with.
const MANY_POINTERS: u64 = 16;
const SYSTEM_PAGE: u64 = 4096;
/// So few objects say nothing.
const FEW_OBJECTS: u64 = 256;
/// `syscall`.
const SYSCALL: [u8; 2] = [0x0f, 0x05];

/// What is compared.
pub(crate) struct Accounts<'a, 'c> {
    context: &'a Context<'c>,
    heap: &'a Heap,
    roots: &'a Roots,
    reach: &'a Reachability,
    binary: &'a Binary<'a>,
    /// Threads that may be in the middle of something (see [`busy`]).
    busy: u64,
}

impl<'a, 'c> Accounts<'a, 'c> {
    /// Those of one reading.
    pub(crate) fn of(
        context: &'a Context<'c>,
        heap: &'a Heap,
        roots: &'a Roots,
        reach: &'a Reachability,
        binary: &'a Binary<'a>,
    ) -> Self {
        let busy = busy(context.memory) + holding_locks(context, &roots.goroutines.threads);
        Self { context, heap, roots, reach, binary, busy }
    }

    /// Adds a reason for each pair of accounts that do not agree, but for what [`Accounts::maps`] says.
    pub(crate) fn compare(&self, partial: &mut Partial) {
        let (busy, is_core) = (self.busy, self.context.memory.info().kind == TargetKind::Core);
        self.objects(busy, partial);
        self.pointers(busy, partial);
        self.runtime(partial);
        self.masks(partial);
        self.data(partial);
        // A process that is there is what it is, and of a redacted core much that is compared was overwritten.
        if is_core && !self.context.memory.info().redacted {
            self.pages(busy, partial);
            tables::compare(self, partial);
            self.lists(partial);
            self.plausible(partial);
        }
    }

    /// Goroutines, their stacks and threads, and the blocks of queued finalizers.
    fn lists(&self, partial: &mut Partial) {
        let all = &self.roots.goroutines;
        let wrong = goroutines::contradicted(self.context, all);
        if wrong > 0 {
            partial.add(
                Figure::Live | Figure::Goroutines,
                format!(
                    "{wrong} of {} goroutines are not what their stacks or the threads say: they are damaged",
                    all.all.len()
                ),
            );
        }
        if self.busy == 0 && !finalizers::are_whole(self.context, &all.all) {
            partial.add(Figure::Live | Figure::Storage, "the queue of finalizers does not add up: it is damaged");
        }
        if self.busy == 0 && !cleanups::are_whole(self.context) {
            partial.add(Figure::Live | Figure::Storage, "the queue of cleanups does not add up: it is damaged");
        }
    }

    /// Each span counts its objects (`mspan.allocCount`). A thread in the middle of an allocation, or sweeping a span, has
    /// changed one of the two. What is allocated is in bitmaps among the runtime's own memory, which may not be where it was.
    fn objects(&self, busy: u64, partial: &mut Partial) {
        let (wrong, spans) = (self.heap.spans.miscounted, self.heap.spans.spans.len());
        if wrong > busy {
            partial.add(
                Figure::Objects | Figure::RuntimeMemory,
                format!(
                    "{wrong} of {spans} heap spans have not as many objects as the runtime counts: they are damaged"
                ),
            );
        }
    }

    /// The heap counts the pages of its spans (`mheap.pagesInUse`). Whoever makes or frees a span has changed one of the
    /// two: then they differ by the pages of a span.
    fn pages(&self, busy: u64, partial: &mut Partial) {
        let Some(field) = self.context.layout.heap.pages_in_use else { return };
        let found =
            self.heap.spans.spans.iter().map(|span| span.bytes).fold(0, u64::saturating_add) / crate::heap::PAGE;
        let counted = self.context.memory.u64(self.context.mheap.wrapping_add(field.offset)).unwrap_or(0);
        let (spans, difference) = (&self.heap.spans.spans, found.abs_diff(counted));
        let is_changing = busy > 0 && spans.iter().any(|span| span.bytes / crate::heap::PAGE == difference);
        if found != counted && !is_changing {
            partial.add(
                Figure::Objects | Figure::Memory,
                format!(
                    "heap spans with {found} pages were found, and the runtime counts {counted} pages: some are damaged"
                ),
            );
        }
    }

    /// An object of a span with pointers has at least one, by its bitmap or its type; but for one that is just being made.
    fn pointers(&self, busy: u64, partial: &mut Partial) {
        let unmapped = self.heap.unmapped;
        if unmapped > busy {
            partial.add(
                Figure::Live,
                format!("where {unmapped} heap objects have pointers is lost: the heap's bitmaps or types are damaged"),
            );
        }
    }

    /// The runtime's own goroutines and threads are objects of the heap, and its variables lead to all of them.
    fn runtime(&self, partial: &mut Partial) {
        let goroutines = &self.roots.goroutines;
        let own = || goroutines.addresses.iter().chain(&goroutines.threads);
        let objects = || own().filter_map(|address| self.context.spans.object(*address));
        let lost = objects().filter(|(object, ..)| !self.reach.is_live(*object)).count();
        if lost > 0 {
            partial.add(
                Figure::Live,
                format!(
                    "{lost} of the runtime's own {} goroutines and threads are not reachable from its variables: variables \
                     are damaged",
                    own().count()
                ),
            );
        }
    }

    /// The masks of data and bss are made of programs in the executable, and the ranges are those of its sections.
    fn masks(&self, partial: &mut Partial) {
        let memory = self.context.memory;
        for module in self.context.modules {
            let parts = [
                ("data", &module.data, module.data_mask, module.data_program),
                ("bss", &module.bss, module.bss_mask, module.bss_program),
            ];
            for (what, range, (count, mask), program) in parts {
                let Some(program) = program.filter(|program| *program != 0) else { continue };
                let words = (range.end - range.start).div_ceil(8);
                let made = gc_program::bits(memory, program, words);
                let found = read_bits(memory, mask, count.min(words));
                let same = made.zip(found).is_some_and(|(made, found)| {
                    let set = (0..made.len() as u32).filter(|word| made[*word as usize] == 1);
                    made.len() as u64 == count && set.eq(found)
                });
                if !same {
                    partial.add(
                        Figures::EVERY,
                        format!(
                            "the mask of pointers in {what} at {:#x} is not the executable's: it is damaged",
                            range.start
                        ),
                    );
                }
            }
        }
        let Some(module) = self.context.modules.first() else { return };
        for (what, range) in [(".data", &module.data), (".bss", &module.bss)] {
            let within = |section: std::ops::Range<u64>| section.start <= range.start && range.end <= section.end;
            if self.binary.section_range(what).is_some_and(|section| !within(section)) {
                partial.add(
                    Figures::EVERY,
                    format!(
                        "{what} at {:#x} is not where the executable has it: the module's data are damaged",
                        range.start
                    ),
                );
            }
        }
    }

    /// The pointers that the executable begins with. A page that has none of its many is another one, or was lost. Of a
    /// page of variables that begin as zeros nobody knows.
    fn data(&self, partial: &mut Partial) {
        let context = self.context;
        let (Some(module), Some(range)) = (context.modules.first(), self.binary.section_range(".data")) else { return };
        let Ok(Some(content)) = self.binary.section(".data") else { return };
        let (bits, mask) = module.data_mask;
        let words = bits.min((module.data.end - module.data.start) / 8);
        let Some(pointers) = read_bits(context.memory, mask, words) else { return };
        if context.memory.info().kind != TargetKind::Core {
            return;
        }
        // Pointers of a page in the executable, and how many of them are still there.
        let mut pages: FxHashMap<u64, (u64, u64)> = FxHashMap::default();
        for address in pointers.iter().map(|word| module.data.start + u64::from(*word) * 8) {
            let initial = if range.contains(&address) { word(&content, address - range.start) } else { 0 };
            if initial != 0 {
                let (all, same) = pages.entry(address / SYSTEM_PAGE).or_default();
                *all += 1;
                // A position-independent executable may have the address before it is moved.
                let is_same = |now| now == initial || now == initial.wrapping_add(self.binary.bias);
                *same += u64::from(context.memory.u64(address).is_ok_and(is_same));
            }
        }
        let lost = pages.values().filter(|(all, same)| *all >= MANY_POINTERS && *same == 0).count();
        if lost > 0 {
            partial.add(
                Figure::Live | Figure::Goroutines,
                format!(
                    "{lost} pages of the program's data have none of the pointers that it begins with: they are damaged"
                ),
            );
        }
    }

    /// Adds a reason for maps whose counts do not add up though nobody writes to them. One whose type was inferred may be
    /// none.
    pub(crate) fn maps(&self, maps: &MapTable, partial: &mut Partial) {
        let torn = maps.iter().filter(|map| map.torn() && !map.heuristic());
        let torn = torn.filter(|map| !self.is_written(map.address())).count();
        if torn > 0 {
            let maps = if torn == 1 { "map" } else { "maps" };
            partial.add(
                Figure::Live,
                format!("the counts of {torn} {maps} that nobody writes to do not add up: their memory is damaged"),
            );
        }
    }

    fn is_written(&self, address: u64) -> bool {
        let (layout, memory) = (self.context.layout, self.context.memory);
        let read = |field: crate::runtime::Field| memory.u8(address.wrapping_add(field.offset)).unwrap_or(0);
        match (layout.swiss, layout.legacy) {
            (Some((map, _)), _) if self.context.types.is_swiss() => read(map.writing) != 0,
            (_, Some(map)) => read(map.flags) & HASH_WRITING != 0,
            _ => false,
        }
    }

    /// A core that lost variables or stacks has next to no live objects.
    fn plausible(&self, partial: &mut Partial) {
        let spans = &self.heap.spans;
        let kept = spans.kept.count();
        if kept < FEW_OBJECTS {
            return;
        }
        let live = spans.kept.iter().filter(|object| self.reach.is_live(*object as u32)).count() as u64;
        if live < kept / 100 * PLAUSIBLE_PERCENT {
            partial.add(
                Figure::Live,
                format!(
                    "only {live} of the {kept} objects that the last collection kept are reachable: the program let go of \
                     nearly all since then, or variables or stacks are damaged"
                ),
            );
        }
    }
}

/// `hashWriting` in `hmap.flags`.
const HASH_WRITING: u8 = 4;

/// Threads that hold a lock of the runtime, or wait for the second, in a system call: the structure that they change is
/// between two states. Those that are about to end the process have locks for that.
fn holding_locks(context: &Context<'_>, threads: &[u64]) -> u64 {
    let layout = &context.layout.m;
    let (Some(locks), Some(dying)) = (layout.locks, layout.dying) else { return 0 };
    let read = |thread: u64, offset: u64| context.memory.u32(thread.wrapping_add(offset)).unwrap_or(0);
    let holds = |thread: &&u64| read(**thread, locks.offset) != 0 && read(**thread, dying.offset) == 0;
    threads.iter().filter(holds).count() as u64
}

/// Threads that may be in the middle of something: all but those in a system call of their own.
pub(crate) fn busy(memory: &dyn Memory) -> u64 {
    let waits = |pc: u64| {
        let mut code = [0; 2];
        memory.read_into(pc.wrapping_sub(2), &mut code).is_ok() && code == SYSCALL
    };
    memory.threads().iter().filter(|thread| !waits(thread.registers.pc)).count() as u64
}
