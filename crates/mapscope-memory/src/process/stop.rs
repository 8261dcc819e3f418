//! Stopping every thread of a process, and letting them go as if nothing had been.
//!
//! `PTRACE_SEIZE` with `PTRACE_INTERRUPT` sends no signal: a system call that is cut short restarts by itself, and when
//! the tracer dies the kernel detaches it and the threads run on. No option is set, least of all `PTRACE_O_EXITKILL`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use nix::libc;

use super::ptrace::{self, Halt};
use super::status;
use crate::arch::{AMD64, Registers};
use crate::{MemoryError, Thread};

/// How long threads may take to stop. One that waits for a disk cannot be stopped at all, and every thread that is
/// stopped already waits with us, so the patience is short.
const PATIENCE: Duration = Duration::from_secs(1);
/// Room for all registers that processors have: 11 KiB with AMX.
const MAX_XSTATE: usize = 32 << 10;

/// The stopped threads of one process. All methods must be called on the thread that made it: `ptrace` demands it.
pub(super) struct Stops {
    pid: u32,
    /// Threads we trace, with what is known of each.
    threads: BTreeMap<u32, State>,
    /// When the first thread was asked to stop.
    pub(super) since: Instant,
}

/// Whether `tid` had stopped when we last looked.
fn seen(tid: u32) -> Option<State> {
    Some(match ptrace::poll(tid)? {
        Halt::Signal(signal) => State::Stopped { signal },
        Halt::Gone => State::Gone,
        Halt::Stop | Halt::SystemCall | Halt::Clone => State::Stopped { signal: 0 },
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Seized and interrupted, not seen to stop yet.
    Asked,
    /// Stopped. A signal that was about to be delivered is owed to the thread.
    Stopped { signal: i32 },
    /// Exited before it stopped.
    Gone,
}

impl Stops {
    /// Stops every thread of `pid`. On an error, those that were stopped have been let go.
    pub(super) fn all(pid: u32) -> Result<Self, MemoryError> {
        let mut stops = Self { pid, threads: BTreeMap::new(), since: Instant::now() };
        match stops.stop() {
            Ok(()) => Ok(stops),
            Err(e) => {
                stops.release();
                Err(e)
            }
        }
    }

    /// A thread that is not stopped yet may start others, so the list is read again until it held nothing new twice.
    fn stop(&mut self) -> Result<(), MemoryError> {
        let deadline = self.since + PATIENCE;
        let mut quiet = 0;
        while quiet < 2 {
            let new = self.seize_new()?;
            self.wait(deadline)?;
            quiet = if new { 0 } else { quiet + 1 };
        }
        if self.stopped().next().is_none() {
            return Err(MemoryError::Exited { pid: self.pid });
        }
        Ok(())
    }

    /// Asks every thread that was not asked yet; whether there was one.
    fn seize_new(&mut self) -> Result<bool, MemoryError> {
        let mut new = false;
        for tid in self.task_ids()? {
            if !self.threads.contains_key(&tid) {
                new |= self.seize(tid)?;
            }
        }
        Ok(new)
    }

    fn task_ids(&self) -> Result<Vec<u32>, MemoryError> {
        let path = status::proc_path(self.pid, "task");
        let explain = |e| status::explain(self.pid, &path, e);
        let mut ids = Vec::new();
        for entry in std::fs::read_dir(&path).map_err(explain)? {
            let entry = entry.map_err(explain)?;
            ids.extend(entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok()));
        }
        Ok(ids)
    }

    /// Seizes and interrupts one thread; false when it has exited meanwhile.
    fn seize(&mut self, tid: u32) -> Result<bool, MemoryError> {
        match ptrace::seize(tid) {
            Ok(()) => {}
            Err(e) if e.raw_os_error() == Some(libc::ESRCH) => return Ok(false),
            // A thread that has exited but was not collected says EPERM, like one that we may not trace.
            Err(_) if matches!(status::thread_state(self.pid, tid), None | Some('Z' | 'X')) => {
                self.threads.insert(tid, State::Gone);
                return Ok(false);
            }
            Err(e) if e.raw_os_error() == Some(libc::EPERM) => return Err(status::refused(self.pid, tid)),
            Err(source) => {
                return Err(MemoryError::File { path: status::proc_path(self.pid, &format!("task/{tid}")), source });
            }
        }
        let asked = ptrace::interrupt(tid);
        self.threads.insert(tid, if asked.is_ok() { State::Asked } else { State::Gone });
        Ok(true)
    }

    /// Waits until no thread is merely asked. Polls, because a blocking wait could never be given up.
    fn wait(&mut self, deadline: Instant) -> Result<(), MemoryError> {
        let mut pause = Duration::from_micros(10);
        loop {
            let mut waiting = None;
            for (&tid, state) in self.threads.iter_mut().filter(|(_, s)| **s == State::Asked) {
                match seen(tid) {
                    Some(now) => *state = now,
                    None => waiting = Some(tid),
                }
            }
            let Some(tid) = waiting else { return Ok(()) };
            if Instant::now() >= deadline {
                let state = status::thread_state(self.pid, tid).unwrap_or('?');
                return Err(MemoryError::Stuck { pid: self.pid, tid, state, millis: PATIENCE.as_millis() as u64 });
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(1));
        }
    }

    /// Threads that are stopped with no signal to be delivered.
    pub(super) fn idle(&self) -> BTreeSet<u32> {
        let idle = |s: &State| matches!(s, State::Stopped { signal: 0 });
        self.threads.iter().filter(|(_, s)| idle(s)).map(|(&tid, _)| tid).collect()
    }

    /// Says that a stopped thread now has `signal` to be delivered when it is let go.
    pub(super) fn owe(&mut self, tid: u32, signal: i32) {
        self.threads.insert(tid, State::Stopped { signal });
    }

    fn stopped(&self) -> impl Iterator<Item = u32> + '_ {
        self.threads.iter().filter(|(_, s)| matches!(s, State::Stopped { .. })).map(|(&tid, _)| tid)
    }

    /// The registers of every stopped thread, with those that only a debugger misses if `with_extended`; a thread killed
    /// meanwhile is left out.
    pub(super) fn threads(&self, with_extended: bool) -> Result<Vec<Thread>, MemoryError> {
        let mut threads = Vec::with_capacity(self.threads.len());
        for tid in self.stopped() {
            if let Some(registers) = registers(self.pid, tid)? {
                let extended = if with_extended { extended(tid) } else { Vec::new() };
                threads.push(Thread { tid, registers, extended });
            }
        }
        if threads.is_empty() { Err(MemoryError::Exited { pid: self.pid }) } else { Ok(threads) }
    }

    /// Lets every thread run on, with the signal it was about to get.
    pub(super) fn release(&mut self) {
        for (tid, state) in std::mem::take(&mut self.threads) {
            // A thread that never stopped cannot be detached by hand: the kernel does that when this thread ends.
            if let State::Stopped { signal } = state {
                // The only failure is ESRCH, for a thread that was killed while it was stopped.
                let _ = ptrace::detach(tid, signal);
            }
        }
    }
}

