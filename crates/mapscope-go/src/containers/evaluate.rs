//! Follows a path from a container's value through the memory of the target, and adds up what is at its ends.
//!
//! Whatever does not fit (a field that is not there, a slice that is longer than its array, a count below zero) leaves the
//! figure out. Nothing is followed without end: each step costs one of a number of steps that all figures share.

use rustc_hash::{FxHashMap, FxHashSet};

use super::expression::{Expression, Measure, Step};
use super::find::{Matches, head};
use super::layout::{Declared, Layouts};
use crate::Session;
use crate::types::{Kind, StructField, TypeId, atomic_pointer};
use mapscope_model::MapFigures;

/// Steps of all paths of one reading.
const MAX_STEPS: u64 = 1 << 26;
/// Pointers, interfaces and structs of one field in a row.
const MAX_SETTLE: usize = 16;
/// Bytes of an array outside the heap.
const MAX_OUTSIDE: u64 = 1 << 32;

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Known(TypeId),
    /// Of the table that comes with the container.
    Declared(u32),
}

/// A value in the target.
#[derive(Clone, Copy, Debug)]
struct Value {
    address: u64,
    shape: Shape,
    /// The struct that declares the field that it was reached by.
    within: TypeId,
}

/// What a value is.
enum View {
    Number {
        size: u64,
        signed: bool,
    },
    /// What it leads to, where that is known.
    Pointer(Option<TypeId>),
    Interface {
        empty: bool,
    },
    Struct,
    Slice(Shape),
    Array(Shape, u64),
    String,
    Map,
    Other,
}

/// Something left to do on a path.
enum Work {
    At(Value, usize),
    Row { next: Value, stride: u64, left: u64, step: usize },
    Chain { first: u64, next: Value, name: usize },
}

/// Evaluates the figures of containers.
pub(super) struct Evaluator<'e, 's> {
    session: &'e Session<'s>,
    matches: &'e Matches,
    layouts: &'e Layouts,
    /// The layouts are of the very version that the program has.
    declared: bool,
    steps: u64,
    /// The container itself.
    root: (u64, TypeId),
    /// Containers that paths of others have led through.
    pub(super) inside: FxHashSet<(u64, TypeId)>,
    casts: FxHashMap<(TypeId, String), Option<TypeId>>,
}

#[allow(clippy::option_option, reason = "what does not fit is not what is nil")]
impl<'e, 's> Evaluator<'e, 's> {
    pub(super) fn new(session: &'e Session<'s>, matches: &'e Matches, none: &'e Layouts) -> Self {
        let (root, inside, casts) = Default::default();
        Self { session, matches, layouts: none, declared: false, steps: MAX_STEPS, root, inside, casts }
    }

    /// The layouts that casts use where the program does not say its own; `sure` where they are of its version.
    pub(super) fn with(&mut self, layouts: &'e Layouts, sure: bool) {
        (self.layouts, self.declared) = (layouts, sure);
    }

    /// There are no more steps to go.
    pub(super) fn is_spent(&self) -> bool {
        self.steps == 0
    }

    /// A sum for the container of type `ty` at `address`; `None` where something does not fit.
    pub(super) fn sum(&mut self, address: u64, ty: TypeId, expression: &Expression) -> Option<u64> {
        let mut sum = 0i128;
        for term in &expression.terms {
            let mut part = 0i128;
            self.walk(address, ty, &term.path, &mut |this, value| {
                part = part.checked_add(this.measure(value, term.measure)?)?;
                Some(())
            })?;
            sum = sum.checked_add(part.checked_mul(term.factor.into())?)?;
        }
        u64::try_from(sum).ok()
    }

    /// The figures of all Go maps that a path leads to, added up, and their number; `None` where one is torn.
    pub(super) fn maps(&mut self, address: u64, ty: TypeId, path: &[Step]) -> Option<(u64, MapFigures)> {
        let (mut count, mut sum) = (0, None::<MapFigures>);
        self.walk(address, ty, path, &mut |this, value| {
            let Some(figures) = this.map(value)? else { return Some(()) };
            count += 1;
            let sum = sum
                .get_or_insert_with(|| MapFigures { tombstones: figures.tombstones.map(|_| 0), ..Default::default() });
            sum.entries = sum.entries.checked_add(figures.entries)?;
            sum.slots = sum.slots.checked_add(figures.slots)?;
            sum.table_bytes = sum.table_bytes.checked_add(figures.table_bytes)?;
            sum.reclaimable_bytes = sum.reclaimable_bytes.checked_add(figures.reclaimable_bytes)?;
            sum.tombstones = sum.tombstones.zip(figures.tombstones).and_then(|(a, b)| a.checked_add(b));
            Some(())
        })?;
        Some((count, sum.unwrap_or_default()))
    }

