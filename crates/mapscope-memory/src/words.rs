//! A set of the words of an address space, as large as what is in it.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::{AMD64, Region};

/// Bytes of a word, and of the part of memory whose words one block of bits stands for.
const WORD: u64 = 8;
/// See [`WORD`].
const BLOCK: u64 = 1 << 20;
/// Words of bits of a block.
const BITS: usize = (BLOCK / WORD / 64) as usize;
/// Regions that are larger are reservations: what is read of them is not noted.
const RESERVATION: u64 = 1 << 40;

/// Words of 8 bytes of a target's memory. Threads may add to it at the same time.
#[derive(Debug)]
pub struct WordSet {
    areas: Vec<Area>,
}

#[derive(Debug)]
struct Area {
    range: Range<u64>,
    /// From the range's start, rounded down to a block.
    blocks: Vec<OnceLock<Box<[AtomicU64; BITS]>>>,
}

impl WordSet {
    /// An empty set of words of these regions, which are by address and do not overlap.
    pub fn new(regions: &[Region]) -> Self {
        let mut areas: Vec<Area> = Vec::new();
        for region in regions.iter().filter(|r| r.read && r.end - r.start < RESERVATION) {
            let count = (region.end - 1) / BLOCK - region.start / BLOCK + 1;
            let blocks = std::iter::repeat_with(OnceLock::new).take(count as usize).collect();
            areas.push(Area { range: region.start..region.end, blocks });
        }
        Self { areas }
    }

    /// Adds the words that `address..address + len` has a part of. What lies outside the regions is left out.
    pub fn insert(&self, address: u64, len: u64) {
        let end = address.saturating_add(len);
        let first = self.areas.partition_point(|a| a.range.end <= address);
        for area in self.areas[first..].iter().take_while(|a| a.range.start < end) {
            let mut at = address.max(area.range.start) / WORD * WORD;
            let end = end.min(area.range.end);
            while at < end {
                let next = ((at / BLOCK + 1) * BLOCK).min(end);
                area.insert(at, next);
                at = next;
            }
        }
    }

    /// The same set once more.
    #[must_use]
    pub fn copy(&self) -> Self {
        let block = |block: &OnceLock<Box<[AtomicU64; BITS]>>| {
            let copied = OnceLock::new();
            if let Some(bits) = block.get() {
                let _ = copied.set(Box::new(std::array::from_fn(|i| AtomicU64::new(bits[i].load(Relaxed)))));
            }
            copied
        };
        let area = |a: &Area| Area { range: a.range.clone(), blocks: a.blocks.iter().map(block).collect() };
        Self { areas: self.areas.iter().map(area).collect() }
    }

    /// Whether the word that holds the byte at `address` is in the set.
    pub fn contains(&self, address: u64) -> bool {
        self.block(address).is_some_and(|block| {
            let word = address % BLOCK / WORD;
            block[word as usize / 64].load(Relaxed) >> (word % 64) & 1 == 1
        })
    }

    /// The pages with a word of the set, by address; neighbours in one range.
    pub fn pages(&self) -> Vec<Range<u64>> {
        let words = (AMD64.page_size / WORD / 64) as usize;
        let mut found: Vec<Range<u64>> = Vec::new();
        for area in &self.areas {
            let first = area.range.start / BLOCK * BLOCK;
            for (index, block) in area.blocks.iter().enumerate() {
                let Some(block) = block.get() else { continue };
                for (page, bits) in block.chunks(words).enumerate() {
                    if bits.iter().all(|b| b.load(Relaxed) == 0) {
                        continue;
                    }
                    let start = first + index as u64 * BLOCK + page as u64 * AMD64.page_size;
                    match found.last_mut() {
                        Some(last) if last.end == start => last.end += AMD64.page_size,
                        _ => found.push(start..start + AMD64.page_size),
                    }
                }
            }
        }
        found
    }

    fn block(&self, address: u64) -> Option<&[AtomicU64; BITS]> {
        let area = self.areas.get(self.areas.partition_point(|a| a.range.end <= address))?;
        let index = (address / BLOCK).checked_sub(area.range.start / BLOCK)?;
        area.blocks.get(index as usize)?.get().map(|block| &**block)
    }
}

impl Area {
    /// Adds the words of `from..end`, which lies in one block.
    fn insert(&self, from: u64, end: u64) {
        let Some(block) = self.blocks.get((from / BLOCK - self.range.start / BLOCK) as usize) else { return };
        let block = block.get_or_init(|| Box::new([const { AtomicU64::new(0) }; BITS]));
        let (mut word, last) = (from % BLOCK / WORD, (end - 1) % BLOCK / WORD);
        while word <= last {
            let upto = (word / 64 * 64 + 63).min(last);
            let count = upto - word + 1;
            let mask = if count == 64 { u64::MAX } else { ((1 << count) - 1) << (word % 64) };
            let bits = &block[word as usize / 64];
            // Most words are added many times; looking first keeps the line shared.
            if bits.load(Relaxed) & mask != mask {
                bits.fetch_or(mask, Relaxed);
            }
            word = upto + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region(start: u64, end: u64) -> Region {
        Region { start, end, read: true, write: true, execute: false, file: None }
    }

    #[test]
    fn words_are_whole_and_pages_have_one() {
        let set = WordSet::new(&[region(0x1000, 0x3000), region(0x3000, 0x30_0000), region(0xf0_0000, 0xf0_1000)]);
        set.insert(0x1007, 2);
        set.insert(0x2ff8, 16);
        set.insert(0xf_fff0, 0x20);
        set.insert(0xf0_0ff8, u64::MAX);
        set.insert(0x10, 8);
        let inside = [0x1000, 0x100f, 0x2ff8, 0x3007, 0xf_fff8, 0x10_0008, 0xf0_0fff];
        let outside = [0x10, 0xff8, 0x1010, 0x2ff0, 0x3008, 0xf_ffe8, 0x10_0010, 0xf0_0ff0, 0xf0_1000];
        assert!(inside.iter().all(|a| set.contains(*a)));
        assert!(!outside.iter().any(|a| set.contains(*a)));
        assert_eq!(set.pages(), [0x1000..0x4000, 0xf_f000..0x10_1000, 0xf0_0000..0xf0_1000]);
        set.insert(0x10_0000, 0x8_0000);
        assert!((0x10_0000..0x18_0000).step_by(8).all(|a| set.contains(a)) && !set.contains(0x18_0000));
    }
}
