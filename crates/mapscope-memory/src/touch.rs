//! Reading a little of everything, for checks that nothing breaks.

use crate::Memory;

/// Reads at most in one region, so that a region of any claimed size takes bounded time.
const READS: u64 = 64;

/// Reads words at the start, at the end, across the borders and at some pages of every region, by every method of the
/// trait, and tells it to release them. Returns a checksum of what could be read. Fuzz targets and tests call this: on
/// any input it must neither panic nor take long.
pub fn touch_all(memory: &dyn Memory) -> u64 {
    let mut sum = 0_u64;
    let mut scratch = Vec::new();
    for region in memory.regions() {
        let size = region.end.saturating_sub(region.start);
        let step = (size / READS).max(memory.arch().page_size);
        for i in 0..READS.min(size.div_ceil(step)) {
            let addr = region.start + i * step;
            sum = sum.wrapping_mul(31).wrapping_add(memory.u64(addr).unwrap_or(1));
            sum = sum.wrapping_add(u64::from(memory.u8(addr.wrapping_sub(1)).unwrap_or(0)));
        }
        for addr in [region.start.wrapping_sub(4), region.end.wrapping_sub(4)] {
            sum = sum
                .wrapping_add(memory.bytes(addr, 8, &mut scratch).map_or(1, |b| b.iter().map(|&b| u64::from(b)).sum()));
            sum = sum.wrapping_add(u64::from(memory.u32(addr).unwrap_or(2)));
        }
        // A live process gives what it has, and regions can be huge; what a core gives is bounded by the file.
        if memory.info().kind == crate::TargetKind::Core || size <= 1 << 20 {
            let whole = usize::try_from(size).unwrap_or(usize::MAX);
            sum = sum.wrapping_add(memory.bytes(region.start, whole, &mut scratch).map_or(3, |b| b.len() as u64));
        }
        memory.release(region.start, usize::try_from(size).unwrap_or(usize::MAX));
    }
    sum
}
