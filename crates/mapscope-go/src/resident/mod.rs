//! Where resident memory went: every resident page belongs to one part, so that the parts sum to the whole.
//!
//! Pages of the heap's arenas are those of spans in use, of spans that the runtime manages by hand, or of none. Outside
//! of the arenas, what the runtime mapped for itself is found through its own variables, the binary through its
//! segments and the files behind mappings. What is left is nothing that Go knows of.

mod metadata;
mod others;
mod pages;
mod places;
mod spans;
mod statistics;

use mapscope_heap::Reachability;
use mapscope_memory::{Backing, Figure, Memory, MemoryError, Partial, Residency};

pub(crate) use metadata::{BITS_CHUNK, PERSISTENT_CHUNK, Variables};
pub use others::{Mapping, OtherMemory};
use pages::Pages;
use places::{Part, Place, Places};
pub use statistics::{PageTotals, RuntimeStatistics};

use crate::heap::{ARENA, Heap};
use crate::integrity::busy;
use crate::roots::Context;

/// Resident memory by what holds it, in bytes. The parts sum to `resident`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryParts {
    /// All resident pages; of a core, the memory that it holds.
    pub resident: u64,
    /// Slots of reachable objects.
    pub live: u64,
    /// Allocated slots that nothing reaches.
    pub garbage: u64,
    /// Free slots and tails of spans in use. The runtime keeps pointer and mark bits of small objects in the tails.
    pub fragmentation: u64,
    /// Pages of the heap in no span, which were not returned to the system.
    pub free: u64,
    /// Stacks of goroutines, used or kept for the next, and system stacks.
    pub stacks: u64,
    /// What the runtime needs for itself: spans, caches, bitmaps, page tables, profiles, work buffers of the collector.
    /// Absent when its variables are not known; `other` has it then.
    pub runtime: Option<u64>,
    /// Executable and libraries, with the data and bss of Go's modules.
    pub binary: u64,
    /// What Go does not know: memory of C, mapped files and anonymous mappings of the program's own.
    pub other: u64,
    /// The same by the mappings that it lies in, most bytes first.
    pub others: Vec<OtherMemory>,
    /// Spans in use by the size of their slots, ascending; large objects, of which each has its own span, come last.
    pub classes: Vec<ClassUse>,
    /// The heap's pages by what the runtime says of them, resident or not.
    pub pages: Option<PageTotals>,
    /// The runtime's own figures.
    pub statistics: Option<RuntimeStatistics>,
}

/// The spans of one size class. The bytes are resident ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClassUse {
    /// Bytes of a slot; `None` for large objects.
    pub slot_bytes: Option<u64>,
    /// Spans.
    pub spans: u64,
    /// Slots, allocated or not.
    pub slots: u64,
    /// Allocated slots that something reaches.
    pub live_slots: u64,
    /// Allocated slots that nothing reaches.
    pub garbage_slots: u64,
    /// Bytes of reachable objects.
    pub live: u64,
    /// Bytes of unreachable objects.
    pub garbage: u64,
    /// Bytes of free slots and tails.
    pub fragmentation: u64,
}

/// What the parts are found from.
pub(crate) struct Finder<'f> {
    pub(crate) context: &'f Context<'f>,
    pub(crate) heap: &'f Heap,
    pub(crate) reach: &'f Reachability,
    /// Where the files of Go code are loaded.
    pub(crate) code: &'f [std::ops::Range<u64>],
    pub(crate) variables: Option<Variables>,
}

/// What the runtime's structures say of the heap's pages against what its counters say of them. A thread that is in the
/// middle of something may have changed one of the two.
fn compare(pages: PageTotals, statistics: RuntimeStatistics, partial: &mut Partial) {
    let pairs = [
        ("in use", pages.in_use, statistics.heap_inuse),
        ("stacks", pages.stacks, statistics.stack_inuse),
        ("idle", pages.idle, statistics.heap_idle),
        ("returned", pages.released, statistics.heap_released),
    ];
    if let Some((what, found, counted)) = pairs.into_iter().find(|(_, found, counted)| found != counted) {
        partial.add(
            Figure::Memory,
            format!("of the heap, {found} bytes are {what}, and the runtime counts {counted}: one of them is damaged"),
        );
    }
}

