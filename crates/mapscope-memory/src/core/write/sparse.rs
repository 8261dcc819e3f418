//! Copying memory into a file that has holes where the memory has zeros.

use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

use super::segments::Segment;
use super::{Filter, Progress};
use crate::{AMD64, Memory, MemoryError};

/// Bytes that are read, changed and written at a time.
const CHUNK: u64 = 4 << 20;
/// Threads that copy at most: more only wait for memory.
const COPIERS: usize = 4;

/// A piece of memory and its place in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Chunk {
    memory: Range<u64>,
    offset: u64,
}

/// What to copy from where.
pub(super) struct Copy<'a> {
    pub(super) memory: &'a dyn Memory,
    pub(super) filter: Option<&'a dyn Filter>,
    pub(super) progress: &'a dyn Progress,
    chunks: Vec<Chunk>,
    total: u64,
    done: AtomicU64,
    unreadable: AtomicU64,
}

/// Why a copy failed.
pub(super) enum Failure {
    /// Its source.
    Memory(MemoryError),
    /// Its destination.
    Write(io::Error),
}

impl<'a> Copy<'a> {
    pub(super) fn new(
        memory: &'a dyn Memory,
        segments: &[Segment],
        filter: Option<&'a dyn Filter>,
        progress: &'a dyn Progress,
    ) -> Self {
        let mut chunks = Vec::new();
        for segment in segments {
            for range in &segment.copied {
                let mut at = range.start;
                while at < range.end {
                    let end = range.end.min((at / CHUNK + 1) * CHUNK);
                    chunks.push(Chunk { memory: at..end, offset: segment.offset + (at - segment.start) });
                    at = end;
                }
            }
        }
        let total = chunks.iter().map(|c| c.memory.end - c.memory.start).sum();
        Self { memory, filter, progress, chunks, total, done: AtomicU64::new(0), unreadable: AtomicU64::new(0) }
    }

    /// Bytes that are copied at most.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Bytes that could not be read, once it is done.
    pub(super) fn unreadable(&self) -> u64 {
        self.unreadable.load(Relaxed)
    }

    /// Copies to the places in `file`, several chunks at a time.
    pub(super) fn to_file(&self, file: &File) -> Result<(), Failure> {
        let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
        let failure = Mutex::new(None);
        let copiers = std::thread::available_parallelism().map_or(1, usize::from).min(COPIERS);
        std::thread::scope(|scope| {
            for _ in 0..copiers {
                scope.spawn(|| {
                    let mut buffer = Vec::new();
                    while let Some(chunk) = self.chunks.get(next.fetch_add(1, Relaxed)) {
                        if failed.load(Relaxed) {
                            break;
                        }
                        let written = self
                            .read(chunk, &mut buffer)
                            .and_then(|()| write_runs(file, &buffer, chunk.offset).map_err(Failure::Write));
                        if let Err(e) = written {
                            failed.store(true, Relaxed);
                            if let Ok(mut failure) = failure.lock() {
                                failure.get_or_insert(e);
                            }
                        }
                    }
                });
            }
        });
        let failure = failure.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        failure.map_or(Ok(()), Err)
    }

    /// Writes `head`, then everything in the order of the file, up to its `len` bytes.
    pub(super) fn to_stream(&self, head: &[u8], len: u64, out: &mut dyn Write) -> Result<(), Failure> {
        out.write_all(head).map_err(Failure::Write)?;
        let mut at = head.len() as u64;
        let mut buffer = Vec::new();
        for chunk in &self.chunks {
            write_zeros(out, chunk.offset - at).map_err(Failure::Write)?;
            self.read(chunk, &mut buffer)?;
            out.write_all(&buffer).map_err(Failure::Write)?;
            at = chunk.offset + buffer.len() as u64;
        }
        write_zeros(out, len - at).map_err(Failure::Write)
    }

    /// The bytes of a chunk as they are to be written. Pages that cannot be read are zeros, and counted.
    fn read(&self, chunk: &Chunk, buffer: &mut Vec<u8>) -> Result<(), Failure> {
        let (start, len) = (chunk.memory.start, chunk.memory.end - chunk.memory.start);
        buffer.clear();
        buffer.resize(len as usize, 0);
        match self.memory.read_into(start, buffer) {
            Ok(()) => {}
            Err(e @ MemoryError::Exited { .. }) => return Err(Failure::Memory(e)),
            Err(_) => {
                for (index, page) in buffer.chunks_mut(AMD64.page_size as usize).enumerate() {
                    if self.memory.read_into(start + index as u64 * AMD64.page_size, page).is_err() {
                        page.fill(0);
                        self.unreadable.fetch_add(page.len() as u64, Relaxed);
                    }
                }
            }
        }
        if let Some(filter) = self.filter {
            filter.apply(start, buffer);
        }
        let done = self.done.fetch_add(len, Relaxed) + len;
        self.progress.copied(done, self.total);
        Ok(())
    }
}

/// Writes the pages of `bytes` that are not all zeros to their places.
fn write_runs(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    let page = AMD64.page_size as usize;
    let mut from = None;
    for (index, part) in bytes.chunks(page).enumerate() {
        match (is_zero(part), from) {
            (false, None) => from = Some(index * page),
            (true, Some(start)) => {
                file.write_all_at(&bytes[start..index * page], offset + start as u64)?;
                from = None;
            }
            _ => {}
        }
    }
    match from {
        Some(start) => file.write_all_at(&bytes[start..], offset + start as u64),
        None => Ok(()),
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    let mut wide = bytes.chunks_exact(32);
    wide.all(|c| c == [0; 32]) && wide.remainder().iter().all(|&b| b == 0)
}

fn write_zeros(out: &mut dyn Write, mut count: u64) -> io::Result<()> {
    static ZEROS: [u8; 64 << 10] = [0; 64 << 10];
    while count > 0 {
        let part = count.min(ZEROS.len() as u64);
        out.write_all(&ZEROS[..part as usize])?;
        count -= part;
    }
    Ok(())
}
