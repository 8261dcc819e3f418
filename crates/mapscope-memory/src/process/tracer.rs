//! The thread that holds a process stopped. `ptrace` ties a tracee to the very thread that seized it, while a
//! [`Process`](super::Process) may be shared and dropped anywhere; so one thread stops, waits for word, and lets go.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::stop::Stops;
use crate::{MemoryError, Thread};

/// A stopped process; dropping this lets it run again.
pub(super) struct Tracer {
    running: Option<(Sender<()>, JoinHandle<()>)>,
    since: Instant,
    /// How long the stop lasted, once it is over.
    paused: Option<Duration>,
}

type Stopped = Result<(Instant, Vec<Thread>), MemoryError>;

impl Tracer {
    /// Stops every thread of `pid` and reads their registers, all of them if `with_extended`.
    pub(super) fn stop(pid: u32, with_extended: bool) -> Result<(Self, Vec<Thread>), MemoryError> {
        let (report, stopped) = sync_channel(1);
        let (release, word) = channel();
        let thread = std::thread::Builder::new()
            .name("tracer".into())
            .spawn(move || run(pid, with_extended, &report, &word))
            .map_err(|source| MemoryError::File { path: "tracer thread".into(), source })?;
        let stopped = stopped.recv().unwrap_or(Err(MemoryError::Exited { pid }));
        match stopped {
            Ok((since, threads)) => Ok((Self { running: Some((release, thread)), since, paused: None }, threads)),
            Err(e) => {
                // Everything is released when it has ended.
                let _ = thread.join();
                Err(e)
            }
        }
    }

    /// Lets the process run again; returns when every thread has been let go.
    pub(super) fn release(&mut self) {
        if let Some((release, thread)) = self.running.take() {
            drop(release);
            let _ = thread.join();
            self.paused = Some(self.since.elapsed());
        }
    }

    /// How long the process has been stopped, or was.
    pub(super) fn paused(&self) -> Duration {
        self.paused.unwrap_or_else(|| self.since.elapsed())
    }
}

impl Drop for Tracer {
    fn drop(&mut self) {
        self.release();
    }
}

fn run(pid: u32, with_extended: bool, report: &SyncSender<Stopped>, word: &Receiver<()>) {
    let mut stops = match Stops::all(pid) {
        Ok(stops) => stops,
        Err(e) => {
            let _ = report.send(Err(e));
            return;
        }
    };
    let threads = stops.threads(with_extended);
    let failed = threads.is_err();
    if failed {
        stops.release();
    }
    let heard = report.send(threads.map(|t| (stops.since, t)));
    if heard.is_ok() && !failed {
        // Nothing is ever sent: the word to let go is that the sender is dropped, which happens in a panic as well.
        let _ = word.recv();
    }
    stops.release();
}
