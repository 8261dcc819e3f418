//! Carries out a keeper's order: takes the order and the line to the reader, stops the target within a limit, has the task
//! done, and tells the reader over the line what was taken or why nothing was.

use std::io::{ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::wire::{self, Kind, Refused, Taken, Word};
use super::{Order, Task, fork, hold};
use crate::Thread;
use crate::process::alarm::Alarm;
use crate::process::kernel::Linux;
use crate::process::status;
use crate::process::stop::Stops;
use crate::process::turn::{self, Turn};

/// A reader that takes nothing for so long will not read the snapshot either.
const LISTENING: Duration = Duration::from_secs(10);
/// How long a target may stand still for us, whatever happens, and how many of its bytes make it a second more: to fork
/// a process is to copy its page tables, which takes a tenth of that.
const STANDSTILL: Duration = Duration::from_secs(2);
const BYTES_PER_SECOND: u64 = 4 << 30;

/// Does what `order` says; returns when there is nothing left to clear away.
pub(super) fn run(mut reader: UnixStream, order: &Order<'_>) {
    let done = match Linux::new() {
        Ok(kernel) => obey(&mut reader, order, &kernel),
        Err(e) => Err(Refused { kind: Kind::NotForked, reason: format!("no thread can be started to watch it: {e}") }),
    };
    if let Err(refused) = done {
        let _ = wire::send(&mut reader, &Word::Refused(refused));
    }
}

fn obey(reader: &mut UnixStream, order: &Order<'_>, kernel: &Linux) -> Result<(), Refused> {
    match order.task {
        Task::Fork(most) => fork::obey(reader, order, kernel, most),
        Task::Hold => hold::obey(reader, order, kernel),
    }
}

/// Our turn with a target, and the limit to its standstill.
pub(super) struct Standstill {
    pub(super) turn: Turn,
    pub(super) alarm: Alarm,
    /// When it has to be over. The alarm is a little later.
    pub(super) until: Instant,
}

/// Stops the target when it is our turn, and tells the reader by when it will run again. What `stops` holds must be
/// released, also on an error.
pub(super) fn stop(reader: &mut UnixStream, order: &Order<'_>, stops: &mut Stops<'_>) -> Result<Standstill, Refused> {
    let pid = order.identity.pid();
    let patience = Instant::now() + turn::PATIENCE;
    let turn = Turn::take(pid, patience)?;
    let most = STANDSTILL + Duration::from_millis(status::memory(pid, "VmRSS:") * 1000 / BYTES_PER_SECOND);
    let mut pause = Duration::from_millis(1);
    loop {
        let until = Instant::now() + most * 9 / 10;
        wire::send(reader, &Word::Stopping { most }).map_err(|_| Refused::deaf())?;
        let alarm = Alarm::after(most);
        match stops.all() {
            Ok(()) => return Ok(Standstill { turn, alarm, until }),
            // One of us that does not see our lock, being in another container.
            Err(e) if super::is_tracing(&e) && Instant::now() < patience => {
                release(stops);
                drop(alarm);
                std::thread::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(100));
            }
            Err(e) => {
                release(stops);
                return Err(e.into());
            }
        }
    }
}

/// Lets all threads run on. Those that have not stopped yet are waited for, within the limits of their standstill: they
/// would stop later, for nobody.
pub(super) fn release(stops: &mut Stops<'_>) {
    let deadline = Instant::now() + STANDSTILL;
    let mut pause = Duration::from_micros(10);
    while !stops.release() && Instant::now() < deadline {
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(5));
    }
}

/// The ids of `threads` of the process `pid` as the process itself sees them, which is how it notes them: in a pid
/// namespace of its own they are others.
pub(super) fn inner_ids(pid: u32, threads: &[Thread]) -> Vec<u32> {
    let same = status::inner_pid(pid).is_none_or(|inner| inner == pid);
    threads.iter().map(|t| if same { t.tid } else { status::inner_pid(t.tid).unwrap_or(t.tid) }).collect()
}

/// Says what the target was like.
pub(super) fn tell(reader: &mut UnixStream, taken: Taken) -> bool {
    let told = reader.set_write_timeout(Some(LISTENING));
    told.and_then(|()| wire::send(reader, &Word::Taken(taken))).is_ok()
}

/// Whether the line still stands after waiting on it.
pub(super) fn heard_nothing(reader: &mut UnixStream, wait: Option<Duration>) -> bool {
    let mut byte = [0];
    match reader.set_read_timeout(wait).and_then(|()| reader.read(&mut byte)) {
        Ok(count) => count > 0,
        Err(e) => matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted),
    }
}
