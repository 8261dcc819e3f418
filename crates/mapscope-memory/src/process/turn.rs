//! One of us at a time stops a process: the others wait for their turn.
//!
//! A lock on the directory of the process below `/proc`, which the kernel lifts when its holder ends. In another mount of
//! `/proc` (another container) it does not show; there, whoever comes second is told that the process is traced.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::time::{Duration, Instant};

use nix::libc;

use super::status;
use crate::MemoryError;

/// How long others may take before we give up.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// The longest pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Nobody else of us stops the process while this exists.
pub(super) struct Turn(#[allow(dead_code, reason = "the lock is with the open file")] File);

impl Turn {
    /// Waits for those who came before, until `deadline`.
    ///
    /// # Errors
    /// [`MemoryError::Busy`] when they take longer.
    pub(super) fn take(pid: u32, deadline: Instant) -> Result<Self, MemoryError> {
        let path = status::proc_path(pid, "");
        let directory = File::open(&path).map_err(|e| status::explain(pid, &path, e))?;
        let mut pause = Duration::from_micros(200);
        while !lock(&directory) {
            if Instant::now() >= deadline {
                return Err(MemoryError::Busy { pid, seconds: PATIENCE.as_secs() });
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSE);
        }
        Ok(Self(directory))
    }
}

/// Whether the lock was free, or there is no such thing here.
fn lock(directory: &File) -> bool {
    // SAFETY: takes a file that is open, and a plain number.
    #[allow(unsafe_code)]
    let result = unsafe { libc::flock(directory.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) };
    result == 0 || std::io::Error::last_os_error().raw_os_error() != Some(libc::EWOULDBLOCK)
}
