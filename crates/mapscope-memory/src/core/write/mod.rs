//! Writing a core of whatever stands still: what the kernel would write, but sparse, and perhaps compressed, narrowed to
//! what an analysis reads, or with data overwritten.

mod notes;
mod output;
mod redact;
mod segments;
mod sparse;

use std::io::Write;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use self::output::Output;
use self::redact::Redactor;
use self::sparse::{Copy, Failure};
use crate::core::origin::Origin;
use crate::{Memory, MemoryError, ProcessRecord};

/// Effort of the compression: as fast as the disk, where more would gain a tenth.
const ZSTD_LEVEL: i32 = 3;

pub use self::redact::Redaction;

/// Changes bytes on their way into a core.
trait Filter: Sync {
    /// Changes `bytes`, which are those at `address`; both are multiples of 8.
    fn apply(&self, address: u64, bytes: &mut [u8]);
}

/// Told how much has been copied.
pub trait Progress: Sync {
    /// `done` of `total` bytes of memory.
    fn copied(&self, done: u64, total: u64);
}

/// What to write.
#[derive(Clone, Copy, Default)]
pub struct CoreOptions<'a> {
    /// Compress with zstd.
    pub zstd: bool,
    /// Only the bytes in these ranges, by address and not overlapping; everything when absent.
    pub keep: Option<&'a [Range<u64>]>,
    /// What stays; the rest is overwritten, and the core says so. Everything stays when absent.
    pub redaction: Option<&'a Redaction>,
}

/// A core that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Bytes that the file takes on the disk.
    pub disk_bytes: u64,
    /// Its length; of a compressed one, the length that it will have.
    pub apparent_bytes: u64,
    /// Bytes of memory that should be in it and could not be read.
    pub unreadable_bytes: u64,
}

/// A core to be written. There is nothing under its name before it is whole, and nothing at all if it never is.
pub struct CoreFile(Output);

impl CoreFile {
    /// Prepares to write a core to `path`; do it before anything is stopped.
    ///
    /// # Errors
    /// When something is there already, unless `force`; when the directory cannot be written to.
    pub fn create(path: &Path, force: bool) -> Result<Self, MemoryError> {
        Output::create(path, force).map(Self)
    }

    /// Writes the core of `memory`, which `record` describes, and gives it its name.
    ///
    /// # Errors
    /// When the disk is full, or a limit of size is reached; when the process goes away.
    pub fn write(
        self,
        memory: &dyn Memory,
        record: &ProcessRecord,
        options: CoreOptions<'_>,
        progress: &dyn Progress,
    ) -> Result<Written, MemoryError> {
        let origin = Origin {
            heap_only: options.keep.is_some(),
            redacted: options.redaction.map_or(0, |_| redact::RULES),
            rss_bytes: record.rss_bytes,
            monotonic_ns: record.monotonic_ns,
            taken_at: record.taken_at,
            residency: record.residency.clone(),
        };
        let notes = notes::all(record, memory, &origin, options.redaction);
        let mut segments = segments::of(memory, record, options.keep);
        let head = segments::lay_out(&mut segments, &notes);
        let apparent = segments.iter().map(|s| s.offset + s.stored).max().unwrap_or(0).max(head.len() as u64);
        let redactor = options.redaction.map(|r| Redactor::new(r, memory.regions(), record));
        let copy = Copy::new(memory, &segments, redactor.as_ref().map(|r| r as &dyn Filter), progress);
        let needed = head.len() as u64 + copy.total();

        let result =
            if options.zstd { self.compressed(&copy, &head, apparent) } else { self.plain(&copy, &head, apparent) };
        match result {
            Ok(()) => {}
            Err(Failure::Memory(e)) => return Err(e),
            Err(Failure::Write(e)) => return Err(self.0.failure(needed, e)),
        }
        // What was read half-way through an exit is not one state of the process.
        memory.still_there()?;
        let unreadable_bytes = copy.unreadable();
        let disk_bytes = self.0.finish()?;
        Ok(Written { disk_bytes, apparent_bytes: apparent, unreadable_bytes })
    }

    fn plain(&self, copy: &Copy<'_>, head: &[u8], len: u64) -> Result<(), Failure> {
        let file = &self.0.file;
        file.set_len(len).and_then(|()| file.write_all_at(head, 0)).map_err(Failure::Write)?;
        copy.to_file(file)
    }

    fn compressed(&self, copy: &Copy<'_>, head: &[u8], len: u64) -> Result<(), Failure> {
        let encoder = zstd::Encoder::new(&self.0.file, ZSTD_LEVEL).and_then(|mut encoder| {
            encoder.include_checksum(true)?;
            encoder.set_pledged_src_size(Some(len))?;
            Ok(encoder)
        });
        let mut encoder = encoder.map_err(Failure::Write)?;
        copy.to_stream(head, len, &mut encoder)?;
        encoder.finish().and_then(|mut file| file.flush()).map_err(Failure::Write)
    }

    /// The path that it will have.
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}
