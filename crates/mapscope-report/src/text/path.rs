//! `mapscope path`: who holds an object, or the objects of a type.

use unicode_width::UnicodeWidthStr;

use super::TextOptions;
use super::footer::{more, note, partial};
use super::header::{header, read_time};
use super::style::{DIM, NAME, PLAIN, TITLE, WARN, paint, push_line, safe, shorten, wrap};
use super::table::{Cell, Column, Table};
use super::units::{bytes, count, plural};
use crate::model::{PathObject, PathObjects, PathReport, PathRow, PathStep, PathSubject};

/// What follows a step at the end of a line.
const ARROW: &str = " ->";
/// A path gets at least so many columns.
const NARROWEST: usize = 20;

/// Who holds an object, from each kind of root; or the paths of all objects of a type, put together.
pub fn path(report: &PathReport, options: &TextOptions) -> String {
    let width = options.width;
    let mut out = header(&report.target, &read_time(&report.target).into_iter().collect::<Vec<_>>(), width);
    out.push('\n');
    if let Some(subject) = &report.object {
        out += &subject_lines(subject, &report.query, width);
        for row in &report.paths {
            out += &one_path(row, width);
        }
    }
    if let Some(objects) = &report.objects {
        out += &objects_lines(objects, width);
        out += &merged_paths(&report.paths[..options.shown(report.paths.len())], width);
        out += &more(options.shown(report.paths.len()), report.paths.len());
    }
    out += &left_out(report, width);
    out += &partial(report.uncertain(), width);
    out
}

fn subject_lines(subject: &PathSubject, query: &str, width: usize) -> String {
    let PathObject { addr, type_name, shallow_bytes, retained_bytes } = &subject.object;
    let mut out = paint(TITLE, safe(type_name));
    let retained = retained_bytes.map_or_else(String::new, |b| format!(", retains {}", bytes(b)));
    out += &paint(DIM, format_args!(" at {} · {}{retained}", safe(addr), bytes(*shallow_bytes)));
    out.push('\n');
    if subject.offset > 0 {
        let into = plural(subject.offset, "byte", "bytes");
        out += &note(&format!("{} is {into} into the {} at {}", safe(query), safe(type_name), safe(addr)), width);
    }
    if !subject.live {
        let line = "not live: no root leads to it, and the next collection frees it";
        for line in wrap(line, width.saturating_sub(2).max(NARROWEST)) {
            push_line(&mut out, paint(WARN, line));
        }
        let referrers = subject.garbage_referrers.unwrap_or(0);
        if referrers == 0 {
            out += &note("nothing points to it", width);
        } else {
            let who = plural(referrers, "object points", "objects point");
            out += &note(&format!("{who} to it, not live either:"), width);
            let lines = subject.referrers.iter().map(|o| format!("{} at {}", safe(&o.type_name), safe(&o.addr)));
            lines.for_each(|line| push_line(&mut out, line));
        }
    }
    out
}

/// One path: a line for each step.
fn one_path(row: &PathRow, width: usize) -> String {
    let kind = row.kind.as_deref().unwrap_or_default();
    let mut out = format!("\n{}\n", paint(TITLE, format_args!("From {}", kind_name(kind))));
    for line in wrap_path(&safe(&row.path), width.saturating_sub(2)) {
        push_line(&mut out, line);
    }
    let mut table = Table::new(vec![
        Column::name("step", 0, 24),
        Column::name("type", 1, 20),
        Column::number("shallow", 0),
        Column::number("retained", 0),
        Column::fixed("address", 0),
    ]);
    table.push(line_of(&row.root, row.object.as_ref()));
    for step in &row.steps {
        table.push(line_of(&step_label(step), step.object.as_ref()));
    }
    out.push('\n');
    out += &table.render(width);
    out
}

fn line_of(label: &str, object: Option<&PathObject>) -> Vec<Cell> {
    let Some(PathObject { addr, type_name, shallow_bytes, retained_bytes }) = object else {
        let mut cells = vec![Cell::styled(NAME, label)];
        cells.extend(std::iter::repeat_n(Cell::blank(), 4));
        return cells;
    };
    vec![
        Cell::styled(NAME, label),
        Cell::styled(DIM, type_name),
        Cell::new(bytes(*shallow_bytes)),
        retained_bytes.map_or_else(Cell::absent, |b| Cell::new(bytes(b))),
        Cell::styled(DIM, addr),
    ]
}

