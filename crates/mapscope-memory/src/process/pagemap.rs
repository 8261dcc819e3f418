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

/// Those of the process `pid` now.
pub(super) fn of_process(pid: u32, regions: &[Region]) -> Result<Vec<Range<u64>>, MemoryError> {
    let path = status::proc_path(pid, "pagemap");
    let present = File::open(&path).and_then(|file| resident(&file, regions));
    present.map_err(|e| status::explain(pid, &path, e))
}

/// Pages with content of the process `pid` now.
pub(super) fn held(pid: u32, regions: &[Region]) -> Result<Vec<PageRange>, MemoryError> {
    let path = status::proc_path(pid, "pagemap");
    let pages = File::open(&path).and_then(|file| with_content(&file, regions));
    pages.map_err(|e| status::explain(pid, &path, e))
}

/// Ranges of resident pages in address order.
pub(super) fn resident(pagemap: &File, regions: &[Region]) -> io::Result<Vec<Range<u64>>> {
    let scanned = scan(pagemap, PRESENT, PRESENT).map(|found| found.iter().map(|r| r.start..r.end).collect());
    scanned.or_else(|_| Ok(words(pagemap, regions, is_resident)?.into_iter().map(|found| found.range).collect()))
}

/// Pages with content in address order: resident ones and those in swap, which read as what they were.
pub(super) fn with_content(pagemap: &File, regions: &[Region]) -> io::Result<Vec<PageRange>> {
    let of = |r: &PageRegion| PageRange { range: r.start..r.end, file: r.categories & OF_FILE != 0 };
    let scanned = scan(pagemap, PRESENT | SWAPPED, OF_FILE).map(|found| found.iter().map(of).collect());
    scanned.or_else(|_| words(pagemap, regions, is_held))
}

/// Both [`resident`] and [`with_content`], in one scan where the kernel can: of a process that stands still meanwhile.
pub(super) fn resident_and_content(
    pagemap: &File,
    regions: &[Region],
) -> io::Result<(Vec<Range<u64>>, Vec<PageRange>)> {
    let Ok(found) = scan(pagemap, PRESENT | SWAPPED, OF_FILE | PRESENT) else {
        return Ok((resident(pagemap, regions)?, with_content(pagemap, regions)?));
    };
    let (mut present, mut pages): (Vec<Range<u64>>, Vec<PageRange>) = (Vec::new(), Vec::new());
    for region in found {
        let (range, file) = (region.start..region.end, region.categories & OF_FILE != 0);
        if region.categories & PRESENT != 0 {
            match present.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => present.push(range.clone()),
            }
        }
        match pages.last_mut() {
            Some(last) if last.range.end == range.start && last.file == file => last.range.end = range.end,
            _ => pages.push(PageRange { range, file }),
        }
    }
    Ok((present, pages))
}

/// As the kernel's own scan finds them: pages of any of the categories `any_of` but zeros, with what they are of
/// `returned`.
fn scan(pagemap: &File, any_of: u64, returned: u64) -> io::Result<Vec<PageRegion>> {
    let mut found = Vec::new();
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
            any_of,
            returned,
            ..ScanArguments::default()
        };
        // SAFETY: the kernel reads and writes `arguments`, whose layout is the one the request number names, and
        // writes at most `range_count` elements at `ranges`; both live until the call returns.
        #[allow(unsafe_code)]
        let count = unsafe { libc::ioctl(pagemap.as_raw_fd(), PAGEMAP_SCAN, &raw mut arguments) };
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        found.extend(buffer.iter().take(count));
        // `walk_end` is not that of the whole walk when the kernel's own buffer, which is smaller, was full before.
        match buffer.get(RANGES - 1) {
            Some(last) if count == RANGES && last.end > at => at = last.end,
            _ => return Ok(found),
        }
    }
}

/// From one word for each page of every region: those that `wanted` says.
fn words(pagemap: &File, regions: &[Region], wanted: fn(u64) -> bool) -> io::Result<Vec<PageRange>> {
    let page = AMD64.page_size;
    let mut found: Vec<PageRange> = Vec::new();
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
                if wanted(word) {
                    let (from, file) = (at + index as u64 * page, is_of_file(word));
                    match found.last_mut() {
                        Some(last) if last.range.end == from && last.file == file => last.range.end = from + page,
                        _ => found.push(PageRange { range: from..from + page, file }),
                    }
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
        let turn = super::super::snapshot::tests::TURN.lock();
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
        let by_word: Vec<_> =
            words(&pagemap, &regions, is_resident).unwrap().into_iter().map(|found| found.range).collect();
        assert_eq!(bytes(&by_word, &range), written);
        // The scan is newer than some kernels.
        match scan(&pagemap, PRESENT, PRESENT) {
            Ok(_) => assert_eq!(bytes(&resident(&pagemap, &regions).unwrap(), &range), written),
            Err(e) => assert_eq!(e.raw_os_error(), Some(libc::ENOTTY)),
        }
        let own = with_content(&pagemap, &regions).unwrap().into_iter().filter(|p| !p.file).map(|p| p.range);
        assert_eq!(bytes(&own.collect::<Vec<_>>(), &range), written);
        black_box(&map);
        drop(turn);
    }
}
