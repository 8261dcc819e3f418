//! Markdown for a pull request, as GitHub renders it: what became of memory in a few sentences, the maps in a table, the
//! rest folded away.

use std::fmt::Write as _;

use crate::diff::letter;
use crate::model::{Diff, DiffRow, FindingRow, RowKind};
use crate::moments::{between, readable};
use crate::text::diff::words::{
    HEURISTIC, change, has_heuristic, owner, remarks, span, summary, total, total_name, verdict,
};
use crate::text::diff::{SECTIONS, Section};
use crate::text::style::safe;
use crate::text::units::{bytes, count, signed_bytes, time};

/// The whole comment. At most `limit` rows in each table; with `all`, also what did not change.
pub fn markdown(diff: &Diff, limit: Option<usize>, all: bool) -> String {
    let mut out = String::new();
    let sentences = summary(diff, &code);
    let (first, rest) = sentences.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    paragraph(&mut out, &[format!("**{first}**")].iter().chain(rest).cloned().collect::<Vec<_>>().join(" "));
    paragraph(&mut out, &sides(diff));
    if !diff.notes.is_empty() {
        let notes: Vec<String> = diff.notes.iter().map(|note| format!("> - {}", prose(note))).collect();
        paragraph(&mut out, &format!("> [!NOTE]\n{}", notes.join("\n")));
    }
    for finding in &diff.findings {
        paragraph(&mut out, &found(finding));
    }
    for (kind, title) in SECTIONS {
        let section = Section::of(diff, kind, limit, all);
        if !section.rows.is_empty() {
            out += &match kind {
                RowKind::Map => table(diff, kind, &section),
                _ => folded(&format!("{title} ({})", count(section.rows.len() as u64)), &table(diff, kind, &section)),
            };
        }
    }
    out += &folded("Memory", &totals(diff));
    if !diff.partial.is_empty() {
        let reasons: Vec<String> = diff.partial.iter().map(|reason| format!("- {}", prose(reason))).collect();
        out += &folded("Partial result", &(reasons.join("\n") + "\n"));
    }
    out.truncate(out.trim_end().len());
    out + "\n"
}

/// `> **HIGH** GM015 unbounded-map `main.seen`: ...`.
fn found(finding: &FindingRow) -> String {
    let FindingRow { rule, name, severity, subject, summary, advice, .. } = finding;
    let text = prose(&format!("{summary} {advice}"));
    format!("> **{}** {rule} {name} {}: {text}", severity.to_uppercase(), code(subject))
}

fn paragraph(out: &mut String, text: &str) {
    if !text.is_empty() {
        // Writing into a string cannot fail.
        let _ = write!(out, "{text}\n\n");
    }
}

fn folded(title: &str, body: &str) -> String {
    if body.is_empty() {
        return String::new();
    }
    format!("<details><summary>{title}</summary>\n\n{}\n\n</details>\n\n", body.trim_end())
}

/// `A before.json (go1.27.3, 2026-11-21 20:30:00 UTC) → B pid 21291 (go1.27.3, 10 min later)`.
fn sides(diff: &Diff) -> String {
    let mut sides = Vec::new();
    let mut earlier: Option<&str> = None;
    for (index, inspection) in diff.inspections.iter().enumerate() {
        let taken = inspection.target.taken_at.as_deref();
        let later = earlier
            .zip(taken)
            .and_then(|(a, b)| between(a, b))
            .filter(|ms| *ms > 0)
            .map(|ms| format!("{} later", time(ms)));
        let version = Some(prose(&inspection.target.go_version)).filter(|version| !version.is_empty());
        let facts: Vec<String> = version.into_iter().chain(later.or_else(|| taken.and_then(readable))).collect();
        let facts = if facts.is_empty() { String::new() } else { format!(" ({})", facts.join(", ")) };
        sides.push(format!("{} {}{facts}", letter(index), code(&inspection.source)));
        earlier = taken;
    }
    sides.join(" → ")
}

fn totals(diff: &Diff) -> String {
    let rows = diff.rows.iter().filter(|row| row.kind == RowKind::Total);
    let cells = |row: &DiffRow| Some([vec![total_name(row).to_owned()], total(row)?.to_vec()].concat());
    let lines: String = rows.filter_map(cells).map(|cells| line(&cells)).collect();
    if lines.is_empty() { lines } else { heads(&["", "before", "after", "change", ""], 1) + &lines }
}

