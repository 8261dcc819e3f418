//! What the keeper tells: one message before it stops the target, one when it has dealt with it or could not, perhaps
//! another when its task is over before its time.
//!
//! A message is its length and its bytes; numbers are little-endian words. Both ends are this program, but what arrives
//! is checked all the same: a keeper can be killed half-way.

use std::io::{self, Read, Write};
use std::ops::Range;
use std::time::Duration;

use crate::record::PageRange;
use crate::{AMD64, MemoryError, Registers, Thread};

/// A longer message is no message: threads and resident pages of the largest process take less.
const MAX_BYTES: u64 = 1 << 32;

/// What the keeper says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Word {
    /// The target is about to be stopped, and will have been dealt with in so long.
    Stopping { most: Duration },
    /// It was stopped, and is as the order demands.
    Taken(Taken),
    /// It is not, and runs.
    Refused(Refused),
    /// Its task is over before its time.
    Ended { reason: String },
}

/// Why a target is not as it was ordered to be; it runs.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::process) struct Refused {
    pub(in crate::process) kind: Kind,
    /// A sentence for people.
    pub(in crate::process) reason: String,
}

/// What to make of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::process) enum Kind {
    /// It can be stopped, but not forked.
    NotForked,
    /// It cannot be stopped.
    NotStopped,
    /// It has ended.
    Exited,
    /// It has become another program meanwhile.
    Execed,
}

const KINDS: [Kind; 4] = [Kind::NotForked, Kind::NotStopped, Kind::Exited, Kind::Execed];

impl Refused {
    /// It can be copied, but not forked, for this reason.
    pub(super) fn fork(reason: impl Into<String>) -> Self {
        Self { kind: Kind::NotForked, reason: reason.into() }
    }

    /// Nobody listens any more.
    pub(super) fn deaf() -> Self {
        Self::fork("nobody listens")
    }

    /// As an error, for the process `pid`.
    pub(in crate::process) fn error(self, pid: u32) -> MemoryError {
        match self.kind {
            Kind::Exited => MemoryError::Exited { pid },
            Kind::Execed => MemoryError::Execed { pid },
            Kind::NotForked | Kind::NotStopped => MemoryError::NotStopped { pid, reason: self.reason },
        }
    }
}

impl From<MemoryError> for Refused {
    fn from(error: MemoryError) -> Self {
        let kind = match &error {
            MemoryError::Exited { .. } => Kind::Exited,
            MemoryError::Execed { .. } => Kind::Execed,
            _ => Kind::NotStopped,
        };
        Self { kind, reason: error.to_string() }
    }
}

/// A process as it was when it was stopped.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::process) struct Taken {
    /// The process whose memory is to be read: a snapshot, or the target itself.
    pub(in crate::process) child: u32,
    /// From the first thread that was asked to stop to the last that was let go.
    pub(in crate::process) paused: Duration,
    pub(in crate::process) monotonic_ns: Option<u64>,
    pub(in crate::process) rss_bytes: Option<u64>,
    pub(in crate::process) threads: Vec<TakenThread>,
    pub(in crate::process) resident: Option<Vec<Range<u64>>>,
    /// Where a core is to be written.
    pub(in crate::process) pages: Option<Vec<PageRange>>,
}

/// A thread as it was.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::process) struct TakenThread {
    pub(in crate::process) tid: u32,
    pub(in crate::process) words: Vec<u64>,
    /// As [`Thread::extended`].
    pub(in crate::process) extended: Vec<u8>,
}

impl TakenThread {
    /// A thread, which the target itself calls `tid`.
    pub(super) fn new(thread: Thread, tid: u32) -> Self {
        Self { tid, words: thread.registers.words, extended: thread.extended }
    }
}

impl Taken {
    /// The threads with their registers.
    pub(in crate::process) fn threads(&self) -> Vec<Thread> {
        let thread = |TakenThread { tid, words, extended }: &TakenThread| {
            let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
            let registers = Registers::from_user_regs(&AMD64, &bytes)?;
            Some(Thread { tid: *tid, registers, extended: extended.clone() })
        };
        self.threads.iter().filter_map(thread).collect()
    }
}

/// Writes one message.
pub(super) fn send(to: &mut impl Write, word: &Word) -> io::Result<()> {
    let mut out = Writer(vec![0; 8]);
    match word {
        Word::Taken(taken) => out.number(0).taken(taken),
        Word::Refused(Refused { kind, reason }) => out.number(1).number(*kind as u64).text(reason),
        Word::Ended { reason } => out.number(2).text(reason),
        Word::Stopping { most } => out.number(3).number(most.as_nanos() as u64),
    };
    let length = (out.0.len() - 8) as u64;
    out.0[..8].copy_from_slice(&length.to_le_bytes());
    to.write_all(&out.0)
}

