//! A program of the testbed with a large heap, running and as a core.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::measure::memory;
use crate::workspace::{root, run, testbed_directory};

/// Where cores are written, which have the size of the heap.
pub(super) fn directory() -> Result<PathBuf> {
    let directory = root().join("target/bench");
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// The program, running until this goes away.
pub(super) struct Big {
    child: Option<Child>,
    pub(super) executable: PathBuf,
    /// What it says of itself.
    pub(super) truth: Value,
}

impl Big {
    /// Starts `big` and waits until it is ready.
    pub(super) fn start(go: &str, objects: u64) -> Result<Self> {
        Self::start_program(go, "big", &[&objects.to_string()])
    }

    /// Starts any program of the testbed and waits until it is ready.
    pub(super) fn start_program(go: &str, name: &str, arguments: &[&str]) -> Result<Self> {
        let executable = testbed_directory().join(format!("bin/{go}-default/{name}"));
        let child = Command::new(&executable)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {}: is Go {go} in xtask/toolchains.txt?", executable.display()))?;
        let mut big = Self { child: Some(child), executable, truth: Value::Null };
        let output = big.child.as_mut().and_then(|child| child.stdout.take()).context("the program has no output")?;
        let mut lines = BufReader::new(output).lines();
        let truth = lines.next().context("the program ended")??;
        big.truth = serde_json::from_str(&truth)?;
        if lines.next().transpose()?.as_deref() != Some("READY") {
            bail!("{} did not get ready", big.executable.display());
        }
        Ok(big)
    }

    /// What is left to be said of one that has ended.
    pub(super) fn gone(truth: Value, executable: PathBuf) -> Self {
        Self { child: None, executable, truth }
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.as_ref().map_or(0, Child::id)
    }

    /// Resident bytes.
    pub(super) fn resident(&self) -> Result<u64> {
        memory(self.pid(), "VmRSS")
    }

    /// Ends the program and leaves its core, with holes where memory was never touched.
    pub(super) fn into_core(self) -> Result<CoreFile> {
        let core = self.into_dense_core()?;
        core.dig_holes()?;
        Ok(core)
    }

    /// Ends the program and leaves its core, as gdb writes it: of one that the kernel writes of a program that is aborting,
    /// viewcore says nothing but a panic. Memory that was never touched is written as zeros.
    pub(super) fn into_dense_core(self) -> Result<CoreFile> {
        let (directory, pid) = (directory()?, self.pid());
        let path = directory.join("core");
        run(Command::new("gdb")
            .args(["-nx", "-batch", "-iex", "set auto-load off", "-p", &pid.to_string()])
            .args(["-ex", &format!("generate-core-file {}", path.display())])
            .stdout(Stdio::null())
            .stderr(Stdio::null()))?;
        Ok(CoreFile { path })
    }
}

impl Drop for Big {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // The end of its input ends it.
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}

/// A core, deleted in the end.
pub(super) struct CoreFile {
    pub(super) path: PathBuf,
}

impl CoreFile {
    /// Makes holes of zeros.
    pub(super) fn dig_holes(&self) -> Result<()> {
        run(Command::new("fallocate").arg("--dig-holes").arg(&self.path)).context("util-linux has fallocate")
    }

    /// Bytes of the file without its holes: untouched memory is not stored.
    pub(super) fn stored_bytes(&self) -> Result<u64> {
        Ok(Path::metadata(&self.path)?.blocks() * 512)
    }
}

impl Drop for CoreFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
