//! Hand-made data: what a reader could fill in, small enough to check by eye.

// Each test binary uses a part of it.
#![allow(dead_code)]

use mapscope_report::model::{
    BestOrder, BudgetRow, BytesRange, ChannelRow, ClosingEdge, CodeLine, CurvePoint, CycleList, CycleMap, CycleRow,
    DominatorList, DominatorNode, FieldRow, FinalizerRow, FinalizerTotals, FindingRow, GateReport, GateRun,
    GoroutineCount, GoroutineList, GoroutineRow, GroupState, GrowthRow, Heap, HolderRow, Inspection, LargestObject,
    LayoutReport, LayoutRow, LeftOut, MapCost, MapDetail, MapFigures, MapList, MapRow, MemoryUse, OffenderRow, Omitted,
    PathObject, PathObjects, PathReport, PathRow, PathStep, PathSubject, PinnedRow, PoolRow, QueuedRow, RunningRow,
    SiteList, SiteRow, SizeClass, SizeReport, SizedType, SliceRow, SlotLayout, SlotRow, StageTime, Storage, StringRow,
    StringTotals, Suspect, Target, TimerHeapRow, TimerRow, TimerTotals, TypeList, TypeRow, Waited,
};
use mapscope_report::{
    CYCLES_SCHEMA, DOMINATORS_SCHEMA, GOROUTINES_SCHEMA, INSPECT_SCHEMA, Inspected, LAYOUT_SCHEMA, MAP_SCHEMA,
    MAPS_SCHEMA, PATH_SCHEMA, SIZE_SCHEMA, TYPES_SCHEMA,
};

pub(crate) const MIB: u64 = 1 << 20;

pub(crate) fn process() -> Target {
    Target {
        kind: "process".into(),
        pid: Some(21291),
        exe: "/srv/sessions/bin/sessions".into(),
        library: None,
        other_runtimes: Vec::new(),
        go_version: "go1.27.3".into(),
        map_impl: "swiss".into(),
        stripped: false,
        taken_at: None,
        file_time: false,
        paused_ms: Some(18.2),
        pause: Some("fork".into()),
        copied_bytes: Some(12 << 20),
        why_not_forked: None,
        read_ms: 2104.0,
        stages: vec![StageTime { stage: "marking what is live".to_owned(), ms: 311.4 }],
    }
}

