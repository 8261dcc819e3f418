//! `mapscope diff`: what became of memory, maps, types, and of what holds them.

pub(crate) mod words;

use anstyle::Style;

use super::TextOptions;
use super::findings::finding_section;
use super::footer::{marked, note, partial};
use super::header::identity;
use super::style::{BAD, DIM, GOOD, NAME, PLAIN, TITLE, WARN, join, paint, push_line, safe, wrap};
use super::table::{Cell, Column, Table};
use super::units::{bytes, count, signed_bytes, time};
use crate::diff::letter;
use crate::model::{Diff, DiffRow, Figure, RowKind, Verdict};
use crate::moments::{between, readable};
use words::{HEURISTIC, change, has_grown, has_heuristic, owner, remarks, span, summary, total, total_name, verdict};

/// The kinds of rows that have a section, in order, and what a section is called.
pub(crate) const SECTIONS: [(RowKind, &str); 4] = [
    (RowKind::Map, "Maps"),
    (RowKind::Type, "Types"),
    (RowKind::Holder, "Holders"),
    (RowKind::Goroutine, "Goroutines that hold something"),
];

/// The rows of a section that are shown, and how many are not.
pub(crate) struct Section<'d> {
    pub(crate) rows: Vec<&'d DiffRow>,
    /// Beyond the limit.
    pub(crate) more: u64,
    /// Rows of things that did not change.
    pub(crate) steady: u64,
    /// Rows of things that one of the inspections does not list.
    pub(crate) unlisted: u64,
}

impl<'d> Section<'d> {
    /// At most `limit` rows of a kind; with `all`, also those of which there is nothing to say.
    pub(crate) fn of(diff: &'d Diff, kind: RowKind, limit: Option<usize>, all: bool) -> Self {
        let of_kind = || diff.rows.iter().filter(|row| row.kind == kind);
        let number = |verdict| of_kind().filter(|row| !all && row.verdict == verdict).count() as u64;
        let quiet = |row: &&DiffRow| !all && matches!(row.verdict, Verdict::Steady | Verdict::Unlisted);
        let mut rows: Vec<&DiffRow> = of_kind().filter(|row| !quiet(row)).collect();
        let changed = rows.len();
        rows.truncate(limit.unwrap_or(usize::MAX));
        let (steady, unlisted) = (number(Verdict::Steady), number(Verdict::Unlisted));
        Self { more: (changed - rows.len()) as u64, rows, steady, unlisted }
    }

    /// `54 steady, 3 not listed on each side`, or nothing.
    pub(crate) fn left_out(&self) -> Vec<String> {
        let more = (self.more > 0).then(|| format!("{} more", count(self.more)));
        let steady = (self.steady > 0).then(|| format!("{} steady", count(self.steady)));
        let unlisted = (self.unlisted > 0).then(|| format!("{} not listed on each side", count(self.unlisted)));
        [more, steady, unlisted].into_iter().flatten().collect()
    }
}

/// What is compared, what became of it, and a table for each kind of thing. With `all`, also what did not change.
pub fn diff(diff: &Diff, options: &TextOptions, all: bool) -> String {
    let width = options.width;
    let mut out = heads(diff, width);
    let sentences = summary(diff, &|name| safe(name).into_owned()).join(" ");
    out.push('\n');
    for line in wrap(&sentences, width.max(20)) {
        out += &(paint(TITLE, line) + "\n");
    }
    out += &notes(diff, width);
    let mark = |section: String, figures: &[Figure]| marked(section, diff.uncertain(), figures);
    out += &mark(finding_section(&diff.findings, options), &[Figure::Findings]);
    out += &mark(totals(diff, width), figures_of(RowKind::Total));
    for (kind, title) in SECTIONS {
        out += &mark(section(diff, kind, title, options, all), figures_of(kind));
    }
    out + &partial(diff.uncertain(), width)
}

/// What the rows of a section show.
fn figures_of(kind: RowKind) -> &'static [Figure] {
    match kind {
        RowKind::Total => &[Figure::Objects, Figure::Live, Figure::Memory, Figure::RuntimeMemory],
        RowKind::Map => &[Figure::Maps, Figure::Owners, Figure::Retained],
        RowKind::Type => &[Figure::Types, Figure::Retained],
        RowKind::Holder => &[Figure::Owners, Figure::Retained],
        RowKind::Goroutine => &[Figure::Goroutines, Figure::Owners, Figure::Retained],
    }
}

/// A line or two for each inspection: `B  after.json · pid 21291 · ... · 10 min later`.
fn heads(diff: &Diff, width: usize) -> String {
    let mut out = String::new();
    let mut earlier: Option<&str> = None;
    for (index, inspection) in diff.inspections.iter().enumerate() {
        let mut parts = identity(&inspection.target);
        parts.retain(|part| !part.is_empty());
        let source = safe(&inspection.source).into_owned();
        if !parts.contains(&source) {
            parts.insert(0, source);
        }
        let taken = inspection.target.taken_at.as_deref();
        parts.extend(taken.and_then(readable));
        parts.extend(
            earlier
                .zip(taken)
                .and_then(|(a, b)| between(a, b))
                .filter(|ms| *ms > 0)
                .map(|ms| format!("{} later", time(ms))),
        );
        earlier = taken;
        let letter = letter(index);
        for (line, text) in join(&parts, width.saturating_sub(3).max(20)).into_iter().enumerate() {
            let lead = if line == 0 { paint(NAME, format_args!("{letter:<2}")) } else { "  ".to_owned() };
            out.extend([&lead, " ", &text, "\n"]);
        }
    }
    out
}

