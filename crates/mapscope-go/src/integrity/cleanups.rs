//! Compares the blocks of queued cleanups (Go 1.25 and later) with one another and with the runtime's counters, and says
//! whether some of them were lost.
//!
//! A block is filled from its start; one that is being worked through is cleared from its start and keeps its count until
//! all of it was called (`runCleanups`). What was queued and not called is in some block.

use rustc_hash::FxHashSet;

use crate::roots::Context;
use crate::runtime::Field;

/// Bytes of a block (`cleanupBlockSize`).
const BLOCK: usize = 512;
/// Blocks that are looked at, and processors.
const MAX_BLOCKS: usize = 1 << 20;
const MAX_PROCESSORS: u64 = 1 << 16;

/// Whether the blocks hold what was queued.
pub(super) fn are_whole(context: &Context<'_>) -> bool {
    let layout = context.layout;
    let (Some(queue), Some(block), Some(global)) =
        (layout.cleanup_queue, layout.cleanup_block, context.globals.cleanups)
    else {
        return true;
    };
    let word = |at: u64| context.memory.u64(at).unwrap_or(0);
    let mut at = word(global.wrapping_add(queue.all.offset));
    let (mut seen, mut bytes, mut held) = (FxHashSet::default(), vec![0; BLOCK], 0u64);
    // That the list cannot be followed is said by whoever reads its roots.
    while at != 0 && seen.len() < MAX_BLOCKS && seen.insert(at) && context.memory.read_into(at, &mut bytes).is_ok() {
        let count = block.count.get(&bytes);
        if !is_filled(&bytes, (block.entries.offset, layout.queued_cleanup_bytes.max(8)), count) {
            return false;
        }
        held += count;
        at = block.all_link.get(&bytes);
    }
    let (Some(queued), Some(executed)) = (queue.queued, queue.executed) else { return true };
    let Some(queued) = queued_by_processors(context)
        .map(|by_processors| word(global.wrapping_add(queued.offset)).wrapping_add(by_processors))
    else {
        return true;
    };
    // A block is counted as called before it is emptied, so they may hold more.
    queued.wrapping_sub(word(global.wrapping_add(executed.offset))) <= held
}

/// Whether the entries are cleared, then filled up to the count.
fn is_filled(bytes: &[u8], (first, stride): (u64, u64), count: u64) -> bool {
    let room = (BLOCK as u64).saturating_sub(first) / stride;
    let entry = |index: u64| {
        let words = (0..stride / 8).map(|word| Field { offset: first + index * stride + word * 8, size: 8 });
        words.fold(0, |any, word| any | word.get(bytes)) != 0
    };
    let cleared = (0..count.min(room)).take_while(|index| !entry(*index)).count() as u64;
    count <= room && (cleared..count).all(entry)
}

fn queued_by_processors(context: &Context<'_>) -> Option<u64> {
    let (field, at) = (context.layout.p.cleanups_queued?, context.globals.all_processors);
    let (array, count) = (context.memory.u64(at).ok()?, context.memory.u64(at.wrapping_add(8)).ok()?);
    let queued = |index: u64| {
        let processor = context.memory.u64(array.wrapping_add(index * 8)).ok()?;
        context.memory.u64(processor.wrapping_add(field.offset)).ok()
    };
    (0..count.min(MAX_PROCESSORS)).map(queued).try_fold(0u64, |sum, queued| Some(sum.wrapping_add(queued?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_is_cleared_from_its_start_and_filled_to_its_count() {
        let block = |entries: &[u64]| {
            let mut bytes = vec![0; 40];
            bytes.extend(entries.iter().flat_map(|entry| entry.to_le_bytes()));
            bytes.resize(BLOCK, 0);
            bytes
        };
        let filled = |entries: &[u64], count| is_filled(&block(entries), (40, 8), count);
        assert!(filled(&[], 0) && filled(&[1, 2, 3], 3) && filled(&[0, 0, 3], 3) && filled(&[0, 0, 0], 3));
        assert!(!filled(&[1, 0, 3], 3) && !filled(&[1, 2], 3) && !filled(&[], u64::MAX));
    }
}
