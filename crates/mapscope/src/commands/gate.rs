//! `mapscope gate`.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use mapscope_memory::MemoryError;
use mapscope_report::model::{BudgetRow, GateReport, GateRun, Inspection};
use mapscope_report::text::{self, printable};
use mapscope_report::{GATE_SCHEMA, TextOptions, budget_summary, junit, sarif, to_json};

use super::{Outcome, load, saved};
use crate::config::gate::{Checks, Examined, Gate, GateFormat, Pause};
use crate::config::{Config, View};
use crate::gate::{Allow, Budget, Facts, evaluate, with_command};
use crate::input;
use crate::output::{self, Output};
use crate::source::{Loaded, Target, TargetSpec};

/// Examines the target, or the command, and says which budgets hold.
pub(crate) fn run(gate: &Gate, config: &Config) -> Result<Outcome> {
    // Before anything is stopped or started: a wrong file should cost nothing.
    let budgets: &[Budget] = if let Checks::Budgets { budgets, .. } = &gate.checks { budgets } else { &[] };
    let baseline = match &gate.checks {
        Checks::Budgets { baseline: Some(path), .. } => Some(earlier(path)?),
        _ => None,
    };
    let examine = |target: &Target| load(target, config, |l| Ok(facts(l, budgets)));
    let (facts, command, failed) = match &gate.examined {
        Examined::Target(target) => (examine(target)?, None, None),
        Examined::Command(run, pause) => {
            let examined = with_command(run, |pid| examine(&process(pid, pause)))?;
            (examined.result, Some(examined.run), examined.failed)
        }
    };
    if let Some(path) = &gate.save {
        save(path, &facts.inspection)?;
    }
    let outcome = match &gate.checks {
        Checks::Baseline(path) => {
            save(path, &facts.inspection)?;
            output::write(&written(path), config)?;
            Outcome::Fine
        }
        Checks::Budgets { .. } => {
            let report = check(&gate.checks, facts, baseline.as_ref(), command)?;
            for (file, format) in [(&gate.sarif, GateFormat::Sarif), (&gate.junit, GateFormat::Junit)] {
                if let Some(path) = file {
                    write(path, &render(&report, format, gate, config.view)?)?;
                }
            }
            output::write(&render(&report, gate.format, gate, config.view)?, config)?;
            annotate(&report, config);
            match (report.broken_budgets, report.refused_budgets) {
                (0, 0) => Outcome::Fine,
                (0, _) => bail!("{}", refusal(&report)),
                _ => Outcome::Failed,
            }
        }
    };
    match (outcome, failed) {
        (outcome, None) => Ok(outcome),
        // The finding goes before: it is what the gate is for.
        (Outcome::Failed, Some(failed)) => {
            output::note(&failed);
            Ok(Outcome::Failed)
        }
        (Outcome::Fine, Some(failed)) => Err(anyhow!("{failed}")),
    }
}

fn process(pid: u32, pause: &Pause) -> Target {
    let Pause { exe, debug_info, containers, options } = pause;
    let (exe, debug_info, containers) = (exe.clone(), debug_info.clone(), Arc::clone(containers));
    Target { spec: TargetSpec::Process(pid), exe, debug_info, pause: *options, containers }
}

/// What budgets are measured by. The names of all functions are many, and few budgets are on them.
fn facts(loaded: Loaded<'_, '_>, budgets: &[Budget]) -> Facts {
    let named = budgets.iter().any(|budget| budget.subject.function().is_some());
    let functions = if named { loaded.session().function_names().map(str::to_owned).collect() } else { Vec::new() };
    let (inspection, goroutines) = loaded.findings_and_goroutines();
    Facts { inspection, goroutines, functions }
}

