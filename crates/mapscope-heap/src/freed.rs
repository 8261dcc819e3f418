//! Adds up what several causes free when all of them are mended: each object counts for one of them.
//!
//! A cause frees what its *seeds* dominate (a goroutine that ends, an object that is let go), or a set of objects that was
//! worked out otherwise. Sets that dominators make lie in each other or apart, so the outermost cause has an object: what
//! ends with a goroutine is not freed once more by the timer inside it. What only several causes hold together is counted
//! for none of them.

use std::sync::atomic::{AtomicU16, AtomicU64, Ordering::Relaxed};

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use crate::{Dominator, Dominators};

/// No cause frees it.
const NONE: u16 = u16::MAX;
/// Causes told apart; those with a higher number free nothing here.
const MAX_CAUSES: u16 = 1 << 14;

/// What a cause lets go of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seed {
    /// Everything that a holder holds alone.
    Holder(u32),
    /// An object, with all that it dominates.
    Object(u32),
}

/// Which cause frees each object.
#[derive(Debug, Default)]
pub struct Freed {
    causes: Vec<u16>,
    bytes: Vec<u64>,
    outer: Vec<u16>,
}

impl Freed {
    /// `seeds`: causes by number, with what they let go of. `sets`: objects that causes free though nothing dominates
    /// them. Of several causes with one seed the first counts; numbers from 16,384 on are left out.
    pub fn new<'o>(
        tree: &Dominators<'_>,
        seeds: impl IntoIterator<Item = (u16, Seed)>,
        sets: impl IntoIterator<Item = (u16, &'o [u32])>,
    ) -> Self {
        let graph = tree.graph();
        let mut holders = vec![NONE; tree.holders() as usize];
        let mut objects: FxHashMap<u32, u16> = FxHashMap::default();
        let mut last = None;
        for (cause, seed) in seeds.into_iter().filter(|s| s.0 < MAX_CAUSES) {
            last = last.max(Some(cause));
            match seed {
                Seed::Holder(holder) => {
                    if let Some(of) = holders.get_mut(holder as usize).filter(|of| **of == NONE) {
                        *of = cause;
                    }
                }
                Seed::Object(object) => {
                    objects.entry(object).or_insert(cause);
                }
            }
        }
        // With a goroutine go its variables.
        for part in 0..holders.len() {
            let whole = tree.whole(part as u32).and_then(|whole| holders.get(whole as usize).copied());
            if let Some(cause) = whole.filter(|_| holders[part] == NONE) {
                holders[part] = cause;
            }
        }
        for (cause, set) in sets.into_iter().filter(|s| s.0 < MAX_CAUSES) {
            last = last.max(Some(cause));
            for object in set {
                objects.entry(*object).or_insert(cause);
            }
        }
        let Some(last) = last else { return Self::default() };
        let causes: Vec<AtomicU16> = (0..graph.len()).map(|_| AtomicU16::new(NONE)).collect();
        let outer: Vec<AtomicU16> = (0..=last).map(|_| AtomicU16::new(NONE)).collect();
        let set = |object: u32| {
            let above = match tree.of(object) {
                Some(Dominator::Holder(holder)) => holders.get(holder as usize).copied().unwrap_or(NONE),
                Some(Dominator::Object(above)) => causes.get(above as usize).map_or(NONE, |c| c.load(Relaxed)),
                Some(Dominator::Shared(_)) => NONE,
                None => return None,
            };
            let own = objects.get(&object).copied().unwrap_or(NONE);
            let cause = if above == NONE { own } else { above };
            if own != cause
                && let Some(outer) = outer.get(own as usize)
            {
                outer.fetch_min(cause, Relaxed);
            }
            causes.get(object as usize)?.store(cause, Relaxed);
            Some(cause)
        };
        // Each after its dominator; those that point nowhere dominate nothing, and come in any order.
        for object in tree.top_down() {
            set(object);
        }
        let bytes: Vec<AtomicU64> = (0..=last).map(|_| AtomicU64::new(0)).collect();
        graph.blocks.blocks().par_iter().with_min_len(64).for_each(|block| {
            for object in block.objects() {
                let cause = if graph.points(object) {
                    causes.get(object as usize).map(|c| c.load(Relaxed))
                } else {
                    set(object)
                };
                if let Some(sum) = cause.and_then(|cause| bytes.get(cause as usize)) {
                    sum.fetch_add(block.slot_size, Relaxed);
                }
            }
        });
        let plain = |words: Vec<AtomicU16>| words.into_iter().map(AtomicU16::into_inner).collect();
        let bytes = bytes.into_iter().map(AtomicU64::into_inner).collect();
        Self { causes: plain(causes), bytes, outer: plain(outer) }
    }

    /// The cause that frees a live object.
    #[inline]
    pub fn cause(&self, object: u32) -> Option<u16> {
        self.causes.get(object as usize).copied().filter(|cause| *cause != NONE)
    }

    /// Bytes of the objects that a cause frees and no cause further out.
    pub fn bytes(&self, cause: u16) -> u64 {
        self.bytes.get(cause as usize).copied().unwrap_or(0)
    }

    /// A cause that frees some of what this one would free alone, the lowest if there are several.
    pub fn outer(&self, cause: u16) -> Option<u16> {
        self.outer.get(cause as usize).copied().filter(|outer| *outer != NONE)
    }

    /// Adds `bytes` of an object to `sum` when a cause frees it.
    #[inline]
    pub fn share(&self, object: u32, bytes: u64, sum: &mut FreedShare) {
        if let Some(cause) = self.cause(object) {
            sum.add(cause, bytes);
        }
    }
}

