//! Stopping every thread of a process, and letting them go as if nothing had been.
//!
//! `PTRACE_SEIZE` with `PTRACE_INTERRUPT` sends no signal: a system call that is cut short restarts by itself, and when
//! the tracer dies the kernel detaches it and the threads run on. Nothing is set that would end a thread with us
//! (`PTRACE_O_EXITKILL`).
//!
//! # Protocol
//!
//! ```text
//!          seize, interrupt            looked at                 detach, with what it is owed
//! thread ------------------> Asked ----------------> Stopped ----------------------------------> free
//!                              |                        |
//!                              +--- exits, is killed ---+--> Gone: the reaper has collected it
//!
//! process   Exec seen, or a thread lost without an exit: it is another program. All of the above ends: its one thread,
//!           which has the id of the first one, is let go.
//! ```
//!
//! What happens to the target is known from its reports: a stop, a signal, an exit, an `execve`. What must hold, whatever
//! it does and whenever (`model.rs` tries all of it):
//!
//! 1. **Nothing waits for us to collect it.** The [reaper](super::reaper) does that beside, so that neither an `execve`
//!    nor the parent of a killed process waits while we wait.
//! 2. **What was seized is let go.** [`Stops::release`] detaches what has stopped and keeps what has not, to be asked
//!    again; the end of this process lets go of the rest.
//! 3. **A report stays.** It is looked at and not taken, so that the kernel delivers a signal if we are killed; a signal
//!    is owed to its thread, and delivered once.
//! 4. **An `execve` is an end.** What was stopped is not the program that was asked about.
//! 5. **Every wait has an end**: the deadline here, and an [alarm](super::alarm) for the whole process.

#[cfg(test)]
mod model;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use nix::libc;

use super::kernel::Kernel;
use super::ptrace::{self, Halt};
use super::status;
use crate::arch::{AMD64, Registers};
use crate::{MemoryError, Thread};

/// How long threads may take to stop. One that waits for a disk cannot be stopped at all, and every thread that is
/// stopped already waits with us, so the patience is short.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often a thread is tried that may not be traced, for no reason that lasts.
const TRIES: usize = 3;
/// The shortest and the longest pause between two looks.
const PAUSES: (Duration, Duration) = (Duration::from_micros(10), Duration::from_millis(1));
/// Room for all registers that processors have: 11 KiB with AMX.
const MAX_XSTATE: usize = 32 << 10;

/// The threads of one process that are stopped, or asked to. All methods must be called on the thread that made it:
/// `ptrace` demands it.
pub(super) struct Stops<'k> {
    kernel: &'k dyn Kernel,
    pid: u32,
    /// Threads that we trace, with what is known of each.
    threads: BTreeMap<u32, State>,
    /// When the first thread was asked to stop.
    pub(super) since: Instant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Seized and interrupted, not seen to stop yet.
    Asked,
    /// Stopped. A signal that was about to be delivered is owed to the thread.
    Stopped { signal: i32 },
    /// Exited.
    Gone,
}

impl<'k> Stops<'k> {
    /// Nothing is stopped yet.
    pub(super) fn new(kernel: &'k dyn Kernel, pid: u32) -> Self {
        Self { kernel, pid, threads: BTreeMap::new(), since: kernel.now() }
    }

    /// Stops every thread. What was stopped stays so, also on an error, until it is released.
    ///
    /// # Errors
    /// When the process has ended or becomes another program, a thread does not stop in time, or may not be traced.
    pub(super) fn all(&mut self) -> Result<(), MemoryError> {
        self.since = self.kernel.now();
        let deadline = self.since + PATIENCE;
        let mut quiet = 0;
        // A thread that is not stopped yet may start others, so the list is read again until it held nothing new twice.
        while quiet < 2 {
            let new = self.seize_new(deadline)?;
            self.settle(deadline)?;
            quiet = if new { 0 } else { quiet + 1 };
        }
        if self.stopped().next().is_none() {
            return Err(MemoryError::Exited { pid: self.pid });
        }
        self.is_the_same_program()
    }

    /// Stops one thread; whether it stands still with no signal to be delivered.
    ///
    /// # Errors
    /// As [`Stops::all`].
    pub(super) fn one(&mut self, tid: u32) -> Result<bool, MemoryError> {
        if !self.seize(tid)? {
            return Ok(false);
        }
        self.settle(self.kernel.now() + PATIENCE)?;
        Ok(self.threads.get(&tid) == Some(&State::Stopped { signal: 0 }))
    }

    /// Asks every thread that was not asked yet; whether there was one.
    fn seize_new(&mut self, deadline: Instant) -> Result<bool, MemoryError> {
        let mut new = false;
        for tid in self.kernel.tasks(self.pid)? {
            // The id of one that is gone may be another's by now.
            if matches!(self.threads.get(&tid), None | Some(State::Gone)) && self.seize(tid)? {
                new = true;
                if self.kernel.now() >= deadline {
                    return Err(self.stuck(tid));
                }
            }
        }
        Ok(new)
    }

