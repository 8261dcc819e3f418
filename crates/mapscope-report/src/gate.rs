//! What the views of a gate for machines share: how a budget is said in a sentence.

use crate::model::{BudgetRow, OffenderRow};
use crate::text::{bytes, count};

/// `map:main.cache.*:entries <= 10000`, `growth of live <= 10%`.
pub(crate) fn rule(budget: &BudgetRow) -> String {
    let growth = if budget.kind == "max" { "" } else { "growth of " };
    format!("{growth}{} <= {}", budget.name, budget.limit_text)
}

/// `main.cache.byID: entries is 50,000, 40,000 above the limit of 10,000`.
pub(crate) fn sentence(budget: &BudgetRow, offender: &OffenderRow) -> String {
    let amount = |n| if budget.unit == "bytes" { bytes(n) } else { count(n) };
    let (measured, limit) = (amount(offender.measured), amount(offender.limit));
    let over = amount(offender.measured.saturating_sub(offender.limit));
    let figure = budget.name.rsplit(':').next().unwrap_or(&budget.name);
    let figure = if offender.subject == budget.name { String::new() } else { format!(" ({figure})") };
    if budget.kind == "max" {
        return format!("{}{figure} is {measured}, {over} above the limit of {limit}", offender.subject);
    }
    let before = offender.before.map_or_else(|| "nothing".to_owned(), amount);
    let now = amount(offender.now.unwrap_or_default());
    format!("{}{figure} grew by {measured} from {before} to {now}, {over} above the limit of {limit}", offender.subject)
}

/// What breaks a budget most, and how many others do, in a sentence; empty but for its end when nothing does.
pub fn budget_summary(budget: &BudgetRow) -> String {
    let worst = budget.offenders.first().map_or_else(String::new, |worst| sentence(budget, worst));
    let more = match budget.offenders.len() {
        0 | 1 => String::new(),
        2 => "; one more is above it".to_owned(),
        n => format!("; {} more are above it", count(n as u64 - 1)),
    };
    format!("{worst}{more}.")
}
