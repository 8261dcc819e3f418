//! The last lines of every view: what was left out, and what the marks mean.

use super::style::{DIM, WARN, join, paint, push_line, safe, wrap};
use super::units::count;
use crate::model::MapRow;

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

/// Why the result is partial: one bullet for each reason.
pub(crate) fn partial(reasons: &[String], width: usize) -> String {
    if reasons.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{}\n", paint(WARN.bold(), "Partial result"));
    for reason in reasons {
        for (i, line) in wrap(&safe(reason), width.saturating_sub(4).max(20)).iter().enumerate() {
            out += if i == 0 { "  - " } else { "    " };
            out += line;
            out.push('\n');
        }
    }
    out
}
