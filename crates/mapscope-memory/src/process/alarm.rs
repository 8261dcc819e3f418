//! Ends this process when it has held others up for too long, whatever it waits for.
//!
//! The kernel keeps the time and kills us (`SIGALRM`, with no handler), and a tracer that is killed lets go of all that
//! it traces. So nothing that can happen in this process keeps a target longer.

use std::time::Duration;

use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};

/// A limit that is set; dropping this lifts it.
pub(super) struct Alarm(());

impl Alarm {
    /// This process ends after `most`, unless the result is dropped before. One at a time: a second replaces the first.
    pub(super) fn after(most: Duration) -> Self {
        // SAFETY: sets the default action of a signal, for which there is no handler to outlive.
        #[allow(unsafe_code)]
        unsafe {
            libc::signal(libc::SIGALRM, libc::SIG_DFL);
        }
        let mut alarm = SigSet::empty();
        alarm.add(Signal::SIGALRM);
        let _ = sigprocmask(SigmaskHow::SIG_UNBLOCK, Some(&alarm), None);
        set(most.max(Duration::from_micros(1)));
        Self(())
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        set(Duration::ZERO);
    }
}

/// Sets the timer; zero stops it.
fn set(after: Duration) {
    let none = libc::timeval { tv_sec: 0, tv_usec: 0 };
    let value = libc::timeval { tv_sec: after.as_secs() as i64, tv_usec: i64::from(after.subsec_micros()) };
    let timer = libc::itimerval { it_interval: none, it_value: value };
    // SAFETY: `timer` is valid for reads for the length of the call; the kernel writes nothing.
    #[allow(unsafe_code)]
    unsafe {
        libc::setitimer(libc::ITIMER_REAL, &raw const timer, std::ptr::null_mut());
    }
}