/// Reads one message.
pub(super) fn receive(from: &mut impl Read) -> io::Result<Word> {
    let mut length = [0; 8];
    from.read_exact(&mut length)?;
    let length = u64::from_le_bytes(length);
    if length > MAX_BYTES {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Vec::new();
    from.take(length).read_to_end(&mut bytes)?;
    Reader(&bytes).word().ok_or_else(|| io::ErrorKind::InvalidData.into())
}

struct Writer(Vec<u8>);

impl Writer {
    fn number(&mut self, number: u64) -> &mut Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.number(bytes.len() as u64).0.extend_from_slice(bytes);
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    fn optional(&mut self, number: Option<u64>) -> &mut Self {
        self.number(u64::from(number.is_some())).number(number.unwrap_or(0))
    }

    fn taken(&mut self, taken: &Taken) -> &mut Self {
        self.number(u64::from(taken.child)).number(taken.paused.as_nanos() as u64);
        self.optional(taken.monotonic_ns).optional(taken.rss_bytes).number(taken.threads.len() as u64);
        for TakenThread { tid, words, extended } in &taken.threads {
            self.number(u64::from(*tid)).number(words.len() as u64);
            for word in words {
                self.number(*word);
            }
            self.bytes(extended);
        }
        self.optional(taken.resident.as_ref().map(|r| r.len() as u64));
        for range in taken.resident.iter().flatten() {
            self.number(range.start).number(range.end);
        }
        self.optional(taken.pages.as_ref().map(|p| p.len() as u64));
        for PageRange { range, file } in taken.pages.iter().flatten() {
            self.number(range.start).number(range.end).number(u64::from(*file));
        }
        self
    }
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn word(mut self) -> Option<Word> {
        Some(match self.number()? {
            0 => Word::Taken(self.taken()?),
            1 => {
                let kind = *KINDS.get(usize::try_from(self.number()?).ok()?)?;
                Word::Refused(Refused { kind, reason: self.text()? })
            }
            2 => Word::Ended { reason: self.text()? },
            3 => Word::Stopping { most: Duration::from_nanos(self.number()?) },
            _ => return None,
        })
    }

    fn number(&mut self) -> Option<u64> {
        let (word, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*word))
    }

    /// The outer `Option` is whether the message goes that far.
    #[allow(clippy::option_option)]
    fn optional(&mut self) -> Option<Option<u64>> {
        let there = self.number()? != 0;
        let number = self.number()?;
        Some(there.then_some(number))
    }

    fn bytes(&mut self) -> Option<&[u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(bytes)
    }

    fn text(&mut self) -> Option<String> {
        Some(String::from_utf8_lossy(self.bytes()?).into_owned())
    }

    fn range(&mut self) -> Option<Range<u64>> {
        Some(self.number()?..self.number()?)
    }

    fn page_range(&mut self) -> Option<PageRange> {
        Some(PageRange { range: self.range()?, file: self.number()? != 0 })
    }

    fn taken(&mut self) -> Option<Taken> {
        let child = u32::try_from(self.number()?).ok()?;
        let paused = Duration::from_nanos(self.number()?);
        let (monotonic_ns, rss_bytes) = (self.optional()?, self.optional()?);
        let mut threads = Vec::new();
        for _ in 0..self.number()? {
            let tid = u32::try_from(self.number()?).ok()?;
            let count = self.number()?;
            let words = (0..count).map(|_| self.number()).collect::<Option<_>>()?;
            threads.push(TakenThread { tid, words, extended: self.bytes()?.to_vec() });
        }
        let resident = match self.optional()? {
            None => None,
            Some(count) => Some((0..count).map(|_| self.range()).collect::<Option<_>>()?),
        };
        let pages = match self.optional()? {
            None => None,
            Some(count) => Some((0..count).map(|_| self.page_range()).collect::<Option<_>>()?),
        };
        Some(Taken { child, paused, monotonic_ns, rss_bytes, threads, resident, pages })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_word_arrives_and_half_a_word_does_not() {
        let taken = Taken {
            child: 7,
            paused: Duration::from_micros(1234),
            monotonic_ns: Some(5),
            rss_bytes: None,
            threads: vec![
                TakenThread { tid: 1, words: vec![1, 2, 3], extended: vec![4; 5] },
                TakenThread { tid: 2, ..TakenThread::default() },
            ],
            resident: Some(vec![0x1000..0x3000, 0x5000..0x6000]),
            pages: Some(vec![PageRange { range: 0x1000..0x2000, file: true }]),
        };
        let refused = KINDS.map(|kind| Word::Refused(Refused { kind, reason: "why\u{e9}".into() }));
        let stopping = Word::Stopping { most: Duration::from_millis(2100) };
        let others = [Word::Taken(taken), stopping, Word::Ended { reason: "time".into() }];
        for word in refused.into_iter().chain(others) {
            let mut bytes = Vec::new();
            send(&mut bytes, &word).unwrap();
            assert_eq!(receive(&mut &bytes[..]).unwrap(), word);
            for length in 0..bytes.len() {
                assert!(receive(&mut &bytes[..length]).is_err(), "{length} of {} bytes", bytes.len());
            }
            bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
            assert!(receive(&mut &bytes[..]).is_err());
        }
    }
}