impl Finder<'_> {
    /// Assigns every page of `residency` to a part; `None` when that is not known. What cannot be told is left out, and
    /// `partial` says so.
    pub(crate) fn parts(
        &self,
        residency: Result<Residency, MemoryError>,
        partial: &mut Partial,
    ) -> Option<MemoryParts> {
        match residency {
            Ok(residency) => Some(self.assign(&Pages::new(residency.runs), partial)),
            Err(e) => {
                partial.add(Figure::Memory, format!("which pages are resident is not known: {e}"));
                None
            }
        }
    }

    fn assign(&self, pages: &Pages, partial: &mut Partial) -> MemoryParts {
        let spans = &self.heap.spans;
        let arenas = self.arenas();
        let inside = |start: u64, bytes: u64| {
            let index = arenas.partition_point(|a| a.start <= start);
            index > 0 && arenas.get(index - 1).is_some_and(|a| start.saturating_add(bytes) <= a.end)
        };

        let classes = spans::classes(self.heap, self.reach, pages, &inside);
        let sum = |field: fn(&ClassUse) -> u64| classes.iter().map(field).sum::<u64>();
        let (live, garbage, fragmentation) = (sum(|c| c.live), sum(|c| c.garbage), sum(|c| c.fragmentation));

        let outside = spans.spans.iter().filter(|span| !inside(span.start, span.bytes)).count();
        if outside > 0 {
            partial.add(
                Figure::Memory,
                format!("{outside} heap spans lie in no arena of the heap: the list of arenas is damaged"),
            );
        }
        let metadata = self.variables.and_then(|v| metadata::read(self.context, self.heap, &v));
        if metadata.is_none() {
            partial.add(Figure::RuntimeMemory, "the runtime's own memory is not told apart from what Go does not know");
        }
        if let Some(broken) = metadata.as_ref().map(|m| m.broken).filter(|broken| *broken > 0) {
            let sentence = "lists and tables of the runtime's own memory are cut short, or are not where they should be: they are damaged";
            partial.add(Figure::RuntimeMemory, format!("{broken} {sentence}"));
        }
        let is_stack = |pointer: u64| metadata.as_ref().is_none_or(|m| !m.manual.contains(&pointer));
        let (mut stacks, mut own, mut manual_end) = (0, 0, 0);
        for span in &spans.manual {
            if span.start < manual_end || !inside(span.start, span.bytes) || spans::overlaps(spans, span) {
                continue;
            }
            manual_end = span.start + span.bytes;
            let bytes = pages.bytes(span.start..manual_end);
            *(if is_stack(span.pointer) { &mut stacks } else { &mut own }) += bytes;
        }

        let mut places: Vec<Place> = arenas.iter().map(|a| Place { range: a.clone(), part: Part::Heap }).collect();
        places.extend(self.code.iter().map(|range| Place { range: range.clone(), part: Part::Binary }));
        let bss = self.context.modules.iter().map(|m| m.bss.clone());
        places.extend(bss.map(|range| Place { range, part: Part::Binary }));
        let known = Places::new(places);
        let mut places = known.all().to_vec();
        if let Some(metadata) = &metadata {
            let own = metadata.ranges.iter().map(|r| Place { range: r.clone(), part: Part::Runtime });
            let stacks = metadata.stacks.iter().map(|r| Place { range: r.clone(), part: Part::Stacks });
            // Some of the runtime's own memory is in the executable's data, which has it; none goes into it from outside.
            let (apart, shared): (Vec<Place>, Vec<Place>) = own.chain(stacks).partition(|p| !known.overlaps(&p.range));
            places.extend(apart);
            let damaged = shared.iter().filter(|p| !known.overlaps(&(p.range.start..p.range.start.saturating_add(1))));
            let damaged = damaged.count();
            if damaged > 0 {
                let sentence =
                    "lists of the runtime's own memory lead into the heap or the executable: they are damaged";
                partial.add(Figure::RuntimeMemory, format!("{damaged} entries of {sentence}"));
            }
        }
        let places = Places::new(places);
        let found = places.sums(pages);
        // Nothing of the runtime's own is in a file or in the kernel's pages.
        let is_own = |part: Option<Part>| matches!(part, Some(Part::Runtime | Part::Stacks));
        let is_elsewhere = |backing: Backing| matches!(backing, Backing::Program | Backing::Kernel);
        if found.iter().any(|((part, backing), bytes)| is_own(*part) && is_elsewhere(*backing) && *bytes > 0) {
            let sentence =
                "lists of the runtime's own memory lead into the program's or the kernel's: they are damaged";
            partial.add(Figure::Memory, sentence);
        }
        let all = |part: Part| found.iter().filter(|f| f.0.0 == Some(part)).map(|f| f.1).sum::<u64>();
        let rest = |backing: Backing| found.get(&(None, backing)).copied().unwrap_or(0);

        let heap = all(Part::Heap);
        let page_totals = metadata.as_ref().and_then(|m| statistics::page_totals(self.context, self.heap, &m.manual));
        let statistics = self.variables.and_then(|v| statistics::read(self.context, &v));
        if let (Some(pages), Some(statistics), 0) = (page_totals, statistics, busy(self.context.memory)) {
            compare(pages, statistics, partial);
        }
        MemoryParts {
            resident: pages.total(),
            live,
            garbage,
            fragmentation,
            free: heap.saturating_sub(live + garbage + fragmentation + stacks + own),
            stacks: stacks + all(Part::Stacks) + rest(Backing::Stack),
            runtime: metadata.as_ref().map(|_| own + all(Part::Runtime)),
            binary: all(Part::Binary) + rest(Backing::Program) + rest(Backing::Kernel),
            other: rest(Backing::Anonymous) + rest(Backing::File),
            others: others::others(self.context.memory, &places, pages),
            classes,
            pages: page_totals,
            statistics,
        }
    }

    /// The arenas of the heap, by address: neighbours are one.
    fn arenas(&self) -> Vec<std::ops::Range<u64>> {
        let Context { memory, layout, mheap, .. } = *self.context;
        let heap = &layout.heap;
        let mut starts = Vec::new();
        for field in [heap.all_arenas, heap.heap_arenas, heap.user_arenas].into_iter().flatten() {
            starts.extend(metadata::arena_indices(memory, mheap.wrapping_add(field.offset)));
        }
        let mut starts: Vec<u64> = starts.into_iter().map(metadata::arena_start).collect();
        starts.sort_unstable();
        let mut arenas: Vec<std::ops::Range<u64>> = Vec::new();
        for start in starts {
            let Some(end) = start.checked_add(ARENA) else { continue };
            match arenas.last_mut() {
                Some(last) if start <= last.end => last.end = end,
                _ => arenas.push(start..end),
            }
        }
        arenas
    }
}

/// A slice of the target: where its elements are, how many, and how many have room.
fn slice(memory: &dyn Memory, at: u64) -> Option<(u64, u64, u64)> {
    let word = |i: u64| memory.u64(at.wrapping_add(i * 8)).ok();
    Some((word(0)?, word(1)?, word(2)?))
}
