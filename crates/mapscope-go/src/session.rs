//! One reading of a Go target, from its bytes to its maps.

use mapscope_heap::{HeapGraph, MapAudit, Reachability};
use mapscope_memory::Memory;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::dwarf::{DwarfIndex, DwarfSections};
use crate::heap::{Heap, SpanTable, scan};
use crate::maps::{Auditor, Details};
use crate::owner::{Owners, order_roots};
use crate::roots::{Context, Roots};
use crate::runtime::{Cached, FunctionTable, modules};
use crate::search::Variables;
use crate::symbols::Symbols;
use crate::types::{Kind, MapPart, TypeId, TypeTable};
use crate::typing::{Names, Origin, Region, Typing};
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

/// A map that is live.
#[derive(Clone, Debug)]
pub struct MapEntry {
    /// Its audit.
    pub audit: MapAudit,
    /// How a person would name it.
    pub owner: String,
    /// Its type.
    pub type_name: String,
    /// The type was inferred from the code that uses the map, not read.
    pub heuristic: bool,
}

/// Live objects of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeCount {
    /// The type; empty when it is not known.
    pub name: String,
    /// Objects.
    pub count: u64,
    /// Bytes of their slots.
    pub bytes: u64,
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
    map_types: FxHashMap<u64, TypeId>,
    /// The binary's Go version, as it names itself.
    pub go_version: String,
    /// The maps are Swiss maps.
    pub swiss: bool,
    /// The binary has neither debug information nor symbols.
    pub stripped: bool,
    /// Live maps, most table bytes first, torn ones last.
    pub maps: Vec<MapEntry>,
    /// Live objects by type, most bytes first.
    pub types: Vec<TypeCount>,
    /// Totals of the heap.
    pub totals: Totals,
    /// Why the reading is partial: one sentence for each reason.
    pub partial: Vec<String>,
}

/// What the stages of a reading found, for the methods of [`Session`].
#[derive(Clone, Copy)]
#[allow(dead_code, reason = "a method asks for the stages it needs")]
pub(crate) struct Stages<'s> {
    pub(crate) context: &'s Context<'s>,
    pub(crate) heap: &'s Heap,
    pub(crate) roots: &'s Roots,
    pub(crate) typing: &'s Typing<'s>,
    pub(crate) names: &'s Names,
    pub(crate) reach: &'s Reachability,
    /// Index into the words of `roots` of each root of `reach`; none for what a finalizer keeps.
    pub(crate) root_order: &'s [Option<u32>],
    /// Typed values outside the heap, by address.
    pub(crate) regions: &'s [Region],
}

impl<'s> Stages<'s> {
    pub(crate) fn auditor(&self) -> Auditor<'s> {
        let Context { memory, layout, types, spans, .. } = *self.context;
        Auditor { memory, layout, types, spans }
    }

    /// Names objects; keeps what it has named.
    pub(crate) fn owners(&self) -> Owners<'s> {
        Owners::new(self.typing, &self.heap.graph, self.reach, self.names, self.roots, self.root_order, self.regions)
    }
}

impl<'s> Session<'s> {
    /// The groups of the map whose header is at `address`; `None` when no live map is there.
    pub fn details(&self, address: u64) -> Option<MapDetails> {
        let map = *self.map_types.get(&address)?;
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

    /// The heap graph, language-neutral.
    pub fn graph(&self) -> &'s HeapGraph {
        &self.stages.heap.graph
    }

    /// What is live.
    pub fn reachability(&self) -> &'s Reachability {
        self.stages.reach
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
    let info = memory.info();
    let mut partial = info.partial.clone();
    progress.stage("reading debug information");
    let binary = Binary::parse(&info.exe.to_string_lossy(), executable.bytes, info.load_bias)?;
    let debug_file = executable.debug_file(&binary)?;
    let described = debug_file.as_ref().unwrap_or(&binary);
    let has_debug = debug_file.is_some() || binary.has_section(".debug_info");
    let sections = has_debug.then(|| DwarfSections::load(described)).transpose()?;
    let dwarf = sections.as_ref().map(|s| s.parse(described.path())).transpose()?;
    let index = dwarf.as_ref().map(|d| DwarfIndex::build(d, binary.bias)).transpose()?;
    let debug = dwarf.as_ref().zip(index.as_ref());
    let symbols = Symbols { binary: &binary, debug };
    let layout = symbols.layout()?;

