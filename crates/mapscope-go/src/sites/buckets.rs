//! The runtime's memory profile: a list of stacks, each with what was allocated there and what was freed.
//!
//! Follows `runtime/mprof.go` of Go 1.21 to 1.27.

use std::ops::Range;

use mapscope_memory::{Figure, Memory, Partial};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::GoError;
use crate::roots::ProfileGlobals;
use crate::runtime::{Field, ProfileLayout};

/// `memProfile`, the kind of a bucket of the memory profile.
const MEMORY: u64 = 1;
/// `len(memRecord{}.future)`.
const CYCLES: u64 = 3;
/// Program counters of one stack (`maxProfStackDepth`, and the two that are skipped).
const MAX_DEPTH: u64 = 1024 + 2;
/// Program counters of all stacks: 64 MiB, several times those of the largest services.
const MAX_WORDS: usize = 1 << 23;
/// Stacks; the runtime's hash table of them has 179,999 lists.
const MAX_BUCKETS: usize = 1 << 22;
/// Bytes of a bucket or a record that are read; they have 48 and up to 128.
const MAX_STRUCTURE: u64 = 4096;

/// Objects of one size allocated at one stack. Counts are of sampled objects, and of the published profile: of what
/// happened before the last garbage collection but one, or what the runtime would publish now.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    /// Its program counters, innermost first: a range of [`Buckets::stacks`].
    pub(crate) stack: Range<usize>,
    /// Bytes of one object.
    pub(crate) size: u64,
    pub(crate) allocs: u64,
    pub(crate) frees: u64,
    /// What the cycles that are not published yet add.
    future: [(u64, u64); CYCLES as usize],
}

/// All stacks of the memory profile, in the order of the runtime's list.
#[derive(Default)]
pub(crate) struct Buckets {
    pub(crate) list: Vec<Bucket>,
    pub(crate) stacks: Vec<u64>,
    /// Index by address.
    pub(crate) by_address: FxHashMap<u64, u32>,
}

impl Buckets {
    /// Reads the list. What cannot be read is left out, and `partial` says so.
    pub(crate) fn read(
        memory: &dyn Memory,
        layout: &ProfileLayout,
        globals: ProfileGlobals,
        partial: &mut Partial,
    ) -> Self {
        let mut buckets = Self::default();
        let (Some(list), Some(cycle)) = (globals.buckets, globals.cycle) else {
            partial.add(Figure::Profile, "the memory profile could not be found without debug information");
            return buckets;
        };
        if let Err(e) = buckets.follow(memory, layout, list) {
            partial.add(Figure::Profile, format!("the memory profile could not be read to its end: {e}"));
        }
        let cycle = memory.u32(cycle).unwrap_or(0) >> 1;
        buckets.publish(u64::from(cycle) % CYCLES);
        buckets
    }

    fn follow(&mut self, memory: &dyn Memory, layout: &ProfileLayout, list: u64) -> Result<(), GoError> {
        let mut at = memory.u64(list)?;
        let mut seen = FxHashSet::default();
        let mut header = vec![0; layout.bucket.size.min(MAX_STRUCTURE) as usize];
        let mut record = vec![0; layout.record.size.min(MAX_STRUCTURE) as usize];
        while at != 0 {
            let bad = |reason: &str| GoError::inconsistent("runtime.bucket", at, reason);
            if !seen.insert(at) || seen.len() > MAX_BUCKETS {
                return Err(bad("the list has no end"));
            }
            memory.read_into(at, &mut header)?;
            let depth = layout.bucket.stack_len.get(&header);
            if layout.bucket.kind.get(&header) != MEMORY || depth > MAX_DEPTH {
                return Err(bad("it is no stack of the memory profile"));
            }
            let stack = self.stack(memory, at.wrapping_add(layout.bucket.size), depth as usize)?;
            let end = at.wrapping_add(layout.bucket.size).wrapping_add(depth * 8);
            memory.read_into(end, &mut record)?;
            self.by_address.insert(at, self.list.len() as u32);
            self.list.push(bucket(layout, layout.bucket.object_size.get(&header), stack, &record));
            at = layout.bucket.next.get(&header);
        }
        Ok(())
    }

    fn stack(&mut self, memory: &dyn Memory, address: u64, depth: usize) -> Result<Range<usize>, GoError> {
        let start = self.stacks.len();
        if start + depth > MAX_WORDS {
            return Err(GoError::inconsistent(
                "runtime.bucket",
                address,
                "its stacks are longer than those of any program",
            ));
        }
        let mut bytes = vec![0; depth * 8];
        memory.read_into(address, &mut bytes)?;
        self.stacks.extend((0..depth as u64).map(|i| Field { offset: i * 8, size: 8 }.get(&bytes)));
        Ok(start..start + depth)
    }

