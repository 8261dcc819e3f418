//! What the inspections say of each thing, side by side.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::names::comparable;
use crate::model::{DiffFigures, Inspection, MapRef, RowKind};

/// What one inspection says of a thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Side {
    /// It is not there.
    #[default]
    Absent,
    Known(DiffFigures),
    /// A map that was being written: there, but without figures.
    Torn,
    /// Not among the rows, of which some were left out.
    Unlisted,
}

impl Side {
    pub(super) fn figures(self) -> Option<DiffFigures> {
        if let Self::Known(figures) = self { Some(figures) } else { None }
    }

    /// A figure; nothing of what is not there, `None` when it is not known.
    pub(super) fn value(self, figure: fn(&DiffFigures) -> Option<u64>) -> Option<u64> {
        match self {
            Self::Absent => Some(0),
            Self::Known(figures) => figure(&figures),
            Self::Torn | Self::Unlisted => None,
        }
    }

    /// Adds another thing of the same name. A sum of which a part is not known is not known.
    fn add(&mut self, other: Self) {
        *self = match (*self, other) {
            (Self::Absent, side) | (side, Self::Absent) => side,
            (Self::Known(a), Self::Known(b)) => Self::Known(sum(&a, &b)),
            (Self::Torn, _) | (_, Self::Torn) => Self::Torn,
            (Self::Unlisted, _) | (_, Self::Unlisted) => Self::Unlisted,
        };
    }
}

/// A thing, and what each inspection says of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Subject {
    pub(super) kind: RowKind,
    pub(super) name: String,
    pub(super) type_name: Option<String>,
    pub(super) heuristic: bool,
    /// One for each inspection.
    pub(super) sides: Vec<Side>,
}

impl Subject {
    /// A figure in each inspection; `None` when one of them does not know it.
    pub(super) fn values(&self, figure: fn(&DiffFigures) -> Option<u64>) -> Option<Vec<u64>> {
        self.sides.iter().map(|side| side.value(figure)).collect()
    }
}

/// Kind, name, and type of maps.
type Key<'i> = (RowKind, Cow<'i, str>, Option<&'i str>);

/// Maps, types and holders by name, in order of kind and name.
pub(super) fn subjects<'i>(inspections: &[&'i Inspection]) -> Vec<Subject> {
    let mut found: BTreeMap<Key<'i>, Subject> = BTreeMap::new();
    for (index, inspection) in inspections.iter().enumerate() {
        let mut add = |key: Key<'i>, side: Side, heuristic: bool| {
            let sides = vec![Side::Absent; inspections.len()];
            let subject = found.entry(key).or_insert_with(|| Subject { sides, ..Subject::default() });
            subject.heuristic |= heuristic;
            subject.sides[index].add(side);
        };
        add_all(inspection, &mut add);
    }
    let subject = |((kind, name, type_name), subject): (Key<'i>, Subject)| Subject {
        kind,
        name: name.into_owned(),
        type_name: type_name.map(str::to_owned),
        ..subject
    };
    let mut subjects: Vec<Subject> = found.into_iter().map(subject).collect();
    for (index, inspection) in inspections.iter().enumerate() {
        for subject in &mut subjects {
            if subject.sides[index] == Side::Absent && left_out(inspection, subject.kind) > 0 {
                subject.sides[index] = Side::Unlisted;
            }
        }
    }
    subjects
}

/// How many rows of a kind the inspection was saved without.
pub(super) fn left_out(inspection: &Inspection, kind: RowKind) -> u64 {
    let (total, listed) = match kind {
        RowKind::Map => (inspection.total_maps, inspection.maps.len()),
        RowKind::Type => (inspection.total_types, inspection.types.len()),
        RowKind::Total | RowKind::Holder | RowKind::Goroutine => (None, 0),
    };
    total.map_or(0, |total| total.saturating_sub(listed as u64))
}

fn add_all<'i>(inspection: &'i Inspection, add: &mut impl FnMut(Key<'i>, Side, bool)) {
    for map in inspection.maps.iter() {
        add((RowKind::Map, comparable(map.owner()), Some(map.type_name())), map_side(map), map.heuristic());
    }
    for row in &inspection.types {
        let figures = DiffFigures {
            count: Some(row.count),
            bytes: Some(row.shallow_bytes),
            retained_bytes: row.retained_bytes,
            ..DiffFigures::default()
        };
        add((RowKind::Type, Cow::Borrowed(&row.type_name), None), Side::Known(figures), false);
    }
    for row in &inspection.holders {
        // Who shares what changes with every goroutine that comes and goes; who reached it first does not.
        let name = if row.kind == "shared" { first_of(&row.name) } else { row.name.as_str() };
        let goroutine = row.kind == "goroutine" || row.kind == "shared" && name.starts_with("goroutine ");
        let kind = if goroutine { RowKind::Goroutine } else { RowKind::Holder };
        let figures =
            DiffFigures { count: Some(row.count), retained_bytes: Some(row.retained_bytes), ..DiffFigures::default() };
        add((kind, comparable(name), None), Side::Known(figures), false);
    }
}

