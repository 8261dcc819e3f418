//! Live objects that reach themselves, and the maps among them.
//!
//! A cycle is no leak in Go: the collector frees it when nothing outside leads to it. But one entry that is still reached
//! keeps all of it.

use std::cmp::Reverse;

use mapscope_heap::{BitSet, Cycles};
use rustc_hash::FxHashMap;

use crate::Session;
use crate::hops::{Hops, Known};
use crate::paths::{PathObject, PathStep, folded_steps};
use crate::types::{Kind, TypeId};

/// Maps of one group that are named.
const MAX_NAMED: usize = 20;

/// Objects that all reach each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CycleGroup {
    /// Objects.
    pub objects: u64,
    /// Bytes of their slots.
    pub bytes: u64,
    /// How many of the target's maps are among them.
    pub map_count: u64,
    /// The first of these maps, most table bytes first.
    pub maps: Vec<CycleMap>,
    /// Where the cycle is entered: its object that is nearest to a root.
    pub entry: PathObject,
    /// How a person would name that.
    pub owner: String,
    /// A shortest cycle through the first map, or else through the entry: from the entry back to it.
    pub steps: Vec<PathStep>,
    /// The pointer of that cycle that leads back to the entry.
    pub closing: ClosingEdge,
}

/// A map in a cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CycleMap {
    /// Address of its header.
    pub address: u64,
    /// How a person would name it.
    pub owner: String,
    /// Its type.
    pub type_name: String,
}

/// The pointer that makes a cycle of a way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosingEdge {
    /// The object that has it.
    pub from: PathObject,
    /// Where in that object: `Child.parent`.
    pub field: String,
    /// The object that it leads back to.
    pub to: PathObject,
}

/// All groups of objects in cycles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundCycles {
    /// The groups asked for, most bytes first.
    pub groups: Vec<CycleGroup>,
    /// Groups that hold a map.
    pub with_map: u64,
    /// Groups that hold none.
    pub without_map: u64,
}

/// A group before it is looked at closely.
struct Group {
    component: usize,
    bytes: u64,
    /// Indices of the session's maps.
    maps: Vec<u32>,
    /// Its member that was reached first.
    first: u32,
    /// The cycle that is shown.
    cycle: Vec<u32>,
}

