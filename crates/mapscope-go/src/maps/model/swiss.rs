//! Swiss maps (`internal/runtime/maps/{map,table}.go`, Go 1.24 to 1.27).
//!
//! Up to eight entries live in one group. Then there is a table that doubles when it is filled to 7/8, up to 1024 slots;
//! from there on it splits in two by a bit of the hash, and so do its halves, each when it is full itself. So the bytes
//! of one table follow from the number of entries, and those of many from how the hashes fall.

use super::chance::{Estimate, Overfull};
use super::{GrowthStep, SLOTS};
use crate::heap::Allocator;

/// Bytes of the map's header and of a table's.
const HEADER: u64 = 48;
const TABLE: u64 = 32;
/// `maxTableCapacity`.
const LARGEST: u64 = 1024;
/// Hash bits that a directory can use; more tables fit into no memory.
const MAX_DEPTH: u32 = 48;
/// Standard deviations from the mean within which 98 of 100 parts are.
const MOST: f64 = 2.326;

#[derive(Clone, Copy, Debug)]
pub(super) struct Swiss {
    /// Bytes of a group, and whether it holds pointers.
    pub(super) group: u64,
    pub(super) pointers: bool,
    pub(super) allocator: Allocator,
}

/// The tables a map begins with.
#[derive(Clone, Copy)]
struct Start {
    depth: u32,
    capacity: u64,
}

/// Entries that a table takes before it grows (`maxGrowthLeft`).
fn room(capacity: u64) -> u64 {
    if capacity <= SLOTS { capacity - 1 } else { capacity / 8 * 7 }
}

/// What `NewMap` makes for a hint; none where the first entry makes a single group.
fn start(hint: u64) -> Option<Start> {
    if hint <= SLOTS {
        return None;
    }
    let target = u64::try_from(u128::from(hint) * 8 / 7).unwrap_or(u64::MAX);
    let tables = target.div_ceil(LARGEST).next_power_of_two();
    let capacity = (target / tables).max(SLOTS).next_power_of_two();
    Some(Start { depth: tables.trailing_zeros(), capacity })
}

impl Swiss {
    fn groups(&self, groups: u64) -> u64 {
        self.allocator.slot(groups.saturating_mul(self.group), self.pointers)
    }

    fn table(&self, capacity: u64) -> u64 {
        TABLE + self.groups(capacity / SLOTS)
    }

    fn directory(&self, depth: u32) -> u64 {
        self.allocator.slot(8 << depth, true)
    }

    pub(super) fn tables(&self, tables: u64, depth: u32) -> u64 {
        HEADER + self.directory(depth) + tables.saturating_mul(self.table(LARGEST))
    }

    /// `NewMap` with a hint, before the first entry.
    pub(super) fn made(&self, hint: u64) -> u64 {
        let Some(Start { depth, capacity }) = start(hint) else { return HEADER };
        HEADER + self.directory(depth) + self.table(capacity).saturating_mul(1 << depth)
    }

    /// Made with a hint of its entries, with the group that the first of up to eight brings.
    pub(super) fn anew(&self, entries: u64) -> u64 {
        let group = if (1..=SLOTS).contains(&entries) { self.groups(1) } else { 0 };
        self.made(entries) + group
    }

    pub(super) fn filled(&self, entries: u64, hint: u64) -> Estimate {
        let start = match start(hint) {
            None if entries <= SLOTS => return Estimate::exact(self.anew(entries)),
            // A full group becomes a table of two (`growToTable`).
            None => Start { depth: 0, capacity: 2 * SLOTS },
            Some(start) => start,
        };
        let base = HEADER + self.table(start.capacity).saturating_mul(1 << start.depth);
        let mut sum = Sum { expected: base as f64, low: base, high: base, exact: true };
        let mut capacity = start.capacity;
        while capacity < LARGEST {
            let grown = self.table(2 * capacity) - self.table(capacity);
            sum.add(Overfull::new(entries, start.depth, room(capacity)), grown);
            capacity *= 2;
        }
        for depth in start.depth..MAX_DEPTH {
            let split = Overfull::new(entries, depth, room(LARGEST));
            sum.add(split, self.table(LARGEST));
            if split.p <= 0.0 {
                break;
            }
        }
        self.add_directory(&mut sum, entries, start.depth);
        sum.estimate()
    }

