//! What changed between two inspections of one program. Addresses move and numbers of goroutines are given anew, so things
//! are compared by name.

use std::collections::BTreeMap;

use crate::model::{Diff, DiffRow, Inspection};

/// What differs in bytes or number, the largest change of bytes first.
pub fn changes(before: &Inspection, after: &Inspection) -> Diff {
    let mut rows = BTreeMap::new();
    for (side, inspection) in [before, after].into_iter().enumerate() {
        add_all(&mut rows, side, inspection);
    }
    let row =
        |((kind, name, type_name), [(before_bytes, before_count), (after_bytes, after_count)]): (Key<'_>, Sides)| {
            DiffRow {
                kind,
                name: name.to_owned(),
                type_name: type_name.map(str::to_owned),
                before_bytes,
                after_bytes,
                before_count,
                after_count,
            }
        };
    let changed = rows.into_iter().filter(|(_, [before, after])| before != after);
    let mut rows: Vec<DiffRow> = changed.map(row).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.before_bytes.abs_diff(row.after_bytes)));
    Diff { before: before.target.clone(), rows }
}

/// Kind, name, and type of a map.
type Key<'i> = (&'static str, &'i str, Option<&'i str>);
/// Bytes and number, before and after.
type Sides = [(u64, u64); 2];

fn add_all<'i>(rows: &mut BTreeMap<Key<'i>, Sides>, side: usize, inspection: &'i Inspection) {
    let mut add = |key, bytes: u64, count: u64| {
        let sum: &mut (u64, u64) = &mut rows.entry(key).or_default()[side];
        *sum = (sum.0.saturating_add(bytes), sum.1.saturating_add(count));
    };
    for map in &inspection.maps {
        if let Some(figures) = map.figures.as_ref().filter(|_| !map.torn) {
            add(("map", &map.owner, Some(&map.type_name)), figures.table_bytes, figures.entries);
        }
    }
    for row in &inspection.types {
        add(("type", &row.type_name, None), row.shallow_bytes, row.count);
    }
    for row in &inspection.holders {
        add(("holder", &row.name, None), row.retained_bytes, row.count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{HolderRow, MapFigures, MapRow, TypeRow};

    fn map(owner: &str, table_bytes: u64, entries: u64) -> MapRow {
        let figures = Some(MapFigures { entries, table_bytes, ..MapFigures::default() });
        MapRow { owner: owner.into(), type_name: "map[int]int".into(), figures, ..MapRow::default() }
    }

    #[test]
    fn only_what_changed_is_listed_by_how_much() {
        let types = |count| vec![TypeRow { type_name: "main.T".into(), count, ..TypeRow::default() }];
        let holders =
            |bytes| vec![HolderRow { name: "main.v".into(), count: 1, retained_bytes: bytes, ..HolderRow::default() }];
        let torn = MapRow { torn: true, ..map("main.torn", 9, 9) };
        let before = Inspection {
            maps: vec![map("main.a", 100, 1), map("main.a", 20, 2), map("main.same", 7, 7), map("main.gone", 50, 5)],
            types: types(3),
            holders: holders(10),
            ..Inspection::default()
        };
        let after = Inspection {
            maps: vec![map("main.a", 400, 4), map("main.same", 7, 7), torn],
            types: types(4),
            holders: holders(10),
            ..Inspection::default()
        };
        let diff = changes(&before, &after);
        let rows = diff
            .rows
            .iter()
            .map(|r| (r.kind, r.name.as_str(), r.before_bytes, r.after_bytes, r.before_count, r.after_count));
        let want =
            [("map", "main.a", 120, 400, 3, 4), ("map", "main.gone", 50, 0, 5, 0), ("type", "main.T", 0, 0, 3, 4)];
        assert_eq!(rows.collect::<Vec<_>>(), want);
        assert!(changes(&after, &after).rows.is_empty());
    }
}
