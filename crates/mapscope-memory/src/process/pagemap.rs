//! Which pages of a process are resident, from its page tables (`/proc/PID/pagemap`).
//!
//! A page counts as the kernel counts it in RSS: present, and not the page of zeros that all untouched memory shares
//! once it was read. Linux 6.7 and later says both for the whole address space in a few calls (`PAGEMAP_SCAN`). Before,
//! there is a word for each page, which does not name the page of zeros; there, an anonymous page that other page
//! tables share is taken for it. That is wrong only for pages shared with a process forked and not yet replaced.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;

use nix::libc;

use super::status;
use crate::record::PageRange;
use crate::{AMD64, MemoryError, Region};

/// `PAGEMAP_SCAN`, `_IOWR('f', 16, struct pm_scan_arg)`.
const PAGEMAP_SCAN: libc::c_ulong = 0xc060_6610;
/// `PAGE_IS_FILE`, `PAGE_IS_PRESENT`, `PAGE_IS_SWAPPED` and `PAGE_IS_PFNZERO`.
const OF_FILE: u64 = 1 << 2;
/// See [`OF_FILE`].
const PRESENT: u64 = 1 << 3;
/// See [`OF_FILE`].
const SWAPPED: u64 = 1 << 4;
/// See [`OF_FILE`].
const ZERO_PAGE: u64 = 1 << 5;
/// Ranges asked for in one call.
const RANGES: usize = 4096;
/// End of what a process can map below five-level page tables.
const ADDRESS_SPACE: u64 = 0x7fff_ffff_f000;

/// Words read at once where the kernel cannot scan.
const WORDS: u64 = 64 * 1024;
/// Memory without any access that is larger is a reservation, whose words are not worth reading.
const RESERVATION: u64 = 1 << 30;

/// `struct page_region`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct PageRegion {
    start: u64,
    end: u64,
    categories: u64,
}

/// `struct pm_scan_arg`.
#[repr(C)]
#[derive(Default)]
struct ScanArguments {
    size: u64,
    flags: u64,
    start: u64,
    end: u64,
    walk_end: u64,
    ranges: u64,
    range_count: u64,
    max_pages: u64,
    inverted: u64,
    mask: u64,
    any_of: u64,
    returned: u64,
}

/// Those of the process `pid` now, as [`look`] finds them.
pub(super) fn of_process(pid: u32, regions: &[Region]) -> Result<Pages, MemoryError> {
    let path = status::proc_path(pid, "pagemap");
    let pages = File::open(&path).and_then(|file| look(&file, regions));
    pages.map_err(|e| status::explain(pid, &path, e))
}

/// Pages of a process, in address order.
#[derive(Default)]
pub(super) struct Pages {
    /// Those that are resident.
    pub(super) resident: Vec<Range<u64>>,
    /// Those with content: resident ones and those in swap, which read as what they were.
    pub(super) with_content: Vec<PageRange>,
}

/// Looks at every page once.
pub(super) fn look(pagemap: &File, regions: &[Region]) -> io::Result<Pages> {
    scan(pagemap).or_else(|_| words(pagemap, regions))
}

impl Pages {
    /// Adds pages that have content.
    fn push(&mut self, range: Range<u64>, file: bool, resident: bool) {
        if resident {
            match self.resident.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => self.resident.push(range.clone()),
            }
        }
        match self.with_content.last_mut() {
            Some(last) if last.range.end == range.start && last.file == file => last.range.end = range.end,
            _ => self.with_content.push(PageRange { range, file }),
        }
    }
}

