//! The types of the objects that the memory profile sampled: the stack says which call made each, and the code of the
//! call which type.

use mapscope_heap::Reachability;
use mapscope_memory::Partial;
use rustc_hash::FxHashMap;

use super::code::Allocation;
use crate::heap::slot_for;
use crate::roots::profiled;
use crate::sites::Buckets;
use crate::types::{Descriptor, TypeId};
use crate::typing::Typing;
use crate::typing::facts::Facts;
use crate::typing::offer::Outcome;

/// Calls within the runtime before the one that the program makes.
const MAX_INNER: usize = 8;

impl Typing<'_> {
    /// Gives the sampled live objects without a type that of the call that made them. Returns those that may lead on:
    /// (object, span).
    pub(super) fn sampled(&self, reach: &Reachability, allocations: &FxHashMap<u64, Allocation>) -> Vec<(u32, usize)> {
        let context = self.context;
        let Some(layout) = &context.layout.profile else { return Vec::new() };
        // What the profile lacks is said where it is shown.
        let mut partial = Partial::default();
        let buckets = Buckets::read(context.memory, layout, context.globals.profile, &mut partial);
        let mut facts = Facts::new(context.types);
        let mut found = Vec::new();
        for (object, bucket) in profiled(context, layout.special.bucket, &mut partial) {
            if self.heap.graph.type_of(object) != 0 || !reach.is_live(object) {
                continue;
            }
            let bucket = buckets.by_address.get(&bucket).and_then(|index| buckets.list.get(*index as usize));
            let stack = bucket.map(|bucket| buckets.stack_of(bucket)).unwrap_or_default();
            let Some(made) = stack.iter().take(MAX_INNER).find_map(|pc| allocations.get(pc)) else { continue };
            let block = self.heap.graph.blocks.block_of(object);
            let Some((.., span)) = self.heap.spans.object(block.address(object)) else { continue };
            if let Some(ty) = self.allocated_type(*made, span, &mut facts)
                && let Outcome::Visit(object, span) = self.store(object, span, ty, &mut facts)
            {
                found.push((object, span));
            }
        }
        found
    }

    /// The type of an object of the span that such a call made; `None` when it cannot have.
    fn allocated_type(
        &self,
        Allocation { ty, many }: Allocation,
        span: usize,
        facts: &mut Facts<'_>,
    ) -> Option<TypeId> {
        let (context, span) = (self.context, &self.heap.spans.spans[span]);
        let descriptor = Descriptor::read(context.memory, context.types.get(ty).descriptor).ok()?;
        let header = self.heap.spans.header(span);
        let room = span.elem_size.checked_sub(header)?;
        let fits = descriptor.size > 0
            && descriptor.size <= room
            && (descriptor.pointer_bytes == 0) == span.noscan
            && (many || slot_for(descriptor.size + header) == span.elem_size);
        fits.then(|| if many && room / descriptor.size > 1 { facts.row(ty) } else { ty })
    }
}
