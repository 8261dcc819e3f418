//! What changed, as the page reads it (`ui/src/data.ts`): a line for each thing of which both sides are known.

use serde::Serialize;

use crate::model::{Diff, DiffChange, DiffFigures, DiffRow, RowKind, Target};
use crate::text::diff::words::weight;

/// Changes at most.
const CHANGES: usize = 5000;

#[derive(Serialize)]
pub(super) struct Changes<'r> {
    before: &'r Target,
    rows: Vec<Change<'r>>,
}

#[derive(Serialize)]
struct Change<'r> {
    kind: &'static str,
    name: &'r str,
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    type_name: Option<&'r str>,
    before_bytes: u64,
    after_bytes: u64,
    before_count: u64,
    after_count: u64,
}

impl<'r> Changes<'r> {
    /// `None` for a diff of nothing.
    pub(super) fn of(diff: &'r Diff) -> Option<Self> {
        let before = &diff.inspections.first()?.target;
        Some(Self { before, rows: diff.rows.iter().filter_map(Change::of).take(CHANGES).collect() })
    }
}

impl<'r> Change<'r> {
    /// `None` for a total, which the page shows elsewhere, for what did not change, and for what cannot be compared.
    fn of(row: &'r DiffRow) -> Option<Self> {
        let kind = match row.kind {
            RowKind::Map => "map",
            RowKind::Type => "type",
            RowKind::Holder | RowKind::Goroutine => "holder",
            RowKind::Total => return None,
        };
        // The same figure as in the other views.
        let bytes = weight(row);
        let figures = |side: Option<DiffFigures>| {
            let figures = side.unwrap_or_default();
            (bytes(&figures).unwrap_or(0), figures.count.unwrap_or(0))
        };
        let ((before_bytes, before_count), (after_bytes, after_count)) = (figures(row.before), figures(row.after));
        // Also where another figure than the one that is shown did. What a type retains says more of what is below it.
        let DiffChange { count, bytes, retained_bytes } = row.change;
        let retained_bytes = retained_bytes.filter(|_| row.kind != RowKind::Type);
        let changed = [count, bytes, retained_bytes].into_iter().flatten().any(|more| more != 0);
        let type_name = row.type_name.as_deref();
        let change = Self { kind, name: &row.name, type_name, before_bytes, after_bytes, before_count, after_count };
        (row.change.count.is_some() && changed).then_some(change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::diff;
    use crate::diff::tests::{holder, inspected, map};
    use crate::model::MapRow;

    #[test]
    fn only_what_changed_is_listed_by_how_much() {
        let torn = || MapRow { torn: true, figures: None, ..map("main.torn", 0, 0) };
        let mut before =
            inspected("before.json", vec![map("main.a", 120, 3), map("main.same", 7, 7), map("main.gone", 50, 5)]);
        let mut after = inspected("pid 7", vec![map("main.a", 400, 4), map("main.same", 7, 7)]);
        before.inspection.maps.edit(|maps| maps.push(map("main.torn", 9, 9)));
        after.inspection.maps.edit(|maps| maps.push(torn()));
        after.inspection.holders = vec![holder("goroutine", "goroutine main.f", 2, 8)];
        let diff = diff(&[before, after]);
        let changes = Changes::of(&diff).expect("there are two sides");
        let rows: Vec<_> = changes
            .rows
            .iter()
            .map(|r| (r.kind, r.name, r.before_bytes, r.after_bytes, r.before_count, r.after_count))
            .collect();
        let want = [
            ("map", "main.a", 240, 800, 3, 4),
            ("map", "main.gone", 100, 0, 5, 0),
            ("holder", "goroutine main.f", 0, 8, 0, 2),
        ];
        assert_eq!(rows, want);
    }
}
