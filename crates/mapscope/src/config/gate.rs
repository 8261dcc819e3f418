//! What `gate` is to check, and of what.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use mapscope_go::ContainerTable;
use nix::sys::signal::Signal;

use super::containers::containers;
use super::gate_file::{self, GateFile};
use super::{DEFAULT_FILE, Target, target};
use crate::args::{FormatArg, GateArgs, RunArgs, TargetArgs, Then};
use crate::gate::{Budget, Kind, split};
use crate::input;
use mapscope_memory::PauseOptions;

/// What `gate` is to check, and of what.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) examined: Examined,
    pub(crate) checks: Checks,
    pub(crate) format: GateFormat,
    /// Things shown below a broken budget.
    pub(crate) limit: Option<usize>,
    /// Where the inspection is kept.
    pub(crate) save: Option<PathBuf>,
    /// Where else the result goes.
    pub(crate) sarif: Option<PathBuf>,
    pub(crate) junit: Option<PathBuf>,
}

impl Gate {
    /// The files that it writes besides the result, with their flags.
    pub(super) fn writes(&self) -> [(&'static str, Option<&Path>); 4] {
        let baseline = if let Checks::Baseline(path) = &self.checks { Some(path.as_path()) } else { None };
        let files = [("--save", &self.save), ("--sarif", &self.sarif), ("--junit", &self.junit)];
        let [save, sarif, junit] = files.map(|(flag, path)| (flag, path.as_deref()));
        [save, sarif, junit, ("--write-baseline", baseline)]
    }
}

/// A target that is there, or a command that is started for it.
#[derive(Debug)]
pub(crate) enum Examined {
    Target(Target),
    Command(Run, Pause),
}

/// What is known of the process that a command will be.
#[derive(Debug)]
pub(crate) struct Pause {
    pub(crate) exe: Option<PathBuf>,
    pub(crate) debug_info: Vec<PathBuf>,
    pub(crate) containers: Arc<ContainerTable>,
    pub(crate) options: PauseOptions,
}

/// What is checked.
#[derive(Debug)]
pub(crate) enum Checks {
    /// Nothing: this is the baseline.
    Baseline(PathBuf),
    Budgets {
        budgets: Vec<Budget>,
        baseline: Option<PathBuf>,
        /// The file that has budgets.
        config: Option<PathBuf>,
        allow_unmatched: bool,
        allow_partial: bool,
    },
}

/// A command, and where it is examined.
#[derive(Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) command: Vec<String>,
    pub(crate) marker: Marker,
    pub(crate) then: Then,
    pub(crate) timeout: Option<Duration>,
}

/// Where a command is examined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    Signal(Signal),
    Line(String),
    After(Duration),
}

/// How the result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GateFormat {
    Text,
    Json,
    Junit,
    Sarif,
}

pub(super) fn gate(typed: GateArgs, format: FormatArg) -> Result<Gate> {
    let format = match format {
        FormatArg::Text => GateFormat::Text,
        FormatArg::Json => GateFormat::Json,
        FormatArg::Junit => GateFormat::Junit,
        FormatArg::Sarif => GateFormat::Sarif,
        FormatArg::Html | FormatArg::Markdown => bail!("--format: `gate` has text, json, junit and sarif"),
    };
    let checks = match &typed.write_baseline {
        Some(file) => Checks::Baseline(file.clone()),
        None => checks(&typed)?,
    };
    let limit = typed.limit.map(|n| if n == 0 { usize::MAX } else { n });
    if typed.write_baseline.is_some() && (typed.sarif.is_some() || typed.junit.is_some() || format != GateFormat::Text)
    {
        bail!(
            "--write-baseline checks nothing, so there is no result to write: leave --format, --sarif and --junit out"
        );
    }
    let (save, sarif, junit) = (typed.save.clone(), typed.sarif.clone(), typed.junit.clone());
    Ok(Gate { examined: examined(typed)?, checks, format, limit, save, sarif, junit })
}

fn examined(typed: GateArgs) -> Result<Examined> {
    let GateArgs { exe, debug_info, config, pause, run: typed_run, .. } = typed;
    // What comes out of a pipe comes once, and the budgets have read it.
    let config = config.filter(|path| !input::is_standard(path));
    if let Some(name) = typed.target {
        if let Some(flag) = marker_flag(&typed_run) {
            bail!("{flag} is about a command that is started: give it with --run COMMAND or behind --, and no TARGET");
        }
        return Ok(Examined::Target(target(TargetArgs { target: name, exe, debug_info, config, pause })?));
    }
    let containers = containers(config.as_deref())?;
    let pause = Pause { exe, debug_info, containers, options: super::pause_options(pause) };
    Ok(Examined::Command(run(typed_run)?, pause))
}

fn marker_flag(run: &RunArgs) -> Option<&'static str> {
    let given = [
        (run.at_signal.is_some(), "--at-signal"),
        (run.at_line.is_some(), "--at-line"),
        (run.after.is_some(), "--after"),
        (run.then.is_some(), "--then"),
        (run.timeout.is_some(), "--timeout"),
    ];
    given.into_iter().find_map(|(given, flag)| given.then_some(flag))
}

