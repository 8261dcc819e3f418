//! `cargo xtask real`: real programs and cases that need modules of others are built, given work on the loopback address,
//! and looked at with mapscope. Fails when a figure breaks a limit, and writes `docs/REAL_PROGRAMS.md` in any case.
//!
//! No part of CI: it needs the module proxy, an hour of a slow machine, and 8 GiB of memory.

mod build;
mod cases;
mod check;
mod look;
mod page;
mod programs;
mod target;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::bench;
use crate::toolchain::install_one;
use look::Look;
use target::Target;

/// What real programs are built with.
const GO: &str = "1.27.3";
/// What cases are built with: the last with legacy maps, the first with Swiss maps, the newest.
const CASE_GO: [&str; 3] = ["1.23.9", "1.24.11", "1.27.3"];

/// How a program is linked.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Variant {
    Default,
    Stripped,
}

impl Variant {
    const ALL: [Self; 2] = [Self::Default, Self::Stripped];

    fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Stripped => "stripped",
        }
    }
}

/// What is asked for.
struct Options {
    mapscope: Option<PathBuf>,
    /// Only what has this in its name.
    only: String,
}

/// One row of the page, and what is wrong with it.
struct Row {
    name: &'static str,
    /// The module with its version, or what a case is about.
    what: String,
    go: &'static str,
    variant: Variant,
    look: Look,
    wrong: Vec<String>,
}

/// `[--only NAME] [--mapscope FILE]`.
pub(crate) fn run(arguments: &[&str]) -> Result<()> {
    let options = parse(arguments)?;
    let mapscope = bench::program(options.mapscope.as_deref())?;
    let mut seen = Seen { write: options.only.is_empty(), ..Seen::default() };
    for program in programs::ALL.iter().filter(|program| program.name.contains(&options.only)) {
        for variant in Variant::ALL {
            let what = format!("{} {}", program.module, variant.name());
            seen.program(what, real_program(&mapscope, program, variant))?;
        }
    }
    if "huge".contains(&options.only) {
        seen.program("huge".to_owned(), huge(&mapscope))?;
    }
    for case in cases::ALL.iter().filter(|case| case.name.contains(&options.only)) {
        for (go, variant) in CASE_GO.iter().flat_map(|go| Variant::ALL.map(|variant| (*go, variant))) {
            let what = format!("{} {go} {}", case.name, variant.name());
            seen.case(what, one_case(&mapscope, case, go, variant))?;
        }
    }
    let wrong: usize = seen.programs.iter().chain(&seen.cases).map(|row| row.wrong.len()).sum();
    if wrong + seen.failed.len() > 0 {
        bail!("{wrong} figures are not as they should be, and {} targets could not be looked at", seen.failed.len());
    }
    Ok(())
}

/// What was looked at so far. The page has it at once: a run takes an hour, and something may end it.
#[derive(Default)]
struct Seen {
    write: bool,
    programs: Vec<Row>,
    cases: Vec<Row>,
    /// What could not be built, loaded or looked at, and why.
    failed: Vec<String>,
}

impl Seen {
    fn program(&mut self, what: String, row: Result<Row>) -> Result<()> {
        let row = self.told(what, row);
        self.programs.extend(row);
        self.write()
    }

    fn case(&mut self, what: String, row: Result<Row>) -> Result<()> {
        let row = self.told(what, row);
        self.cases.extend(row);
        self.write()
    }

    fn told(&mut self, what: String, row: Result<Row>) -> Option<Row> {
        match row {
            Ok(row) => {
                println!("{} {} {}: {}", row.name, row.go, row.variant.name(), row.look.summary());
                row.wrong.iter().for_each(|wrong| println!("  WRONG {wrong}"));
                Some(row)
            }
            Err(error) => {
                println!("{what}: FAILED {error:#}");
                self.failed.push(what);
                None
            }
        }
    }

    fn write(&self) -> Result<()> {
        if self.write { page::write(&self.programs, &self.cases, &self.failed) } else { Ok(()) }
    }
}

fn parse(arguments: &[&str]) -> Result<Options> {
    let mut options = Options { mapscope: None, only: String::new() };
    let mut rest = arguments;
    while let [name, value, more @ ..] = rest {
        match *name {
            "--only" => (*value).clone_into(&mut options.only),
            "--mapscope" => options.mapscope = Some(value.into()),
            _ => bail!("unknown option {name}"),
        }
        rest = more;
    }
    if !rest.is_empty() {
        bail!("usage: cargo xtask real [--only NAME] [--mapscope FILE]");
    }
    Ok(options)
}

/// Builds, starts and loads a program, and looks at it.
fn real_program(mapscope: &Path, program: &programs::Program, variant: Variant) -> Result<Row> {
    let go = install_one(GO)?;
    let binary = build::program(&go, program, variant)?;
    let mut target = Target::load(&go, program, &binary)?;
    let look = look::at(mapscope, &mut target, &binary)?;
    let wrong = check::program(program, variant, &look);
    Ok(Row { name: program.name, what: program.module.to_owned(), go: GO, variant, look, wrong })
}

/// A heap of 30 million objects in a binary of 150 MB: what matters is that the look ends well, and lets go of the snapshot
/// before its time.
fn huge(mapscope: &Path) -> Result<Row> {
    let go = install_one(GO)?;
    let coredns = programs::ALL.iter().find(|program| program.name == "coredns");
    build::program(&go, coredns.context("no such program")?, Variant::Default)?;
    let binary = build::huge(&go)?;
    let mut target = Target::start(&binary)?;
    let look = look::at(mapscope, &mut target, &binary)?;
    let wrong = check::huge(&target.truth, &look);
    let what = "`xtask/real/huge`, linked with CoreDNS".to_owned();
    Ok(Row { name: "huge", what, go: GO, variant: Variant::Default, look, wrong })
}

/// The same for a case, which holds what it states.
fn one_case(mapscope: &Path, case: &cases::Case, go: &'static str, variant: Variant) -> Result<Row> {
    let toolchain = install_one(go)?;
    let binary = build::case(&toolchain, case.name, variant)?;
    let mut target = Target::start(&binary)?;
    let look = look::at(mapscope, &mut target, &binary)?;
    let wrong = check::case(case, variant, &target.truth, &look);
    Ok(Row { name: case.name, what: case.kind.to_owned(), go, variant, look, wrong })
}
