//! Hand-made data: what a reader could fill in, small enough to check by eye.

// Each test binary uses a part of it.
#![allow(dead_code)]

use mapscope_report::model::{
    CodeLine, DominatorList, DominatorNode, GoroutineList, GoroutineRow, GroupState, Heap, HolderRow, Inspection,
    LargestObject, LeftOut, MapDetail, MapFigures, MapList, MapRow, MemoryUse, Omitted, SiteList, SiteRow, SlotLayout,
    Suspect, Target, TypeList, TypeRow, Waited,
};
use mapscope_report::{DOMINATORS_SCHEMA, GOROUTINES_SCHEMA, INSPECT_SCHEMA, MAP_SCHEMA, MAPS_SCHEMA, TYPES_SCHEMA};

pub(crate) const MIB: u64 = 1 << 20;

pub(crate) fn process() -> Target {
    Target {
        kind: "process".into(),
        pid: Some(21291),
        exe: "/srv/sessions/bin/sessions".into(),
        go_version: "go1.27.3".into(),
        map_impl: "swiss".into(),
        stripped: false,
        paused_ms: Some(18.2),
        read_ms: 2104.0,
    }
}

pub(crate) fn legacy_core() -> Target {
    Target {
        kind: "core".into(),
        pid: None,
        exe: "./ingest".into(),
        go_version: "go1.22.9".into(),
        map_impl: "legacy".into(),
        stripped: true,
        paused_ms: None,
        read_ms: 312.0,
    }
}

pub(crate) fn row(addr: u64, owner: &str, type_name: &str, figures: MapFigures) -> MapRow {
    MapRow {
        addr: format!("{addr:#x}"),
        owner: owner.into(),
        type_name: type_name.into(),
        implementation: if figures.overflow_buckets.is_some() { "legacy" } else { "swiss" }.into(),
        figures: Some(figures),
        ..MapRow::default()
    }
}

pub(crate) fn torn() -> MapRow {
    MapRow {
        addr: "0xc000512300".into(),
        owner: "main.(*Hub).run: clients".into(),
        type_name: "map[net.Conn]chan<- []uint8".into(),
        implementation: "swiss".into(),
        torn: true,
        torn_reason: Some("a goroutine was writing to it (the writing flag is set)".into()),
        ..MapRow::default()
    }
}

pub(crate) fn drained() -> MapRow {
    let figures = MapFigures {
        entries: 40_112,
        slots: 14_680_064,
        groups: 1_835_008,
        holes: 1_795_320,
        tombstones: Some(0),
        zero_values: Some(12),
        table_bytes: 400 * MIB,
        reclaimable_bytes: 398 * MIB,
        ..MapFigures::default()
    };
    row(0xc0_0012_3450, "main.sessions.byID", "map[string]*main.Session", figures)
}

pub(crate) fn maps() -> Vec<MapRow> {
    let index = MapFigures {
        entries: 3_120_404,
        slots: 4_194_304,
        groups: 524_288,
        holes: 88,
        tombstones: Some(210_455),
        zero_values: Some(0),
        table_bytes: 164 * MIB,
        padding_bytes: 28 * MIB,
        ..MapFigures::default()
    };
    let mut inferred = row(
        0xc0_0700_0000,
        "goroutine 7 github.com/example/platform/internal/worker.(*Pool).dispatch: seen",
        "map[github.com/example/platform/internal/model.TenantID]struct {}",
        MapFigures {
            entries: 900,
            slots: 2048,
            groups: 256,
            holes: 3,
            table_bytes: 34_816,
            reclaimable_bytes: 17_408,
            tombstones: Some(44),
            ..MapFigures::default()
        },
    );
    inferred.heuristic = true;
    let small = MapFigures {
        entries: 1,
        slots: 8,
        groups: 1,
        tombstones: Some(0),
        zero_values: Some(0),
        table_bytes: 256,
        ..MapFigures::default()
    };
    vec![
        drained(),
        row(0xc0_0200_0000, "main.index.terms", "map[string][]uint32", index),
        torn(),
        inferred,
        row(0xc0_0000_8040, "net/http.DefaultServeMux.tree.children", "map[string]*http.routingNode", small),
    ]
}

