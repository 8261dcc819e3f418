//! Time and memory of one command.
//!
//! `getrusage` tells the peak of all children that have ended, and a child that has just been forked counts the pages of
//! its parent. So each command is run by a helper, which is this program again: small, and with no other child.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use serde_json::{Value, json};

/// How often the helper looks at a command that it watches.
const WATCH: Duration = Duration::from_millis(2);

/// Names the file for what a measured command prints.
const PRINTED: &str = "MAPSCOPE_BENCH_PRINTED";

/// What one run of a command cost.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    /// Seconds from start to end.
    pub(crate) wall: f64,
    /// Seconds of processors, user and system.
    pub(crate) cpu: f64,
    /// Most bytes resident at once, pages of mapped files included.
    pub(crate) peak: u64,
    /// Most anonymous bytes resident at once; 0 unless the command was watched.
    pub(crate) own_peak: u64,
}

/// Runs a command and measures it. Watching it costs it a little time, so a run that is watched does not count.
pub(crate) fn measure(command: &Command, watch: bool) -> Result<Sample> {
    measure_as(command, if watch { "measure-watched" } else { "measure" }, None)
}

/// As [`measure`], with what the command prints in a file.
pub(super) fn measure_into(command: &Command, printed: &Path) -> Result<Sample> {
    measure_as(command, "measure", Some(printed))
}

fn measure_as(command: &Command, how: &str, printed: Option<&Path>) -> Result<Sample> {
    let output = Command::new(std::env::current_exe()?)
        .arg(how)
        .env(PRINTED, printed.unwrap_or(Path::new("/dev/null")))
        .arg(command.get_program())
        .args(command.get_args())
        .stderr(Stdio::inherit())
        .output()?;
    if !output.status.success() {
        bail!("`{}` was not measured", crate::workspace::describe(command));
    }
    let said: Value = serde_json::from_slice(&output.stdout)?;
    let seconds = |name: &str| said[name].as_f64().unwrap_or_default();
    let bytes = |name: &str| said[name].as_u64().unwrap_or_default();
    Ok(Sample { wall: seconds("wall"), cpu: seconds("cpu"), peak: bytes("peak"), own_peak: bytes("own_peak") })
}

/// The helper: `xtask measure PROGRAM ARGUMENT...` prints what the program cost.
pub(crate) fn helper(command: &[&str], watch: bool) -> Result<()> {
    let [program, arguments @ ..] = command else { bail!("nothing to measure") };
    let started = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(fs::File::create(std::env::var_os(PRINTED).unwrap_or_else(|| "/dev/null".into()))?)
        .spawn()
        .with_context(|| format!("cannot start {program}"))?;
    let mut own_peak = 0;
    while watch && child.try_wait()?.is_none() {
        own_peak = own_peak.max(memory(child.id(), "RssAnon").unwrap_or(0));
        thread::sleep(WATCH);
    }
    let status = child.wait()?;
    let wall = started.elapsed().as_secs_f64();
    if !status.success() {
        bail!("{program} failed: {status}");
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = (usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6;
    println!("{}", json!({ "wall": wall, "cpu": cpu, "peak": usage.max_rss() * 1024, "own_peak": own_peak }));
    Ok(())
}

/// A figure of `/proc/PID/status`, in bytes.
pub(crate) fn memory(pid: u32, name: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib: Option<u64> = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
    Ok(kib.with_context(|| format!("/proc/{pid}/status has no {name}"))? * 1024)
}
