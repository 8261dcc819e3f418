//! Remembers small reads, so that a live target is not asked for each field of each structure.

use std::sync::RwLock;

use mapscope_memory::{Arch, Memory, MemoryError, Region, Residency, TargetInfo, Thread};
use rustc_hash::FxHashMap;

/// Bytes read at once around a small read.
const PAGE: u64 = 16 * 1024;
/// Pages kept; beyond it reads go straight to the target.
const MAX_PAGES: usize = 8 * 1024;
/// Reads longer than this bypass the cache: they are bulk reads of heap chunks, each done once.
const MAX_READ: usize = 4096;

/// A target whose small reads are cached. Ranges that can be borrowed are passed through.
pub(crate) struct Cached<'m> {
    inner: &'m dyn Memory,
    pages: RwLock<FxHashMap<u64, Box<[u8]>>>,
}

impl<'m> Cached<'m> {
    /// An empty cache before `inner`, which must not change while the cache lives.
    pub(crate) fn new(inner: &'m dyn Memory) -> Self {
        Self { inner, pages: RwLock::default() }
    }

    fn copy_from_page(&self, page: u64, addr: u64, buf: &mut [u8]) -> bool {
        let Ok(pages) = self.pages.read() else { return false };
        let at = (addr - page) as usize;
        let Some(bytes) = pages.get(&page).and_then(|p| p.get(at..at + buf.len())) else { return false };
        buf.copy_from_slice(bytes);
        true
    }
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

    fn threads(&self) -> &[Thread] {
        self.inner.threads()
    }

    fn residency(&self) -> Result<Residency, MemoryError> {
        self.inner.residency()
    }

    fn borrow(&self, addr: u64, len: usize) -> Option<&[u8]> {
        self.inner.borrow(addr, len)
    }

    fn read_into(&self, addr: u64, buf: &mut [u8]) -> Result<(), MemoryError> {
        if let Some(bytes) = self.inner.borrow(addr, buf.len()) {
            buf.copy_from_slice(bytes);
            return Ok(());
        }
        let page = addr / PAGE * PAGE;
        if buf.len() > MAX_READ || addr - page + buf.len() as u64 > PAGE {
            return self.inner.read_into(addr, buf);
        }
        if self.copy_from_page(page, addr, buf) {
            return Ok(());
        }
        let mut bytes = vec![0; PAGE as usize].into_boxed_slice();
        let full = self.pages.read().map_or(true, |p| p.len() >= MAX_PAGES);
        // A page that is only partly mapped is not cached; the read itself decides whether that is an error.
        if full || self.inner.read_into(page, &mut bytes).is_err() {
            return self.inner.read_into(addr, buf);
        }
        let at = (addr - page) as usize;
        buf.copy_from_slice(&bytes[at..at + buf.len()]);
        if let Ok(mut pages) = self.pages.write() {
            pages.insert(page, bytes);
        }
        Ok(())
    }

    fn still_there(&self) -> Result<(), MemoryError> {
        self.inner.still_there()
    }

    fn release(&self, addr: u64, len: usize) {
        self.inner.release(addr, len);
    }
}
