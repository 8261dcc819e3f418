//! Checks the table of maps: puts rows in, and compares what comes out with them, in whatever order it is asked for.

use super::*;

fn row(addr: u64, owner: &str, entries: u64, retained_bytes: Option<u64>) -> MapRow {
    let figures = MapFigures {
        entries,
        slots: 8,
        groups: 1,
        tombstones: Some(0),
        zero_values: (entries > 2).then_some(1),
        table_bytes: 100 * entries,
        ..MapFigures::default()
    };
    MapRow {
        addr: format!("{addr:#x}"),
        owner: owner.into(),
        type_name: "map[string]int".into(),
        implementation: "swiss".into(),
        retained_bytes,
        figures: Some(figures),
        ..MapRow::default()
    }
}

/// One of every kind.
fn rows() -> Vec<MapRow> {
    let torn = MapRow {
        torn: true,
        torn_reason: Some("it was being written".into()),
        figures: None,
        ..row(0xc000_0300, "main.torn", 1, Some(9))
    };
    vec![
        row(0xc000_0100, "main.a", 3, Some(1 << 40)),
        row(0xc000_0200, "main.b", 1, None),
        MapRow { heuristic: true, ..row(0xc000_0280, "main.a", 3, Some(u64::from(u32::MAX))) },
        torn,
        row(0xc000_0400, "main.a", 3, Some(u64::from(u32::MAX) - 1)),
    ]
}

#[test]
fn rows_come_out_as_they_went_in() {
    let table = MapTable::from(rows());
    assert_eq!(table.rows().collect::<Vec<_>>(), rows());
    assert_eq!((table.columns.all_audits.len(), table.columns.all_places.len()), (3, 4), "what is equal is kept once");
}

#[test]
fn json_is_that_of_rows() {
    let (table, rows) = (MapTable::from(rows()), rows());
    let json = serde_json::to_string_pretty(&table).unwrap();
    assert_eq!(json, serde_json::to_string_pretty(&rows).unwrap());
    let read: MapTable = serde_json::from_str(&json).unwrap();
    assert_eq!(read.rows().collect::<Vec<_>>(), rows);
    assert_eq!(serde_json::to_string_pretty(&MapTable::default()).unwrap(), "[]");
}

#[test]
fn an_address_that_is_none_is_refused() {
    for addr in ["", "0x", "c000", "0xg", "0x1234567890abcdef0"] {
        let json = serde_json::to_string(&[MapRow { addr: addr.into(), ..rows().remove(0) }]).unwrap();
        let error = serde_json::from_str::<MapTable>(&json).unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{addr}` is not the address of a map")), "{error}");
    }
}

#[test]
fn numbers_and_addresses_hold_in_whatever_order() {
    let mut table = MapTable::from(rows());
    let ids: Vec<(MapId, u64)> = table.iter().map(|map| (map.id(), map.address())).collect();
    table.sort_by_key(|map| (map.owner(), std::cmp::Reverse(map.address())));
    let order: Vec<u64> = table.iter().map(MapRef::address).collect();
    assert_eq!(order, [0xc000_0400, 0xc000_0280, 0xc000_0100, 0xc000_0200, 0xc000_0300]);
    table.retain(|map| map.owner() == "main.a");
    table.truncate(2);
    assert_eq!((table.len(), table.get(1).map(MapRef::address), table.get(2).is_none()), (2, Some(0xc000_0280), true));
    assert_eq!(table.owners().collect::<Vec<_>>(), ["main.a"]);
    for (id, address) in ids {
        assert_eq!((table.map(id).address(), table.at(address).map(MapRef::id)), (address, Some(id)));
    }
    assert!(table.at(0xc000_0101).is_none());
    // In the order of a document, which may be any.
    let table = MapTable::from(rows().into_iter().rev().collect::<Vec<_>>());
    assert_eq!(table.at(0xc000_0200).map(MapRef::owner), Some("main.b"));
    assert_eq!(table.map(MapId(99)).row().addr, "0x0", "a number of no map is of nothing");
}

#[test]
fn a_table_can_be_edited() {
    let mut table = MapTable::from(rows());
    table.edit(|rows| rows.retain(|row| row.torn));
    assert_eq!(table.iter().map(MapRef::owner).collect::<Vec<_>>(), ["main.torn"]);
}
