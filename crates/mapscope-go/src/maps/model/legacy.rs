//! Legacy maps (`runtime/map.go` of Go 1.21 to 1.23, `runtime/map_noswiss.go` of 1.24 and 1.25).
//!
//! The array of buckets follows from the number of entries. Buckets that get more than eight take an overflow bucket:
//! from the end of the array as long as there are some, then one from the heap. How many, the hashes decide. An array
//! that has become too small stays until its entries have moved, two buckets with every write.

use super::chance::{Estimate, Overfull, excess};
use super::{GrowthStep, SLOTS};
use crate::heap::Allocator;

/// Bytes of `mapextra`.
const EXTRA: u64 = 24;
/// Larger arrays fit into no memory.
const MAX_LOG: u32 = 48;
/// From 16 buckets on, an array ends in buckets for overflow.
const WITH_SPARE: u32 = 4;
/// Inserts until the old array is free, as a share of its buckets, in the mean: each moves the bucket of its key and the
/// next one that is left, so the share that is left after inserts for `t` of the buckets is `2 exp(-t) - 1`.
const MOVED: f64 = std::f64::consts::LN_2;

#[derive(Clone, Copy, Debug)]
pub(super) struct Legacy {
    bucket: u64,
    pointers: bool,
    header: u64,
    /// Entries for two buckets.
    load: u64,
    allocator: Allocator,
}

/// An array of buckets.
#[derive(Clone, Copy)]
struct Array {
    bytes: u64,
    /// Buckets at its end for overflow.
    spare: u64,
}

impl Legacy {
    pub(super) fn new(bucket: u64, pointers: bool, minor: u32) -> Self {
        Self {
            bucket,
            pointers,
            // A sequence number of clears came in 1.24: 56 bytes in a slot of 64.
            header: if minor >= 24 { 64 } else { 48 },
            // 1.21 rounded its load factor of 6.5 down.
            load: if minor <= 21 { 12 } else { 13 },
            allocator: Allocator { headers: minor >= 22 },
        }
    }

    /// Entries that `2^log` buckets take before they grow (`overLoadFactor`).
    fn room(&self, log: u32) -> u64 {
        if log == 0 { SLOTS } else { self.load.saturating_mul(1 << (log - 1)) }
    }

    /// The logarithm of the buckets that so many entries need.
    fn log(&self, entries: u64) -> u32 {
        (0..MAX_LOG).find(|log| entries <= self.room(*log)).unwrap_or(MAX_LOG)
    }

    /// `makeBucketArray`.
    fn array(&self, log: u32) -> Array {
        let main = 1u64 << log;
        let slot = |buckets: u64| self.allocator.slot(buckets.saturating_mul(self.bucket), self.pointers);
        if log < WITH_SPARE {
            return Array { bytes: slot(main), spare: 0 };
        }
        let least = main + main / 16;
        let room = self.allocator.room(least.saturating_mul(self.bucket), self.pointers);
        let buckets = room / self.bucket.max(1);
        Array { bytes: slot(buckets), spare: buckets - main }
    }

    fn one_bucket(&self) -> u64 {
        self.allocator.slot(self.bucket, self.pointers)
    }

    pub(super) fn buckets(&self, log: u32, overflow: u64, extra: bool) -> u64 {
        let Array { bytes, spare } = self.array(log);
        let extra = if extra || log >= WITH_SPARE { EXTRA } else { 0 };
        self.header + extra + bytes + overflow.saturating_sub(spare).saturating_mul(self.one_bucket())
    }

    /// `makemap` with a hint, before the first entry.
    pub(super) fn made(&self, hint: u64) -> u64 {
        match self.log(hint) {
            0 => self.header,
            log => self.header + self.array(log).bytes + if log >= WITH_SPARE { EXTRA } else { 0 },
        }
    }

    /// Made with a hint of its entries, with the bucket that the first of up to eight brings; no overflow beyond what the
    /// array has room for.
    pub(super) fn anew(&self, entries: u64) -> u64 {
        let bucket = if (1..=SLOTS).contains(&entries) { self.one_bucket() } else { 0 };
        self.made(entries) + bucket
    }

    pub(super) fn filled(&self, entries: u64, hint: u64) -> Estimate {
        if entries == 0 {
            return Estimate::exact(self.made(hint));
        }
        let (first, log) = (self.log(hint), self.log(entries).max(self.log(hint)));
        if log == 0 {
            return Estimate::exact(self.header + self.one_bucket());
        }
        let overflow = self.overflow(entries, log);
        let extra = self.extra(entries, first, log);
        let now = overflow.plus(self.header + self.array(log).bytes).and(extra);
        if log > first { self.with_old(now, entries, log) } else { now }
    }

