//! Lists of ranges of addresses, in order.

use std::ops::Range;

/// Joins ranges that touch or overlap, in the order of their beginnings.
pub(crate) fn join(ranges: impl IntoIterator<Item = Range<u64>>) -> Vec<Range<u64>> {
    let mut joined: Vec<Range<u64>> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
            _ => joined.push(range),
        }
    }
    joined
}

/// What lies in both.
pub(crate) fn intersection(a: &[Range<u64>], b: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut both = Vec::new();
    let mut first = 0;
    for range in a {
        first += b[first..].iter().take_while(|other| other.end <= range.start).count();
        for other in b[first..].iter().take_while(|other| other.start < range.end) {
            both.push(range.start.max(other.start)..range.end.min(other.end));
        }
    }
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_meet() {
        assert_eq!(intersection(&[0..10, 20..30], &[5..6, 8..22, 25..40, 50..60]), [5..6, 8..10, 20..22, 25..30]);
        assert_eq!(intersection(&[0..10, 20..30], &[]), []);
        assert_eq!(join([0..4, 4..8, 9..10, 9..12, 10..11]), [0..8, 9..12]);
    }
}
