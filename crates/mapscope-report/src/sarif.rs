//! SARIF 2.1.0 of a gate: what code hosts show beside the code. A result is what breaks a budget; its place is a name in
//! the program, and the line of the configuration file that has the budget, where one has.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::gate::{budget_summary, sentence};
use crate::model::{BudgetRow, GateReport, OffenderRow};

/// The document, indented.
///
/// # Errors
/// When it cannot be written as JSON, which does not happen.
pub fn sarif(report: &GateReport) -> serde_json::Result<String> {
    let broken = || report.budgets.iter().filter(|b| !b.holds && !b.refused);
    let ids: BTreeSet<String> = broken().map(rule_id).collect();
    let ids: Vec<String> = ids.into_iter().collect();
    let rules: Vec<Value> = ids.iter().map(|id| rule(id, broken().find(|b| rule_id(b) == *id))).collect();
    let results: Vec<Value> = broken()
        .flat_map(|budget| budget.offenders.iter().map(move |offender| (budget, offender)))
        .map(|(budget, offender)| result(report, budget, offender, &ids))
        .collect();
    let document = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "mapscope",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "invocations": [invocation(report)],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// Whether all budgets could be checked; why some could not.
fn invocation(report: &GateReport) -> Value {
    let exit_code = match (report.broken_budgets, report.refused_budgets) {
        (0, 0) => 0,
        (0, _) => 2,
        _ => 1,
    };
    let mut invocation = json!({ "executionSuccessful": exit_code != 2, "exitCode": exit_code });
    let refused = report.budgets.iter().filter(|b| b.refused);
    let notes: Vec<Value> = refused
        .map(|b| {
            let text = format!("{} was not checked: {}", b.name, b.uncertain.join("; "));
            json!({ "level": "error", "message": { "text": text } })
        })
        .collect();
    if !notes.is_empty() {
        invocation["toolExecutionNotifications"] = Value::Array(notes);
    }
    invocation
}

/// `gate/max/map/entries`: what is alike in all budgets of one kind.
fn rule_id(budget: &BudgetRow) -> String {
    let mut parts = budget.name.split(':');
    let first = parts.next().unwrap_or_default();
    let last = match first {
        "map" | "type" => parts.next_back(),
        _ => None,
    };
    let last = last.map_or_else(String::new, |figure| format!("/{figure}"));
    format!("gate/{}/{first}{last}", budget.kind)
}

fn rule(id: &str, example: Option<&BudgetRow>) -> Value {
    let advice = example.and_then(|b| b.advice.as_deref()).unwrap_or("Raise the budget, or find what grew.");
    json!({
        "id": id,
        "shortDescription": { "text": "A memory budget is broken" },
        "fullDescription": { "text": "A figure of the program's memory is above what `mapscope gate` allows." },
        "help": { "text": advice },
        "defaultConfiguration": { "level": "error" },
    })
}

fn result(report: &GateReport, budget: &BudgetRow, offender: &OffenderRow, ids: &[String]) -> Value {
    let id = rule_id(budget);
    let index = ids.iter().position(|other| *other == id).unwrap_or_default();
    let mut text = if budget.offenders.len() == 1 { budget_summary(budget) } else { sentence(budget, offender) + "." };
    for part in budget.findings.iter().filter(|f| f.subject == offender.subject).map(|f| &f.summary) {
        text = text + " " + part;
    }
    if let Some(advice) = &budget.advice {
        text = text + " " + advice;
    }
    let kind = match budget.name.split(':').next() {
        Some("map") => "variable",
        Some("type") => "type",
        Some("goroutines") if offender.subject != budget.name => "function",
        _ => "module",
    };
    let mut location = json!({
        "logicalLocations": [{ "fullyQualifiedName": offender.subject, "kind": kind }],
    });
    if let (Some(config), Some(line)) = (&report.config, budget.line) {
        location["physicalLocation"] = json!({
            "artifactLocation": { "uri": uri(config) },
            "region": { "startLine": line },
        });
    }
    json!({
        "ruleId": id,
        "ruleIndex": index,
        "level": "error",
        "message": { "text": text },
        "locations": [location],
        "partialFingerprints": { "mapscopeBudget/v1": fingerprint(&[&budget.kind, &budget.name, &offender.subject]) },
        "properties": { "measured": offender.measured, "limit": offender.limit, "unit": budget.unit },
    })
}

/// A path as a relative or absolute reference.
fn uri(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    let escaped: String =
        path.bytes().map(|b| if plain(b) { (b as char).to_string() } else { format!("%{b:02X}") }).collect();
    if path.starts_with('/') { format!("file://{escaped}") } else { escaped.trim_start_matches("./").to_owned() }
}

/// The same for the same budget and subject in every run, whatever was measured (FNV-1a).
fn fingerprint(parts: &[&str]) -> String {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_references() {
        assert_eq!(uri("./ci/map scope.toml"), "ci/map%20scope.toml");
        assert_eq!(uri("/etc/mapscope.toml"), "file:///etc/mapscope.toml");
    }

    #[test]
    fn a_fingerprint_depends_on_what_and_not_on_how_much() {
        let of = |parts: &[&str]| fingerprint(parts);
        assert_eq!(of(&["max", "live"]), of(&["max", "live"]));
        assert_ne!(of(&["max", "live"]), of(&["maxl", "ive"]));
        assert_eq!(of(&["max"]).len(), 16);
    }

    #[test]
    fn budgets_of_one_figure_are_one_rule() {
        let id = |name: &str| rule_id(&BudgetRow { kind: "max".into(), name: name.into(), ..BudgetRow::default() });
        assert_eq!(id("live"), "gate/max/live");
        assert_eq!(id("map:goroutine 7 main.worker: seen:entries"), "gate/max/map/entries");
        assert_eq!(id("goroutines:main.worker"), "gate/max/goroutines");
    }
}
