//! A fixed-size set of small numbers, one bit each.

/// A set of numbers below a fixed bound.
#[derive(Clone, Debug, Default)]
pub struct BitSet {
    words: Vec<u64>,
}

impl BitSet {
    /// An empty set that can hold numbers below `len`.
    pub fn new(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)] }
    }

    /// Whether `index` is in the set; numbers beyond the bound are not.
    #[inline]
    pub fn contains(&self, index: usize) -> bool {
        self.words.get(index / 64).is_some_and(|w| w >> (index % 64) & 1 == 1)
    }

    /// Adds `index`; returns whether it was new. Numbers beyond the bound are ignored.
    #[inline]
    pub fn insert(&mut self, index: usize) -> bool {
        let Some(word) = self.words.get_mut(index / 64) else { return false };
        let bit = 1 << (index % 64);
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    /// How many numbers are in the set.
    pub fn count(&self) -> u64 {
        self.words.iter().map(|w| u64::from(w.count_ones())).sum()
    }

    /// How many numbers of `from..to` are in the set.
    pub fn count_range(&self, from: usize, to: usize) -> u64 {
        if from >= to {
            return 0;
        }
        let (first, last) = (from / 64, (to - 1) / 64);
        let mut total = 0;
        for word in first..=last {
            let mut bits = self.words.get(word).copied().unwrap_or(0);
            if word == first {
                bits &= u64::MAX << (from % 64);
            }
            if word == last {
                bits &= u64::MAX >> (63 - (to - 1) % 64);
            }
            total += u64::from(bits.count_ones());
        }
        total
    }

    /// The numbers in the set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(i, &word)| {
            std::iter::successors((word != 0).then_some(word), |w| {
                let rest = w & (w - 1);
                (rest != 0).then_some(rest)
            })
            .map(move |w| i * 64 + w.trailing_zeros() as usize)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_ranges_across_words() {
        let mut set = BitSet::new(200);
        let members = [0, 1, 63, 64, 127, 128, 199];
        for m in members {
            assert!(set.insert(m));
            assert!(!set.insert(m));
        }
        assert_eq!(set.iter().collect::<Vec<_>>(), members);
        for from in 0..200 {
            for to in from..=200 {
                let expected = members.iter().filter(|m| (from..to).contains(*m)).count() as u64;
                assert_eq!(set.count_range(from, to), expected, "{from}..{to}");
            }
        }
        assert!(!set.contains(10_000));
        assert!(!set.insert(10_000));
    }
}
