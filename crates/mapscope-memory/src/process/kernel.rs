//! Asks the kernel what stopping a process needs: takes the ids of processes and threads, and gives what they have come to
//! or why the kernel refused. It is a trait, so that a model can stand in for the kernel in tests.

use std::io;
use std::time::{Duration, Instant};

use super::ptrace::{self, Halt};
use super::reaper::Reaper;
use super::status;
use crate::MemoryError;

/// The requests with which [`super::stop::Stops`] stops threads and lets them go. Threads belong to whoever calls.
pub(super) trait Kernel {
    /// The ids of a process's threads, in ascending order.
    fn tasks(&self, pid: u32) -> Result<Vec<u32>, MemoryError>;
    /// The state letter of a thread; `None` when it is gone.
    fn state(&self, pid: u32, tid: u32) -> Option<char>;
    /// Begins to trace a thread, and to be told when it becomes another program.
    fn seize(&self, tid: u32) -> io::Result<()>;
    /// Asks a traced thread to stop, without a signal.
    fn interrupt(&self, tid: u32) -> io::Result<()>;
    /// What a thread has come to; `None` while it runs. The report is looked at and stays.
    fn look(&self, tid: u32) -> Option<Halt>;
    /// Takes the report of an `execve`. Before that, the kernel lets nobody touch the thread, whose id was another's
    /// (`looks_like_a_spurious_pid`, kernel/ptrace.c).
    fn take(&self, tid: u32);
    /// Lets a stopped thread go, with a signal (0 for none).
    fn detach(&self, tid: u32, signal: i32) -> io::Result<()>;
    /// Why thread `tid` could not be traced.
    fn refusal(&self, pid: u32, tid: u32) -> MemoryError;
    /// The time.
    fn now(&self) -> Instant;
    /// Lets others run for a while.
    fn rest(&self, pause: Duration);
}

/// The kernel that we run on.
pub(super) struct Linux {
    reaper: Reaper,
}

impl Linux {
    /// Ready to trace.
    ///
    /// # Errors
    /// When no thread can be started to collect what ends.
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { reaper: Reaper::start()? })
    }
}

impl Kernel for Linux {
    fn tasks(&self, pid: u32) -> Result<Vec<u32>, MemoryError> {
        status::threads(pid)
    }

    fn state(&self, pid: u32, tid: u32) -> Option<char> {
        status::thread_state(pid, tid)
    }

    fn seize(&self, tid: u32) -> io::Result<()> {
        self.reaper.trace(tid);
        ptrace::seize_with(tid, ptrace::TRACE_EXEC)
    }

    fn interrupt(&self, tid: u32) -> io::Result<()> {
        ptrace::interrupt(tid)
    }

    fn look(&self, tid: u32) -> Option<Halt> {
        match ptrace::poll(tid) {
            Some(Halt::Lost) if self.reaper.has_collected(tid) => Some(Halt::Gone),
            other => other,
        }
    }

    fn take(&self, tid: u32) {
        ptrace::collect(tid);
    }

    fn detach(&self, tid: u32, signal: i32) -> io::Result<()> {
        ptrace::detach(tid, signal)
    }

    fn refusal(&self, pid: u32, tid: u32) -> MemoryError {
        status::refused(pid, tid)
    }

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn rest(&self, pause: Duration) {
        std::thread::sleep(pause);
    }
}
