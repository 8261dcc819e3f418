//! Finalizers and cleanups that can never run, because what they need keeps their own object: a cleanup whose argument
//! leads back to the object, and objects with finalizers that lead to each other in a circle.
//!
//! The collector keeps what a cleanup is called with, and all that an object with a finalizer points to, until that has
//! run (`markroot`, `runtime/mgcmark.go`). If that leads to the object itself, it is never found dead.

use mapscope_heap::{BitSet, Dominator};
use rustc_hash::FxHashMap;

use crate::Session;
use crate::holders::HolderKind;
use crate::types::TypeId;

/// Steps up the dominator tree; what is further in is left out.
const MAX_STEPS: usize = 64;
/// Rounds until those that will run are sorted out; a chain of finalizers that is longer ends in nothing that is said.
const MAX_ROUNDS: usize = 64;

/// Objects whose finalizers and cleanups can never run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NeverRun {
    /// Finalizers.
    pub finalizers: u64,
    /// Cleanups.
    pub cleanups: u64,
    /// The type of most of their objects; empty when it is not known.
    pub type_name: String,
    /// The objects, and what their cleanups are called with: with all that only they lead to, they would be freed.
    pub objects: Vec<u32>,
}

/// An object with a finalizer or a cleanup, and what the collector keeps because of that.
struct Attached {
    object: u32,
    cleanup: bool,
    keeps: Vec<u32>,
}

impl Session<'_> {
    /// What can never run. Objects that anything else holds as well are not among it.
    pub fn never_run(&self) -> NeverRun {
        let mut left = self.attached();
        left.retain(|a| self.only_attached(a.object));
        for _ in 0..MAX_ROUNDS {
            let reached = self.kept(&left);
            let before = left.len();
            // What none of the others keeps is dead, will run, and then lets go of what it keeps.
            left.retain(|a| reached.contains(a.object as usize));
            if left.len() == before {
                return self.never(&left);
            }
        }
        NeverRun::default()
    }

    fn never(&self, left: &[Attached]) -> NeverRun {
        let mut found = NeverRun::default();
        let mut types: FxHashMap<u32, u64> = FxHashMap::default();
        for attached in left {
            *(if attached.cleanup { &mut found.cleanups } else { &mut found.finalizers }) += 1;
            *types.entry(self.graph().type_of(attached.object)).or_default() += 1;
            found.objects.push(attached.object);
            if attached.cleanup {
                found.objects.extend(&attached.keeps);
            }
        }
        let most = types.into_iter().max_by_key(|(id, count)| (*count, std::cmp::Reverse(*id)));
        found.type_name =
            most.map_or_else(String::new, |(id, _)| self.stages.context.types.get(TypeId(id)).name.clone());
        found.objects.sort_unstable();
        found.objects.dedup();
        found
    }

    fn attached(&self) -> Vec<Attached> {
        let roots = self.stages.roots;
        let finalized = roots.finalized.iter().map(|object| Attached {
            object: *object,
            cleanup: false,
            keeps: self.graph().edges(*object).to_vec(),
        });
        let target = |value: u64| self.stages.heap.spans.object(value).map(|(object, ..)| object);
        let cleaned = roots.cleanups.iter().map(|(object, values)| Attached {
            object: *object,
            cleanup: true,
            keeps: values.iter().filter_map(|value| target(*value)).collect(),
        });
        finalized.chain(cleaned).collect()
    }

    /// Whether an object lives, and nothing but finalizers and cleanups holds it.
    fn only_attached(&self, object: u32) -> bool {
        let mut at = object;
        for _ in 0..MAX_STEPS {
            match self.dominators().of(at) {
                Some(Dominator::Object(above)) => at = above,
                Some(Dominator::Holder(holder)) => {
                    let kind = self.holders().get(holder as usize).map(|h| h.kind);
                    return matches!(kind, Some(HolderKind::Finalizer | HolderKind::Cleanup));
                }
                Some(Dominator::Shared(_)) | None => return false,
            }
        }
        false
    }

    /// Everything that is kept because of these.
    fn kept(&self, attached: &[Attached]) -> BitSet {
        let mut reached = BitSet::new(self.graph().len());
        let mut pending: Vec<u32> = attached.iter().flat_map(|a| a.keeps.iter().copied()).collect();
        while let Some(object) = pending.pop() {
            if reached.insert(object as usize) {
                pending.extend_from_slice(self.graph().edges(object));
            }
        }
        reached
    }
}
