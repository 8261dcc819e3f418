//! mapscope's own note in a core: how the core was made, and what it cannot say by itself.
//!
//! A core does not tell which pages were resident, nor what time it was, and what was overwritten in it would look like
//! data. The note's owner is `mapscope`; other readers skip it. All numbers are little-endian.
//!
//! | bytes | meaning |
//! |---|---|
//! | 4 | version of the note, 1 |
//! | 4 | bits: 1 only what the analysis reads, 2 redacted |
//! | 4 | version of the rules of redaction |
//! | 4 | 0 |
//! | 8 | resident bytes as the kernel counted them; all ones when it did not say |
//! | 8 | `CLOCK_MONOTONIC`, in nanoseconds; all ones when it is not known |
//! | 8 | count of runs of resident pages |
//! | 16 each | start of the run; its end, with what is behind it in the lowest three bits |
//! | 8 | when it was stopped, in nanoseconds since 1970; the note may end before it |

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::elf::{u32_at, u64_at};
use crate::{Backing, Residency, ResidentRun};

/// The note's owner.
pub(crate) const OWNER: &[u8] = b"mapscope";
/// The note's type. Not one that the kernel uses: some readers look at the type alone.
pub(crate) const NT_ORIGIN: u32 = 0x6d61_7001;
const VERSION: u32 = 1;
const HEAP_ONLY: u32 = 1;
const REDACTED: u32 = 2;
const ABSENT: u64 = u64::MAX;
const HEAD: usize = 40;
const RUN: usize = 16;
/// What a run's lowest bits mean, by number.
const BACKINGS: [Backing; 5] = [Backing::Anonymous, Backing::Program, Backing::File, Backing::Stack, Backing::Kernel];

/// How mapscope wrote a core.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origin {
    /// It holds only what the analysis reads.
    pub(crate) heap_only: bool,
    /// Version of the rules by which data was overwritten; 0 when none was.
    pub(crate) redacted: u32,
    pub(crate) rss_bytes: Option<u64>,
    pub(crate) monotonic_ns: Option<u64>,
    /// When it was stopped.
    pub(crate) taken_at: Option<SystemTime>,
    /// What was resident.
    pub(crate) residency: Residency,
}

impl Origin {
    /// The note's bytes.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let bits = (u32::from(self.heap_only) * HEAP_ONLY) | (u32::from(self.redacted != 0) * REDACTED);
        let runs = &self.residency.runs;
        let mut out = Vec::with_capacity(HEAD + runs.len() * RUN);
        for word in [VERSION, bits, self.redacted, 0] {
            out.extend(word.to_le_bytes());
        }
        for word in [self.rss_bytes.unwrap_or(ABSENT), self.monotonic_ns.unwrap_or(ABSENT), runs.len() as u64] {
            out.extend(word.to_le_bytes());
        }
        for run in runs {
            let backing = BACKINGS.iter().position(|b| *b == run.backing).unwrap_or(0) as u64;
            out.extend(run.start.to_le_bytes());
            out.extend(((run.end & !7) | backing).to_le_bytes());
        }
        let since = self.taken_at.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let taken = since.and_then(|since| u64::try_from(since.as_nanos()).ok());
        out.extend(taken.into_iter().flat_map(u64::to_le_bytes));
        out
    }

    /// Reads the note; `None` when it is of another version or makes no sense. Runs that are not in order are left out.
    pub(crate) fn decode(note: &[u8]) -> Option<Self> {
        if u32_at(note, 0)? != VERSION {
            return None;
        }
        let (bits, rules) = (u32_at(note, 4)?, u32_at(note, 8)?);
        let known = |at: usize| u64_at(note, at).filter(|&word| word != ABSENT);
        let claimed = usize::try_from(u64_at(note, 32)?).ok()?;
        let count = claimed.min(note.len() / RUN);
        let taken = claimed.checked_mul(RUN).and_then(|runs| u64_at(note, runs.checked_add(HEAD)?));
        let mut runs = Vec::new();
        let mut last = 0;
        for run in note.get(HEAD..)?.chunks_exact(RUN).take(count) {
            let (start, end) = (u64_at(run, 0)?, u64_at(run, 8)?);
            let backing = *BACKINGS.get((end & 7) as usize)?;
            let end = end & !7;
            if start >= last && start < end {
                runs.push(ResidentRun { start, end, backing });
                last = end;
            }
        }
        Some(Self {
            heap_only: bits & HEAP_ONLY != 0,
            redacted: if bits & REDACTED == 0 { 0 } else { rules.max(1) },
            rss_bytes: known(16),
            monotonic_ns: known(24),
            taken_at: taken.and_then(|ns| UNIX_EPOCH.checked_add(Duration::from_nanos(ns))),
            residency: Residency { runs },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin() -> Origin {
        let run = |start, end, backing| ResidentRun { start, end, backing };
        Origin {
            heap_only: true,
            redacted: 7,
            rss_bytes: Some(12_345),
            monotonic_ns: None,
            taken_at: UNIX_EPOCH.checked_add(Duration::from_nanos(1_800_000_000_123_456_789)),
            residency: Residency {
                runs: vec![run(0x1000, 0x3000, Backing::Program), run(0x3000, 0x4000, Backing::Kernel)],
            },
        }
    }

    #[test]
    fn is_read_as_it_was_written() {
        assert_eq!(Origin::decode(&origin().encode()), Some(origin()));
        assert_eq!(Origin::decode(&Origin::default().encode()), Some(Origin::default()));
    }

    #[test]
    fn damage_is_refused_or_left_out() {
        let whole = origin().encode();
        for len in 0..HEAD {
            assert_eq!(Origin::decode(&whole[..len]), None, "cut at {len}");
        }
        let cut =
            |bytes: usize| Origin::decode(&whole[..whole.len() - bytes]).map(|o| (o.residency.runs.len(), o.taken_at));
        // A note of an earlier mapscope ends after the runs.
        assert_eq!((cut(1), cut(8), cut(9)), (Some((2, None)), Some((2, None)), Some((1, None))));
        let mut swapped = whole.clone();
        swapped[HEAD + 16..HEAD + 24].copy_from_slice(&0x2000_u64.to_le_bytes());
        assert_eq!(Origin::decode(&swapped).map(|o| o.residency.runs.len()), Some(1));
        let mut many = whole.clone();
        many[32..40].fill(0xff);
        assert_eq!(Origin::decode(&many), Some(Origin { taken_at: None, ..origin() }));
        let mut newer = whole;
        newer[0] = 9;
        assert_eq!(Origin::decode(&newer), None);
    }
}
