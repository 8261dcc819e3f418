//! Collects traced threads as they end.
//!
//! A thread that has ended is there until its tracer has collected it, and others wait for that: a thread in `execve`
//! for all others of its process, the parent of a killed process for its last thread. The tracer itself may be waiting
//! for one of these: `PTRACE_SEIZE` waits for an `execve` of the same process. So a thread of its own collects, as soon
//! as the kernel says (`SIGCHLD`) that there is something to collect.

use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

use super::ptrace::{self, Halt};

/// Collects for as long as the process lives.
pub(super) struct Reaper(Arc<Mutex<Known>>);

/// Ids of threads.
#[derive(Default)]
struct Known {
    traced: BTreeSet<u32>,
    collected: BTreeSet<u32>,
}

impl Reaper {
    /// Starts it. All signals must be blocked in all threads of the process, which must have no children of its own.
    pub(super) fn start() -> io::Result<Self> {
        // Stops are not told, and nothing is collected by itself, whatever was inherited.
        let action = SigAction::new(SigHandler::SigDfl, SaFlags::SA_NOCLDSTOP, SigSet::empty());
        // SAFETY: sets the default action of a signal, for which there is no handler to outlive.
        #[allow(unsafe_code)]
        unsafe { sigaction(Signal::SIGCHLD, &action) }?;
        let known = Arc::new(Mutex::new(Known::default()));
        let its = Arc::clone(&known);
        std::thread::Builder::new().name("reaper".into()).spawn(move || reap(&its))?;
        Ok(Self(known))
    }

    /// Says that a thread is about to be traced. Another may have had its id before.
    pub(super) fn trace(&self, tid: u32) {
        let mut known = lock(&self.0);
        known.traced.insert(tid);
        known.collected.remove(&tid);
    }

    /// Whether the thread has ended and was collected.
    pub(super) fn has_collected(&self, tid: u32) -> bool {
        lock(&self.0).collected.contains(&tid)
    }
}

fn lock(known: &Mutex<Known>) -> MutexGuard<'_, Known> {
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

fn reap(known: &Mutex<Known>) {
    let mut ends = SigSet::empty();
    ends.add(Signal::SIGCHLD);
    loop {
        let _ = ends.wait();
        let mut known = lock(known);
        let gone: Vec<_> = known.traced.iter().copied().filter(|&tid| ptrace::poll(tid) == Some(Halt::Gone)).collect();
        for tid in gone {
            // Whoever misses it from now on, and waits for the lock, learns why.
            ptrace::collect(tid);
            known.traced.remove(&tid);
            known.collected.insert(tid);
        }
    }
}
