//! From a running process to a core of it.

use std::time::Instant;

use anyhow::Result;
use mapscope_memory::{CoreFile, CoreOptions, Memory, Process, Recorded};
use mapscope_report::CAPTURE_SCHEMA;
use mapscope_report::model::Capture as Captured;

use crate::assemble::milliseconds;
use crate::config::Capture;
use crate::progress::Progress;

/// Writes the core of a process, and says what was written. The process is stopped no longer than that takes.
pub(crate) fn capture(wanted: &Capture, progress: &dyn Progress) -> Result<Captured> {
    let started = Instant::now();
    // Before anything is stopped: a name that is taken should cost the process nothing.
    let file = CoreFile::create(&wanted.path, wanted.force)?;
    progress.stage("stopping the process");
    let mut process = Process::attach(wanted.pid)?;
    let record = process.record()?;
    progress.stage("writing the core");
    let options = CoreOptions { zstd: wanted.zstd, ..CoreOptions::default() };
    let written = file.write(&process, &record, options, &Copied(progress))?;
    process.resume();
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
        paused_ms: milliseconds(process.paused()),
        took_ms: milliseconds(started.elapsed()),
        partial,
    })
}

/// Passes the writer's progress on to the display.
struct Copied<'p>(&'p dyn Progress);

impl mapscope_memory::Progress for Copied<'_> {
    fn copied(&self, done: u64, total: u64) {
        self.0.part(done, total);
    }
}
