//! Paths and cycles for views.

use anyhow::{Result, bail};
use mapscope_go::{FoundPath, Garbage, MergedPath, Place, RootClass, Session, path_text};
use mapscope_report::model::{
    ClosingEdge, CycleList, CycleMap, CycleRow, Inspection, PathObject, PathObjects, PathReport, PathRow, PathStep,
    PathSubject,
};
use mapscope_report::{CYCLES_SCHEMA, PATH_SCHEMA};

use super::or_unknown;
use crate::args::RootArg;
use crate::config::PathQuery;

/// Who holds the object at `address`. An address that is in no object is an error that says what is there.
pub(crate) fn of_object(
    session: &Session<'_>,
    inspection: &Inspection,
    address: u64,
    query: &PathQuery,
) -> Result<PathReport> {
    let exclude = classes(query);
    let subject = subject(address, session.place(address))?;
    let paths: Vec<PathRow> = session.paths_to(address, &exclude).iter().map(one).collect();
    let mut report = report(inspection, query, &exclude, paths);
    report.object = Some(subject);
    Ok(report)
}

/// Who holds the live objects of `types`.
pub(crate) fn of_types(
    session: &Session<'_>,
    inspection: &Inspection,
    types: &[String],
    query: &PathQuery,
) -> PathReport {
    let exclude = classes(query);
    let merged = session.merged_paths(|name| types.iter().any(|t| *t == or_unknown(name)), &exclude);
    let mut report = report(inspection, query, &exclude, merged.paths.iter().map(row).collect());
    report.objects = Some(PathObjects {
        types: types.to_vec(),
        count: merged.count,
        shallow_bytes: merged.bytes,
        excluded_count: merged.left_count,
        excluded_bytes: merged.left_bytes,
    });
    report
}

fn report(inspection: &Inspection, query: &PathQuery, exclude: &[RootClass], paths: Vec<PathRow>) -> PathReport {
    PathReport {
        schema: PATH_SCHEMA.to_owned(),
        target: inspection.target.clone(),
        query: query.text.clone(),
        object: None,
        objects: None,
        excluded: exclude.iter().map(|c| c.name().to_owned()).collect(),
        total_paths: paths.len() as u64,
        paths,
        partial: inspection.partial.clone(),
        partial_scope: inspection.partial_scope.clone(),
    }
}

fn classes(query: &PathQuery) -> Vec<RootClass> {
    let class = |kind: &RootArg| match kind {
        RootArg::Global => RootClass::Global,
        RootArg::Stack => RootClass::Stack,
        RootArg::Finalizer => RootClass::Finalizer,
        RootArg::Cleanup => RootClass::Cleanup,
        RootArg::Runtime => RootClass::Runtime,
    };
    query.exclude.iter().map(class).collect()
}

fn subject(address: u64, place: Place) -> Result<PathSubject> {
    let (found, offset, garbage) = match place {
        Place::Live { object, offset } => (object, offset, None),
        Place::Garbage { object, offset, from } => (object, offset, Some(from)),
        Place::Free { bytes } => bail!("{address:#x} is in a free slot of {bytes} bytes: no object is there any more"),
        Place::Tail => bail!("{address:#x} is behind the last slot of a heap span: no object is ever there"),
        Place::Data(name) => {
            bail!("{address:#x} is no heap object: it is in the data of the program, {name}; nothing has to hold it")
        }
        Place::Stack(name) => bail!("{address:#x} is no heap object: it is on a stack, {name}"),
        Place::Code(name) => bail!("{address:#x} is no heap object: it is in the code of {name}"),
        Place::Elsewhere => bail!("{address:#x} is outside the heap, in memory that is not Go's objects"),
        Place::Unmapped => bail!("{address:#x} is outside the heap: nothing is mapped there"),
    };
    let live = garbage.is_none();
    let Garbage { count, first } = garbage.unwrap_or_default();
    let mut object = object(&found);
    object.retained_bytes = object.retained_bytes.filter(|_| live);
    let without = |o| PathObject { retained_bytes: None, ..self::object(o) };
    let referrers = first.iter().map(without).collect();
    Ok(PathSubject { object, offset, live, garbage_referrers: (!live).then_some(count), referrers })
}

fn one(path: &FoundPath) -> PathRow {
    PathRow {
        kind: Some(path.kind.name().to_owned()),
        root: path.root.clone(),
        path: path_text(&path.root, &path.steps),
        object: path.object.as_ref().map(object),
        steps: path.steps.iter().map(step).collect(),
        count: None,
        shallow_bytes: None,
    }
}

fn row(path: &MergedPath) -> PathRow {
    PathRow {
        kind: path.kind.map(|k| k.name().to_owned()),
        root: path.root.clone(),
        path: path_text(&path.root, &path.steps),
        object: None,
        steps: path.steps.iter().map(step).collect(),
        count: Some(path.count),
        shallow_bytes: Some(path.bytes),
    }
}

fn step(step: &mapscope_go::PathStep) -> PathStep {
    PathStep {
        label: step.label.clone(),
        owner_type: (!step.of.is_empty()).then(|| step.of.clone()),
        object: step.object.as_ref().map(object),
        times: (step.times > 1).then_some(step.times),
        times_from: (step.times_from < step.times).then_some(step.times_from),
        span: (step.span > 1).then_some(step.span),
        returns: step.returns,
    }
}

fn object(object: &mapscope_go::PathObject) -> PathObject {
    PathObject {
        addr: format!("{:#x}", object.address),
        type_name: or_unknown(&object.type_name).to_owned(),
        shallow_bytes: object.bytes,
        retained_bytes: Some(object.retained),
    }
}

/// Live objects that reach each other.
pub(crate) fn cycles(session: &Session<'_>, inspection: &Inspection, all: bool, limit: Option<usize>) -> CycleList {
    let found = session.cycles(all, limit);
    CycleList {
        schema: CYCLES_SCHEMA.to_owned(),
        target: inspection.target.clone(),
        cycles: found.groups.iter().map(cycle).collect(),
        with_map: found.with_map,
        without_map: found.without_map,
        all,
        partial: inspection.partial.clone(),
        partial_scope: inspection.partial_scope.clone(),
    }
}

fn cycle(group: &mapscope_go::CycleGroup) -> CycleRow {
    let map = |m: &mapscope_go::CycleMap| CycleMap {
        addr: format!("{:#x}", m.address),
        owner: m.owner.clone(),
        type_name: m.type_name.clone(),
    };
    CycleRow {
        objects: group.objects,
        shallow_bytes: group.bytes,
        map_count: group.map_count,
        maps: group.maps.iter().map(map).collect(),
        entry: object(&group.entry),
        owner: group.owner.clone(),
        path: path_text(or_unknown(&group.entry.type_name), &group.steps),
        steps: group.steps.iter().map(step).collect(),
        closing: ClosingEdge {
            from: object(&group.closing.from),
            field: group.closing.field.clone(),
            to: object(&group.closing.to),
        },
    }
}
