//! One reading of a Go target, from its bytes to its maps.

use mapscope_heap::{Dominators, Freed, HeapGraph, MapAudit, MergedTree, Reachability};
use mapscope_memory::{Figure, Memory, Partial, TargetKind, available_memory, return_free_memory};
use mapscope_model::{MapId, MapTable};

use crate::binary::hexadecimal;
use crate::containers::Modules;
use crate::dwarf::{Dwarf, DwarfIndex, DwarfSections};
use crate::heap::{Heap, SpanTable, scan};
use crate::holders::{Holder, HolderKind, Holders};
use crate::integrity::Accounts;
use crate::inventory::{Classes, histogram, totals};
use crate::maps::{Auditor, Details, list_maps};
use crate::others::Others;
use crate::owner::Owners;
use crate::resident::{Finder, MemoryParts};
use crate::root_names::{RootNames, Start, mark, starts};
use crate::roots::{Context, Roots};
use crate::runtime::{Cached, FunctionTable, Reads, modules};
use crate::search::Variables;
use crate::symbols::Symbols;
use crate::types::{TypeId, TypeTable};
use crate::typing::{Inferred, Names, Region, Typing};
use crate::{Binary, Executable, GoError};

/// Told what is being done, for a progress display.
pub trait Progress: Sync {
    /// A stage begins.
    fn stage(&self, name: &'static str);
}

/// Shows nothing.
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _: &'static str) {}
}

/// Live objects of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeCount {
    /// The type; empty when it is not known.
    pub name: String,
    /// Objects.
    pub count: u64,
    /// Those of them whose type was concluded from what they look like.
    pub inferred: u64,
    /// Bytes of their slots.
    pub bytes: u64,
    /// Bytes that would be freed with all of them, but for what only several of them hold together.
    pub retained: u64,
}

/// Totals of the heap, in objects and bytes of slots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Allocated slots, live or garbage.
    pub objects: u64,
    /// Their bytes.
    pub object_bytes: u64,
    /// Reachable slots.
    pub live_objects: u64,
    /// Their bytes.
    pub live_bytes: u64,
    /// Bytes of spans in use that no object has: free slots and tails.
    pub fragmentation_bytes: u64,
    /// Bytes of goroutine stacks.
    pub stack_bytes: u64,
    /// Words outside the heap that point into it.
    pub roots: u64,
}

/// A target that has been read. What costs more than the reading itself is worked out when it is asked for, by methods
/// in modules of their own.
pub struct Session<'s> {
    pub(crate) stages: Stages<'s>,
    /// The file with the Go runtime that was read, as the target knows it: the executable, or a library.
    pub file: String,
    /// Libraries of the target that have a Go runtime of their own, which was not read.
    pub other_runtimes: Vec<String>,
    /// The binary's Go version, as it names itself.
    pub go_version: String,
    /// Identifies the build of that file, in hexadecimal: GNU's note; none when the linker wrote none.
    pub build_id: Option<String>,
    /// The maps are Swiss maps.
    pub swiss: bool,
    /// The binary has neither debug information nor symbols.
    pub stripped: bool,
    /// Data was overwritten: values that are zero and strings that are equal cannot be told, and are left out.
    pub redacted: bool,
    /// Live maps, most table bytes first, torn ones last; none where they were not asked for.
    pub maps: MapTable,
    /// Objects that look like maps that never had an entry, and whose type nothing tells: they are not among the maps.
    pub untyped_maps: u64,
    /// Spans with the live objects that have no type.
    pub(crate) untyped_spans: Vec<usize>,
    /// What the file with the runtime was built from.
    pub(crate) modules: Modules,
    /// Live objects by type, most bytes first.
    pub types: Vec<TypeCount>,
    /// Totals of the heap.
    pub totals: Totals,
    /// Where resident memory went; absent when the system does not say what is resident.
    pub memory: Option<MemoryParts>,
    /// Why the reading is partial: one sentence for each reason.
    pub partial: Partial,
}

