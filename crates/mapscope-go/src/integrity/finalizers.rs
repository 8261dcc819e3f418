//! Compares the blocks of queued finalizers with one another, and says whether some of them were lost.
//!
//! All blocks are in one list (`allfin`). Each is also in the queue (`finq`), in the list of free ones (`finc`), or in
//! the chain that the finalizers' goroutine is working through; the first of the queue has an entry at least, those
//! behind it are full, and free ones are empty (`queuefinalizer`, `runFinalizers`). Entries behind a block's count were
//! cleared. A block of zeros contradicts one of these.

use rustc_hash::{FxHashMap, FxHashSet};

use crate::roots::{Context, Goroutine};
use crate::runtime::Field;

/// Bytes of a block (`finBlockSize`).
const BLOCK: usize = 4096;
/// Blocks that are looked at.
const MAX_BLOCKS: usize = 1 << 20;
/// The goroutine's first function; its name changed in 1.25.
const RUNNERS: [&str; 2] = ["runtime.runFinalizers", "runtime.runfinq"];

/// What a block says of itself.
#[derive(Clone, Copy, Debug)]
struct Block {
    count: u64,
    next: u64,
    /// Its entries are there up to its count, and cleared behind it.
    sound: bool,
}

/// Whether the blocks are those that the runtime made. `goroutines` are all there are.
pub(super) fn are_whole(context: &Context<'_>, goroutines: &[Goroutine]) -> bool {
    let Some(list) = context.globals.all_finalizers else { return true };
    let reader = Reader::new(context);
    let all = reader.all(list);
    let listed = |next: u64| next == 0 || all.contains_key(&next);
    if !all.values().all(|block| block.sound && listed(block.next)) {
        return false;
    }
    let Some((queue, free)) = context.globals.finalizer_lists else { return true };
    let (Some(queue), Some(free)) = (chain(&all, reader.word(queue)), chain(&all, reader.word(free))) else {
        return false;
    };
    let is_queue = reader.is_queue(&all, &queue);
    let idle: FxHashSet<u64> = queue.into_iter().chain(free.iter().copied()).collect();
    let being_run: FxHashSet<u64> = all.keys().copied().filter(|block| !idle.contains(block)).collect();
    is_queue && free.iter().all(|block| all[block].count == 0) && reader.run(&all, &being_run, goroutines)
}

/// The blocks that follow on one another; `None` when one is not in the list of all, or comes again.
fn chain(all: &FxHashMap<u64, Block>, first: u64) -> Option<Vec<u64>> {
    let (mut found, mut seen) = (Vec::new(), FxHashSet::default());
    let mut at = first;
    while at != 0 {
        let block = all.get(&at).filter(|_| seen.insert(at))?;
        found.push(at);
        at = block.next;
    }
    Some(found)
}

struct Reader<'r, 'c> {
    context: &'r Context<'c>,
    /// Entries of a full block.
    room: u64,
}

impl<'r, 'c> Reader<'r, 'c> {
    fn new(context: &'r Context<'c>) -> Self {
        let entries = context.layout.finalizer_block.entries.offset;
        let room = (BLOCK as u64).saturating_sub(entries) / context.layout.queued_finalizer.size.max(8);
        Self { context, room }
    }

    fn word(&self, at: u64) -> u64 {
        self.context.memory.u64(at).unwrap_or(0)
    }

    /// The list of all blocks, as far as it can be followed: that it cannot is said by whoever reads its roots.
    fn all(&self, list: u64) -> FxHashMap<u64, Block> {
        let layout = &self.context.layout.finalizer_block;
        let mut all = FxHashMap::default();
        let mut at = self.word(list);
        let mut bytes = vec![0; BLOCK];
        while at != 0 && all.len() < MAX_BLOCKS && !all.contains_key(&at) {
            if self.context.memory.read_into(at, &mut bytes).is_err() {
                break;
            }
            all.insert(at, self.block(&bytes));
            at = layout.all_link.get(&bytes);
        }
        all
    }