    fn walk(
        &mut self,
        address: u64,
        ty: TypeId,
        path: &[Step],
        leaf: &mut dyn FnMut(&mut Self, Value) -> Option<()>,
    ) -> Option<()> {
        self.root = (address, ty);
        let mut pending = vec![Work::At(Value { address, shape: Shape::Known(ty), within: ty }, 0)];
        while let Some(work) = pending.pop() {
            self.steps = self.steps.checked_sub(1)?;
            match work {
                Work::At(value, at) => match path.get(at) {
                    None => leaf(self, value)?,
                    Some(step) => {
                        let next = self.step(value, at, step)?;
                        pending.extend(next);
                    }
                },
                Work::Row { next, stride, left, step } => {
                    if left > 1 {
                        let after = Value { address: next.address.checked_add(stride)?, ..next };
                        pending.push(Work::Row { next: after, stride, left: left - 1, step });
                    }
                    pending.push(Work::At(next, step));
                }
                Work::Chain { first, next, name } => {
                    let Some(Step::Chain(field)) = path.get(name) else { return None };
                    if let Some(after) = self.settle(self.field(next, field)?)?.filter(|v| v.address != first) {
                        pending.push(Work::Chain { first, next: after, name });
                    }
                    pending.push(Work::At(next, name + 1));
                }
            }
        }
        Some(())
    }

    /// What one step leads to: nothing where a pointer is nil.
    fn step(&mut self, value: Value, at: usize, step: &Step) -> Option<Option<Work>> {
        if let Step::Cast(name) = step {
            let Some(pointer) = self.word(value)? else { return Some(None) };
            let shape = self.cast(value.within, name)?;
            return Some(Some(Work::At(Value { address: pointer, shape, within: value.within }, at + 1)));
        }
        let Some(value) = self.settle(value)? else { return Some(None) };
        Some(Some(match step {
            Step::Field(name) => Work::At(self.field(value, name)?, at + 1),
            Step::Chain(_) => Work::Chain { first: value.address, next: value, name: at },
            _ => {
                let (next, stride, left) = self.elements(value)?;
                if left == 0 {
                    return Some(None);
                }
                Work::Row { next, stride, left, step: at + 1 }
            }
        }))
    }

    fn view(&self, shape: Shape) -> View {
        let types = self.session.stages.context.types;
        match shape {
            Shape::Known(id) => {
                let ty = types.get(id);
                match &ty.kind {
                    Kind::Opaque => number(&ty.name, ty.size),
                    Kind::String => View::String,
                    Kind::Pointer(target) => View::Pointer(Some(*target)),
                    Kind::UnsafePointer => View::Pointer(None),
                    Kind::Slice(elem) => View::Slice(Shape::Known(*elem)),
                    Kind::Array { elem, len } => View::Array(Shape::Known(*elem), *len),
                    Kind::Struct(fields) => match atomic_pointer(types, fields) {
                        Some((0, target)) => View::Pointer(Some(target)),
                        _ => View::Struct,
                    },
                    Kind::Map(_) => View::Map,
                    Kind::Interface { empty } => View::Interface { empty: *empty },
                    _ => View::Other,
                }
            }
            Shape::Declared(number) => match self.layouts.get(number) {
                Some((Declared::Number { signed }, size)) => View::Number { size, signed: *signed },
                Some((Declared::Pointer, _)) => View::Pointer(None),
                Some((Declared::String, _)) => View::String,
                Some((Declared::Slice(elem), _)) => View::Slice(Shape::Declared(*elem)),
                Some((Declared::Array(elem, len), _)) => View::Array(Shape::Declared(*elem), *len),
                Some((Declared::Struct(_), _)) => View::Struct,
                _ => View::Other,
            },
        }
    }

    fn size(&self, shape: Shape) -> Option<u64> {
        match shape {
            Shape::Known(id) => Some(self.session.stages.context.types.get(id).size),
            Shape::Declared(number) => Some(self.layouts.get(number)?.1),
        }
    }

