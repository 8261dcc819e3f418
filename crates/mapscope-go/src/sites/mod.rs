//! Where objects were allocated: the runtime's memory profile, and the sampled objects that are still there.
//!
//! The runtime samples an allocation for every so many bytes (`runtime.MemProfileRate`) and remembers the stack of each
//! sampled object until the object is freed. What is said of objects that were not sampled is an estimate.

mod buckets;
mod heap_profile;
mod retained;

pub use heap_profile::{CodeMapping, HeapProfile, HeapRecord};

use mapscope_memory::{Figure, Partial};
use rustc_hash::FxHashMap;

use crate::runtime::{CodeFrame, Spots};
use crate::session::{Session, Stages};
use buckets::Bucket;
pub(crate) use buckets::Buckets;

/// Sampled objects.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sampled {
    /// Objects that were sampled.
    pub objects: u64,
    /// Their bytes.
    pub bytes: u64,
    /// How many objects they stand for: an estimate.
    pub estimated_objects: f64,
    /// How many bytes: an estimate.
    pub estimated_bytes: f64,
}

/// A stack that allocated objects, and the sampled ones of them that have not been freed.
#[derive(Clone, Debug, PartialEq)]
pub struct Site<'s> {
    /// The stack, innermost call first, without the runtime's own functions that allocate for the program.
    pub stack: Vec<CodeFrame<'s>>,
    /// Objects that are live.
    pub live: Sampled,
    /// Objects that nothing reaches.
    pub garbage: Sampled,
}

/// Whether, and how often, the program samples its allocations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sampling {
    /// One object for this many bytes, on average.
    Every(u64),
    /// Not at all: `runtime.MemProfileRate` is 0.
    Off,
    /// Not at all: the linker left the memory profile out, for nothing in the program can ask for it.
    LeftOut,
    /// Not known: without debug information the runtime's variables were not found.
    Unknown,
}

/// Functions that read the memory profile, one of which each program has that can ask for it (`linksetup` of
/// `cmd/link/internal/ld/lib.go`): `MemProfile` up to 1.22, `memProfileInternal` from 1.23.
const READERS: [&str; 2] = ["runtime.MemProfile", "runtime.memProfileInternal"];

/// The memory profile of a target, and its sampled objects.
pub struct Sites<'s> {
    pub(crate) stages: Stages<'s>,
    /// Whether allocations are sampled.
    pub sampling: Sampling,
    /// Why the profile is partial: one sentence for each reason.
    pub partial: Partial,
    buckets: Buckets,
    /// Sampled objects that have not been freed, in order, with the index of their bucket.
    objects: Vec<(u32, u32)>,
}

impl<'s> Session<'s> {
    /// Reads the program's memory profile and finds its sampled objects. Takes time with their number.
    pub fn sites(&self) -> Sites<'s> {
        let context = self.stages.context;
        let mut partial = Partial::default();
        let (mut buckets, mut objects) = (Buckets::default(), Vec::new());
        if let Some(layout) = &context.layout.profile {
            buckets = Buckets::read(context.memory, layout, context.globals.profile, &mut partial);
            let sampled = crate::roots::profiled(context, layout.special.bucket, &mut partial);
            let known = sampled.iter().filter_map(|(object, at)| Some((*object, *buckets.by_address.get(at)?)));
            objects = known.collect();
            let unknown = sampled.len() - objects.len();
            if unknown > 0 {
                partial.add(
                    Figure::Profile,
                    format!("{unknown} sampled objects were allocated at stacks that are not in the profile"),
                );
            }
        }
        Sites { stages: self.stages, sampling: sampling(&self.stages), partial, buckets, objects }
    }
}

/// `runtime.MemProfileRate`, and why it is 0.
fn sampling(stages: &Stages<'_>) -> Sampling {
    let globals = stages.context.globals.profile;
    let memory = stages.context.memory;
    let left_out = match globals.disabled {
        Some(at) => memory.u8(at).is_ok_and(|flag| flag == 1),
        None => !stages.context.functions.iter().any(|t| t.all().any(|f| READERS.contains(&t.name(&f)))),
    };
    match globals.rate.and_then(|at| memory.u64(at).ok()).map(|rate| u64::try_from(rate as i64)) {
        Some(Ok(rate)) if rate > 0 => Sampling::Every(rate),
        _ if left_out => Sampling::LeftOut,
        Some(_) => Sampling::Off,
        None => Sampling::Unknown,
    }
}