fn run(typed: RunArgs) -> Result<Run> {
    let command = match &typed.run {
        Some(text) => split(text).context("--run")?,
        None => typed.command,
    };
    if command.first().is_none_or(String::is_empty) {
        bail!("there is nothing to examine: give a pid, a core, or a command with --run COMMAND");
    }
    let marker = match (typed.at_signal, typed.at_line, typed.after) {
        (Some(name), ..) => Marker::Signal(signal(&name)?),
        (_, Some(text), _) if text.is_empty() => bail!("--at-line: TEXT is empty: give a part of the line"),
        (_, Some(text), _) => Marker::Line(text),
        (.., Some(time)) => Marker::After(duration("--after", &time)?),
        (None, None, None) => bail!(
            "when is `{}` to be examined? Give --at-signal USR1, --at-line TEXT or --after 30s",
            command.join(" ")
        ),
    };
    let timeout = typed.timeout.map(|time| duration("--timeout", &time)).transpose()?;
    Ok(Run { command, marker, then: typed.then.unwrap_or_default(), timeout })
}

/// `USR1`, `SIGUSR1` or `10`.
fn signal(typed: &str) -> Result<Signal> {
    let name = typed.to_ascii_uppercase();
    let named = || Signal::from_str(&format!("SIG{}", name.strip_prefix("SIG").unwrap_or(&name))).ok();
    let numbered = || typed.parse().ok().and_then(|number: i32| Signal::try_from(number).ok());
    match named().or_else(numbered) {
        None => bail!("--at-signal: `{typed}` is no signal; try USR1 or USR2"),
        Some(Signal::SIGKILL) => bail!("--at-signal: nobody can hold a process at KILL; try USR1"),
        Some(Signal::SIGURG) => {
            bail!("--at-signal: Go's runtime sends URG to its own threads all the time; try USR1")
        }
        Some(signal) => Ok(signal),
    }
}

/// `30s`, `500ms`, `2m`, `1h`; a number alone is seconds.
fn duration(flag: &str, typed: &str) -> Result<Duration> {
    let text = typed.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "ms" => Some(0.001),
        "" | "s" => Some(1.0),
        "m" | "min" => Some(60.0),
        "h" => Some(3600.0),
        _ => None,
    };
    let time = number.parse::<f64>().ok().zip(seconds).map(|(number, unit)| number * unit);
    match time.map(Duration::try_from_secs_f64) {
        // A year: later than anybody waits, and far from what the clock cannot add.
        Some(Ok(time)) if time <= Duration::from_secs(365 * 86_400) => Ok(time),
        _ => bail!("{flag}: `{typed}` is no time; try 30s, 500ms or 2m"),
    }
}

/// The budgets of the file and of the command line, which wins.
fn checks(typed: &GateArgs) -> Result<Checks> {
    let (file, config) = match &typed.config {
        Some(path) => (gate_file::read(path)?, Some(path.clone())),
        None if Path::new(DEFAULT_FILE).is_file() => {
            (gate_file::read(Path::new(DEFAULT_FILE))?, Some(PathBuf::from(DEFAULT_FILE)))
        }
        None => (GateFile::default(), None),
    };
    let GateFile { mut budgets, baseline } = file;
    for (kind, texts) in [(Kind::Max, &typed.max), (Kind::MaxGrowth, &typed.max_growth)] {
        for text in texts {
            let budget = Budget::parse(kind, text).with_context(|| format!("--{}", kind.name()))?;
            match budgets.iter_mut().find(|b| b.name == budget.name && b.kind() == kind) {
                Some(known) => *known = budget,
                None => budgets.push(budget),
            }
        }
    }
    if budgets.is_empty() {
        bail!("there is nothing to check: give --max live=50MiB, or a {DEFAULT_FILE} with budgets");
    }
    let grows = budgets.iter().find(|b| b.kind() == Kind::MaxGrowth);
    // One that only the file names may wait there for a budget.
    let baseline = match (grows, typed.baseline.clone(), baseline) {
        (None, Some(_), _) => bail!("--baseline: nothing is compared with it: give --max-growth live=10%"),
        (None, None, _) => None,
        (Some(_), Some(path), _) | (Some(_), None, Some(path)) => Some(path),
        (Some(budget), None, None) => bail!(
            "--max-growth {}={}: since when? Give --baseline FILE; --write-baseline FILE makes one",
            budget.name,
            budget.limit_text
        ),
    };
    let config = config.filter(|_| budgets.iter().any(|b| b.line.is_some()));
    let (allow_unmatched, allow_partial) = (typed.allow_unmatched, typed.allow_partial);
    Ok(Checks::Budgets { budgets, baseline, config, allow_unmatched, allow_partial })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_have_names_and_numbers() {
        for text in ["USR1", "usr1", "SIGUSR1", "10"] {
            assert_eq!(signal(text).expect(text), Signal::SIGUSR1);
        }
        for (text, why) in [("USR3", "is no signal"), ("KILL", "nobody"), ("URG", "runtime"), ("0", "is no signal")] {
            assert!(signal(text).expect_err(text).to_string().contains(why), "{text}");
        }
    }

    #[test]
    fn times_have_units() {
        let cases = [("30s", 30_000), ("500ms", 500), ("2m", 120_000), ("1.5", 1_500), ("1h", 3_600_000), ("0s", 0)];
        for (text, milliseconds) in cases {
            assert_eq!(duration("--after", text).expect(text), Duration::from_millis(milliseconds), "{text}");
        }
        for text in ["", "s", "-1s", "10 parsecs", "1e9h", "99999999h", "NaN"] {
            assert!(duration("--after", text).is_err(), "{text}");
        }
    }
}
