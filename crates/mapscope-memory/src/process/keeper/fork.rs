//! A stopped target to a copy-on-write snapshot of it: one of its threads is made to `clone` a child that never runs.
//! What the target loses is the time to copy its page tables.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use nix::libc;

use super::Order;
use super::bounds::Bounds;
use super::clear;
use super::gadgets::{Code, Gadgets};
use super::lifeline::Refuge;
use super::loan::{Call, Ground, Loan, suitability};
use super::run::{heard_nothing, inner_ids, release, stop, tell};
use super::wire::{self, Kind, Refused, Taken, TakenThread, Word};
use crate::process::alarm::Alarm;
use crate::process::facts::resident;
use crate::process::kernel::Linux;
use crate::process::ptrace::{self, Halt};
use crate::process::stop::Stops;
use crate::process::{clock, maps, pagemap, status};
use crate::record::PageRange;
use crate::{MemoryError, Region, Thread};

/// Threads that are asked for the same system call, one after the other.
const TRIES: usize = 5;
/// How long the snapshot may take to stop at its birth.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long the target may stand still while a snapshot that has to end is freed.
const FREEING: Duration = Duration::from_secs(2);
/// `ERESTARTNOINTR`: the kernel wanted to see to something else first.
const RESTART: i64 = -513;

const NO_PLACE: &str = "the stack of its first thread has no end that was never used";

/// A snapshot and what is needed to clear it away.
pub(super) struct Held {
    pub(super) pid: u32,
    pub(super) child: u32,
    /// The thread that made it.
    pub(super) parent: u32,
    pub(super) target: Ready,
}

/// Takes a snapshot, holds it for `most` or until the reader hangs up, and clears it away.
pub(super) fn obey(reader: &mut UnixStream, order: &Order<'_>, kernel: &Linux, most: Duration) -> Result<(), Refused> {
    let bounds = Bounds::new(order.identity.pid(), most);
    let (held, taken) = take(reader, order, &bounds, kernel)?;
    if tell(reader, taken) {
        watch(reader, &held, &bounds, kernel);
    }
    clear::clear(held, kernel);
    Ok(())
}

/// Waits until the reader hangs up. When the snapshot has to end before, it is killed, and stays a zombie until then:
/// its pid must not become that of another process while somebody reads.
fn watch(reader: &mut UnixStream, held: &Held, bounds: &Bounds, kernel: &Linux) {
    loop {
        let ended = match (ptrace::poll(held.child), bounds.check()) {
            (Some(Halt::Gone | Halt::Lost), _) => {
                Err("the system killed it, most likely for want of memory".to_owned())
            }
            (_, checked) => checked,
        };
        match ended {
            Ok(tick) if heard_nothing(reader, Some(tick)) => {}
            Ok(_) => return,
            Err(reason) => {
                free_while_still(held, kernel);
                let _ = wire::send(reader, &Word::Ended { reason });
                while heard_nothing(reader, None) {}
                return;
            }
        }
    }
}

/// The target copies pages until the last of the snapshot is freed, and a process that is on its way out is none that the
/// system could kill instead of it. So it stands still for that long.
fn free_while_still(held: &Held, kernel: &Linux) {
    let mut stops = Stops::new(kernel, held.pid);
    let alarm = Alarm::after(FREEING);
    let _ = stops.all();
    clear::kill(held.child);
    release(&mut stops);
    drop(alarm);
}

/// What is found out about a target before it is stopped.
pub(super) struct Ready {
    gadgets: Gadgets,
    refuge: Refuge,
    mem: File,
    pagemap: File,
    regions: Vec<Region>,
    /// Options for a thread that makes a system call.
    pub(super) options: usize,
}

impl Ready {
    pub(super) fn new(pid: u32) -> Result<Self, Refused> {
        let open = |name: &str, write: bool| {
            let path = status::proc_path(pid, name);
            let file = File::options().read(true).write(write).open(&path);
            file.map_err(|e| Refused::from(status::explain(pid, &path, e)))
        };
        let (mem, pagemap) = (open("mem", true)?, open("pagemap", false)?);
        let text = status::read(pid, "maps")?;
        let regions = maps::parse(&text);
        let gadgets = Gadgets::find(&Code { pid, regions: &regions });
        let gadgets = gadgets.ok_or_else(|| Refused::fork("its code has no system call that could be borrowed"))?;
        if status::has_shadow_stacks(pid) {
            return Err(Refused::fork(
                "its threads have shadow stacks, on which no system call can be borrowed safely",
            ));
        }
        let refuge = Refuge::find(&regions, maps::named(&text, b"[stack]")).ok_or_else(|| Refused::fork(NO_PLACE))?;
        let options = if status::has_filter(pid) { ptrace::SUSPEND_SECCOMP } else { 0 };
        if options != 0 && !status::may_suspend_filters() {
            return Err(Refused::fork(
                "it has a seccomp filter that might kill it for a system call which is not its own; with CAP_SYS_ADMIN, \
                 and without a filter of our own, mapscope could suspend that",
            ));
        }
        Ok(Self { gadgets, refuge, mem, pagemap, regions, options })
    }

    /// Whether a thread can be sent where it could be before.
    pub(super) fn is_safe(&self) -> bool {
        self.gadgets.hold(&self.mem) && self.refuge.is_free(&self.mem, None, &[])
    }

    pub(super) fn ground(&self) -> Ground<'_> {
        Ground { mem: &self.mem, gadgets: &self.gadgets, refuge: self.refuge }
    }
}

