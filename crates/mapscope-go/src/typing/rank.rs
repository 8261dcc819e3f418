//! Which of two types an object has.

use super::Typing;
use super::facts::{Class, Facts};
use crate::heap::MAX_IN_SPAN;
use crate::types::TypeId;

/// Slot sizes up to 32 KiB (`runtime/sizeclasses.go`, the same in Go 1.21 to 1.27).
pub(crate) const SIZE_CLASSES: [u64; 66] = [
    8, 16, 24, 32, 48, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224, 240, 256, 288, 320, 352, 384, 416, 448, 480,
    512, 576, 640, 704, 768, 896, 1024, 1152, 1280, 1408, 1536, 1792, 2048, 2304, 2688, 3072, 3200, 3456, 4096, 4864,
    5376, 6144, 6528, 6784, 6912, 8192, 9472, 9728, 10240, 10880, 12288, 13568, 14336, 16384, 18432, 19072, 20480,
    21760, 24576, 27264, 28672,
];

/// How sure a type is; ties go to the larger type, then to the name, so that the order of visits does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// The slot is not the one such a value would have been allocated in: perhaps a pointer to a first field.
    Odd,
    Fits,
    /// A closure, whose own code pointer named it.
    Named,
    /// The object says so itself.
    Exact,
    /// A map or a channel says so, and knows more of it than the runtime's own type: of what its elements are.
    Map,
}

impl Typing<'_> {
    /// Whether `new` is a better type than `old` for an object of the span at `span`.
    #[inline]
    pub(super) fn is_better(&self, new: TypeId, old: TypeId, span: usize, facts: &mut Facts<'_>) -> bool {
        if new == old || new == TypeId::UNKNOWN {
            return false;
        }
        if old == TypeId::UNKNOWN {
            return true;
        }
        let (new_rank, old_rank) = (self.rank(new, span, false, facts), self.rank(old, span, true, facts));
        if new_rank != old_rank {
            return new_rank > old_rank;
        }
        let (new_size, old_size) = (facts.get(new).size, facts.get(old).size);
        let types = self.context.types;
        new_size > old_size || new_size == old_size && types.get(new).name > types.get(old).name
    }

    /// `stored`: the type is already the object's, so in a span whose objects say their type, it is that one.
    fn rank(&self, id: TypeId, span: usize, stored: bool, facts: &mut Facts<'_>) -> Rank {
        let fact = facts.get(id);
        if matches!(fact.class, Class::Part(_) | Class::Channel) {
            return Rank::Map;
        }
        let span = &self.heap.spans.spans[span];
        let says = self.heap.spans.headers && !span.noscan && (span.large || span.elem_size > MAX_IN_SPAN);
        if stored && says {
            return Rank::Exact;
        }
        let header = self.heap.spans.header(span);
        let fits = match fact.class {
            Class::Closure => return Rank::Named,
            Class::Row(_) | Class::StringData => true,
            _ => slot_for(fact.size + header) == span.elem_size || span.elem_size == 16 && span.noscan,
        };
        if fits { Rank::Fits } else { Rank::Odd }
    }
}

/// The slot size the allocator gives to `bytes`, header included.
pub(crate) fn slot_for(bytes: u64) -> u64 {
    // The largest class is 32 KiB; above it, whole pages.
    match SIZE_CLASSES.iter().find(|c| **c >= bytes) {
        Some(class) => *class,
        None if bytes <= 32768 => 32768,
        None => bytes.next_multiple_of(crate::heap::PAGE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_allocator() {
        for (bytes, slot) in [(1, 8), (24, 24), (25, 32), (4865, 5376), (28673, 32768), (32769, 40960)] {
            assert_eq!(slot_for(bytes), slot, "{bytes}");
        }
    }
}
