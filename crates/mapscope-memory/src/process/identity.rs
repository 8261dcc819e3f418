//! Which process a pid is. A pid is only a number: when its process has ended, another gets it.

use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use nix::libc;

use super::status::proc_path;
use crate::{MemoryError, system};

/// One process, told from every other that has or had its pid.
pub(super) struct Identity {
    pid: u32,
    /// Refers to the process itself; absent before Linux 5.3.
    handle: Option<OwnedFd>,
    /// When it began, in ticks since the system did.
    started: Option<u64>,
}

impl Identity {
    /// The process that has `pid` now.
    pub(super) fn of(pid: u32) -> Self {
        // SAFETY: takes plain numbers, and gives a new file or an error.
        #[allow(unsafe_code)]
        let handle = unsafe {
            let fd = libc::syscall(libc::SYS_pidfd_open, pid, 0);
            (fd >= 0).then(|| OwnedFd::from_raw_fd(fd as i32))
        };
        Self { pid, handle, started: started(pid) }
    }

    /// Its pid.
    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// Fails when the process has ended, so that what was read of its pid may be of another.
    pub(super) fn check(&self) -> Result<(), MemoryError> {
        let there = match &self.handle {
            Some(handle) => !has_ended(handle),
            None => self.started.is_some() && started(self.pid) == self.started,
        };
        if there { Ok(()) } else { Err(MemoryError::Exited { pid: self.pid }) }
    }

    /// Sends it a signal; nothing happens when it has ended.
    pub(super) fn signal(&self, signal: i32) {
        // SAFETY: takes plain numbers, and a null pointer for what the kernel fills in itself.
        #[allow(unsafe_code)]
        unsafe {
            match self.file() {
                Some(handle) => _ = libc::syscall(libc::SYS_pidfd_send_signal, handle, signal, 0, 0),
                None => _ = libc::kill(self.pid as libc::pid_t, signal),
            }
        }
    }

    /// The file behind this, which must stay open.
    pub(super) fn file(&self) -> Option<i32> {
        self.handle.as_ref().map(AsRawFd::as_raw_fd)
    }
}

/// The file of a process can be read when it has ended.
fn has_ended(handle: &OwnedFd) -> bool {
    let mut file = libc::pollfd { fd: handle.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: `file` is one element and valid for the length of the call.
    #[allow(unsafe_code)]
    let ready = unsafe { libc::poll(&raw mut file, 1, 0) };
    ready > 0
}

/// The 22nd field of `/proc/PID/stat`.
fn started(pid: u32) -> Option<u64> {
    let stat = system::text(proc_path(pid, "stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::process::Command;

    use super::*;

    /// A process that waits, with the pid `wanted` if that is free and the system can be told so.
    fn sleeper(wanted: Option<u32>) -> std::process::Child {
        if let Some(pid) = wanted {
            let _ = std::fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string());
        }
        Command::new("sleep").arg("60").spawn().unwrap()
    }

    #[test]
    fn another_process_with_the_same_pid_is_another() {
        let mut first = sleeper(None);
        let pid = first.id();
        let by_start = Identity { handle: None, ..Identity::of(pid) };
        let by_handle = Identity::of(pid);
        assert!(by_start.check().is_ok() && by_handle.check().is_ok());
        first.kill().unwrap();
        first.wait().unwrap();
        assert!(by_start.check().is_err() && by_handle.check().is_err());
        // The next process gets the pid where we may say so and nobody was faster.
        for _ in 0..20 {
            let mut second = sleeper(Some(pid));
            let reused = second.id() == pid;
            let (by_start, by_handle) = (by_start.check(), by_handle.check());
            second.kill().unwrap();
            second.wait().unwrap();
            assert!(by_handle.is_err());
            // Within one tick of the clock, the time of the start does not tell.
            assert!(by_start.is_err() || reused);
            if reused {
                return;
            }
        }
    }
}
