//! Starting a command, holding it at its marker, and seeing it to its end.

use std::io::{self, BufRead, BufReader, PipeReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use mapscope_memory::{Caught, Held, Watch, let_be_examined};
use mapscope_report::model::GateRun;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::args::Then;
use crate::config::gate::{Marker, Run};

/// How long a command has to end by itself.
const GRACE: Duration = Duration::from_secs(5);
/// How often a command is asked whether it has ended.
const TICK: Duration = Duration::from_millis(5);

/// Bytes of a line that are kept.
const MAX_LINE: u64 = 1 << 20;

/// What was examined of a command, and what became of it.
pub(crate) struct Examined<R> {
    pub(crate) result: R,
    pub(crate) run: GateRun,
    /// It ended by itself, and not well.
    pub(crate) failed: Option<String>,
}

/// Starts a command, calls `examine` with the pid of the process that stands still at the marker, and lets it go on.
pub(crate) fn with_command<R>(run: &Run, examine: impl FnOnce(u32) -> Result<R>) -> Result<Examined<R>> {
    let started = Started::new(run)?;
    let mut command = Running { child: started.child, name: run.command.join(" "), passed_on: started.passed_on };
    let held = command.hold(started.marker, run)?;
    let result = examine(held.pid()).with_context(|| format!("`{}`, at its marker", command.name))?;
    let mut report = GateRun { command: run.command.clone(), marker: marker(run), ended: None };
    let mut failed = None;
    match run.then {
        Then::Kill => command.end(held),
        Then::Continue => {
            drop(held);
            let status = command.child.wait().with_context(|| command.name.clone())?;
            failed = (!status.success())
                .then(|| format!("`{}` ended with {} after it was examined", command.name, end(status)));
            report.ended = Some(end(status));
        }
    }
    Ok(Examined { result, run: report, failed })
}

/// The marker as it is said.
fn marker(run: &Run) -> String {
    match &run.marker {
        Marker::Signal(signal) => format!("signal {}", signal.as_str().trim_start_matches("SIG")),
        Marker::Line(text) => format!("line {text:?}"),
        Marker::After(time) => format!("{time:?}"),
    }
}

fn end(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}

/// A command that was just started, and what tells of its marker.
struct Started {
    child: Child,
    marker: Telling,
    passed_on: Option<Receiver<()>>,
}

enum Telling {
    Signal(Watch),
    /// Told once, by the thread that passes its output on; it waits with that line until the other end is dropped.
    Line(Receiver<()>, SyncSender<()>),
    Clock(Duration),
}

impl Started {
    /// Standard output is for the result: what the command writes there goes to standard error.
    fn new(run: &Run) -> Result<Self> {
        let (name, arguments) = run.command.split_first().context("the command is empty")?;
        let mut command = Command::new(name);
        command.args(arguments);
        if let Marker::Line(text) = &run.marker {
            let (reader, writer) = io::pipe().context("no pipe")?;
            command.stdout(writer.try_clone().context("no pipe")?).stderr(writer);
            let child = start(command)?;
            let (marker, passed_on) = pass_on(reader, text.clone());
            return Ok(Self { child, marker, passed_on: Some(passed_on) });
        }
        command.stdout(Stdio::from(io::stderr()));
        match &run.marker {
            Marker::Signal(signal) => {
                let (watch, child) = Watch::start(command, *signal as i32)?;
                Ok(Self { child, marker: Telling::Signal(watch), passed_on: None })
            }
            Marker::After(time) => Ok(Self { child: start(command)?, marker: Telling::Clock(*time), passed_on: None }),
            Marker::Line(_) => bail!("a line needs a pipe"),
        }
    }
}

fn start(mut command: Command) -> Result<Child> {
    let_be_examined(&mut command);
    let name = command.get_program().to_string_lossy().into_owned();
    command.spawn().with_context(|| format!("{name} cannot be started"))
}

/// Passes all lines on to standard error, and tells of the first that contains `text`. Who sees that line there knows that
/// the command is held. The second channel closes when the last line was passed on.
fn pass_on(reader: PipeReader, text: String) -> (Telling, Receiver<()>) {
    let (tell, told) = sync_channel(1);
    let (pass, passed) = sync_channel(1);
    let (done, passed_on) = sync_channel(1);
    std::thread::spawn(move || {
        copy_lines(reader, &mut io::stderr(), &text, tell, &passed);
        drop(done);
    });
    (Telling::Line(told, pass), passed_on)
}

fn copy_lines(reader: impl Read, out: &mut impl Write, text: &str, tell: SyncSender<()>, passed: &Receiver<()>) {
    let mut tell = Some(tell);
    let mut reader = BufReader::new(reader);
    let mut line = Vec::new();
    // A line that has no end is passed on in parts; a text across two of them is found all the same.
    let overlap = text.len().saturating_sub(1);
    let mut passed_on = 0;
    while reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line).is_ok_and(|n| n > 0) {
        if line.windows(text.len()).any(|part| part == text.as_bytes())
            && let Some(tell) = tell.take()
            && tell.send(()).is_ok()
        {
            // Nothing is ever sent: the word is that the other end is gone.
            let _ = passed.recv();
        }
        // When nobody listens there, the command is examined all the same.
        let _ = out.write_all(line.get(passed_on..).unwrap_or_default());
        let ended = line.last() == Some(&b'\n');
        line.drain(..if ended { line.len() } else { line.len().saturating_sub(overlap) });
        passed_on = line.len();
    }
}

