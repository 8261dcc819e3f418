//! The keeper: a process of its own that takes a snapshot, holds it, and clears it away.
//!
//! It hears nothing but the end of its connection, which comes when the reader is done, fails or is killed. It then
//! kills the snapshot and has the target collect it, so that nothing is left.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::libc;

use super::bounds::Bounds;
use super::gadgets::{Code, Gadgets};
use super::lifeline::Refuge;
use super::loan::{Call, Ground, Loan, suitability};
use super::wire::{self, Taken, TakenThread, Word};
use crate::process::facts::resident;
use crate::process::identity::Identity;
use crate::process::ptrace::{self, Halt};
use crate::process::stop::Stops;
use crate::process::{clock, maps, pagemap, status};
use crate::record::PageRange;
use crate::{MemoryError, Region, Thread};

/// Threads that are asked for the same system call, one after the other.
const TRIES: usize = 5;
/// How long a thread may take to stop, or a killed snapshot to be gone.
const PATIENCE: Duration = Duration::from_secs(1);
/// A reader that takes nothing for so long will not read the snapshot either.
const LISTENING: Duration = Duration::from_secs(10);
/// How long the target is asked to collect what is left of a snapshot, and the longest pause between two times.
const CLEARING: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(100);
/// `ERESTARTNOINTR`: the kernel wanted to see to something else first.
const RESTART: i64 = -513;

const NO_PLACE: &str = "the stack of its first thread has no end that was never used";

/// What is asked of a keeper.
pub(super) struct Order<'i> {
    pub(super) identity: &'i Identity,
    pub(super) most: Duration,
    /// With what only a core records.
    pub(super) for_core: bool,
}

/// Why there is no snapshot.
struct Refusal {
    reason: String,
    /// Stopping the process failed, so copying it is no way out.
    hopeless: bool,
}

impl From<MemoryError> for Refusal {
    fn from(error: MemoryError) -> Self {
        Self { reason: error.to_string(), hopeless: true }
    }
}

fn refusal(reason: impl Into<String>) -> Refusal {
    Refusal { reason: reason.into(), hopeless: false }
}

/// A snapshot and what is needed to clear it away.
struct Held {
    pid: u32,
    child: u32,
    /// The thread that made it.
    parent: u32,
    target: Ready,
}

/// Does what `order` says; returns when there is nothing left to clear away.
pub(super) fn run(mut reader: UnixStream, order: &Order<'_>) {
    let bounds = Bounds::new(order.identity.pid(), order.most);
    let held = match take(order, &bounds) {
        Ok((held, taken)) => {
            let told = reader.set_write_timeout(Some(LISTENING));
            let told = told.and_then(|()| wire::send(&mut reader, &Word::Taken(taken)));
            told.map(|()| watch(&mut reader, &held, &bounds)).ok();
            held
        }
        Err(Refusal { reason, hopeless }) => {
            let _ = wire::send(&mut reader, &Word::Refused { reason, hopeless });
            return;
        }
    };
    held.clear();
}

/// Waits until the reader hangs up. When the snapshot has to end before, it is killed, and stays a zombie until then:
/// its pid must not become that of another process while somebody reads.
fn watch(reader: &mut UnixStream, held: &Held, bounds: &Bounds) {
    loop {
        let ended = match (ptrace::poll(held.child), bounds.check()) {
            (Some(Halt::Gone), _) => Err("the system killed it, most likely for want of memory".to_owned()),
            (_, checked) => checked,
        };
        match ended {
            Ok(tick) if heard_nothing(reader, Some(tick)) => {}
            Ok(_) => return,
            Err(reason) => {
                // The target copies pages until the last of the snapshot is freed, and a process that is on its way out is
                // none that the system could kill instead of it. So it stands still for that long.
                let stops = Stops::all(held.pid);
                kill(held.child);
                if let Ok(mut stops) = stops {
                    stops.release();
                }
                let _ = wire::send(reader, &Word::Ended { reason });
                while heard_nothing(reader, None) {}
                return;
            }
        }
    }
}

/// Whether the connection still stands after waiting on it.
fn heard_nothing(reader: &mut UnixStream, wait: Option<Duration>) -> bool {
    let mut byte = [0];
    match reader.set_read_timeout(wait).and_then(|()| reader.read(&mut byte)) {
        Ok(count) => count > 0,
        Err(e) => matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted),
    }
}

/// What is found out about a target before it is stopped.
struct Ready {
    gadgets: Gadgets,
    refuge: Refuge,
    mem: File,
    pagemap: File,
    regions: Vec<Region>,
    /// Options for a thread that makes a system call.
    options: usize,
}

