//! The data of a report as the page reads it (`ui/src/data.ts`, `decode.ts`).

use serde::Serialize;

use super::base64;
use super::changes::Changes;
use super::columns::{MapColumns, Strings, TypeColumns};
use crate::model::{
    FindingRow, GoroutineCount, GoroutineList, GoroutineRow, Heap, HolderRow, MapFigures, MapRef, MemoryUse, Occupancy,
    Report, Suspect, Target, Tree,
};

/// Names the two parts, and that they belong to this page.
const SCHEMA: &str = "mapscope.report/1";

/// Rows of each table at most. With those of ten million objects in them, a report stays below 5 MB; the page says how
/// many are left out.
const ROWS: usize = 100_000;
/// Holders at most; those beyond retain next to nothing, and the tree has them all.
const HOLDERS: usize = 1000;
/// Groups of goroutines at most: each has a stack.
const GOROUTINE_GROUPS: usize = 2000;

/// What the page shows before the tables are unpacked.
#[derive(Serialize)]
pub(super) struct Summary<'r> {
    schema: &'static str,
    target: &'r Target,
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_at: Option<u64>,
    memory: &'r MemoryUse,
    heap: &'r Heap,
    #[serde(skip_serializing_if = "Option::is_none")]
    goroutines: Option<GoroutineCount>,
    holders: &'r [HolderRow],
    suspects: &'r [Suspect],
    findings: &'r [FindingRow],
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<Changes<'r>>,
    totals: Totals,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    partial: Vec<String>,
}

/// Figures of all maps and types, listed or not.
#[derive(Serialize)]
struct Totals {
    maps: usize,
    types: usize,
    map_table_bytes: u64,
    map_reclaimable_bytes: u64,
}

/// The tables.
#[derive(Serialize)]
pub(super) struct Tables<'r> {
    schema: &'static str,
    strings: Vec<&'r str>,
    maps: MapColumns<'r>,
    types: TypeColumns,
    tree: TreeColumns,
    occupancy: Vec<Picture<'r>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    goroutines: Option<Goroutines<'r>>,
}

/// The list of goroutines, whose target is that of the summary.
#[derive(Serialize)]
struct Goroutines<'r> {
    total_goroutines: u64,
    program_goroutines: u64,
    system_goroutines: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    leaked_goroutines: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    leaked_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    leaks_unknown: Option<&'r str>,
    times_are_bounds: bool,
    groups: &'r [GoroutineRow],
    /// Groups of the target; more than are listed when there are very many.
    total_groups: u64,
}

/// The tree; names are numbers of strings.
#[derive(Serialize)]
struct TreeColumns {
    depth: Vec<u32>,
    kind: Vec<u8>,
    name: Vec<u32>,
    count: Vec<u64>,
    shallow: Vec<u64>,
}

/// One map's picture.
#[derive(Serialize)]
struct Picture<'r> {
    addr: &'r str,
    groups: usize,
    groups_per_cell: usize,
    /// Two bytes for each cell: shares of slots with an entry and with a tombstone.
    cells: String,
    entries_per_group: &'r [u64],
}

pub(super) fn summary(report: &Report) -> Summary<'_> {
    let inspection = &report.inspection;
    let figures = || inspection.maps.iter().filter_map(MapRef::figures);
    let sum = |of: fn(&MapFigures) -> u64| figures().map(of).fold(0, u64::saturating_add);
    Summary {
        schema: SCHEMA,
        target: &inspection.target,
        taken_at: report.taken_at,
        memory: &inspection.memory,
        heap: &inspection.heap,
        goroutines: inspection.goroutines,
        holders: first(&inspection.holders, HOLDERS),
        suspects: &inspection.suspects,
        findings: &inspection.findings,
        diff: report.diff.as_ref().and_then(Changes::of),
        totals: Totals {
            maps: inspection.maps.len(),
            types: inspection.types.len(),
            map_table_bytes: sum(|f| f.table_bytes),
            map_reclaimable_bytes: sum(|f| f.reclaimable_bytes),
        },
        partial: partial(report),
    }
}

/// Why the picture is not whole: the inspection itself, and what it is compared with.
fn partial(report: &Report) -> Vec<String> {
    let notes = report.diff.iter().flat_map(|diff| &diff.notes).map(|note| format!("In what changed: {note}"));
    let reasons = report.inspection.uncertain();
    let said = reasons.partial.iter().map(|reason| format!("{reason} (uncertain: {})", reasons.about(reason)));
    said.chain(notes).collect()
}

pub(super) fn tables(report: &Report) -> Tables<'_> {
    let inspection = &report.inspection;
    let mut strings = Strings::default();
    let maps = MapColumns::new(&inspection.maps, ROWS, &mut strings);
    let types = TypeColumns::new(first(&inspection.types, ROWS), &mut strings);
    let tree = tree(&report.tree, &mut strings);
    Tables {
        schema: SCHEMA,
        maps,
        types,
        tree,
        strings: strings.list,
        occupancy: report.occupancy.iter().map(picture).collect(),
        goroutines: report.goroutines.as_ref().map(goroutines),
    }
}

fn goroutines(list: &GoroutineList) -> Goroutines<'_> {
    Goroutines {
        total_goroutines: list.total_goroutines,
        program_goroutines: list.program_goroutines,
        system_goroutines: list.system_goroutines,
        leaked_goroutines: list.leaked_goroutines,
        leaked_bytes: list.leaked_bytes,
        leaks_unknown: list.leaks_unknown.as_deref(),
        times_are_bounds: list.times_are_bounds,
        groups: first(&list.groups, GOROUTINE_GROUPS),
        total_groups: list.total_groups,
    }
}

fn first<T>(rows: &[T], most: usize) -> &[T] {
    &rows[..rows.len().min(most)]
}

fn tree<'r>(tree: &'r Tree, strings: &mut Strings<'r>) -> TreeColumns {
    let names: Vec<u32> = tree.names.iter().map(|name| strings.number(name)).collect();
    let nodes = &tree.nodes;
    TreeColumns {
        depth: nodes.iter().map(|n| n.depth).collect(),
        kind: nodes.iter().map(|n| n.kind as u8).collect(),
        name: nodes.iter().map(|n| names.get(n.name as usize).copied().unwrap_or(0)).collect(),
        count: nodes.iter().map(|n| n.count).collect(),
        shallow: nodes.iter().map(|n| n.shallow_bytes).collect(),
    }
}

fn picture(map: &Occupancy) -> Picture<'_> {
    Picture {
        addr: &map.addr,
        groups: map.groups,
        groups_per_cell: map.groups_per_cell,
        cells: base64::encode(map.cells.as_flattened()),
        entries_per_group: &map.entries_per_group,
    }
}
