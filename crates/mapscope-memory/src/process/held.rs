//! A process that is stopped as anybody can stop it, by `SIGSTOP`, so that it can be examined in the ordinary way. Whoever
//! does that may be killed; so a *guard*, a process of its own, continues it then.

use std::io::Read;
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid};

use super::identity::Identity;
use super::keeper::{close_others, exit};
use super::status;
use crate::MemoryError;

/// How long threads may take to stop.
const PATIENCE: Duration = Duration::from_secs(5);

/// A process that stands still, stopped by `SIGSTOP` and traced by nobody. It is continued when this is dropped, and also
/// when this program ends in any other way.
///
/// What is left: when the guard is killed and then this program, the process stays stopped until `kill -CONT`. When this
/// program alone is killed and was the only tie of a process group to its terminal's session, the kernel hangs the group
/// up (`SIGHUP`), as it does with every stopped job.
pub struct Held {
    target: Identity,
    guard: Pid,
    line: UnixStream,
}

impl Held {
    /// Stops every thread of the process `pid`.
    ///
    /// # Errors
    /// When it has ended, or a thread does not stop, or no process can be started to guard it.
    pub fn stop(pid: u32) -> Result<Self, MemoryError> {
        let held = Self::guard(pid)?;
        held.target.signal(libc::SIGSTOP);
        held.settled()
    }

    /// The process.
    pub fn pid(&self) -> u32 {
        self.target.pid()
    }

    /// Starts the guard of a process that is about to be stopped.
    pub(super) fn guard(pid: u32) -> Result<Self, MemoryError> {
        let failed = |source: std::io::Error| MemoryError::NotStarted { command: "a guard process".into(), source };
        let target = Identity::of(pid);
        target.check()?;
        let (line, theirs) = UnixStream::pair().map_err(failed)?;
        // SAFETY: the child runs only `watch_over`, which returns to nothing of what other threads were in the middle of.
        #[allow(unsafe_code)]
        match unsafe { nix::unistd::fork() }.map_err(|e| failed(e.into()))? {
            ForkResult::Child => watch_over(theirs, &target),
            ForkResult::Parent { child } => Ok(Self { target, guard: child, line }),
        }
    }

    /// Waits until every thread stands still.
    pub(super) fn settled(self) -> Result<Self, MemoryError> {
        let pid = self.pid();
        let deadline = Instant::now() + PATIENCE;
        let mut pause = Duration::from_micros(10);
        while let Some((tid, state)) = moving(pid)? {
            self.target.check()?;
            if Instant::now() >= deadline {
                return Err(MemoryError::Stuck { pid, tid, state, millis: PATIENCE.as_millis() as u64 });
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(1));
        }
        Ok(self)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.line.shutdown(Shutdown::Both);
        if !matches!(waitpid(self.guard, None), Ok(WaitStatus::Exited(_, 0))) {
            // It was killed on us.
            self.target.signal(libc::SIGCONT);
        }
    }
}

/// A thread that is not stopped by job control, with its state.
fn moving(pid: u32) -> Result<Option<(u32, char)>, MemoryError> {
    let path = status::proc_path(pid, "task");
    let explain = |e| status::explain(pid, &path, e);
    for entry in std::fs::read_dir(&path).map_err(explain)? {
        let Some(tid) = entry.map_err(explain)?.file_name().to_str().and_then(|n| n.parse().ok()) else { continue };
        match status::thread_state(pid, tid) {
            None | Some('T') => {}
            Some(state) => return Ok(Some((tid, state))),
        }
    }
    Ok(None)
}

/// The life of a guard, in the child of a fork: continues the process when the other end of the line is closed.
fn watch_over(mut line: UnixStream, target: &Identity) -> ! {
    // Neither an interrupt from the terminal nor a hang-up is meant for us.
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None);
    let _ = nix::unistd::setsid();
    close_others(&mut [Some(line.as_raw_fd()), target.file()]);
    // SAFETY: the name is a string that ends in a zero byte.
    #[allow(unsafe_code)]
    unsafe {
        libc::prctl(libc::PR_SET_NAME, c"mapscope-guard".as_ptr());
    }
    // Nothing is ever sent: the word is that the line ends.
    let _ = line.read(&mut [0]);
    target.signal(libc::SIGCONT);
    exit(0)
}