impl Ready {
    fn new(pid: u32) -> Result<Self, Refusal> {
        let open = |name: &str, write: bool| {
            let path = status::proc_path(pid, name);
            let file = File::options().read(true).write(write).open(&path);
            file.map_err(|e| Refusal::from(status::explain(pid, &path, e)))
        };
        let (mem, pagemap) = (open("mem", true)?, open("pagemap", false)?);
        let text = status::read(pid, "maps")?;
        let regions = maps::parse(&text);
        let gadgets = Gadgets::find(&Code { pid, regions: &regions });
        let gadgets = gadgets.ok_or_else(|| refusal("its code has no system call that could be borrowed"))?;
        if status::has_shadow_stacks(pid) {
            return Err(refusal("its threads have shadow stacks, on which no system call can be borrowed safely"));
        }
        let refuge = Refuge::find(&regions, maps::named(&text, b"[stack]")).ok_or_else(|| refusal(NO_PLACE))?;
        let options = if status::has_filter(pid) { ptrace::SUSPEND_SECCOMP } else { 0 };
        if options != 0 && !status::may_suspend_filters() {
            return Err(refusal(
                "it has a seccomp filter that might kill it for a system call which is not its own; with CAP_SYS_ADMIN, \
                 and without a filter of our own, mapscope could suspend that",
            ));
        }
        Ok(Self { gadgets, refuge, mem, pagemap, regions, options })
    }

    /// Whether a thread can be sent where it could be before.
    fn is_safe(&self) -> bool {
        self.gadgets.hold(&self.mem) && self.refuge.is_free(&self.mem, None, &[])
    }

    fn ground(&self) -> Ground<'_> {
        Ground { mem: &self.mem, gadgets: &self.gadgets, refuge: self.refuge }
    }
}

/// Takes the snapshot. The target runs when this returns, whatever it returns.
fn take(order: &Order<'_>, bounds: &Bounds) -> Result<(Held, Taken), Refusal> {
    let pid = order.identity.pid();
    let target = Ready::new(pid)?;
    if let Some(reason) = bounds.refusal(pid) {
        return Err(refusal(reason));
    }
    let mut stops = Stops::all(pid)?;
    let since = stops.since;
    // Stopped, it keeps its pid; before, that may have become another's.
    let read = order.identity.check().map_err(Refusal::from).and_then(|()| read_stopped(order, &stops, &target));
    let forked = read.and_then(|read| Ok((fork(&mut stops, &read.threads, &target)?, read)));
    stops.release();
    let paused = since.elapsed();
    let ((parent, child), read) = forked?;
    // Where memory runs out in spite of all bounds, the snapshot goes first.
    let _ = fs::write(status::proc_path(child, "oom_score_adj"), "1000");
    // The frames that it was made with are none of the target's.
    let memory = File::options().write(true).open(status::proc_path(child, "mem"));
    let _ = memory.and_then(|m| target.refuge.clear(&m));
    let thread = |t: Thread| TakenThread { tid: t.tid, words: t.registers.words, extended: t.extended };
    let Facts { threads, resident, pages, rss_bytes, monotonic_ns } = read;
    let threads = threads.into_iter().map(thread).collect();
    let taken = Taken { child, paused, monotonic_ns, rss_bytes, threads, resident, pages };
    Ok((Held { pid, child, parent, target }, taken))
}

/// What only a stopped target tells exactly. The rest is asked of the snapshot.
struct Facts {
    threads: Vec<Thread>,
    resident: Option<Vec<Range<u64>>>,
    pages: Option<Vec<PageRange>>,
    rss_bytes: Option<u64>,
    monotonic_ns: Option<u64>,
}

fn read_stopped(order: &Order<'_>, stops: &Stops, target: &Ready) -> Result<Facts, Refusal> {
    let pid = order.identity.pid();
    // First, because it can make a page resident.
    if !target.gadgets.hold(&target.mem) {
        return Err(refusal("its code changed while it was looked at"));
    }
    let threads = stops.threads(order.for_core)?;
    // So are the pages that a borrowed thread needs, and stay so: they are counted now as they will be later.
    let first = threads.iter().find(|t| t.tid == pid).map(|t| t.registers.sp);
    let all: Vec<_> = threads.iter().map(|t| t.registers.sp).collect();
    if !target.refuge.is_free(&target.mem, first, &all) || target.refuge.clear(&target.mem).is_err() {
        return Err(refusal(NO_PLACE));
    }
    let pages = pagemap::look(&target.pagemap, &target.regions).ok();
    let (resident_pages, with_content) = pages.map(|p| (p.resident, p.with_content)).unzip();
    Ok(Facts {
        threads,
        resident: resident_pages,
        pages: with_content.filter(|_| order.for_core),
        rss_bytes: resident(&status::read(pid, "statm")?),
        monotonic_ns: clock::monotonic(pid),
    })
}

