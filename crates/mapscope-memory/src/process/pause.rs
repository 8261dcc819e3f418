//! The ways to hold a process still for as long as it is read, and what each costs it.

use std::fs::File;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use nix::libc;

use super::copy::{Copy, Room};
use super::facts::Facts;
use super::identity::Identity;
use super::keeper::Kind;
use super::pagemap::Pages;
use super::snapshot::Snapshot;
use super::standstill::Standstill;
use super::{Process, pagemap, status};
use crate::{Figures, MemoryError, headroom};

/// How long to wait before a process that becomes another program under our hands is tried again: twice as long each time,
/// less than the second.
const PAUSES: (Duration, Duration) = (Duration::from_millis(2), Duration::from_millis(100));

/// How a process is held still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Stopped for as long as it takes to fork it; the copy-on-write child is read.
    Fork,
    /// Stopped for as long as it takes to copy its memory; the copy is read.
    Copy,
    /// Not at all: it changes while it is read.
    None,
    /// Stopped until it has been read.
    Whole,
}

/// What [`Process::open`] may do to a process.
#[derive(Clone, Copy, Debug)]
pub struct PauseOptions {
    /// How it is held still. Where forking is refused, its memory is copied.
    pub pause: Pause,
    /// How long a forked snapshot may live.
    pub max_snapshot: Duration,
    /// Also ask for what only a core records: all registers of the threads, and which pages have content.
    pub for_core: bool,
    /// Called, on a thread of its own, when a snapshot had to end before it was read and could not be copied: what is read
    /// from then on fails. Without it, the next read says so.
    pub given_up: Option<fn(&MemoryError)>,
}

impl Default for PauseOptions {
    fn default() -> Self {
        Self { pause: Pause::Fork, max_snapshot: Duration::from_secs(120), for_core: false, given_up: None }
    }
}

/// What holds a process still.
pub(super) enum Hold {
    Stopped(Standstill),
    Snapshot(Snapshot),
    /// With the time that it was stopped, and why it was not forked.
    Copy(Copy, Stopped),
    Nothing,
}

/// Whether a process that still exists may say this because it is in `execve`: its first thread has ended then, and with it
/// most that there is to see of the process, until another takes its place.
fn may_be_another_program(error: &MemoryError) -> bool {
    let gone = |e: &std::io::Error| matches!(e.raw_os_error(), Some(libc::ENOENT | libc::ESRCH));
    match error {
        MemoryError::Execed { .. } | MemoryError::Exited { .. } | MemoryError::Zombie { .. } => true,
        MemoryError::File { source, .. } => gone(source),
        _ => false,
    }
}

/// A stop that is over.
pub(super) struct Stopped {
    paused: Duration,
    instead: Option<String>,
}

impl Process {
    /// Reads the process `pid` as it is at one instant, and lets it run on meanwhile.
    ///
    /// # Errors
    /// When it is not an amd64 Linux process that is not traced already and that we may trace; when it can neither be
    /// forked nor copied.
    pub fn open(pid: u32, options: &PauseOptions) -> Result<Self, MemoryError> {
        let identity = Identity::of(pid);
        let mut pause = PAUSES.0;
        loop {
            match status::check(pid).and_then(|()| Self::of_identity(&identity, options)) {
                // What it has become can be examined as well.
                Err(e) if pause < PAUSES.1 && may_be_another_program(&e) && identity.check().is_ok() => {}
                // Threads that were collected as they were looked at are no sign of anything in a process that is gone.
                Err(MemoryError::Execed { .. }) if identity.check().is_err() => {
                    return Err(MemoryError::Exited { pid });
                }
                result => return result,
            }
            std::thread::sleep(pause);
            pause *= 2;
        }
    }

    fn of_identity(identity: &Identity, options: &PauseOptions) -> Result<Self, MemoryError> {
        match options.pause {
            Pause::Fork => Self::fork(identity, options),
            Pause::Copy => Self::copy(identity, None, options.for_core),
            Pause::None => Self::unstopped(identity),
            Pause::Whole => Self::stopped(identity),
        }
    }

    /// Stops every thread of the process `pid` until [`Process::resume`] or drop, and reads what is known of it.
    ///
    /// It must be an amd64 Linux process that is not traced already, and that we may trace.
    pub fn attach(pid: u32) -> Result<Self, MemoryError> {
        Self::open(pid, &PauseOptions { pause: Pause::Whole, ..PauseOptions::default() })
    }

    /// How long the process has been stopped, or was.
    pub fn paused(&self) -> Duration {
        match &self.hold {
            Hold::Stopped(standstill) => standstill.paused(),
            Hold::Snapshot(snapshot) => snapshot.taken.paused,
            Hold::Copy(_, stopped) => stopped.paused,
            Hold::Nothing => Duration::ZERO,
        }
    }