fn notes(diff: &Diff, width: usize) -> String {
    if diff.notes.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{}\n", paint(WARN.bold(), "Keep in mind"));
    for sentence in &diff.notes {
        for (i, line) in wrap(&safe(sentence), width.saturating_sub(4).max(20)).iter().enumerate() {
            push_line(&mut out, format_args!("{}{line}", if i == 0 { "- " } else { "  " }));
        }
    }
    out
}

fn totals(diff: &Diff, width: usize) -> String {
    let mut table = Table::new(vec![
        Column::name("", 0, 15),
        Column::number("before", 0),
        Column::number("after", 0),
        Column::number("change", 0),
        Column::number("", 1),
    ]);
    let rows = diff.rows.iter().filter(|row| row.kind == RowKind::Total);
    let known: Vec<_> = rows.filter_map(|row| Some((row, total(row)?))).collect();
    for (row, [before, after, change, percent]) in &known {
        table.push(vec![
            Cell::new(total_name(row)),
            Cell::new(before),
            Cell::new(after),
            Cell::styled(style(row), change),
            Cell::styled(DIM, percent),
        ]);
    }
    if known.is_empty() {
        return String::new();
    }
    format!("\n{}\n{}", paint(TITLE, "Memory"), table.render(width))
}

fn section(diff: &Diff, kind: RowKind, title: &str, options: &TextOptions, all: bool) -> String {
    let section = Section::of(diff, kind, options.limit, all);
    let left_out = section.left_out();
    if section.rows.is_empty() && left_out.is_empty() {
        return String::new();
    }
    let shown = section.rows.len() as u64;
    let number = match shown {
        0 => " (nothing changed)".to_owned(),
        _ => format!(
            " ({} of {}, by bytes)",
            count(shown),
            count(shown + section.more + section.steady + section.unlisted)
        ),
    };
    let mut out = format!("\n{}{}\n", paint(TITLE, title), paint(DIM, number));
    if shown > 0 {
        out += &table(&section.rows, kind).render(options.width);
    }
    if !left_out.is_empty() {
        let shows = match (section.more > 0, section.steady + section.unlisted > 0) {
            (true, true) => "--limit 0 and --all show them",
            (true, false) => "--limit 0 shows them",
            _ => "--all shows them",
        };
        out += &note(&format!("… {}; {shows}", left_out.join(", ")), options.width);
    }
    let inspections = diff.inspections.len();
    for remark in section.rows.iter().flat_map(|row| remarks(row, inspections, &|name| safe(name).into_owned())) {
        out += &note(&remark, options.width);
    }
    if has_heuristic(&section.rows) {
        out += &note(HEURISTIC, options.width);
    }
    out
}

fn table(rows: &[&DiffRow], kind: RowKind) -> Table {
    let mut columns = match kind {
        RowKind::Map => vec![
            Column::name("owner", 0, 16),
            Column::name("type", 6, 12),
            Column::number("entries", 1),
            Column::number("table", 5),
            Column::number("retained", 4),
        ],
        RowKind::Type => vec![
            Column::name("type", 0, 22),
            Column::number("objects", 1),
            Column::number("shallow", 4),
            Column::number("retained", 5),
        ],
        RowKind::Goroutine => {
            vec![Column::name("began with", 0, 22), Column::number("number", 1), Column::number("retained", 4)]
        }
        RowKind::Holder | RowKind::Total => {
            vec![Column::name("holder", 0, 22), Column::number("number", 3), Column::number("retained", 4)]
        }
    };
    columns.extend([Column::number("change", 0), Column::fixed("", 0)]);
    let mut table = Table::new(columns);
    for row in rows {
        let figure = |text: Option<String>| text.map_or_else(Cell::absent, Cell::new);
        let named = owner(row, &str::to_owned);
        let mut cells = vec![Cell::styled(NAME, named.strip_prefix("goroutine ").unwrap_or(&named))];
        if kind == RowKind::Map {
            cells.push(Cell::styled(DIM, row.type_name.as_deref().unwrap_or_default()));
        }
        let number = span(row, |f| f.count, count);
        // One variable is one variable.
        let number = number.filter(|text| kind != RowKind::Holder || text.len() > 1);
        cells.push(number.map_or_else(Cell::blank, Cell::new));
        if matches!(kind, RowKind::Map | RowKind::Type) {
            cells.push(figure(span(row, |f| f.bytes, bytes)));
        }
        cells.push(figure(span(row, |f| f.retained_bytes, bytes)));
        cells.push(change(row).map_or_else(Cell::absent, |more| Cell::styled(style(row), signed_bytes(more))));
        cells.push(Cell::styled(style(row), verdict(row.verdict)));
        table.push(cells);
    }
    table
}

/// What wants attention is coloured; what went is good.
fn style(row: &DiffRow) -> Style {
    match row.verdict {
        Verdict::Torn => BAD,
        Verdict::Drained => WARN,
        verdict if has_grown(verdict) => WARN,
        Verdict::Shrank | Verdict::Gone => GOOD,
        Verdict::Steady | Verdict::Unlisted => DIM,
        _ => PLAIN,
    }
}
