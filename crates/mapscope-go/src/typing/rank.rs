//! Which of two types an object has.

use super::Typing;
use super::facts::{Class, Facts};
use crate::heap::slot_for;
use crate::types::TypeId;

/// How sure a type is; ties go to the larger type, then to one that is not as generic code sees it, then to the name, so that the order of visits does not matter.
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
        if new_size != old_size {
            return new_size > old_size;
        }
        // Generic code sees the shape of its type arguments, and who made the object the arguments themselves.
        let [(old_shape, old_name), (new_shape, new_name)] =
            [old, new].map(|id| (types.is_shape(id), types.get(id).name.clone()));
        if old_shape == new_shape { new_name > old_name } else { old_shape }
    }

    /// `stored`: the type is already the object's, so in a span whose objects say their type, it is that one.
    fn rank(&self, id: TypeId, span: usize, stored: bool, facts: &mut Facts<'_>) -> Rank {
        let fact = facts.get(id);
        if matches!(fact.class, Class::Part(_) | Class::Channel) {
            return Rank::Map;
        }
        let span = &self.heap.spans.spans[span];
        if stored && self.heap.spans.says_type(span) {
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
