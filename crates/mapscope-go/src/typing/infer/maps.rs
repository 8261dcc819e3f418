//! Maps that no typed value led to.
//!
//! A map's header carries no type, but it is an object of a known size with pointers in known places, and its groups
//! often carry theirs. What is left has to be concluded: a map is of the type that code passes together with it; else of
//! the only type whose groups have that size, those pointers and such entries; else of the likeliest of these. Every
//! conclusion but the first is marked.

use std::sync::atomic::Ordering::Relaxed;

use mapscope_heap::Reachability;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::headers::{Candidate, Search};
use crate::heap::slot_for;
use crate::types::{Kind, MapPart, TypeId};
use crate::typing::{Regions, Typing, worker};

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

/// All grounds, surest first.
pub(super) const ALL: &[Ground] = &[Ground::Declared, Ground::Passed, Ground::Container, Ground::Fits, Ground::Likely];
/// Those on which no other type is as likely.
pub(super) const SURE: &[Ground] = &[Ground::Declared, Ground::Passed, Ground::Container, Ground::Fits];

impl Search<'_, '_> {
    /// Finds the maps among the live objects without a type that `grounds`, surest first, tell the type of, and follows
    /// them. The headers whose type was concluded go to
    /// `concluded`.
    pub(super) fn maps(
        &mut self,
        grounds: &[Ground],
        regions: &Regions,
        reach: &Reachability,
        concluded: &mut FxHashSet<u64>,
    ) {
        let typing = self.typing;
        let mut candidates = self.candidates(reach);
        for ground in grounds.iter().copied() {
            // Those that another map led to have a type now.
            candidates.retain(|c| typing.heap.graph.type_of(c.object) == 0);
            if candidates.is_empty() {
                return;
            }
            if ground == Ground::Likely {
                self.known = typing.count_maps(reach);
            }
            let judged: Vec<(&Candidate, TypeId)> =
                candidates.par_iter().filter_map(|c| Some((c, self.judge(c, ground)?))).collect();
            let mut objects = Vec::new();
            for (candidate, map) in judged {
                let header = typing.context.types.part(MapPart::Header, map);
                typing.heap.graph.types()[candidate.object as usize].store(header.0, Relaxed);
                objects.push((candidate.object, candidate.span));
                if ground != Ground::Declared {
                    concluded.insert(candidate.address);
                }
            }
            worker::run(typing, regions, Vec::new(), &[], &objects);
        }
    }

    /// How many live maps never had an entry, so that nothing tells their type.
    pub(super) fn left_out(&self, reach: &Reachability) -> u64 {
        let candidates = self.candidates(reach);
        let nothing = candidates.iter().filter(|c| c.storage.is_none());
        let unknown: FxHashSet<u64> = nothing.map(|c| c.address).collect();
        (unknown.len() - self.typing.lists_of_mappings(&unknown).len()) as u64
    }
}

impl Typing<'_> {
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

    pub(super) fn is_header(&self, address: u64) -> bool {
        let Some((object, ..)) = self.heap.spans.object(address) else { return false };
        let ty = self.context.types.get(TypeId(self.heap.graph.type_of(object)));
        matches!(ty.kind, Kind::MapPart(MapPart::Header, _))
    }
}