pub(crate) fn legacy_core() -> Target {
    Target {
        kind: "core".into(),
        pid: None,
        exe: "./ingest".into(),
        library: None,
        other_runtimes: Vec::new(),
        go_version: "go1.22.9".into(),
        map_impl: "legacy".into(),
        stripped: true,
        taken_at: None,
        file_time: false,
        paused_ms: None,
        pause: None,
        copied_bytes: None,
        why_not_forked: None,
        read_ms: 312.0,
        stages: Vec::new(),
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
        ..TypeRow::default()
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

/// A class of `live` and `wasted` mebibytes.
fn class(slot_bytes: Option<u64>, live: u64, wasted: u64) -> SizeClass {
    let slots = (live + wasted) * MIB / slot_bytes.unwrap_or(MIB);
    SizeClass {
        slot_bytes,
        spans: slots / 10 + 1,
        slots,
        live_slots: live * MIB / slot_bytes.unwrap_or(MIB),
        garbage_slots: 0,
        live_bytes: live * MIB,
        garbage_bytes: 0,
        fragmentation_bytes: wasted * MIB,
    }
}

pub(crate) fn inspection() -> Inspection {
    Inspection {
        containers: Vec::new(),
        schema: INSPECT_SCHEMA.into(),
        target: process(),
        memory: MemoryUse {
            rss_bytes: Some(1_372 * MIB),
            core_bytes: None,
            heap_live_bytes: 1_044 * MIB,
            heap_garbage_bytes: 118 * MIB,
            heap_fragmentation_bytes: 41 * MIB,
            heap_free_bytes: Some(96 * MIB),
            stacks_bytes: 6 * MIB + 300_000,
            runtime_bytes: Some(31 * MIB),
            binary_bytes: Some(8 * MIB),
            other_bytes: Some(28 * MIB - 300_000),
            classes: vec![class(Some(48), 41, 25), class(Some(6_528), 800, 13), class(None, 203, 3)],
            other: Vec::new(),
        },
        findings: findings(),
        heap: heap(),
        goroutines: Some(GoroutineCount { program: 12_465, runtime: 2 }),
        holders: holders(),
        suspects: suspects(),
        types: types(),
        maps: maps().into(),
        total_types: None,
        total_maps: None,
        untyped: None,
        untyped_maps: 0,
        partial: vec![],
        partial_scope: Vec::new(),
    }
}

pub(crate) fn findings() -> Vec<FindingRow> {
    let row = |rule: &str, name: &str, severity: &str, subject: &str, summary: &str, mib| FindingRow {
        rule: rule.into(),
        name: name.into(),
        severity: severity.into(),
        subject: subject.into(),
        summary: summary.into(),
        evidence: [("entries".to_owned(), 40_112), ("slots".to_owned(), 14_680_064)].into(),
        reclaimable_bytes: mib * MIB,
        advice: "Make it anew.".into(),
        ..FindingRow::default()
    };
    vec![
        row(
            "GM001",
            "drained-map",
            "high",
            "main.sessions.byID",
            "40,112 entries in 14,680,064 slots (0.3%): it grew to hold more, and a Go map never shrinks. Made anew it \
             takes 1.10 MiB, not 399 MiB.",
            398,
        ),
        row(
            "GH005",
            "leaked-goroutines",
            "medium",
            "github.com/example/platform/internal/worker.(*Pool[go.shape.string]).dispatch.func1",
            "12,000 goroutines wait for ever (chan receive): nobody else has what they wait for.",
            33,
        ),
        row("GH009", "dominator-concentration", "low", "main.sessions", "690 MiB are behind main.sessions.", 0),
    ]
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
        row("shared", "main.cache and 2 others", 0, 244),
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
            path: vec!["main.cache and 2 others".into(), "[]uint32".into()],
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
            node("shared", "main.cache and 2 others", 0, 244, Vec::new()),
            node("goroutine", "goroutine main.worker", 12_000, 96, vec![buffer]),
        ],
        omitted: Some(Omitted { nodes: 1, retained_bytes: 4 * MIB }),
        partial: Vec::new(),
        partial_scope: Vec::new(),
    }
}

pub(crate) fn map_list() -> MapList {
    let maps = maps();
    let total = maps.len() as u64;
    MapList {
        containers: Vec::new(),
        schema: MAPS_SCHEMA.into(),
        target: process(),
        maps: maps.into(),
        total_maps: total,
        matched_maps: total,
        partial: vec![],
        partial_scope: Vec::new(),
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
        storage: Some(storage()),
        partial: vec![],
        partial_scope: Vec::new(),
    }
}

/// A service that owns memory in every way.
pub(crate) fn storage() -> Storage {
    Storage {
        looked_at_bytes: 1_060 * MIB,
        slices: slices(),
        pinned: vec![PinnedRow {
            place: "main.Token.text".into(),
            type_name: "string".into(),
            objects: 40,
            references: 9_120,
            referred_bytes: 182_400,
            object_bytes: 41 * MIB,
            pinned_bytes: 41 * MIB - 182_400,
        }],
        strings: Some(strings()),
        channels: vec![
            ChannelRow {
                type_name: "chan main.Job".into(),
                count: 16,
                closed: 1,
                capacity: 16_384,
                queued: 16_384,
                buffer_bytes: 512 * 1024,
                senders: 40,
                ..ChannelRow::default()
            },
            ChannelRow { type_name: "chan struct {}".into(), count: 9, receivers: 8, torn: 1, ..ChannelRow::default() },
        ],
        pools: vec![
            PoolRow {
                owner: "main.buffers".into(),
                type_name: "*bytes.Buffer".into(),
                local: 120,
                victim: 4_000,
                local_bytes: MIB,
                victim_bytes: 31 * MIB,
            },
            PoolRow { owner: "fmt.ppFree".into(), local: 1, local_bytes: 192, ..PoolRow::default() },
        ],
        timers: Some(timers()),
        finalizers: Some(finalizers()),
    }
}

