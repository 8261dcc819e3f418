//! Resident pages, asked for by range.

use std::ops::Range;

use mapscope_memory::ResidentRun;

/// Runs of resident pages with running sums, so that a range costs a search.
pub(super) struct Pages {
    runs: Vec<ResidentRun>,
    /// Resident bytes before each run, and after the last.
    before: Vec<u64>,
}

impl Pages {
    /// `runs` are sorted and do not overlap.
    pub(super) fn new(runs: Vec<ResidentRun>) -> Self {
        let mut before = Vec::with_capacity(runs.len() + 1);
        let mut sum = 0;
        for run in &runs {
            before.push(sum);
            sum += run.end - run.start;
        }
        before.push(sum);
        Self { runs, before }
    }

    /// All resident bytes.
    pub(super) fn total(&self) -> u64 {
        self.before.last().copied().unwrap_or(0)
    }

    /// Resident bytes of a range.
    pub(super) fn bytes(&self, range: Range<u64>) -> u64 {
        self.below(range.end).saturating_sub(self.below(range.start))
    }

    fn below(&self, address: u64) -> u64 {
        let index = self.runs.partition_point(|r| r.end <= address);
        let into = self.runs.get(index).map_or(0, |r| address.saturating_sub(r.start));
        self.before.get(index).copied().unwrap_or(0) + into
    }

    /// The runs from the first that ends beyond `address`.
    pub(super) fn from(&self, address: u64) -> &[ResidentRun] {
        let index = self.runs.partition_point(|r| r.end <= address);
        self.runs.get(index..).unwrap_or_default()
    }

    /// The parts of a range that are not resident, by address.
    pub(super) fn missing(&self, range: Range<u64>) -> impl Iterator<Item = Range<u64>> + '_ {
        let mut at = range.start;
        let end = range.end;
        let runs = self.from(at).iter().take_while(move |r| r.start < end).map(|r| r.start..r.end);
        runs.chain(std::iter::once(end..end)).filter_map(move |run| {
            let gap = at..run.start.max(at);
            at = run.end.max(at);
            (!gap.is_empty()).then_some(gap)
        })
    }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init, reason = "one gap is a list of gaps too")]
mod tests {
    use mapscope_memory::Backing;

    use super::*;

    #[test]
    fn sums_and_gaps_of_a_range() {
        let run = |start, end| ResidentRun { start, end, backing: Backing::Anonymous };
        let pages = Pages::new(vec![run(10, 20), run(20, 25), run(40, 50)]);
        assert_eq!(pages.total(), 25);
        assert_eq!((pages.bytes(0..100), pages.bytes(15..45), pages.bytes(26..40), pages.bytes(9..11)), (25, 15, 0, 1));
        let missing = |range| pages.missing(range).collect::<Vec<_>>();
        assert_eq!(missing(0..100), [0..10, 25..40, 50..100]);
        assert_eq!(missing(12..24), []);
        assert_eq!(missing(22..42), [25..40]);
        assert_eq!(missing(26..30), [26..30]);
        assert_eq!(missing(60..61), [60..61]);
        assert_eq!(Pages::new(Vec::new()).bytes(0..u64::MAX), 0);
    }
}