/// What the stages of a reading found, for the methods of [`Session`].
#[derive(Clone, Copy)]
pub(crate) struct Stages<'s> {
    pub(crate) context: &'s Context<'s>,
    pub(crate) heap: &'s Heap,
    pub(crate) roots: &'s Roots,
    pub(crate) typing: &'s Typing<'s>,
    pub(crate) names: &'s Names,
    pub(crate) reach: &'s Reachability,
    /// The roots of `reach`.
    pub(crate) starts: &'s [Start],
    /// Typed values outside the heap, by address.
    pub(crate) regions: &'s [Region],
    pub(crate) holders: &'s Holders,
    pub(crate) dominators: &'s Dominators<'s>,
    pub(crate) merged: &'s MergedTree,
    pub(crate) classes: &'s Classes,
}

impl<'s> Stages<'s> {
    pub(crate) fn auditor(&self) -> Auditor<'s> {
        Auditor::of(self.context)
    }

    /// Names roots; `numbered` tells goroutines apart.
    pub(crate) fn root_names(&self, numbered: bool) -> RootNames<'s> {
        RootNames { typing: self.typing, names: self.names, regions: self.regions, numbered }
    }

    /// Names objects; keeps what it has named.
    pub(crate) fn owners(&self) -> Owners<'s> {
        Owners::new(self.typing, &self.heap.graph, self.reach, self.names, self.roots, self.starts, self.regions)
    }
}

impl<'s> Session<'s> {
    /// The groups of the map whose header is at `address`; `None` when no live map is there.
    pub fn details(&self, address: u64) -> Option<MapDetails> {
        let map = self.map_type(self.maps.at(address)?.id())?;
        let (audit, Details { groups, chain_positions }) = self.stages.auditor().details(address, map);
        let types = self.stages.context.types;
        let shape = types.shape(map)?;
        let name = |id: TypeId| types.get(id).name.clone();
        Some(MapDetails {
            audit,
            groups,
            chain_positions,
            key_type: name(shape.key),
            elem_type: name(shape.elem),
            key_bytes: shape.key_size,
            elem_bytes: shape.elem_size,
            group_bytes: shape.group_size,
            indirect_key: shape.indirect_key,
            indirect_elem: shape.indirect_elem,
        })
    }

    /// The type of a live map.
    pub(crate) fn map_type(&self, map: MapId) -> Option<TypeId> {
        self.type_number(map).map(TypeId)
    }

    /// The number of the type of a live map, which is the same for all maps of one type.
    pub fn type_number(&self, map: MapId) -> Option<u32> {
        self.maps.map(map).type_number()
    }

    /// Names of the functions that the program has code of. Those that were inlined wherever they are called have none.
    pub fn function_names(&self) -> impl Iterator<Item = &'s str> {
        self.stages.context.functions.iter().flat_map(|table| table.all().map(|function| table.name(&function)))
    }

    /// The heap graph, language-neutral.
    pub fn graph(&self) -> &'s HeapGraph {
        &self.stages.heap.graph
    }

    /// What is live.
    pub fn reachability(&self) -> &'s Reachability {
        self.stages.reach
    }

    /// What dominates each live object, and how much it retains.
    pub fn dominators(&self) -> &'s Dominators<'s> {
        self.stages.dominators
    }

    /// The cause that frees a live map with all its tables.
    pub fn map_freed_by(&self, map: MapId, freed: &Freed) -> Option<u16> {
        let address = self.maps.map(map).address();
        match self.stages.heap.spans.object(address) {
            Some((object, ..)) => freed.cause(object),
            None => self.stages.auditor().parts(address).first().and_then(|part| freed.cause(*part)),
        }
    }

    /// The holder that each goroutine is, by the goroutine's number.
    pub fn goroutine_holders(&self) -> impl Iterator<Item = (u64, u32)> {
        let holders = (0u32..).zip(&self.stages.holders.all);
        let all = &self.stages.roots.goroutines.all;
        holders.filter_map(|(number, holder)| Some((all.get(holder.goroutine? as usize)?.id, number)))
    }

    /// Who holds objects from outside the heap; the dominators number holders by their place in this list, and after it
    /// come the parts of goroutines.
    pub fn holders(&self) -> &'s [Holder] {
        &self.stages.holders.all
    }

    /// The dominator tree merged by type, where a map's parts are one with it. Its classes are numbers of [`Session::class_name`]; its groups of holders those
    /// of [`Session::holder_groups`].
    pub fn merged_dominators(&self) -> &'s MergedTree {
        self.stages.merged
    }

    /// The name of a class of the merged tree; empty for objects without a type.
    pub fn class_name(&self, class: u32) -> &'s str {
        self.stages.classes.names.get(class as usize).map_or("", String::as_str)
    }

    /// The names of the groups of holders: variables stand for themselves, goroutines for all with one first function.
    pub fn holder_groups(&self) -> &'s [String] {
        &self.stages.holders.group_names
    }

    /// The kind of the holders of each group, and how many there are.
    pub fn group_kinds(&self) -> &'s [(HolderKind, u64)] {
        &self.stages.holders.group_kinds
    }

    /// Who shares something, by number in the merged tree: `main.requests and 3 others`.
    pub fn share_name(&self, share: u32) -> String {
        let Some(share) = self.dominators().shares().get(share as usize) else { return String::new() };
        let first = self.stages.holders.group_names.get(share.group as usize).map_or("", String::as_str);
        match (share.others, share.more) {
            (0, true) => format!("{first} and many others"),
            (others, true) => format!("{first} and {others} or more others"),
            (1, false) => format!("{first} and 1 other"),
            (others, false) => format!("{first} and {others} others"),
        }
    }

    /// The type of an object; empty when it is not known.
    pub fn type_name(&self, object: u32) -> String {
        self.stages.context.types.get(TypeId(self.graph().type_of(object))).name.clone()
    }

    /// How a person would name a live object; empty for any other. Naming many at once is quicker with one call each on
    /// the same list.
    pub fn owner_names(&self, objects: &[u32]) -> Vec<String> {
        let mut owners = self.stages.owners();
        objects.iter().map(|object| owners.of_object(*object)).collect()
    }
}

