//! `JUnit` XML of a gate: what CI servers show as tests, one for each budget.

use std::fmt::Write as _;

use crate::gate::{budget_summary, rule, sentence};
use crate::model::{BudgetRow, GateReport};

/// The document. A broken budget is a failed test, one that could not be checked an error.
pub fn junit(report: &GateReport) -> String {
    let (tests, failures, errors) = (report.budgets.len(), report.broken_budgets, report.refused_budgets);
    let seconds = report.target.read_ms / 1000.0;
    let counts =
        format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\" time=\"{seconds:.3}\"");
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <testsuites name=\"mapscope gate\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">\n  \
         <testsuite name=\"mapscope gate {}\" {counts}>\n",
        escape(&report.target.exe)
    );
    for budget in &report.budgets {
        out += &case(budget);
    }
    out + "  </testsuite>\n</testsuites>\n"
}

fn case(budget: &BudgetRow) -> String {
    let start = format!("    <testcase classname=\"mapscope.gate\" name=\"{}\" time=\"0\"", escape(&rule(budget)));
    if budget.holds {
        return start + "/>\n";
    }
    if budget.refused {
        let reasons = escape(&budget.uncertain.join("\n"));
        return format!(
            "{start}>\n      <error type=\"partial\" message=\"not checked\">{reasons}</error>\n    </testcase>\n"
        );
    }
    let mut details = String::new();
    for offender in &budget.offenders {
        // Writing into a string cannot fail.
        let _ = writeln!(details, "{}", sentence(budget, offender));
    }
    for finding in &budget.findings {
        let _ = writeln!(details, "{} {}: {}", finding.rule, finding.name, finding.summary);
    }
    details.extend(budget.advice.as_deref());
    format!(
        "{start}>\n      <failure type=\"{}\" message=\"{}\">{}</failure>\n    </testcase>\n",
        escape(&budget.kind),
        escape(&budget_summary(budget)),
        escape(&details)
    )
}

/// Safe between tags and in attributes. What XML 1.0 cannot hold at all is written as Rust would escape it.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.extend(c.escape_default()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn names_cannot_end_an_element() {
        assert_eq!(escape("a<b>&\"c\"\n"), "a&lt;b&gt;&amp;&quot;c&quot;\n");
        assert_eq!(escape("\u{1b}[2J\u{0}"), "\\u{1b}[2J\\u{0}");
    }
}