    /// Seizes and interrupts one thread; false when it has exited.
    fn seize(&mut self, tid: u32) -> Result<bool, MemoryError> {
        let mut tries = TRIES;
        while let Err(e) = self.kernel.seize(tid) {
            tries -= 1;
            match e.raw_os_error() {
                Some(libc::ESRCH) => return Ok(false),
                // A thread that has exited but was not collected says EPERM, like one that we may not trace.
                Some(libc::EPERM) if matches!(self.kernel.state(self.pid, tid), None | Some('Z' | 'X')) => {
                    return Ok(false);
                }
                // It had exited, and became another program before it was looked at.
                Some(libc::EPERM) if tries > 0 => {}
                Some(libc::EPERM) => return Err(self.kernel.refusal(self.pid, tid)),
                _ => {
                    let path = status::proc_path(self.pid, &format!("task/{tid}"));
                    return Err(MemoryError::File { path, source: e });
                }
            }
        }
        // It fails for one that has exited since, which is seen next.
        let _ = self.kernel.interrupt(tid);
        self.threads.insert(tid, State::Asked);
        Ok(true)
    }

    /// Waits until no thread is merely asked. Polls, because a blocking wait could never be given up.
    fn settle(&mut self, deadline: Instant) -> Result<(), MemoryError> {
        let mut pause = PAUSES.0;
        loop {
            // Whoever had to wait for a processor looks once more before it gives up.
            let late = self.kernel.now() >= deadline;
            let mut waiting = None;
            let asked: Vec<_> = self.threads.iter().filter(|(_, s)| **s == State::Asked).map(|(&tid, _)| tid).collect();
            for tid in asked {
                match self.look(tid)? {
                    Some(state) => _ = self.threads.insert(tid, state),
                    None => waiting = Some(tid),
                }
            }
            let Some(tid) = waiting else { return Ok(()) };
            if late {
                return Err(self.stuck(tid));
            }
            self.kernel.rest(pause);
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// What has become of a thread that was asked; `None` while it runs.
    fn look(&self, tid: u32) -> Result<Option<State>, MemoryError> {
        Ok(match self.kernel.look(tid) {
            Some(Halt::Signal(signal)) => Some(State::Stopped { signal }),
            Some(Halt::Stop | Halt::SystemCall | Halt::Clone) => Some(State::Stopped { signal: 0 }),
            Some(Halt::Gone) => Some(State::Gone),
            Some(Halt::Exec | Halt::Lost) => return Err(MemoryError::Execed { pid: self.pid }),
            // The exit of the first thread is reported when all others are gone.
            None if tid == self.pid && self.kernel.state(self.pid, tid) == Some('Z') => Some(State::Gone),
            None => None,
        })
    }

    /// Whoever becomes another program takes the first thread's id, and the stop that was reported of it is no more.
    fn is_the_same_program(&self) -> Result<(), MemoryError> {
        match self.threads.get(&self.pid) {
            Some(State::Stopped { .. }) => self.look(self.pid).map(|_| ()),
            _ => Ok(()),
        }
    }

    fn stuck(&self, tid: u32) -> MemoryError {
        let state = self.kernel.state(self.pid, tid).unwrap_or('?');
        MemoryError::Stuck { pid: self.pid, tid, state, millis: PATIENCE.as_millis() as u64 }
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

    /// Lets every thread run on, with the signal it was about to get; whether that is all of them. One that has not stopped
    /// yet cannot be let go, and stops later: ask again until all are.
    pub(super) fn release(&mut self) -> bool {
        for (tid, state) in std::mem::take(&mut self.threads) {
            let let_go = match state {
                // What has its id may have become another program, to which nothing is owed.
                State::Stopped { .. } if tid == self.pid => false,
                State::Stopped { signal } => self.kernel.detach(tid, signal).is_ok(),
                State::Asked => false,
                State::Gone => true,
            };
            if !let_go {
                self.release_as_it_is(tid);
            }
        }
        self.threads.is_empty()
    }

    /// Lets a thread go of which it is not known what it has come to, or keeps it.
    fn release_as_it_is(&mut self, tid: u32) {
        match self.kernel.look(tid) {
            // As the one thread of another program, it has another id, and may still be ours.
            Some(Halt::Lost) if tid != self.pid => {
                if let Entry::Vacant(first) = self.threads.entry(self.pid) {
                    first.insert(State::Asked);
                }
            }
            Some(Halt::Gone | Halt::Lost) => {}
            Some(halt) => {
                if halt == Halt::Exec {
                    self.kernel.take(tid);
                }
                let signal = if let Halt::Signal(signal) = halt { signal } else { 0 };
                // It fails for one that was killed meanwhile.
                if self.kernel.detach(tid, signal).is_err() {
                    self.threads.insert(tid, State::Asked);
                }
            }
            None if tid == self.pid && self.kernel.state(self.pid, tid) == Some('Z') => {}
            None => _ = self.threads.insert(tid, State::Asked),
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