/// The first of those who share something: `main.requests` of `main.requests and 3 others`.
fn first_of(shared: &str) -> &str {
    shared.rsplit_once(" and ").map_or(shared, |(first, _)| first)
}

fn map_side(map: MapRef<'_>) -> Side {
    let Some(figures) = map.figures() else { return Side::Torn };
    Side::Known(DiffFigures {
        maps: Some(1),
        count: Some(figures.entries),
        slots: Some(figures.slots),
        bytes: Some(figures.table_bytes),
        retained_bytes: map.retained_bytes(),
        reclaimable_bytes: Some(figures.reclaimable_bytes),
    })
}

fn sum(a: &DiffFigures, b: &DiffFigures) -> DiffFigures {
    let of = |figure: fn(&DiffFigures) -> Option<u64>| Some(figure(a)?.saturating_add(figure(b)?));
    DiffFigures {
        maps: of(|f| f.maps),
        count: of(|f| f.count),
        slots: of(|f| f.slots),
        bytes: of(|f| f.bytes),
        retained_bytes: of(|f| f.retained_bytes),
        reclaimable_bytes: of(|f| f.reclaimable_bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::tests::{holder, map, types};
    use crate::model::MapRow;

    fn of<'s>(subjects: &'s [Subject], name: &str) -> &'s Subject {
        subjects.iter().find(|s| s.name == name).unwrap_or_else(|| panic!("no {name}"))
    }

    #[test]
    fn things_of_one_name_are_added_up_and_those_of_two_goroutines_are_of_one_name() {
        let one = Inspection {
            maps: vec![
                map("goroutine 7 main.worker: seen", 100, 8),
                map("goroutine 8 main.worker: seen", 200, 24),
                MapRow { type_name: "map[int]bool".into(), ..map("goroutine 8 main.worker: seen", 50, 4) },
            ]
            .into(),
            holders: vec![holder("goroutine", "goroutine main.worker", 2, 9)],
            ..Inspection::default()
        };
        let two =
            Inspection { maps: vec![map("goroutine 99 main.worker: seen", 300, 32)].into(), ..Inspection::default() };
        let subjects = subjects(&[&one, &two]);
        assert_eq!(subjects.len(), 3);
        let seen = subjects.iter().find(|s| s.type_name.as_deref() == Some("map[int]int")).expect("the map");
        assert_eq!(seen.name, "goroutine main.worker: seen");
        let figures = |index: usize| seen.sides[index].figures().map(|f| (f.maps, f.bytes, f.slots, f.count));
        assert_eq!(figures(0), Some((Some(2), Some(300), Some(32 + 96), Some(32))));
        assert_eq!(figures(1), Some((Some(1), Some(300), Some(128), Some(32))));
        let workers = of(&subjects, "goroutine main.worker");
        assert_eq!((workers.kind, workers.sides[1]), (RowKind::Goroutine, Side::Absent));
        assert_eq!(workers.values(|f| f.count), Some(vec![2, 0]));
    }

    #[test]
    fn what_is_torn_or_not_listed_is_not_known() {
        let torn = MapRow { torn: true, figures: None, ..map("main.torn", 0, 0) };
        let whole = Inspection {
            maps: vec![map("main.torn", 10, 1), torn, map("main.a", 10, 1)].into(),
            types: types("main.T", 3),
            ..Inspection::default()
        };
        let limited =
            Inspection { total_maps: Some(2), maps: vec![map("main.b", 10, 1)].into(), ..Inspection::default() };
        let subjects = subjects(&[&whole, &limited]);
        assert_eq!(of(&subjects, "main.torn").sides, [Side::Torn, Side::Unlisted]);
        assert_eq!(of(&subjects, "main.a").sides[1], Side::Unlisted);
        assert_eq!(of(&subjects, "main.b").sides[0], Side::Absent);
        // Types were all saved.
        assert_eq!(of(&subjects, "main.T").sides[1], Side::Absent);
        assert_eq!(of(&subjects, "main.a").values(|f| f.count), None);
        assert_eq!((left_out(&limited, RowKind::Map), left_out(&limited, RowKind::Type)), (1, 0));
    }

    #[test]
    fn a_sum_whose_part_is_not_known_is_not_known() {
        let without = MapRow { retained_bytes: None, ..map("main.a", 10, 1) };
        let inspection = Inspection { maps: vec![map("main.a", 10, 1), without].into(), ..Inspection::default() };
        let subjects = subjects(&[&inspection]);
        assert_eq!(subjects[0].sides[0].figures().map(|f| (f.bytes, f.retained_bytes)), Some((Some(20), None)));
    }
}