/// Makes one of the stopped threads fork; that thread, and the child, which is stopped and dies with us.
fn fork(stops: &mut Stops, threads: &[Thread], target: &Ready) -> Result<(u32, u32), Refusal> {
    let idle = stops.idle();
    let mut lenders: Vec<_> = threads
        .iter()
        .filter(|t| idle.contains(&t.tid))
        .filter_map(|t| Some((suitability(&t.registers.words)?, t.tid)))
        .collect();
    lenders.sort_unstable();
    let mut reason = "none of its threads is stopped where it can make a system call for us".to_owned();
    for (_, tid) in lenders.into_iter().take(TRIES) {
        let mut born = None;
        let mut tie = |child| {
            born = Some(child);
            ptrace::wait(child, Instant::now() + PATIENCE)?;
            ptrace::set_options(child, ptrace::EXIT_KILL)
        };
        let mut call = Call { number: libc::SYS_clone, arguments: [0; 4], born: &mut tie };
        let made =
            Loan::take(tid, target.ground(), target.options | ptrace::TRACE_CLONE).and_then(|l| l.make(&mut call));
        if let Ok((_, signal)) = made {
            stops.owe(tid, signal);
        }
        match (made, born) {
            (Ok(_), Some(child)) => return Ok((tid, child)),
            (Ok((RESTART, _)), None) => {}
            (Ok((result, _)), None) => {
                let error = std::io::Error::from_raw_os_error(-result as i32);
                return Err(refusal(format!("the kernel refused to fork it: {error}")));
            }
            (Err(e), child) => {
                child.into_iter().for_each(kill);
                reason = format!("thread {tid} could not make a system call for us: {e}");
            }
        }
    }
    Err(refusal(reason))
}

/// Kills a traced process and takes the report of its end, which leaves the rest to its parent.
fn kill(child: u32) {
    // SAFETY: `kill` takes plain numbers.
    #[allow(unsafe_code)]
    unsafe {
        libc::kill(child as libc::pid_t, libc::SIGKILL);
    }
    free(child);
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline && !matches!(ptrace::poll(child), Some(Halt::Gone)) {
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

impl Held {
    /// Kills the snapshot and has the target collect what is left of it: a zombie that is its child, of which it knows
    /// nothing.
    fn clear(&self) {
        let inner = status::inner_pid(self.child).unwrap_or(self.child);
        kill(self.child);
        let deadline = Instant::now() + CLEARING;
        let mut pause = Duration::from_millis(1);
        // Any thread may have a signal to see to first, or be where it cannot be asked just now.
        while !self.collect_in_one(inner) && Instant::now() < deadline {
            std::thread::sleep(pause);
            pause = (pause * 2).min(PAUSE);
            // One that took long to die has not reported to us yet.
            ptrace::collect(self.child);
        }
    }

    /// Asks one thread after the other to collect `child`, a pid as the target sees it; whether nothing is left.
    fn collect_in_one(&self, child: u32) -> bool {
        let is_left = || status::parent(self.child) == Some(self.pid);
        let others = fs::read_dir(status::proc_path(self.pid, "task"));
        let others = others.into_iter().flatten().flatten().filter_map(|e| e.file_name().to_str()?.parse().ok());
        for tid in std::iter::once(self.parent).chain(others.collect::<Vec<u32>>()) {
            if !is_left() {
                return true;
            }
            self.collect_in(tid, child);
        }
        !is_left()
    }

    /// Has thread `tid` collect `child`, a pid as the target sees it.
    fn collect_in(&self, tid: u32, child: u32) {
        if ptrace::seize(tid).is_err() || ptrace::interrupt(tid).is_err() {
            return;
        }
        let signal = match ptrace::wait(tid, Instant::now() + PATIENCE) {
            Ok(Halt::Signal(signal)) => signal,
            Ok(Halt::Stop) if self.target.is_safe() => {
                let arguments = [u64::from(child), 0, (libc::WNOHANG | libc::__WALL) as u64, 0];
                let mut call = Call { number: libc::SYS_wait4, arguments, born: &mut |_| Ok(()) };
                let loan = Loan::take(tid, self.target.ground(), self.target.options);
                loan.and_then(|l| l.make(&mut call)).map_or(0, |(_, signal)| signal)
            }
            _ => 0,
        };
        let _ = ptrace::detach(tid, signal);
    }
}
