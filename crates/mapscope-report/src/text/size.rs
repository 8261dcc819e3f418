//! `mapscope size`: what a map costs before it is written.

use super::TextOptions;
use super::footer::note;
use super::style::{DIM, GOOD, NAME, TITLE, join, paint, push_line, safe};
use super::table::{Cell, Column, Table};
use super::units::{bytes, count, percent, plural};
use crate::model::{BytesRange, CurvePoint, GrowthRow, MapCost, SizeReport, SizedType};

/// Steps of growth that are shown: the last ones, and the next.
const STEPS: usize = 6;

/// The costs side by side, the steps of growth, a picture, and the code.
pub fn size(report: &SizeReport, options: &TextOptions) -> String {
    let width = options.width;
    let part = |what: &str, t: &SizedType| {
        let pointers = if t.pointers { ", with pointers" } else { "" };
        format!("{what} {}{pointers}", bytes(t.bytes))
    };
    let mut out = format!("{}\n", paint(NAME, safe(&report.map_type)));
    let head = [plural(report.entries, "entry", "entries"), part("key", &report.key), part("element", &report.element)];
    for line in join(&head, width) {
        out += &(paint(DIM, line) + "\n");
    }
    out.push('\n');
    out += &side_by_side(report, width);
    for cost in &report.maps {
        out += &section("Growth without a hint", &implementation(cost));
        out += &steps(&cost.steps, report.entries, width);
    }
    out += &picture(&report.maps, width);
    out += &section("Write", "");
    push_line(&mut out, paint(NAME, safe(&report.make)));
    out += &legend(report, width);
    out
}

fn section(title: &str, note: &str) -> String {
    let note = if note.is_empty() { String::new() } else { paint(DIM, format_args!(" · {note}")) };
    format!("\n{}{note}\n", paint(TITLE, title))
}

fn implementation(cost: &MapCost) -> String {
    let kind = if cost.implementation == "swiss" { "Swiss" } else { "legacy" };
    format!("Go {}, {kind}", cost.go)
}

/// `412 MiB`, with `≈` when hashes have a part in it.
fn sure(range: BytesRange) -> String {
    let about = if range.low_bytes == range.high_bytes { "" } else { "≈ " };
    format!("{about}{}", bytes(range.expected_bytes))
}

fn span(range: BytesRange) -> String {
    let (low, high) = (bytes(range.low_bytes), bytes(range.high_bytes));
    match (low.split_once(' '), high.split_once(' ')) {
        _ if range.exact => "exact".to_owned(),
        _ if range.low_bytes == range.high_bytes => "all alike".to_owned(),
        (Some((low, a)), Some((high, b))) if a == b && low != high => format!("{low} – {high} {b}"),
        _ if low == high => format!("{low}, less than 1% apart"),
        _ => format!("{low} – {high}"),
    }
}

fn side_by_side(report: &SizeReport, width: usize) -> String {
    // Titles of columns live as long as the program; those of versions go into a first row.
    let mut columns = vec![Column::fixed("", 0)];
    columns.extend(report.maps.iter().map(|_| Column::number("", 0)));
    let mut table = Table::new(columns);
    let mut row = |title: &str, value: &dyn Fn(&MapCost) -> String| {
        let cells = report.maps.iter().map(|cost| Cell::new(value(cost)));
        table.push(std::iter::once(Cell::new(title)).chain(cells).collect());
    };
    let each = |range: BytesRange| {
        let entries = report.entries.max(1) as f64;
        format!("{:.1} B", range.expected_bytes as f64 / entries)
    };
    row("", &implementation);
    row("filled without a hint", &|c| sure(c.grown));
    row("  range", &|c| span(c.grown));
    row("  per entry", &|c| each(c.grown));
    row("  keys and elements", &|c| percent(c.entry_bytes.min(c.grown.expected_bytes), c.grown.expected_bytes));
    row("  most at once, growing", &|c| sure(c.grown_peak));
    row("made with a hint", &|c| bytes(c.made_bytes));
    row("  and filled", &|c| sure(c.hinted));
    row("  range", &|c| span(c.hinted));
    row("  per entry", &|c| each(c.hinted));
    row("  most at once", &|c| sure(c.hinted_peak));
    if report.maps.iter().any(|c| c.churned.is_some()) {
        row("churned, up to", &|c| c.churned.map_or_else(|| "–".to_owned(), |r| bytes(r.high_bytes)));
    }
    row("a group of 8 slots", &|c| bytes(c.group_bytes));
    row("  padding in it", &|c| bytes(c.group_padding_bytes));
    if report.maps.iter().any(|c| c.indirect_bytes > 0) {
        row("apart, on top", &|c| bytes(c.indirect_bytes));
    }
    let text = table.render(width);
    // The head of a table without titles is an empty line.
    text.split_once('\n').map_or(String::new(), |(_, rows)| rows.to_owned())
}