fn slices() -> Vec<SliceRow> {
    let slice = |place: &str, type_name: &str, arrays, used: u64, cap: u64| SliceRow {
        place: place.into(),
        type_name: type_name.into(),
        arrays,
        len_bytes: used,
        cap_bytes: cap,
        unused_bytes: cap - used,
    };
    vec![
        slice("main.Session.buf", "[]uint8", 40_000, 2 * MIB, 160 * MIB),
        slice(
            "goroutine github.com/example/platform/internal/worker.(*Pool).dispatch: pending",
            "[]github.com/example/platform/internal/model.TenantConfiguration",
            1,
            100,
            12 * MIB,
        ),
        slice("main.exact", "[]int", 1, 800, 800),
    ]
}

fn strings() -> StringTotals {
    let group = |len, count, savable_bytes, value: Option<&str>| StringRow {
        len,
        count,
        savable_bytes,
        place: "main.User.country".into(),
        value: value.map(str::to_owned),
    };
    StringTotals {
        count: 2_000_000,
        bytes: 48 * MIB,
        distinct: 412,
        distinct_bytes: 9_100,
        duplicated: 212,
        savable_bytes: 61 * MIB,
        groups: vec![group(31, 1_204_000, 36 * MIB, Some("a\\u{1b}[2Jb")), group(9, 40, 0, None)],
    }
}

fn timers() -> TimerTotals {
    let row = |function: &str, periodic, pending, unwatched, zombies, stopped| TimerRow {
        function: function.into(),
        periodic,
        pending,
        unwatched,
        zombies,
        stopped,
    };
    TimerTotals {
        functions: vec![
            row("time.sendTime", false, 12, 9_000, 0, 31),
            row("main.expire", false, 800, 0, 7, 0),
            row("time.sendTime", true, 3, 0, 0, 0),
        ],
        heaps: vec![
            TimerHeapRow { processor: 0, timers: 800, zombies: 7 },
            TimerHeapRow { processor: 3, timers: 22, zombies: 0 },
        ],
    }
}

fn finalizers() -> FinalizerTotals {
    FinalizerTotals {
        types: vec![
            FinalizerRow { type_name: "os.file".into(), finalizers: 1_200, cleanups: 0 },
            FinalizerRow { type_name: "main.Handle".into(), finalizers: 0, cleanups: 40 },
        ],
        queued_finalizers: 90_000,
        queued_cleanups: 1,
        queued: vec![QueuedRow { function: "main.(*Conn).close".into(), count: 90_000 }],
        running: vec![RunningRow {
            goroutine: 5,
            cleanup: false,
            function: "main.(*Conn).close".into(),
            inside: "sync.(*Mutex).Lock".into(),
        }],
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
        loops: Vec::new(),
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
        partial_scope: Vec::new(),
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
        loops: Vec::new(),
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
        partial_scope: Vec::new(),
    }
}