fn step_label(step: &PathStep) -> String {
    let times = step.times.map_or_else(String::new, |n| match step.span {
        Some(span) => format!(" ×{} ({})", count(n), plural(span, "step", "steps")),
        None => format!(" ×{}", count(n)),
    });
    format!("{}{times}", step.label)
}

fn objects_lines(objects: &PathObjects, width: usize) -> String {
    let mut out = match objects.types.as_slice() {
        [only] => paint(TITLE, safe(only)),
        several => paint(TITLE, plural(several.len() as u64, "type", "types")),
    };
    let live = plural(objects.count, "live object", "live objects");
    out += &paint(DIM, format_args!(" · {live}, {}", bytes(objects.shallow_bytes)));
    out.push('\n');
    if objects.types.len() > 1 {
        out += &note(&objects.types.iter().map(|t| safe(t).into_owned()).collect::<Vec<_>>().join(" · "), width);
    }
    out
}

/// Counts in front, and the path in as many lines as it takes.
fn merged_paths(rows: &[PathRow], width: usize) -> String {
    let cells: Vec<(String, String)> =
        rows.iter().map(|r| (count(r.count.unwrap_or(0)), bytes(r.shallow_bytes.unwrap_or(0)))).collect();
    let widest = |cell: fn(&(String, String)) -> &str, title: &str| {
        cells.iter().map(|c| cell(c).width()).chain([title.width()]).max().unwrap_or(0)
    };
    let (first, second) = (widest(|c| &c.0, "objects"), widest(|c| &c.1, "shallow"));
    if rows.is_empty() {
        return String::new();
    }
    let mut out = format!("\n  {}\n", paint(DIM, format_args!("{:>first$}  {:>second$}  path", "objects", "shallow")));
    let room = width.saturating_sub(first + second + 6).max(NARROWEST);
    for (row, (objects, size)) in rows.iter().zip(&cells) {
        for (index, line) in wrap_path(&safe(&row.path), room).into_iter().enumerate() {
            let (objects, size) = if index == 0 { (objects.as_str(), size.as_str()) } else { ("", "") };
            let line = paint(if index == 0 { NAME } else { PLAIN }, line);
            push_line(&mut out, format_args!("{objects:>first$}  {size:>second$}  {line}"));
        }
    }
    if rows.iter().flat_map(|r| &r.steps).any(|s| s.returns) {
        out += &note("↺: longer ways come back to this step, and are added up with those that do not", width);
    }
    out
}

/// Why there is no path, or fewer than there could be.
fn left_out(report: &PathReport, width: usize) -> String {
    let kinds = report.excluded.iter().map(|k| kind_name(k)).collect::<Vec<_>>().join(", ");
    let sentence = if let Some(objects) = report.objects.as_ref().filter(|o| o.excluded_count > 0) {
        let which = plural(objects.excluded_count, "object", "objects");
        let have = if objects.excluded_count == 1 { "has" } else { "have" };
        format!("{which}, {}, {have} no other roots than {kinds}", bytes(objects.excluded_bytes))
    } else if report.paths.is_empty() && report.object.as_ref().is_some_and(|o| o.live) {
        format!("nothing holds it but {kinds}")
    } else if !report.excluded.is_empty() && report.object.as_ref().is_none_or(|o| o.live) {
        format!("left out: {kinds}")
    } else {
        return String::new();
    };
    format!("\n{}", note(&sentence, width))
}

fn kind_name(kind: &str) -> &str {
    match kind {
        "global" => "package variables",
        "stack" => "goroutines",
        "finalizer" => "finalizers",
        "cleanup" => "cleanups",
        "runtime" => "the runtime",
        other => other,
    }
}

/// A path in lines of at most `width` columns; a line breaks after an arrow only.
pub(super) fn wrap_path(path: &str, width: usize) -> Vec<String> {
    let width = width.max(NARROWEST);
    let part = |part: &str| shorten(part, width - ARROW.len()).replace(' ', "\u{1}");
    let glued: Vec<String> = path.split(" -> ").map(part).collect();
    let lines = wrap(&glued.join("\u{1}-> "), width);
    lines.iter().map(|line| line.replace('\u{1}', " ")).collect()
}
