//! Types, from the runtime's own descriptors where there is one and from debug information where there is none.
//!
//! A [`TypeId`] is reserved when a type is first mentioned and parsed when it is first looked at, so that recursive
//! types need no recursion here.

mod abi;
mod catalog;
mod closure;
mod debug;
mod layout;
mod names;
mod path;
mod plan;
mod shape;
mod slots;
mod table;

pub(crate) use abi::{Descriptor, MaskSource};
pub(crate) use catalog::Catalog;
pub(crate) use closure::{ClosureTypes, first_parameter};
pub use layout::{FieldLayout, StructLayout};
pub(crate) use path::{Container, Step, steps};
pub(crate) use plan::{Plan, Ref, WEAK_POINTER, atomic_pointer, compile, leaves, visit, visit_numbered};
pub(crate) use shape::{MapForm, MapShape};
pub(crate) use table::{MapPart, Record, TypeTable};

/// A type of the target; 0 is the unknown type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct TypeId(pub(crate) u32);

impl TypeId {
    /// No type is known.
    pub(crate) const UNKNOWN: Self = Self(0);
}

/// What is known of a type.
#[derive(Clone, Debug)]
pub(crate) struct Type {
    /// As Go's reflection names it.
    pub(crate) name: String,
    /// Bytes of one value.
    pub(crate) size: u64,
    /// Address of its descriptor in the target; 0 when it has none.
    pub(crate) descriptor: u64,
    /// Kept in the data word of an interface itself.
    pub(crate) direct: bool,
    pub(crate) kind: Kind,
}

/// The shape of a type.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Nothing in it leads anywhere, or its descriptor made no sense.
    Opaque,
    /// Bytes of a string.
    StringData,
    String,
    Pointer(TypeId),
    Slice(TypeId),
    Array {
        elem: TypeId,
        len: u64,
    },
    /// A row of values whose number follows from the object's size.
    Row(TypeId),
    Struct(Vec<StructField>),
    Map(std::sync::Arc<MapShape>),
    Chan(TypeId),
    Func,
    /// `empty`: without methods, so that its first word is a type and not an itab.
    Interface {
        empty: bool,
    },
    UnsafePointer,
    /// One of the objects a map consists of; the type of the map.
    MapPart(MapPart, TypeId),
    /// A channel's header; the element type.
    ChanHeader(TypeId),
    /// A function value; which one, its first word says.
    FuncValue,
}

/// A field of a struct, or a captured variable of a closure.
#[derive(Clone, Debug)]
pub(crate) struct StructField {
    pub(crate) name: String,
    pub(crate) offset: u64,
    pub(crate) ty: TypeId,
}
