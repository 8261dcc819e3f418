//! From what was read to the data that views show.

mod causes;
pub(crate) mod dominators;
pub(crate) mod findings;
pub(crate) mod goroutines;
pub(crate) mod growth;
pub(crate) mod held;
mod lost;
pub(crate) mod partial;
pub(crate) mod paths;
mod profile;
pub(crate) mod report;
mod sites;
pub(crate) mod storage;

pub(crate) use profile::{heap_profile, live_heap};
pub(crate) use sites::{live_sites, why_none};

use std::time::Duration;

use mapscope_go::{ClassUse, Containers, MapDetails, Mapping, Session, Totals};
use mapscope_memory::{Figure, Pause, Process, TargetInfo, TargetKind};
use mapscope_report::model::{
    GoroutineCount, GroupState, Heap, Inspection, MapDetail, MemoryUse, OtherMemory, SiteList, SizeClass, SlotLayout,
    StageTime, Target, TypeRow, Untyped, UntypedGroup,
};
use mapscope_report::{INSPECT_SCHEMA, MAP_SCHEMA, rfc3339};

/// How a live process was held still, and what that cost it.
pub(crate) struct Stop {
    pause: Pause,
    pub(crate) paused: Duration,
    pub(crate) copied_bytes: Option<u64>,
    pub(crate) why_not_forked: Option<String>,
}

