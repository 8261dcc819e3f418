//! The ways to hold a process still for as long as it is read, and what each costs it.

use std::fs::File;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use super::copy::{Copy, Room};
use super::facts::Facts;
use super::identity::Identity;
use super::pagemap::Pages;
use super::snapshot::Snapshot;
use super::tracer::Tracer;
use super::{Process, pagemap, status};
use crate::elf::Header;
use crate::{MemoryError, headroom};

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
}

impl Default for PauseOptions {
    fn default() -> Self {
        Self { pause: Pause::Fork, max_snapshot: Duration::from_secs(120), for_core: false }
    }
}

/// What holds a process still.
pub(super) enum Hold {
    Stopped(Tracer),
    Snapshot(Snapshot),
    /// With the time that it was stopped, and why it was not forked.
    Copy(Copy, Stopped),
    Nothing,
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
        let header = status::check(pid)?;
        match options.pause {
            Pause::Fork => Self::fork(&identity, &header, options),
            Pause::Copy => Self::copy(&identity, &header, None, options.for_core),
            Pause::None => Self::unstopped(&identity, &header),
            Pause::Whole => Self::attach(pid),
        }
    }

    /// Stops every thread of the process `pid` until [`Process::resume`] or drop, and reads what is known of it.
    ///
    /// It must be an amd64 Linux process that is not traced already, and that we may trace.
    pub fn attach(pid: u32) -> Result<Self, MemoryError> {
        let identity = Identity::of(pid);
        let header = status::check(pid)?;
        let (tracer, threads) = Tracer::stop(pid, true)?;
        identity.check()?;
        let facts = Facts::read(pid, pid, &header)?;
        Ok(Self { threads, ..Self::of(facts, pid, Hold::Stopped(tracer))? })
    }

    /// How long the process has been stopped, or was.
    pub fn paused(&self) -> Duration {
        match &self.hold {
            Hold::Stopped(tracer) => tracer.paused(),
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
        if let Hold::Stopped(tracer) = &mut self.hold {
            tracer.release();
        }
    }

    fn fork(identity: &Identity, header: &Header, options: &PauseOptions) -> Result<Self, MemoryError> {
        let pid = identity.pid();
        let snapshot = match Snapshot::take(identity, options.max_snapshot, options.for_core) {
            Ok(snapshot) => snapshot,
            Err(refused) if refused.hopeless => {
                return Err(MemoryError::NotStopped { pid, reason: refused.reason });
            }
            Err(refused) => return Self::copy(identity, header, Some(refused.reason), options.for_core),
        };
        let mut facts = Facts::read(pid, snapshot.pid(), header)?;
        facts.info.monotonic_ns = snapshot.taken.monotonic_ns;
        facts.info.rss_bytes = snapshot.taken.rss_bytes;
        let threads = snapshot.taken.threads();
        let (resident, pages) = (snapshot.taken.resident.clone(), snapshot.taken.pages.clone());
        Ok(Self { threads, resident, pages, ..Self::of(facts, snapshot.pid(), Hold::Snapshot(snapshot))? })
    }

    fn copy(
        identity: &Identity,
        header: &Header,
        instead: Option<String>,
        for_core: bool,
    ) -> Result<Self, MemoryError> {
        let pid = identity.pid();
        let room = Room::for_process(pid)?;
        let (mut tracer, threads) = Tracer::stop(pid, for_core)?;
        identity.check()?;
        let facts = Facts::read(pid, pid, header)?;
        let Pages { resident, with_content } = pagemap::of_process(pid, &facts.regions)?;
        let copy = Copy::of(pid, &with_content, &facts.regions, room)?;
        tracer.release();
        let stopped = Stopped { paused: tracer.paused(), instead };
        let pages = for_core.then_some(with_content);
        Ok(Self { threads, resident: Some(resident), pages, ..Self::of(facts, pid, Hold::Copy(copy, stopped))? })
    }

    fn unstopped(identity: &Identity, header: &Header) -> Result<Self, MemoryError> {
        let pid = identity.pid();
        let mut facts = Facts::read(pid, pid, header)?;
        facts.info.partial.push(
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
