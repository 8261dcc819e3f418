//! The machine, in the words that matter to a reader of figures, and how fast it copies memory.

use std::fmt;
use std::fs;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};

const BUFFER: usize = 1 << 30;
const COPIES: usize = 9;

/// Processors, memory, kernel, and bytes copied in a second.
pub(super) struct Machine {
    processors: usize,
    memory: u64,
    kernel: String,
    /// Processes that ran, on average, in the minute before: what else the machine was doing.
    load: String,
    /// By one thread.
    alone: f64,
    /// By a thread on each processor: what no reader can beat.
    pub(super) together: f64,
}

impl Machine {
    pub(super) fn look() -> Result<Self> {
        let processors = thread::available_parallelism()?.get();
        let info = fs::read_to_string("/proc/meminfo")?;
        let total = info.lines().find_map(|line| line.strip_prefix("MemTotal:"));
        let kib: u64 =
            total.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).context("how much memory?")?;
        let release = fs::read_to_string("/proc/sys/kernel/osrelease")?;
        // What follows the number says who built it.
        let kernel = release.split('-').next().unwrap_or_default().trim().to_owned();
        let load = fs::read_to_string("/proc/loadavg")?.split(' ').next().unwrap_or_default().to_owned();
        // Written, not only allocated: the pages have to be there.
        let (from, mut to) = (vec![1; BUFFER], vec![2; BUFFER]);
        let alone = copy_rate(&from, &mut to, 1);
        let together = copy_rate(&from, &mut to, processors);
        Ok(Self { processors, memory: kib * 1024, kernel, load, alone, together })
    }
}

/// Bytes copied in a second: the median of several copies of the whole buffer, after one that does not count.
fn copy_rate(from: &[u8], to: &mut [u8], threads: usize) -> f64 {
    let part = from.len().div_ceil(threads);
    let mut seconds: Vec<f64> = (0..=COPIES)
        .map(|_| {
            let started = Instant::now();
            thread::scope(|scope| {
                for (from, to) in from.chunks(part).zip(to.chunks_mut(part)) {
                    scope.spawn(|| to.copy_from_slice(from));
                }
            });
            std::hint::black_box(&to);
            started.elapsed().as_secs_f64()
        })
        .skip(1)
        .collect();
    seconds.sort_by(f64::total_cmp);
    from.len() as f64 / seconds[COPIES / 2]
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gib = self.memory as f64 / f64::from(1 << 30);
        write!(f, "{} processors, {gib:.0} GiB of memory, Linux {}; ", self.processors, self.kernel)?;
        write!(f, "load {} before it began; ", self.load)?;
        write!(f, "copies {:.1} GB/s, {:.1} GB/s on one processor", self.together / 1e9, self.alone / 1e9)
    }
}