/// One map in depth; sizes in bytes.
#[derive(Clone, Debug)]
pub struct MapDetails {
    /// Its audit, made again.
    pub audit: MapAudit,
    /// What each group, or each main bucket with its chain, holds.
    pub groups: Vec<mapscope_heap::GroupFill>,
    /// Legacy: entries in the n-th bucket of their chain.
    pub chain_positions: Vec<u64>,
    /// Type of the keys.
    pub key_type: String,
    /// Type of the elements.
    pub elem_type: String,
    /// Bytes of a key in its slot.
    pub key_bytes: u64,
    /// Bytes of an element in its slot.
    pub elem_bytes: u64,
    /// Bytes of a group or bucket.
    pub group_bytes: u64,
    /// Keys are stored as pointers.
    pub indirect_key: bool,
    /// Elements are stored as pointers.
    pub indirect_elem: bool,
}

/// Reads the Go program in `memory`, which runs `executable`, and calls `then` with the result.
///
/// The session borrows from every stage before it, so it lives only as long as the call.
///
/// # Errors
/// When the executable is not a Go program that can be read, or the runtime's own structures cannot be.
pub fn with_session<R>(
    memory: &dyn Memory,
    executable: Executable<'_>,
    progress: &dyn Progress,
    then: impl FnOnce(&Session<'_>) -> R,
) -> Result<R, GoError> {
    session(memory, executable, progress, Wanted { maps: true, reads: None }, then)
}

/// As [`with_session`], for what shows no maps: none is audited, and the list is empty.
pub fn with_session_without_maps<R>(
    memory: &dyn Memory,
    executable: Executable<'_>,
    progress: &dyn Progress,
    then: impl FnOnce(&Session<'_>) -> R,
) -> Result<R, GoError> {
    session(memory, executable, progress, Wanted { maps: false, reads: None }, then)
}

/// As [`with_session`]; what is read is noted in `reads`, also by what `then` asks of the session.
pub fn with_noted_session<R>(
    memory: &dyn Memory,
    executable: Executable<'_>,
    progress: &dyn Progress,
    reads: &Reads,
    then: impl FnOnce(&Session<'_>) -> R,
) -> Result<R, GoError> {
    session(memory, executable, progress, Wanted { maps: true, reads: Some(reads) }, then)
}

/// What a reading is for.
#[derive(Clone, Copy)]
struct Wanted<'w> {
    maps: bool,
    /// Where what is read is noted.
    reads: Option<&'w Reads>,
}

fn session<R>(
    memory: &dyn Memory,
    executable: Executable<'_>,
    progress: &dyn Progress,
    wanted: Wanted<'_>,
    then: impl FnOnce(&Session<'_>) -> R,
) -> Result<R, GoError> {
    let (info, mut partial) = (memory.info(), memory.info().partial.clone());
    // Before anything is read: what is read becomes resident.
    let residency = memory.residency();
    progress.stage("reading debug information");
    let binary = executable.parse(info)?;
    let debug_file = executable.debug_file(&binary)?;
    let described = debug_file.as_ref().or_else(|| binary.has_section(".debug_info").then_some(&binary));
    let sections = described.map(DwarfSections::load).transpose()?;
    let (mut dwarf, mut index) = names(sections.as_ref(), &binary, debug_file.as_ref())?;
    let symbols = Symbols { binary: &binary, debug: dwarf.describes_any().then_some((&dwarf, &index)) };
    let layout = symbols.layout()?;

    progress.stage("reading the runtime");
    let cached = Cached::new(memory, wanted.reads);
    let mut modules = modules(&cached, &layout, symbols.first_module(&cached, &layout)?)?;
    let others = Others::of(executable.others, &mut modules, &mut partial);
    let functions = modules.iter().map(|m| FunctionTable::read(&cached, m)).collect::<Result<Vec<_>, _>>()?;
    let Variables { heap: mheap, globals, own } = symbols.variables(&cached, &layout, &functions, &mut partial)?;
    others.describe(&mut dwarf, &mut index, &mut partial);
    let debug = dwarf.describes_any().then_some((&dwarf, &index));
    let types = TypeTable::new(&cached, &modules, debug, binary.minor, &layout);
    let spans = SpanTable::read(&cached, &layout, mheap, &mut partial)?;
    check_room(spans.blocks.len() as u64, available_memory())?;

    progress.stage("reading objects");
    let heap = scan(&cached, &layout, mheap, &types, spans, &mut partial)?;
    progress.stage("reading goroutines");
    let context = Context {
        memory: &cached,
        layout: &layout,
        modules: &modules,
        functions: &functions,
        types: &types,
        spans: &heap.spans,
        globals,
        mheap,
        minor: binary.minor,
    };
    let roots = Roots::read(&context, &mut partial)?;

    progress.stage("finding types");
    let typing = Typing::new(&context, &heap, &roots);
    let mut names = Names::default();
    let typed = typing.run(&mut names);

    progress.stage("marking what is live");
    // This reads nothing, and takes much memory of our own.
    release_all(memory);
    let graph = &heap.graph;
    let starts = starts(&roots, graph, &heap.spans, &types, &typed.sorted(), &names);
    let reach = mark(graph, &starts, &roots.passages);
    typing.follow_untyped(&typed, &reach);
    let Inferred { headers: guessed, untyped_maps, untyped_spans } = typing.infer(&typed, &reach);
    say_untyped(untyped_maps, debug.is_some(), &mut partial);
    let regions = typed.sorted();

    let accounts = Accounts::of(&context, &heap, &roots, &reach, &binary);
    accounts.compare(&mut partial);

    progress.stage("working out who holds what");
    make_room(memory);
    let owners = Owners::new(&typing, graph, &reach, &names, &roots, &starts, &regions);
    let holders = Holders::new(&roots, &starts, &owners);
    progress.stage("finding dominators");
    let dominators = Dominators::new(graph, &reach, holders.tree());
    let classes = Classes::of(&types);
    let (by_type, merged) = add_up(progress, graph, &dominators, &classes);
    let stages = Stages {
        context: &context,
        heap: &heap,
        roots: &roots,
        typing: &typing,
        names: &names,
        reach: &reach,
        starts: &starts,
        regions: &regions,
        holders: &holders,
        dominators: &dominators,
        merged: &merged,
        classes: &classes,
    };
    progress.stage("auditing maps");
    // Those of a core tell of damage also what shows none.
    let audits = wanted.maps || info.kind == TargetKind::Core;
    let audited =
        audits.then(|| list_maps(&stages, &guessed, memory)).inspect(|maps| accounts.maps(maps, &mut partial));
    let maps = audited.filter(|_| wanted.maps).unwrap_or_default();
    let code: Vec<_> = std::iter::once(&binary).chain(others.plugins()).flat_map(Binary::load_ranges).collect();
    let finder = Finder { context: &context, heap: &heap, reach: &reach, code: &code, variables: own };
    let parts = finder.parts(residency, &mut partial);
    // Failed reads of a process that is gone would look like torn maps and missing spans.
    memory.still_there()?;
    Ok(then(&Session {
        go_version: binary.go_version.clone(),
        file: binary.path().to_owned(),
        other_runtimes: others.runtimes(),
        build_id: binary.build_id().map(|id| hexadecimal(id.get(..MAX_BUILD_ID).unwrap_or(&id))),
        swiss: types.is_swiss(),
        stripped: binary.is_stripped(),
        redacted: info.redacted,
        maps,
        untyped_maps,
        untyped_spans,
        modules: binary.modules(),
        types: histogram(&classes, &by_type, &typing.inferred_by_type()),
        totals: totals(graph, &reach, &heap.spans, &roots, &starts),
        memory: parts,
        partial,
        stages,
    }))
}

/// The dominator tree by type, and by type with parts below their wholes.
fn add_up(
    progress: &dyn Progress,
    graph: &HeapGraph,
    dominators: &Dominators<'_>,
    classes: &Classes,
) -> (MergedTree, MergedTree) {
    progress.stage("adding up by type");
    let by_type = MergedTree::new(graph, dominators, &classes.of_type);
    let merged = by_type.fold(&classes.wholes);
    (by_type, merged)
}

/// The debug information of the file with the runtime, or none: that of its host, in C alone, says nothing of Go.
fn names<'d>(
    sections: Option<&'d DwarfSections<'_>>,
    binary: &Binary<'_>,
    debug_file: Option<&Binary<'_>>,
) -> Result<(Dwarf<'d>, DwarfIndex<'d>), GoError> {
    let Some(sections) = sections else { return Ok(Default::default()) };
    let mut dwarf = Dwarf::of(sections, debug_file.unwrap_or(binary).path(), binary.bias)?;
    let index = DwarfIndex::build(&dwarf)?;
    // What was given for its sake, and lacks the runtime, is an error that will be told.
    if debug_file.is_none() && !index.has_runtime() {
        dwarf.forget(0);
    }
    Ok((dwarf, index))
}

/// Without names, the program's own empty maps are among those that are left out.
fn say_untyped(maps: u64, named: bool, partial: &mut Partial) {
    let (are, their) = match maps {
        maps if named || maps == 0 => return,
        1 => ("map that never had an entry is", "its"),
        _ => ("maps that never had an entry are", "their"),
    };
    partial.add(Figure::Maps, format!("{maps} {are} left out: nothing tells {their} type without debug information"));
}

/// Before a stage that reads little and has the most memory of our own in use.
fn make_room(memory: &dyn Memory) {
    release_all(memory);
    return_free_memory();
}

/// Lets go of all pages of the target that are mapped.
pub(crate) fn release_all(memory: &dyn Memory) {
    memory.regions().iter().for_each(|r| memory.release(r.start, (r.end - r.start) as usize));
}

/// Bytes of a build id that are shown; linkers write 20, and none more than this.
const MAX_BUILD_ID: usize = 64;

/// Bytes that an object slot takes where one pointer leads to each: type, row of edges, edge, parent, and what joining them takes.
const BYTES_PER_OBJECT: u64 = 28;

/// Refuses a heap whose columns do not fit into the memory that is left, before any of them is made.
fn check_room(objects: u64, available: Option<u64>) -> Result<(), GoError> {
    let needed = objects.saturating_mul(BYTES_PER_OBJECT);
    match available {
        Some(available) if needed > available => Err(GoError::TooLittleMemory {
            objects,
            needed_mib: needed.div_ceil(1 << 20),
            available_mib: available >> 20,
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::check_room;

    #[test]
    fn a_heap_that_does_not_fit_is_refused_with_what_it_needs() {
        assert!(check_room(1 << 20, Some(28 << 20)).is_ok() && check_room(u64::MAX, None).is_ok());
        let text = check_room(8 << 20, Some(100 << 20)).map_err(|e| e.to_string());
        let said = text.expect_err("224 MiB do not fit into 100");
        assert!(said.contains("8388608 objects") && said.contains("224 MiB of memory, and 100 MiB are left"), "{said}");
    }
}