    fn block(&self, bytes: &[u8]) -> Block {
        let (layout, entry) = (&self.context.layout.finalizer_block, &self.context.layout.queued_finalizer);
        let count = layout.count.get(bytes);
        let has = |index: u64, field: Field| {
            let offset = layout.entries.offset + index * entry.size + field.offset;
            Field { offset, size: 8 }.get(bytes) != 0
        };
        let sound = |index: u64| {
            if index < count {
                has(index, entry.function)
            } else {
                !has(index, entry.function) && !has(index, entry.argument)
            }
        };
        let sound = count <= self.room && (0..self.room).all(sound);
        Block { count, next: layout.next.map_or(0, |next| next.get(bytes)), sound }
    }

    fn is_queue(&self, all: &FxHashMap<u64, Block>, queue: &[u64]) -> bool {
        queue.iter().enumerate().all(|(place, block)| match all[block].count {
            0 => false,
            count => place == 0 || count == self.room,
        })
    }

    /// Whether the blocks in neither list are those that the goroutine is working through: it knows the first of them,
    /// and the others are full.
    fn run(&self, all: &FxHashMap<u64, Block>, being_run: &FxHashSet<u64>, goroutines: &[Goroutine]) -> bool {
        let calls = goroutines.iter().find_map(|goroutine| {
            let frame = goroutine
                .frames
                .iter()
                .position(|frame| RUNNERS.contains(&self.context.functions[frame.table].name(&frame.function)))?;
            Some((&goroutine.frames[frame], self.place(goroutine, frame)))
        });
        let frame = match calls {
            None | Some((_, At::Rest)) => return being_run.is_empty(),
            Some((_, At::Work)) => return true,
            Some((frame, At::Call)) => frame,
        };
        let words = (frame.sp..frame.fp).step_by(8).map(|at| self.word(at));
        words.filter(|word| being_run.contains(word)).any(|first| {
            chain(all, first).is_some_and(|chain| {
                let others = chain.iter().skip(1);
                all[&first].count > 0
                    && chain.len() == being_run.len()
                    && others.clone().all(|block| being_run.contains(block) && all[block].count == self.room)
            })
        })
    }

    fn place(&self, goroutine: &Goroutine, frame: usize) -> At {
        let name = |frame: &crate::roots::Frame| self.context.functions[frame.table].name(&frame.function);
        // `reflectcall` is one of `call16`, `call32` and so on.
        let is_call = |name: &str| {
            name.strip_prefix("runtime.call").is_some_and(|size| size.starts_with(|c: char| c.is_ascii_digit()))
        };
        match goroutine.standing.status {
            _ if goroutine.frames[..frame].iter().map(name).any(is_call) => At::Call,
            WAITING => At::Rest,
            _ => At::Work,
        }
    }
}

/// Where the finalizers' goroutine is.
enum At {
    /// It waits for finalizers.
    Rest,
    /// In a finalizer.
    Call,
    /// Between two: a block may be out of one list and not yet in the other.
    Work,
}

/// `_Gwaiting`.
const WAITING: u64 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_has_listed_blocks_only_and_an_end() {
        let all = |blocks: &[(u64, u64)]| -> FxHashMap<u64, Block> {
            blocks.iter().map(|(at, next)| (*at, Block { count: 1, next: *next, sound: true })).collect()
        };
        assert_eq!(chain(&all(&[(8, 16), (16, 24), (24, 0)]), 8), Some(vec![8, 16, 24]));
        assert_eq!(chain(&all(&[]), 0), Some(Vec::new()));
        assert_eq!(chain(&all(&[(8, 16)]), 8), None, "a block that the list of all lacks");
        assert_eq!(chain(&all(&[(8, 16), (16, 8)]), 8), None, "a chain that comes back to itself");
    }
}
