//! Infers the types of the live objects that no typed value led to: behind an `unsafe.Pointer`, a slot of a stack that
//! no variable is known for, or, without debug information, any variable.
//!
//! What objects say of themselves comes first, and leads on as any typed value does: interfaces, closures, channels, and
//! the groups of maps. Then what is known of the allocation: the code that made a sampled object names its type. The rest
//! is concluded from the code of the whole program and from what objects look like; maps found so are marked.

mod code;
mod contents;
mod fits;
mod headers;
mod interfaces;
mod maps;
mod sampled;
mod unused;
mod values;

use mapscope_heap::Reachability;
use rustc_hash::FxHashSet;

use self::fits::Allocated;
use self::headers::Search;
use self::maps::{ALL, SURE};
use super::{Regions, Typing, worker};
use crate::maps::Auditor;

/// What is concluded leads to more, which is looked into in turn; so often.
const ROUNDS: usize = 4;

impl Typing<'_> {
    /// How many objects of each type were concluded to be of it from what they look like.
    pub(crate) fn inferred_by_type(&self) -> Vec<u64> {
        let mut counts = vec![0; self.context.types.len()];
        for object in self.concluded.iter() {
            if let Some(count) = counts.get_mut(self.heap.graph.type_of(object as u32) as usize) {
                *count += 1;
            }
        }
        counts
    }
}

/// What was inferred.
#[derive(Default)]
pub(crate) struct Inferred {
    /// Headers of maps whose type was concluded.
    pub(crate) headers: FxHashSet<u64>,
    /// Maps that never had an entry, and whose type nothing tells.
    pub(crate) untyped_maps: u64,
    /// Spans with the live objects that still have no type.
    pub(crate) untyped_spans: Vec<usize>,
}

impl Typing<'_> {
    /// Infers what is still unknown, and follows it.
    pub(crate) fn infer(&self, regions: &Regions, reach: &Reachability) -> Inferred {
        let mut inferred = Inferred::default();
        self.infer_objects(regions, reach, &mut inferred);
        // A surer type may have come later from a map that leads there.
        inferred.headers.retain(|address| self.is_header(*address));
        inferred.headers.extend(self.guess(regions).headers);
        inferred
    }

    fn infer_objects(&self, regions: &Regions, reach: &Reachability, inferred: &mut Inferred) {
        let context = self.context;
        let (mut spans, mut untyped) = self.untyped_spans(0..self.heap.spans.spans.len(), reach);
        if untyped == 0 {
            return;
        }
        let itabs = context.types.itabs();
        worker::run(self, regions, Vec::new(), &self.interfaces_outside(&itabs), &[]);
        let evidence = code::evidence(context);
        worker::run(self, regions, Vec::new(), &[], &self.sampled(reach, &evidence.allocations));
        let loaded = evidence.loaded.iter().map(|id| context.types.get(*id).descriptor);
        let catalog = context.types.catalog(loaded);
        let auditor = Auditor::of(context);
        let mut search = Search::new(self, &auditor, &catalog, &evidence);
        let allocated = Allocated::of(self, evidence.allocations.values());
        // What is merely likely waits until there is nothing surer.
        for grounds in [SURE, ALL] {
            for _ in 0..ROUNDS {
                let told = self.told(&spans, reach, &itabs);
                worker::run(self, regions, Vec::new(), &told.offers, &told.objects);
                search.maps(grounds, regions, reach, &mut inferred.headers);
                let fitting = search.fitting_objects(&spans, reach, &allocated);
                worker::run(self, regions, Vec::new(), &[], &fitting);
                let before = untyped;
                (spans, untyped) = self.untyped_spans(spans, reach);
                if untyped == before {
                    break;
                }
            }
        }
        inferred.untyped_maps = search.left_out(reach);
        inferred.untyped_spans = spans;
    }
}
