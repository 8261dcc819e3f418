//! Fixed-size sets of small numbers, one bit each.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

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

    /// The bits, for writers that share the set out among them.
    pub(crate) fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
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
        self.words.iter().enumerate().flat_map(|(i, &word)| members(i, word))
    }
}

/// The numbers that the word at `index` stands for.
fn members(index: usize, word: u64) -> impl Iterator<Item = usize> {
    std::iter::successors((word != 0).then_some(word), |w| {
        let rest = w & (w - 1);
        (rest != 0).then_some(rest)
    })
    .map(move |w| index * 64 + w.trailing_zeros() as usize)
}

/// A set that knows how many of its members come before a number, so that columns need a row for members only.
#[derive(Clone, Debug, Default)]
pub(crate) struct RankedSet {
    bits: BitSet,
    /// Members before each word, and all of them.
    before: Vec<u32>,
}

impl RankedSet {
    pub(crate) fn new(bits: BitSet) -> Self {
        let mut before = Vec::with_capacity(bits.words.len() + 1);
        let mut total = 0;
        before.push(0);
        for word in &bits.words {
            total += word.count_ones();
            before.push(total);
        }
        Self { bits, before }
    }

    pub(crate) fn len(&self) -> usize {
        self.before.last().copied().unwrap_or(0) as usize
    }

    pub(crate) fn bits(&self) -> &BitSet {
        &self.bits
    }

    #[inline]
    pub(crate) fn contains(&self, index: usize) -> bool {
        self.bits.contains(index)
    }

    /// How many members are smaller than `index`, when it is a member.
    #[inline]
    pub(crate) fn rank(&self, index: usize) -> Option<usize> {
        let word = *self.bits.words.get(index / 64)?;
        let below = (word & ((1 << (index % 64)) - 1)).count_ones();
        (word >> (index % 64) & 1 == 1).then(|| (self.before[index / 64] + below) as usize)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.bits.iter()
    }
}

/// A set that many threads add to at once.
#[derive(Debug, Default)]
pub struct SharedBits {
    words: Vec<AtomicU64>,
}

impl SharedBits {
    /// An empty set that can hold numbers below `len`.
    pub fn new(len: usize) -> Self {
        Self { words: (0..len.div_ceil(64)).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Whether `index`, which must be below the bound, is in the set.
    #[inline]
    pub fn contains(&self, index: usize) -> bool {
        self.words[index / 64].load(Relaxed) >> (index % 64) & 1 == 1
    }

    /// Adds `index`, which must be below the bound; returns whether it was new.
    #[inline]
    pub fn insert(&self, index: usize) -> bool {
        let bit = 1 << (index % 64);
        self.words[index / 64].load(Relaxed) & bit == 0 && self.words[index / 64].fetch_or(bit, Relaxed) & bit == 0
    }

    /// Takes `index`, which must be below the bound, out; returns whether it was in the set.
    #[inline]
    pub fn remove(&self, index: usize) -> bool {
        let bit = 1 << (index % 64);
        self.words[index / 64].load(Relaxed) & bit != 0 && self.words[index / 64].fetch_and(!bit, Relaxed) & bit != 0
    }

    /// The numbers in the set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(i, word)| members(i, word.load(Relaxed)))
    }

    pub(crate) fn into_set(self) -> BitSet {
        BitSet { words: self.words.into_iter().map(AtomicU64::into_inner).collect() }
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

    #[test]
    fn ranks_count_the_members_before() {
        let shared = SharedBits::new(5000);
        let members: Vec<usize> = (0..5000).filter(|i| i * i % 7 == 2).collect();
        for m in &members {
            assert!(shared.insert(*m));
            assert!(!shared.insert(*m) && shared.contains(*m));
            assert!(shared.remove(*m) && !shared.remove(*m) && !shared.contains(*m) && shared.insert(*m));
        }
        let set = RankedSet::new(shared.into_set());
        assert_eq!((set.len(), set.iter().collect::<Vec<_>>()), (members.len(), members.clone()));
        for i in 0..5100 {
            assert_eq!(set.rank(i), members.binary_search(&i).ok(), "{i}");
        }
        assert_eq!(RankedSet::new(BitSet::new(0)).len(), 0);
    }
}
