//! Which pages of a target are in memory, and what is behind them.

use std::collections::HashSet;
use std::ops::Range;
use std::path::Path;

use crate::Region;

/// What a page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backing {
    /// Memory that no file is behind: private, shared, or that of C's `brk`.
    Anonymous,
    /// A file that is code: the executable or a library. Written pages of its data count too.
    Program,
    /// Any other mapped file.
    File,
    /// The stack that the kernel made for the first thread.
    Stack,
    /// What the kernel puts into every process (`[vdso]`).
    Kernel,
}

/// Resident pages that follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResidentRun {
    /// First address.
    pub start: u64,
    /// One past the last address.
    pub end: u64,
    /// What they show.
    pub backing: Backing,
}

/// The resident pages of a target, in runs by address that do not overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Residency {
    /// The runs. Neighbours may touch.
    pub runs: Vec<ResidentRun>,
}

impl Residency {
    /// All bytes that are resident.
    pub fn bytes(&self) -> u64 {
        self.runs.iter().map(|r| r.end - r.start).sum()
    }

    /// The parts of `regions` that lie in `present` (ranges by address, not overlapping).
    pub(crate) fn of(regions: &[(&Region, Backing)], present: impl IntoIterator<Item = Range<u64>>) -> Self {
        let mut runs: Vec<ResidentRun> = Vec::new();
        let mut first = 0;
        for range in present {
            first += regions[first..].iter().take_while(|r| r.0.end <= range.start).count();
            for (region, backing) in regions[first..].iter().take_while(|r| r.0.start < range.end) {
                let run = ResidentRun {
                    start: region.start.max(range.start),
                    end: region.end.min(range.end),
                    backing: *backing,
                };
                match runs.last_mut() {
                    Some(last) if last.end == run.start && last.backing == run.backing => last.end = run.end,
                    _ if run.start < run.end => runs.push(run),
                    _ => {}
                }
            }
        }
        Self { runs }
    }
}

/// What each region shows, by its file. `stack` is an address in the first thread's stack, `kernel` in each of the
/// kernel's own mappings.
pub(crate) fn backings<'r>(
    regions: &'r [Region],
    executable: &Path,
    stack: Option<u64>,
    kernel: &[u64],
) -> Vec<(&'r Region, Backing)> {
    let mut programs: HashSet<&Path> =
        regions.iter().filter(|r| r.execute).filter_map(|r| r.file.as_ref()).map(|f| f.0.as_path()).collect();
    programs.insert(executable);
    let holds = |region: &Region, address: u64| (region.start..region.end).contains(&address);
    let backing = |region: &Region| match &region.file {
        Some((path, _)) if programs.contains(path.as_path()) => Backing::Program,
        Some(_) => Backing::File,
        None if stack.is_some_and(|s| holds(region, s)) => Backing::Stack,
        None if kernel.iter().any(|k| holds(region, *k)) => Backing::Kernel,
        None => Backing::Anonymous,
    };
    regions.iter().map(|r| (r, backing(r))).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn region(start: u64, end: u64, execute: bool, file: Option<&str>) -> Region {
        let file = file.map(|f| (PathBuf::from(f), 0));
        Region { start, end, read: true, write: !execute, execute, file }
    }

    #[test]
    fn cuts_runs_at_the_borders_of_regions() {
        let regions = [
            region(0x1000, 0x3000, true, Some("/lib")),
            region(0x3000, 0x4000, false, Some("/lib")),
            region(0x4000, 0x6000, false, None),
            region(0x8000, 0x9000, false, Some("/data")),
            region(0xa000, 0xc000, false, None),
            region(0xd000, 0xe000, true, None),
        ];
        let known = backings(&regions, Path::new("/exe"), Some(0xbfff), &[0xd000]);
        let found = Residency::of(&known, [0x2000..0x5000, 0x5000..0x9000, 0xb000..0xf000]);
        let run = |start, end, backing| ResidentRun { start, end, backing };
        assert_eq!(
            found.runs,
            [
                run(0x2000, 0x4000, Backing::Program),
                run(0x4000, 0x6000, Backing::Anonymous),
                run(0x8000, 0x9000, Backing::File),
                run(0xb000, 0xc000, Backing::Stack),
                run(0xd000, 0xe000, Backing::Kernel),
            ]
        );
        assert_eq!(found.bytes(), 0x2000 + 0x2000 + 3 * 0x1000);
    }
}