    /// Bytes of overflow buckets on the heap, with so many entries in `2^log` buckets.
    fn overflow(&self, entries: u64, log: u32) -> Estimate {
        let (mut mean, mut variance, mut low, mut high) = (0.0, 0.0, 0, 0u64);
        for bucket in 1..64 {
            let longer = Overfull::new(entries, log, bucket * SLOTS);
            mean += longer.expected();
            variance += longer.variance();
            low += longer.low();
            high = high.saturating_add(longer.high());
            if longer.is_rare() {
                break;
            }
        }
        let (spare, one) = (self.array(log).spare, self.one_bucket());
        let bytes = |count: u64| count.saturating_sub(spare).saturating_mul(one);
        let expected = excess(mean, variance, spare as f64) * one as f64;
        let (low, high) = (bytes(low), bytes(high));
        Estimate { expected: (expected.round() as u64).clamp(low, high), low, high, exact: mean == 0.0 }
    }

    /// `mapextra`: for arrays with buckets to spare, and to keep overflow buckets alive that hold no pointers.
    fn extra(&self, entries: u64, first: u32, log: u32) -> Estimate {
        if log >= WITH_SPARE {
            return Estimate::exact(EXTRA);
        }
        if self.pointers {
            return Estimate::exact(0);
        }
        // None so far, in any array there was: the last entries that each had.
        let last = |log: u32| entries.min(self.room(log));
        let none: f64 = (first.max(1)..=log).map(|log| Overfull::new(last(log), log, SLOTS).none()).product();
        let expected = ((1.0 - none) * EXTRA as f64).round() as u64;
        let high = if none < 1.0 { EXTRA } else { 0 };
        Estimate { expected, low: 0, high, exact: high == 0 }
    }

    /// With the array that was left for one of `2^log` buckets, as long as its entries are moving.
    fn with_old(&self, now: Estimate, entries: u64, log: u32) -> Estimate {
        let full = self.room(log - 1);
        let buckets = 1u64 << (log - 1);
        // The entry that found the array full has moved buckets already.
        let writes = entries - full;
        if writes >= buckets {
            return now;
        }
        let array = self.array(log - 1).bytes;
        let before = self.overflow(full, log - 1);
        let left = (2.0 * (-(writes as f64) / buckets as f64).exp() - 1.0).max(0.0);
        // Overflow buckets without pointers stay on their list until all have moved.
        let kept = if self.pointers { left } else { 1.0 };
        let growing = (writes as f64) < MOVED * buckets as f64;
        // What has not moved yet does not overflow in the new array.
        let least = now.low - self.overflow(entries, log).low;
        // At most two buckets move with a write.
        let surely = if writes < buckets / 2 { array } else { 0 };
        let expected = if growing { array + (before.expected as f64 * kept).round() as u64 } else { 0 };
        Estimate {
            expected: now.expected + expected,
            low: least + surely,
            high: now.high + array + before.high,
            exact: false,
        }
    }

    pub(super) fn peak(&self, entries: u64, hint: u64) -> Estimate {
        let now = self.filled(entries, hint);
        let (first, log) = (self.log(hint), self.log(entries));
        if log <= first { now } else { now.max(self.growing(log)) }
    }

    /// At the moment when `2^log` buckets are made, and all entries are still in half of them.
    fn growing(&self, log: u32) -> Estimate {
        let full = self.room(log - 1);
        let before = self.overflow(full, log - 1);
        let extra = self.extra(full, 0, log);
        before.plus(self.header + self.array(log - 1).bytes + self.array(log).bytes).and(extra)
    }

    /// Cells are used again, but overflow buckets stay where a bucket once needed them. When there are as many as
    /// buckets, all entries move to a new array of the same size (`tooManyOverflowBuckets`, an estimate above 2^15).
    pub(super) fn churned(&self, entries: u64) -> Estimate {
        let now = self.filled(entries, 0);
        let log = self.log(entries);
        if log == 0 {
            return now;
        }
        let array = self.array(log);
        let buckets = (1u64 << log) + (1 << log) / 16;
        let chained = buckets.saturating_sub(array.spare).saturating_mul(self.one_bucket());
        let (new, old) = (self.overflow(entries, log).high, array.bytes + chained);
        let high = self.header + EXTRA + array.bytes + new.max(chained) + old;
        Estimate { high: now.high.max(high), exact: false, ..now }
    }

