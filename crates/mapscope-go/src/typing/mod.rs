//! The type of every object that a typed root leads to.
//!
//! Exact first: what the objects say of themselves (type headers, types of large objects), then interface and channel
//! types met on the way. Everything else is propagated: a typed value says what its pointers lead to. Objects are
//! visited in parallel, chunk of spans by chunk, so that a live target is read in large pieces and a core in address
//! order; each object is visited once for every better type it gets, which is rarely more than once.

mod offer;
mod rank;
mod regions;
mod resolve;
mod seeds;
mod worker;

pub(crate) use offer::Offer;
pub(crate) use rank::slot_for;
pub(crate) use regions::{Origin, Region, Regions};
pub(crate) use resolve::InterfaceTypes;
pub(crate) use seeds::Names;

use crate::heap::Heap;
use crate::roots::{Context, Goroutines};
use crate::types::ClosureTypes;

/// What typing needs to know of the target.
pub(crate) struct Typing<'t> {
    pub(crate) context: &'t Context<'t>,
    pub(crate) heap: &'t Heap,
    pub(crate) goroutines: &'t Goroutines,
    pub(crate) closures: ClosureTypes,
}

impl<'t> Typing<'t> {
    /// Types everything that the variables of the target lead to; their names go to `names`. Returns the typed places
    /// outside the heap.
    pub(crate) fn run(&self, names: &mut Names) -> Regions {
        let regions = Regions::default();
        worker::run(self, &regions, self.seeds(names));
        regions
    }
}