/// Takes the snapshot. The target runs when this returns, whatever it returns.
fn take(reader: &mut UnixStream, order: &Order<'_>, bounds: &Bounds, kernel: &Linux) -> Result<(Held, Taken), Refused> {
    let pid = order.identity.pid();
    let target = Ready::new(pid)?;
    if let Some(reason) = bounds.refusal(pid) {
        return Err(Refused::fork(reason));
    }
    let mut stops = Stops::new(kernel, pid);
    let still = stop(reader, order, &mut stops)?;
    let since = stops.since;
    // Stopped, it keeps its pid; before, that may have become another's.
    let read = order.identity.check().map_err(Refused::from).and_then(|()| read_stopped(order, &stops, &target));
    let forked = read.and_then(|read| Ok((fork(&mut stops, &read.threads, &target, still.until)?, read)));
    release(&mut stops);
    let paused = since.elapsed();
    drop(still);
    let ((parent, child), read) = forked?;
    // Where memory runs out in spite of all bounds, the snapshot goes first.
    let _ = fs::write(status::proc_path(child, "oom_score_adj"), "1000");
    // The frames that it was made with are none of the target's.
    let memory = File::options().write(true).open(status::proc_path(child, "mem"));
    let _ = memory.and_then(|m| target.refuge.clear(&m));
    let Facts { threads, inner_ids, resident, pages, rss_bytes, monotonic_ns } = read;
    let threads = threads.into_iter().zip(inner_ids).map(|(thread, tid)| TakenThread::new(thread, tid)).collect();
    let taken = Taken { child, paused, monotonic_ns, rss_bytes, threads, resident, pages };
    Ok((Held { pid, child, parent, target }, taken))
}

/// What only a stopped target tells exactly. The rest is asked of the snapshot.
struct Facts {
    threads: Vec<Thread>,
    /// Their ids as the target sees them.
    inner_ids: Vec<u32>,
    resident: Option<Vec<Range<u64>>>,
    pages: Option<Vec<PageRange>>,
    rss_bytes: Option<u64>,
    monotonic_ns: Option<u64>,
}

fn read_stopped(order: &Order<'_>, stops: &Stops<'_>, target: &Ready) -> Result<Facts, Refused> {
    let pid = order.identity.pid();
    // First, because it can make a page resident.
    if !target.gadgets.hold(&target.mem) {
        // What was opened before is the memory of the program that it was then.
        return Err(MemoryError::Execed { pid }.into());
    }
    let threads = stops.threads(order.for_core)?;
    // So are the pages that a borrowed thread needs, and stay so: they are counted now as they will be later.
    let first = threads.iter().find(|t| t.tid == pid).map(|t| t.registers.sp);
    let all: Vec<_> = threads.iter().map(|t| t.registers.sp).collect();
    if !target.refuge.is_free(&target.mem, first, &all) || target.refuge.clear(&target.mem).is_err() {
        return Err(Refused::fork(NO_PLACE));
    }
    let pages = pagemap::look(&target.pagemap, &target.regions).ok();
    let (resident_pages, with_content) = pages.map(|p| (p.resident, p.with_content)).unzip();
    Ok(Facts {
        inner_ids: inner_ids(pid, &threads),
        threads,
        resident: resident_pages,
        pages: with_content.filter(|_| order.for_core),
        rss_bytes: resident(&status::read(pid, "statm")?),
        monotonic_ns: clock::monotonic(pid),
    })
}

/// Makes one of the stopped threads fork, by the time `until`; that thread, and the child, which is stopped and dies with
/// us.
fn fork(stops: &mut Stops<'_>, threads: &[Thread], target: &Ready, until: Instant) -> Result<(u32, u32), Refused> {
    let idle = stops.idle();
    let mut lenders: Vec<_> = threads
        .iter()
        .filter(|t| idle.contains(&t.tid))
        .filter_map(|t| Some((suitability(&t.registers.words)?, t.tid)))
        .collect();
    lenders.sort_unstable();
    let mut refused = Refused::fork("none of its threads is stopped where it can make a system call for us");
    for (_, tid) in lenders.into_iter().take(TRIES) {
        let mut born = None;
        let mut tie = |child| {
            born = Some(child);
            ptrace::wait(child, until.min(Instant::now() + PATIENCE))?;
            ptrace::set_options(child, ptrace::EXIT_KILL)
        };
        let mut call = Call { number: libc::SYS_clone, arguments: [0; 4], born: &mut tie };
        let options = target.options | ptrace::TRACE_CLONE;
        let made = Loan::take(tid, target.ground(), options, until).and_then(|l| l.make(&mut call));
        if let Ok((_, signal)) = made {
            stops.owe(tid, signal);
        }
        match (made, born) {
            (Ok(_), Some(child)) => return Ok((tid, child)),
            (Ok((RESTART, _)), None) => {}
            (Ok((result, _)), None) => {
                let error = io::Error::from_raw_os_error(-result as i32);
                return Err(Refused::fork(format!("the kernel refused to fork it: {error}")));
            }
            (Err(e), child) => {
                child.into_iter().for_each(clear::kill);
                refused = lost(tid, &e);
                if refused.kind != Kind::NotForked {
                    break;
                }
            }
        }
    }
    Err(refused)
}

/// Why a thread could not fork for us. All of a process stand still then, so one that is gone was killed with all others.
fn lost(tid: u32, error: &io::Error) -> Refused {
    match error.raw_os_error() {
        Some(libc::ESRCH) => Refused { kind: Kind::Exited, reason: error.to_string() },
        _ => Refused::fork(format!("thread {tid} could not make a system call for us: {error}")),
    }
}
