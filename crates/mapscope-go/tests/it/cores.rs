//! Cores of the testbed's programs, written by the kernel where it writes them to a file, else by gdb.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use mapscope_memory::Core;

use crate::matrix::Program;
use crate::target::{Reading, Running, read_files};

/// A core file, deleted in the end.
pub struct Recorded {
    pub path: PathBuf,
    directory: PathBuf,
}

impl Drop for Recorded {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

impl Recorded {
    pub fn open(&self, program: &Program) -> Core {
        Core::open(&self.path, Some(&program.file())).unwrap()
    }

    pub fn read(&self, program: &Program) -> Reading {
        read_files(&self.open(program))
    }
}

/// The target's core; the target is gone afterwards.
pub fn kernel_or_gdb(target: Running) -> Recorded {
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    if pattern.trim() == "core" { kernel(target) } else { gdb(&target) }
}

/// Go passes SIGABRT on to the kernel's default action, which writes the core, when GOTRACEBACK is `crash`.
fn kernel(mut target: Running) -> Recorded {
    let pid = target.child.id();
    let killed = Command::new("kill").args(["-ABRT", &pid.to_string()]).status().unwrap();
    assert!(killed.success());
    target.child.wait().unwrap();
    let directory = moved(&target.directory);
    let path = [directory.join("core"), directory.join(format!("core.{pid}"))].into_iter().find(|p| p.exists());
    Recorded { path: path.expect("the kernel wrote no core"), directory }
}

/// `gcore`, with the same filter as the kernel's.
pub fn gdb(target: &Running) -> Recorded {
    let path = target.directory.join("gdb.core");
    let status = Command::new("gdb")
        .args(["--batch", "-nx", "-ex", &format!("generate-core-file {}", path.display())])
        .args(["-p", &target.child.id().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success() && path.exists(), "gdb wrote no core");
    let directory = moved(&target.directory);
    Recorded { path: directory.join("gdb.core"), directory }
}

/// Keeps the directory when the target goes.
fn moved(directory: &std::path::Path) -> PathBuf {
    let kept = PathBuf::from(format!("{}-kept", directory.display()));
    std::fs::rename(directory, &kept).unwrap();
    kept
}