/// A command that is ended when this is dropped, unless it has ended.
struct Running {
    child: Child,
    name: String,
    /// Closed when all that it wrote was passed on.
    passed_on: Option<Receiver<()>>,
}

impl Running {
    /// Waits for the marker, and holds the process there.
    fn hold(&mut self, marker: Telling, run: &Run) -> Result<Held> {
        let held = match marker {
            Telling::Signal(watch) => match watch.wait(run.timeout)? {
                Caught::Held(held) => return Ok(held),
                Caught::Ended => None,
                Caught::TimedOut(_) => return Err(self.too_late(run)),
            },
            Telling::Line(told, pass) => {
                let word = run.timeout.map_or_else(|| told.recv().map_err(Into::into), |most| told.recv_timeout(most));
                match word {
                    Ok(()) => {
                        let held = Held::stop(self.child.id()).ok();
                        drop(pass);
                        held
                    }
                    Err(RecvTimeoutError::Disconnected) => None,
                    Err(RecvTimeoutError::Timeout) => return Err(self.too_late(run)),
                }
            }
            Telling::Clock(time) => {
                if self.ends_within(time) {
                    None
                } else {
                    Some(Held::stop(self.child.id())?)
                }
            }
        };
        if let Some(held) = held {
            return Ok(held);
        }
        let status = self.child.wait().with_context(|| self.name.clone())?;
        let (name, end) = (&self.name, end(status));
        Err(match &run.marker {
            Marker::Signal(signal) => anyhow!("`{name}` ended with {end} before {signal} came"),
            Marker::Line(text) => anyhow!("`{name}` ended with {end} before it could be held at a line with {text:?}"),
            Marker::After(time) => anyhow!("`{name}` ended with {end} before {time:?} had passed"),
        })
    }

    fn too_late(&self, run: &Run) -> anyhow::Error {
        let time = run.timeout.unwrap_or_default();
        anyhow!("`{}`: {} has not come within {time:?} (--timeout), and the command was ended", self.name, marker(run))
    }

    fn ends_within(&mut self, time: Duration) -> bool {
        let deadline = Instant::now() + time;
        loop {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            std::thread::sleep(left.min(TICK));
        }
    }

    /// Ends the process that was examined, and the command that started it.
    fn end(&mut self, held: Held) {
        let _ = kill(Pid::from_raw(held.pid() as i32), Signal::SIGTERM);
        drop(held);
        self.terminate();
    }

    fn terminate(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let _ = kill(Pid::from_raw(self.child.id() as i32), Signal::SIGTERM);
        if !self.ends_within(GRACE) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.terminate();
        // A process that it has left behind may write for ever.
        if let Some(passed_on) = &self.passed_on {
            let _ = passed_on.recv_timeout(GRACE);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is passed on of `input`, and whether `text` was seen in it.
    fn copied(input: &[u8], text: &str) -> (Vec<u8>, bool) {
        let (tell, told) = sync_channel(1);
        // Nobody is to be waited for.
        let (_, passed) = sync_channel(1);
        let mut out = Vec::new();
        copy_lines(input, &mut out, text, tell, &passed);
        (out, told.recv().is_ok())
    }

    #[test]
    fn a_line_without_an_end_is_passed_on_and_searched_in_parts() {
        let most = MAX_LINE as usize;
        for at in [0, 7, most - 3, most - 1, most, 3 * most - 2] {
            let mut input = vec![b'x'; 4 * most];
            input[at..at + 5].copy_from_slice(b"ready");
            let (out, seen) = copied(&input, "ready");
            assert!(out == input && seen, "at {at}");
        }
        let lines = b"one\nrea\ndy\n\nlast";
        assert_eq!(copied(lines, "ready"), (lines.to_vec(), false));
        assert_eq!(copied(lines, "last"), (lines.to_vec(), true));
    }
}
