//! Overwriting what is not to be seen.

use std::ops::Range;

use super::Filter;
use crate::elf::{AT_SYSINFO_EHDR, auxv_value};
use crate::{ProcessRecord, Region, WordSet};

/// What is written instead: no address (a word of it is none), no text, no zero, no small number.
pub(crate) const OVERWRITTEN: u8 = 0xdb;
/// Version of the rules by which data is overwritten; a core says which it was written by.
pub(super) const RULES: u32 = 1;

/// What stays of a process in a redacted core. Everything else is overwritten.
#[derive(Debug)]
pub struct Redaction {
    /// Words that stay.
    pub words: WordSet,
    /// Bytes of kept words that are overwritten all the same, by address: (address, how many).
    pub hidden: Vec<(u64, u64)>,
    /// Addresses that a register may hold.
    pub pointers: Range<u64>,
}

impl Redaction {
    /// A register that stays as it is, or what is written instead.
    pub(super) fn register(&self, value: u64) -> u64 {
        if value == 0 || self.pointers.contains(&value) { value } else { u64::from_le_bytes([OVERWRITTEN; 8]) }
    }
}

/// A redaction, and what no core has to hide.
pub(super) struct Redactor<'r> {
    redaction: &'r Redaction,
    /// Ranges that stay whole, by address: what files have anyway, and the kernel's own code.
    open: Vec<Range<u64>>,
}

impl<'r> Redactor<'r> {
    pub(super) fn new(redaction: &'r Redaction, regions: &[Region], record: &ProcessRecord) -> Self {
        let kernel = auxv_value(&record.auxv, AT_SYSINFO_EHDR);
        let open = |r: &&Region| !r.write && (r.file.is_some() || kernel == Some(r.start));
        Self { redaction, open: regions.iter().filter(open).map(|r| r.start..r.end).collect() }
    }
}

impl Filter for Redactor<'_> {
    fn apply(&self, address: u64, bytes: &mut [u8]) {
        let Redaction { words, hidden, .. } = self.redaction;
        let end = address + bytes.len() as u64;
        let first = self.open.partition_point(|r| r.end <= address);
        let mut open = self.open[first..].iter().take_while(|r| r.start < end).peekable();
        for (index, word) in bytes.chunks_mut(8).enumerate() {
            let at = address + index as u64 * 8;
            while open.next_if(|r| r.end <= at).is_some() {}
            if open.peek().is_none_or(|r| r.start > at) && !words.contains(at) {
                word.fill(OVERWRITTEN);
            }
        }
        let first = hidden.partition_point(|(at, _)| *at < address);
        for (at, len) in hidden[first..].iter().take_while(|(at, _)| *at < end) {
            let from = (at - address) as usize;
            let to = (from + *len as usize).min(bytes.len());
            bytes[from..to].fill(OVERWRITTEN);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Region;

    #[test]
    fn only_what_is_kept_stays() {
        let region = Region { start: 0x1000, end: 0x2000, read: true, write: true, execute: false, file: None };
        let file = Some(("/bin/p".into(), 0));
        let program = Region { start: 0x2000, end: 0x2008, write: false, file, ..region.clone() };
        let words = WordSet::new(std::slice::from_ref(&region));
        words.insert(0x1008, 16);
        words.insert(0x1038, 8);
        let redaction = Redaction { words, hidden: vec![(0x1014, 4)], pointers: 5..9 };
        let redactor = Redactor::new(&redaction, &[region, program], &ProcessRecord::default());
        let mut bytes: Vec<u8> = (0..64).collect();
        redactor.apply(0x1000, &mut bytes);
        let mut beyond = [1; 16];
        redactor.apply(0x2000, &mut beyond);
        assert_eq!((beyond[..8] == [1; 8], beyond[8..] == [OVERWRITTEN; 8]), (true, true));
        let seen: Vec<u8> = bytes.iter().enumerate().filter(|(i, b)| usize::from(**b) == *i).map(|(_, b)| *b).collect();
        let kept: Vec<u8> = (8..20).chain(56..64).collect();
        assert_eq!(seen, kept);
        assert!(bytes.iter().enumerate().all(|(i, b)| usize::from(*b) == i || *b == OVERWRITTEN));
        assert_eq!((redaction.register(6), redaction.register(0)), (6, 0));
        assert_eq!(redaction.register(9), 0xdbdb_dbdb_dbdb_dbdb);
    }
}
