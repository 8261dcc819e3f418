//! From an object to what it points to: which pointer, and how a person would say it.
//!
//! A hop is one pointer followed. It has a step for each thing that a person would name on the way: `Registry.rows`, then
//! `array element`, then the field of that. A hop inside a map, from its header to its groups, has none.

use std::sync::RwLock;

use rustc_hash::FxHashMap;

use crate::heap::SpanTable;
use crate::types::{Container, Kind, Plan, Ref, Step, TypeId, steps, visit};
use crate::typing::{Facts, Typing};

/// Bytes of one object searched for a pointer.
const MAX_SEARCH: u64 = 256 << 20;
/// Hops from offsets beyond this are not remembered: their number follows from the target's data.
const MAX_REMEMBERED: u64 = 1 << 16;

/// One step, as it is shown. Steps are the same when all of it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StepName {
    /// `Registry.items`, `map value`, `{seen}`
    pub(crate) label: String,
    /// The whole name of the struct type whose field it is; else empty.
    pub(crate) of: String,
}

/// A hop: the steps, and what becomes of them at the end of a way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Hop {
    /// Numbers of the steps.
    pub(crate) steps: Vec<u32>,
    /// From one of a map's own objects to another.
    pub(crate) in_map: bool,
    /// The last step is an element of what a slice or channel points to. A way that ends at the array goes without it.
    pub(crate) to_element: bool,
}

/// Hops and steps, each once, by number. Hop 0 is none.
pub(crate) struct Hops<'h> {
    typing: &'h Typing<'h>,
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    steps: Vec<StepName>,
    step_numbers: FxHashMap<StepName, u32>,
    hops: Vec<Hop>,
    hop_numbers: FxHashMap<Hop, u32>,
}

/// What one worker has come across.
pub(crate) struct Known<'t> {
    pub(crate) facts: Facts<'t>,
    hops: FxHashMap<(TypeId, u64), u32>,
}

impl<'t> Known<'t> {
    pub(crate) fn new(typing: &Typing<'t>) -> Self {
        Self { facts: Facts::new(typing.context.types), hops: FxHashMap::default() }
    }
}

impl<'h> Hops<'h> {
    pub(crate) fn new(typing: &'h Typing<'h>) -> Self {
        let inner = Inner { hops: vec![Hop::default()], ..Inner::default() };
        Self { typing, inner: RwLock::new(inner) }
    }

    /// The step with this number.
    pub(crate) fn step(&self, number: u32) -> StepName {
        let step = self.inner.read().ok().and_then(|i| i.steps.get(number as usize).cloned());
        step.unwrap_or_else(|| StepName { label: String::new(), of: String::new() })
    }

    /// The hop with this number.
    pub(crate) fn hop(&self, number: u32) -> Hop {
        self.inner.read().ok().and_then(|i| i.hops.get(number as usize).cloned()).unwrap_or_default()
    }

    /// The number of a step.
    pub(crate) fn number(&self, step: StepName) -> u32 {
        self.inner.write().map_or(0, |mut i| i.number(step))
    }

    /// The hop through the pointer at `offset` of an object of type `ty`.
    pub(crate) fn at(&self, ty: TypeId, offset: u64, known: &mut Known<'_>) -> u32 {
        let fact = known.facts.get(ty);
        let period = if fact.is_row() { known.facts.plan(ty).size } else { 0 };
        let offset = offset.checked_rem(period).unwrap_or(offset);
        if let Some(number) = known.hops.get(&(ty, offset)) {
            return *number;
        }
        let beyond = period == 0 && offset >= fact.size;
        let number = self.name(ty, if beyond { None } else { Some(offset) });
        if offset < MAX_REMEMBERED {
            known.hops.insert((ty, offset), number);
        }
        number
    }

    fn name(&self, ty: TypeId, offset: Option<u64>) -> u32 {
        let types = self.typing.context.types;
        let kind = &types.get(ty).kind;
        let (names, to_element) = match offset {
            Some(offset) if ty != TypeId::UNKNOWN => {
                let steps = steps(types, ty, offset);
                let last = steps.last();
                let to_element = matches!(last, Some(Step::Element(Container::Slice | Container::Channel)));
                (step_names(&steps), to_element)
            }
            // Nothing says what the pointer is.
            _ => (vec![StepName { label: "(unknown)".to_owned(), of: String::new() }], false),
        };
        let in_map = names.is_empty() && matches!(kind, Kind::MapPart(..));
        let Ok(mut inner) = self.inner.write() else { return 0 };
        let steps = names.into_iter().map(|n| inner.number(n)).collect();
        let hop = Hop { steps, in_map, to_element };
        if let Some(number) = inner.hop_numbers.get(&hop) {
            return *number;
        }
        let number = inner.hops.len() as u32;
        inner.hops.push(hop.clone());
        inner.hop_numbers.insert(hop, number);
        number
    }

    /// The hop through the first pointer of `parent` that leads to `child`.
    pub(crate) fn between(&self, parent: u32, child: u32, known: &mut Known<'_>) -> u32 {
        let mut found = None;
        each_pointer(self.typing, parent, |offset, target| {
            if target == child {
                found = Some(offset);
            }
            found.is_some()
        });
        if found.is_none() {
            each_word(self.typing, parent, |offset, target| {
                if target == child {
                    found = Some(offset);
                }
                found.is_some()
            });
        }
        let ty = TypeId(self.typing.heap.graph.type_of(parent));
        match found {
            Some(offset) => self.at(ty, offset, known),
            // The target moves: no pointer makes this edge any more.
            None => self.name(ty, None),
        }
    }
}

