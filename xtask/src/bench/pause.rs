//! `cargo xtask bench pause`: how long a process stands still while it is looked at, as the process itself sees it, and
//! what it costs it afterwards, next to the programs that people use for this today.
//!
//! The testbed's `ticker` has a thread that wakes once a millisecond and notes when it was late, and another that answers
//! requests and notes how long each took.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::machine::Machine;
use super::measure::memory;
use super::report::Spread;
use super::sections;
use super::target::directory;
use crate::workspace::{describe, testbed_directory, tools_directory};
use crate::{testbed, tools};

const GO: &str = "1.27.3";
/// What the issue of snapshots allows: a pause that does not depend on the heap, and the copy of the page tables.
const FIXED_MS: f64 = 60.0;
const MS_PER_GB: f64 = 25.0;

struct Options {
    /// Megabytes that the target keeps.
    sizes: Vec<u64>,
    /// How often mapscope looks; the others look once, or as often on a small target, because they take long.
    rounds: usize,
    mapscope: Option<PathBuf>,
}

/// A program that looks at a process.
struct Tool {
    name: &'static str,
    /// Rounds on a target of so many megabytes, of those that mapscope has.
    rounds: fn(u64, usize) -> usize,
    command: fn(&Places, u32) -> Option<Command>,
    /// What it is told on its input.
    input: &'static str,
}

/// Where programs are and where they write.
struct Places {
    mapscope: PathBuf,
    tools: PathBuf,
    delve: PathBuf,
    out: PathBuf,
    script: PathBuf,
}

const TOOLS: &[Tool] = &[
    Tool {
        name: "**mapscope inspect**",
        rounds: |_, n| n,
        command: |p, pid| Some(mapscope(p, "inspect", pid)),
        input: "",
    },
    Tool {
        name: "**mapscope capture**",
        rounds: |_, n| n,
        command: |p, pid| Some(mapscope(p, "capture", pid)),
        input: "",
    },
    Tool { name: "mapscope inspect --pause copy", rounds: few, command: |p, pid| Some(copying(p, pid)), input: "" },
    Tool { name: "gcore (gdb)", rounds: few, command: |p, pid| Some(gcore(p, pid)), input: "" },
    Tool { name: "Delve, dump", rounds: few, command: delve, input: "n\n" },
    Tool { name: "goref", rounds: few, command: goref, input: "" },
];

fn few(megabytes: u64, rounds: usize) -> usize {
    if megabytes <= 100 { rounds.min(5) } else { 1 }
}

fn mapscope(places: &Places, verb: &str, pid: u32) -> Command {
    let mut command = Command::new(&places.mapscope);
    command.arg(verb).arg(pid.to_string()).arg("-o").arg(&places.out);
    match verb {
        "capture" => command.arg("--force"),
        _ => command.args(["--format", "json"]),
    };
    command
}

fn copying(places: &Places, pid: u32) -> Command {
    let mut command = mapscope(places, "inspect", pid);
    command.args(["--pause", "copy"]);
    command
}

fn gcore(places: &Places, pid: u32) -> Command {
    let mut command = Command::new("gcore");
    command.arg("-o").arg(&places.out).arg(pid.to_string());
    command
}

fn delve(places: &Places, pid: u32) -> Option<Command> {
    let mut command = Command::new(&places.delve);
    command.arg("attach").arg(pid.to_string()).arg("--allow-non-terminal-interactive=true");
    command.arg("--init").arg(&places.script);
    places.delve.exists().then_some(command)
}

fn goref(places: &Places, pid: u32) -> Option<Command> {
    let program = places.tools.join("grf");
    let mut command = Command::new(&program);
    command.arg("attach").arg(pid.to_string()).arg("-o").arg(&places.out);
    program.exists().then_some(command)
}

