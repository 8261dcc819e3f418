//! Cargo subcommands that are not part of Rust, in pinned versions.

use std::path::PathBuf;

use anyhow::Result;

use crate::workspace::{cargo, run, tools_directory};

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
            run(cargo()
                .args(["install", "--quiet", "--locked", self.name, "--version", self.version, "--root"])
                .arg(&directory)
                .arg("--target-dir")
                .arg(tools_directory().join("build")))?;
        }
        Ok(program)
    }
}
