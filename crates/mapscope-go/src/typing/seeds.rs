//! Typed values to start from: package-level variables and the local variables of every frame.

use std::cell::RefCell;

use rustc_hash::FxHashMap;

use super::Typing;
use super::offer::{Offer, TINY_BLOCK};
use super::regions::{Origin, Region};
use crate::dwarf::{Local, LocalPlace};
use crate::roots::{RootKind, Roots};
use crate::types::{Kind, Record, TypeId, first_parameter};

/// The names of variables, told apart by number.
#[derive(Default)]
pub(crate) struct Names {
    pub(crate) names: Vec<String>,
    numbers: FxHashMap<String, u32>,
}

impl Names {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    /// The name with this number.
    pub(crate) fn get(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", String::as_str)
    }
}

impl Typing<'_> {
    /// The variables of the target; their names go to `names`.
    pub(crate) fn seeds(&self, names: &mut Names) -> Vec<Region> {
        let mut seeds = self.globals(names);
        self.add_locals(names, &mut seeds);
        seeds
    }

    fn globals(&self, names: &mut Names) -> Vec<Region> {
        let Some((_, index)) = self.context.types.debug_info() else { return Vec::new() };
        let holds_pointers = |a: u64| self.context.modules.iter().any(|m| m.data.contains(&a) || m.bss.contains(&a));
        let globals = index.globals.iter().filter(|g| holds_pointers(g.address));
        globals
            .map(|g| Region {
                start: g.address,
                ty: self.context.types.debug(g.type_offset),
                count: 1,
                window: (0, u64::MAX),
                origin: Origin::Global(names.number(g.name)),
            })
            .collect()
    }

    fn add_locals(&self, names: &mut Names, seeds: &mut Vec<Region>) {
        let mut known: FxHashMap<u64, Vec<Local<'_>>> = FxHashMap::default();
        for (g, goroutine) in self.goroutines().all.iter().enumerate() {
            for (f, frame) in goroutine.frames.iter().enumerate() {
                // The scheduler's own variables say nothing that a person asks for, and are the least reliable.
                if self.context.functions[frame.table].name(&frame.function).starts_with("runtime.") {
                    continue;
                }
                // The call itself, not the instruction after it, tells which variables are where.
                let pc = if f == 0 { frame.pc } else { frame.pc.wrapping_sub(1) };
                let locals = known.entry(pc).or_insert_with(|| self.locals_at(pc));
                for local in locals.iter() {
                    let name = names.number(local.name);
                    let ty = self.context.types.debug(local.type_offset);
                    let origin = Origin::Local(g as u32, f as u32, name);
                    seeds.extend(local.places.iter().filter_map(|p| self.local_region(frame.fp, *p, ty, origin)));
                }
            }
        }
    }

    /// What the runtime keeps for objects: weak handles, the functions of finalizers and cleanups, and the arguments of
    /// cleanups.
    pub(super) fn callbacks(&self, roots: &Roots) -> Vec<Offer> {
        let context = self.context;
        let code = |value: u64| {
            let code = context.memory.u64(value).ok()?;
            context.is_entry(code).then_some(code)
        };
        // Many objects have the same function.
        let known = RefCell::new(FxHashMap::default());
        let parameter = |function: u64| {
            let code = code(function)?;
            *known.borrow_mut().entry(code).or_insert_with(|| first_parameter(context.types, code))
        };
        let one = |address: u64, ty: TypeId| Offer { address, ty, many: false, count: 1, from: 0 };
        let called = roots.words.iter().filter(|r| matches!(r.kind, RootKind::Finalizer | RootKind::Cleanup));
        let functions = called.filter(|r| code(r.value).is_some()).map(|r| one(r.value, context.types.func_value()));
        let copy = context.types.record(Record::CleanupArgument);
        let argument = |(function, argument): &(u64, u64)| {
            let told = parameter(*function).filter(|ty| context.types.get(*ty).size > 0);
            Some(one(*argument, told.or_else(|| self.is_box(*argument).then_some(copy))?))
        };
        // A finalizer is called with the pointer to its object.
        let finalized = |(function, object): &(u64, u32)| {
            let Kind::Pointer(elem) = context.types.get(parameter(*function)?).kind else { return None };
            let block = self.heap.graph.blocks.block_of(*object);
            let (.., span) = self.heap.spans.object(block.address(*object))?;
            Some(one(block.address(*object) + self.heap.spans.header(&self.heap.spans.spans[span]), elem))
        };
        let arguments = roots.cleanup_arguments.iter().filter_map(argument);
        let handle = context.types.record(Record::WeakHandle);
        let handles = roots.weak_handles.iter().map(|address| one(*address, handle));
        functions.chain(arguments).chain(handles).chain(roots.finalizers.iter().filter_map(finalized)).collect()
    }

    /// Whether a cleanup's argument has a block of its own: one without pointers that is smaller than such a block.
    fn is_box(&self, argument: u64) -> bool {
        let found = self.heap.spans.object(argument).map(|(_, offset, span)| (offset, &self.heap.spans.spans[span]));
        found.is_some_and(|(offset, span)| offset == 0 && span.noscan && span.elem_size == TINY_BLOCK)
    }

    fn locals_at(&self, pc: u64) -> Vec<Local<'_>> {
        let Some((dwarf, index)) = self.context.types.debug_info() else { return Vec::new() };
        let Some(subprogram) = index.subprogram(pc) else { return Vec::new() };
        dwarf.locals(subprogram.offset, pc).unwrap_or_default()
    }

    fn local_region(&self, fp: u64, place: LocalPlace, ty: TypeId, origin: Origin) -> Option<Region> {
        let mut address = fp.wrapping_add_signed(place.frame_offset);
        if place.indirect {
            address = self.context.memory.u64(address).ok()?;
        }
        let window = (place.offset, place.offset.saturating_add(place.size));
        Some(Region { start: address.wrapping_sub(place.offset), ty, count: 1, window, origin })
    }
}
