//! The last lines of every view: what was left out, and what the marks mean.

use super::style::{DIM, WARN, join, paint, push_line, safe, wrap};
use super::units::count;
use crate::model::{Figure, MapRow, TypeRow, Uncertain};

/// `… 42 more; --limit 0 shows all`, or nothing.
pub(crate) fn more(shown: usize, total: usize) -> String {
    if shown >= total {
        return String::new();
    }
    let left = count((total - shown) as u64);
    format!("  {}\n", paint(DIM, format_args!("… {left} more; --limit 0 shows all")))
}

/// Totals under a table, after an empty line.
pub(crate) fn totals(parts: &[String], width: usize) -> String {
    let lines = join(parts, width.saturating_sub(2).max(20));
    format!("\n  {}\n", lines.join("\n  "))
}

/// What `~` means in front of a type, when one of the rows has it.
pub(crate) fn inferred_types(rows: &[TypeRow], width: usize) -> String {
    if rows.iter().all(|row| row.inferred == 0) {
        return String::new();
    }
    note("~ inferred: some of these objects were concluded to be of the type from what they look like", width)
}

/// What `torn` and `~` mean, when one of the rows has such a mark.
pub(crate) fn marks(rows: &[MapRow], width: usize) -> String {
    let mut out = String::new();
    if rows.iter().any(|row| row.torn) {
        out += &note("torn: caught in the middle of a write, or its counts do not add up; no figures", width);
    }
    if rows.iter().any(|row| row.heuristic) {
        out += &note("~ inferred: what the map is or who owns it was concluded, not read", width);
    }
    out
}

/// A sentence under a table.
pub(crate) fn note(text: &str, width: usize) -> String {
    let mut out = String::new();
    for line in wrap(text, width.saturating_sub(2).max(20)) {
        push_line(&mut out, paint(DIM, line));
    }
    out
}

/// Why the result is partial: one bullet for each reason, with what it makes uncertain.
pub(crate) fn partial(reasons: Uncertain<'_>, width: usize) -> String {
    left_out(reasons.partial, width, |reason| {
        let uncertain = wrap(&format!("uncertain: {}", reasons.about(reason)), width.saturating_sub(4).max(20));
        uncertain.iter().flat_map(|line| ["    ".to_owned(), paint(DIM, line), "\n".to_owned()]).collect()
    })
}

/// What is missing: one bullet for each reason, with the lines that `more` makes of it.
pub(crate) fn left_out(reasons: &[String], width: usize, more: impl Fn(&str) -> String) -> String {
    if reasons.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{}\n", paint(WARN.bold(), "Partial result"));
    let room = width.saturating_sub(4).max(20);
    for reason in reasons {
        for (i, line) in wrap(&safe(reason), room).iter().enumerate() {
            out += if i == 0 { "  - " } else { "    " };
            out += line;
            out.push('\n');
        }
        out += &more(reason);
    }
    out
}

/// A section whose heading, its first line that is not empty, says that its figures are uncertain, if one of them is.
pub(crate) fn marked(section: String, reasons: Uncertain<'_>, figures: &[Figure]) -> String {
    let heading = section.trim_start_matches('\n');
    match heading.split_once('\n') {
        Some((heading, rest)) if !reasons.why(figures).is_empty() => {
            format!("\n{heading}{}\n{rest}", paint(WARN, " ~ partial"))
        }
        _ => section,
    }
}

/// The part of a line of totals that says that its figures are uncertain, if one of them is.
pub(crate) fn uncertain(reasons: Uncertain<'_>, figures: &[Figure]) -> Option<String> {
    (!reasons.why(figures).is_empty()).then(|| "partial".to_owned())
}
