//! `cargo xtask damage`: reads cores with one damage each, for as long as is asked, or with each page of theirs zeroed
//! once. Every result has to be that of the whole core, partial in the right scope, or an error.

use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::workspace::{root, run as run_command, testbed_directory};

/// Seconds, when none are given.
const SECONDS: u64 = 600;
const USAGE: &str = "usage: cargo xtask damage [--seconds N] [--seed N] | --pages";

/// `[--seconds N] [--seed N]` or `--pages`. A failure prints the seeds; the same seed damages the same core of one program
/// alike.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let (mut seconds, mut seed) = (SECONDS, 0);
    if arguments == ["--pages"] {
        return test("zeroes_every_page", seconds, seed);
    }
    let mut rest = arguments;
    while let [name, value, more @ ..] = rest {
        let number: u64 = value.parse().with_context(|| format!("{name} {value}: not a number"))?;
        match *name {
            "--seconds" => seconds = number,
            "--seed" => seed = number,
            _ => bail!("{USAGE}"),
        }
        rest = more;
    }
    if !rest.is_empty() {
        bail!("{USAGE}");
    }
    test("damages_for_a_while", seconds, seed)
}

fn test(name: &str, seconds: u64, seed: u64) -> Result<()> {
    let name = format!("mutation::{name}");
    run_command(
        Command::new("cargo")
            .current_dir(root())
            .env("MAPSCOPE_TESTBED", testbed_directory())
            .env("MAPSCOPE_DAMAGE_SECONDS", seconds.to_string())
            .env("MAPSCOPE_DAMAGE_SEED", seed.to_string())
            .args(["test", "--quiet", "--profile", "testing", "-p", "mapscope-go", "--test", "it"])
            .args(["--", "--exact", &name, "--ignored", "--nocapture"]),
    )
}
