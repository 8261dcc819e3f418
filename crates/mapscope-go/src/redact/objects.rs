//! What stays of the heap: pointers as the runtime's own bitmaps say, the bitmaps themselves, types in front of objects,
//! and what the types of live objects ask for. Of garbage and free slots nothing stays.

use std::ops::Range;

use super::Kept;
use super::values::Values;
use crate::heap::{Masks, PointerWords};
use crate::session::Stages;
use crate::types::TypeId;

/// Keeps what is needed of a run of spans.
pub(super) fn keep(stages: &Stages<'_>, kept: &Kept<'_>, chunk: Range<usize>) {
    let Stages { context, heap, reach, .. } = *stages;
    let mut masks = Masks::default();
    let mut values = Values::new(context, kept);
    for index in chunk.clone() {
        let (span, block) = (&heap.spans.spans[index], &heap.spans.blocks.blocks()[index]);
        let pointers = PointerWords::new(context, &heap.spans, index);
        if let Some(bitmap) = pointers.bitmap() {
            kept.words.insert(bitmap.start, bitmap.end - bitmap.start);
        }
        let header = heap.spans.header(span);
        for object in block.objects().filter(|o| reach.is_live(*o)) {
            let start = block.address(object);
            if header > 0 {
                kept.words.insert(start, header);
            }
            pointers.each(object, &mut masks, |address| kept.words.insert(address, 8));
            values.keep(TypeId(heap.graph.type_of(object)), start + header, span.elem_size - header);
        }
    }
    heap.spans.release(context.memory, chunk);
}
