//! Data for the tests of commands.

use mapscope_report::INSPECT_SCHEMA;
use mapscope_report::model::{FindingRow, Inspection, MapFigures, MapRow, TypeRow};

use crate::output::Output;

/// Four maps, one of them torn, and two types.
pub(crate) fn inspection() -> Inspection {
    let map = |addr: u64, owner: &str, type_name: &str, figures| MapRow {
        addr: format!("{addr:#x}"),
        owner: owner.into(),
        type_name: type_name.into(),
        implementation: "swiss".into(),
        torn: Option::is_none(&figures),
        figures,
        ..MapRow::default()
    };
    let figures = |entries, table_mib: u64, reclaimable_mib: u64, tombstones| {
        let (table_bytes, reclaimable_bytes) = (table_mib << 20, reclaimable_mib << 20);
        let tombstones = Some(tombstones);
        Some(MapFigures {
            entries,
            slots: 1 << 22,
            groups: 1 << 19,
            table_bytes,
            reclaimable_bytes,
            tombstones,
            ..MapFigures::default()
        })
    };
    let row = |type_name: &str, count, shallow_bytes| TypeRow {
        type_name: type_name.into(),
        count,
        shallow_bytes,
        retained_bytes: Some(2 * shallow_bytes),
        ..TypeRow::default()
    };
    Inspection {
        schema: INSPECT_SCHEMA.into(),
        findings: vec![FindingRow { rule: "GM001".into(), severity: "medium".into(), ..FindingRow::default() }],
        types: vec![row("main.Session", 2000, 128_000), row("string", 10, 160)],
        maps: vec![
            map(0xc0_0010_0000, "main.sessions.byID", "map[string]*main.Session", figures(40_112, 400, 398, 0)),
            map(0xc0_0020_0000, "main.index", "map[string][]uint32", figures(3_120_404, 164, 0, 900)),
            map(0xc0_0030_0000, "main.sessions.byUser", "map[int64]string", figures(12, 1, 1, 7)),
            map(0xc0_0040_0000, "main.hub.clients", "map[net.Conn]bool", None),
        ]
        .into(),
        ..Inspection::default()
    }
}

/// What would be written.
pub(crate) fn written(output: &Output) -> String {
    let mut text = Vec::new();
    output.write_to(&mut text).expect("memory takes it");
    String::from_utf8(text).expect("it is UTF-8")
}

/// `text` without styles.
pub(crate) fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// A document.
pub(crate) fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).expect("the output is JSON")
}