    /// How it is held still.
    pub fn pause(&self) -> Pause {
        match &self.hold {
            Hold::Stopped(_) => Pause::Whole,
            Hold::Snapshot(_) => Pause::Fork,
            Hold::Copy(..) => Pause::Copy,
            Hold::Nothing => Pause::None,
        }
    }

    /// Why it was not forked, when that was asked for.
    pub fn why_not_forked(&self) -> Option<&str> {
        match &self.hold {
            Hold::Copy(_, stopped) => stopped.instead.as_deref(),
            _ => None,
        }
    }

    /// Bytes of memory that exist for the sake of what is read: pages that the target has written to, or given back,
    /// since it was forked, or those of the copy. `None` where there are none by nature, or the kernel does not say.
    pub fn copied_bytes(&self) -> Option<u64> {
        match &self.hold {
            Hold::Snapshot(snapshot) => {
                if let Some(copy) = snapshot.copy() {
                    return Some(copy.len());
                }
                let rollup = status::read(snapshot.pid(), "smaps_rollup").ok()?;
                // The pages of files that only it has mapped are clean, and none of its doing.
                Some(headroom::field(&String::from_utf8_lossy(&rollup), "Private_Dirty:")? * 1024)
            }
            Hold::Copy(copy, _) => Some(copy.len()),
            Hold::Stopped(_) | Hold::Nothing => None,
        }
    }

    /// Lets the process run again where it is stopped. What is read afterwards is whatever it has become.
    pub fn resume(&mut self) {
        if let Hold::Stopped(standstill) = &mut self.hold {
            standstill.release();
        }
    }

    fn fork(identity: &Identity, options: &PauseOptions) -> Result<Self, MemoryError> {
        let pid = identity.pid();
        let mut snapshot = match Snapshot::take(identity, options) {
            Ok(snapshot) => snapshot,
            Err(refused) if refused.kind == Kind::NotForked => {
                return Self::copy(identity, Some(refused.reason), options.for_core);
            }
            Err(refused) => return Err(refused.error(pid)),
        };
        let mut facts = Facts::read(pid, snapshot.pid())?;
        facts.info.monotonic_ns = snapshot.taken.monotonic_ns;
        facts.info.rss_bytes = snapshot.taken.rss_bytes;
        snapshot.watch(&facts.regions, options, pid);
        let threads = snapshot.taken.threads();
        let (resident, pages) = (snapshot.taken.resident.clone(), snapshot.taken.pages.clone());
        Ok(Self { threads, resident, pages, ..Self::of(facts, snapshot.pid(), Hold::Snapshot(snapshot))? })
    }

    fn copy(identity: &Identity, instead: Option<String>, for_core: bool) -> Result<Self, MemoryError> {
        let pid = identity.pid();
        let room = Room::for_process(pid)?;
        let (mut standstill, threads) = Standstill::of(identity, for_core)?;
        let facts = Facts::read(pid, pid)?;
        let Pages { resident, with_content } = pagemap::of_process(pid, &facts.regions)?;
        let copy = Copy::of(pid, &with_content, &facts.regions, room)?;
        standstill.check()?;
        standstill.release();
        let stopped = Stopped { paused: standstill.paused(), instead };
        let pages = for_core.then_some(with_content);
        Ok(Self { threads, resident: Some(resident), pages, ..Self::of(facts, pid, Hold::Copy(copy, stopped))? })
    }

    fn stopped(identity: &Identity) -> Result<Self, MemoryError> {
        let pid = identity.pid();
        let (standstill, threads) = Standstill::of(identity, true)?;
        let facts = Facts::read(pid, pid)?;
        Ok(Self { threads, ..Self::of(facts, pid, Hold::Stopped(standstill))? })
    }

    fn unstopped(identity: &Identity) -> Result<Self, MemoryError> {
        let pid = identity.pid();
        let mut facts = Facts::read(pid, pid)?;
        facts.info.partial.add(
            Figures::EVERY,
            "the process ran while it was read (--pause none): what it changed meanwhile is torn or missing, and what \
             only registers of running goroutines hold is not seen"
                .to_owned(),
        );
        let process = Self::of(facts, pid, Hold::Nothing)?;
        identity.check()?;
        Ok(process)
    }

    fn of(facts: Facts, source: u32, hold: Hold) -> Result<Self, MemoryError> {
        let mem = status::proc_path(source, "mem");
        let mem = File::open(&mem).map_err(|e| status::explain(source, &mem, e))?;
        let vm_refused = AtomicBool::new(false);
        Ok(Self { facts, threads: Vec::new(), source, mem, resident: None, pages: None, given: None, hold, vm_refused })
    }
}
