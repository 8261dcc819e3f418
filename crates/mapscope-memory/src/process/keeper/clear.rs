//! Clears a snapshot away: kills it, and has the target collect what is left of it, a zombie that is its child and of
//! which it knows nothing.

use std::time::{Duration, Instant};

use nix::libc;

use super::fork::{Held, Ready};
use super::loan::{Call, Loan};
use super::run::release;
use crate::process::alarm::Alarm;
use crate::process::kernel::Linux;
use crate::process::ptrace::{self, Halt};
use crate::process::status;
use crate::process::stop::Stops;
use crate::process::turn::Turn;

/// How long the target is asked to collect what is left, and the longest pause between two times.
const CLEARING: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);
/// How long a killed snapshot may take to be gone.
const DYING: Duration = Duration::from_secs(1);
/// How long one thread may be held for it, and how long its system call may take.
const STANDSTILL: Duration = Duration::from_secs(2);
const CALL: Duration = Duration::from_secs(1);

/// Kills the snapshot and has the target collect it.
pub(super) fn clear(mut held: Held, kernel: &Linux) {
    let inner = status::inner_pid(held.child).unwrap_or(held.child);
    kill(held.child);
    let deadline = Instant::now() + CLEARING;
    // Two of us must not borrow threads at the same time: the place where they are sent is one.
    let Ok(_turn) = Turn::take(held.pid, deadline) else { return };
    let mut stops = Stops::new(kernel, held.pid);
    let mut pause = Duration::from_millis(1);
    // Any thread may have a signal to see to first, or be where it cannot be asked just now.
    while !held.collect_in_one(&mut stops, inner) && Instant::now() < deadline {
        std::thread::sleep(pause);
        pause = (pause * 2).min(PAUSE);
        // One that took long to die has not reported to us yet.
        ptrace::collect(held.child);
        // It may have become another program, whose child the zombie still is.
        if !held.target.is_safe()
            && let Ok(target) = Ready::new(held.pid)
        {
            held.target = target;
        }
    }
}

impl Held {
    /// Asks one thread after the other to collect `child`, a pid as the target sees it; whether nothing is left.
    fn collect_in_one(&self, stops: &mut Stops<'_>, child: u32) -> bool {
        let is_left = || status::parent(self.child) == Some(self.pid);
        let others = status::threads(self.pid).unwrap_or_default();
        for tid in std::iter::once(self.parent).chain(others) {
            if !is_left() {
                return true;
            }
            let alarm = Alarm::after(STANDSTILL);
            self.collect_in(stops, tid, child);
            // A thread that has not stopped in time is let go when it does, before another is asked.
            release(stops);
            drop(alarm);
        }
        !is_left()
    }

    /// Has thread `tid` collect `child`, a pid as the target sees it.
    fn collect_in(&self, stops: &mut Stops<'_>, tid: u32, child: u32) {
        if !matches!(stops.one(tid), Ok(true)) || !self.target.is_safe() {
            return;
        }
        let arguments = [u64::from(child), 0, (libc::WNOHANG | libc::__WALL) as u64, 0];
        let mut call = Call { number: libc::SYS_wait4, arguments, born: &mut |_| Ok(()) };
        let loan = Loan::take(tid, self.target.ground(), self.target.options, Instant::now() + CALL);
        if let Ok((_, signal)) = loan.and_then(|l| l.make(&mut call)) {
            stops.owe(tid, signal);
        }
    }
}

/// Kills a traced process and takes the report of its end, which leaves the rest to its parent.
pub(super) fn kill(child: u32) {
    // SAFETY: `kill` takes plain numbers.
    #[allow(unsafe_code)]
    unsafe {
        libc::kill(child as libc::pid_t, libc::SIGKILL);
    }
    free(child);
    let deadline = Instant::now() + DYING;
    while Instant::now() < deadline && !matches!(ptrace::poll(child), Some(Halt::Gone | Halt::Lost)) {
        std::thread::sleep(Duration::from_micros(100));
    }
    ptrace::collect(child);
}

/// Frees the memory of a process that has been killed now, not when it gets to run: as long as it has its pages, the
/// target goes on copying them. Before Linux 5.15 there is only waiting.
fn free(killed: u32) {
    // SAFETY: both calls take plain numbers, and the file is closed where it was opened.
    #[allow(unsafe_code)]
    unsafe {
        let handle = libc::syscall(libc::SYS_pidfd_open, killed, 0);
        if handle >= 0 {
            libc::syscall(libc::SYS_process_mrelease, handle, 0);
            libc::close(handle as i32);
        }
    }
}