    /// The directory doubles with the first table that needs one bit more than it has.
    fn add_directory(&self, sum: &mut Sum, entries: u64, first: u32) {
        let (mut low, mut high, mut expected, mut below) = (None, first, 0.0, 0.0);
        for depth in first..MAX_DEPTH {
            let split = Overfull::new(entries, depth, room(LARGEST));
            // The directory has this depth when no table of this depth has split.
            let reached = split.none().max(below);
            expected += (reached - below) * self.directory(depth) as f64;
            below = reached;
            if low.is_none() && !split.is_certain() {
                low = Some(depth);
            }
            high = depth;
            sum.exact &= split.is_sure();
            if split.is_rare() {
                break;
            }
        }
        sum.expected += expected;
        sum.low += self.directory(low.unwrap_or(high));
        sum.high += self.directory(high);
    }

    pub(super) fn peak(&self, entries: u64, hint: u64) -> Estimate {
        let now = self.filled(entries, hint);
        let Some(Start { depth, capacity }) = start(hint) else { return self.peak_of_growth(entries, now) };
        if now.exact && entries <= room(capacity) && depth == 0 {
            return now;
        }
        let one = self.table(LARGEST);
        Estimate { exact: false, high: now.high.saturating_add(one).saturating_add(self.directory(depth + 1)), ..now }
    }

    fn peak_of_growth(&self, entries: u64, now: Estimate) -> Estimate {
        if entries <= SLOTS {
            return now;
        }
        if entries <= room(LARGEST) {
            let steps = self.steps(entries);
            return steps.iter().filter(|s| s.entries <= entries).fold(now, |most, step| most.max(step.peak));
        }
        self.splitting(now)
    }

    /// With one table that splits: it stays until its halves are filled, and so does a directory that doubles.
    fn splitting(&self, now: Estimate) -> Estimate {
        let one = self.table(LARGEST);
        let directory = now.high / one * 8;
        Estimate { high: now.high.saturating_add(one).saturating_add(directory), ..now.plus(one) }
    }

    /// A table whose tombstones use up its room grows although its entries are no more: each at most once more than its
    /// entries ask for, as long as turnovers are few (the testbed replaces every entry ten times).
    pub(super) fn churned(&self, entries: u64) -> Estimate {
        let now = self.filled(entries, 0);
        if entries <= SLOTS {
            return now;
        }
        let one = (2 * SLOTS..LARGEST).find(|c| c.is_power_of_two() && entries <= room(*c));
        let high = match one {
            Some(capacity) => HEADER + self.directory(0) + self.table(2 * capacity),
            // A directory of twice the length may take a little more than twice the slot.
            None => HEADER + (now.high - HEADER).saturating_mul(2).saturating_add(self.table(LARGEST)),
        };
        Estimate { high, exact: false, ..now }
    }

    pub(super) fn steps(&self, entries: u64) -> Vec<GrowthStep> {
        let exact = |entries| self.filled(entries, 0);
        let mut steps =
            vec![GrowthStep { entries: 1, until: 1, slots: SLOTS, before: exact(0), after: exact(1), peak: exact(1) }];
        let mut capacity = SLOTS;
        while capacity < LARGEST && steps.last().is_some_and(|s| s.entries <= entries) {
            let full = if capacity == SLOTS { SLOTS } else { room(capacity) };
            let (before, after) = (exact(full), exact(full + 1));
            // The group that is left has no table of its own.
            let old = if capacity == SLOTS { self.groups(1) } else { self.table(capacity) };
            steps.push(GrowthStep {
                entries: full + 1,
                until: full + 1,
                slots: 2 * capacity,
                before,
                after,
                peak: after.plus(old),
            });
            capacity *= 2;
        }
        let mut depth = 0;
        while depth < MAX_DEPTH - 8 && steps.last().is_some_and(|s| s.entries <= entries) {
            steps.push(self.split(depth));
            depth += 1;
        }
        steps
    }

    /// All of `2^depth` tables split.
    fn split(&self, depth: u32) -> GrowthStep {
        let full = room(LARGEST);
        let away = MOST * (full as f64).sqrt();
        let at = |mean: f64| if depth == 0 { full + 1 } else { (mean * f64::from(depth).exp2()) as u64 };
        let (first, last) = (at(full as f64 - away), at(full as f64 + away));
        let after = self.filled(last, 0);
        GrowthStep {
            entries: first,
            until: last,
            slots: LARGEST << (depth + 1),
            before: self.filled(first - 1, 0),
            after,
            peak: self.splitting(after),
        }
    }
}

/// Bytes that add up from counts of overfull tables.
struct Sum {
    expected: f64,
    low: u64,
    high: u64,
    exact: bool,
}

