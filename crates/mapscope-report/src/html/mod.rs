//! The report as one HTML file that needs nothing else: the page of `ui/` with the data in it.
//!
//! `assets/report.html` is built by `cargo xtask ui` and has one place for data. What is needed at once goes there as
//! JSON; the tables, which may be long, in columns, compressed. Strings of the target cannot end the element that they
//! are in, and the page's own policy lets no script run but its own.

mod base64;
mod changes;
mod columns;
mod payload;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use std::io::BufWriter;

use self::payload::Tables;
use crate::model::Report;

/// The page without data.
const PAGE: &str = include_str!("../../assets/report.html");
/// Where data goes in the page.
const PLACE: &str = "<!--DATA-->";

/// The whole file.
///
/// # Errors
/// Only when the data cannot be written as JSON, which would be a mistake in this crate.
pub fn html(report: &Report) -> serde_json::Result<String> {
    let summary = escaped(&serde_json::to_string(&payload::summary(report))?);
    let tables = base64::encode(&deflated(&payload::tables(report))?);
    let (before, after) = PAGE.split_once(PLACE).unwrap_or((PAGE, ""));
    Ok([
        before,
        "<script type=\"application/json\" id=\"summary\">",
        &summary,
        "</script>\n<script type=\"application/octet-stream\" id=\"tables\">",
        &tables,
        "</script>",
        after,
    ]
    .concat())
}

/// JSON that is safe inside a `script` element: there, `</script` ends it and `<!--` changes how it is read. Both begin
/// with a character that JSON can write in another way.
fn escaped(json: &str) -> String {
    json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

/// The JSON of the tables, compressed as it is made: it can be ten times as long.
fn deflated(tables: &Tables<'_>) -> serde_json::Result<Vec<u8>> {
    let mut json = BufWriter::new(DeflateEncoder::new(Vec::new(), Compression::default()));
    serde_json::to_writer(&mut json, tables)?;
    let encoder = json.into_inner().map_err(|e| serde_json::Error::io(e.into_error()))?;
    encoder.finish().map_err(serde_json::Error::io)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{HolderRow, Inspection, MapFigures, MapRow, NodeKind, Tree, TreeNode};

    const HOSTILE: &str = "x</script><script>alert(1)</script><!--<script>\u{2028}";

    fn hostile() -> Report {
        let holder = HolderRow { kind: "variable".into(), name: HOSTILE.into(), ..HolderRow::default() };
        let map = MapRow { owner: HOSTILE.into(), figures: Some(MapFigures::default()), ..MapRow::default() };
        let inspection = Inspection { holders: vec![holder], maps: vec![map].into(), ..Inspection::default() };
        Report { inspection, ..Report::default() }
    }

    #[test]
    fn the_page_has_one_place_for_data() {
        assert_eq!(PAGE.matches(PLACE).count(), 1);
    }

    /// As many rows and nodes as are written at most, with figures that compress as badly as real ones.
    #[test]
    fn a_report_at_its_limits_is_below_5_mb() {
        let mut state = 7_u64;
        let mut next = |bits: u32| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state >> (64 - bits)
        };
        let mut map = |number: u64| {
            let (groups, shift) = (1 << (next(4) / 2), next(3) as u32);
            let figures = MapFigures {
                entries: (groups * 8) >> shift,
                slots: groups * 8,
                groups,
                holes: next(8) % (groups + 1),
                tombstones: Some(next(10) >> shift),
                zero_values: Some(0),
                table_bytes: groups * 136 + 96,
                reclaimable_bytes: (groups * 136) >> shift,
                ..MapFigures::default()
            };
            MapRow {
                addr: format!("{:#x}", 0xc0_0000_0000 + next(33) * 16),
                owner: format!("github.com/example/platform/cache.shards[{}].items", number % 25_000),
                type_name: format!("map[string]*main.Record{}", next(11)),
                implementation: "swiss".into(),
                retained_bytes: Some(next(24)),
                figures: Some(figures),
                ..MapRow::default()
            }
        };
        let maps = (0..120_000).map(&mut map).collect::<Vec<_>>().into();
        let node = |number: u64| TreeNode {
            depth: if number == 0 { 0 } else { 1 + next(3) as u32 % 2 },
            kind: NodeKind::Type,
            name: next(11) as u32,
            count: next(10),
            shallow_bytes: next(20),
        };
        let nodes = (0..100_000).map(node).collect();
        let names = (0..2048).map(|n| format!("main.Record{n}")).collect();
        let inspection = Inspection { maps, ..Inspection::default() };
        let report = Report { inspection, tree: Tree { names, nodes }, ..Report::default() };
        let file = html(&report).expect("it renders");
        assert!(file.len() > 1_000_000 && file.len() < 5_000_000, "{}", file.len());
        assert!(file.contains("\"totals\":{\"maps\":120000,"));
    }

    #[test]
    fn names_cannot_end_an_element() {
        let file = html(&hostile()).expect("it renders");
        let (before, after) = PAGE.split_once(PLACE).expect("a place for data");
        let data = file.strip_prefix(before).and_then(|f| f.strip_suffix(after)).expect("the page around the data");
        // The two elements that are meant, and no other.
        assert_eq!(data.matches("<script").count(), 2, "{data}");
        assert_eq!(data.matches("</script>").count(), 2, "{data}");
        assert_eq!(data.matches('<').count(), 4, "{data}");
        let summary = data.split_once('>').and_then(|(_, rest)| rest.split_once("</script>")).expect("the summary").0;
        let summary: serde_json::Value = serde_json::from_str(summary).expect("the summary is JSON");
        assert_eq!(summary["holders"][0]["name"], HOSTILE);
    }
}
