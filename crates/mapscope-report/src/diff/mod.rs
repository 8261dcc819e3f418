//! What changed between inspections of one program. Addresses move and numbers of goroutines are given anew, so things
//! are compared by name.
//!
//! [`rows`] lines up what the inspections say of each thing, [`verdict`] says what became of it, [`growth`] what it grows
//! in step with, [`notes`] what cannot be compared. All of them are plain functions of the inspections.

mod growers;
mod growth;
mod names;
mod notes;
mod rows;
mod totals;
mod verdict;

pub use growers::{Grower, growers};
pub(crate) use names::of_goroutine;
pub(crate) use notes::letter;
pub(crate) use totals::LIVE;

use std::cmp::Reverse;

use crate::DIFF_SCHEMA;
use crate::model::{
    Diff, DiffChange, DiffFigures, DiffInspection, DiffPoint, DiffRow, Inspection, PartialScope, RowKind, Target,
    Verdict,
};
use crate::moments::seconds;
use rows::{Side, Subject};

/// An inspection, and where it came from: the path of a file, or `pid 21291`.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// How the diff names it.
    pub source: String,
    /// What was found.
    pub inspection: Inspection,
}

/// Compares two or more inspections, in the order given. Rows of things that did not change are among the result.
pub fn diff(inspected: &[Inspected]) -> Diff {
    let inspections: Vec<&Inspection> = inspected.iter().map(|i| &i.inspection).collect();
    let mut subjects = totals::subjects(&inspections);
    subjects.extend(rows::subjects(&inspections));

    let same_maps = all_alike(inspections.iter().map(|i| i.target.map_impl.as_str()));
    let verdicts: Vec<Verdict> = subjects.iter().map(|s| verdict::verdict(s.kind, &s.sides, same_maps)).collect();
    let moments = moments(inspections.iter().map(|i| &i.target));
    let others = growth::candidates(&subjects, &verdicts);
    let make = |(subject, verdict): (&Subject, Verdict)| {
        let growth = growth::growth(subject, verdict, moments.as_deref(), &others);
        row(subject, verdict::with_growth(verdict, &growth), growth)
    };
    let mut rows: Vec<DiffRow> = subjects.iter().zip(verdicts).map(make).collect();
    // The sort is stable: totals stay in their order.
    rows.sort_by_cached_key(|row| match row.kind {
        RowKind::Total => (0, Reverse(0), row.kind, String::new()),
        kind => (1, Reverse(weight(row)), kind, row.name.clone()),
    });

    let named = inspected.iter().enumerate().map(|(index, i)| (notes::label(index, &i.source), &i.inspection));
    let partial_scope: Vec<PartialScope> = named
        .flat_map(|(label, inspection)| {
            let scope = inspection.uncertain();
            let row = |reason: &String| PartialScope {
                reason: format!("{label}: {reason}"),
                figures: scope.figures(reason).to_vec(),
            };
            inspection.partial.iter().map(row).collect::<Vec<_>>()
        })
        .collect();
    let inspection = |i: &Inspected| DiffInspection { source: i.source.clone(), target: i.inspection.target.clone() };
    Diff {
        schema: DIFF_SCHEMA.to_owned(),
        inspections: inspected.iter().map(inspection).collect(),
        notes: notes::notes(inspected, &subjects, moments.is_some()),
        findings: Vec::new(),
        total_rows: rows.len() as u64,
        rows,
        partial: partial_scope.iter().map(|row| row.reason.clone()).collect(),
        partial_scope,
    }
}

fn row(subject: &Subject, verdict: Verdict, growth: Vec<crate::model::Growth>) -> DiffRow {
    let sides = &subject.sides;
    let (first, last) = (sides.first().copied().unwrap_or_default(), sides.last().copied().unwrap_or_default());
    let point = |(index, side): (usize, &Side)| {
        let figures = side.figures()?;
        Some(DiffPoint { inspection: index as u64, figures })
    };
    DiffRow {
        kind: subject.kind,
        name: subject.name.clone(),
        type_name: subject.type_name.clone(),
        heuristic: subject.heuristic,
        verdict,
        before: first.figures(),
        after: last.figures(),
        change: change(first, last),
        series: if sides.len() > 2 { sides.iter().enumerate().filter_map(point).collect() } else { Vec::new() },
        growth,
    }
}

fn change(before: Side, after: Side) -> DiffChange {
    let of = |figure: fn(&DiffFigures) -> Option<u64>| {
        let value = |side: Side, other: Side| match side {
            Side::Known(figures) => figure(&figures),
            // A figure that the other one has not either does not apply.
            Side::Absent => other.figures().and_then(|f| figure(&f)).map(|_| 0),
            Side::Torn | Side::Unlisted => None,
        };
        Some(signed(value(before, after)?, value(after, before)?))
    };
    DiffChange { count: of(|f| f.count), bytes: of(|f| f.bytes), retained_bytes: of(|f| f.retained_bytes) }
}

/// `after - before`; a saved figure can be anything.
fn signed(before: u64, after: u64) -> i64 {
    let change = i128::from(after) - i128::from(before);
    i64::try_from(change).unwrap_or(if change < 0 { i64::MIN } else { i64::MAX })
}

/// How many bytes the row is about: what it grew or shrank by, or, for a drained map, what stays behind.
fn weight(row: &DiffRow) -> u64 {
    let retained = row.change.retained_bytes.filter(|_| row.kind != RowKind::Type);
    let changed = [row.change.bytes, retained].into_iter().flatten().map(i64::unsigned_abs).max();
    let stays = row.after.and_then(|f| f.bytes).filter(|_| row.verdict == Verdict::Drained);
    changed.max(stays).unwrap_or(0)
}

/// Seconds of each inspection, when all are known and each is later than the one before.
fn moments<'t>(targets: impl Iterator<Item = &'t Target>) -> Option<Vec<f64>> {
    let moments: Option<Vec<f64>> = targets.map(|target| seconds(target.taken_at.as_deref()?)).collect();
    moments.filter(|m| m.windows(2).all(|pair| pair[0] < pair[1]))
}

/// An inspection was given after one that was taken later, as both themselves say. What is of one moment, or has only the
/// time of its file, is out of no order.
fn out_of_order<'t>(targets: impl Iterator<Item = &'t Target>) -> bool {
    let known = targets.filter(|target| !target.file_time);
    let moments: Vec<f64> = known.filter_map(|target| seconds(target.taken_at.as_deref()?)).collect();
    moments.windows(2).any(|pair| pair[0] > pair[1])
}

fn all_alike<'n>(mut names: impl Iterator<Item = &'n str>) -> bool {
    let first = names.next();
    names.all(|name| Some(name) == first)
}

#[cfg(test)]
pub(crate) mod tests;