impl Sum {
    fn add(&mut self, count: Overfull, bytes: u64) {
        self.expected += count.expected() * bytes as f64;
        self.low = self.low.saturating_add(count.low().saturating_mul(bytes));
        self.high = self.high.saturating_add(count.high().saturating_mul(bytes));
        self.exact &= count.is_sure();
    }

    fn estimate(&self) -> Estimate {
        let expected = (self.expected.round() as u64).clamp(self.low, self.high);
        Estimate { expected, low: self.low, high: self.high, exact: self.exact }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `map[int]int`.
    const MAP: Swiss = Swiss { group: 136, pointers: false, allocator: Allocator { headers: true } };

    #[test]
    fn one_table_follows_from_the_entries() {
        for (entries, bytes) in [(0, 48), (1, 48 + 144), (8, 48 + 144), (9, 48 + 8 + 32 + 288), (14, 376)] {
            assert_eq!(MAP.filled(entries, 0), Estimate::exact(bytes), "{entries}");
        }
        assert_eq!(MAP.filled(15, 0), Estimate::exact(48 + 8 + 32 + 576));
        assert_eq!(MAP.filled(896, 0), Estimate::exact(48 + 8 + 32 + 18432));
        assert_eq!(MAP.filled(100, 100), Estimate::exact(MAP.made(100)));
        assert!(!MAP.filled(897, 0).exact && !MAP.filled(897, 897).exact);
        // One table has become two: with the next entry in one of them.
        let two = 48 + 16 + 2 * (32 + 18432);
        let split = MAP.filled(897, 0);
        assert_eq!((split.low, split.expected), (two, two));
    }

    /// Hashes from a generator of our own (`SplitMix64`), so that the same maps are made each time.
    struct Hashes(u64);

    impl Hashes {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        }
    }

    /// What a map of these hashes takes, table by table.
    fn simulate(hashes: &[u64], hint: u64) -> u64 {
        let Start { depth, capacity } = start(hint).unwrap_or(Start { depth: 0, capacity: 16 });
        let (mut bytes, mut deepest) = (HEADER, depth);
        // Parts of the hashes, by their first bits, with the depth that tells them apart.
        let part = |hash: u64, depth: u32| if depth == 0 { 0 } else { hash >> (64 - depth) };
        let mut parts: Vec<(u32, Vec<u64>)> = (0..1u64 << depth)
            .map(|p| (depth, hashes.iter().copied().filter(|h| part(*h, depth) == p).collect()))
            .collect();
        while let Some((at, inside)) = parts.pop() {
            let entries = inside.len() as u64;
            if entries > room(LARGEST) {
                let (left, right) = inside.into_iter().partition(|h| part(*h, at + 1) & 1 == 0);
                parts.extend([(at + 1, left), (at + 1, right)]);
                continue;
            }
            deepest = deepest.max(at);
            let mut own = if at > depth { LARGEST } else { capacity };
            while entries > room(own) {
                own *= 2;
            }
            bytes += MAP.table(own);
        }
        bytes + MAP.directory(deepest)
    }

    #[test]
    fn simulated_maps_are_in_their_range_and_their_mean_is_what_is_expected() {
        let mut hashes = Hashes(1);
        for (entries, hint) in
            [(897, 0), (1792, 0), (1800, 0), (7000, 0), (14_336, 0), (897, 897), (10_000, 10_000), (30_000, 10_000)]
        {
            let estimate = MAP.filled(entries, hint);
            let maps = 200;
            let mut sum = 0;
            for _ in 0..maps {
                let bytes = simulate(&(0..entries).map(|_| hashes.next()).collect::<Vec<_>>(), hint);
                assert!((estimate.low..=estimate.high).contains(&bytes), "{entries} {hint}: {bytes} {estimate:?}");
                sum += bytes;
            }
            let (mean, expected) = (sum as f64 / f64::from(maps), estimate.expected as f64);
            assert!((mean / expected - 1.0).abs() < 0.02, "{entries} {hint}: {mean} {expected}");
        }
    }

    #[test]
    fn steps_begin_where_a_table_is_full() {
        let steps = MAP.steps(2000);
        let entries: Vec<u64> = steps.iter().map(|s| s.entries).collect();
        assert_eq!(entries[..9], [1, 9, 15, 29, 57, 113, 225, 449, 897]);
        assert!(entries[9] < 1792 && steps[9].until > 1792 && entries[10] > 2000 && entries.len() == 11);
        assert_eq!(steps[2].peak, Estimate::exact(48 + 8 + 2 * 32 + 288 + 576));
        assert_eq!(MAP.peak(100, 0), steps[4].peak);
    }
}