pub(crate) fn types() -> Vec<TypeRow> {
    let row = |type_name: &str, count, shallow_bytes| TypeRow {
        type_name: type_name.into(),
        count,
        shallow_bytes,
        retained_bytes: Some(2 * shallow_bytes),
    };
    vec![
        row("map.group[string]*main.Session", 14_336, 400 * MIB),
        row("main.Session", 2_940_112, 314 * MIB),
        row("string", 9_812_004, 201 * MIB),
        row("[]uint32", 3_120_404, 96 * MIB),
        row("(unknown)", 81_002, 9 * MIB),
        row("github.com/example/platform/internal/model.(*TenantConfiguration).refresh.func1", 12, 1_152),
    ]
}

pub(crate) fn heap() -> Heap {
    Heap {
        objects: 24_013_442,
        object_bytes: 1_172 * MIB,
        live_objects: 21_899_010,
        live_bytes: 1_044 * MIB,
        roots: 18_221,
    }
}

pub(crate) fn inspection() -> Inspection {
    Inspection {
        schema: INSPECT_SCHEMA.into(),
        target: process(),
        memory: MemoryUse {
            rss_bytes: Some(1_372 * MIB),
            heap_live_bytes: 1_044 * MIB,
            heap_garbage_bytes: 118 * MIB,
            heap_fragmentation_bytes: 41 * MIB,
            heap_free_bytes: Some(96 * MIB),
            stacks_bytes: 6 * MIB + 300_000,
            runtime_bytes: Some(31 * MIB),
            binary_bytes: None,
            other_bytes: None,
        },
        heap: heap(),
        holders: holders(),
        suspects: suspects(),
        types: types(),
        maps: maps(),
        partial: vec![],
    }
}

pub(crate) fn holders() -> Vec<HolderRow> {
    let row = |kind: &str, name: &str, count, mib| HolderRow {
        kind: kind.into(),
        name: name.into(),
        count,
        retained_bytes: mib * MIB,
    };
    vec![
        row("variable", "main.sessions", 1, 700),
        row("shared", "(shared)", 0, 244),
        row("goroutine", "goroutine github.com/example/platform/internal/worker.(*Pool).dispatch", 12_000, 96),
        row("variable", "main.index", 1, 4),
    ]
}

pub(crate) fn suspects() -> Vec<Suspect> {
    let largest = |retained_bytes| Some(LargestObject { addr: "0xc000123450".into(), retained_bytes });
    vec![
        Suspect {
            path: ["main.sessions", "main.Registry", "map[string]*main.Session (header)", "main.Session"]
                .map(str::to_owned)
                .into(),
            count: 2_940_112,
            retained_bytes: 690 * MIB,
            largest: largest(900),
        },
        Suspect {
            path: vec!["(shared)".into(), "[]uint32".into()],
            count: 1,
            retained_bytes: 244 * MIB,
            largest: largest(244 * MIB),
        },
    ]
}

pub(crate) fn dominator_list() -> DominatorList {
    let node = |kind: &str, name: &str, count, mib, below: Vec<DominatorNode>| DominatorNode {
        kind: kind.into(),
        name: name.into(),
        count,
        shallow_bytes: 64 * count,
        retained_bytes: mib * MIB,
        largest: (kind == "type").then(|| LargestObject { addr: "0xc000123450".into(), retained_bytes: mib * MIB }),
        below,
        omitted: None,
    };
    let strings = node("type", "string", 9_812_004, 201, Vec::new());
    let long = "github.com/example/platform/internal/model.(*TenantConfiguration).refresh.func1";
    let mut session = node("type", "main.Session", 2_940_112, 690, vec![strings, node("type", long, 12, 40, vec![])]);
    session.omitted = Some(Omitted { nodes: 3, retained_bytes: 11 * MIB });
    let registry = node("type", "main.Registry", 1, 700, vec![session]);
    let buffer = node("type", "[]uint8", 12_000, 96, Vec::new());
    DominatorList {
        schema: DOMINATORS_SCHEMA.into(),
        target: process(),
        heap: heap(),
        suspects: suspects(),
        tree: vec![
            node("variable", "main.sessions", 1, 700, vec![registry]),
            node("shared", "(shared)", 0, 244, Vec::new()),
            node("goroutine", "goroutine main.worker", 12_000, 96, vec![buffer]),
        ],
        omitted: Some(Omitted { nodes: 1, retained_bytes: 4 * MIB }),
        partial: Vec::new(),
    }
}