fn steps(rows: &[GrowthRow], entries: u64, width: usize) -> String {
    let mut table = Table::new(vec![
        Column::number("at entry", 0),
        Column::number("to", 2),
        Column::number("slots", 1),
        Column::number("before", 3),
        Column::number("at once", 0),
        Column::number("after", 0),
        Column::fixed("", 4),
    ]);
    let first = rows.len().saturating_sub(STEPS);
    for row in &rows[first..] {
        let until = if row.until_entries == row.entries { Cell::blank() } else { Cell::new(count(row.until_entries)) };
        let next = if row.entries > entries { Cell::styled(DIM, "next") } else { Cell::blank() };
        table.push(vec![
            Cell::new(count(row.entries)),
            until,
            Cell::new(count(row.slots)),
            Cell::new(sure(row.before)),
            Cell::new(sure(row.peak)),
            Cell::new(sure(row.after)),
            next,
        ]);
    }
    let mut out = table.render(width);
    if first > 0 {
        push_line(&mut out, paint(DIM, format_args!("… {} before", plural(first as u64, "step", "steps"))));
    }
    out
}

/// Bytes per entry against entries, one line for each implementation, on one scale.
fn picture(maps: &[MapCost], width: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let each = |p: &CurvePoint| p.bytes as f64 / p.entries.max(1) as f64;
    let all = || maps.iter().flat_map(|m| &m.curve);
    let (Some(first), Some(last)) = (all().next(), all().next_back()) else { return String::new() };
    let most = all().map(each).fold(0.0, f64::max);
    if most <= 0.0 || width < 60 {
        return String::new();
    }
    let range = format!("from {} to {} entries, without a hint", count(first.entries), count(last.entries));
    let mut out = section("Bytes per entry", &range);
    let label = maps.iter().map(|m| implementation(m).chars().count()).max().unwrap_or(0);
    for map in maps {
        // Two cells of room for the indentation, two for the gap, the figures behind.
        let room = width.saturating_sub(label + 26).max(10);
        let step = map.curve.len().div_ceil(room).max(1);
        let shown = || map.curve.iter().step_by(step);
        let bars: String = shown().map(|p| BARS[((each(p) / most * 7.0).round() as usize).min(7)]).collect();
        let least = shown().map(each).fold(f64::MAX, f64::min);
        let highest = shown().map(each).fold(0.0, f64::max);
        let name = implementation(map);
        push_line(&mut out, format!("{name:<label$}  {}  {least:.1} – {highest:.1} B", paint(GOOD, bars)));
    }
    out
}

fn legend(report: &SizeReport, width: usize) -> String {
    let mut out = String::new();
    if report.maps.iter().any(|c| !c.grown.exact || !c.hinted.exact) {
        out += &note(
            "≈ depends on the hashes of the keys: the mean; all but one map in a million are in the range. Without ≈ it \
             follows from the runtime's code alone, or differs in fewer maps than that.",
            width,
        );
    }
    out += &note(
        "At once: the old array and the new one, while entries move. Arrays that are left wait for the collector on top \
         of that. Bytes are whole slots of the heap; what pointers in keys and elements lead to is not in them.",
        width,
    );
    if report.maps.iter().any(|c| c.churned.is_some()) {
        out += &note(
            "Churned: every entry was deleted and a new one inserted, again and again. A Swiss table grows when tombstones \
             have used up its room, though its entries are no more; legacy buckets keep their overflow buckets until \
             there are as many as buckets, then move to an array of the same size. The bound is for ten turnovers.",
            width,
        );
    }
    out
}
