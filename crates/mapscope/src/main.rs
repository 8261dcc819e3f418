//! `mapscope`: who holds a Go process's memory, in what state its maps are, and what to change.
//!
//! What was typed ([`args`]) becomes what is meant ([`config`]) before any work is done. A command then loads its
//! target ([`source`]), and a pure function of the result makes the text or the JSON ([`commands`]), which is written
//! once, at the end ([`output`]): a failure leaves no half of a result behind.

mod args;
mod assemble;
mod capture;
mod commands;
mod config;
mod demo;
mod gate;
mod input;
mod output;
mod progress;
mod size;
mod source;
#[cfg(test)]
mod testing;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use mapscope_report::text::printable;

/// A gate failed, or there are findings at or above `--fail-on`.
const FAILED: u8 = 1;
/// Something went wrong.
const ERROR: u8 = 2;

fn main() -> ExitCode {
    mapscope_memory::return_large_blocks();
    let args = args::Args::parse();
    match config::Config::new(args).and_then(|config| commands::run(&config)) {
        Ok(commands::Outcome::Fine) => ExitCode::SUCCESS,
        Ok(commands::Outcome::Failed) => ExitCode::from(FAILED),
        Err(error) => {
            report(&error);
            ExitCode::from(ERROR)
        }
    }
}

/// Ends the program when the snapshot that it reads is gone: nothing that is worked out from then on could be finished. The
/// result is written once, when all is read, so no half of one is left.
fn give_up(error: &mapscope_memory::MemoryError) {
    let _ = writeln!(io::stderr(), "mapscope: {}", printable(&error.to_string()));
    std::process::exit(ERROR.into());
}

/// The chain of causes on one line: what, where, what to try. Paths in it may come from a target, so they are made safe.
fn report(error: &anyhow::Error) {
    let message = sentence(error);
    let lines: Vec<_> = message.lines().map(printable).collect();
    // When nobody listens on standard error either, the exit code still tells.
    let _ = writeln!(io::stderr(), "mapscope: {}", lines.join("\n"));
}

/// Each cause once: some errors say their cause themselves.
fn sentence(error: &anyhow::Error) -> String {
    let mut sentence = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !sentence.ends_with(&cause) {
            sentence.extend([": ", &cause]);
        }
    }
    sentence
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    #[test]
    fn a_cause_is_said_once() {
        let io = std::io::Error::from(std::io::ErrorKind::NotFound);
        let text = io.to_string();
        let error = Err::<(), _>(io).with_context(|| format!("core: {text}")).context("cannot start");
        let error = error.expect_err("it is an error");
        assert_eq!(super::sentence(&error), format!("cannot start: core: {text}"));
    }
}