fn table(diff: &Diff, kind: RowKind, section: &Section<'_>) -> String {
    let mut out = match kind {
        RowKind::Map => heads(&["map", "type", "entries", "table", "retained", "change", "verdict"], 2),
        RowKind::Type => heads(&["type", "objects", "shallow", "retained", "change", "verdict"], 1),
        RowKind::Goroutine => heads(&["goroutines", "number", "retained", "change", "verdict"], 1),
        RowKind::Holder | RowKind::Total => heads(&["holder", "retained", "change", "verdict"], 1),
    };
    out.extend(section.rows.iter().map(|row| line(&cells(row, kind))));
    let inspections = diff.inspections.len();
    let said = section.rows.iter().flat_map(|row| remarks(row, inspections, &code));
    for (number, remark) in said.enumerate() {
        let _ = writeln!(out, "{}- {}", if number == 0 { "\n" } else { "" }, marked(&remark));
    }
    let left_out = section.left_out().join(", ");
    let left_out = if left_out.is_empty() { left_out } else { format!("{left_out} not shown") };
    let mark = if has_heuristic(&section.rows) { marked(HEURISTIC) } else { String::new() };
    let foot: Vec<String> = [left_out, mark].into_iter().filter(|text| !text.is_empty()).collect();
    if !foot.is_empty() {
        let _ = write!(out, "\n<sub>{}</sub>\n", foot.join("; "));
    }
    out.push('\n');
    out
}

fn cells(row: &DiffRow, kind: RowKind) -> Vec<String> {
    let mut cells = vec![marked(&owner(row, &code))];
    if kind == RowKind::Map {
        cells.push(code(row.type_name.as_deref().unwrap_or_default()));
    }
    if kind != RowKind::Holder {
        cells.push(span(row, |f| f.count, count).unwrap_or_default());
    }
    if matches!(kind, RowKind::Map | RowKind::Type) {
        cells.push(span(row, |f| f.bytes, bytes).unwrap_or_default());
    }
    cells.push(span(row, |f| f.retained_bytes, bytes).unwrap_or_default());
    cells.push(change(row).map(signed_bytes).unwrap_or_default());
    cells.push(marked(verdict(row.verdict)));
    cells
}

/// The first lines of a table; all but the first `names` columns are numbers, and the last is a verdict or a share.
fn heads(titles: &[&str], names: usize) -> String {
    let aligned = |index: usize| if index < names || titles[index] == "verdict" { "---" } else { "---:" };
    let rule: Vec<String> = (0..titles.len()).map(|index| aligned(index).to_owned()).collect();
    line(&titles.iter().map(|title| (*title).to_owned()).collect::<Vec<_>>()) + &line(&rule)
}

fn line(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

/// A name as code: nothing in it is taken for markup, and it breaks no table.
fn code(name: &str) -> String {
    let name = safe(name).replace('|', "\\|");
    if name.is_empty() {
        return name;
    }
    // A span of code ends at as many backticks as it began with.
    let longest = name.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if longest > 0 { " " } else { "" };
    format!("{fence}{space}{name}{space}{fence}")
}

/// `~` in front of what was inferred: two of them would strike out what is between.
fn marked(text: &str) -> String {
    let rest = text.trim_start_matches('~');
    "\\~".repeat(text.len() - rest.len()) + rest
}

/// A sentence in which nothing is taken for markup.
fn prose(text: &str) -> String {
    let mut out = String::new();
    for c in safe(text).chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&' | '!') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_be_markup() {
        assert_eq!(code("main.cache[].buf"), "`main.cache[].buf`");
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(code("a`b``c"), "``` a`b``c ```");
        assert_eq!(code("a\nb"), "`a\\nb`");
        assert_eq!(code(""), "");
        assert_eq!((marked("~~`a~b`").as_str(), marked("`a`").as_str()), ("\\~\\~`a~b`", "`a`"));
        assert_eq!(prose("<img src=x> [a](b) *c*"), "\\<img src=x\\> \\[a\\](b) \\*c\\*");
    }
}