    pub(super) fn steps(&self, entries: u64) -> Vec<GrowthStep> {
        let first = self.filled(1, 0);
        let mut steps = vec![GrowthStep {
            entries: 1,
            until: 1,
            slots: SLOTS,
            before: self.filled(0, 0),
            after: first,
            peak: first,
        }];
        let mut log = 1;
        while log < MAX_LOG && steps.last().is_some_and(|s| s.entries <= entries) {
            let full = self.room(log - 1);
            // The old array is gone when as many writes have come as it had buckets, at the latest.
            let moved = full + (1 << (log - 1));
            steps.push(GrowthStep {
                entries: full + 1,
                until: full + 1,
                slots: SLOTS << log,
                before: self.filled(full, 0),
                after: self.filled(moved, 0),
                peak: self.growing(log),
            });
            log += 1;
        }
        steps
    }
}

impl Estimate {
    fn and(self, other: Self) -> Self {
        Self {
            expected: self.expected + other.expected,
            low: self.low + other.low,
            high: self.high + other.high,
            exact: self.exact && other.exact,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_array_is_that_of_the_runtime() {
        // map[int]int: buckets of 144 bytes, without pointers.
        let map = Legacy::new(144, false, 23);
        assert_eq!(map.filled(0, 0), Estimate::exact(48));
        assert_eq!(map.filled(8, 0), Estimate::exact(48 + 144));
        assert_eq!((map.made(8), map.made(9), map.made(13), map.made(14)), (48, 48 + 288, 48 + 288, 48 + 576));
        // 17 buckets are 2448 bytes, and 18 fit into their slot of 2688.
        let sixteen = map.array(4);
        assert_eq!((sixteen.bytes, sixteen.spare), (2688, 2));
        assert_eq!(map.made(104), 48 + EXTRA + 2688);
        // 1.21 rounds 6.5 down to 6.
        assert_eq!((Legacy::new(144, false, 21).log(13), map.log(13)), (2, 1));
    }

    #[test]
    fn the_header_of_an_array_is_no_room_for_buckets() {
        // 17 buckets of 192 bytes are 3264. A slot of 3456 has room for 18, but not with the type in front of them.
        let array = |minor, pointers| Legacy::new(192, pointers, minor).array(4);
        assert_eq!((array(23, true).bytes, array(23, true).spare), (3456, 1));
        assert_eq!((array(23, false).bytes, array(23, false).spare), (3456, 2));
        assert_eq!((array(21, true).bytes, array(21, true).spare), (3456, 2));
    }

    /// Overflow buckets of a map made with a hint, from a generator of our own: bytes on the heap.
    fn simulate(map: Legacy, entries: u64, seed: u64) -> u64 {
        let log = map.log(entries);
        let mut buckets = vec![0u64; 1 << log];
        let mut state = seed;
        for _ in 0..entries {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            buckets[((state >> 33) & ((1 << log) - 1)) as usize] += 1;
        }
        let overflow: u64 = buckets.iter().map(|n| n.saturating_sub(1) / SLOTS).sum();
        map.made(entries) + overflow.saturating_sub(map.array(log).spare) * map.one_bucket()
    }

    #[test]
    fn simulated_maps_are_in_their_range_and_their_mean_is_what_is_expected() {
        let map = Legacy::new(208, true, 23);
        for entries in [26, 104, 700, 832, 5000, 13 << 10] {
            let estimate = map.filled(entries, entries);
            let bytes: Vec<u64> = (0..200).map(|seed| simulate(map, entries, seed * 7919 + 1)).collect();
            let inside = |b: &u64| (estimate.low..=estimate.high).contains(b);
            assert!(bytes.iter().all(inside), "{entries}: {estimate:?} {bytes:?}");
            let mean = bytes.iter().sum::<u64>() as f64 / bytes.len() as f64;
            assert!((mean / estimate.expected as f64 - 1.0).abs() < 0.02, "{entries}: {mean} {estimate:?}");
        }
    }

    #[test]
    fn an_array_that_grows_is_there_twice() {
        let map = Legacy::new(208, true, 23);
        let (before, after, done) = (map.filled(832, 0), map.filled(833, 0), map.filled(832 + 128, 0));
        assert!(after.low >= map.array(7).bytes + map.array(8).bytes && after.low > before.high);
        assert!(done.high < after.low && map.peak(960, 0).low >= after.low - 400);
        let entries: Vec<u64> = map.steps(60).iter().map(|s| s.entries).collect();
        assert_eq!(entries, [1, 9, 14, 27, 53, 105]);
    }
}
