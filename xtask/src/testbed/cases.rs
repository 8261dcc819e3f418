//! The cases of `testbed/cases`: programs after public reports, in a module of their own that is of a newer Go than the
//! others. They are built for few toolchains: the last with legacy maps, the first with Swiss maps, the newest.

use std::path::Path;

use anyhow::Result;

use super::Variant;
use crate::toolchain::Toolchain;
use crate::workspace::{root, run};

/// See the head; they are built with debug information and stripped.
const MINORS: [u32; 3] = [23, 24, 27];
const VARIANTS: [&str; 2] = ["default", "stripped"];

/// How a case is built that is not built like all others.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Plain,
    /// What it uses came with Go 1.24.
    Since124,
    Cgo,
    /// With `GOEXPERIMENT=arenas`.
    Arenas,
}

const CASES: &[(&str, Kind)] = &[
    ("accounts", Kind::Plain),
    ("arenas", Kind::Arenas),
    ("cgohandle", Kind::Cgo),
    ("cleanupself", Kind::Since124),
    ("condowner", Kind::Plain),
    ("containers", Kind::Plain),
    ("ctxcancel", Kind::Plain),
    ("ctxchain", Kind::Plain),
    ("deferloop", Kind::Plain),
    ("fieldname", Kind::Plain),
    ("frames", Kind::Plain),
    ("holders", Kind::Plain),
    ("hugevals", Kind::Plain),
    ("lrulist", Kind::Plain),
    ("nankeys", Kind::Plain),
    ("poolmaps", Kind::Plain),
    ("sharedgraph", Kind::Plain),
    ("spawner", Kind::Plain),
    ("spike", Kind::Plain),
    ("sqlrows", Kind::Plain),
    ("substr", Kind::Plain),
    ("timers", Kind::Plain),
    ("tombmap", Kind::Plain),
    ("uniq", Kind::Plain),
    ("weakcache", Kind::Since124),
];

/// The cases that are built in one way with Go 1.`minor`.
pub(super) fn of(variant: &Variant, minor: u32) -> impl Iterator<Item = &'static str> {
    built(variant, minor).map(|(name, _)| name)
}

fn built(variant: &Variant, minor: u32) -> impl Iterator<Item = (&'static str, Kind)> {
    let any = MINORS.contains(&minor) && VARIANTS.contains(&variant.name);
    CASES.iter().copied().filter(move |(_, kind)| any && (*kind != Kind::Since124 || minor >= 24))
}

/// Builds them, those of one kind at once.
pub(super) fn build(toolchain: &Toolchain, variant: &Variant, out: &Path) -> Result<()> {
    for (kinds, cgo, experiment) in
        [(&[Kind::Plain, Kind::Since124][..], "0", ""), (&[Kind::Cgo], "1", ""), (&[Kind::Arenas], "0", "arenas")]
    {
        let cases = built(variant, toolchain.minor()).filter(|(_, kind)| kinds.contains(kind));
        let packages: Vec<String> = cases.map(|(name, _)| format!("./{name}")).collect();
        if packages.is_empty() {
            continue;
        }
        run(toolchain
            .command()
            .current_dir(root().join("testbed/cases"))
            .env("CGO_ENABLED", cgo)
            .env("GOEXPERIMENT", experiment)
            .args(["build", "-buildvcs=false"])
            .args(variant.arguments)
            .arg("-o")
            // The slash makes it a directory, also for a single program.
            .arg(out.join(""))
            .args(packages))?;
    }
    Ok(())
}