fn check(checks: &Checks, facts: Facts, baseline: Option<&Inspection>, run: Option<GateRun>) -> Result<GateReport> {
    let Checks::Budgets { budgets, baseline: baseline_path, config, allow_unmatched, allow_partial } = checks else {
        bail!("there is nothing to check");
    };
    let allow = Allow { unmatched: *allow_unmatched, partial: *allow_partial };
    let rows = evaluate(budgets, &facts, baseline, allow).map_err(|errors| anyhow!("{}", errors.join("\n")))?;
    let number = |of: fn(&&BudgetRow) -> bool| rows.iter().filter(of).count() as u64;
    let (broken, refused) = (number(|row| !row.holds && !row.refused), number(|row| row.refused));
    let path = |path: &Option<std::path::PathBuf>| path.as_ref().map(|path| input::name(path));
    Ok(GateReport {
        schema: GATE_SCHEMA.to_owned(),
        target: facts.inspection.target,
        holds: broken + refused == 0,
        broken_budgets: broken,
        refused_budgets: refused,
        budgets: rows,
        baseline: path(baseline_path),
        config: path(config),
        run,
        partial: facts.inspection.partial,
        partial_scope: facts.inspection.partial_scope,
    })
}

/// Why there is no verdict, when nothing is broken.
fn refusal(report: &GateReport) -> String {
    let refused: Vec<&BudgetRow> = report.budgets.iter().filter(|row| row.refused).collect();
    let names: Vec<&str> = refused.iter().map(|row| row.name.as_str()).collect();
    let mut reasons: Vec<&str> = Vec::new();
    for reason in refused.iter().flat_map(|row| &row.uncertain) {
        if !reasons.contains(&reason.as_str()) {
            reasons.push(reason);
        }
    }
    format!(
        "the inspection is partial, so that a budget may seem to hold which does not: {} (--allow-partial checks it all \
         the same): {}",
        names.join(", "),
        reasons.join("; ")
    )
}

fn render(report: &GateReport, format: GateFormat, gate: &Gate, view: View) -> Result<String> {
    Ok(match format {
        GateFormat::Text => {
            text::gate(report, &TextOptions { width: view.width, limit: gate.limit, ..TextOptions::default() })
        }
        GateFormat::Json => to_json(report)?,
        GateFormat::Junit => junit(report),
        GateFormat::Sarif => sarif(report)?,
    })
}

/// The baseline, or how to make one.
fn earlier(path: &Path) -> Result<Inspection> {
    let missing = |error: &anyhow::Error| match error.downcast_ref() {
        Some(MemoryError::File { source, .. }) => source.kind() == io::ErrorKind::NotFound,
        _ => false,
    };
    match saved::inspected(path) {
        Ok(read) => Ok(read.inspection),
        Err(error) if missing(&error) => bail!(
            "{}: there is no baseline; make one with --write-baseline {} in place of the budgets, or with mapscope \
             inspect TARGET --format json -o {}",
            path.display(),
            path.display(),
            path.display()
        ),
        Err(error) => Err(error).context("--baseline"),
    }
}

fn save(path: &Path, inspection: &Inspection) -> Result<()> {
    output::write_file(path, &Output::json(inspection.clone()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("{}: cannot be written", path.display()))
}

fn written(path: &Path) -> String {
    format!("{}: written as a baseline; nothing was checked\n", printable(&path.display().to_string()))
}

/// On GitHub, a line of this form on any stream becomes a mark on the run.
fn annotate(report: &GateReport, config: &Config) {
    if config.quiet || std::env::var_os("GITHUB_ACTIONS").is_none_or(|v| v != "true") {
        return;
    }
    for budget in report.budgets.iter().filter(|b| !b.holds && !b.refused) {
        // When nobody listens there, the exit code still tells.
        let _ = writeln!(io::stderr(), "{}", annotation(report, budget));
    }
}

fn annotation(report: &GateReport, budget: &BudgetRow) -> String {
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let place = match (&report.config, budget.line) {
        (Some(file), Some(line)) => format!("file={},line={line},", property(file)),
        _ => String::new(),
    };
    format!("::error {place}title=mapscope gate::{}", data(&budget_summary(budget)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annotation_is_one_line() {
        let budget = BudgetRow { name: "live".into(), kind: "max".into(), line: Some(3), ..BudgetRow::default() };
        let report = GateReport { config: Some("a,b:c.toml".into()), ..GateReport::default() };
        let offender =
            mapscope_report::model::OffenderRow { subject: "100%\nlive".into(), measured: 2, ..Default::default() };
        let line = annotation(&report, &BudgetRow { offenders: vec![offender], ..budget });
        assert!(line.starts_with("::error file=a%2Cb%3Ac.toml,line=3,title=mapscope gate::100%25%0Alive"), "{line}");
    }
}