impl Session<'_> {
    /// The groups of live objects that reach each other and hold a map; with `all` also those that hold none. Of the
    /// largest `limit` groups, the details.
    pub fn cycles(&self, all: bool, limit: Option<usize>) -> FoundCycles {
        let cycles = Cycles::new(self.stages.reach, self.stages.dominators, self.itself());
        self.groups(&cycles, all, limit)
    }

    /// The `limit` largest groups of live objects that reach each other and hold a map. Others are not counted.
    pub fn cycles_of_maps(&self, limit: usize) -> FoundCycles {
        let maps = self.maps.iter().filter_map(|map| Some(self.stages.heap.spans.object(map.address())?.0));
        let cycles = Cycles::with(maps, self.stages.reach, self.stages.dominators, self.itself());
        FoundCycles { without_map: 0, ..self.groups(&cycles, false, Some(limit)) }
    }

    /// Whether a pointer of an object to itself makes a cycle.
    fn itself(&self) -> impl Fn(u32) -> bool {
        let graph = &self.stages.heap.graph;
        let types = self.stages.context.types;
        // The last of a legacy map's spare buckets points to the first bucket, to say that it is the last.
        let in_map = |id: u32| matches!(types.get(TypeId(id)).kind, Kind::MapPart(..));
        let in_map: Vec<bool> = (0..types.len() as u32).map(in_map).collect();
        move |o: u32| in_map.get(graph.type_of(o) as usize) != Some(&true)
    }

    fn groups(&self, cycles: &Cycles, all: bool, limit: Option<usize>) -> FoundCycles {
        let graph = &self.stages.heap.graph;
        // There can be a million maps, each in a cycle of its own.
        let mut maps: Vec<(u32, u32)> = Vec::new();
        for (index, map) in self.maps.iter().enumerate() {
            let object = self.stages.heap.spans.object(map.address());
            if let Some(component) = object.and_then(|o| cycles.component_of(o.0)) {
                maps.push((component as u32, index as u32));
            }
        }
        maps.sort_unstable();
        let maps_of = |component: usize| {
            let from = maps.partition_point(|m| (m.0 as usize) < component);
            maps[from..].iter().take_while(move |m| m.0 as usize == component).map(|m| m.1)
        };
        let has_map = |component: &usize| maps_of(*component).next().is_some();
        let with_map = (0..cycles.len()).filter(has_map).count() as u64;
        let mut found = FoundCycles { with_map, without_map: cycles.len() as u64 - with_map, groups: Vec::new() };
        let bytes = |component| cycles.members(component).iter().map(|o| graph.blocks.size(*o)).sum::<u64>();
        let first = |component| cycles.members(component).iter().copied().min().unwrap_or(0);
        let mut largest: Vec<(Reverse<u64>, u32, usize)> = (0..cycles.len())
            .filter(|component| all || has_map(component))
            .map(|component| (Reverse(bytes(component)), first(component), component))
            .collect();
        largest.sort_unstable();
        largest.truncate(limit.unwrap_or(usize::MAX));
        let group = |(Reverse(bytes), first, component)| Group {
            component,
            bytes,
            maps: maps_of(component).collect(),
            first,
            cycle: Vec::new(),
        };
        let mut groups: Vec<Group> = largest.into_iter().map(group).collect();
        if groups.is_empty() {
            return found;
        }
        self.find_entries(cycles, &mut groups);
        found.groups = self.describe(cycles, &groups);
        found
    }

    /// Sets `first` and `cycle` of each group; the cycle starts where it is entered.
    fn find_entries(&self, cycles: &Cycles, groups: &mut [Group]) {
        let graph = &self.stages.heap.graph;
        let wanted: FxHashMap<usize, usize> = groups.iter().enumerate().map(|(i, g)| (g.component, i)).collect();
        let first_reached = |set: &BitSet, mut found: Box<dyn FnMut(usize, u32) + '_>| {
            let mut seen = vec![false; wanted.len()];
            for object in self.stages.reach.order().iter().filter(|o| set.contains(**o as usize)) {
                if let Some(index) = cycles.component_of(*object).and_then(|c| wanted.get(&c))
                    && !std::mem::replace(&mut seen[*index], true)
                {
                    found(*index, *object);
                }
            }
        };
        let mut members = BitSet::new(graph.len());
        for object in groups.iter().flat_map(|g| cycles.members(g.component)) {
            members.insert(*object as usize);
        }
        first_reached(&members, Box::new(|index, object| groups[index].first = object));
        let mut on_cycle = BitSet::new(graph.len());
        for group in groups.iter_mut() {
            let map = group.maps.first().and_then(|m| self.maps.get(*m as usize));
            let through = map.and_then(|m| self.stages.heap.spans.object(m.address())).map_or(group.first, |o| o.0);
            group.cycle = cycles.shortest(graph, through);
            for object in &group.cycle {
                on_cycle.insert(*object as usize);
            }
        }
        first_reached(
            &on_cycle,
            Box::new(|index, object| {
                let cycle = &mut groups[index].cycle;
                let at = cycle.iter().position(|o| *o == object).unwrap_or(0);
                cycle.rotate_left(at);
            }),
        );
    }

    fn describe(&self, cycles: &Cycles, groups: &[Group]) -> Vec<CycleGroup> {
        let hops = Hops::new(self.stages.typing);
        let mut known = Known::new(self.stages.typing);
        let mut owners = self.stages.owners();
        let described = groups.iter().filter_map(|group| {
            let (first, last) = (*group.cycle.first()?, *group.cycle.last()?);
            let ways = group.cycle.windows(2).map(|w| (w[0], w[1])).chain([(last, first)]);
            let mut steps = Vec::new();
            let mut field = String::new();
            for (from, to) in ways {
                let hop = hops.hop(hops.between(from, to, &mut known));
                let names: Vec<_> = hop.steps.iter().map(|s| hops.step(*s)).collect();
                field = names.iter().map(|n| n.label.as_str()).collect::<Vec<_>>().join(" -> ");
                let inner = names.len().saturating_sub(1);
                steps.extend(names.into_iter().enumerate().map(|(i, n)| (n, (i == inner).then_some(to))));
            }
            let maps = group.maps.iter().take(MAX_NAMED).filter_map(|m| self.maps.get(*m as usize));
            Some(CycleGroup {
                objects: cycles.members(group.component).len() as u64,
                bytes: group.bytes,
                map_count: group.maps.len() as u64,
                maps: maps
                    .map(|m| CycleMap {
                        address: m.address(),
                        owner: m.owner().to_owned(),
                        type_name: m.type_name().to_owned(),
                    })
                    .collect(),
                entry: self.path_object(first),
                owner: owners.of_object(first),
                steps: folded_steps(self, &steps),
                closing: ClosingEdge { from: self.path_object(last), field, to: self.path_object(first) },
            })
        });
        described.collect()
    }
}
