//! Remembers small reads, so that a live target is not asked for each field of each structure.

use std::sync::RwLock;

use mapscope_memory::{Arch, Memory, MemoryError, Region, Residency, TargetInfo, Thread, WordSet};
use rustc_hash::FxHashMap;

/// Bytes read at once around a small read.
const PAGE: u64 = 16 * 1024;
/// Pages of a generation; two are kept.
const MAX_PAGES: usize = 512;
/// Reads longer than this bypass the cache: they are bulk reads of heap chunks, each done once.
const MAX_READ: usize = 4096;

/// What an analysis has read of a target. In this crate, structures of the runtime are read with
/// [`Memory::read_into`] and what is built on it, and the contents of objects, variables and stacks with
/// [`Memory::bytes`]; so the one is told from the other.
#[derive(Debug)]
pub struct Reads {
    /// The runtime's own structures.
    pub(crate) structures: WordSet,
    /// Everything, structures too.
    pub(crate) all: WordSet,
}

impl Reads {
    /// Nothing yet, of a target with these regions.
    pub fn new(regions: &[Region]) -> Self {
        Self { structures: WordSet::new(regions), all: WordSet::new(regions) }
    }
}

/// Bytes of a long structure read at once: its length is the target's word, and no memory is set aside for it.
const STRUCTURE: usize = 64 << 10;

/// The bytes of a structure that is longer than a few words: an array, a bitmap.
pub(crate) fn read_structure(memory: &dyn Memory, address: u64, len: u64) -> Result<Vec<u8>, MemoryError> {
    if !memory.is_mapped(address, len) {
        return Err(MemoryError::NotMapped { addr: address, len });
    }
    let mut bytes = Vec::new();
    while (bytes.len() as u64) < len {
        let from = bytes.len();
        bytes.resize(from + STRUCTURE.min((len - from as u64) as usize), 0);
        memory.read_into(address + from as u64, &mut bytes[from..])?;
    }
    Ok(bytes)
}

/// A target whose small reads are cached. Ranges that can be borrowed are passed through, unless reads are noted.
pub(crate) struct Cached<'m> {
    inner: &'m dyn Memory,
    reads: Option<&'m Reads>,
    pages: RwLock<Pages>,
}

type Page = Box<[u8]>;

/// The pages read last. When the young ones are many they become the old ones, and the old ones go: what is still used
/// becomes young again.
#[derive(Default)]
struct Pages {
    young: FxHashMap<u64, Page>,
    old: FxHashMap<u64, Page>,
}

impl Pages {
    fn insert(&mut self, address: u64, page: Page) {
        if self.young.len() >= MAX_PAGES {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(address, page);
    }

    fn rejuvenate(&mut self, address: u64) {
        if let Some(page) = self.old.remove(&address) {
            self.insert(address, page);
        }
    }
}

impl<'m> Cached<'m> {
    /// An empty cache before `inner`, which must not change while the cache lives.
    pub(crate) fn new(inner: &'m dyn Memory, reads: Option<&'m Reads>) -> Self {
        Self { inner, reads, pages: RwLock::default() }
    }

    /// From the page that holds all of it, or straight from the target.
    fn fetch(&self, addr: u64, buf: &mut [u8]) -> Result<(), MemoryError> {
        if let Some(bytes) = self.inner.borrow(addr, buf.len()) {
            buf.copy_from_slice(bytes);
            return Ok(());
        }
        let page = addr / PAGE * PAGE;
        if buf.len() > MAX_READ || addr - page + buf.len() as u64 > PAGE {
            return self.inner.read_into(addr, buf);
        }
        let at = (addr - page) as usize;
        match self.copy(page, at, buf) {
            Some(Age::Young) => return Ok(()),
            Some(Age::Old) => {
                self.change(|pages| pages.rejuvenate(page));
                return Ok(());
            }
            None => {}
        }
        let mut bytes = vec![0; PAGE as usize].into_boxed_slice();
        // A page that is only partly mapped is not kept; the read itself decides whether that is an error.
        if self.inner.read_into(page, &mut bytes).is_err() {
            return self.inner.read_into(addr, buf);
        }
        buf.copy_from_slice(&bytes[at..at + buf.len()]);
        self.change(|pages| pages.insert(page, bytes));
        Ok(())
    }

    /// Copies from a page that is kept; how old it is.
    fn copy(&self, page: u64, at: usize, buf: &mut [u8]) -> Option<Age> {
        let pages = self.pages.read().ok()?;
        let young = pages.young.get(&page).map(|bytes| (bytes, Age::Young));
        let (bytes, age) = young.or_else(|| pages.old.get(&page).map(|bytes| (bytes, Age::Old)))?;
        buf.copy_from_slice(bytes.get(at..at + buf.len())?);
        Some(age)
    }

    fn change(&self, change: impl FnOnce(&mut Pages)) {
        if let Ok(mut pages) = self.pages.write() {
            change(&mut pages);
        }
    }
}

#[derive(Clone, Copy)]
enum Age {
    Young,
    Old,
}

impl Memory for Cached<'_> {
    fn arch(&self) -> &'static Arch {
        self.inner.arch()
    }

    fn info(&self) -> &TargetInfo {
        self.inner.info()
    }

    fn regions(&self) -> &[Region] {
        self.inner.regions()
    }

    fn labels(&self) -> &[(u64, String)] {
        self.inner.labels()
    }

    fn threads(&self) -> &[Thread] {
        self.inner.threads()
    }

    fn residency(&self) -> Result<Residency, MemoryError> {
        self.inner.residency()
    }

    fn borrow(&self, addr: u64, len: usize) -> Option<&[u8]> {
        if self.reads.is_some() { None } else { self.inner.borrow(addr, len) }
    }

    fn read_into(&self, addr: u64, buf: &mut [u8]) -> Result<(), MemoryError> {
        if let Some(reads) = self.reads {
            reads.structures.insert(addr, buf.len() as u64);
            reads.all.insert(addr, buf.len() as u64);
        }
        self.fetch(addr, buf)
    }

    fn bytes<'a>(&'a self, addr: u64, len: usize, scratch: &'a mut Vec<u8>) -> Result<&'a [u8], MemoryError> {
        if let Some(bytes) = self.borrow(addr, len) {
            return Ok(bytes);
        }
        if !self.is_mapped(addr, len as u64) {
            return Err(MemoryError::NotMapped { addr, len: len as u64 });
        }
        if let Some(reads) = self.reads {
            reads.all.insert(addr, len as u64);
        }
        scratch.clear();
        scratch.resize(len, 0);
        self.fetch(addr, scratch)?;
        Ok(scratch)
    }

    fn still_there(&self) -> Result<(), MemoryError> {
        self.inner.still_there()
    }

    fn release(&self, addr: u64, len: usize) {
        self.inner.release(addr, len);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_used_stays_and_what_is_not_goes() {
        let mut pages = Pages::default();
        let page = |byte: u8| vec![byte; 8].into_boxed_slice();
        pages.insert(7, page(7));
        pages.insert(8, page(8));
        // Each round makes everything old; only page 7 is used again.
        for round in 1..=3 {
            for other in 0..MAX_PAGES as u64 {
                pages.insert(1000 * round * PAGE + other, page(0));
            }
            pages.rejuvenate(7);
            assert!(pages.young.contains_key(&7), "{round}");
            assert_eq!(pages.old.contains_key(&8), round == 1);
            assert!(pages.young.len() <= MAX_PAGES && pages.old.len() <= MAX_PAGES);
        }
    }
}
