//! `cargo xtask bench`: what `mapscope inspect` costs on a large heap, live and from a core, next to what the machine can
//! do at best.
//!
//! Every figure of `docs/BENCHMARKS.md` is written by this, in one run on one machine.

mod heaps;
mod machine;
pub(crate) mod measure;
mod pause;
mod peers;
mod report;
mod sections;
mod target;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

pub(crate) use measure::helper as measure_helper;

use crate::testbed;
use crate::workspace::{cargo, root, run as run_command};
use machine::Machine;
use measure::{Sample, measure};
use target::Big;

/// What is asked for.
struct Options {
    objects: u64,
    /// Objects of a second, larger heap, of which only the core is read; 0 for none.
    large: u64,
    versions: Vec<String>,
    runs: usize,
    /// A program that is built already.
    mapscope: Option<PathBuf>,
}

/// One target, and all that was measured on it.
struct Subject {
    go: String,
    /// Read from a core, not live.
    core: bool,
    /// Resident memory of the target when it was ready.
    rss: u64,
    /// What has to be read at least: resident memory, or the blocks of the core's file.
    bytes: u64,
    heap: Heap,
    /// Objects of the type that the peers are asked for, of how many there are.
    found: (u64, u64),
    runs: Vec<Sample>,
    /// How long the target was stopped, in milliseconds, for each run.
    paused: Vec<f64>,
    peers: Vec<peers::Compared>,
}

/// What mapscope says of the heap.
#[derive(Clone, Copy, Default)]
struct Heap {
    objects: u64,
    object_bytes: u64,
    live_bytes: u64,
}

/// `cargo xtask bench [--objects N] [--large N] [--go VERSION] [--runs N] [--mapscope FILE]`.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    match arguments {
        ["heaps", rest @ ..] => return heaps::run(rest),
        ["pause", rest @ ..] => return pause::run(rest),
        _ => {}
    }
    let options = parse(arguments)?;
    testbed::build()?;
    let program = program(options.mapscope.as_deref())?;
    peers::install()?;
    let machine = Machine::look()?;
    println!("{machine}");
    let mut subjects = Vec::new();
    for go in &options.versions {
        subjects.extend(version(&program, go, &options)?);
    }
    if let Some(go) = options.versions.first().filter(|_| options.large > 0) {
        println!("Go {go}: {} objects", options.large);
        subjects.push(from_core(&program, Big::start(go, options.large)?, go, &options)?);
    }
    let tables = report::tables(&subjects, &machine);
    println!("\n{tables}");
    sections::write("inspect", &report::page(&tables, &options, &machine)?)
}

/// The mapscope to run: the one that is given, or a release built now.
pub(crate) fn program(given: Option<&Path>) -> Result<PathBuf> {
    if let Some(program) = given {
        return program.canonicalize().with_context(|| format!("there is no {}", program.display()));
    }
    run_command(cargo().args(["build", "--quiet", "--release", "--package", "mapscope"]))?;
    Ok(root().join("target/release/mapscope"))
}

fn parse(arguments: &[&str]) -> Result<Options> {
    let mut options = Options { objects: 8_000_000, large: 40_000_000, versions: Vec::new(), runs: 5, mapscope: None };
    for (argument, value) in pairs(arguments)? {
        let number = || number(argument, value);
        match argument {
            "--objects" => options.objects = number()?,
            "--large" => options.large = number()?,
            "--runs" => options.runs = number()?.max(1) as usize,
            "--go" => options.versions.push(value.to_owned()),
            "--mapscope" => options.mapscope = Some(value.into()),
            _ => bail!("unknown option {argument}"),
        }
    }
    if options.versions.is_empty() {
        // The last with legacy maps, the first with Swiss maps, the newest.
        options.versions = ["1.23.9", "1.24.11", "1.27.3"].map(str::to_owned).into();
    }
    Ok(options)
}

/// Options with their values.
fn pairs<'a>(arguments: &[&'a str]) -> Result<Vec<(&'a str, &'a str)>> {
    let pair = |pair: &[&'a str]| match *pair {
        [argument, value] => Ok((argument, value)),
        _ => bail!("{} needs a value", pair.concat()),
    };
    arguments.chunks(2).map(pair).collect()
}