    progress.stage("reading the runtime");
    let cached = Cached::new(memory);
    let modules = modules(&cached, &layout, symbols.first_module(&cached, &layout)?)?;
    let functions = modules.iter().map(|m| FunctionTable::read(&cached, m)).collect::<Result<Vec<_>, _>>()?;
    let types = TypeTable::new(&cached, &modules, debug, binary.minor, &layout);
    let Variables { heap: mheap, globals } = symbols.variables(&cached, &layout, &functions, &mut partial)?;
    let spans = SpanTable::read(&cached, &layout, mheap, &mut partial)?;

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
        bias: binary.bias,
    };
    let roots = Roots::read(&context, &mut partial)?;

    progress.stage("finding types");
    let typing = Typing::new(&context, &heap, &roots);
    let mut names = Names::default();
    let typed = typing.run(&mut names);

    progress.stage("marking what is live");
    let graph = &heap.graph;
    let (reach, order) = mark(&context, graph, &roots, &typed.sorted(), &names);
    typing.follow_untyped(&typed, &reach);
    let mut guessed = FxHashSet::default();
    if debug.is_none() {
        guessed = typing.find_maps(&typed, &reach, &mut partial);
    }
    guessed.extend(typing.guess(&typed).headers);
    let regions = typed.sorted();

    progress.stage("auditing maps");
    let stages = Stages {
        context: &context,
        heap: &heap,
        roots: &roots,
        typing: &typing,
        names: &names,
        reach: &reach,
        root_order: &order,
        regions: &regions,
    };
    let (mut owners, auditor) = (stages.owners(), stages.auditor());
    let found = find_maps(&types, graph, &reach, &regions);
    let audits: Vec<MapAudit> = found.par_iter().map(|(address, map)| auditor.audit(*address, *map)).collect();
    let mut maps: Vec<MapEntry> = audits
        .into_iter()
        .map(|audit| {
            let map = TypeId(audit.map_type);
            let owner = match heap.spans.object(audit.address) {
                Some((object, ..)) => owners.of_object(object),
                None => owners.of_region(audit.address, types.part(MapPart::Header, map)),
            };
            let heuristic = guessed.contains(&audit.address);
            MapEntry { type_name: types.get(map).name.clone(), owner, heuristic, audit }
        })
        .collect();
    let bytes = |m: &MapEntry| m.audit.figures.as_ref().map_or(0, |f| f.table_bytes);
    maps.sort_by(|a, b| bytes(b).cmp(&bytes(a)).then(a.audit.address.cmp(&b.audit.address)));
    // Failed reads of a process that is gone would look like torn maps and missing spans.
    memory.still_there()?;
    let session = Session {
        map_types: found.iter().copied().collect(),
        go_version: binary.go_version.clone(),
        swiss: types.is_swiss(),
        stripped: binary.is_stripped(),
        maps,
        types: histogram(&types, graph, &reach),
        totals: totals(graph, &reach, &heap.spans, &roots, order.len() as u64),
        partial,
        stages,
    };
    Ok(then(&session))
}

/// Marks what is live, roots that a person would name first, and keeps which root is which: the index of each among the
/// words of `roots`; none for what a finalizer keeps.
fn mark(
    context: &Context<'_>,
    graph: &HeapGraph,
    roots: &Roots,
    regions: &[Region],
    names: &Names,
) -> (Reachability, Vec<Option<u32>>) {
    let mut reach = Reachability::new(graph);
    let mut order = Vec::new();
    for phase in order_roots(roots, context.spans, context.types, regions, names) {
        reach.extend(graph, phase.iter().map(|r| r.0));
        order.extend(phase.iter().map(|r| r.1));
    }
    for object in &roots.finalized {
        let kept = graph.edges(*object);
        reach.extend(graph, kept.iter().copied());
        order.extend(kept.iter().map(|_| None));
    }
    (reach, order)
}

/// Header and type of each live map: objects that are headers, and headers outside the heap.
fn find_maps(types: &TypeTable<'_>, graph: &HeapGraph, reach: &Reachability, regions: &[Region]) -> Vec<(u64, TypeId)> {
    let header = |id: u32| match types.get(TypeId(id)).kind {
        Kind::MapPart(MapPart::Header, map) => Some(map),
        _ => None,
    };
    let headers: Vec<Option<TypeId>> = (0..types.len() as u32).map(header).collect();
    let mut maps = Vec::new();
    for block in graph.blocks.blocks() {
        for object in block.objects() {
            let ty = graph.type_of(object);
            if let Some(Some(map)) = headers.get(ty as usize)
                && reach.is_live(object)
            {
                maps.push((block.address(object), *map));
            }
        }
    }
    for region in regions {
        if let (Some(Some(map)), Origin::Pointer(_) | Origin::Guess(..)) =
            (headers.get(region.ty.0 as usize), region.origin)
        {
            maps.push((region.start, *map));
        }
    }
    maps.sort_unstable();
    maps.dedup_by_key(|m| m.0);
    maps
}

fn histogram(types: &TypeTable<'_>, graph: &HeapGraph, reach: &Reachability) -> Vec<TypeCount> {
    let mut by_id = vec![(0u64, 0u64); types.len()];
    for block in graph.blocks.blocks() {
        for object in block.objects().filter(|o| reach.is_live(*o)) {
            if let Some(count) = by_id.get_mut(graph.type_of(object) as usize) {
                count.0 += 1;
                count.1 += block.slot_size;
            }
        }
    }
    // Different types can have the same name: those of functions' scopes, and those known only from debug information.
    let mut by_name: FxHashMap<String, (u64, u64)> = FxHashMap::default();
    for (id, (count, bytes)) in by_id.into_iter().enumerate().filter(|(_, c)| c.0 > 0) {
        let sum = by_name.entry(types.get(TypeId(id as u32)).name.clone()).or_default();
        sum.0 += count;
        sum.1 += bytes;
    }
    let mut rows: Vec<TypeCount> =
        by_name.into_iter().map(|(name, (count, bytes))| TypeCount { name, count, bytes }).collect();
    rows.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    rows
}

fn totals(graph: &HeapGraph, reach: &Reachability, spans: &SpanTable, roots: &Roots, root_count: u64) -> Totals {
    let mut totals = Totals {
        live_objects: reach.live_objects(),
        live_bytes: reach.live_bytes(graph),
        stack_bytes: roots.goroutines.stack_bytes(),
        roots: root_count,
        ..Totals::default()
    };
    let mut span_bytes = 0;
    for (block, span) in graph.blocks.blocks().iter().zip(&spans.spans) {
        let range = block.objects();
        let objects = graph.allocated.count_range(range.start as usize, range.end as usize);
        totals.objects += objects;
        totals.object_bytes += objects * block.slot_size;
        span_bytes += span.bytes;
    }
    totals.fragmentation_bytes = span_bytes - totals.object_bytes;
    totals
}
