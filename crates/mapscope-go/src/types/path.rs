//! How a person names a place inside a value: `.byID`, `[].buf`, `{seen}`.

use super::plan::atomic_pointer;
use super::table::{MapPart, TypeTable};
use super::{Kind, StructField, TypeId};

/// Structs and arrays nested deeper than this are not named.
const MAX_DEPTH: usize = 48;

/// One step from a value to something inside it or behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// `.name`, and the struct type that has it.
    Field { of: String, name: String },
    /// An element of a slice, array, map or channel: `[]`
    Element(Container),
    /// A map's key: `[key]`
    Key,
    /// A captured variable: `{name}`
    Captured(String),
    /// What an interface holds; no part of a name.
    Content,
}

/// What an element is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Container {
    Slice,
    Array,
    Map,
    Channel,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Field { name, .. } => write!(f, ".{name}"),
            Self::Element(_) => f.write_str("[]"),
            Self::Key => f.write_str("[key]"),
            Self::Captured(name) => write!(f, "{{{name}}}"),
            Self::Content => Ok(()),
        }
    }
}

/// The steps from an object of type `id` to what lies at `offset` in it. Internals of maps, `sync.Map` and
/// `sync/atomic` take no step: people name what they wrote.
pub(crate) fn steps(types: &TypeTable<'_>, id: TypeId, offset: u64) -> Vec<Step> {
    let mut steps = Vec::new();
    let (mut id, mut offset) = (id, offset);
    // The array of an unnamed field has no name either.
    let mut unnamed = false;
    for _ in 0..MAX_DEPTH {
        let before = steps.len();
        let Some((inner, rest)) = enter(types, id, offset, &mut steps) else { break };
        if unnamed && matches!(steps.last(), Some(Step::Element(_))) {
            steps.pop();
        }
        unnamed = steps.len() == before && matches!(types.get(id).kind, Kind::Struct(_));
        (id, offset) = (inner, rest);
    }
    steps
}

/// One level down: adds its step and returns the inner type and the offset in it.
fn enter(types: &TypeTable<'_>, id: TypeId, offset: u64, steps: &mut Vec<Step>) -> Option<(TypeId, u64)> {
    let ty = types.get(id);
    match &ty.kind {
        Kind::Struct(fields) => {
            let field = field_at(types, fields, offset)?;
            let captured = ty.name.starts_with("func ");
            let step = hidden(types, &ty.name, fields, field, captured);
            steps.extend(step);
            Some((field.ty, offset - field.offset))
        }
        Kind::Array { elem, .. } => {
            steps.push(Step::Element(Container::Array));
            Some((*elem, offset.checked_rem(types.get(*elem).size)?))
        }
        // The step was taken where the slice is.
        Kind::Row(elem) => Some((*elem, offset.checked_rem(types.get(*elem).size)?)),
        Kind::Slice(_) => {
            steps.push(Step::Element(Container::Slice));
            None
        }
        Kind::ChanHeader(_) => {
            steps.push(Step::Element(Container::Channel));
            None
        }
        Kind::Interface { .. } => {
            steps.push(Step::Content);
            None
        }
        Kind::MapPart(MapPart::Groups, map) => slot_at(types, *map, offset, steps),
        _ => None,
    }
}

fn field_at<'f>(types: &TypeTable<'_>, fields: &'f [StructField], offset: u64) -> Option<&'f StructField> {
    fields.iter().find(|f| offset.checked_sub(f.offset).is_some_and(|rest| rest < types.get(f.ty).size))
}

/// The step to a field: none for the internals of `sync.Map` and `sync/atomic`.
fn hidden(
    types: &TypeTable<'_>,
    owner: &str,
    fields: &[StructField],
    field: &StructField,
    captured: bool,
) -> Option<Step> {
    if captured {
        return Some(Step::Captured(field.name.trim_start_matches('&').to_owned()));
    }
    if atomic_pointer(types, fields).is_some() {
        return None;
    }
    let bare = owner.rsplit_once('/').filter(|(p, _)| !p.contains('[')).map_or(owner, |(_, b)| b);
    if bare.starts_with("sync.entry[") || bare.starts_with("concurrent.entry[") {
        return match field.name.as_str() {
            "value" => Some(Step::Element(Container::Map)),
            "key" => Some(Step::Key),
            _ => None,
        };
    }
    let internal = [
        "sync.Map",
        "sync.HashTrieMap[",
        "sync.indirect[",
        "sync.node[",
        "sync.readOnly",
        "sync.entry",
        "concurrent.HashTrieMap[",
        "concurrent.indirect[",
        "concurrent.node[",
        "atomic.Value",
        "atomic.Pointer[",
    ];
    let is_internal = internal.iter().any(|i| if i.ends_with('[') { bare.starts_with(i) } else { bare == *i });
    (!is_internal && field.name != "_").then(|| Step::Field { of: owner.to_owned(), name: field.name.clone() })
}

/// Key or element of a slot of a group.
fn slot_at(types: &TypeTable<'_>, map: TypeId, offset: u64, steps: &mut Vec<Step>) -> Option<(TypeId, u64)> {
    let shape = types.shape(map)?;
    let offset = offset.checked_rem(shape.group_size)?;
    for slot in 0..super::shape::SLOTS {
        let (key, elem) = (shape.key_at(slot), shape.elem_at(slot));
        if (key..key + shape.key_size).contains(&offset) {
            steps.push(Step::Key);
            return (!shape.indirect_key).then_some((shape.key, offset - key));
        }
        if (elem..elem + shape.elem_size).contains(&offset) {
            steps.push(Step::Element(Container::Map));
            return (!shape.indirect_elem).then_some((shape.elem, offset - elem));
        }
    }
    None
}
