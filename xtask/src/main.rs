//! Every chore of the project. `cargo xtask test` is all that CI calls.
//!
//! What a chore needs that cargo does not bring (Go toolchains, cargo-deny, cargo-fuzz) is installed below `target/`, in
//! versions pinned here, and only once.

mod bench;
mod core;
mod damage;
mod demo;
mod dist;
mod fuzz;
mod real;
mod test;
mod testbed;
mod toolchain;
mod tools;
mod ui;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask CHORE

  test                          everything CI checks: format, lints, licences, testbed, tests, fuzz corpora, README
  toolchains                    get the Go toolchains of the testbed (xtask/toolchains.txt)
  testbed                       build every testbed program with every toolchain and variant
  layouts                       write the tables of offsets for binaries without debug information
  damage [--seconds N] [--seed N] | --pages
                                read cores with one damage each: no result may differ without saying so
  fuzz [TARGET] [--seconds N]   fuzz one target, or each for N seconds (60)
  bench [--objects N] [--go VERSION] [--runs N] [--mapscope FILE]
                                measure `inspect` on a large heap, live and from a core; writes docs/BENCHMARKS.md
  bench heaps [--objects N] [--large N] [--shapes NAME,NAME] [--runs N] [--peers no] [--mapscope FILE]
                                measure heaps that share, next to goref; writes docs/BENCHMARKS.md
  bench pause [--sizes MB,MB] [--rounds N] [--mapscope FILE]
                                measure what a look costs the process, next to gcore, Delve and goref
  real [--only NAME] [--mapscope FILE]
                build real programs (etcd, Prometheus, ...), give them work and look at them; writes docs/REAL_PROGRAMS.md
  ui [--check]                  build the page of the HTML report from ui/ (needs Node); check it, and run its tests
  dist [--check]                build target/dist/mapscope, one static file for containers; run it in an empty root
  demo-core                     record the core that `mapscope demo` shows

example:
  cargo xtask testbed && MAPSCOPE_TESTBED=$PWD/target/testbed cargo test -p mapscope-go";

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["test"] => return Ok(test::run()),
        ["toolchains"] => toolchain::install_all().map(drop),
        ["testbed"] => testbed::build(),
        ["layouts"] => testbed::layouts(),
        ["damage", rest @ ..] => damage::run(rest),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        ["bench", rest @ ..] => bench::run(rest),
        // What `bench` runs each command with.
        ["measure", command @ ..] => bench::measure_helper(command, false),
        ["measure-watched", command @ ..] => bench::measure_helper(command, true),
        ["real", rest @ ..] => real::run(rest),
        ["ui"] => ui::build(),
        ["ui", "--check"] => ui::check().map(drop),
        ["dist"] => dist::build().map(drop),
        ["dist", "--check"] => dist::check(),
        ["demo-core"] => demo::record(),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => bail!("{USAGE}"),
    }?;
    Ok(ExitCode::SUCCESS)
}
