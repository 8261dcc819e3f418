//! `mapscope rule`: the list of rules, and the text of one.

use super::style::{DIM, NAME, TITLE, paint, wrap};
use super::units::count;
use crate::model::{RuleList, RuleText};

/// Columns of code and name.
const LEFT: usize = 34;

/// All rules, one line each, or a few on a narrow terminal.
pub fn rules(list: &RuleList, width: usize) -> String {
    let mut out =
        format!("{}{}\n", paint(TITLE, "Rules"), paint(DIM, format!(" ({})", count(list.rules.len() as u64))));
    for RuleText { code, name, title, .. } in &list.rules {
        let lines = wrap(title, width.saturating_sub(LEFT).max(20));
        for (i, line) in lines.iter().enumerate() {
            let left = if i == 0 { format!("  {}  {name:<24}", paint(NAME, code)) } else { " ".repeat(LEFT - 1) };
            out.extend([&left, " ", line.as_str(), "\n"]);
        }
    }
    out + &format!("\n{}\n", paint(DIM, "`mapscope rule CODE` explains one, with the code that fixes it"))
}

/// One rule: headings in bold, code indented.
pub fn rule(rule: &RuleText) -> String {
    let mut out = String::new();
    let mut code = false;
    for line in rule.text.as_deref().unwrap_or_default().lines() {
        if line.starts_with("```") {
            code = !code;
        } else if code {
            out += if line.is_empty() { "" } else { "    " };
            out += &line.replace('\t', "    ");
            out.push('\n');
        } else {
            let heading = line.strip_prefix("## ").or_else(|| line.strip_prefix("# "));
            out += &heading.map_or_else(|| line.to_owned(), |h| paint(TITLE, h));
            out.push('\n');
        }
    }
    out
}