    fn read(&self, address: u64) -> Option<u64> {
        self.session.stages.context.memory.u64(address).ok()
    }

    /// What pointers and interfaces lead to; nothing where one is nil.
    fn settle(&mut self, value: Value) -> Option<Option<Value>> {
        let mut value = value;
        for _ in 0..MAX_SETTLE {
            match self.view(value.shape) {
                View::Pointer(Some(target)) => {
                    let address = self.read(value.address)?;
                    if address == 0 {
                        return Some(None);
                    }
                    value = Value { address, shape: Shape::Known(target), within: value.within };
                }
                View::Interface { empty } => {
                    let Some(held) = self.held(value, empty)? else { return Some(None) };
                    value = held;
                }
                _ => {
                    if let Shape::Known(ty) = value.shape
                        && self.matches.contains_key(&ty)
                        && self.root != (value.address, ty)
                    {
                        self.inside.insert((value.address, ty));
                    }
                    return Some(Some(value));
                }
            }
        }
        None
    }

    /// What an interface holds.
    fn held(&self, value: Value, empty: bool) -> Option<Option<Value>> {
        let types = self.session.stages.context.types;
        let word = self.read(value.address)?;
        if word == 0 {
            return Some(None);
        }
        let descriptor = if empty { word } else { self.read(word.checked_add(8)?)? };
        if !types.is_descriptor(descriptor) || !empty && !types.is_itab(word) {
            return None;
        }
        let id = types.descriptor(descriptor);
        let data = value.address.checked_add(8)?;
        let address = if types.get(id).direct { data } else { self.read(data)? };
        Some(Some(Value { address, shape: Shape::Known(id), within: value.within }))
    }

    fn field(&self, value: Value, name: &str) -> Option<Value> {
        let (offset, shape, within) = match value.shape {
            Shape::Known(id) => {
                let ty = self.session.stages.context.types.get(id);
                let Kind::Struct(fields) = &ty.kind else { return None };
                let field = fields.iter().find(|field| field.name == name)?;
                (field.offset, Shape::Known(field.ty), id)
            }
            Shape::Declared(number) => {
                let Declared::Struct(fields) = self.layouts.get(number)?.0 else { return None };
                let (_, offset, field) = fields.iter().find(|field| field.0 == name)?;
                (*offset, Shape::Declared(*field), value.within)
            }
        };
        Some(Value { address: value.address.checked_add(offset)?, shape, within })
    }

    /// First element, bytes from one to the next, and how many.
    fn elements(&self, value: Value) -> Option<(Value, u64, u64)> {
        let (address, shape, len) = match self.view(value.shape) {
            View::Array(elem, len) => (value.address, elem, len),
            View::Slice(elem) => {
                let (address, len, _) = self.slice(value, elem)?;
                (address, elem, len)
            }
            _ => return None,
        };
        Some((Value { address, shape, within: value.within }, self.size(shape)?, len))
    }

    /// Address, length and capacity of a slice whose array is there.
    fn slice(&self, value: Value, elem: Shape) -> Option<(u64, u64, u64)> {
        let word = |at| self.read(value.address.checked_add(at)?);
        let (address, len, cap) = (word(0)?, word(8)?, word(16)?);
        let bytes = cap.checked_mul(self.size(elem)?)?;
        let fits = len <= cap && (cap == 0 || bytes == 0 || self.has_room(address, bytes));
        fits.then_some((address, len, cap))
    }

    fn has_room(&self, address: u64, bytes: u64) -> bool {
        let context = self.session.stages.context;
        match context.spans.object(address) {
            Some((_, offset, span)) => {
                offset.checked_add(bytes).is_some_and(|end| end <= context.spans.spans[span].elem_size)
            }
            None => bytes <= MAX_OUTSIDE && context.memory.is_mapped(address, bytes),
        }
    }

    /// Enters structs that are made of one field: those of `sync/atomic`, and what libraries have in their place.
    fn bare(&self, value: Value) -> Value {
        let types = self.session.stages.context.types;
        let mut value = value;
        for _ in 0..MAX_SETTLE {
            let (View::Struct, Shape::Known(id)) = (self.view(value.shape), value.shape) else { break };
            let ty = types.get(id);
            let Kind::Struct(fields) = &ty.kind else { break };
            let mut filled = fields.iter().filter(|f: &&StructField| types.get(f.ty).size > 0);
            let (Some(field), None) = (filled.next(), filled.next()) else { break };
            // Whoever wraps a pointer does not declare what it leads to.
            let Some(address) = value.address.checked_add(field.offset) else { break };
            value = Value { address, shape: Shape::Known(field.ty), within: value.within };
        }
        value
    }

