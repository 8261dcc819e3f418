//! What loops hold of maps that have grown: a map that grows or splits a table while a loop goes over it leaves the old
//! table, or the old bucket array, to the loop, which needs it to the end (`internal/runtime/maps.Iter.Next`;
//! `runtime.mapiternext` up to 1.23).

use std::collections::BTreeMap;
use std::sync::Mutex;

use mapscope_heap::{BitSet, Dominator};
use rustc_hash::{FxHashMap, FxHashSet};

use super::loops::{Finder, Keeper, Loop};
use crate::Session;
use crate::storage::references;
use crate::types::TypeId;

/// Tables that the loops of one function hold, and their maps do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StaleTables {
    /// The loop: `goroutine 7 main.walk`; without the number when there are several goroutines.
    pub holder: String,
    /// The map of the first of them, as a person would name it.
    pub map: String,
    /// Loops.
    pub loops: u64,
    /// Tables and their groups; bucket arrays, and lists of overflow buckets.
    pub objects: u64,
    /// Bytes that would be freed if the loops ended.
    pub bytes: u64,
    /// The objects that are in no other of them: with what they hold, they have those bytes.
    pub outermost: Vec<u32>,
}

/// The loops of one function.
#[derive(Default)]
struct Group {
    /// Goroutines, or objects of the type `reflect.MapIter`.
    keepers: FxHashSet<Keeper>,
    loops: Vec<Loop>,
}

impl Group {
    fn objects(&self) -> impl Iterator<Item = u32> {
        self.loops.iter().flat_map(|l| l.stale.iter().copied())
    }
}

/// What the loops of several functions hold, and is freed with none of them.
fn held_by_several(groups: &BTreeMap<String, Group>) -> FxHashSet<u32> {
    let mut holder: FxHashMap<u32, usize> = FxHashMap::default();
    let mut shared = FxHashSet::default();
    for (number, group) in groups.values().enumerate() {
        shared.extend(group.objects().filter(|o| *holder.entry(*o).or_insert(number) != number));
    }
    shared
}

impl Session<'_> {
    /// What loops hold of the tables that their maps have replaced, most bytes first. Maps that are torn, and those whose
    /// header is no object, are left out; so is what anything else holds as well.
    pub fn stale_tables(&self) -> Vec<StaleTables> {
        let whole = |address: u64| self.whole_map(address);
        let Some(mut finder) = Finder::new(&self.stages, &whole) else { return Vec::new() };
        let loops: Vec<Loop> = finder.loops().into_iter().filter(|one| !one.stale.is_empty()).collect();
        if loops.is_empty() {
            return Vec::new();
        }
        let kept = self.kept_otherwise(&loops);
        let groups = self.by_function(loops);
        let shared = held_by_several(&groups);
        let stale = |(function, group): (String, Group)| {
            let mut objects: Vec<u32> = group.objects().filter(|o| !kept.contains(o) && !shared.contains(o)).collect();
            objects.sort_unstable();
            objects.dedup();
            self.sum(function, &group, &objects)
        };
        let mut found: Vec<StaleTables> = groups.into_iter().filter_map(stale).collect();
        found.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.holder.cmp(&b.holder)));
        found
    }

    /// The type of the map at an address, if its figures add up.
    pub(super) fn whole_map(&self, address: u64) -> Option<TypeId> {
        self.maps.at(address).filter(|m| !m.torn()).and_then(|m| self.map_type(m.id()))
    }

    /// The loops by the function that they are in, or by the place of their iterator.
    fn by_function(&self, loops: Vec<Loop>) -> BTreeMap<String, Group> {
        let (names, mut owners) = (self.stages.root_names(false), self.stages.owners());
        let mut groups: BTreeMap<String, Group> = BTreeMap::new();
        for one in loops {
            let (name, keeper) = match one.keeper {
                Keeper::Frame(goroutine, frame) => (names.frame(goroutine, frame), Keeper::Frame(goroutine, 0)),
                Keeper::Object(object) => (owners.of_object(object), one.keeper),
            };
            let group = groups.entry(name).or_default();
            group.keepers.insert(keeper);
            group.loops.push(one);
        }
        groups
    }

    /// What would be freed if the loops of one function ended and `objects`, in order, went with them.
    fn sum(&self, function: String, group: &Group, objects: &[u32]) -> Option<StaleTables> {
        let first = group.loops.first()?;
        // What a table alone holds, its groups too, is counted with it.
        let counted_above = |object: &u32| match self.dominators().of(*object) {
            Some(Dominator::Object(above)) => objects.binary_search(&above).is_ok(),
            _ => false,
        };
        let outermost: Vec<u32> = objects.iter().copied().filter(|o| !counted_above(o)).collect();
        let bytes = outermost.iter().map(|o| self.dominators().retained(*o)).sum();
        let holder = match first.keeper {
            Keeper::Frame(goroutine, frame) if group.keepers.len() == 1 => {
                self.stages.root_names(true).frame(goroutine, frame)
            }
            _ => function,
        };
        (bytes > 0).then(|| StaleTables {
            holder,
            map: self.maps.at(first.map).map(|m| m.owner().to_owned()).unwrap_or_default(),
            loops: group.loops.len() as u64,
            objects: objects.len() as u64,
            bytes,
            outermost,
        })
    }

    /// Of what the loops hold, the objects that something else leads to: no loop, and nothing else that only loops hold.
    fn kept_otherwise(&self, loops: &[Loop]) -> FxHashSet<u32> {
        let mut wanted = BitSet::new(self.graph().len());
        for object in loops.iter().flat_map(|l| &l.stale) {
            wanted.insert(*object as usize);
        }
        let ours: FxHashSet<u32> =
            loops.iter().filter_map(|l| self.stages.heap.spans.object(l.range.start)).map(|o| o.0).collect();
        let kept = Mutex::new(FxHashSet::default());
        references::from_objects(&self.stages, &wanted, |from, to| {
            if !wanted.contains(from as usize)
                && !ours.contains(&from)
                && let Ok(mut kept) = kept.lock()
            {
                kept.insert(to);
            }
        });
        let mut kept = kept.into_inner().unwrap_or_default();
        let mut ranges: Vec<(u64, u64)> = loops.iter().map(|l| (l.range.start, l.range.end)).collect();
        ranges.sort_unstable();
        let in_loop = |address: u64| {
            let before = ranges.partition_point(|r| r.0 <= address);
            before.checked_sub(1).is_some_and(|i| address < ranges[i].1)
        };
        let others =
            references::from_roots(&self.stages, &wanted).into_iter().filter(|(_, address)| !in_loop(*address));
        kept.extend(others.map(|o| o.0));
        // A table that stays keeps its groups.
        let mut pending: Vec<u32> = kept.iter().copied().collect();
        while let Some(object) = pending.pop() {
            let below = self.graph().edges(object).iter().filter(|o| wanted.contains(**o as usize));
            pending.extend(below.copied().filter(|o| kept.insert(*o)));
        }
        kept
    }
}
