//! `mapscope gate`: which budgets hold, which are broken, by what, and what to do.

use super::TextOptions;
use super::footer::{note, partial};
use super::header::{header, read_time};
use super::style::{BAD, DIM, GOOD, NAME, TITLE, WARN, paint, push_line, safe, shorten, wrap};
use super::table::{Cell, Column, Table};
use super::units::{bytes, count, percent, plural};
use crate::model::{BudgetRow, FindingRow, GateReport, OffenderRow};

/// Offenders of a budget that are shown, unless a limit says otherwise.
const OFFENDERS: usize = 5;
/// Columns under the name of a broken budget.
const INDENT: &str = "      ";

/// A line for each budget, then what breaks those that are broken.
pub fn gate(report: &GateReport, options: &TextOptions) -> String {
    let width = options.width;
    let mut out = header(&report.target, &read_time(&report.target).into_iter().collect::<Vec<_>>(), width);
    let total = report.budgets.len() as u64;
    let verdict = match (report.broken_budgets, report.refused_budgets) {
        (0, 0) => paint(TITLE, format_args!("Gate: {}", hold(total))),
        (broken, 0) => {
            paint(BAD.bold(), format_args!("Gate: {} of {} broken", count(broken), plural(total, "budget", "budgets")))
        }
        (0, refused) => {
            let budgets = plural(total, "budget", "budgets");
            paint(WARN.bold(), format_args!("Gate: {} of {budgets} not checked", count(refused)))
        }
        (broken, refused) => {
            let (broken, refused) = (count(broken), count(refused));
            let budgets = plural(total, "budget", "budgets");
            paint(BAD.bold(), format_args!("Gate: {broken} of {budgets} broken, {refused} not checked"))
        }
    };
    out.extend(["\n", &verdict, "\n"]);
    out += &table(&report.budgets).render(width);
    out += &origins(report, width);
    for budget in report.budgets.iter().filter(|b| !b.holds && !b.refused) {
        out += &broken(budget, options);
    }
    for budget in report.budgets.iter().filter(|b| b.refused) {
        out += &refused(budget, width);
    }
    out + &partial(report.uncertain(), width)
}

fn hold(total: u64) -> String {
    if total == 1 { "the budget holds".to_owned() } else { format!("all {} budgets hold", count(total)) }
}

fn table(budgets: &[BudgetRow]) -> Table {
    let mut table = Table::new(vec![
        Column::fixed("", 0),
        Column::name("budget", 0, 24),
        Column::number("measured", 0),
        Column::number("limit", 0),
        Column::number("used", 1),
        Column::number("of", 2),
    ]);
    for budget in budgets {
        let mark = match budget {
            BudgetRow { refused: true, .. } => Cell::styled(WARN, "PARTIAL"),
            BudgetRow { holds: true, uncertain, .. } if uncertain.is_empty() => Cell::styled(GOOD, "ok"),
            BudgetRow { holds: true, .. } => Cell::styled(WARN, "ok ~"),
            _ => Cell::styled(BAD, "BROKEN"),
        };
        let grown = if budget.kind == "max-growth" { "+" } else { "" };
        let used = if budget.limit == 0 { Cell::absent() } else { Cell::new(percent(budget.measured, budget.limit)) };
        table.push(vec![
            mark,
            Cell::styled(NAME, title(budget)),
            Cell::new(format!("{grown}{}", amount(budget, budget.measured))),
            Cell::new(format!("{grown}{}", amount(budget, budget.limit))),
            used,
            budget.matched.map_or_else(Cell::absent, |n| Cell::new(count(n))),
        ]);
    }
    table
}

fn title(budget: &BudgetRow) -> String {
    if budget.kind == "max" { budget.name.clone() } else { format!("growth of {}", budget.name) }
}

/// Where budgets and baseline come from, and what was run.
fn origins(report: &GateReport, width: usize) -> String {
    let mut out = String::new();
    if let Some(config) = &report.config {
        out += &note(&format!("budgets of {}", safe(config)), width);
    }
    if let Some(baseline) = &report.baseline {
        out += &note(&format!("growth since {}", safe(baseline)), width);
    }
    if let Some(run) = &report.run {
        let ended = run.ended.as_ref().map_or_else(|| "then ended by the gate".into(), |e| format!("ended with {e}"));
        let text = format!("{}: examined at {}; {ended}", safe(&run.command.join(" ")), safe(&run.marker));
        out += &note(&text, width);
    }
    out
}

fn amount(budget: &BudgetRow, n: u64) -> String {
    if budget.unit == "bytes" { bytes(n) } else { count(n) }
}

fn broken(budget: &BudgetRow, options: &TextOptions) -> String {
    let width = options.width;
    let title = format!("{} · limit {}", safe(&title(budget)), safe(&budget.limit_text));
    let mut out = format!("\n{}\n", paint(BAD.bold(), shorten(&title, width)));
    let shown = options.limit.unwrap_or(OFFENDERS).min(budget.offenders.len());
    for offender in &budget.offenders[..shown] {
        out += &offence(budget, offender, width);
    }
    if shown < budget.offenders.len() {
        let left = count((budget.offenders.len() - shown) as u64);
        push_line(&mut out, paint(DIM, format_args!("… {left} more; --limit 0 shows all")));
    }
    for finding in &budget.findings {
        out += &found(finding, width);
    }
    for line in budget.advice.iter().flat_map(|advice| wrap(&safe(advice), width.saturating_sub(4).max(20))) {
        push_line(&mut out, line);
    }
    out
}

/// A budget whose figure is uncertain: whether it holds is not known.
fn refused(budget: &BudgetRow, width: usize) -> String {
    let title = format!("{} · limit {}", safe(&title(budget)), safe(&budget.limit_text));
    let mut out = format!("\n{}\n", paint(WARN.bold(), shorten(&title, width)));
    for reason in &budget.uncertain {
        for line in wrap(&format!("not checked: {}", safe(reason)), width.saturating_sub(2).max(20)) {
            push_line(&mut out, line);
        }
    }
    out
}

fn offence(budget: &BudgetRow, offender: &OffenderRow, width: usize) -> String {
    let mut out = String::new();
    let subject = safe(&offender.subject);
    let place = [&offender.type_name, &offender.addr].into_iter().flatten().map(|s| safe(s)).collect::<Vec<_>>();
    let room = width.saturating_sub(2).max(20);
    push_line(&mut out, paint(NAME, shorten(&subject, room)));
    let grown = offender.now.map(|now| match offender.before {
        Some(before) => format!("{} → {}, ", amount(budget, before), amount(budget, now)),
        None => format!("not in the baseline → {}, ", amount(budget, now)),
    });
    let over = offender.measured - offender.limit.min(offender.measured);
    let sign = if budget.kind == "max" { "" } else { "+" };
    let mut parts = vec![format!(
        "{}{sign}{}: {} above the limit",
        grown.unwrap_or_default(),
        amount(budget, offender.measured),
        amount(budget, over)
    )];
    parts.extend(place.iter().map(ToString::to_string));
    for line in super::style::join(&parts, width.saturating_sub(INDENT.len()).max(20)) {
        out.extend([INDENT, &line, "\n"]);
    }
    out
}

fn found(finding: &FindingRow, width: usize) -> String {
    let mut out = format!("{INDENT}{}\n", paint(NAME, format_args!("{} {}", finding.rule, finding.name)));
    for line in wrap(&safe(&finding.summary), width.saturating_sub(INDENT.len()).max(20)) {
        out.extend([INDENT, &paint(DIM, line), "\n"]);
    }
    out
}