    /// Does what `memProfileInternal` does first: adds what belongs to the published profile and is not yet in it.
    fn publish(&mut self, current: u64) {
        for bucket in &mut self.list {
            bucket.add(current as usize);
        }
        // No collection has happened so far: then it adds everything.
        if self.list.iter().all(|b| b.allocs == 0 && b.frees == 0) {
            for bucket in &mut self.list {
                (0..CYCLES as usize).for_each(|cycle| bucket.add(cycle));
            }
        }
    }

    /// The program counters of a bucket.
    pub(crate) fn stack_of(&self, bucket: &Bucket) -> &[u64] {
        self.stacks.get(bucket.stack.clone()).unwrap_or_default()
    }
}

impl Bucket {
    fn add(&mut self, cycle: usize) {
        let (allocs, frees) = std::mem::take(&mut self.future[cycle]);
        self.allocs = self.allocs.wrapping_add(allocs);
        self.frees = self.frees.wrapping_add(frees);
    }
}

fn bucket(layout: &ProfileLayout, size: u64, stack: Range<usize>, record: &[u8]) -> Bucket {
    let counts = |base: u64| {
        let field = |f: Field| Field { offset: base.wrapping_add(f.offset), ..f }.get(record);
        (field(layout.cycle.allocs), field(layout.cycle.frees))
    };
    let (allocs, frees) = counts(layout.record.active.offset);
    let future = [0, 1, 2].map(|i| counts(layout.record.future.offset.wrapping_add(i * layout.cycle.size)));
    Bucket { stack, size, allocs, frees, future }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzzing::Image;
    use crate::runtime::{Bucket as BucketLayout, MemoryCycle, MemoryRecord};

    const LIST: u64 = 0x1000;
    const CYCLE: u64 = 0x1008;
    const FIRST: u64 = 0x1010;

    /// Three words of head (next, kind and depth, size), the stack, and the record: four pairs.
    fn bucket(next: u64, kind: u32, depth: u32, stack: &[u64], counts: [u64; 8]) -> Vec<u64> {
        let mut words = vec![next, u64::from(kind) | u64::from(depth) << 32, 64];
        words.extend(stack);
        words.extend(counts);
        words
    }

    fn read(cycle: u32, buckets: &[Vec<u64>]) -> (Buckets, Partial) {
        let word = |index: u64| Field { offset: index * 8, size: 8 };
        let half = |offset| Field { offset, size: 4 };
        let layout = ProfileLayout {
            bucket: BucketLayout { size: 24, next: word(0), kind: half(8), stack_len: half(12), object_size: word(2) },
            record: MemoryRecord { size: 64, active: word(0), future: word(2) },
            cycle: MemoryCycle { size: 16, allocs: word(0), frees: word(1) },
            ..ProfileLayout::default()
        };
        let words = [FIRST, u64::from(cycle) << 1].into_iter().chain(buckets.concat());
        let image = Image::new(vec![(LIST, words.flat_map(u64::to_le_bytes).collect())]);
        let globals = ProfileGlobals { buckets: Some(LIST), cycle: Some(CYCLE), ..ProfileGlobals::default() };
        let mut partial = Partial::default();
        (Buckets::read(&image, &layout, globals, &mut partial), partial)
    }

    #[test]
    fn what_belongs_to_the_published_profile_is_added() {
        let counts = [10, 1, 0, 0, 5, 2, 100, 100];
        let second = FIRST + 8 * (3 + 2 + 8);
        let list = [bucket(second, 1, 2, &[7, 8], counts), bucket(0, 1, 0, &[], [1, 0, 0, 0, 0, 0, 0, 0])];
        let (buckets, partial) = read(3 * 9 + 1, &list);
        assert_eq!((partial.len(), buckets.list.len()), (0, 2));
        let first = &buckets.list[0];
        assert_eq!((first.allocs, first.frees, first.size, buckets.stack_of(first)), (15, 3, 64, &[7, 8][..]));
        assert_eq!(buckets.by_address.get(&second), Some(&1));
        // Before the first collection everything counts.
        let (buckets, _) = read(0, &[bucket(0, 1, 0, &[], [0, 0, 0, 0, 5, 2, 4, 0])]);
        assert_eq!((buckets.list[0].allocs, buckets.list[0].frees), (9, 2));
    }

    #[test]
    fn lists_that_make_no_sense_come_to_an_end() {
        let none = [0; 8];
        for (list, kept, reason) in [
            (bucket(FIRST, 1, 0, &[], none), 1, "no end"),
            (bucket(0, 2, 0, &[], none), 0, "no stack of the memory profile"),
            (bucket(0, 1, u32::MAX, &[], none), 0, "no stack of the memory profile"),
            (bucket(0, 1, 1000, &[], none), 0, "not mapped"),
            (bucket(8, 1, 0, &[], none), 1, "not mapped"),
        ] {
            let (buckets, partial) = read(0, &[list]);
            assert_eq!(buckets.list.len(), kept, "{partial:?}");
            assert!(partial.len() == 1 && partial[0].sentence.contains(reason), "{partial:?}");
        }
    }
}
