//! A command that is watched from its first moment, and held where one of its processes gets a signal.
//!
//! Every thread and child process is seized at its birth. A signal that is about to be delivered stops the thread that it
//! goes to; any but the marker is passed on. At the marker the thread is let go with `SIGSTOP` in its place, which the
//! kernel makes a stop of its whole process, and the end of the watching thread lets go of all others. So what is held is
//! traced by nobody, and nothing is traced if this program is killed. No option kills anybody (`PTRACE_O_EXITKILL`).

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::libc;

use super::held::Held;
use super::ptrace::{self, Report};
use super::status;
use crate::MemoryError;

/// A command that runs and is watched.
pub struct Watch {
    caught: Receiver<Result<Option<Held>, MemoryError>>,
    thread: JoinHandle<()>,
}

/// What became of a command that was watched.
pub enum Caught {
    /// One of its processes was about to get the signal: it is held, and the signal is gone.
    Held(Held),
    /// It ended before; its status can be had from its [`Child`].
    Ended,
    /// Neither, in the time that was given. It is still watched.
    TimedOut(Watch),
}

impl Watch {
    /// Starts `command` and watches it, and all processes that it starts, for `signal`.
    ///
    /// # Errors
    /// When it cannot be started, or may not be traced.
    pub fn start(command: Command, signal: i32) -> Result<(Self, Child), MemoryError> {
        let (report, caught) = sync_channel(1);
        let (begun, child) = sync_channel(1);
        let name = command.get_program().to_string_lossy().into_owned();
        let thread = std::thread::Builder::new()
            .name("watch".into())
            .spawn(move || run(command, signal, &begun, &report))
            .map_err(|source| MemoryError::NotStarted { command: name.clone(), source })?;
        let lost = || MemoryError::NotStarted { command: name, source: io::ErrorKind::Other.into() };
        let child = child.recv().unwrap_or_else(|_| Err(lost()))?;
        Ok((Self { caught, thread }, child))
    }

    /// Waits for the signal, for as long as `most` if that is given.
    ///
    /// # Errors
    /// When the process that gets the signal cannot be held.
    pub fn wait(self, most: Option<Duration>) -> Result<Caught, MemoryError> {
        let result = match most {
            Some(most) => self.caught.recv_timeout(most),
            None => self.caught.recv().map_err(Into::into),
        };
        match result {
            Err(RecvTimeoutError::Timeout) => Ok(Caught::TimedOut(self)),
            Err(RecvTimeoutError::Disconnected) => Ok(Caught::Ended),
            Ok(result) => {
                // With its end the kernel lets go of every thread that it traces.
                let _ = self.thread.join();
                let Some(held) = result? else { return Ok(Caught::Ended) };
                match held.settled() {
                    Err(MemoryError::Exited { .. }) => Ok(Caught::Ended),
                    held => held.map(Caught::Held),
                }
            }
        }
    }
}

/// Lets this program, and no other, examine what `command` becomes, also where Yama lets only ancestors do that.
pub fn let_be_examined(command: &mut Command) {
    let us = std::process::id();
    // SAFETY: the closure makes one system call with plain numbers; it touches no memory that another thread may hold.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(move || {
            allow(us);
            Ok(())
        });
    }
}

/// Where Yama is not there, it has nothing to allow.
fn allow(tracer: u32) {
    // SAFETY: takes plain numbers.
    #[allow(unsafe_code)]
    unsafe {
        libc::prctl(libc::PR_SET_PTRACER, libc::c_ulong::from(tracer), 0, 0, 0);
    }
}

fn run(
    command: Command,
    signal: i32,
    begun: &SyncSender<Result<Child, MemoryError>>,
    report: &SyncSender<Result<Option<Held>, MemoryError>>,
) {
    let child = start(command);
    let pid = child.as_ref().map(Child::id).ok();
    let heard = begun.send(child);
    if let (Some(pid), Ok(())) = (pid, heard) {
        let _ = report.send(watch(pid, signal));
    }
}

/// Starts a command that this thread traces from before it is the command. The child waits for that; and because to start
/// one is to wait until it is the command, another thread does so.
fn start(mut command: Command) -> Result<Child, MemoryError> {
    let name = command.get_program().to_string_lossy().into_owned();
    let failed = |source| MemoryError::NotStarted { command: name.clone(), source };
    let (mut number, announcement) = io::pipe().map_err(failed)?;
    let (word, mut speaker) = io::pipe().map_err(failed)?;
    let (us, ours) = (std::process::id(), speaker.as_raw_fd());
    // SAFETY: the closure makes system calls on its own files and a stack buffer; it takes no lock and no memory.
    #[allow(unsafe_code)]
    unsafe {
        command.pre_exec(move || announce(&announcement, &word, ours, us));
    }
    let starting = std::thread::spawn(move || command.spawn());
    let mut pid = [0; 4];
    // When it fails there was no child, and the other thread says why.
    let seized = number.read_exact(&mut pid).map(|()| {
        let pid = u32::from_ne_bytes(pid);
        ptrace::seize_with(pid, ptrace::TRACE_OFFSPRING).map_err(|_| status::refused(pid, pid))
    });
    if let Ok(Ok(())) = seized {
        // If the child has died meanwhile, starting it fails.
        let _ = speaker.write_all(&[1]);
    }
    drop(speaker);
    let child = starting.join().unwrap_or_else(|_| Err(io::ErrorKind::Other.into()));
    match seized {
        Ok(Err(refused)) => Err(refused),
        _ => child.map_err(failed),
    }
}

/// In the child, before it is the command: says its pid and waits for word that it is traced.
fn announce(announcement: &PipeWriter, word: &PipeReader, ours: RawFd, us: u32) -> io::Result<()> {
    // SAFETY: closes this process's copy of the end that only the parent writes to, and which nothing here uses: when the
    // parent is gone, the pipe has to end.
    #[allow(unsafe_code)]
    unsafe {
        libc::close(ours);
    }
    allow(us);
    (&*announcement).write_all(&std::process::id().to_ne_bytes())?;
    (&*word).read_exact(&mut [0])
}

/// Lets everything run until a process is about to get `signal`, which then is held; `None` when `child` has ended.
fn watch(child: u32, signal: i32) -> Result<Option<Held>, MemoryError> {
    // The only error is that there is nobody left to wait for.
    while let Ok((tid, report)) = ptrace::next_report() {
        // Each request fails for a thread that was killed meanwhile, whose end is reported next.
        match report {
            Report::Gone if tid == child => return Ok(None),
            Report::Gone => ptrace::collect(tid),
            Report::Signal(due) if due == signal => {
                if let Some(held) = hold(tid)? {
                    return Ok(Some(held));
                }
            }
            Report::Signal(other) => _ = ptrace::resume_with(tid, other),
            Report::JobControl => _ = ptrace::listen(tid),
            Report::Event => _ = ptrace::resume(tid),
        }
    }
    Ok(None)
}

/// Stops the process of a thread that is about to be delivered the marker; `None` when it was killed meanwhile.
fn hold(tid: u32) -> Result<Option<Held>, MemoryError> {
    let Some(pid) = status::process_of(tid) else { return Ok(None) };
    let held = match Held::guard(pid) {
        Err(MemoryError::Exited { .. }) => return Ok(None),
        held => held?,
    };
    Ok(ptrace::detach(tid, libc::SIGSTOP).is_ok().then_some(held))
}