impl Sampling {
    /// How many objects of a size one sampled object stands for, as pprof reckons it (`scaleHeapSample`); 1 when
    /// nothing is known.
    pub fn scale(self, size: u64) -> f64 {
        match self {
            Self::Every(rate) if rate > 1 && size > 0 => 1.0 / (1.0 - (-(size as f64) / rate as f64).exp()),
            _ => 1.0,
        }
    }
}

impl Sampled {
    fn add(&mut self, size: u64, sampling: Sampling) {
        let scale = sampling.scale(size);
        self.objects += 1;
        self.bytes = self.bytes.saturating_add(size);
        self.estimated_objects += scale;
        self.estimated_bytes += scale * size as f64;
    }

    fn merge(&mut self, other: &Self) {
        self.objects += other.objects;
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.estimated_objects += other.estimated_objects;
        self.estimated_bytes += other.estimated_bytes;
    }
}

impl<'s> Sites<'s> {
    /// Sampled objects that have not been freed, live or not. An object that several tiny ones share counts for each.
    pub fn sampled_objects(&self) -> u64 {
        self.objects.len() as u64
    }

    /// All stacks that allocated sampled objects which have not been freed, most live bytes first.
    pub fn all(&self) -> Vec<Site<'s>> {
        self.group(self.objects.iter().copied())
    }

    /// The stacks that allocated some objects, most live bytes first: those of them that were sampled.
    pub fn of(&self, objects: impl IntoIterator<Item = u32>) -> Vec<Site<'s>> {
        self.group(objects.into_iter().flat_map(|object| {
            let start = self.objects.partition_point(|o| o.0 < object);
            let rest = self.objects.get(start..).unwrap_or_default();
            rest.iter().copied().take_while(move |o| o.0 == object)
        }))
    }

    fn group(&self, objects: impl Iterator<Item = (u32, u32)>) -> Vec<Site<'s>> {
        let mut by_stack: FxHashMap<&[u64], (Sampled, Sampled)> = FxHashMap::default();
        for (object, bucket) in objects {
            let Some(bucket) = self.bucket(bucket) else { continue };
            let (live, garbage) = by_stack.entry(self.buckets.stack_of(bucket)).or_default();
            let side = if self.stages.reach.is_live(object) { live } else { garbage };
            side.add(bucket.size, self.sampling);
        }
        let mut symbols = self.spots();
        // Different addresses can be one line of the source.
        let mut by_frames: FxHashMap<Vec<CodeFrame<'s>>, (Sampled, Sampled)> = FxHashMap::default();
        for (stack, (live, garbage)) in by_stack {
            let sum = by_frames.entry(self.frames(&mut symbols, stack)).or_default();
            sum.0.merge(&live);
            sum.1.merge(&garbage);
        }
        let mut sites: Vec<Site<'s>> =
            by_frames.into_iter().map(|(stack, (live, garbage))| Site { stack, live, garbage }).collect();
        let lines = |site: &Site<'s>| site.stack.iter().map(|f| (f.function, f.file, f.line)).collect::<Vec<_>>();
        sites.sort_by(|a, b| {
            let weight = |s: &Site<'_>| (s.live.estimated_bytes, s.garbage.estimated_bytes);
            let ((live_a, garbage_a), (live_b, garbage_b)) = (weight(a), weight(b));
            let order = live_b.total_cmp(&live_a).then(garbage_b.total_cmp(&garbage_a));
            order.then_with(|| lines(a).cmp(&lines(b)))
        });
        sites
    }

    fn bucket(&self, index: u32) -> Option<&Bucket> {
        self.buckets.list.get(index as usize)
    }

    fn spots(&self) -> Spots<'s> {
        let context = self.stages.context;
        Spots::new(context.functions, context.memory)
    }

    /// The lines of a stack that are the program's.
    fn frames(&self, symbols: &mut Spots<'s>, stack: &[u64]) -> Vec<CodeFrame<'s>> {
        let numbers = heap_profile::shown(symbols, stack, self.stages.context.minor);
        numbers.iter().filter_map(|number| symbols.get(*number)).flat_map(|spot| spot.frames.iter().copied()).collect()
    }
}
