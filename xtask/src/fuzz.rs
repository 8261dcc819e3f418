//! Fuzzing with cargo-fuzz, on the stable toolchain the project is built with.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::tools;
use crate::workspace::{cargo, describe, root, run as run_command};

/// `cargo xtask fuzz [TARGET] [--seconds N]`.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let mut seconds = "60";
    let mut only = None;
    let mut rest = arguments.iter();
    while let Some(&argument) = rest.next() {
        match argument {
            "--seconds" => seconds = rest.next().context("--seconds needs a number")?,
            _ if argument.starts_with('-') => bail!("unknown option {argument}"),
            target => only = Some(target),
        }
    }
    if seconds.parse::<u32>().is_err() {
        bail!("--seconds needs a number, not `{seconds}`");
    }
    let targets = targets()?;
    if let Some(only) = only
        && !targets.iter().any(|target| target == only)
    {
        bail!("no fuzz target `{only}`; there are: {}", targets.join(", "));
    }
    let program = tools::FUZZ.path()?;
    for target in targets.iter().filter(|target| only.is_none_or(|only| only == *target)) {
        println!("fuzzing {target} for {seconds} s");
        // What the fuzzer finds goes to the first directory; the corpus that is checked in only starts it off.
        let found = root().join("target/fuzz/corpus").join(target);
        fs::create_dir_all(&found)?;
        // The coverage that guides the fuzzer is a stable flag of the compiler; only the sanitizers need a nightly one.
        run_command(
            Command::new(&program)
                .current_dir(root())
                .args(["run", "--sanitizer", "none", "--target-dir", "target/fuzz", target.as_str()])
                .args([found, root().join("fuzz/corpus").join(target)])
                .arg("--")
                .args([&format!("-max_total_time={seconds}"), "-timeout=20", "-rss_limit_mb=2048"]),
        )?;
    }
    Ok(())
}

/// Runs every target over its corpus, which has the inputs that once broke it, without instrumentation.
pub(crate) fn replay() -> Result<()> {
    let mut seen = 0;
    for target in targets()? {
        let inputs = files(&root().join("fuzz/corpus").join(&target))?;
        if inputs.is_empty() {
            continue;
        }
        seen += inputs.len();
        println!("{target}: {} inputs", inputs.len());
        let mut command = cargo();
        command
            // As strict as the fuzzer's own build; inputs are few and small, so compiling is what takes time.
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            .args(["run", "--quiet", "--manifest-path", "fuzz/Cargo.toml"])
            .args(["--target-dir", "target/fuzz", "--bin", &target, "--"])
            .args(["-timeout=20", "-rss_limit_mb=2048"])
            .args(&inputs);
        // The fuzzer says a line for each input, which matters only when one fails.
        let output = command.output().with_context(|| format!("cannot start `{}`", describe(&command)))?;
        if !output.status.success() {
            eprint!("{}", String::from_utf8_lossy(&output.stderr));
            bail!("{target}: an input of its corpus fails: {}", output.status);
        }
    }
    println!("{seen} inputs replayed");
    Ok(())
}

/// The names of the targets: one file each.
fn targets() -> Result<Vec<String>> {
    let files = files(&root().join("fuzz/fuzz_targets"))?;
    Ok(files.iter().filter_map(|path| path.file_stem()).map(|stem| stem.to_string_lossy().into_owned()).collect())
}

/// The files of a directory in order; none when there is no such directory.
fn files(directory: &PathBuf) -> Result<Vec<PathBuf>> {
    if !directory.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
