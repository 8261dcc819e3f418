//! A copy-on-write snapshot of a process.
//!
//! All threads are stopped, one of them is made to `clone` a child that never runs, and all run on: what the target
//! loses is the time to copy its page tables. The child is then read at leisure. All of that is done by a process of its
//! own, the [`keeper`], which outlives this one and clears away after it, whatever becomes of it.

mod bounds;
mod gadgets;
mod keeper;
mod lifeline;
mod loan;
#[cfg(test)]
pub(super) mod tests;
mod wire;

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::time::Duration;

use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, sigprocmask};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid};

use self::keeper::Order;
use self::wire::{Taken, Word};
use super::identity::Identity;

/// A snapshot that exists. Dropping it clears it away; that is done when the drop returns.
pub(super) struct Snapshot {
    keeper: Keeper,
    pub(super) taken: Taken,
}

/// Why there is none.
pub(super) struct Refused {
    pub(super) reason: String,
    /// The process cannot be stopped either.
    pub(super) hopeless: bool,
}

struct Keeper {
    pid: Pid,
    line: Mutex<Line>,
}

struct Line {
    stream: UnixStream,
    /// Why the snapshot is over, once it is.
    ended: Option<String>,
}

impl Snapshot {
    /// Takes one, which may live for `most`; with what only a core records if it is for one.
    pub(super) fn take(identity: &Identity, most: Duration, for_core: bool) -> Result<Self, Refused> {
        let failed =
            |e: io::Error| Refused { reason: format!("no process can be started to hold it: {e}"), hopeless: false };
        let keeper = Keeper::start(&Order { identity, most, for_core }).map_err(failed)?;
        let word = keeper
            .line
            .lock()
            .map_or_else(|_| Err(io::ErrorKind::Other.into()), |mut line| wire::receive(&mut line.stream));
        match word {
            Ok(Word::Taken(taken)) => Ok(Self { keeper, taken }),
            Ok(Word::Refused { reason, hopeless }) => Err(Refused { reason, hopeless }),
            Ok(Word::Ended { reason }) => Err(Refused { reason, hopeless: false }),
            Err(_) => Err(Refused { reason: keeper.obituary(), hopeless: true }),
        }
    }

    /// Process id of the snapshot, which is a pid's as long as this lives.
    pub(super) fn pid(&self) -> u32 {
        self.taken.child
    }

    /// Why the snapshot is over before its time; `None` while it exists.
    pub(super) fn ended(&self) -> Option<String> {
        let mut line = self.keeper.line.lock().ok()?;
        if line.ended.is_none() {
            let _ = line.stream.set_read_timeout(Some(Duration::from_millis(200)));
            line.ended = match wire::receive(&mut line.stream) {
                Ok(Word::Ended { reason }) => Some(reason),
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => None,
                _ => Some("the process that held it was killed".to_owned()),
            };
        }
        line.ended.clone()
    }
}

impl Keeper {
    /// Starts a keeper with its order.
    fn start(order: &Order<'_>) -> io::Result<Self> {
        let (stream, theirs) = UnixStream::pair()?;
        // SAFETY: the child runs only `keep`, which returns to nothing of what other threads were in the middle of.
        #[allow(unsafe_code)]
        match unsafe { nix::unistd::fork() }? {
            ForkResult::Child => keep(theirs, order),
            ForkResult::Parent { child } => Ok(Self { pid: child, line: Mutex::new(Line { stream, ended: None }) }),
        }
    }

    /// How it ended without a word.
    fn obituary(&self) -> String {
        match waitpid(self.pid, None) {
            Ok(WaitStatus::Signaled(_, nix::sys::signal::Signal::SIGSYS, _)) => {
                "mapscope itself runs under a seccomp filter that forbids ptrace: allow ptrace there (Docker: \
                 --cap-add SYS_PTRACE, or --security-opt seccomp=unconfined)"
                    .to_owned()
            }
            Ok(WaitStatus::Signaled(_, signal, _)) => {
                format!("the process that took the snapshot was killed ({signal})")
            }
            _ => "the process that took the snapshot ended without a word".to_owned(),
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let line = self.line.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = line.stream.shutdown(std::net::Shutdown::Both);
        // Already collected when it has died on us: then this fails at once.
        let _ = waitpid(self.pid, None);
    }
}

/// The life of a keeper, in the child of a fork.
fn keep(reader: UnixStream, order: &Order<'_>) -> ! {
    // A panic would unwind into what this process is a copy of. The kernel lets go of all that is traced.
    std::panic::set_hook(Box::new(|_| exit(3)));
    // Neither an interrupt from the terminal nor a hang-up is meant for us.
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None);
    let _ = nix::unistd::setsid();
    let _ = std::env::set_current_dir("/");
    close_others(&mut [Some(reader.as_raw_fd()), order.identity.file()]);
    // SAFETY: the name is a string that ends in a zero byte; the rest are plain numbers.
    #[allow(unsafe_code)]
    unsafe {
        libc::prctl(libc::PR_SET_NAME, c"mapscope-keeper".as_ptr());
        // While it waits for a processor, so does the target. Where that may not be asked for, it is as it was.
        libc::setpriority(libc::PRIO_PROCESS, 0, -10);
    }
    keeper::run(reader, order);
    exit(0)
}

pub(super) fn exit(code: i32) -> ! {
    // SAFETY: ends the process without running what other parts of the program have registered for its end.
    #[allow(unsafe_code)]
    unsafe {
        libc::_exit(code)
    }
}

/// Closes every file but those `kept`: a pipe that somebody waits on must end with the program that it was given to.
pub(super) fn close_others(kept: &mut [Option<i32>]) {
    kept.sort_unstable();
    let mut first = 0;
    for kept in kept.iter().flatten().map(|fd| fd.unsigned_abs()) {
        if kept > first {
            close_range(first, kept - 1);
        }
        first = kept + 1;
    }
    close_range(first, u32::MAX);
    // The first three are what they are everywhere: something may be written to them.
    for _ in 0..3 {
        match std::fs::OpenOptions::new().read(true).write(true).open("/dev/null") {
            Ok(file) if file.as_raw_fd() < 3 => std::mem::forget(file),
            _ => {}
        }
    }
}

fn close_range(first: u32, last: u32) {
    // SAFETY: nothing in this process uses a file that it closes, and what is opened later is new.
    #[allow(unsafe_code)]
    unsafe {
        if libc::syscall(libc::SYS_close_range, first, last, 0) != 0 {
            (first..=last.min(65_535)).for_each(|fd| _ = libc::close(fd as i32));
        }
    }
}
