//! The program's own heap profile, as `runtime/pprof` would write it.
//!
//! Follows `runtime/pprof/protomem.go` of Go 1.21 to 1.27.

use std::path::PathBuf;

use rustc_hash::FxHashMap;

use super::{Sampling, Sites};
use crate::runtime::{CodeSpot, Spots};

/// Stacks end in it.
const LAST: &str = "runtime.goexit";

/// The memory profile of a program, with the stacks by line of source.
#[derive(Clone, Debug)]
pub struct HeapProfile<'s> {
    /// Whether, and how often, objects are sampled.
    pub sampling: Sampling,
    /// One for each stack and size of objects, in the runtime's order.
    pub records: Vec<HeapRecord>,
    /// The calls that the stacks of records refer to.
    pub spots: Vec<CodeSpot<'s>>,
    /// Files whose code is mapped, by address.
    pub mappings: Vec<CodeMapping>,
}

/// A file whose code is mapped into the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeMapping {
    /// First address.
    pub start: u64,
    /// One past the last address.
    pub end: u64,
    /// Offset of `start` in the file, in bytes.
    pub offset: u64,
    /// The file, as the target knew it.
    pub file: PathBuf,
}

/// Sampled objects of one size that were allocated at one stack.
///
/// What was allocated and freed is what the runtime has published, which it does as of the last garbage collection;
/// what is live or garbage is of this moment, so it need not be the difference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeapRecord {
    /// Indices into [`HeapProfile::spots`], innermost first, without the runtime's functions that allocate for others.
    pub stack: Vec<u32>,
    /// Bytes of one object.
    pub object_size: u64,
    /// Objects allocated.
    pub allocs: u64,
    /// Objects of those freed.
    pub frees: u64,
    /// Objects that are live now.
    pub live: u64,
    /// Objects that are still there, and nothing reaches.
    pub garbage: u64,
}

impl HeapRecord {
    /// Objects in use.
    pub fn in_use(&self) -> u64 {
        self.allocs.saturating_sub(self.frees)
    }

    /// What `count` of its objects stand for, as pprof rounds it (`scaleHeapSample`): objects and bytes.
    pub fn scaled(&self, sampling: Sampling, count: u64) -> (i64, i64) {
        let bytes = count.saturating_mul(self.object_size);
        if self.object_size == 0 {
            return (0, 0);
        }
        if let Sampling::Every(2..) = sampling {
            let scale = sampling.scale(self.object_size);
            return ((count as f64 * scale) as i64, (bytes as f64 * scale) as i64);
        }
        let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        (whole(count), whole(bytes))
    }
}

impl<'s> Sites<'s> {
    /// The program's heap profile, whether or not it has a way to ask for it.
    pub fn heap_profile(&self) -> HeapProfile<'s> {
        let mut counts: FxHashMap<u32, (u64, u64)> = FxHashMap::default();
        for (object, bucket) in &self.objects {
            let (live, garbage) = counts.entry(*bucket).or_default();
            *(if self.stages.reach.is_live(*object) { live } else { garbage }) += 1;
        }
        let minor = self.stages.context.minor;
        let mut spots = self.spots();
        let mut record = |(index, bucket): (usize, &super::Bucket)| {
            let (live, garbage) = counts.get(&(index as u32)).copied().unwrap_or_default();
            HeapRecord {
                stack: shown(&mut spots, self.buckets.stack_of(bucket), minor),
                object_size: bucket.size,
                allocs: bucket.allocs,
                frees: bucket.frees,
                live,
                garbage,
            }
        };
        let records = self.buckets.list.iter().enumerate().map(&mut record).collect();
        let mappings = self.stages.context.memory.regions().iter().filter(|region| region.execute);
        let mappings = mappings.filter_map(|region| {
            let (file, offset) = region.file.clone()?;
            Some(CodeMapping { start: region.start, end: region.end, offset, file })
        });
        HeapProfile { sampling: self.sampling, records, spots: spots.into_found(), mappings: mappings.collect() }
    }
}

/// The calls of a stack that a profile shows: without the runtime's innermost ones, and without where it ends. A stack
/// that is the runtime's alone is shown whole.
pub(super) fn shown(spots: &mut Spots<'_>, stack: &[u64], minor: u32) -> Vec<u32> {
    let first = stack.iter().position(|address| !spots.name_of(*address).is_some_and(|name| is_runtime(name, minor)));
    let hidden = visible(spots, stack.get(first.unwrap_or(0)..).unwrap_or_default());
    if hidden.is_empty() { visible(spots, stack) } else { hidden }
}

fn visible(spots: &mut Spots<'_>, stack: &[u64]) -> Vec<u32> {
    let mut numbers = spots.add(stack);
    let is_last = |n: &u32| spots.get(*n).and_then(|s| s.frames.first()).is_some_and(|f| f.function == LAST);
    numbers.retain(|n| !is_last(n));
    numbers
}

/// The map of Go 1.24 and later is in a package of its own.
fn is_runtime(name: &str, minor: u32) -> bool {
    name.starts_with("runtime.") || minor >= 24 && name.starts_with("internal/runtime/")
}
