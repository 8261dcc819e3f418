//! A program that runs and has had its work.

use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::build;
use super::programs::{self, Program};
use crate::toolchain::Toolchain;

/// Ends, with the program that it loads, when its standard input does.
pub(super) struct Target {
    child: Child,
    pub(super) pid: u32,
    /// What a case states; null for a real program.
    pub(super) truth: Value,
    /// Keeps its output open.
    output: Lines<BufReader<ChildStdout>>,
}

impl Target {
    /// Starts a real program and gives it work.
    pub(super) fn load(go: &Toolchain, program: &Program, binary: &Path) -> Result<Self> {
        let mut command = Command::new(build::loader(go)?);
        command.arg(program.name).arg(binary).env("GOPROXY", "off").env("GOFLAGS", "-mod=readonly");
        if program.name == "gopls" {
            let loaded = programs::ALL.iter().find(|program| program.name == programs::GOPLS_LOADS);
            command.env("LOAD_MODULE", build::source(go, loaded.context("no such program")?)?);
            let environment = build::command(go);
            // It calls `go` itself, which must be the same, with the same caches.
            let kept = environment.get_envs().filter(|(name, _)| *name != "GOFLAGS");
            command.envs(kept.filter_map(|(name, value)| Some((name, value?))));
            let directory = go.go.parent().context("no directory")?.canonicalize()?;
            let path = std::env::var("PATH").unwrap_or_default();
            command.env("PATH", format!("{}:{path}", directory.display()));
        }
        let (mut target, first) = Self::spawn(&mut command)?;
        target.pid = first.parse().with_context(|| format!("`{first}` is no pid"))?;
        target.wait_until_ready()?;
        Ok(target)
    }

    /// Starts a case.
    pub(super) fn start(binary: &Path) -> Result<Self> {
        let (mut target, first) = Self::spawn(&mut Command::new(binary))?;
        target.truth = serde_json::from_str(&first).with_context(|| format!("`{first}` is no truth"))?;
        target.wait_until_ready()?;
        Ok(target)
    }

    /// The program with its first line, which must be something: it may print others before it is ready.
    fn spawn(command: &mut Command) -> Result<(Self, String)> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let output = child.stdout.take().context("it has no output")?;
        let pid = child.id();
        let mut target = Self { child, pid, truth: Value::Null, output: BufReader::new(output).lines() };
        let first = target.output.next().context("it ended before it was ready")??;
        Ok((target, first))
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        match self.output.next().transpose()? {
            Some(line) if line.starts_with("READY") => Ok(()),
            other => bail!("it is not ready: {other:?}"),
        }
    }

    /// Whether it still runs.
    pub(super) fn runs(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|ended| ended.is_none()) && Path::new(&format!("/proc/{}", self.pid)).exists()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