/// A map nobody could read.
pub(crate) fn torn_detail() -> MapDetail {
    MapDetail {
        loops: Vec::new(),
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

fn path_object(addr: u64, type_name: &str, shallow_bytes: u64, retained: u64) -> PathObject {
    PathObject {
        addr: format!("{addr:#x}"),
        type_name: type_name.into(),
        shallow_bytes,
        retained_bytes: Some(retained),
    }
}

fn path_step(label: &str, object: Option<PathObject>) -> PathStep {
    let owner_type = label.contains('.').then(|| format!("main.{label}"));
    PathStep { label: label.into(), owner_type, object, ..PathStep::default() }
}

/// An object deep in a registry, that a goroutine holds as well.
pub(crate) fn path_of_object() -> PathReport {
    let session = path_object(0xc0_0123_4500, "main.Session", 64, 4 * MIB);
    let mut next = path_step("Node.next", Some(path_object(0xc0_0044_0000, "main.Node", 32, 10_000 * 32)));
    next.times = Some(9_999);
    let mut pair = path_step("cell.chain", None);
    (pair.times, pair.span) = (Some(50), Some(2));
    let global = PathRow {
        kind: Some("global".into()),
        root: "main.sessions".into(),
        path: "main.sessions -> Registry.rows -> array element -> Row.items -> map value -> Node.next ×9,999 -> (chain.cell -> cell.chain) ×50".into(),
        object: Some(path_object(0xc0_0000_1000, "main.Registry", 48, 900 * MIB)),
        steps: vec![
            path_step("Registry.rows", None),
            path_step("array element", None),
            path_step("Row.items", Some(path_object(0xc0_0000_2000, "map[string]*main.Session (header)", 48, 890 * MIB))),
            path_step("map value", Some(path_object(0xc0_0033_0000, "main.Node", 32, 12_000 * 32))),
            next,
            path_step("chain.cell", None),
            pair,
        ],
        ..PathRow::default()
    };
    let stack = PathRow {
        kind: Some("stack".into()),
        root: "goroutine 41 main.(*Server).serve: s".into(),
        path: "goroutine 41 main.(*Server).serve: s".into(),
        object: Some(session.clone()),
        ..PathRow::default()
    };
    PathReport {
        schema: PATH_SCHEMA.into(),
        target: process(),
        query: "0xc001234528".into(),
        object: Some(PathSubject { object: session, offset: 40, live: true, ..PathSubject::default() }),
        paths: vec![global, stack],
        total_paths: 2,
        ..PathReport::default()
    }
}

/// Three kinds of ways to the sessions.
pub(crate) fn paths_of_type() -> PathReport {
    let row = |kind: &str, root: &str, path: &str, count, shallow_bytes| PathRow {
        kind: Some(kind.into()),
        root: root.into(),
        path: path.into(),
        count: Some(count),
        shallow_bytes: Some(shallow_bytes),
        steps: vec![PathStep { returns: path.contains('↺'), ..path_step("map value", None) }],
        ..PathRow::default()
    };
    let long = "main.tree -> Directory.entries -> map value -> Directory.parent ↺ -> github.com/example/platform/internal/model.TenantConfiguration.overrides -> slice element";
    PathReport {
        schema: PATH_SCHEMA.into(),
        target: process(),
        query: "^main".into(),
        objects: Some(PathObjects {
            types: vec!["main.Session".into(), "main.SessionKey".into()],
            count: 2_940_112,
            shallow_bytes: 314 * MIB,
            excluded_count: 12,
            excluded_bytes: 768,
        }),
        excluded: vec!["stack".into()],
        paths: vec![
            row("global", "main.sessions", "main.sessions -> Registry.items -> map value", 2_900_000, 310 * MIB),
            row("global", "main.tree", long, 40_000, 4 * MIB),
            row("global", "main.head", "main.head -> Node.next ×1–9,999", 100, 6_400),
        ],
        total_paths: 3,
        ..PathReport::default()
    }
}

/// A tree with parents, and a ring.
pub(crate) fn cycle_list() -> CycleList {
    let dir = path_object(0xc0_0001_0000, "main.Directory", 48, 3 * MIB);
    let map = |addr: u64| CycleMap {
        addr: format!("{addr:#x}"),
        owner: "main.root.children".into(),
        type_name: "map[string]*main.Directory".into(),
    };
    let tree = CycleRow {
        objects: 40_112,
        shallow_bytes: 3 * MIB,
        map_count: 10_002,
        maps: (0..5).map(|i| map(0xc0_0002_0000 + i * 48)).collect(),
        entry: dir.clone(),
        owner: "main.root".into(),
        path: "main.Directory -> Directory.children -> map value -> Directory.parent".into(),
        steps: vec![
            path_step("Directory.children", None),
            path_step("map value", None),
            path_step("Directory.parent", Some(dir.clone())),
        ],
        closing: ClosingEdge {
            from: path_object(0xc0_0001_0300, "main.Directory", 48, 48),
            field: "Directory.parent".into(),
            to: dir,
        },
    };
    let node = path_object(0xc0_0009_0000, "main.node", 16, 48);
    let ring = CycleRow {
        objects: 3,
        shallow_bytes: 48,
        entry: node.clone(),
        owner: "main.ring".into(),
        path: "main.node -> node.next ×3".into(),
        steps: vec![PathStep { times: Some(3), ..path_step("node.next", Some(node.clone())) }],
        closing: ClosingEdge { from: node.clone(), field: "node.next".into(), to: node },
        ..CycleRow::default()
    };
    CycleList {
        schema: CYCLES_SCHEMA.into(),
        target: process(),
        cycles: vec![tree, ring],
        with_map: 1,
        without_map: 1,
        all: true,
        partial: vec![],
        partial_scope: Vec::new(),
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
        program_goroutines: 12_465,
        system_goroutines: 2,
        leaked_goroutines: Some(12_400),
        leaked_bytes: Some(311 * MIB),
        groups: vec![watch, pool, deep, system],
        total_groups: 4,
        matched_groups: 4,
        ..GoroutineList::default()
    }
}

fn exactly(bytes: u64) -> BytesRange {
    BytesRange { expected_bytes: bytes, low_bytes: bytes, high_bytes: bytes, exact: true }
}

fn about(bytes: u64) -> BytesRange {
    let away = bytes / 50;
    BytesRange { expected_bytes: bytes, low_bytes: bytes - away, high_bytes: bytes + away, exact: false }
}

/// A million sessions, in both kinds of map.
pub(crate) fn size_report() -> SizeReport {
    let step = |entries: u64, until: u64, before: u64, peak: u64, after: u64| GrowthRow {
        entries,
        until_entries: until,
        slots: entries * 2,
        before: about(before),
        after: about(after),
        peak: about(peak),
    };
    let curve = |dip: u64| {
        let bytes = |i: u64| i * 50_000 * (40 + (i * dip) % 30);
        (1..=40).map(|i| CurvePoint { entries: i * 50_000, bytes: bytes(i) }).collect()
    };
    let swiss = MapCost {
        go: "1.27".into(),
        implementation: "swiss".into(),
        group_bytes: 200,
        grown: about(41 * MIB),
        grown_peak: about(41 * MIB + 28_672),
        made_bytes: 51 * MIB,
        hinted: about(51 * MIB),
        hinted_peak: about(51 * MIB),
        entry_bytes: 24_000_000,
        churned: Some(BytesRange { high_bytes: 82 * MIB, ..about(41 * MIB) }),
        steps: vec![
            GrowthRow {
                entries: 9,
                until_entries: 9,
                slots: 16,
                before: exactly(256),
                after: exactly(504),
                peak: exactly(712),
            },
            step(897, 897, 28_000, 84_000, 56_000),
            step(849_000, 991_000, 28 * MIB, 51 * MIB + 28_672, 51 * MIB),
            step(1_698_000, 1_982_000, 51 * MIB, 102 * MIB, 102 * MIB),
        ],
        curve: curve(3),
        ..MapCost::default()
    };
    let legacy = MapCost {
        go: "1.23".into(),
        implementation: "legacy".into(),
        group_bytes: 208,
        grown: about(55 * MIB),
        grown_peak: about(84 * MIB),
        made_bytes: 55 * MIB,
        hinted: about(55 * MIB),
        hinted_peak: about(55 * MIB),
        entry_bytes: 24_000_000,
        churned: Some(BytesRange { high_bytes: 208 * MIB, ..about(55 * MIB) }),
        steps: vec![step(851_969, 851_969, 28 * MIB, 84 * MIB, 55 * MIB)],
        curve: curve(7),
        ..MapCost::default()
    };
    SizeReport {
        schema: SIZE_SCHEMA.into(),
        map_type: "map[string]*Session".into(),
        key: SizedType { type_name: "string".into(), bytes: 16, align: 8, pointers: true },
        element: SizedType { type_name: "*Session".into(), bytes: 8, align: 8, pointers: true },
        entries: 1_000_000,
        maps: vec![swiss, legacy],
        make: "m := make(map[string]*Session, 1_000_000)".into(),
    }
}

/// A struct with holes, and one without.
pub(crate) fn layout_report() -> LayoutReport {
    let field = |name: &str, ty: &str, offset: u64, bytes: u64, padding_bytes: u64| FieldRow {
        name: name.into(),
        type_name: ty.into(),
        offset,
        bytes,
        align: bytes.min(8),
        padding_bytes,
    };
    let holed = LayoutRow {
        type_name: "main.Session".into(),
        bytes: 40,
        align: 8,
        pointers: true,
        pointer_bytes: 16,
        padding_bytes: 14,
        slot_bytes: 48,
        fields: vec![
            field("live", "bool", 0, 1, 7),
            field("user", "*main.User", 8, 8, 0),
            field("hits", "int64", 16, 8, 0),
            field("kind", "uint8", 24, 1, 7),
            field("seen", "time.Duration", 32, 8, 0),
        ],
        best: Some(BestOrder {
            bytes: 32,
            slot_bytes: 32,
            pointer_bytes: 8,
            order: ["user", "hits", "seen", "live", "kind"].map(str::to_owned).to_vec(),
        }),
        maps: vec![SlotRow {
            map_type: "map[string]main.Session".into(),
            role: "element".into(),
            indirect: false,
            group_bytes: 456,
            key_bytes: 16,
            element_bytes: 40,
            padding_bytes: 0,
            keys_offset: 8,
            key_stride: 56,
            elements_offset: 24,
            element_stride: 56,
        }],
    };
    let tight =
        LayoutRow { type_name: "main.User".into(), bytes: 24, slot_bytes: 24, align: 8, ..LayoutRow::default() };
    LayoutReport {
        schema: LAYOUT_SCHEMA.into(),
        exe: "./sessions".into(),
        go_version: "go1.27.3".into(),
        total_structs: 812,
        matched_structs: 2,
        structs: vec![holed, tight],
    }
}

/// The first of them alone.
pub(crate) fn one_layout() -> LayoutReport {
    let mut report = layout_report();
    report.structs.truncate(1);
    report.matched_structs = 1;
    report
}

/// A gate with budgets of every kind; two are broken.
pub(crate) fn gate_report() -> GateReport {
    let row = |name: &str, unit: &str, limit_text: &str, measured, limit| BudgetRow {
        name: name.into(),
        kind: "max".into(),
        limit_text: limit_text.into(),
        unit: unit.into(),
        holds: measured <= limit,
        measured,
        limit,
        ..BudgetRow::default()
    };
    let map = |owner: &str, addr: &str, measured| OffenderRow {
        subject: owner.into(),
        type_name: Some("map[string]*main.Session".into()),
        addr: Some(addr.into()),
        measured,
        limit: 10_000,
        ..OffenderRow::default()
    };
    let entries = BudgetRow {
        matched: Some(9),
        line: Some(7),
        advice: Some("Entries are put in and not taken out: bound the map, or delete what is done.".into()),
        offenders: (0..7).map(|n| map(&format!("main.cache.shard{n}"), "0xc000123450", 50_000 - n)).collect(),
        findings: vec![FindingRow {
            rule: "GM001".into(),
            name: "drained-map".into(),
            severity: "high".into(),
            subject: "main.cache.shard0".into(),
            summary: "40,112 entries in 14,680,064 slots: it grew to hold 12 M & a Go map never shrinks.".into(),
            ..FindingRow::default()
        }],
        ..row("map:main.cache.*:entries", "count", "10000", 50_000, 10_000)
    };
    let grown = OffenderRow {
        subject: "live".into(),
        measured: 12 * MIB,
        limit: 5 * MIB,
        before: Some(50 * MIB),
        now: Some(62 * MIB),
        ..OffenderRow::default()
    };
    let growth = BudgetRow {
        kind: "max-growth".into(),
        offenders: vec![grown],
        advice: Some("`mapscope dominators` shows who holds it.".into()),
        ..row("live", "bytes", "10%", 12 * MIB, 5 * MIB)
    };
    GateReport {
        schema: mapscope_report::GATE_SCHEMA.into(),
        target: inspection().target,
        holds: false,
        broken_budgets: 2,
        refused_budgets: 0,
        budgets: vec![
            row("live", "bytes", "64MiB", 62 * MIB, 64 * MIB),
            entries,
            growth,
            row("goroutines:main.idle", "count", "0", 0, 0),
        ],
        baseline: Some("before.json".into()),
        config: Some("mapscope.toml".into()),
        run: Some(GateRun {
            command: vec!["./svc.test".into(), "-test.run".into(), "Leak".into()],
            marker: "signal USR1".into(),
            ended: Some("status 0".into()),
        }),
        partial: Vec::new(),
        partial_scope: Vec::new(),
    }
}

/// An inspection of the service, `minute` minutes after eight: a cache that doubles, sessions that drain.
fn inspected(source: &str, minute: u64, cached: u64) -> Inspected {
    let mut inspection = inspection();
    inspection.target.taken_at = Some(format!("2026-11-21T20:{minute:02}:00.125Z"));
    let cache = MapFigures {
        entries: cached,
        slots: 2 * cached,
        groups: cached / 4,
        table_bytes: 40 * cached,
        ..MapFigures::default()
    };
    let cache = MapRow {
        retained_bytes: Some(200 * cached),
        ..row(0xc0_0900_0000, "main.cache.byKey", "map[string]*main.Entry", cache)
    };
    inspection.maps.edit(|maps| maps.push(cache));
    let holder = |kind: &str, name: &str, count, retained_bytes| HolderRow {
        kind: kind.into(),
        name: name.into(),
        count,
        retained_bytes,
    };
    inspection.holders.push(holder("variable", "main.cache", 1, 200 * cached + 96));
    inspection.holders.push(holder("goroutine", "goroutine main.(*Server).handle", cached / 1000, 64 * cached));
    inspection.types.push(TypeRow {
        type_name: "main.Entry".into(),
        count: cached,
        shallow_bytes: 160 * cached,
        retained_bytes: Some(160 * cached),
        ..TypeRow::default()
    });
    inspection.heap.live_bytes += 264 * cached;
    inspection.heap.live_objects += cached;
    Inspected { source: source.into(), inspection }
}

/// What became of the service in ten minutes.
pub(crate) fn two_inspections() -> Vec<Inspected> {
    let mut before = inspected("before.json", 20, 500_000);
    let mut after = inspected("pid 21291", 30, 1_000_000);
    let index = MapFigures { entries: 250_000, slots: 524_288, table_bytes: 20 * MIB, ..MapFigures::default() };
    let old = row(0xc0_0a00_0000, "main.index.old", "map[uint64]uint32", index.clone());
    let index = MapFigures { entries: 1_000_003, ..index };
    let next = row(0xc0_0b00_0000, "main.index.next", "map[uint64]uint32", index);
    before.inspection.maps.edit(|maps| {
        if let Some(figures) = &mut maps[0].figures {
            (figures.entries, figures.reclaimable_bytes) = (9_800_000, 0);
        }
        maps[0].retained_bytes = Some(1_322 * MIB);
        maps.push(old);
    });
    after.inspection.maps.edit(|maps| {
        maps[0].retained_bytes = Some(403 * MIB);
        maps[2] = MapRow { torn: true, figures: None, ..maps[2].clone() };
        maps.push(next);
    });
    // Three tags for each entry.
    for (inspected, entries) in [(&mut before, 1_500_000), (&mut after, 3_000_000)] {
        let tags = MapFigures { entries, slots: 2 * entries, table_bytes: 9 * entries, ..MapFigures::default() };
        let tags = row(0xc0_0c00_0000, "main.cache.tags", "map[main.Tag]struct {}", tags);
        inspected.inspection.maps.edit(|maps| maps.push(tags));
    }
    after.inspection.types.remove(5);
    vec![before, after]
}

/// The same every ten minutes.
pub(crate) fn four_inspections() -> Vec<Inspected> {
    [(0, 500_000), (10, 702_000), (20, 899_000), (30, 1_100_000)]
        .into_iter()
        .map(|(minute, cached)| inspected(&format!("{minute:02}.json"), minute, cached))
        .collect()
}

/// Two programs of which little can be compared.
pub(crate) fn unlike_inspections() -> Vec<Inspected> {
    let mut before = inspected("/var/tmp/core.\u{1b}[2J|17", 20, 500_000);
    before.inspection.target =
        Target { file_time: true, taken_at: Some("2026-11-21T20:00:00Z".into()), ..legacy_core() };
    before.inspection.memory.core_bytes = before.inspection.memory.rss_bytes.take();
    before.inspection.partial = vec!["the core is truncated: 14 of 212 segments end early (ulimit -c)".into()];
    let other = row(0x10, "bss+0x1f40", "map[int]int", MapFigures::default());
    before.inspection.maps.edit(|maps| maps.push(other));
    let mut after = inspected("after.json", 30, 500_000);
    (after.inspection.total_maps, after.inspection.total_types) = (Some(40), Some(900));
    vec![before, after]
}
