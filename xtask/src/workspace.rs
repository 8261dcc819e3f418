//! Where things are, and how commands are run.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// Toolchains, programs and the list of them. Tests find it through `MAPSCOPE_TESTBED`.
pub(crate) fn testbed_directory() -> PathBuf {
    std::env::var_os("MAPSCOPE_TESTBED").map_or_else(|| root().join("target/testbed"), PathBuf::from)
}

/// Where cargo subcommands that are not part of Rust are installed.
pub(crate) fn tools_directory() -> PathBuf {
    root().join("target/tools")
}

/// The cargo that runs this program, so that a `+toolchain` on the command line holds for everything it starts.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs a command to its end and fails unless it succeeds.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let name = describe(command);
    let status = command.status().with_context(|| format!("cannot start `{name}`"))?;
    if !status.success() {
        bail!("`{name}` failed: {status}");
    }
    Ok(())
}

/// A command as a person would type it.
pub(crate) fn describe(command: &Command) -> String {
    let mut words =
        vec![Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}
