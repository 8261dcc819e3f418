//! Keeps a target stopped for as long as the reader needs, and no longer than the reader can be heard.

use std::os::unix::net::UnixStream;
use std::os::unix::process::parent_id;
use std::time::{Duration, Instant};

use super::Order;
use super::run::{Standstill, heard_nothing, inner_ids, release, stop, tell};
use super::wire::{self, Refused, Taken, TakenThread, Word};
use crate::process::kernel::Linux;
use crate::process::status;
use crate::process::stop::Stops;

/// How often to look whether the reader runs, and how long it may be stopped with the target waiting for it.
const TICK: Duration = Duration::from_millis(200);
const IDLE: Duration = Duration::from_secs(2);

/// Stops the target, says what it is like, and lets it run when the reader hangs up.
pub(super) fn obey(reader: &mut UnixStream, order: &Order<'_>, kernel: &Linux) -> Result<(), Refused> {
    let mut stops = Stops::new(kernel, order.identity.pid());
    let Standstill { turn, alarm, .. } = stop(reader, order, &mut stops)?;
    let read = order.identity.check().and_then(|()| stops.threads(order.for_core));
    let paused = stops.since.elapsed();
    let pid = order.identity.pid();
    let taken = read.map(|threads| {
        let tids = inner_ids(pid, &threads);
        let threads = threads.into_iter().zip(tids).map(|(thread, tid)| TakenThread::new(thread, tid)).collect();
        Taken { child: pid, paused, threads, ..Taken::default() }
    });
    let told = taken.map(|taken| tell(reader, taken));
    // From here on it is the reader who decides how long it takes.
    drop(alarm);
    if matches!(told, Ok(true)) && !until_hung_up(reader) {
        release(&mut stops);
        let reason = "mapscope itself was stopped while the process waited for it, which was let go".to_owned();
        let _ = wire::send(reader, &Word::Ended { reason });
        return Ok(());
    }
    release(&mut stops);
    drop(turn);
    told.map(|_| ()).map_err(Refused::from)
}

/// Waits until the reader hangs up; false when it does not run, so that there is no telling when it will.
fn until_hung_up(reader: &mut UnixStream) -> bool {
    let its = parent_id();
    let mut stopped_since = None;
    while heard_nothing(reader, Some(TICK)) {
        if !matches!(status::thread_state(its, its), Some('T' | 't')) {
            stopped_since = None;
        } else if stopped_since.get_or_insert_with(Instant::now).elapsed() >= IDLE {
            return false;
        }
    }
    true
}
