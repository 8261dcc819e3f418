//! Builds real programs, cases and the program that loads them, below `target/real`. Modules come from wherever the machine
//! gets them, and their versions from the pins.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::Variant;
use super::programs::Program;
use crate::toolchain::Toolchain;
use crate::workspace::{root, run};

pub(super) fn directory() -> Result<PathBuf> {
    let directory = root().join("target/real");
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// The `go` command, which may download.
pub(super) fn command(go: &Toolchain) -> Command {
    let mut command = go.command();
    command.env_remove("GOPROXY").env_remove("GOENV").env("GOFLAGS", "-mod=mod -buildvcs=false");
    command
}

/// The module in which a program is built: one of its own, so that it gets the versions that it asks for.
pub(super) fn module(program: &str) -> Result<PathBuf> {
    Ok(directory()?.join("modules").join(program))
}

pub(super) fn program(go: &Toolchain, program: &Program, variant: Variant) -> Result<PathBuf> {
    let directory = module(program.name)?;
    let binary = place(go, variant, program.name)?;
    let stamp = directory.join("pinned");
    let pinned = fs::read_to_string(&stamp).is_ok_and(|pinned| pinned == program.module);
    if !pinned {
        println!("{}: downloading", program.module);
        if directory.exists() {
            fs::remove_dir_all(&directory)?;
        }
        fs::create_dir_all(&directory)?;
        run(command(go).current_dir(&directory).args(["mod", "init", "real"]))?;
        run(command(go).current_dir(&directory).args(["get", program.module]))?;
        fs::write(&stamp, program.module)?;
    }
    compile(go, &directory, program.package, variant, &binary)?;
    Ok(binary)
}

/// The directory of a module's source.
pub(super) fn source(go: &Toolchain, program: &Program) -> Result<PathBuf> {
    let path = program.module.split('@').next().unwrap_or_default();
    let mut list = command(go);
    list.current_dir(module(program.name)?).args(["list", "-m", "-f", "{{.Dir}}", path]);
    let output = list.output().context("cannot start go")?;
    if !output.status.success() {
        bail!("{path} is not there: build {} first", program.name);
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}

pub(super) fn case(go: &Toolchain, name: &str, variant: Variant) -> Result<PathBuf> {
    let binary = place(go, variant, name)?;
    compile(go, &root().join("xtask/real"), &format!("./cases/{name}"), variant, &binary)?;
    Ok(binary)
}

/// `xtask/real/huge`, built in the module of `CoreDNS`, whose packages it links, with debug information that
/// is not compressed.
pub(super) fn huge(go: &Toolchain) -> Result<PathBuf> {
    let module = module("coredns")?;
    let directory = module.join("huge");
    fs::create_dir_all(&directory)?;
    fs::copy(root().join("xtask/real/huge/main.go"), directory.join("main.go"))?;
    let binary = place(go, Variant::Default, "huge")?;
    let mut build = command(go);
    build.current_dir(&module).args(["build", "-tags=huge", "-ldflags=-compressdwarf=false", "-o"]).arg(&binary);
    run(build.arg("./huge"))?;
    Ok(binary)
}

/// What starts real programs and gives them work.
pub(super) fn loader(go: &Toolchain) -> Result<PathBuf> {
    let binary = directory()?.join("load");
    compile(go, &root().join("xtask/real"), "./load", Variant::Default, &binary)?;
    Ok(binary)
}

fn place(go: &Toolchain, variant: Variant, name: &str) -> Result<PathBuf> {
    let directory = directory()?.join("bin").join(format!("{}-{}", go.version, variant.name()));
    fs::create_dir_all(&directory)?;
    Ok(directory.join(name))
}

/// Go's own cache makes it quick when nothing has changed.
fn compile(go: &Toolchain, directory: &Path, package: &str, variant: Variant, binary: &Path) -> Result<()> {
    let mut build = command(go);
    build.current_dir(directory).arg("build");
    if variant == Variant::Stripped {
        build.arg("-ldflags=-s -w");
    }
    run(build.arg("-o").arg(binary).arg(package))
}
