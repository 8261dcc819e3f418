//! Programs that do part of the same job, on the same core. They are installed where a module proxy gives them out; where
//! none does, their programs can be put into `target/tools/bin` by hand, and without them the rest is measured alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::measure::{Sample, measure_into};
use super::target::directory;
use crate::toolchain::install_one;
use crate::workspace::tools_directory;

/// The toolchain that builds the peers and reads their profiles.
const GO: &str = "1.27.3";
struct Peer {
    name: &'static str,
    program: &'static str,
    module: &'static str,
    /// `CORE`, `EXE` and `OUT` stand for files.
    arguments: &'static [&'static str],
    /// How many objects of a type it found: from what it printed, or from the file it wrote.
    found: fn(&str, &str, &Path) -> Option<u64>,
}

const PEERS: &[Peer] = &[
    Peer {
        name: "goref",
        program: "grf",
        module: "github.com/cloudwego/goref/cmd/grf@latest",
        arguments: &["core", "EXE", "CORE", "-o", "OUT"],
        found: in_profile,
    },
    Peer {
        name: "viewcore histogram",
        program: "viewcore",
        module: "golang.org/x/debug/cmd/viewcore@latest",
        arguments: &["CORE", "--exe", "EXE", "histogram"],
        found: in_histogram,
    },
];

/// What a peer needed, or that it failed.
pub(super) struct Compared {
    pub(super) name: &'static str,
    /// Empty when it failed.
    pub(super) runs: Vec<Sample>,
    /// Objects of the counted type that it attributes.
    pub(super) found: Option<u64>,
}

/// Installs the peers that are not there. That one cannot be had is no reason to stop.
pub(super) fn install() -> Result<()> {
    let bin = tools_directory().join("bin");
    fs::create_dir_all(&bin)?;
    for peer in PEERS.iter().filter(|peer| !bin.join(peer.program).exists()) {
        let go = install_one(GO)?;
        let mut command = go.command();
        command.env_remove("GOPROXY").env_remove("GOENV").env("GOBIN", &bin).env("GOFLAGS", "");
        let output = command.args(["install", peer.module]).output().context("cannot start go")?;
        if output.status.success() {
            println!("{}: installed", peer.name);
        } else {
            let text = String::from_utf8_lossy(&output.stderr);
            let reason = text.lines().last().unwrap_or_default().trim().to_owned();
            println!("{}: `go install {}` failed ({reason}); going on without it", peer.name, peer.module);
        }
    }
    Ok(())
}

/// Runs each peer that is installed on a core, once: mapscope has read it before, so it is in the page cache, and they
/// take long. The objects of the type `counted` are counted, if one is given: `go tool pprof` needs more memory than goref
/// for that.
pub(super) fn compare(core: &Path, executable: &Path, counted: Option<&str>) -> Result<Vec<Compared>> {
    let out = directory()?.join("peer.out");
    let mut compared = Vec::new();
    for peer in PEERS {
        let program = tools_directory().join("bin").join(peer.program);
        if !program.exists() {
            continue;
        }
        println!("{}", peer.name);
        let mut command = Command::new(program);
        command.args(peer.arguments.iter().map(|argument| match *argument {
            "CORE" => core.as_os_str(),
            "EXE" => executable.as_os_str(),
            "OUT" => out.as_os_str(),
            other => other.as_ref(),
        }));
        let printed = directory()?.join("peer.txt");
        // A peer that does not know this version of Go is no reason to stop.
        let sample = measure_into(&command, &printed);
        let text = fs::read_to_string(&printed).unwrap_or_default();
        let found = counted.filter(|_| sample.is_ok()).and_then(|counted| (peer.found)(counted, &text, &out));
        compared.push(Compared { name: peer.name, runs: sample.into_iter().collect(), found });
        for file in [&out, &printed] {
            if file.exists() {
                fs::remove_file(file)?;
            }
        }
    }
    Ok(compared)
}

/// goref writes a profile whose leaves are named `$mapval. (*main.Val)` and `Next. (*main.Val)`.
fn in_profile(counted: &str, _: &str, profile: &Path) -> Option<u64> {
    let go: PathBuf = install_one(GO).ok()?.go;
    let arguments = ["tool", "pprof", "-sample_index=inuse_objects", "-top", "-nodefraction=0", "-nodecount=0"];
    let output = Command::new(go).args(arguments).arg(profile).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let leaf = format!("(*{counted})");
    let lines = text.lines().filter(|line| line.ends_with(&leaf));
    Some(lines.filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok()).sum())
}

/// viewcore prints count, size, bytes and type of each line of its histogram.
fn in_histogram(counted: &str, text: &str, _: &Path) -> Option<u64> {
    let fields = |line: &str| line.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let row = text.lines().map(fields).find(|f| f.get(3).is_some_and(|name| name == counted));
    row.map_or(Some(0), |fields| fields[0].parse().ok())
}
