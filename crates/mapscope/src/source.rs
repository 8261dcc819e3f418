//! From a target to the data that views show. The only place that knows the readers.

use std::convert::Infallible;
use std::path::PathBuf;

use anyhow::{Result, bail};
use mapscope_memory::{Core, Memory, Process};
use mapscope_report::model::{Inspection, MapDetail};

use crate::demo;
use crate::progress::Progress;

/// What to examine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TargetSpec {
    /// A live process.
    Process(u32),
    /// A file, recognised by its content.
    Path(PathBuf),
    /// The embedded recording.
    Demo,
}

/// What to examine, and what helps to read it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) spec: TargetSpec,
    /// The executable, when the target hides it.
    pub(crate) exe: Option<PathBuf>,
}

/// A target that was read.
pub(crate) struct Loaded {
    never: Infallible,
}

impl Loaded {
    /// The whole picture.
    pub(crate) fn inspection(&self) -> Inspection {
        match self.never {}
    }

    /// The map whose header is at `addr`, in depth.
    pub(crate) fn map_detail(&self, _addr: u64) -> Result<MapDetail> {
        match self.never {}
    }
}

/// Reads a target.
pub(crate) fn load(target: &Target, progress: &dyn Progress) -> Result<Loaded> {
    let memory = open(target, progress)?;
    let info = memory.info();
    bail!("{}: its memory can be read, but the reader of Go runtimes is not linked yet", info.exe.display())
}

/// The bytes of a target; a live process is stopped until they are dropped.
fn open(target: &Target, progress: &dyn Progress) -> Result<Box<dyn Memory>> {
    Ok(match &target.spec {
        TargetSpec::Process(pid) => {
            progress.stage("stopping the process", None);
            Box::new(Process::attach(*pid)?)
        }
        TargetSpec::Path(path) => {
            progress.stage("opening the core", None);
            Box::new(Core::open(path, target.exe.as_deref())?)
        }
        TargetSpec::Demo => {
            progress.stage("unpacking the demo", None);
            let demo = demo::unpack()?;
            Box::new(Core::from_bytes(demo.core, demo.exe)?)
        }
    })
}
