//! Where the sampled objects that something retains were allocated.

use mapscope_heap::Dominator;
use rustc_hash::FxHashMap;

use super::{Site, Sites};

impl<'s> Sites<'s> {
    /// The stacks that allocated what some objects retain, themselves included: live sampled objects, by stack, most
    /// bytes first.
    pub fn retained_by(&self, objects: &[u32]) -> Vec<Site<'s>> {
        self.below(|above| matches!(above, Dominator::Object(object) if objects.contains(&object)))
    }

    /// The stacks that allocated what the map with its header at `address` retains.
    pub fn retained_by_map(&self, address: u64) -> Vec<Site<'s>> {
        match self.stages.context.spans.object(address) {
            Some((header, ..)) => self.retained_by(&[header]),
            // The header is on a stack or a part of a variable.
            None => self.retained_by(&self.stages.auditor().parts(address)),
        }
    }

    /// The stacks that allocated what a holder retains: its number in [`crate::Session::holders`].
    pub fn retained_by_holder(&self, holder: u32) -> Vec<Site<'s>> {
        self.below(|above| above == Dominator::Holder(holder))
    }

    /// The stacks that allocated what the objects of a type retain, themselves included.
    pub fn retained_by_type(&self, type_name: &str) -> Vec<Site<'s>> {
        let classes = self.stages.classes;
        let Some(wanted) = classes.names.iter().position(|name| name == type_name) else { return Vec::new() };
        let graph = &self.stages.heap.graph;
        let class = |object: u32| classes.of_type.get(graph.type_of(object) as usize).map(|class| *class as usize);
        self.below(|above| matches!(above, Dominator::Object(object) if class(object) == Some(wanted)))
    }

    /// The sampled live objects that something which `is_wanted` dominates.
    fn below(&self, is_wanted: impl Fn(Dominator) -> bool) -> Vec<Site<'s>> {
        let dominators = self.stages.dominators;
        // What is known of each object that was passed: samples lie close together, and lists are long.
        let mut known: FxHashMap<u32, bool> = FxHashMap::default();
        let mut is_below = |object: u32| {
            let mut path = Vec::new();
            let mut at = Some(Dominator::Object(object));
            let found = loop {
                match at {
                    Some(above) if is_wanted(above) => break true,
                    Some(Dominator::Object(object)) => match known.get(&object) {
                        Some(known) => break *known,
                        None if path.len() > self.stages.heap.graph.blocks.len() => break false,
                        None => {
                            path.push(object);
                            at = dominators.of(object);
                        }
                    },
                    _ => break false,
                }
            };
            known.extend(path.iter().map(|object| (*object, found)));
            found
        };
        let live = self.objects.iter().filter(|(object, _)| self.stages.reach.is_live(*object));
        let wanted: Vec<(u32, u32)> = live.filter(|(object, _)| is_below(*object)).copied().collect();
        self.group(wanted.into_iter())
    }
}
