//! Programs that do part of the same job, on the same core. They are measured where they are installed:
//!
//! ```sh
//! GOBIN=$PWD/target/tools/bin go install github.com/cloudwego/goref/cmd/grf@latest
//! GOBIN=$PWD/target/tools/bin go install golang.org/x/debug/cmd/viewcore@latest
//! ```

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use super::measure::{Sample, measure};
use super::target::directory;
use crate::workspace::tools_directory;

struct Peer {
    name: &'static str,
    /// The program and its arguments; `CORE`, `EXE` and `OUT` stand for files.
    command: &'static [&'static str],
}

const PEERS: &[Peer] = &[
    Peer { name: "goref", command: &["grf", "core", "EXE", "CORE", "-o", "OUT"] },
    Peer { name: "viewcore histogram", command: &["viewcore", "CORE", "--exe", "EXE", "histogram"] },
];

/// What a peer needed, or that it failed.
pub(super) struct Compared {
    pub(super) name: &'static str,
    /// Empty when it failed.
    pub(super) runs: Vec<Sample>,
}

/// Runs each peer that is installed on a core, as often as mapscope is run.
pub(super) fn compare(core: &Path, executable: &Path, runs: usize) -> Result<Vec<Compared>> {
    let out = directory()?.join("peer.out");
    let mut compared = Vec::new();
    for peer in PEERS {
        let [program, arguments @ ..] = peer.command else { continue };
        let program = tools_directory().join("bin").join(program);
        if !program.exists() {
            continue;
        }
        println!("{}: {runs} runs", peer.name);
        let mut command = Command::new(program);
        command.args(arguments.iter().map(|argument| match *argument {
            "CORE" => core.as_os_str(),
            "EXE" => executable.as_os_str(),
            "OUT" => out.as_os_str(),
            other => other.as_ref(),
        }));
        // A peer that does not know this version of Go is no reason to stop.
        let samples: Result<Vec<Sample>> = (0..=runs).map(|_| measure(&command, false)).collect();
        let runs = samples.map(|samples| samples[1..].to_vec()).unwrap_or_default();
        compared.push(Compared { name: peer.name, runs });
        if out.exists() {
            std::fs::remove_file(&out)?;
        }
    }
    Ok(compared)
}
