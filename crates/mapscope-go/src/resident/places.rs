//! Known ranges of the address space, and the resident bytes of each kind.

use std::ops::Range;

use mapscope_memory::Backing;
use rustc_hash::FxHashMap;

use super::pages::Pages;

/// What a known range belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// An arena of the heap.
    Heap,
    /// The runtime's own.
    Runtime,
    /// A system stack.
    Stacks,
    /// A segment of the executable.
    Binary,
}

/// A range that is known.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) range: Range<u64>,
    pub(super) part: Part,
}

/// Known ranges by address, not overlapping.
pub(super) struct Places(Vec<Place>);

impl Places {
    /// Sorts the places; where two overlap, the page belongs to the one that starts first.
    pub(super) fn new(mut places: Vec<Place>) -> Self {
        places.sort_by_key(|p| p.range.start);
        let mut end = 0;
        places.retain_mut(|place| {
            place.range.start = place.range.start.max(end);
            end = end.max(place.range.end);
            !place.range.is_empty()
        });
        Self(places)
    }

    /// The places, by address.
    pub(super) fn all(&self) -> &[Place] {
        &self.0
    }

    /// Whether a range has a part of one of them.
    pub(super) fn overlaps(&self, range: &Range<u64>) -> bool {
        let next = self.0.partition_point(|place| place.range.end <= range.start);
        !range.is_empty() && self.0.get(next).is_some_and(|place| place.range.start < range.end)
    }

    /// Resident bytes by part and by what is behind the pages; those in no known range have no part.
    pub(super) fn sums(&self, pages: &Pages) -> FxHashMap<(Option<Part>, Backing), u64> {
        let mut sums: FxHashMap<(Option<Part>, Backing), u64> = FxHashMap::default();
        self.each(pages, |part, backing, range| *sums.entry((part, backing)).or_default() += range.end - range.start);
        sums
    }

    /// Calls `sink` for all resident memory, by address, in ranges of one part with one thing behind them.
    pub(super) fn each(&self, pages: &Pages, mut sink: impl FnMut(Option<Part>, Backing, Range<u64>)) {
        let mut places = self.0.as_slice();
        for run in pages.from(0) {
            let mut at = run.start;
            while at < run.end {
                while let [first, rest @ ..] = places
                    && first.range.end <= at
                {
                    places = rest;
                }
                let (part, end) = match places.first() {
                    Some(p) if p.range.start <= at => (Some(p.part), p.range.end.min(run.end)),
                    Some(p) => (None, p.range.start.min(run.end)),
                    None => (None, run.end),
                };
                sink(part, run.backing, at..end);
                at = end;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use mapscope_memory::ResidentRun;

    use super::*;

    #[test]
    fn every_resident_byte_is_counted_once() {
        let run = |start, end, backing| ResidentRun { start, end, backing };
        let pages = Pages::new(vec![
            run(0, 100, Backing::Anonymous),
            run(100, 130, Backing::Program),
            run(200, 300, Backing::Anonymous),
        ]);
        let place = |range: Range<u64>, part| Place { range, part };
        let places = Places::new(vec![
            place(90..120, Part::Binary),
            place(40..60, Part::Heap),
            place(50..95, Part::Runtime),
            place(250..u64::MAX, Part::Stacks),
            place(7..7, Part::Heap),
        ]);
        let sums = places.sums(&pages);
        let mut found: Vec<_> = sums.iter().map(|(k, v)| (format!("{k:?}"), *v)).collect();
        found.sort();
        assert_eq!(sums.values().sum::<u64>(), pages.total());
        let of = |part, backing| sums.get(&(part, backing)).copied();
        assert_eq!(of(Some(Part::Heap), Backing::Anonymous), Some(20), "{found:?}");
        assert_eq!(of(Some(Part::Runtime), Backing::Anonymous), Some(35));
        assert_eq!(of(Some(Part::Binary), Backing::Anonymous), Some(5));
        assert_eq!(of(Some(Part::Binary), Backing::Program), Some(20));
        assert_eq!(of(None, Backing::Program), Some(10));
        assert_eq!(of(Some(Part::Stacks), Backing::Anonymous), Some(50));
        assert_eq!(of(None, Backing::Anonymous), Some(40 + 50));
        assert!(places.overlaps(&(59..60)) && places.overlaps(&(0..41)) && places.overlaps(&(300..301)));
        assert!(!places.overlaps(&(0..40)) && !places.overlaps(&(120..250)) && !places.overlaps(&(50..50)));
    }
}
