//! Data for the tests of the parts, and what they make together.

use super::*;
use crate::model::{HolderRow, MapFigures, MapRow, TypeRow};

/// A map with four slots for each entry, which retains twice what its table takes.
pub(crate) fn map(owner: &str, table_bytes: u64, entries: u64) -> MapRow {
    let figures = Some(MapFigures { entries, slots: 4 * entries, table_bytes, ..MapFigures::default() });
    let (owner, type_name) = (owner.to_owned(), "map[int]int".to_owned());
    MapRow { owner, type_name, figures, retained_bytes: Some(2 * table_bytes), ..MapRow::default() }
}

pub(crate) fn types(name: &str, count: u64) -> Vec<TypeRow> {
    vec![TypeRow { type_name: name.into(), count, shallow_bytes: 16 * count, ..TypeRow::default() }]
}

pub(crate) fn holder(kind: &str, name: &str, count: u64, retained_bytes: u64) -> HolderRow {
    HolderRow { kind: kind.into(), name: name.into(), count, retained_bytes }
}

/// An inspection of a process with `maps`, taken at ten.
pub(crate) fn inspected(source: &str, maps: Vec<MapRow>) -> Inspected {
    let target = Target {
        kind: "process".into(),
        exe: "/srv/sessions".into(),
        go_version: "go1.27.3".into(),
        map_impl: "swiss".into(),
        taken_at: Some("2026-11-21T10:00:00Z".into()),
        ..Target::default()
    };
    Inspected { source: source.into(), inspection: Inspection { target, maps: maps.into(), ..Inspection::default() } }
}

/// An inspection `minute` minutes after ten.
fn at(minute: u64, maps: Vec<MapRow>) -> Inspected {
    let mut inspected = inspected("pid 7", maps);
    inspected.inspection.target.taken_at = Some(format!("2026-11-21T10:{minute:02}:00Z"));
    inspected
}

#[test]
fn rows_have_figures_changes_and_verdicts() {
    let drained = |entries| {
        let figures = MapFigures { entries, slots: 1 << 20, table_bytes: 5000, ..MapFigures::default() };
        MapRow { figures: Some(figures), ..map("main.drained", 0, 0) }
    };
    let mut before =
        at(0, vec![map("main.a", 100, 100), map("main.gone", 40, 5), drained(900_000), map("main.same", 7, 7)]);
    let mut after = at(1, vec![map("main.a", 400, 400), map("main.new", 30, 3), drained(1000), map("main.same", 7, 7)]);
    before.inspection.types = types("main.T", 30);
    after.inspection.types = types("main.T", 10);
    before.inspection.holders =
        vec![holder("variable", "main.v", 1, 10), holder("goroutine", "goroutine main.f", 2, 4)];
    after.inspection.holders = vec![holder("variable", "main.v", 1, 10), holder("goroutine", "goroutine main.f", 3, 9)];
    let diff = diff(&[before, after]);
    let rows: Vec<_> = diff.rows.iter().filter(|row| row.kind != RowKind::Total).collect();
    let seen: Vec<_> = rows
        .iter()
        .map(|r| (r.name.as_str(), r.verdict, r.change.count, r.change.bytes, r.change.retained_bytes))
        .collect();
    let want = [
        ("main.drained", Verdict::Drained, Some(-899_000), Some(0), Some(0)),
        ("main.a", Verdict::Grew, Some(300), Some(300), Some(600)),
        ("main.T", Verdict::Shrank, Some(-20), Some(-320), None),
        ("main.gone", Verdict::Gone, Some(-5), Some(-40), Some(-80)),
        ("main.new", Verdict::New, Some(3), Some(30), Some(60)),
        ("goroutine main.f", Verdict::Grew, Some(1), None, Some(5)),
        ("main.same", Verdict::Steady, Some(0), Some(0), Some(0)),
        ("main.v", Verdict::Steady, Some(0), None, Some(0)),
    ];
    assert_eq!(seen, want);
    assert_eq!((rows[3].before.map(|f| f.bytes), rows[3].after), (Some(Some(40)), None));
    assert_eq!(diff.total_rows, diff.rows.len() as u64);
    assert!(diff.rows.iter().all(|row| row.series.is_empty()), "two inspections make no series");
    assert_eq!((diff.schema.as_str(), diff.inspections.len()), (crate::DIFF_SCHEMA, 2));
}

#[test]
fn nothing_changes_between_an_inspection_and_itself() {
    let one = at(0, vec![map("main.a", 100, 100), map("main.b", 3, 3)]);
    let same = diff(&[one.clone(), one]);
    assert!(same.rows.iter().all(|row| row.verdict == Verdict::Steady && row.change.count.unwrap_or(0) == 0));
    assert!(!same.rows.is_empty());
}

#[test]
fn three_inspections_make_a_series() {
    let list = [0, 10, 20].map(|minute| at(minute, vec![map("main.a", 100 + minute, 6000 * (1 + minute))]));
    let row = diff(&list).rows.into_iter().find(|row| row.name == "main.a").expect("the map");
    let counts: Vec<_> = row.series.iter().map(|p| (p.inspection, p.figures.count)).collect();
    assert_eq!(counts, [(0, Some(6000)), (1, Some(66_000)), (2, Some(126_000))]);
    assert_eq!(row.verdict, Verdict::GrowsLinearly);
    // Six thousand a minute.
    let growth = &row.growth[0];
    assert_eq!((growth.with.as_str(), growth.figure.as_str(), growth.ratio.round()), ("time", "count", 100.0));
    assert!(growth.r_squared.is_some_and(|r| r > 0.999) && !growth.heuristic);
}

#[test]
fn a_map_that_was_torn_in_one_of_three_has_no_line() {
    let torn = MapRow { torn: true, figures: None, ..map("main.a", 0, 0) };
    let list = [map("main.a", 100, 1000), torn, map("main.a", 300, 3000)];
    let list: Vec<Inspected> = list.into_iter().zip([0, 10, 20]).map(|(map, minute)| at(minute, vec![map])).collect();
    let row = diff(&list).rows.into_iter().find(|row| row.name == "main.a").expect("the map");
    assert_eq!((row.verdict, row.series.len(), row.growth), (Verdict::Grew, 2, Vec::new()));
}

#[test]
fn saved_figures_can_be_anything() {
    let huge = diff(&[at(0, vec![map("main.a", 0, 0)]), at(1, vec![map("main.a", 1 << 62, 1 << 61)])]);
    let row = huge.rows.iter().find(|row| row.name == "main.a").expect("the map");
    assert_eq!(row.change.retained_bytes, Some(i64::MAX));
    assert_eq!((signed(0, u64::MAX), signed(u64::MAX, 0)), (i64::MAX, i64::MIN));
}
