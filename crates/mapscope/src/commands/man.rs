//! `mapscope man`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use clap::CommandFactory;

use crate::args::Args;

/// Writes `mapscope.1` and a page for each command into `dir`.
pub(crate) fn write(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("{}: cannot be made", dir.display()))?;
    clap_mangen::generate_to(Args::command(), dir).with_context(|| format!("{}: cannot be written", dir.display()))
}
