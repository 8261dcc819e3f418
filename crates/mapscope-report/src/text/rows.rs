//! The columns of map tables and type tables, shared by the views.

use super::MapColumn;
use super::bar::bar;
use super::style::{BAD, DIM, GOOD, NAME, PLAIN, WARN};
use super::table::{Cell, Column, Table};
use super::units::{bytes, count, percent};
use crate::model::{MapFigures, MapRow, TypeRow};

/// Below this occupancy a map is worth a look. A map that has just doubled is still about 40% full (7/16 Swiss, 6.5/16
/// legacy), so a lower figure means that entries left; a quarter keeps a distance.
const SPARSE_PERCENT: u64 = 25;

/// Small maps are sparse without harm: eight slots with one entry waste nothing.
const SPARSE_MIN_SLOTS: u64 = 1024;

/// A table of maps. `addresses` adds the column that `mapscope map` takes; `keep` never leaves.
pub(crate) fn map_table(rows: &[MapRow], addresses: bool, keep: Option<MapColumn>) -> Table {
    let number = |title, column, drop| Column::number(title, if keep == Some(column) { 0 } else { drop });
    let mut columns = vec![
        // An address is what `map` and `path` take: names give way to it, and other columns leave before it.
        Column::name("owner", 0, 18),
        Column::name("type", 3, 13),
        Column::number("entries", 0),
        number("slots", MapColumn::Slots, 4),
        Column::number("occ.", 0),
        number("holes", MapColumn::Holes, 7),
        number("tomb.", MapColumn::Tombstones, 6),
        Column::number("overflow", 9),
        number("zero", MapColumn::ZeroValues, 8),
        Column::number("table", 0),
        number("reclaim.", MapColumn::Reclaimable, 2),
        number("retained", MapColumn::Retained, 3),
    ];
    if addresses {
        columns.push(Column::fixed("address", 1));
    }
    let mut table = Table::new(columns);
    for row in rows {
        let mut cells = vec![Cell::styled(NAME, marked_owner(row)), Cell::styled(DIM, type_name(&row.type_name))];
        match &row.figures {
            Some(figures) if !row.torn => cells.extend(figure_cells(figures)),
            _ => {
                cells.push(Cell::styled(BAD, "torn"));
                cells.extend(std::iter::repeat_n(Cell::blank(), 8));
            }
        }
        cells.push(row.retained_bytes.map_or_else(Cell::absent, |n| Cell::new(bytes(n))));
        if addresses {
            cells.push(Cell::styled(DIM, &row.addr));
        }
        table.push(cells);
    }
    table
}

fn figure_cells(f: &MapFigures) -> [Cell; 9] {
    let optional = |figure: Option<u64>| figure.map_or_else(Cell::absent, |n| Cell::new(count(n)));
    [
        Cell::new(count(f.entries)),
        Cell::new(count(f.slots)),
        Cell::styled(if is_sparse(f) { WARN } else { PLAIN }, percent(f.entries, f.slots)),
        Cell::new(percent(f.holes, f.groups)),
        optional(f.tombstones),
        optional(f.overflow_buckets),
        optional(f.zero_values),
        Cell::new(bytes(f.table_bytes)),
        Cell::styled(if is_sparse(f) { WARN } else { PLAIN }, bytes(f.reclaimable_bytes)),
    ]
}

/// Few entries in many slots.
pub(crate) fn is_sparse(f: &MapFigures) -> bool {
    f.slots >= SPARSE_MIN_SLOTS && f.entries.saturating_mul(100) < f.slots.saturating_mul(SPARSE_PERCENT)
}

/// A table of types with their share of `live_bytes`.
pub(crate) fn type_table(rows: &[TypeRow], live_bytes: u64, bars: bool) -> Table {
    const BAR: usize = 20;
    let mut table = Table::new(vec![
        Column::name("type", 0, 24),
        Column::number("count", 0),
        Column::number("shallow", 0),
        Column::number("share", 2),
        Column::number("retained", 1),
        Column::fixed("", 3),
    ]);
    let longest = rows.iter().map(|row| row.shallow_bytes).max().unwrap_or(0);
    for row in rows {
        table.push(vec![
            Cell::styled(NAME, marked_type(row)),
            Cell::new(count(row.count)),
            Cell::new(bytes(row.shallow_bytes)),
            if live_bytes == 0 { Cell::absent() } else { Cell::new(percent(row.shallow_bytes, live_bytes)) },
            row.retained_bytes.map_or_else(Cell::absent, |n| Cell::new(bytes(n))),
            if bars { Cell::styled(GOOD, bar(row.shallow_bytes, longest, BAR)) } else { Cell::blank() },
        ]);
    }
    table
}

/// The owner with `~` in front when it was inferred.
pub(crate) fn marked_owner(row: &MapRow) -> String {
    let owner = if row.owner.is_empty() { "(no owner found)" } else { &row.owner };
    format!("{}{owner}", if row.heuristic { "~" } else { "" })
}

fn type_name(name: &str) -> &str {
    if name.is_empty() { "(unknown)" } else { name }
}

/// The type with `~` in front when that of some of the objects was inferred.
fn marked_type(row: &TypeRow) -> String {
    let name = type_name(&row.type_name);
    format!("{}{name}", if row.inferred > 0 { "~" } else { "" })
}
