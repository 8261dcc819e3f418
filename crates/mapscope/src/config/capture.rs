//! What `mapscope capture` is asked for.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use mapscope_memory::PauseOptions;

use super::Command;
use super::target::target;
use crate::args::{CaptureArgs, PauseArg, TargetArgs};
use crate::source::TargetSpec;

/// Which process to write as a core, and how.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each goes with any other")]
pub(crate) struct Capture {
    pub(crate) pid: u32,
    pub(crate) debug_info: Vec<PathBuf>,
    /// Where the core goes.
    pub(crate) path: PathBuf,
    pub(crate) force: bool,
    pub(crate) heap_only: bool,
    pub(crate) redact: bool,
    pub(crate) zstd: bool,
    /// How the process is held still while it is written.
    pub(crate) pause: PauseOptions,
}

pub(super) fn capture(typed: CaptureArgs, output: Option<PathBuf>) -> Result<Command> {
    let CaptureArgs { pid, debug_info, force, heap_only, redact, zstd, pause } = typed;
    if pause.pause == PauseArg::None {
        bail!("--pause none: a core has to be of one instant; --pause fork stops the process for milliseconds");
    }
    let Some(path) = output.filter(|path| path != Path::new("-")) else {
        bail!("capture needs the name of a file, which can have holes: give -o FILE");
    };
    if !pid.bytes().all(|b| b.is_ascii_digit()) {
        bail!("{pid} is not a pid: only a running process can be captured");
    }
    let target = target(TargetArgs { target: pid, exe: None, debug_info: Vec::new(), config: None, pause })?;
    let TargetSpec::Process(pid) = target.spec else { bail!("PID is empty: give the number of a process") };
    let zstd = zstd || path.extension().is_some_and(|extension| extension == "zst");
    let pause = PauseOptions { for_core: true, ..target.pause };
    Ok(Command::Capture(Capture { pid, debug_info, path, force, heap_only, redact, zstd, pause }))
}
