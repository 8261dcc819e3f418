//! Programs that are neither part of Rust nor of Go, in pinned versions.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::toolchain::install_one;
use crate::workspace::{cargo, run, testbed_directory, tools_directory};

/// A crate with a program.
pub(crate) struct Tool {
    name: &'static str,
    version: &'static str,
}

pub(crate) const DENY: Tool = Tool { name: "cargo-deny", version: "0.20.2" };
pub(crate) const FUZZ: Tool = Tool { name: "cargo-fuzz", version: "0.13.2" };

impl Tool {
    /// The path of the program, which is built first if it is not there in this version.
    pub(crate) fn path(&self) -> Result<PathBuf> {
        // A root for each version: what is there is what was asked for.
        let directory = tools_directory().join(format!("{}-{}", self.name, self.version));
        let program = directory.join("bin").join(self.name);
        if !program.exists() {
            println!("{} {}: installing", self.name, self.version);
            // Without optimisation: it is built in half the time, and has little to do.
            run(cargo()
                .env("CARGO_PROFILE_DEV_DEBUG", "0")
                .args(["install", "--debug", "--quiet", "--locked", self.name, "--version", self.version, "--root"])
                .arg(&directory)
                .arg("--target-dir")
                .arg(tools_directory().join("build")))?;
        }
        Ok(program)
    }
}

/// Delve, which opens the cores that the tests write, and the toolchain that builds it.
const DELVE: &str = "github.com/go-delve/delve/cmd/dlv@v1.27.2";
/// See [`DELVE`].
const DELVE_GO: &str = "1.27.3";

/// Builds Delve in the testbed's directory, where the tests look for it, if it is not there in this version.
pub(crate) fn install_delve() -> Result<()> {
    let directory = testbed_directory().join("delve");
    let stamp = directory.join("installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == DELVE) {
        return Ok(());
    }
    println!("{DELVE}: installing");
    fs::create_dir_all(&directory)?;
    let go = install_one(DELVE_GO)?;
    // Modules come from wherever the machine gets them.
    let mut command = go.command();
    command.env_remove("GOPROXY").env_remove("GOENV").env("GOBIN", &directory).env("GOFLAGS", "");
    run(command.args(["install", DELVE])).context("the cores that are captured are opened with Delve")?;
    fs::write(&stamp, DELVE).with_context(|| format!("cannot write {}", stamp.display()))
}
