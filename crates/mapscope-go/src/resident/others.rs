//! Splits resident memory that Go does not know of by the mapping that it lies in: a file's name, C's heap, stacks of
//! threads, shared memory.

use std::ops::Range;
use std::path::PathBuf;

use mapscope_memory::{Backing, Memory, Region};
use rustc_hash::FxHashMap;

use super::pages::Pages;
use super::places::Places;

/// What a mapping is that Go does not know of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mapping {
    /// A mapped file, or a device.
    File(PathBuf),
    /// Memory shared with other processes, by the name that the kernel gives it.
    Shared(String),
    /// The heap of C that grows with `brk`.
    Brk,
    /// A mapping that a thread's stack pointer is in: the stack of a thread that C made.
    ThreadStack,
    /// Anything else that is anonymous: `malloc` of C, or mappings of the program's own.
    Anonymous,
}

/// Resident bytes of one kind of mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherMemory {
    /// What it is.
    pub mapping: Mapping,
    /// Mappings.
    pub mappings: u64,
    /// Resident bytes.
    pub bytes: u64,
}

/// Files that are told apart; more are in one row without a name.
const MAX_ROWS: usize = 4096;

/// Everything in no known place, most bytes first.
pub(super) fn others(memory: &dyn Memory, places: &Places, pages: &Pages) -> Vec<OtherMemory> {
    let regions = memory.regions();
    let labels = memory.labels();
    let mut stacks: Vec<u64> = memory.threads().iter().map(|t| t.registers.sp).collect();
    stacks.sort_unstable();
    let mut sums: FxHashMap<Mapping, OtherMemory> = FxHashMap::default();
    let mut last: Option<(u64, Mapping)> = None;
    places.each(pages, |part, backing, range| {
        if part.is_some() || !matches!(backing, Backing::Anonymous | Backing::File) {
            return;
        }
        for (piece, region) in pieces(regions, &range) {
            let mapping = match (region, backing) {
                (Some(region), _) => mapping(region, labels, &stacks),
                (None, Backing::File) => Mapping::File(PathBuf::new()),
                (None, _) => Mapping::Anonymous,
            };
            let mapping =
                if sums.len() >= MAX_ROWS && !sums.contains_key(&mapping) { Mapping::Anonymous } else { mapping };
            let start = region.map_or(piece.start, |r| r.start);
            let row = sums.entry(mapping.clone()).or_insert_with(|| OtherMemory {
                mapping: mapping.clone(),
                mappings: 0,
                bytes: 0,
            });
            row.bytes += piece.end - piece.start;
            if last.as_ref() != Some(&(start, mapping.clone())) {
                row.mappings += 1;
                last = Some((start, mapping));
            }
        }
    });
    let mut rows: Vec<OtherMemory> = sums.into_values().collect();
    rows.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.mapping.cmp(&b.mapping)));
    rows
}

/// A range cut at the borders of the regions it lies in, which are by address.
fn pieces<'r>(regions: &'r [Region], range: &Range<u64>) -> impl Iterator<Item = (Range<u64>, Option<&'r Region>)> {
    let (mut at, end) = (range.start, range.end);
    let mut next = regions.partition_point(|r| r.end <= at);
    std::iter::from_fn(move || {
        if at >= end {
            return None;
        }
        let region = regions.get(next).filter(|r| r.start <= at);
        let until = match region {
            Some(region) => region.end,
            None => regions.get(next).map_or(end, |r| r.start),
        };
        let piece = at..until.min(end);
        at = piece.end;
        next += usize::from(region.is_some_and(|r| r.end <= at));
        Some((piece, region))
    })
}

fn mapping(region: &Region, labels: &[(u64, String)], stacks: &[u64]) -> Mapping {
    if let Some((path, _)) = &region.file {
        return Mapping::File(path.clone());
    }
    let label = labels.binary_search_by_key(&region.start, |l| l.0).ok().and_then(|at| labels.get(at));
    match label.map(|l| l.1.as_str()) {
        Some("[heap]") => Mapping::Brk,
        Some(name) if name.starts_with('/') => {
            Mapping::Shared(name.strip_suffix(" (deleted)").unwrap_or(name).to_owned())
        }
        _ => {
            let above = stacks.partition_point(|sp| *sp < region.start);
            match stacks.get(above) {
                Some(sp) if *sp < region.end => Mapping::ThreadStack,
                _ => Mapping::Anonymous,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(start: u64, end: u64, file: Option<&str>) -> Region {
        Region { start, end, read: true, write: true, execute: false, file: file.map(|f| (f.into(), 0)) }
    }

    #[test]
    fn ranges_are_cut_where_mappings_end() {
        let regions = [region(10, 20, None), region(20, 30, Some("/db")), region(50, 60, None)];
        let cut =
            |range: Range<u64>| pieces(&regions, &range).map(|(r, of)| (r, of.map(|r| r.start))).collect::<Vec<_>>();
        assert_eq!(cut(15..25), [(15..20, Some(10)), (20..25, Some(20))]);
        assert_eq!(cut(25..55), [(25..30, Some(20)), (30..50, None), (50..55, Some(50))]);
        assert_eq!(cut(0..12), [(0..10, None), (10..12, Some(10))]);
        assert_eq!(cut(70..80), [(70..80, None)]);
    }

    #[test]
    fn mappings_are_named_by_what_they_are() {
        let labels = [(100, "[heap]".to_owned()), (300, "/memfd:cache".to_owned())];
        let of = |region: &Region| mapping(region, &labels, &[250]);
        assert_eq!(of(&region(0, 50, Some("/db"))), Mapping::File("/db".into()));
        assert_eq!(of(&region(100, 150, None)), Mapping::Brk);
        assert_eq!(of(&region(200, 260, None)), Mapping::ThreadStack);
        assert_eq!(of(&region(300, 350, None)), Mapping::Shared("/memfd:cache".into()));
        assert_eq!(of(&region(400, 450, None)), Mapping::Anonymous);
    }
}