impl Inner {
    fn number(&mut self, step: StepName) -> u32 {
        if let Some(number) = self.step_numbers.get(&step) {
            return *number;
        }
        let number = self.steps.len() as u32;
        self.steps.push(step.clone());
        self.step_numbers.insert(step, number);
        number
    }
}

/// Steps as they are shown: fields of nested structs in one.
pub(crate) fn step_names(steps: &[Step]) -> Vec<StepName> {
    let mut names: Vec<StepName> = Vec::new();
    let mut in_field = false;
    for step in steps {
        let is_field = matches!(step, Step::Field { .. });
        let label = match step {
            Step::Field { name, .. } if in_field => {
                if let Some(last) = names.last_mut() {
                    last.label.extend([".", name]);
                }
                continue;
            }
            Step::Field { of, name } => format!("{}.{name}", short(of)),
            Step::Element(Container::Slice) => "slice element".to_owned(),
            Step::Element(Container::Array) => "array element".to_owned(),
            Step::Element(Container::Map) => "map value".to_owned(),
            Step::Element(Container::Channel) => "channel element".to_owned(),
            Step::Key => "map key".to_owned(),
            Step::Captured(name) => format!("{{{name}}}"),
            Step::Content => "interface content".to_owned(),
        };
        let of = match step {
            Step::Field { of, .. } => of.clone(),
            _ => String::new(),
        };
        in_field = is_field;
        names.push(StepName { label, of });
    }
    names
}

/// A type without its package: `Session` for `github.com/you/app.Session`; `struct` for one without a name.
fn short(name: &str) -> &str {
    if name.starts_with("struct {") {
        return "struct";
    }
    let head = name.find('[').unwrap_or(name.len());
    let start = name[..head].rfind('/').map_or(0, |at| at + 1);
    let dot = name[start..head].find('.').map_or(start, |at| start + at + 1);
    &name[dot..]
}

/// The object's bytes after its type header: address and length. The length is that of the slot.
pub(crate) fn contents(typing: &Typing<'_>, object: u32) -> Option<(u64, u64)> {
    let blocks = &typing.heap.graph.blocks;
    let block = blocks.block_of(object);
    let spans: &SpanTable = &typing.heap.spans;
    let header = spans.header(spans.spans.get(blocks.block_index(block.start)?)?);
    Some((block.address(object) + header, block.slot_size.checked_sub(header)?))
}

/// How many bytes of an object with `room` bytes its type says something of.
pub(crate) fn covered(facts: &mut Facts<'_>, ty: TypeId, plan: &Plan, room: u64) -> u64 {
    if facts.get(ty).is_row() { room } else { plan.size.min(room) }
}

/// Calls `sink` with the offset and target of each typed pointer of an object until it returns true.
pub(crate) fn each_pointer(typing: &Typing<'_>, object: u32, mut sink: impl FnMut(u64, u32) -> bool) {
    let ty = TypeId(typing.heap.graph.type_of(object));
    let Some((address, room)) = contents(typing, object) else { return };
    let mut facts = Facts::new(typing.context.types);
    let plan = facts.plan(ty);
    let len = covered(&mut facts, ty, &plan, room).min(MAX_SEARCH);
    let mut scratch = Vec::new();
    let Ok(bytes) = typing.context.memory.bytes(address, len as usize, &mut scratch) else { return };
    typed_targets(typing, &plan, bytes, &mut facts, &mut sink);
}

/// As [`each_pointer`], for bytes that were read already.
pub(crate) fn typed_targets(
    typing: &Typing<'_>,
    plan: &Plan,
    bytes: &[u8],
    facts: &mut Facts<'_>,
    sink: &mut impl FnMut(u64, u32) -> bool,
) {
    let mut done = false;
    visit(plan, bytes.len() as u64, &mut |offset, reference| {
        if done {
            return;
        }
        let offer = typing.resolve(reference, bytes, offset, 0, facts);
        if let Some((target, ..)) = offer.and_then(|o| typing.heap.spans.object(o.address)) {
            done = sink(offset + word_of(reference), target);
        }
    });
}

/// Where the pointer is in a reference: that of an interface is its second word.
pub(crate) fn word_of(reference: Ref) -> u64 {
    if matches!(reference, Ref::Interface { .. }) { 8 } else { 0 }
}

/// Calls `sink` with every word of an object that could be a pointer, typed or not, until it returns true.
pub(crate) fn each_word(typing: &Typing<'_>, object: u32, mut sink: impl FnMut(u64, u32) -> bool) {
    let Some((address, room)) = contents(typing, object) else { return };
    let mut scratch = Vec::new();
    let Ok(bytes) = typing.context.memory.bytes(address, room.min(MAX_SEARCH) as usize, &mut scratch) else { return };
    for (index, word) in bytes.chunks_exact(8).enumerate() {
        let value = u64::from_le_bytes(word.try_into().unwrap_or_default());
        if let Some((target, ..)) = typing.heap.spans.object(value)
            && sink(index as u64 * 8, target)
        {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_short_and_fields_of_nested_structs_are_one_step() {
        assert_eq!(short("main.Session"), "Session");
        assert_eq!(short("github.com/you/app.v2.Set[github.com/x/y.Key]"), "v2.Set[github.com/x/y.Key]");
        assert_eq!(short("struct { a.b *int }"), "struct");
        assert_eq!(short("noDot"), "noDot");
        let field = |of: &str, name: &str| Step::Field { of: of.to_owned(), name: name.to_owned() };
        let steps = [
            field("main.A", "b"),
            field("main.B", "c"),
            Step::Element(Container::Array),
            field("main.C", "d"),
            Step::Content,
        ];
        let labels: Vec<String> = step_names(&steps).into_iter().map(|s| s.label).collect();
        assert_eq!(labels, ["A.b.c", "array element", "C.d", "interface content"]);
    }
}