pub(crate) fn map_list() -> MapList {
    let maps = maps();
    let total = maps.len() as u64;
    MapList {
        schema: MAPS_SCHEMA.into(),
        target: process(),
        maps,
        total_maps: total,
        matched_maps: total,
        partial: vec![],
    }
}

pub(crate) fn type_list() -> TypeList {
    let types = types();
    let total = types.len() as u64;
    TypeList {
        schema: TYPES_SCHEMA.into(),
        target: process(),
        heap: heap(),
        types,
        total_types: total,
        matched_types: total,
        partial: vec![],
    }
}

/// A map of `groups` groups in every state, laid out so that each part of the picture differs.
/// Two stacks of three, of which one is deep.
pub(crate) fn sampled_sites() -> SiteList {
    let line =
        |function: &str, line| CodeLine { function: function.into(), file: "/src/sessions/store.go".into(), line };
    let serve = [
        line("main.(*Server).serve", 40),
        line("main.main.func1", 12),
        line("main.main", 11),
        line("runtime.main", 283),
    ];
    let mut deep = vec![line("main.(*Store).put", 88)];
    deep.extend(serve.clone());
    let row = |stack, sampled_objects, estimated_bytes, share| SiteRow {
        stack,
        sampled_objects,
        sampled_bytes: sampled_objects * 264,
        estimated_bytes,
        share,
    };
    SiteList {
        rate_bytes: Some(512 << 10),
        reason: None,
        sampled_objects: 12,
        sampled_bytes: 12 * 264,
        estimated_bytes: 12 << 19,
        stacks: 3,
        sites: vec![row(deep, 8, 8 << 19, 0.6667), row(serve.to_vec(), 3, 3 << 19, 0.25)],
    }
}

/// Of a program that is not sampled.
pub(crate) fn no_sites() -> SiteList {
    SiteList {
        reason: Some("the program samples no allocations: runtime.MemProfileRate is 0".into()),
        ..SiteList::default()
    }
}

pub(crate) fn swiss_detail(groups: u32) -> MapDetail {
    let group = |i: u32| match i * 8 / groups {
        0 => GroupState { entries: 0, tombstones: 0, slots: 8 },
        1 => GroupState { entries: 0, tombstones: 1 + i % 3, slots: 8 },
        2 => GroupState { entries: 4, tombstones: 2, slots: 8 },
        n => GroupState { entries: (n + i % 3).min(8), tombstones: 0, slots: 8 },
    };
    let occupancy: Vec<GroupState> = (0..groups).map(group).collect();
    let mut entries_per_group = vec![0; 9];
    for group in &occupancy {
        entries_per_group[group.entries as usize] += 1;
    }
    let entries = occupancy.iter().map(|g| u64::from(g.entries)).sum();
    let figures = MapFigures {
        entries,
        slots: 8 * u64::from(groups),
        groups: groups.into(),
        holes: entries_per_group[0],
        tombstones: Some(occupancy.iter().map(|g| u64::from(g.tombstones)).sum()),
        zero_values: Some(entries / 10),
        table_bytes: 264 * u64::from(groups) + 48,
        padding_bytes: 7 * 8 * u64::from(groups),
        reclaimable_bytes: 120 * u64::from(groups),
        ..MapFigures::default()
    };
    MapDetail {
        schema: MAP_SCHEMA.into(),
        target: process(),
        map: row(0xc0_0012_3450, "main.sessions.online", "map[string]main.State", figures),
        layout: SlotLayout {
            key_type: "string".into(),
            elem_type: "main.State".into(),
            key_bytes: 16,
            elem_bytes: 9,
            group_bytes: 264,
            ..SlotLayout::default()
        },
        occupancy,
        entries_per_group,
        probe_lengths: Vec::new(),
        owners: vec!["main.sessions.online".into(), "goroutine 41 main.(*Server).expire: m".into()],
        sites: Some(sampled_sites()),
        partial: vec![],
    }
}

