//! What the rules found, right after where memory went: how urgent, which rule, about what, and what to win.

use anstyle::Style;

use super::TextOptions;
use super::footer::{more, note};
use super::style::{BAD, DIM, NAME, TITLE, WARN, paint, safe, shorten, wrap};
use super::units::{bytes, count};
use crate::model::FindingRow;

/// Columns of the severity, with the indent of a section.
const INDENT: usize = 9;
/// Columns of the code and name of a rule.
const RULE: usize = 29;

/// The section of an inspection; nothing when no rule fired.
pub(super) fn finding_section(findings: &[FindingRow], options: &TextOptions) -> String {
    let Some(first) = findings.first() else { return String::new() };
    let shown = options.shown(findings.len());
    let total = findings.iter().fold(0u64, |sum, f| sum.saturating_add(f.reclaimable_bytes));
    let number = match shown {
        shown if shown < findings.len() => format!("{} of {}", count(shown as u64), count(findings.len() as u64)),
        shown => count(shown as u64),
    };
    let heading = if total > 0 { format!(" ({number}): {} reclaimable", bytes(total)) } else { format!(" ({number})") };
    let mut out = format!("\n{}{}\n", paint(TITLE, "Findings"), paint(DIM, heading));
    for finding in &findings[..shown] {
        out += &one(finding, options.width);
    }
    out += &more(shown, findings.len());
    out + &note(
        &format!("`mapscope rule {}` explains a finding, with the code that fixes it", first.rule),
        options.width,
    )
}

fn one(finding: &FindingRow, width: usize) -> String {
    let room = width.saturating_sub(INDENT).max(20);
    let indent = " ".repeat(INDENT);
    let rule = format!("{} {}", finding.rule, finding.name);
    let subject = safe(&finding.subject);
    let severity = paint(style(&finding.severity), format!("{:<6}", finding.severity.to_uppercase()));
    let mut out = format!("  {severity} ");
    if RULE + subject.chars().count() < room {
        out.extend([&format!("{rule:<RULE$} "), &paint(NAME, subject), "\n"]);
    } else {
        out.extend([&rule, "\n", &indent, &paint(NAME, shorten(&subject, room)), "\n"]);
    }
    let mut text = finding.summary.clone();
    if finding.reclaimable_bytes > 0 {
        text.extend([" Frees ", &bytes(finding.reclaimable_bytes), "."]);
    }
    for line in wrap(&safe(&text), room) {
        out.extend([&indent, line.as_str(), "\n"]);
    }
    // What is not urgent may be asked for with `mapscope rule`.
    if finding.severity != "low" && !finding.advice.is_empty() {
        for (i, line) in wrap(&safe(&finding.advice), room.saturating_sub(2)).into_iter().enumerate() {
            out.extend([indent.as_str(), if i == 0 { "→ " } else { "  " }, line.as_str(), "\n"]);
        }
    }
    out
}

fn style(severity: &str) -> Style {
    match severity {
        "high" => BAD.bold(),
        "medium" => WARN.bold(),
        _ => DIM,
    }
}