/// Bytes of what one change would free that other causes free already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FreedShare {
    /// The bytes.
    pub bytes: u64,
    /// A cause that frees some of them, the lowest if there are several.
    pub cause: Option<u16>,
    /// There are several.
    pub several: bool,
}

impl FreedShare {
    /// Adds bytes that a cause frees.
    #[inline]
    pub fn add(&mut self, cause: u16, bytes: u64) {
        self.merge(&Self { bytes, cause: Some(cause), several: false });
    }

    /// Adds what another sum has.
    #[inline]
    pub fn merge(&mut self, other: &Self) {
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.several |= other.several || matches!((self.cause, other.cause), (Some(a), Some(b)) if a != b);
        self.cause = match (self.cause, other.cause) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HolderTree;
    use crate::Reachability;
    use crate::testing::{Random, graph};

    /// What is reached when nothing of `gone` is entered.
    fn reached(edges: &[Vec<u32>], roots: &[(u32, u32)], gone: &[Seed]) -> Vec<bool> {
        let mut reached = vec![false; edges.len()];
        let enters = |object: u32| !gone.contains(&Seed::Object(object));
        let held = roots.iter().filter(|r| !gone.contains(&Seed::Holder(r.1))).map(|r| r.0);
        let mut queue: Vec<u32> = held.filter(|o| enters(*o)).collect();
        while let Some(object) = queue.pop() {
            if !std::mem::replace(&mut reached[object as usize], true) {
                queue.extend(edges[object as usize].iter().copied().filter(|o| enters(*o)));
            }
        }
        reached
    }

    #[test]
    fn no_object_is_freed_twice_or_by_less_than_all_causes() {
        let mut random = Random::new(0x5eed);
        for _ in 0..2000 {
            let (objects, holders) = (1 + random.below(24), 1 + random.below(4));
            let edges = random.edges(objects, 4);
            let roots: Vec<(u32, u32)> =
                (0..=random.below(6)).map(|_| (random.below(objects), random.below(holders))).collect();
            let seeds: Vec<(u16, Seed)> = (0..random.below(6))
                .map(|_| {
                    let cause = random.below(3) as u16;
                    let holder = random.below(3) == 0;
                    let seed =
                        if holder { Seed::Holder(random.below(holders)) } else { Seed::Object(random.below(objects)) };
                    (cause, seed)
                })
                .collect();
            let graph = graph(&edges);
            let reach = Reachability::from_roots(&graph, roots.iter().map(|r| r.0));
            let of_root: Vec<u32> = roots.iter().map(|r| r.1).collect();
            let above: Vec<u32> = (0..holders).collect();
            let holders_of = HolderTree { of_root: &of_root, above: &above, groups: &above };
            let tree = Dominators::new(&graph, &reach, holders_of);
            let freed = Freed::new(&tree, seeds.iter().copied(), []);
            let all: Vec<Seed> = seeds.iter().map(|s| s.1).collect();
            let (before, after) = (reached(&edges, &roots, &[]), reached(&edges, &roots, &all));
            let mut sums = [0; 3];
            for object in 0..objects {
                let Some(cause) = freed.cause(object) else { continue };
                assert!(before[object as usize] && !after[object as usize], "{object} of {edges:?} stays");
                sums[cause as usize] += 16;
            }
            assert_eq!(sums, [0, 1, 2].map(|cause| freed.bytes(cause)));
            // Alone, a cause frees what its seeds dominate.
            for (cause, seed) in &seeds {
                let alone = reached(&edges, &roots, &[*seed]);
                for object in (0..objects).filter(|o| before[*o as usize] && !alone[*o as usize]) {
                    assert!(freed.cause(object).is_some(), "{seed:?} of {cause} frees {object} of {edges:?}");
                }
            }
        }
    }

    #[test]
    fn the_cause_further_out_has_what_is_inside() {
        // A variable of a goroutine holds 0, which leads to 1, a timer with 2; a package variable holds 3, which leads to
        // 4.
        let (edges, roots) = ([vec![1], vec![2], vec![], vec![4], vec![]], [0, 3]);
        let graph = graph(&edges);
        let reach = Reachability::from_roots(&graph, roots);
        let holders = HolderTree { of_root: &[2, 1], above: &[0, 1, 0], groups: &[0, 1, 2] };
        let tree = Dominators::new(&graph, &reach, holders);
        let set: &[u32] = &[4];
        let freed = Freed::new(&tree, [(1, Seed::Object(1)), (0, Seed::Holder(0))], [(2, set)]);
        assert_eq!([0, 1, 2, 3, 4].map(|o| freed.cause(o)), [Some(0), Some(0), Some(0), None, Some(2)]);
        assert_eq!([0, 1, 2, 9].map(|c| freed.bytes(c)), [48, 0, 16, 0]);
        assert_eq!([0, 1, 2, 9].map(|c| freed.outer(c)), [None, Some(0), None, None]);
        assert_eq!(Freed::new(&tree, [(MAX_CAUSES, Seed::Holder(0))], []).cause(0), None);
    }

    #[test]
    fn shares_say_which_cause_and_whether_it_is_the_only_one() {
        let mut sum = FreedShare::default();
        sum.add(7, 10);
        sum.add(7, 5);
        assert_eq!(sum, FreedShare { bytes: 15, cause: Some(7), several: false });
        sum.merge(&FreedShare { bytes: 1, cause: Some(2), several: false });
        assert_eq!(sum, FreedShare { bytes: 16, cause: Some(2), several: true });
        sum.merge(&FreedShare::default());
        assert_eq!((sum.bytes, sum.several), (16, true));
    }
}
