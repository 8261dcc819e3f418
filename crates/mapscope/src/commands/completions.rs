//! `mapscope completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::args::Args;

/// The completion script for a shell.
pub(crate) fn render(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "mapscope", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