impl Stop {
    /// Of a process that has been read.
    pub(crate) fn of(process: &Process) -> Self {
        Self {
            pause: process.pause(),
            paused: process.paused(),
            copied_bytes: process.copied_bytes(),
            why_not_forked: process.why_not_forked().map(str::to_owned),
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self.pause {
            Pause::Fork => "fork",
            Pause::Copy => "copy",
            Pause::None => "none",
            Pause::Whole => "whole",
        }
    }
}

/// The whole picture of a session.
pub(crate) fn inspection(
    session: &Session<'_>,
    containers: Containers,
    info: &TargetInfo,
    read: Duration,
    stop: Option<Stop>,
) -> Inspection {
    let (mut sentences, mut scope) = (Vec::new(), Vec::new());
    let mut reasons = session.partial.clone();
    if containers.left_out > 0 {
        let reason = format!("{} maps of libraries are left out: there are too many", containers.left_out);
        reasons.add(Figure::Maps, reason);
    }
    if session.redacted {
        reasons.add(Figure::Storage | Figure::Maps, REDACTED);
    }
    partial::add(&reasons, &mut sentences, &mut scope);
    Inspection {
        schema: INSPECT_SCHEMA.to_owned(),
        target: target(session, info, read, stop),
        memory: memory_use(session, info),
        findings: Vec::new(),
        heap: heap(&session.totals),
        goroutines: Some(goroutine_count(session)),
        holders: dominators::holders(session),
        suspects: dominators::suspects(session),
        types: session
            .types
            .iter()
            .map(|t| TypeRow {
                type_name: or_unknown(&t.name).to_owned(),
                count: t.count,
                inferred: t.inferred,
                shallow_bytes: t.bytes,
                retained_bytes: Some(t.retained),
            })
            .collect(),
        maps: session.maps.clone(),
        containers: containers.rows,
        total_types: None,
        total_maps: None,
        untyped: untyped(session),
        untyped_maps: session.untyped_maps,
        partial: sentences,
        partial_scope: scope,
    }
}

fn untyped(session: &Session<'_>) -> Option<Untyped> {
    let found = session.untyped();
    let groups = found.groups.into_iter().map(|g| UntypedGroup {
        slot_bytes: g.slot_bytes,
        pointers: g.pointers,
        objects: g.objects,
        bytes: g.bytes,
        owner: g.owner,
    });
    (found.objects > 0).then(|| Untyped { objects: found.objects, bytes: found.bytes, groups: groups.collect() })
}

/// What a core does not tell whose data was overwritten.
const REDACTED: &str = "the core is redacted: values that are zero and strings that are equal cannot be told";

/// The name of a type; objects whose type is not known have an empty one.
fn or_unknown(type_name: &str) -> &str {
    if type_name.is_empty() { "(unknown)" } else { type_name }
}

fn target(session: &Session<'_>, info: &TargetInfo, read: Duration, stop: Option<Stop>) -> Target {
    Target {
        kind: match info.kind {
            TargetKind::Process => "process",
            TargetKind::Core => "core",
        }
        .to_owned(),
        pid: (info.pid != 0).then_some(info.pid),
        exe: info.exe.to_string_lossy().into_owned(),
        library: (info.exe.to_string_lossy() != session.file).then(|| session.file.clone()),
        other_runtimes: session.other_runtimes.clone(),
        go_version: session.go_version.clone(),
        map_impl: if session.swiss { "swiss" } else { "legacy" }.to_owned(),
        stripped: session.stripped,
        taken_at: info.taken_at.and_then(rfc3339),
        file_time: info.file_time,
        paused_ms: stop.as_ref().map(|s| milliseconds(s.paused)),
        pause: stop.as_ref().map(|s| s.name().to_owned()),
        copied_bytes: stop.as_ref().and_then(|s| s.copied_bytes),
        why_not_forked: stop.and_then(|s| s.why_not_forked),
        read_ms: milliseconds(read),
        stages: Vec::new(),
    }
}

/// A duration to a tenth of a millisecond.
pub(crate) fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

/// Adds what a stage took after the reading to the time of the target's line.
pub(crate) fn add_time(target: &mut Target, stage: &str, more: Duration) {
    let ms = milliseconds(more);
    target.read_ms = ((target.read_ms + ms) * 10.0).round() / 10.0;
    target.stages.push(StageTime { stage: stage.to_owned(), ms });
}

fn memory_use(session: &Session<'_>, info: &TargetInfo) -> MemoryUse {
    let totals = &session.totals;
    let Some(parts) = &session.memory else {
        return MemoryUse {
            rss_bytes: info.rss_bytes,
            heap_live_bytes: totals.live_bytes,
            heap_garbage_bytes: totals.object_bytes.saturating_sub(totals.live_bytes),
            heap_fragmentation_bytes: totals.fragmentation_bytes,
            stacks_bytes: totals.stack_bytes,
            ..MemoryUse::default()
        };
    };
    // A core says what was resident only where mapscope wrote it; any other stands for what it holds.
    let resident = info.rss_bytes.is_some();
    MemoryUse {
        rss_bytes: resident.then_some(parts.resident),
        core_bytes: (!resident).then_some(parts.resident),
        heap_live_bytes: parts.live,
        heap_garbage_bytes: parts.garbage,
        heap_fragmentation_bytes: parts.fragmentation,
        heap_free_bytes: Some(parts.free),
        stacks_bytes: parts.stacks,
        runtime_bytes: parts.runtime,
        binary_bytes: Some(parts.binary),
        other_bytes: Some(parts.other),
        other: parts.others.iter().map(other_memory).collect(),
        classes: parts.classes.iter().map(size_class).collect(),
    }
}

fn other_memory(other: &mapscope_go::OtherMemory) -> OtherMemory {
    let (kind, name) = match &other.mapping {
        Mapping::File(path) => ("file", path.to_string_lossy().into_owned()),
        Mapping::Shared(name) => ("shared", name.clone()),
        Mapping::Brk => ("brk", String::new()),
        Mapping::ThreadStack => ("thread stack", String::new()),
        Mapping::Anonymous => ("anonymous", String::new()),
    };
    OtherMemory { kind: kind.to_owned(), name, mappings: other.mappings, bytes: other.bytes }
}

fn size_class(class: &ClassUse) -> SizeClass {
    SizeClass {
        slot_bytes: class.slot_bytes,
        spans: class.spans,
        slots: class.slots,
        live_slots: class.live_slots,
        garbage_slots: class.garbage_slots,
        live_bytes: class.live,
        garbage_bytes: class.garbage,
        fragmentation_bytes: class.fragmentation,
    }
}

fn heap(totals: &Totals) -> Heap {
    Heap {
        objects: totals.objects,
        object_bytes: totals.object_bytes,
        live_objects: totals.live_objects,
        live_bytes: totals.live_bytes,
        roots: totals.roots,
    }
}

fn goroutine_count(session: &Session<'_>) -> GoroutineCount {
    let mapscope_go::GoroutineCount { program, runtime } = session.goroutine_count();
    GoroutineCount { program, runtime }
}

/// One map in depth; `None` when the inspection does not list it.
pub(crate) fn map_detail(inspection: &Inspection, details: MapDetails, sites: SiteList) -> Option<MapDetail> {
    let map = inspection.maps.at(details.audit.address)?.row();
    let mut entries_per_group = Vec::new();
    for group in &details.groups {
        let entries = group.entries as usize;
        if entries_per_group.len() <= entries {
            entries_per_group.resize(entries + 1, 0);
        }
        entries_per_group[entries] += 1;
    }
    Some(MapDetail {
        schema: MAP_SCHEMA.to_owned(),
        target: inspection.target.clone(),
        owners: vec![map.owner.clone()],
        map,
        layout: SlotLayout {
            key_type: details.key_type,
            elem_type: details.elem_type,
            key_bytes: details.key_bytes,
            elem_bytes: details.elem_bytes,
            group_bytes: details.group_bytes,
            indirect_key: details.indirect_key,
            indirect_elem: details.indirect_elem,
        },
        occupancy: details
            .groups
            .iter()
            .map(|g| GroupState { entries: g.entries, tombstones: g.tombstones, slots: g.slots })
            .collect(),
        entries_per_group,
        probe_lengths: details.chain_positions,
        loops: Vec::new(),
        sites: Some(sites),
        partial: inspection.partial.clone(),
        partial_scope: inspection.partial_scope.clone(),
    })
}