/// A legacy map that is growing, with chains of overflow buckets.
pub(crate) fn legacy_detail() -> MapDetail {
    let occupancy: Vec<GroupState> = (0..64u32)
        .map(|i| GroupState {
            entries: [0, 3, 8, 6, 11, 19, 0, 1][i as usize % 8],
            tombstones: 0,
            slots: [8, 8, 8, 8, 16, 24, 8, 8][i as usize % 8],
        })
        .collect();
    let mut entries_per_group = vec![0; 20];
    for group in &occupancy {
        entries_per_group[group.entries as usize] += 1;
    }
    let figures = MapFigures {
        entries: 384,
        slots: 704,
        groups: 64,
        holes: 16,
        overflow_buckets: Some(24),
        old_buckets_bytes: Some(9_472),
        evacuated_buckets: Some(13),
        zero_values: Some(0),
        table_bytes: 28_416,
        indirect_bytes: 384 * 160,
        padding_bytes: 0,
        reclaimable_bytes: 9_472,
        ..MapFigures::default()
    };
    MapDetail {
        schema: MAP_SCHEMA.into(),
        target: legacy_core(),
        map: row(0xc0_0000_e180, "main.ingest.pending", "map[uint64]main.Batch", figures),
        layout: SlotLayout {
            key_type: "uint64".into(),
            elem_type: "main.Batch".into(),
            key_bytes: 8,
            elem_bytes: 8,
            group_bytes: 144,
            indirect_key: false,
            indirect_elem: true,
        },
        occupancy,
        entries_per_group,
        probe_lengths: vec![312, 56, 16],
        owners: vec!["main.ingest.pending".into()],
        sites: Some(no_sites()),
        partial: vec![],
    }
}

/// A map nobody could read.
pub(crate) fn torn_detail() -> MapDetail {
    MapDetail {
        schema: MAP_SCHEMA.into(),
        target: process(),
        map: torn(),
        layout: SlotLayout {
            key_type: "net.Conn".into(),
            elem_type: "chan<- []uint8".into(),
            key_bytes: 16,
            elem_bytes: 8,
            group_bytes: 200,
            ..SlotLayout::default()
        },
        ..MapDetail::default()
    }
}

pub(crate) fn goroutine_list() -> GoroutineList {
    let line = |function: &str, file: &str, line| CodeLine { function: function.into(), file: file.into(), line };
    let waited = |known, min_ms, median_ms, max_ms| Some(Waited { known, min_ms, median_ms, max_ms });
    let watch = GoroutineRow {
        state: "chan receive".into(),
        count: 12_400,
        leaked: true,
        stack_bytes: 12_400 << 11,
        retained_bytes: 310 * MIB,
        waited: waited(12_399, 61_000, 3_700_000, 93_600_000),
        stack: vec![line("main.(*Store).watch", "/srv/sessions/src/store.go", 118)],
        created_by: Some(line("main.(*Store).Subscribe", "/srv/sessions/src/store.go", 96)),
        creators: vec![1],
        ids: (31..41).collect(),
        ..GoroutineRow::default()
    };
    let pool = GoroutineRow {
        state: "sync.Mutex.Lock".into(),
        count: 64,
        suspect: true,
        stack_bytes: 64 << 13,
        retained_bytes: 4 * MIB,
        waited: waited(64, 600_000, 600_000, 600_000),
        stack: vec![
            line("sync.(*Mutex).Lock", "/usr/local/go/src/sync/mutex.go", 46),
            line(
                "github.com/example/platform/internal/worker.(*Pool[...]).dispatch",
                "/root/go/pkg/mod/github.com/example/platform@v1.22.333/internal/worker/a_file_with_a_long_name.go",
                1204,
            ),
        ],
        ids: vec![7, 8, 9],
        ..GoroutineRow::default()
    };
    let deep = GoroutineRow {
        state: "running".into(),
        count: 1,
        locked: true,
        stack_bytes: MIB,
        stack: vec![line("main.walk", "/srv/walk.go", 7), line("main.main", "/srv/main.go", 3)],
        left_out: Some(LeftOut { after: 1, frames: 20_000 }),
        ids: vec![1],
        ..GoroutineRow::default()
    };
    let system = GoroutineRow {
        state: "GC worker (idle)".into(),
        count: 2,
        system: true,
        stack_bytes: 4096,
        stack: vec![line("runtime.gopark", "/usr/local/go/src/runtime/proc.go", 461)],
        ids: vec![18, 19],
        ..GoroutineRow::default()
    };
    GoroutineList {
        schema: GOROUTINES_SCHEMA.into(),
        target: process(),
        total_goroutines: 12_467,
        system_goroutines: 2,
        leaked_goroutines: Some(12_400),
        leaked_bytes: Some(311 * MIB),
        groups: vec![watch, pool, deep, system],
        total_groups: 4,
        matched_groups: 4,
        ..GoroutineList::default()
    }
}
