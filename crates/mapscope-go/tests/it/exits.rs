//! A process that exits while it is read: an error that says so, never a result.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use mapscope_memory::{Arch, Memory, MemoryError, Process, Region, TargetInfo, Thread};

use crate::matrix;
use crate::target::{Running, read};

/// A process that is killed at its n-th read.
struct Killed {
    process: Process,
    pid: u32,
    reads_left: AtomicUsize,
}

impl Memory for Killed {
    fn arch(&self) -> &'static Arch {
        self.process.arch()
    }
    fn info(&self) -> &TargetInfo {
        self.process.info()
    }
    fn regions(&self) -> &[Region] {
        self.process.regions()
    }
    fn threads(&self) -> &[Thread] {
        self.process.threads()
    }
    fn borrow(&self, addr: u64, len: usize) -> Option<&[u8]> {
        self.process.borrow(addr, len)
    }
    fn still_there(&self) -> Result<(), MemoryError> {
        self.process.still_there()
    }
    fn read_into(&self, addr: u64, buf: &mut [u8]) -> Result<(), MemoryError> {
        if self.reads_left.fetch_sub(1, Relaxed) == 0 {
            let kill = std::process::Command::new("kill").args(["-KILL", &self.pid.to_string()]).status();
            assert!(kill.unwrap().success());
            // The address space is gone when the process has become a zombie.
            let state = || std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap_or_default();
            while !state().rsplit(')').next().unwrap_or("Z").trim_start().starts_with('Z') {
                std::thread::yield_now();
            }
        }
        self.process.read_into(addr, buf)
    }
}

#[test]
fn a_process_that_exits_half_way_is_an_error() {
    let program = matrix::programs().into_iter().find(|p| p.to_string() == "1.27.3-default/maps").unwrap();
    let mut reads = 1;
    let mut finished = false;
    while !finished {
        let target = Running::start(&program);
        let process = Process::attach(target.child.id()).unwrap();
        let executable = process.executable().unwrap();
        let killed = Killed { pid: target.child.id(), process, reads_left: AtomicUsize::new(reads) };
        let reading = read(&killed, &executable);
        // Fewer reads than asked for: the process has outlived the whole reading.
        finished = killed.reads_left.load(Relaxed) as isize > 0;
        match reading.error {
            Some(error) => assert!(!finished && error.contains("exited"), "after {reads} reads: {error}"),
            None => assert!(finished, "a result of a process that was killed after {reads} reads"),
        }
        reads = reads * 3 / 2 + 1;
    }
}