/// As the kernel's own scan finds them: pages in memory or in swap, but zeros.
fn scan(pagemap: &File) -> io::Result<Pages> {
    let mut found = Pages::default();
    let mut buffer = vec![PageRegion::default(); RANGES];
    let mut at = 0;
    loop {
        let mut arguments = ScanArguments {
            size: size_of::<ScanArguments>() as u64,
            start: at,
            end: ADDRESS_SPACE,
            ranges: buffer.as_mut_ptr() as u64,
            range_count: buffer.len() as u64,
            inverted: ZERO_PAGE,
            mask: ZERO_PAGE,
            any_of: PRESENT | SWAPPED,
            returned: OF_FILE | PRESENT,
            ..ScanArguments::default()
        };
        // SAFETY: the kernel reads and writes `arguments`, whose layout is the one the request number names, and
        // writes at most `range_count` elements at `ranges`; both live until the call returns.
        #[allow(unsafe_code)]
        let count = unsafe { libc::ioctl(pagemap.as_raw_fd(), PAGEMAP_SCAN, &raw mut arguments) };
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        for pages in buffer.iter().take(count) {
            let has = |category: u64| pages.categories & category != 0;
            found.push(pages.start..pages.end, has(OF_FILE), has(PRESENT));
        }
        // `walk_end` is not that of the whole walk when the kernel's own buffer, which is smaller, was full before.
        match buffer.get(RANGES - 1) {
            Some(last) if count == RANGES && last.end > at => at = last.end,
            _ => return Ok(found),
        }
    }
}

/// From one word for each page of every region.
fn words(pagemap: &File, regions: &[Region]) -> io::Result<Pages> {
    let page = AMD64.page_size;
    let mut found = Pages::default();
    let mut buffer = Vec::new();
    for region in regions.iter().filter(|r| r.start < ADDRESS_SPACE) {
        let (start, end) = (region.start, region.end.min(ADDRESS_SPACE));
        let access = region.read || region.write || region.execute;
        if !access && end - start > RESERVATION {
            continue;
        }
        let mut at = start;
        while at < end {
            let count = ((end - at) / page).min(WORDS);
            buffer.resize(count as usize * 8, 0);
            pagemap.read_exact_at(&mut buffer, at / page * 8)?;
            for (index, word) in buffer.chunks_exact(8).enumerate() {
                let word = u64::from_le_bytes(word.try_into().unwrap_or_default());
                if is_held(word) {
                    let from = at + index as u64 * page;
                    found.push(from..from + page, is_of_file(word), is_resident(word));
                }
            }
            at += count.max(1) * page;
        }
    }
    Ok(found)
}

/// One bit of a word of the page map.
fn bit(word: u64, n: u32) -> bool {
    word >> n & 1 == 1
}

/// Present, and of a file or shared or mapped nowhere else.
fn is_resident(word: u64) -> bool {
    bit(word, 63) && (is_of_file(word) || bit(word, 56))
}

fn is_of_file(word: u64) -> bool {
    bit(word, 61)
}

/// Present with any content, or swapped out.
fn is_held(word: u64) -> bool {
    word >> 62 != 0
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::hint::black_box;

    use super::super::maps;
    use super::*;

    /// Resident bytes of `range`.
    fn bytes(found: &[Range<u64>], range: &Range<u64>) -> u64 {
        found.iter().map(|r| r.end.min(range.end).saturating_sub(r.start.max(range.start))).sum()
    }

    #[test]
    fn untouched_and_only_read_pages_are_not_resident() {
        const PAGES: usize = 40_000;
        // Where the kernel cannot scan, a page that a forked process shares is taken for the page of zeros.
        let turn = super::super::keeper::tests::TURN.lock();
        let mut map = memmap2::MmapMut::map_anon(PAGES * 4096).unwrap();
        let start = map.as_ptr() as u64;
        for page in 0..PAGES / 2 {
            match page % 4 {
                0 | 1 => map[page * 4096] = 1,
                2 => _ = black_box(map[page * 4096]),
                _ => {}
            }
        }
        let pagemap = File::open("/proc/self/pagemap").unwrap();
        let range = start..start + PAGES as u64 * 4096;
        let regions = maps::parse(&std::fs::read("/proc/self/maps").unwrap());
        let written = (PAGES / 4 * 4096) as u64;
        assert_eq!(bytes(&words(&pagemap, &regions).unwrap().resident, &range), written);
        // The scan is newer than some kernels.
        match scan(&pagemap) {
            Ok(found) => assert_eq!(bytes(&found.resident, &range), written),
            Err(e) => assert_eq!(e.raw_os_error(), Some(libc::ENOTTY)),
        }
        let own = look(&pagemap, &regions).unwrap().with_content.into_iter().filter(|p| !p.file).map(|p| p.range);
        assert_eq!(bytes(&own.collect::<Vec<_>>(), &range), written);
        black_box(&map);
        drop(turn);
    }
}
