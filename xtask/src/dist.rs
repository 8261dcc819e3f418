//! The program as one file that needs nothing else, and the check that it does not.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use serde_json::Value;

use crate::workspace::{cargo, describe, root, run, testbed_directory};

const MUSL: &str = "x86_64-unknown-linux-musl";
const GNU: &str = "x86_64-unknown-linux-gnu";
/// What the check looks at.
const PROGRAM: &str = "bin/1.27.3-default/sessions";

/// Builds `target/dist/mapscope`, static and without symbols; its path.
pub(crate) fn build() -> Result<PathBuf> {
    build_with(&[])
}

/// As [`build`], with more of cargo's arguments.
fn build_with(arguments: &[&str]) -> Result<PathBuf> {
    let target = if has_target(MUSL) { MUSL } else { GNU };
    let flags = format!("CARGO_TARGET_{}_RUSTFLAGS", target.to_uppercase().replace('-', "_"));
    run(cargo()
        .args(["build", "--quiet", "--release", "--package", "mapscope", "--target", target])
        .args(["--config", "profile.release.strip=true", "--config", "profile.release.debug=false"])
        .args(arguments)
        .env(flags, "-C target-feature=+crt-static -C relocation-model=static"))?;
    let directory = root().join("target/dist");
    fs::create_dir_all(&directory)?;
    let program = directory.join("mapscope");
    // Anew: the old file may be running.
    let _ = fs::remove_file(&program);
    fs::copy(root().join("target").join(target).join("release/mapscope"), &program)?;
    println!("{}: {} bytes, {target}", program.display(), fs::metadata(&program)?.len());
    Ok(program)
}

/// Whether Rust's libraries for a target are installed.
fn has_target(target: &str) -> bool {
    let output = Command::new("rustc").args(["--print", "target-libdir", "--target", target]).output();
    output.is_ok_and(|o| Path::new(String::from_utf8_lossy(&o.stdout).trim()).is_dir())
}

/// Runs the static program in a root directory that holds nothing else but `/proc`, on a process outside it: it must say
/// the same as outside.
pub(crate) fn check() -> Result<()> {
    // Optimisation across crates takes minutes and changes nothing of what is checked.
    let program =
        build_with(&["--config", "profile.release.lto=false", "--config", "profile.release.codegen-units=16"])?;
    let place = root().join("target/dist/root");
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(place.join("proc"))?;
    fs::copy(&program, place.join("mapscope"))?;
    let target = Target::start()?;
    // A program never rests of itself: its runtime works on.
    kill(Pid::from_raw(target.0.id() as i32), Signal::SIGSTOP)?;
    let pid = target.0.id().to_string();
    let outside = inspect(Command::new(&program).args(["inspect", &pid, "--format", "json"]))?;
    let mut inside = Command::new("unshare");
    if !geteuid().is_root() {
        inside.arg("--map-root-user");
    }
    let script = "mount --rbind /proc \"$0/proc\" && exec chroot \"$0\" /mapscope inspect \"$1\" --format json";
    let inside = inspect(inside.args(["--mount", "sh", "-c", script]).arg(&place).arg(&pid))?;
    if inside != outside {
        bail!("mapscope says something else in an empty root than outside it");
    }
    println!("in an empty root: {} maps, {} live objects, as outside", count(&inside), inside["heap"]["live_objects"]);
    Ok(())
}

fn count(report: &Value) -> usize {
    report["maps"].as_array().map_or(0, Vec::len)
}

/// What it says, but for how long things took.
fn inspect(command: &mut Command) -> Result<Value> {
    let output = command.output().with_context(|| format!("cannot start `{}`", describe(command)))?;
    if !output.status.success() {
        bail!("`{}` failed: {}", describe(command), String::from_utf8_lossy(&output.stderr));
    }
    let mut report: Value = serde_json::from_slice(&output.stdout)?;
    report["target"] = Value::Null;
    // Reading may make a page of the program's file resident.
    report["memory"] = Value::Null;
    if count(&report) == 0 {
        bail!("`{}` found no maps", describe(command));
    }
    Ok(report)
}

/// A program of the testbed, killed when this goes away.
struct Target(Child);

impl Target {
    fn start() -> Result<Self> {
        let path = testbed_directory().join(PROGRAM);
        let child = Command::new(&path).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut target = Self(child.with_context(|| format!("cannot start {}", path.display()))?);
        let output = target.0.stdout.take().context("the program has no output")?;
        let ready = BufReader::new(output).lines().map_while(Result::ok).any(|line| line == "READY");
        if ready { Ok(target) } else { bail!("{} did not get ready", path.display()) }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
