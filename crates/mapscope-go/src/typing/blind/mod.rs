//! Maps that no typed variable leads to, in a binary whose variables have no names and no types.
//!
//! What the heap says of itself comes first: interfaces, and objects that carry their type. A map's header carries
//! none, but it is an object of a known size with pointers in known places, and its groups often do. What is left has to
//! be concluded: a map is of the type that code passes together with it; else of the only type whose groups have that
//! size, those pointers and such entries; else of the likeliest of these. Every conclusion but the first is marked.

mod code;
mod headers;
mod interfaces;
mod unused;
mod values;

use mapscope_memory::{Figure, Partial};
use std::sync::atomic::Ordering::Relaxed;

use mapscope_heap::Reachability;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use self::headers::{Candidate, Search};
use super::{Regions, Typing, worker};
use crate::heap::slot_for;
use crate::maps::Auditor;
use crate::types::{Kind, MapPart, TypeId};

/// How a map's type is known, surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ground {
    /// Its groups say of which map type they are.
    Declared,
    /// Code passes it together with the type.
    Passed,
    /// Its groups fit, and it holds what other types can be concluded from.
    Container,
    /// Its groups and entries fit best.
    Fits,
    /// Its groups and entries fit as well as those of other types do.
    Likely,
}

impl Typing<'_> {
    /// Finds the live maps where there is no debug information, and follows them. Returns the headers whose type was
    /// concluded; what is left out goes to `partial`.
    pub(crate) fn find_maps(&self, regions: &Regions, reach: &Reachability, partial: &mut Partial) -> FxHashSet<u64> {
        let context = self.context;
        if context.types.debug_info().is_some() {
            return FxHashSet::default();
        }
        worker::run(self, regions, Vec::new(), &self.interfaces(reach), &[]);
        let evidence = code::evidence(context);
        let loaded = evidence.loaded.iter().map(|id| context.types.get(*id).descriptor);
        let catalog = context.types.catalog(loaded);
        let auditor = Auditor {
            memory: context.memory,
            layout: context.layout,
            types: context.types,
            spans: context.spans,
            lookout: None,
        };
        let mut search = Search::new(self, &auditor, &catalog, &evidence);
        let mut candidates = search.candidates(reach);
        let mut concluded = FxHashSet::default();
        for ground in [Ground::Declared, Ground::Passed, Ground::Container, Ground::Fits, Ground::Likely] {
            // Those that another map led to have a type now.
            candidates.retain(|c| self.heap.graph.type_of(c.object) == 0);
            if ground == Ground::Likely {
                search.known = self.count_maps(reach);
            }
            let judged: Vec<(&Candidate, TypeId)> =
                candidates.par_iter().filter_map(|c| Some((c, search.judge(c, ground)?))).collect();
            let mut objects = Vec::new();
            for (candidate, map) in judged {
                let header = context.types.part(MapPart::Header, map);
                self.heap.graph.types()[candidate.object as usize].store(header.0, Relaxed);
                objects.push((candidate.object, candidate.span));
                if ground != Ground::Declared {
                    concluded.insert(candidate.address);
                }
            }
            worker::run(self, regions, Vec::new(), &[], &objects);
        }
        let nothing = |c: &&Candidate| c.storage.is_none() && self.heap.graph.type_of(c.object) == 0;
        let unknown: FxHashSet<u64> = candidates.iter().filter(nothing).map(|c| c.address).collect();
        let unknown = unknown.len() - self.lists_of_mappings(&unknown).len();
        if unknown > 0 {
            let (maps, their) = if unknown == 1 {
                ("map that never had an entry is", "its")
            } else {
                ("maps that never had an entry are", "their")
            };
            partial.add(
                Figure::Maps,
                format!("{unknown} {maps} left out: nothing tells {their} type without debug information"),
            );
        }
        // A surer type may have come later from a map that leads there.
        concluded.retain(|address| self.is_header(*address));
        concluded
    }

    /// Live maps of each type.
    fn count_maps(&self, reach: &Reachability) -> FxHashMap<TypeId, u64> {
        let mut counts = FxHashMap::default();
        let slot = slot_for(self.context.types.map_header_size());
        for block in self.heap.spans.blocks.blocks().iter().filter(|b| b.slot_size == slot) {
            for object in block.objects().filter(|o| reach.is_live(*o)) {
                let ty = self.heap.graph.type_of(object);
                *counts.entry(TypeId(ty)).or_insert(0) += 1;
            }
        }
        let types = self.context.types;
        let map = |(ty, count): (TypeId, u64)| match types.get(ty).kind {
            Kind::MapPart(MapPart::Header, map) => Some((map, count)),
            _ => None,
        };
        counts.into_iter().filter_map(map).collect()
    }

    fn is_header(&self, address: u64) -> bool {
        let Some((object, ..)) = self.heap.spans.object(address) else { return false };
        let ty = self.context.types.get(TypeId(self.heap.graph.type_of(object)));
        matches!(ty.kind, Kind::MapPart(MapPart::Header, _))
    }
}
