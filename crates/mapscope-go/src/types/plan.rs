//! Where the references are in a value of a type: compiled once per type, walked for every object.

use std::sync::Arc;

use super::table::{MapPart, Record, TypeTable};
use super::{Kind, StructField, TypeId};

/// Structs and arrays nested deeper than this are not looked into: no Go program has them, a hostile type might.
const MAX_DEPTH: usize = 48;
/// References, repeats, and types looked into for one type, arrays counted once.
const MAX_ITEMS: usize = 1 << 15;
/// How the type of a weak pointer is called (`weak`, from 1.24 on).
pub(crate) const WEAK_POINTER: &str = "weak.Pointer[";

/// What a reference leads to, in terms of types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ref {
    /// One value; for maps, channels, functions and strings the object behind them.
    Pointer(TypeId),
    /// Pointer, length, capacity.
    Slice(TypeId),
    /// Pointer and number: to what the processors of a `sync.Pool` have.
    Counted(TypeId),
    /// Type word and data word; `empty` as in [`Kind::Interface`].
    Interface { empty: bool },
    /// From a Swiss map's header: to its only group, or to its directory; the directory's length, 8 bytes on, says.
    SwissDirectory { groups: TypeId, directory: TypeId },
    /// From a channel's header to its buffer.
    ChanBuffer(TypeId),
    /// To a node of a `HashTrieMap`, whose first byte says whether it is an entry: (indirect, entry).
    TrieNode(TypeId, TypeId),
}

/// The references of one type.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Bytes of one value.
    pub(crate) size: u64,
    items: Vec<Item>,
    /// References of one value, each element of an array counted.
    references: u64,
    /// References of one value, those of an array's elements counted once: [`visit_numbered`] numbers them below this.
    pub(crate) leaves: u32,
}

#[derive(Debug)]
struct Item {
    offset: u64,
    what: What,
}

#[derive(Debug)]
enum What {
    Ref(Ref),
    Repeat { count: u64, plan: Arc<Plan> },
}

impl Item {
    fn references(&self) -> u64 {
        match &self.what {
            What::Ref(_) => 1,
            What::Repeat { count, plan } => count.saturating_mul(plan.references),
        }
    }

    fn leaves(&self) -> u32 {
        match &self.what {
            What::Ref(_) => 1,
            What::Repeat { plan, .. } => plan.leaves,
        }
    }
}

