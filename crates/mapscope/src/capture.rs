//! From a running process to a core of it.

use std::ops::Range;
use std::time::Instant;

use anyhow::Result;
use mapscope_go::{Executable, GoFiles, Reads, with_noted_session};
use mapscope_memory::{CoreFile, CoreOptions, Memory, Process, Recorded, Redaction};
use mapscope_report::CAPTURE_SCHEMA;
use mapscope_report::model::Capture as Captured;

use crate::assemble::{Stop, milliseconds};
use crate::config::Capture;
use crate::progress::Progress;
use crate::source::{DebugFile, Stages, go_files};

/// Writes the core of a process from a snapshot of it, and says what was written.
pub(crate) fn capture(wanted: &Capture, progress: &dyn Progress) -> Result<Captured> {
    let started = Instant::now();
    // Before anything is stopped: a name that is taken should cost the process nothing.
    let file = CoreFile::create(&wanted.path, wanted.force)?;
    let given = DebugFile::open_all(&wanted.debug_info)?;
    progress.stage("taking a snapshot");
    let process = Process::open(wanted.pid, &wanted.pause)?;
    // Before anything is read: reading makes pages resident.
    let record = process.record()?;
    let files = match go_files(&process, given) {
        // What was given has to fit.
        Err(error) if !wanted.debug_info.is_empty() => return Err(error),
        files => files,
    };
    let not_go = files.as_ref().err().map(ToString::to_string);
    let Chosen { keep, redaction } = choose(&process, wanted, files, progress)?;
    progress.stage("writing the core");
    let options = CoreOptions { zstd: wanted.zstd, keep: keep.as_deref(), redaction: redaction.as_ref() };
    let written = file.write(&process, &record, options, &Copied(progress))?;
    process.still_there()?;
    let stop = Stop::of(&process);
    let mut partial = Vec::new();
    if written.unreadable_bytes > 0 {
        partial.push(format!("{} bytes of memory could not be read; they are zeros", written.unreadable_bytes));
    }
    Ok(Captured {
        schema: CAPTURE_SCHEMA.to_owned(),
        pid: wanted.pid,
        exe: process.info().exe.to_string_lossy().into_owned(),
        path: wanted.path.to_string_lossy().into_owned(),
        disk_bytes: written.disk_bytes,
        apparent_bytes: written.apparent_bytes,
        compressed: wanted.zstd,
        heap_only: wanted.heap_only,
        redacted: wanted.redact,
        paused_ms: milliseconds(stop.paused),
        pause: stop.name().to_owned(),
        copied_bytes: stop.copied_bytes,
        why_not_forked: stop.why_not_forked,
        took_ms: milliseconds(started.elapsed()),
        not_go,
        partial,
    })
}

/// What of a process is written, and what of that is overwritten; absent where all is.
#[derive(Default)]
struct Chosen {
    keep: Option<Vec<Range<u64>>>,
    redaction: Option<Redaction>,
}

/// Has the analysis say what it needs, where not everything is wanted.
fn choose(process: &Process, wanted: &Capture, files: Result<GoFiles>, progress: &dyn Progress) -> Result<Chosen> {
    if !wanted.heap_only && !wanted.redact {
        return Ok(Chosen::default());
    }
    let files = files?;
    let executable = Executable::of(&files);
    let reads = Reads::new(process.regions());
    let chosen = with_noted_session(process, executable, &Stages::new(progress), &reads, |session| Chosen {
        keep: wanted.heap_only.then(|| session.needed(&reads)),
        redaction: wanted.redact.then(|| session.redaction(&reads)),
    })?;
    Ok(chosen)
}

/// Passes the writer's progress on to the display.
struct Copied<'p>(&'p dyn Progress);

impl mapscope_memory::Progress for Copied<'_> {
    fn copied(&self, done: u64, total: u64) {
        self.0.part(done, total);
    }
}