fn number(argument: &str, value: &str) -> Result<u64> {
    value.parse().with_context(|| format!("{argument} needs a number, not `{value}`"))
}

/// Measures one Go version: the live process first, because the core is its end.
fn version(program: &Path, go: &str, options: &Options) -> Result<[Subject; 2]> {
    let big = Big::start(go, options.objects)?;
    let rss = big.resident()?;
    println!("Go {go}: live, {} runs", options.runs);
    let pid = big.pid().to_string();
    let live = subject(program, &big, &[&pid], options.runs)?;
    let live = Subject { go: go.to_owned(), core: false, rss, bytes: rss, ..live };

    let read = from_core(program, big, go, options)?;
    Ok([live, read])
}

/// Measures the core of a process, which ends with that, and the peers on the same core.
fn from_core(program: &Path, big: Big, go: &str, options: &Options) -> Result<Subject> {
    println!("Go {go}: core, {} runs", options.runs);
    let rss = big.resident()?;
    let (truth, executable) = (big.truth.clone(), big.executable.clone());
    let core = big.into_core()?;
    let big = Big::gone(truth, executable);
    let read = subject(program, &big, &[&core.path.to_string_lossy()], options.runs)?;
    let peers = peers::compare(&core.path, &big.executable, Some("main.Val"))?;
    Ok(Subject { go: go.to_owned(), core: true, rss, bytes: core.stored_bytes()?, peers, ..read })
}

/// One warm-up, which also finds how much of the peak is the program's own, and the runs that count.
fn subject(program: &Path, big: &Big, arguments: &[&str], runs: usize) -> Result<Subject> {
    let out = target::directory()?.join("inspect.json");
    let mut command = Command::new(program);
    command.args(["inspect", "--format", "json", "-o"]).arg(&out).args(arguments);
    let own_peak = measure(&command, true)?.own_peak;
    let mut subject = Subject {
        go: String::new(),
        core: false,
        rss: 0,
        bytes: 0,
        heap: Heap::default(),
        found: (0, 0),
        runs: Vec::new(),
        paused: Vec::new(),
        peers: Vec::new(),
    };
    for _ in 0..runs {
        subject.runs.push(Sample { own_peak, ..measure(&command, false)? });
        let said: Value = serde_json::from_slice(&fs::read(&out)?)?;
        subject.heap = check(&said, &big.truth)?;
        subject.found = found(&said, &big.truth)?;
        subject.paused.extend(said["target"]["paused_ms"].as_f64());
    }
    fs::remove_file(&out)?;
    Ok(subject)
}

/// A wrong answer is not fast: the heap has to be what the target said.
fn check(said: &Value, truth: &Value) -> Result<Heap> {
    let figure = |name: &str| said["heap"][name].as_u64().with_context(|| format!("mapscope gives no heap.{name}"));
    for (name, expected) in [("live_objects", "heap_objects"), ("live_bytes", "heap_alloc")] {
        let (found, expected) = (figure(name)?, truth[expected].as_u64().context("the target gives no totals")?);
        if found.abs_diff(expected) * 100 > expected {
            bail!("{name} is {found}, but the target has {expected}");
        }
    }
    let map = said["maps"].as_array().and_then(|maps| maps.iter().find(|map| map["owner"] == "main.data"));
    let entries = map.map(|map| &map["entries"]);
    if entries != Some(&truth["maps"][0]["entries"]) {
        bail!("main.data has {entries:?} entries, but the target says {}", truth["maps"][0]["entries"]);
    }
    Ok(Heap { objects: figure("objects")?, object_bytes: figure("object_bytes")?, live_bytes: figure("live_bytes")? })
}

/// Objects of the type that the peers are asked for: how many mapscope counts, and how many there are.
fn found(said: &Value, truth: &Value) -> Result<(u64, u64)> {
    let expected = &truth["types"][0];
    let row = said["types"].as_array().and_then(|types| types.iter().find(|row| row["type"] == expected["type"]));
    let counted = row.and_then(|row| row["count"].as_u64()).unwrap_or(0);
    Ok((counted, expected["count"].as_u64().context("the target gives no count of a type")?))
}
