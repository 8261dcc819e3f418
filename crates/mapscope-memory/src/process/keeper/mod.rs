//! A process of its own that stops a target, and clears away whatever it has done to it, whatever becomes of this one.
//!
//! It is told what to do when it is started ([`Order`]), says what came of it ([`wire`]), and otherwise hears nothing but
//! the end of its line, which comes when this process is done, fails or is killed. It is watched from two sides: an alarm
//! ends it when the target would be held too long, and this process kills it when it does not say in time what came of it.
//! Whenever it ends, the kernel lets go of all that it traces.

mod bounds;
mod clear;
mod fork;
mod gadgets;
mod hold;
mod lifeline;
mod loan;
mod run;
#[cfg(test)]
pub(super) mod tests;
mod wire;

use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use nix::libc;
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid};

use self::wire::Word;
pub(super) use self::wire::{Kind, Refused, Taken};
use super::identity::Identity;
use crate::MemoryError;

/// How long it may take before it stops anything: it looks for instructions in the target's code, and may have to wait
/// for its turn.
const PREPARING: Duration = Duration::from_secs(30);
/// How long it may be late with what it said it would do.
const GRACE: Duration = Duration::from_secs(1);
/// How long it may take to clear away.
const CLEARING: Duration = Duration::from_secs(15);

/// What is asked of a keeper.
pub(super) struct Order<'i> {
    pub(super) identity: &'i Identity,
    pub(super) task: Task,
    /// With what only a core records.
    pub(super) for_core: bool,
}

/// What becomes of a target that has been stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// It is forked and runs on at once; the child may live so long.
    Fork(Duration),
    /// It stays stopped until the line ends.
    Hold,
}

/// A keeper that runs. Dropping this ends its task; all is cleared away when the drop returns.
pub(super) struct Keeper {
    pid: Pid,
    line: Mutex<Line>,
}

struct Line {
    stream: UnixStream,
    /// Why its task is over before its time, once it is.
    ended: Option<String>,
}

impl Keeper {
    /// Has a keeper do `order`; what it says of the target, which is as the order demands when this returns.
    pub(super) fn start(order: &Order<'_>) -> Result<(Self, Taken), Refused> {
        let keeper = Self::fork(order).map_err(|e| Refused {
            kind: Kind::NotForked,
            reason: format!("no process can be started to hold it: {e}"),
        })?;
        let taken = keeper.first_word()?;
        Ok((keeper, taken))
    }

    fn fork(order: &Order<'_>) -> io::Result<Self> {
        let (stream, theirs) = UnixStream::pair()?;
        // SAFETY: the child runs only `keep`, which returns to nothing of what other threads were in the middle of.
        #[allow(unsafe_code)]
        match unsafe { nix::unistd::fork() }? {
            ForkResult::Child => keep(theirs, order),
            ForkResult::Parent { child } => Ok(Self { pid: child, line: Mutex::new(Line { stream, ended: None }) }),
        }
    }

    /// What it says when the target was stopped and dealt with. When it says nothing in time, it is killed.
    fn first_word(&self) -> Result<Taken, Refused> {
        let lost = |reason: String| Refused { kind: Kind::NotStopped, reason };
        let mut line = self.line.lock().map_err(|_| lost("its line is in use".to_owned()))?;
        let mut limit = PREPARING;
        loop {
            let word = line.stream.set_read_timeout(Some(limit)).and_then(|()| wire::receive(&mut line.stream));
            match word {
                Ok(Word::Stopping { most }) => limit = most + GRACE,
                Ok(Word::Taken(taken)) => return Ok(taken),
                Ok(Word::Refused(refused)) => return Err(refused),
                Ok(Word::Ended { reason }) => return Err(Refused { kind: Kind::NotForked, reason }),
                Err(e) if is_late(&e) => {
                    let _ = kill(self.pid, Signal::SIGKILL);
                    return Err(lost(format!(
                        "the process that was to stop it said nothing for {} s and was killed; the target was let go: try \
                         again, or examine a core",
                        limit.as_secs()
                    )));
                }
                Err(_) => return Err(lost(self.obituary())),
            }
        }
    }

    /// Why its task is over before its time; `None` while it goes on. Waits `patience` for the news.
    pub(super) fn ended(&self, patience: Duration) -> Option<String> {
        let mut line = self.line.lock().ok()?;
        if line.ended.is_none() {
            let _ = line.stream.set_read_timeout(Some(patience.max(Duration::from_millis(1))));
            line.ended = match wire::receive(&mut line.stream) {
                Ok(Word::Ended { reason }) => Some(reason),
                Err(e) if is_late(&e) => None,
                _ => Some("the process that held it was killed".to_owned()),
            };
        }
        line.ended.clone()
    }

    /// How it ended without a word.
    fn obituary(&self) -> String {
        match waitpid(self.pid, None) {
            Ok(WaitStatus::Signaled(_, Signal::SIGSYS, _)) => {
                "mapscope itself runs under a seccomp filter that forbids ptrace: allow ptrace there (Docker: \
                 --cap-add SYS_PTRACE, or --security-opt seccomp=unconfined)"
                    .to_owned()
            }
            Ok(WaitStatus::Signaled(_, Signal::SIGALRM, _)) => {
                "it could not be stopped and forked in the time that a target may stand still, and was let go: try again, \
                 use --pause copy, or examine a core"
                    .to_owned()
            }
            Ok(WaitStatus::Signaled(_, signal, _)) => {
                format!("the process that was to stop it was killed ({signal})")
            }
            _ => "the process that was to stop it ended without a word".to_owned(),
        }
    }
}

fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let line = self.line.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = line.stream.shutdown(std::net::Shutdown::Both);
        let deadline = Instant::now() + CLEARING;
        let mut pause = Duration::from_micros(50);
        // Already collected when it has died on us: then this fails at once.
        while let Ok(WaitStatus::StillAlive) = waitpid(self.pid, Some(WaitPidFlag::WNOHANG)) {
            if Instant::now() >= deadline {
                let _ = kill(self.pid, Signal::SIGKILL);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(5));
        }
    }
}

/// The life of a keeper, in the child of a fork.
fn keep(reader: UnixStream, order: &Order<'_>) -> ! {
    // Neither an interrupt from the terminal nor a hang-up is meant for us.
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None);
    let _ = nix::unistd::setsid();
    let _ = std::env::set_current_dir("/");
    // Where the kernel shares processors out by session (sched(7), autogroups), what counts is the priority of ours.
    let _ = std::fs::write("/proc/self/autogroup", "-10");
    close_others(&mut [Some(reader.as_raw_fd()), order.identity.file()]);
    // SAFETY: the name is a string that ends in a zero byte; the rest are plain numbers.
    #[allow(unsafe_code)]
    unsafe {
        libc::prctl(libc::PR_SET_NAME, NAME.as_ptr());
        // While it waits for a processor, so does the target. Where that may not be asked for, it is as it was.
        libc::setpriority(libc::PRIO_PROCESS, 0, -10);
    }
    // A panic must not unwind into what this process is a copy of. The kernel lets go of all that is traced.
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run::run(reader, order)));
    exit(if done.is_ok() { 0 } else { 3 })
}

/// What the system calls a keeper.
const NAME: &std::ffi::CStr = c"mapscope-keeper";

/// Whether the process is traced by a keeper, who will not take long.
pub(super) fn is_tracing(refusal: &MemoryError) -> bool {
    matches!(refusal, MemoryError::Traced { name, .. } if name.as_bytes() == NAME.to_bytes())
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
