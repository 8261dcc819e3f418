//! The type of every object that a typed root leads to.
//!
//! Exact first: what the objects say of themselves (type headers, types of large objects), then interface and channel
//! types met on the way. Everything else is propagated: a typed value says what its pointers lead to. Objects are
//! visited in parallel, chunk of spans by chunk, so that a live target is read in large pieces and a core in address
//! order; each object is visited once for every better type it gets, which is rarely more than once.

mod facts;
mod guess;
mod infer;
mod offer;
mod parcels;
mod queue;
mod rank;
mod regions;
mod resolve;
mod seeds;
mod worker;

pub(crate) use facts::{Class, Facts};
pub(crate) use infer::Inferred;
pub(crate) use offer::Offer;
pub(crate) use regions::{Origin, Region, Regions};
pub(crate) use seeds::Names;

use mapscope_heap::{Reachability, SharedBits};

use crate::heap::{Heap, MAX_IN_SPAN};
use crate::roots::{Context, Goroutines, Roots};
use crate::types::ClosureTypes;

/// What typing needs to know of the target.
pub(crate) struct Typing<'t> {
    pub(crate) context: &'t Context<'t>,
    pub(crate) heap: &'t Heap,
    roots: &'t Roots,
    closures: ClosureTypes,
    /// Objects whose references were followed.
    visited: SharedBits,
    /// Objects whose type only pointers into their middle say.
    inside: SharedBits,
    /// Objects whose type was concluded from what they look like.
    concluded: SharedBits,
}

impl<'t> Typing<'t> {
    pub(crate) fn new(context: &'t Context<'t>, heap: &'t Heap, roots: &'t Roots) -> Self {
        let [visited, inside, concluded] = [(); 3].map(|()| SharedBits::new(heap.graph.len()));
        Self { context, heap, roots, closures: ClosureTypes::default(), visited, inside, concluded }
    }

    /// The type of an object was concluded from what it looks like.
    pub(crate) fn was_concluded(&self, object: u32) -> bool {
        self.concluded.contains(object as usize)
    }

    pub(crate) fn goroutines(&self) -> &'t Goroutines {
        &self.roots.goroutines
    }

    /// Types everything that the variables of the target lead to; their names go to `names`. Returns the typed places
    /// outside the heap.
    pub(crate) fn run(&self, names: &mut Names) -> Regions {
        let regions = Regions::default();
        worker::run(self, &regions, self.seeds(names), &self.callbacks(self.roots), &[]);
        regions
    }

    /// Goes on from the live objects that say their own type and that no typed value led to: those behind an
    /// `unsafe.Pointer`. Dead objects must not be followed, what they point to may have become something else.
    pub(crate) fn follow_untyped(&self, regions: &Regions, reach: &Reachability) {
        if !self.heap.spans.headers {
            return;
        }
        let mut objects = Vec::new();
        for (index, (span, block)) in self.heap.spans.spans.iter().zip(self.heap.spans.blocks.blocks()).enumerate() {
            if span.noscan || !span.large && span.elem_size <= MAX_IN_SPAN {
                continue;
            }
            for object in block.objects().filter(|o| reach.is_live(*o)) {
                if !self.visited.contains(object as usize) && self.heap.graph.type_of(object) != 0 {
                    objects.push((object, index));
                }
            }
        }
        if !objects.is_empty() {
            worker::run(self, regions, Vec::new(), &[], &objects);
        }
    }
}
