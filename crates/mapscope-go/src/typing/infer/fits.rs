//! Concludes what live objects are that nothing says anything of: of the types that the program's code allocates, the one
//! that has the object's size, its pointers in those places, and values like those in it.

use std::sync::atomic::Ordering::Relaxed;

use mapscope_heap::Reachability;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::code::Allocation;
use super::contents::Untyped;
use super::headers::{Sample, Search};
use super::values::STRONG;
use crate::heap::{slot_for, type_words};
use crate::types::{Descriptor, TypeId};
use crate::typing::Typing;

/// Types of one size with pointers in the same places that are compared; more are as good as unknown.
const MAX_ALIKE: usize = 64;
/// Bytes of a type that is looked for.
const MAX_BYTES: u64 = 1 << 20;

/// The types that the program allocates, by slot and places of the pointers.
pub(super) struct Allocated {
    alike: FxHashMap<(u64, Box<[u64]>), Vec<TypeId>>,
}

impl Allocated {
    /// Those of `allocations` that are one value and have pointers.
    pub(super) fn of<'a>(typing: &Typing<'_>, allocations: impl Iterator<Item = &'a Allocation>) -> Self {
        let (context, mut alike) = (typing.context, FxHashMap::<_, Vec<TypeId>>::default());
        let types: FxHashSet<TypeId> = allocations.filter(|a| !a.many).map(|a| a.ty).collect();
        for ty in types {
            let address = context.types.get(ty).descriptor;
            let Ok(descriptor) = Descriptor::read(context.memory, address) else { continue };
            if descriptor.pointer_bytes == 0 || descriptor.size > MAX_BYTES {
                continue;
            }
            let Some(words) = type_words(context.types, ty, descriptor.size) else { continue };
            let places = words.iter().map(|word| u64::from(*word) * 8).collect();
            alike.entry((slot_for(descriptor.size), places)).or_default().push(ty);
        }
        for types in alike.values_mut() {
            types.sort_by_cached_key(|ty| context.types.get(*ty).name.clone());
        }
        Self { alike }
    }
}

impl Search<'_, '_> {
    /// Gives the live objects of these spans that have no type one that fits, where only one does. Returns them, with
    /// their spans.
    pub(super) fn fitting_objects(
        &self,
        spans: &[usize],
        reach: &Reachability,
        allocated: &Allocated,
    ) -> Vec<(u32, usize)> {
        let typing = self.typing;
        let in_span = |mut found: Vec<(u32, TypeId, usize)>, span: &usize| {
            typing.each_untyped(*span, reach, |object| {
                found.extend(self.fitting_type(object, allocated).map(|ty| (object.object, ty, object.span)));
            });
            found
        };
        let join = |mut one: Vec<_>, other: Vec<_>| {
            one.extend(other);
            one
        };
        let found = spans.par_iter().fold(Vec::new, in_span).reduce(Vec::new, join);
        // All are judged by what was known before, so that their order does not matter.
        for (object, ty, _) in &found {
            typing.heap.graph.types()[*object as usize].store(ty.0, Relaxed);
            typing.concluded.insert(*object as usize);
        }
        found.into_iter().map(|(object, _, span)| (object, span)).collect()
    }

    fn fitting_type(&self, object: &Untyped<'_>, allocated: &Allocated) -> Option<TypeId> {
        let types = self.typing.context.types;
        let slot = self.typing.heap.spans.spans[object.span].elem_size;
        let alike = allocated.alike.get(&(slot, object.pointers.into()) as &(u64, Box<[u64]>))?;
        if alike.len() > MAX_ALIKE {
            return None;
        }
        let mut sample = Sample::default();
        let mut best: Option<(u64, TypeId)> = None;
        let mut alone = true;
        for ty in alike {
            let size = types.get(*ty).size as usize;
            let Some(score) = object.value.get(..size).and_then(|value| self.value(*ty, value, 0, &mut sample)) else {
                continue;
            };
            match best {
                Some((known, _)) if known > score => {}
                Some((known, _)) if known == score => alone = false,
                _ => (best, alone) = (Some((score, *ty)), true),
            }
        }
        let (_, ty) = best.filter(|(score, _)| alone && *score >= STRONG)?;
        // A struct like `{ uint64; uint64; []byte; ... }` has its pointer where a header has it, and a small map's numbers
        // pass for its own: the groups behind the pointer know better.
        (!self.can_be_map(object.object, object.span)).then_some(ty)
    }
}