impl Plan {
    /// Whether a value of the type holds no reference at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

/// Compiles the plan of a type.
pub(crate) fn compile(types: &TypeTable<'_>, id: TypeId) -> Arc<Plan> {
    let mut budget = MAX_ITEMS;
    Arc::new(compile_at(types, id, MAX_DEPTH, &mut budget))
}

/// A value cannot hold more references than it has bytes (than words, if fields never overlapped): a type that says so
/// would be walked for ever.
fn compile_at(types: &TypeTable<'_>, id: TypeId, depth: usize, budget: &mut usize) -> Plan {
    let mut plan = compile_unchecked(types, id, depth, budget);
    plan.references = plan.items.iter().fold(0, |sum, item| sum.saturating_add(item.references()));
    plan.leaves = plan.items.iter().fold(0, |sum, item| sum.saturating_add(item.leaves()));
    if plan.references > plan.size {
        plan = Plan { size: plan.size, ..Plan::default() };
    }
    plan
}

fn compile_unchecked(types: &TypeTable<'_>, id: TypeId, depth: usize, budget: &mut usize) -> Plan {
    let ty = types.get(id);
    let mut plan = Plan { size: ty.size, ..Plan::default() };
    if depth == 0 || *budget == 0 {
        return plan;
    }
    *budget -= 1;
    let simple = |offset, r| Item { offset, what: What::Ref(r) };
    match &ty.kind {
        Kind::Opaque | Kind::StringData | Kind::UnsafePointer | Kind::FuncValue => {}
        Kind::String => plan.items.push(simple(0, Ref::Pointer(types.string_data()))),
        Kind::Pointer(elem) => plan.items.push(simple(0, pointer(types, *elem))),
        Kind::Slice(elem) => plan.items.push(simple(0, Ref::Slice(*elem))),
        Kind::Map(_) => plan.items.push(simple(0, Ref::Pointer(types.part(MapPart::Header, id)))),
        Kind::Chan(elem) => plan.items.push(simple(0, Ref::Pointer(types.chan_header(*elem)))),
        Kind::Func => plan.items.push(simple(0, Ref::Pointer(types.func_value()))),
        Kind::Interface { empty } => plan.items.push(simple(0, Ref::Interface { empty: *empty })),
        Kind::Array { elem, len } => {
            let inner = compile_at(types, *elem, depth - 1, budget);
            repeat(&mut plan, 0, *len, inner, budget);
        }
        Kind::Row(elem) => plan = compile_at(types, *elem, depth - 1, budget),
        Kind::Struct(_) if ty.name == "sync.eface" => plan.items.push(simple(0, Ref::Interface { empty: true })),
        Kind::Struct(fields) if ty.name.starts_with(WEAK_POINTER) => {
            let to = Ref::Pointer(types.record(Record::WeakHandle));
            plan.items.extend(handle_field(types, fields).map(|offset| simple(offset, to)));
        }
        Kind::Struct(fields) => match pool_locals(types, &ty.name, fields) {
            Some(locals) => {
                plan.items.extend(locals.map(|(offset, to)| simple(offset, to)));
                plan.items.extend(function_field(types, fields).map(|(offset, to)| simple(offset, to)));
            }
            None => add_fields(types, &mut plan, fields, depth, budget),
        },
        Kind::MapPart(part, map) => add_part(types, &mut plan, *part, *map, depth, budget),
        Kind::ChanHeader(elem) => {
            let at = types.channel_buffer_offset();
            plan.items.push(simple(at, Ref::ChanBuffer(*elem)));
        }
    }
    plan
}

/// A pointer, unless it leads to a node that is really of another type.
fn pointer(types: &TypeTable<'_>, elem: TypeId) -> Ref {
    types.trie_node(elem).map_or(Ref::Pointer(elem), |(indirect, entry)| Ref::TrieNode(indirect, entry))
}

fn add_fields(types: &TypeTable<'_>, plan: &mut Plan, fields: &[StructField], depth: usize, budget: &mut usize) {
    // sync/atomic.Pointer[T] holds an unsafe.Pointer, and says what it leads to with a field of type [0]*T.
    if let Some((offset, elem)) = atomic_pointer(types, fields) {
        plan.items.push(Item { offset, what: What::Ref(pointer(types, elem)) });
        return;
    }
    for field in fields {
        let inner = compile_at(types, field.ty, depth - 1, budget);
        if inner.items.len() > *budget {
            plan.items.clear();
            return;
        }
        *budget -= inner.items.len();
        let shifted = inner.items.into_iter();
        plan.items.extend(shifted.map(|i| Item { offset: field.offset.saturating_add(i.offset), what: i.what }));
    }
}

/// The pointers of a `sync.Pool` to rows of `poolLocal`, which it has as `unsafe.Pointer`: each is followed by the length
/// of the row.
fn pool_locals(types: &TypeTable<'_>, name: &str, fields: &[StructField]) -> Option<impl Iterator<Item = (u64, Ref)>> {
    let local = (name == "sync.Pool").then(|| types.struct_named("sync.poolLocal")).flatten()?;
    let offsets: Vec<u64> =
        fields.iter().filter(|f| matches!(f.name.as_str(), "local" | "victim")).map(|f| f.offset).collect();
    Some(offsets.into_iter().map(move |offset| (offset, Ref::Counted(local))))
}

/// Offset of the pointer to the handle in a weak pointer.
fn handle_field(types: &TypeTable<'_>, fields: &[StructField]) -> Option<u64> {
    fields.iter().find(|f| matches!(types.get(f.ty).kind, Kind::UnsafePointer)).map(|f| f.offset)
}

/// The only field that is a function.
fn function_field(types: &TypeTable<'_>, fields: &[StructField]) -> Option<(u64, Ref)> {
    let field = fields.iter().find(|f| matches!(types.get(f.ty).kind, Kind::Func))?;
    Some((field.offset, Ref::Pointer(types.func_value())))
}

/// Offset of the pointer and the type it leads to, when `fields` are those of `sync/atomic.Pointer`.
pub(crate) fn atomic_pointer(types: &TypeTable<'_>, fields: &[StructField]) -> Option<(u64, TypeId)> {
    let (first, last) = (fields.first()?, fields.last()?);
    let Kind::Array { elem, len: 0 } = types.get(first.ty).kind else { return None };
    let Kind::Pointer(target) = types.get(elem).kind else { return None };
    let is_unsafe = matches!(types.get(last.ty).kind, Kind::UnsafePointer);
    (is_unsafe && first.name == "_" && last.name == "v").then_some((last.offset, target))
}

fn repeat(plan: &mut Plan, offset: u64, count: u64, inner: Plan, budget: &mut usize) {
    if inner.items.is_empty() || count == 0 || inner.size == 0 || *budget == 0 {
        return;
    }
    *budget -= 1;
    plan.items.push(Item { offset, what: What::Repeat { count, plan: Arc::new(inner) } });
}

fn add_part(types: &TypeTable<'_>, plan: &mut Plan, part: MapPart, map: TypeId, depth: usize, budget: &mut usize) {
    let offsets = types.map_offsets();
    let mut push = |offset, to| {
        plan.items.push(Item { offset, what: What::Ref(Ref::Pointer(types.part(to, map))) });
    };
    match part {
        MapPart::Header => {
            if let Some(offset) = offsets.directory {
                let (groups, directory) = (types.part(MapPart::Groups, map), types.part(MapPart::Directory, map));
                plan.items.push(Item { offset, what: What::Ref(Ref::SwissDirectory { groups, directory }) });
            } else {
                push(offsets.buckets, MapPart::Groups);
                push(offsets.old_buckets, MapPart::Groups);
                push(offsets.extra, MapPart::Extra);
            }
        }
        MapPart::Directory => push(0, MapPart::Table),
        MapPart::Table => push(offsets.groups, MapPart::Groups),
        MapPart::Extra => {
            push(0, MapPart::OverflowList);
            push(8, MapPart::OverflowList);
        }
        MapPart::OverflowList => push(0, MapPart::OverflowArray),
        MapPart::OverflowArray => push(0, MapPart::Groups),
        MapPart::Groups => add_slots(types, plan, map, depth, budget),
    }
}

fn add_slots(types: &TypeTable<'_>, plan: &mut Plan, map: TypeId, depth: usize, budget: &mut usize) {
    let Some(shape) = types.shape(map) else { return };
    let slots = [
        (shape.key, shape.indirect_key, shape.keys_offset, shape.key_stride),
        (shape.elem, shape.indirect_elem, shape.elems_offset, shape.elem_stride),
    ];
    for (ty, indirect, offset, stride) in slots {
        let mut inner = if indirect {
            Plan {
                size: 8,
                items: vec![Item { offset: 0, what: What::Ref(pointer(types, ty)) }],
                references: 1,
                leaves: 1,
            }
        } else {
            compile_at(types, ty, depth - 1, budget)
        };
        inner.size = stride;
        repeat(plan, offset, super::shape::SLOTS, inner, budget);
    }
    if types.map_offsets().directory.is_none() && shape.scan {
        let overflow = shape.group_size.saturating_sub(8);
        plan.items.push(Item { offset: overflow, what: What::Ref(Ref::Pointer(types.part(MapPart::Groups, map))) });
    }
    plan.size = shape.group_size;
}

/// Calls `sink` with the offset of each reference in `len` bytes that hold values of the plan's type one after another.
pub(crate) fn visit(plan: &Plan, len: u64, sink: &mut impl FnMut(u64, Ref)) {
    visit_numbered(plan, len, &mut |offset, _, reference| sink(offset, reference));
}

/// As [`visit`]; `sink` also gets the number of the reference in the type: it is the same in every value and in every
/// element of an array.
pub(crate) fn visit_numbered(plan: &Plan, len: u64, sink: &mut impl FnMut(u64, u32, Ref)) {
    if plan.size == 0 || plan.items.is_empty() {
        return;
    }
    walk(plan, (0, 0), len / plan.size, len, sink);
}

fn walk(plan: &Plan, (base, first): (u64, u32), count: u64, len: u64, sink: &mut impl FnMut(u64, u32, Ref)) {
    for i in 0..count {
        let at = base.saturating_add(i.saturating_mul(plan.size));
        if at >= len {
            return;
        }
        let mut number = first;
        for item in &plan.items {
            let offset = at.saturating_add(item.offset);
            match &item.what {
                What::Ref(r) if offset.saturating_add(8) <= len => sink(offset, number, *r),
                What::Ref(_) => {}
                What::Repeat { count, plan } => walk(plan, (offset, number), *count, len, sink),
            }
            number = number.saturating_add(item.leaves());
        }
    }
}

/// The offset, in one value, of each reference by its number; of an array's elements the first stands for all.
pub(crate) fn leaves(plan: &Plan) -> Vec<(u64, Ref)> {
    let mut found = Vec::new();
    let mut rest: Vec<(&Plan, usize, u64)> = vec![(plan, 0, 0)];
    while let Some((plan, from, base)) = rest.pop() {
        for (index, item) in plan.items.iter().enumerate().skip(from) {
            let offset = base.saturating_add(item.offset);
            match &item.what {
                What::Ref(r) => found.push((offset, *r)),
                What::Repeat { plan: inner, .. } => {
                    rest.push((plan, index + 1, base));
                    rest.push((inner, 0, offset));
                    break;
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    /// Where `fuzzing::types` puts its memory.
    const BASE: u64 = 0x10000;

    /// A memory that starts with a descriptor of this kind, size and pointer bytes, and goes on with `rest`.
    fn descriptor(kind: u8, size: u64, rest: &[u64]) -> Vec<u8> {
        let mut bytes = [size.to_le_bytes(), size.to_le_bytes(), [0; 8], [0; 8], [0; 8], [0; 8]].concat();
        // The mask is on demand; the kind comes after the flags and two alignments.
        (bytes[20], bytes[23]) = (16, kind);
        bytes.extend(rest.iter().flat_map(|w| w.to_le_bytes()));
        bytes
    }

    #[test]
    fn types_that_hold_themselves_come_to_an_end() {
        for size in [8, 64, 1 << 40] {
            // A struct of twenty fields that are all this struct.
            let fields = [0, BASE, 0].repeat(20);
            let header = [0, BASE + 72, 20];
            crate::fuzzing::types(&descriptor(25, size, &[&header[..], &fields].concat()), 27, true);
            // An array of itself, longer than it is large.
            crate::fuzzing::types(&descriptor(17, size, &[BASE, 0, 1 << 40]), 27, true);
        }
    }

    #[test]
    fn arrays_larger_than_they_say_are_not_walked() {
        // An array of 2^40 arrays of 2^40 pointers, in 8 bytes.
        let mut bytes = descriptor(17, 8, &[BASE + 72, 0, 1 << 40]);
        bytes.extend(descriptor(17, 8, &[BASE + 144, 0, 1 << 40]));
        bytes.extend(descriptor(22, 8, &[BASE, 0, 0]));
        crate::fuzzing::types(&bytes, 27, true);
    }
}