    /// A pointer's word; nothing where it is nil.
    fn word(&self, value: Value) -> Option<Option<u64>> {
        let value = self.bare(value);
        let View::Pointer(_) = self.view(value.shape) else { return None };
        Some(Some(self.read(value.address)?).filter(|word| *word != 0))
    }

    fn measure(&mut self, value: Value, measure: Measure) -> Option<i128> {
        if matches!(measure, Measure::Count) {
            let value = self.bare(value);
            return Some(match self.view(value.shape) {
                View::Pointer(_) | View::Interface { .. } | View::Map => (self.read(value.address)? != 0).into(),
                View::Number { size, .. } => (self.number(value.address, size, false)? != 0).into(),
                _ => return None,
            });
        }
        let Some(value) = self.settle(value)? else { return Some(0) };
        let long = matches!(measure, Measure::Len);
        match (self.view(value.shape), measure) {
            (View::Slice(elem), Measure::Len | Measure::Cap) => {
                let (_, len, cap) = self.slice(value, elem)?;
                Some(if long { len } else { cap }.into())
            }
            (View::Array(_, len), Measure::Len | Measure::Cap) => Some(len.into()),
            (View::String, Measure::Len) => {
                Some(self.read(value.address.checked_add(8)?)?.into()).filter(|len| *len <= i64::MAX.into())
            }
            (View::Map, Measure::Len | Measure::Cap) => {
                let figures = self.map(value)?.unwrap_or_default();
                Some(if long { figures.entries } else { figures.slots }.into())
            }
            (View::Struct | View::Number { .. }, Measure::Value) => {
                let value = self.bare(value);
                let View::Number { size, signed } = self.view(value.shape) else { return None };
                self.number(value.address, size, signed)
            }
            _ => None,
        }
    }

    fn number(&self, address: u64, size: u64, signed: bool) -> Option<i128> {
        let mut bytes = [0; 8];
        let part = bytes.get_mut(..usize::try_from(size).ok()?)?;
        self.session.stages.context.memory.read_into(address, part).ok()?;
        let unused = 64 - 8 * u32::try_from(size).ok()?;
        let word = u64::from_le_bytes(bytes);
        Some(if signed { i128::from((word << unused).cast_signed() >> unused) } else { word.into() })
    }

    /// The figures of a Go map; nothing where it is nil.
    fn map(&mut self, value: Value) -> Option<Option<MapFigures>> {
        let Some(value) = self.settle(value)? else { return Some(None) };
        let View::Map = self.view(value.shape) else { return None };
        let header = self.read(value.address)?;
        if header == 0 {
            return Some(None);
        }
        Some(Some(self.session.maps.at(header)?.figures()?.clone()))
    }

    /// The type of this name in the package of the struct `within`: from debug information, else as the table has it.
    fn cast(&mut self, within: TypeId, name: &str) -> Option<Shape> {
        let key = (within, name.to_owned());
        let session = self.session;
        let found = *self.casts.entry(key).or_insert_with(|| {
            let types = session.stages.context.types;
            let whole = types.qualified_name(within)?;
            let (package, _) = whole.rsplit_once('.')?;
            let arguments = types.get(within).name.clone();
            let arguments = head(&arguments).map_or("", |head| &arguments[head.len()..]);
            types.declared(&format!("{package}.{name}"), arguments)
        });
        let declared = || self.layouts.named(name).filter(|_| self.declared).map(Shape::Declared);
        found.map(Shape::Known).or_else(declared)
    }
}

/// What a type without parts is. A name of the program's own says nothing of the sign; counts are seldom so large that it
/// matters.
fn number(name: &str, size: u64) -> View {
    let fraction = name.starts_with("float") || name.starts_with("complex");
    match size {
        1 | 2 | 4 | 8 if !fraction => {
            View::Number { size, signed: !(name.starts_with("uint") || name == "bool" || name == "byte") }
        }
        _ => View::Other,
    }
}
