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
    let number = match shown {
        shown if shown < findings.len() => format!("{} of {}", count(shown as u64), count(findings.len() as u64)),
        shown => count(shown as u64),
    };
    let heading = match reclaimable(findings) {
        (0, 0) => format!(" ({number})"),
        (live, 0) => format!(" ({number}): {} reclaimable", bytes(live)),
        (0, rest) => format!(" ({number}): {} reclaimable, not of live objects", bytes(rest)),
        (live, rest) => {
            format!(" ({number}): {} of live objects reclaimable, {} of the rest", bytes(live), bytes(rest))
        }
    };
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
    let (own, shared) = (finding.reclaimable_bytes, finding.shared_bytes);
    let freed = match (own, shared) {
        (0, 0) => String::new(),
        (own, 0) => format!(" Frees {}.", bytes(own)),
        (0, shared) => format!(" Its {} are freed with {}.", bytes(shared), others(finding)),
        (own, shared) => format!(" Frees {}; {} more are freed with {}.", bytes(own), bytes(shared), others(finding)),
    };
    for line in wrap(&safe(&[&*finding.summary, &freed].concat()), room) {
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

fn others(finding: &FindingRow) -> &str {
    if finding.shared_with.is_empty() { "other findings" } else { &finding.shared_with }
}

/// What following all findings frees: of live objects, and of the rest (stacks, garbage, what nothing uses).
fn reclaimable(findings: &[FindingRow]) -> (u64, u64) {
    findings.iter().fold((0u64, 0u64), |(live, rest), f| {
        let not_live = f.not_live_bytes.min(f.reclaimable_bytes);
        (live.saturating_add(f.reclaimable_bytes - not_live), rest.saturating_add(not_live))
    })
}

fn style(severity: &str) -> Style {
    match severity {
        "high" => BAD.bold(),
        "medium" => WARN.bold(),
        _ => DIM,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(reclaimable_bytes: u64, shared_bytes: u64, shared_with: &str) -> FindingRow {
        let shared_with = shared_with.to_owned();
        FindingRow { rule: "GH003".into(), reclaimable_bytes, shared_bytes, shared_with, ..FindingRow::default() }
    }

    #[test]
    fn what_other_findings_free_is_told_beside() {
        let said = |finding: &FindingRow| one(finding, 200).lines().last().unwrap_or_default().trim().to_owned();
        assert_eq!(said(&finding(2048, 0, "")), "Frees 2.00 KiB.");
        let with = "GH005 main.worker";
        assert_eq!(said(&finding(2048, 1024, with)), "Frees 2.00 KiB; 1.00 KiB more are freed with GH005 main.worker.");
        assert_eq!(said(&finding(0, 1024, with)), "Its 1.00 KiB are freed with GH005 main.worker.");
    }

    #[test]
    fn the_sum_tells_live_objects_from_the_rest() {
        let leak = FindingRow { not_live_bytes: 1000, ..finding(5000, 0, "") };
        assert_eq!(reclaimable(&[leak, finding(70, 9000, "")]), (4070, 1000));
    }
}
