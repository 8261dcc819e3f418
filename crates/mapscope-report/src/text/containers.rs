//! Maps and caches of libraries: a table of their own below that of Go maps.

use super::TextOptions;
use super::footer::{more, note};
use super::inspect::title;
use super::style::{DIM, NAME, WARN};
use super::table::{Cell, Column, Table};
use super::units::{bytes, count};
use crate::model::{ContainerRow, MapRef, MapTable};

/// The section; nothing where there are none. `total`: before filters.
pub(crate) fn container_section(rows: &[ContainerRow], options: &TextOptions, addresses: bool) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let shown = options.shown(rows.len());
    let mut out = title("Maps of libraries", shown, rows.len(), "retained bytes");
    out += &table(&rows[..shown], addresses).render(options.width);
    out += &more(shown, rows.len());
    if rows[..shown].iter().any(|row| row.heuristic) {
        out += &note(
            "~ inferred: the type was concluded, not read, and the figures are those of that type",
            options.width,
        );
    }
    out
}

/// Those that would be among the first `limit` rows, if Go maps and they were one list by retained bytes.
pub(crate) fn among_first(rows: &[ContainerRow], maps: &MapTable, limit: Option<usize>) -> Vec<ContainerRow> {
    let Some(limit) = limit else { return rows.to_vec() };
    let mut retained: Vec<u64> = maps.iter().filter_map(MapRef::retained_bytes).collect();
    retained.sort_unstable_by(|a, b| b.cmp(a));
    let least = limit.checked_sub(1).and_then(|last| retained.get(last)).copied().unwrap_or(0);
    rows.iter().filter(|row| row.retained_bytes >= least).cloned().collect()
}

/// A figure that a row may have.
type Figure = fn(&ContainerRow) -> Option<u64>;

fn table(rows: &[ContainerRow], addresses: bool) -> Table {
    // A column that no row has says nothing.
    let has = |figure: Figure| rows.iter().any(|row| figure(row).is_some());
    let optional: [(&'static str, u8, Figure, bool); 7] = [
        ("slots", 5u8, |r| r.slots, false),
        ("tomb.", 6, |r| r.tombstones.filter(|n| *n > 0), false),
        ("limit", 6, |r| r.limit, false),
        ("maps", 7, |r| r.maps, false),
        ("storage", 4, |r| r.storage_bytes, true),
        ("tables", 4, |r| r.table_bytes, true),
        ("reclaim.", 3, |r| r.reclaimable_bytes, true),
    ];
    let optional: Vec<_> = optional.into_iter().filter(|(.., figure, _)| has(*figure)).collect();
    let mut columns = vec![Column::name("owner", 0, 18), Column::name("type", 2, 16), Column::number("entries", 0)];
    columns.extend(optional.iter().map(|(name, drop, ..)| Column::number(name, *drop)));
    columns.push(Column::number("retained", 0));
    if addresses {
        columns.push(Column::fixed("address", 1));
    }
    let mut table = Table::new(columns);
    for row in rows {
        let owner = if row.owner.is_empty() { "(no owner found)" } else { &row.owner };
        let mark = if row.heuristic { "~" } else { "" };
        let mut cells = vec![
            Cell::styled(NAME, owner),
            Cell::styled(DIM, format!("{mark}{}", row.type_name)),
            Cell::new(count(row.entries)),
        ];
        cells.extend(optional.iter().map(|(name, _, figure, in_bytes)| match figure(row) {
            None => Cell::absent(),
            Some(number) if *name == "reclaim." && number > row.table_bytes.unwrap_or(0) / 2 && number > 0 => {
                Cell::styled(WARN, bytes(number))
            }
            Some(number) => Cell::new(if *in_bytes { bytes(number) } else { count(number) }),
        }));
        cells.push(Cell::new(bytes(row.retained_bytes)));
        if addresses {
            cells.push(Cell::styled(DIM, &row.addr));
        }
        table.push(cells);
    }
    table
}