/// The registers of a stopped thread; `None` when it was killed meanwhile.
fn registers(pid: u32, tid: u32) -> Result<Option<Registers>, MemoryError> {
    // Longer than the set we know, so that a thread in 32-bit mode (17 short registers) shows in the length.
    let mut bytes = [0_u8; 512];
    let len = match ptrace::general_registers(tid, &mut bytes) {
        Ok(len) => len,
        Err(e) if e.raw_os_error() == Some(libc::ESRCH) => return Ok(None),
        Err(source) => {
            return Err(MemoryError::File { path: status::proc_path(pid, &format!("task/{tid}")), source });
        }
    };
    match Registers::from_user_regs(&AMD64, &bytes[..len]) {
        Some(registers) => Ok(Some(registers)),
        None => Err(MemoryError::Architecture {
            path: status::proc_path(pid, "exe"),
            found: format!("386 (thread {tid} runs in 32-bit mode)"),
        }),
    }
}

/// The floating point and vector registers of a stopped thread; only debuggers miss them.
fn extended(tid: u32) -> Vec<u8> {
    let mut bytes = vec![0; MAX_XSTATE];
    let set = ptrace::vector_registers(tid, &mut bytes).or_else(|_| ptrace::floating_registers(tid, &mut bytes));
    bytes.truncate(set.unwrap_or(0));
    bytes.shrink_to_fit();
    bytes
}
