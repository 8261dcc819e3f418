//! `cargo xtask test`: everything CI checks. All steps run, even after one has failed, so that one run says everything.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::workspace::{cargo, root, run as run_command, testbed_directory};
use crate::{dist, fuzz, testbed, tools, ui};

struct Step {
    name: &'static str,
    action: fn(&mut Tally) -> Result<()>,
}

/// What `cargo test` counted, over all test programs.
#[derive(Default)]
struct Tally {
    passed: u64,
    failed: u64,
}

const STEPS: &[Step] = &[
    Step { name: "format", action: |_| run_command(cargo().args(["fmt", "--all", "--check"])) },
    Step { name: "clippy", action: |_| clippy() },
    Step { name: "deny", action: |_| deny() },
    Step { name: "testbed", action: |_| testbed::build() },
    Step { name: "fuzz corpora", action: |_| fuzz::replay() },
    Step { name: "ui", action: page },
    Step { name: "dist", action: |_| dist::check() },
    Step { name: "README", action: |_| readme() },
    Step { name: "tests", action: tests },
];

/// Runs the steps, and prints a summary whose last line is `N passed, M failed`. A step that fails without a failed test
/// counts as one failure.
pub(crate) fn run() -> ExitCode {
    let mut tally = Tally::default();
    let mut summary = Vec::new();
    for step in STEPS {
        println!("\n== {}", step.name);
        let started = Instant::now();
        let failed_before = tally.failed;
        let result = (step.action)(&mut tally);
        if let Err(error) = &result {
            println!("{}: {error:#}", step.name);
            if tally.failed == failed_before {
                tally.failed += 1;
            }
        }
        summary.push(line(step.name, result.is_ok(), started.elapsed()));
    }
    println!("\n== summary\n{}\n", summary.join("\n"));
    println!("{} passed, {} failed", tally.passed, tally.failed);
    if tally.failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn line(name: &str, passed: bool, took: Duration) -> String {
    format!("{name:<14}{:<8}{:>6.1} s", if passed { "passed" } else { "FAILED" }, took.as_secs_f64())
}

fn clippy() -> Result<()> {
    run_command(cargo().args(["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn deny() -> Result<()> {
    let mut command = Command::new(tools::DENY.path()?);
    run_command(command.current_dir(root()).args(["--log-level", "error", "check", "licenses", "bans", "sources"]))
}

/// The page of the HTML report, where Node is present.
fn page(tally: &mut Tally) -> Result<()> {
    let (passed, failed) = ui::check()?;
    tally.passed += passed;
    tally.failed += failed;
    Ok(())
}

/// Unit, integration and documentation tests, in a profile that is as fast as a release and as strict as a debug build.
fn tests(tally: &mut Tally) -> Result<()> {
    let mut command = cargo();
    command
        .args(["test", "--workspace", "--profile", "testing", "--no-fail-fast"])
        .env("MAPSCOPE_TESTBED", testbed_directory())
        .stdout(Stdio::piped());
    let mut child = command.spawn().context("cannot start cargo test")?;
    let stdout = child.stdout.take().context("cargo test has no output")?;
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        tally.add(&line);
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("cargo test failed: {status}");
    }
    if tally.passed == 0 {
        bail!("no test ran");
    }
    Ok(())
}

impl Tally {
    /// Reads `test result: ok. 12 passed; 0 failed; 1 ignored; ...`.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) else {
            return;
        };
        for count in counts.split(';') {
            let mut words = count.split_whitespace();
            let number = words.next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0);
            match words.next() {
                Some("passed") => self.passed += number,
                Some("failed") => self.failed += number,
                _ => {}
            }
        }
    }
}

/// Runs the `cargo run` lines of the README's code blocks, which is what a visitor will try first.
fn readme() -> Result<()> {
    let path = root().join("README.md");
    if !path.exists() {
        println!("no README.md yet");
        return Ok(());
    }
    for arguments in runnable(&fs::read_to_string(path)?) {
        println!("$ cargo {}", arguments.join(" "));
        run_command(cargo().args(&arguments).stdout(Stdio::null()))?;
    }
    Ok(())
}

/// The arguments of each `cargo run` line that needs no process or file of the reader's.
fn runnable(text: &str) -> Vec<Vec<String>> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        let line = line.trim().trim_start_matches("$ ");
        let command = line.split(" #").next().unwrap_or(line);
        if fenced && command.starts_with("cargo run ") && !command.contains(['|', '>', '<', '$']) {
            found.push(command.split_whitespace().skip(1).map(str::to_owned).collect());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{Tally, runnable};

    #[test]
    fn adds_up_results() {
        let mut tally = Tally::default();
        tally.add("running 3 tests");
        tally.add("test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s");
        tally.add("test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s");
        assert_eq!((tally.passed, tally.failed), (15, 2));
    }

    #[test]
    fn finds_commands_in_code_blocks() {
        let text = "cargo run no\n```sh\n$ cargo run --release -- demo   # try it\ncargo run -- maps PID | less\n```\n";
        assert_eq!(runnable(text), [["run", "--release", "--", "demo"]]);
    }
}