/// The program `ticker`, running until this goes away.
struct Ticker {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Ticker {
    fn start(megabytes: u64) -> Result<Self> {
        let program = testbed_directory().join(format!("bin/{GO}-default/ticker"));
        let mut child = Command::new(&program)
            .args([&mebibytes(megabytes).to_string(), "requests"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let input = child.stdin.take().context("the program has no input")?;
        let mut output = BufReader::new(child.stdout.take().context("the program has no output")?).lines();
        while output.next().context("the program ended")?? != "READY" {}
        Ok(Self { child, input, output })
    }

    fn ask(&mut self, what: &str) -> Result<Value> {
        writeln!(self.input, "{what}")?;
        Ok(serde_json::from_str(&self.output.next().context("the program ended")??)?)
    }

    /// Page faults so far: the 10th field of `/proc/PID/stat`.
    fn faults(&self) -> Result<u64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace());
        let faults = fields.and_then(|mut fields| fields.nth(7)?.parse().ok());
        faults.context("/proc/PID/stat does not count page faults")
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is kept for `megabytes` to be resident.
fn mebibytes(megabytes: u64) -> u64 {
    megabytes * 1_000_000 / (1 << 20)
}

/// What the target noticed of one tool.
struct Row {
    tool: &'static str,
    resident: u64,
    rounds: usize,
    /// Longest gap between two ticks, and the longest request, in milliseconds, of each round.
    gaps: Vec<f64>,
    requests: Vec<f64>,
    /// Seconds that the tool took, and page faults of the target meanwhile.
    walls: Vec<f64>,
    faults: Vec<f64>,
}

/// `cargo xtask bench pause [--sizes MB,MB] [--rounds N] [--mapscope FILE]`.
pub(super) fn run(arguments: &[&str]) -> Result<()> {
    let options = parse(arguments)?;
    testbed::build()?;
    tools::install_delve()?;
    super::peers::install()?;
    let program = super::program(options.mapscope.as_deref())?;
    let places = Places {
        mapscope: program,
        tools: tools_directory().join("bin"),
        delve: testbed_directory().join("delve/dlv"),
        out: directory()?.join("pause.out"),
        script: directory()?.join("pause.dlv"),
    };
    fs::write(&places.script, format!("dump {}\nexit\n", places.out.display()))?;
    let machine = Machine::look()?;
    println!("{machine}");
    let mut rows = Vec::new();
    for megabytes in &options.sizes {
        let mut ticker = Ticker::start(*megabytes)?;
        let resident = memory(ticker.child.id(), "VmRSS")?;
        rows.push(undisturbed(&mut ticker, resident)?);
        for tool in TOOLS {
            let rounds = (tool.rounds)(*megabytes, options.rounds);
            if let Some(row) = look(&mut ticker, tool, &places, resident, rounds)? {
                println!("{}", line(&row));
                rows.push(row);
            }
        }
    }
    fs::remove_file(&places.script)?;
    sections::write("pause", &page(&rows, &machine)?)
}

fn parse(arguments: &[&str]) -> Result<Options> {
    let mut options = Options { sizes: vec![100, 1000, 4000], rounds: 20, mapscope: None };
    for (argument, value) in super::pairs(arguments)? {
        match argument {
            "--sizes" => options.sizes = value.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "--rounds" => options.rounds = value.parse::<usize>()?.max(1),
            "--mapscope" => options.mapscope = Some(value.into()),
            _ => bail!("unknown option {argument}"),
        }
    }
    Ok(options)
}

/// The target alone, for as long as it takes to count.
fn undisturbed(ticker: &mut Ticker, resident: u64) -> Result<Row> {
    let tool = Tool { name: "nothing", rounds: few, command: |_, _| None, input: "" };
    let mut row = Row::new(&tool, resident);
    for _ in 0..3 {
        row.round(ticker, || Command::new("sleep").arg("1").status().map(drop).map_err(Into::into))?;
    }
    Ok(row)
}

/// Lets a tool look at the target; `None` when it is not there or fails.
fn look(ticker: &mut Ticker, tool: &Tool, places: &Places, resident: u64, rounds: usize) -> Result<Option<Row>> {
    let mut row = Row::new(tool, resident);
    for _ in 0..rounds {
        let Some(command) = (tool.command)(places, ticker.child.id()) else { return Ok(None) };
        if let Err(error) = row.round(ticker, || finish(command, tool.input)) {
            println!("{}: {error:#}; going on without it", tool.name);
            return Ok(None);
        }
        remove_output(&places.out)?;
    }
    Ok(Some(row))
}

/// Runs a command to its end.
fn finish(mut command: Command, input: &str) -> Result<()> {
    let name = describe(&command);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(input.as_bytes())?;
    }
    let status = child.wait()?;
    if status.success() { Ok(()) } else { bail!("`{name}` failed: {status}") }
}

/// gcore adds the pid to the name that it is given.
fn remove_output(out: &Path) -> Result<()> {
    let name = out.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for entry in fs::read_dir(directory()?)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(&name) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

impl Row {
    fn new(tool: &Tool, resident: u64) -> Self {
        let (gaps, requests, walls, faults) = Default::default();
        Self { tool: tool.name, resident, rounds: 0, gaps, requests, walls, faults }
    }

    /// Does something to the target and asks it what it noticed.
    fn round(&mut self, ticker: &mut Ticker, action: impl FnOnce() -> Result<()>) -> Result<()> {
        ticker.ask("gaps")?;
        ticker.ask("requests")?;
        let (started, faults) = (Instant::now(), ticker.faults()?);
        action()?;
        self.walls.push(started.elapsed().as_secs_f64());
        self.faults.push((ticker.faults()? - faults) as f64);
        let longest = |answer: &Value, name: &str| answer[name].as_f64().map(|us| us / 1000.0);
        let gaps = ticker.ask("gaps")?;
        // Gaps of up to two milliseconds are none.
        self.gaps.push(gaps["gaps_us"][0].as_f64().map_or(2.0, |us| us / 1000.0));
        self.requests.push(longest(&ticker.ask("requests")?, "longest_us").context("no request was answered")?);
        self.rounds += 1;
        Ok(())
    }
}

fn line(row: &Row) -> String {
    let milliseconds = |values: &[f64]| Spread::of(values.to_vec()).show();
    let median = |values: &[f64]| Spread::of(values.to_vec()).median;
    format!(
        "| {} MB | {} | {} | {} | {} | {:.2} | {:.0} |",
        row.resident / 1_000_000,
        row.tool,
        row.rounds,
        milliseconds(&row.gaps),
        milliseconds(&row.requests),
        median(&row.walls),
        median(&row.faults),
    )
}

fn page(rows: &[Row], machine: &Machine) -> Result<String> {
    let mut out = format!(
        "## What a look costs the process\n\n\
         `cargo xtask bench pause` writes this section. The testbed's program `ticker` has a thread that wakes once a\n\
         millisecond, and one that answers requests which read and change what it keeps. Each tool looks at it while it\n\
         runs; the figures are what the target itself noticed. Medians, with the least and the most.\n\n{}, Go {GO}.\n\n\
         | resident | tool | rounds | longest gap between two ticks, ms | longest request, ms | tool took, s | page faults of the target |\n\
         |---:|---|---:|---:|---:|---:|---:|\n",
        sections::dated(machine)?
    );
    for row in rows {
        writeln!(out, "{}", line(row))?;
    }
    out += "\n";
    for row in rows.iter().filter(|row| row.tool.starts_with("**")) {
        let allowed = FIXED_MS + MS_PER_GB * row.resident as f64 / 1e9;
        let median = Spread::of(row.gaps.clone()).median;
        let slower = |other: &&Row| {
            other.resident == row.resident && !other.tool.contains("mapscope") && other.tool != "nothing"
        };
        let others: Vec<String> = rows
            .iter()
            .filter(slower)
            .map(|other| format!("{} {:.0} times", other.tool, Spread::of(other.gaps.clone()).median / median))
            .collect();
        writeln!(
            out,
            "- {} of {} MB: {median:.1} ms of {allowed:.0} ms that we allow ourselves; {}.",
            row.tool.trim_matches('*'),
            row.resident / 1_000_000,
            if others.is_empty() { "no other tool was there".to_owned() } else { others.join(", ") + " as long" },
        )?;
    }
    out += "\nThe ticks are a millisecond apart, and gaps of up to two are not told from none. Delve writes a core, as gcore does;\n\
            goref analyses what it reads while the target stands still.\n";
    Ok(out)
}
