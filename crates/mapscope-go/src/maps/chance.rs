//! What hashes add to a map made to measure: they spread as chance has it, so that a table or a bucket here and there gets
//! more than its share, and the map grows there.

use super::size::{MAX_CAPACITY, allocated, swiss_tables, table_bytes};
use crate::types::MapShape;
use crate::typing::slot_for;

/// Entries that a bucket of a legacy map has room for.
const BUCKET: u64 = 8;
/// Terms of the sum over how many entries a bucket gets: with 6.5 on average, no bucket of any map has so many.
const TERMS: u64 = 64;

/// Bytes of the tables that are split because more entries fall to them than they take (`maxGrowthLeft`, 7/8).
pub(super) fn swiss(entries: u64, shape: &MapShape) -> u64 {
    let (tables, capacity) = swiss_tables(entries);
    if tables <= 1 {
        return 0;
    }
    let mean = entries as f64 / tables as f64;
    let limit = (capacity / 8 * 7) as f64;
    let splits = tables as f64 * upper_tail((limit + 0.5 - mean) / mean.sqrt());
    // One split doubles the directory, unless it already was larger than its tables need.
    let directory = if splits >= 0.5 { allocated(tables * 16, true) - allocated(tables * 8, true) } else { 0 };
    (splits * table_bytes(MAX_CAPACITY, shape) as f64) as u64 + directory
}

/// Bytes of overflow buckets beyond the `spare` ones that are made with the array of `2^log` buckets.
pub(super) fn legacy(entries: u64, log: u32, spare: u64, shape: &MapShape) -> u64 {
    let buckets = (1u64 << log) as f64;
    let mean = entries as f64 / buckets;
    let mut chance = (-mean).exp();
    let mut overflow = 0.0;
    for entries in 1..TERMS {
        chance *= mean / entries as f64;
        overflow += chance * (entries.div_ceil(BUCKET) - 1) as f64;
    }
    let beyond = (overflow * buckets - spare as f64).max(0.0);
    (beyond * slot_for(shape.group_size) as f64) as u64
}

/// The chance that a normally distributed number is `z` standard deviations or more above its mean (Abramowitz and Stegun,
/// 7.1.26; off by less than one in a million).
fn upper_tail(z: f64) -> f64 {
    if z < 0.0 {
        return 1.0 - upper_tail(-z);
    }
    let x = z / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let terms = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    terms.iter().fold(0.0, |sum, a| (sum + a) * t) * (-x * x).exp() / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_are_those_of_the_tables() {
        for (z, chance) in [(0.0, 0.5), (1.0, 0.158_655), (2.0, 0.022_750), (3.0, 0.001_350), (-1.0, 0.841_345)] {
            assert!((upper_tail(z) - chance).abs() < 1e-5, "{z}: {}", upper_tail(z));
        }
    }
}
