//! Maps that only code knows: the compiler keeps no variable, and so no type, for a map whose header it put on the
//! stack, or for an interface whose type it knows.
//!
//! The code of the function loads the descriptors of the map types it works with. A header on its stack, or behind one
//! of its pointers, that is a whole and consistent map of exactly one of these types is taken for one, and marked as
//! guessed.

use std::sync::atomic::Ordering::Relaxed;

use rustc_hash::{FxHashMap, FxHashSet};

use super::Typing;
use super::regions::{Origin, Region, Regions};
use crate::code::loaded_addresses;
use crate::heap::MAX_IN_SPAN;
use crate::heap::slot_for;
use crate::maps::Auditor;
use crate::roots::{Frame, Goroutine};
use crate::types::{Kind, MapPart, TypeId};

/// Code of one function that is looked at.
const MAX_CODE: u64 = 1 << 20;

/// What was guessed.
#[derive(Default)]
pub(crate) struct Guesses {
    /// Headers, wherever they are.
    pub(crate) headers: FxHashSet<u64>,
    objects: Vec<(u32, usize)>,
    regions: Vec<Region>,
}

impl Typing<'_> {
    /// Guesses what the frames of all goroutines hold, and follows it.
    pub(crate) fn guess(&self, regions: &Regions) -> Guesses {
        let context = self.context;
        let auditor = Auditor::of(context);
        let mut guesses = Guesses::default();
        let mut known = FxHashMap::default();
        let typed: FxHashSet<u64> = regions.sorted().iter().map(|r| r.start).collect();
        for (g, goroutine) in self.goroutines().all.iter().enumerate() {
            for (f, frame) in goroutine.frames.iter().enumerate() {
                let maps: &Vec<TypeId> =
                    known.entry(frame.function.entry).or_insert_with(|| self.map_types_in_code(frame));
                if maps.is_empty() {
                    continue;
                }
                for address in self.candidates(goroutine, f as u32, frame) {
                    if typed.contains(&address) || guesses.headers.contains(&address) {
                        continue;
                    }
                    let mut fitting = maps.iter().filter(|m| self.is_map(&auditor, address, **m, frame));
                    if let (Some(map), None) = (fitting.next(), fitting.next()) {
                        self.accept(&mut guesses, address, *map, Origin::Guess(g as u32, f as u32));
                    }
                }
            }
        }
        if !guesses.headers.is_empty() {
            super::worker::run(self, regions, guesses.regions.clone(), &[], &guesses.objects);
        }
        guesses
    }

    /// Map types whose descriptors the frame's function loads.
    fn map_types_in_code(&self, frame: &Frame) -> Vec<TypeId> {
        let (context, function) = (self.context, &frame.function);
        let len = function.end.saturating_sub(function.entry).min(MAX_CODE);
        let mut scratch = Vec::new();
        let Ok(code) = context.memory.bytes(function.entry, len as usize, &mut scratch) else { return Vec::new() };
        let mut maps = Vec::new();
        loaded_addresses(context.memory.arch(), code, function.entry, |address| {
            if context.modules.iter().any(|m| m.types.contains(&address)) {
                let id = context.types.descriptor(address);
                if matches!(context.types.get(id).kind, Kind::Map(_)) && !maps.contains(&id) {
                    maps.push(id);
                }
            }
        });
        maps
    }

    /// Addresses where a header may be: variables of the right size on the stack, and untyped objects of its slot size
    /// that the frame points to.
    fn candidates(&self, goroutine: &Goroutine, f: u32, frame: &Frame) -> Vec<u64> {
        let context = self.context;
        let header = context.types.map_header_size();
        let stack = goroutine.objects.iter().filter(|(range, of)| *of == f && range.end - range.start == header);
        let mut found: Vec<u64> = stack.map(|(range, _)| range.start).collect();
        // Live words between the frame's sp and its arguments.
        let from = goroutine.live.partition_point(|a| *a < frame.sp);
        let words = goroutine.live[from..].iter().take_while(|a| **a < frame.fp);
        for word in words.filter_map(|a| context.memory.u64(*a).ok()) {
            if let Some((object, 0, span)) = context.spans.object(word)
                && context.spans.spans[span].elem_size == slot_for(header)
                && !context.spans.spans[span].noscan
                && self.heap.graph.type_of(object) == 0
            {
                found.push(word);
            }
        }
        found
    }

    /// Whether a header at `address` makes a whole map of the type `map`, stored where such a map would be.
    fn is_map(&self, auditor: &Auditor<'_>, address: u64, map: TypeId, frame: &Frame) -> bool {
        let context = self.context;
        let Some(shape) = context.types.shape(map) else { return false };
        if auditor.audit(address, map).figures.is_err() {
            return false;
        }
        // An empty map without storage fits any type.
        let Some((storage, bytes)) = auditor.storage(address, &shape) else { return false };
        match context.spans.object(storage) {
            Some((object, _, span)) => {
                let span = &context.spans.spans[span];
                let header = if shape.scan && bytes > MAX_IN_SPAN && context.spans.headers { 8 } else { 0 };
                let says = context.types.get(TypeId(self.heap.graph.type_of(object)));
                let elem = match says.kind {
                    Kind::Row(elem) => context.types.get(elem).descriptor,
                    _ => says.descriptor,
                };
                span.elem_size == slot_for(bytes + header)
                    && span.noscan != shape.scan
                    && (elem == 0 || elem == shape.storage)
            }
            None => storage >= frame.sp && storage.saturating_add(bytes) <= frame.fp,
        }
    }

    fn accept(&self, guesses: &mut Guesses, address: u64, map: TypeId, origin: Origin) {
        let ty = self.context.types.part(MapPart::Header, map);
        guesses.headers.insert(address);
        if let Some((object, _, span)) = self.context.spans.object(address) {
            self.heap.graph.types()[object as usize].store(ty.0, Relaxed);
            guesses.objects.push((object, span));
        } else {
            guesses.regions.push(Region { start: address, ty, count: 1, window: (0, u64::MAX), origin });
        }
    }
}
