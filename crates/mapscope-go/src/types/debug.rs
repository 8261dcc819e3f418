//! Types that have no descriptor, from the debug information: the linker drops the descriptor of a struct that never
//! meets an interface, and globals and locals are often of such types.

use super::shape::LaidOut;
use super::table::TypeTable;
use super::{Kind, MapShape, StructField, Type, TypeId};
use crate::dwarf::{Descriptor, Entry, GO_ELEM, GO_KEY, GO_KIND, GO_RUNTIME_TYPE};

/// Typedefs followed in a row; more is a loop.
const MAX_TYPEDEFS: usize = 16;

impl TypeTable<'_> {
    /// Address of the descriptor of the type at `offset`, or of what its typedefs lead to.
    pub(super) fn debug_descriptor(&self, offset: usize) -> Option<u64> {
        let (dwarf, index) = self.debug?;
        let mut at = offset;
        for _ in 0..MAX_TYPEDEFS {
            let entry = dwarf.entry(at).ok()?;
            // Generic code names the shape of its type arguments: the type itself, where it has no name of its own.
            if let Some(named) = entry.name().and_then(|n| index.runtime_types.get(n.strip_prefix("go.shape.")?)) {
                return self.described(*named);
            }
            if let Some(offset) = entry.number(GO_RUNTIME_TYPE).filter(|t| *t != 0) {
                return self.described(Descriptor { module: dwarf.file(entry.unit).module, offset });
            }
            // The typedef of a map, channel or named type says so itself; only a struct's leads on.
            if entry.tag != gimli::DW_TAG_typedef || entry.number(GO_KIND).is_some() {
                return None;
            }
            at = entry.reference(gimli::DW_AT_type)?;
        }
        None
    }

    /// The address of a descriptor.
    pub(super) fn described(&self, descriptor: Descriptor) -> Option<u64> {
        self.modules.get(descriptor.module)?.types.start.checked_add(descriptor.offset)
    }

    /// Parses the entry at `offset`. What makes no sense becomes an opaque type.
    pub(super) fn parse_debug(&self, offset: usize) -> Type {
        let opaque = Type { name: String::new(), size: 0, descriptor: 0, direct: false, kind: Kind::Opaque };
        let Some((dwarf, _)) = self.debug else { return opaque };
        let mut at = offset;
        let mut name = None;
        for _ in 0..MAX_TYPEDEFS {
            let Ok(entry) = dwarf.entry(at) else { return opaque };
            name = name.or_else(|| entry.name());
            if let Some(kind) = self.debug_kind(&entry) {
                let size = entry.number(gimli::DW_AT_byte_size).unwrap_or(8);
                return Type { name: name.unwrap_or_default().to_owned(), size, kind, ..opaque };
            }
            match entry.reference(gimli::DW_AT_type) {
                Some(next) if entry.tag == gimli::DW_TAG_typedef => at = next,
                _ => {
                    let size = entry.number(gimli::DW_AT_byte_size).unwrap_or(0);
                    return Type { name: name.unwrap_or_default().to_owned(), size, ..opaque };
                }
            }
        }
        opaque
    }

    /// `None` when the entry only leads on to another.
    fn debug_kind(&self, entry: &Entry<'_, '_>) -> Option<Kind> {
        let to = |attribute| entry.reference(attribute).map(|o| self.debug(o)).unwrap_or_default();
        let kind = entry.number(GO_KIND).unwrap_or(0);
        Some(match (entry.tag, kind) {
            (gimli::DW_TAG_typedef, 18) => Kind::Chan(to(GO_ELEM)),
            // Whatever puts an entry into a map needs the descriptor of its type: one that has none is empty for ever.
            (gimli::DW_TAG_typedef, 21) => {
                let shape = MapShape::of_empty(self.map_form, self.laid_out(to(GO_KEY)), self.laid_out(to(GO_ELEM)));
                shape.filter(MapShape::fits).map_or(Kind::UnsafePointer, |shape| Kind::Map(shape.into()))
            }
            (gimli::DW_TAG_typedef, 20) => Kind::Interface { empty: self.is_empty_interface(entry) },
            (gimli::DW_TAG_typedef, _) => return None,
            (_, 19) | (gimli::DW_TAG_subroutine_type, _) => Kind::Func,
            (_, 26) => Kind::UnsafePointer,
            (gimli::DW_TAG_pointer_type, _) => match entry.reference(gimli::DW_AT_type) {
                Some(target) => Kind::Pointer(self.debug(target)),
                None => Kind::UnsafePointer,
            },
            (_, 23) => Kind::Slice(to(GO_ELEM)),
            (_, 24) => Kind::String,
            (gimli::DW_TAG_array_type, _) => {
                let mut len = 0;
                let (dwarf, _) = self.debug?;
                let counted = dwarf.children(entry.offset(), |child| {
                    len = child.number(gimli::DW_AT_count).unwrap_or(len);
                });
                counted.ok()?;
                Kind::Array { elem: to(gimli::DW_AT_type), len }
            }
            (gimli::DW_TAG_structure_type, _) => Kind::Struct(self.members(entry.offset())),
            _ => Kind::Opaque,
        })
    }

    fn laid_out(&self, ty: TypeId) -> LaidOut {
        LaidOut { ty, size: self.get(ty).size, align: self.alignment(ty) }
    }

    /// A typedef of an interface leads to `runtime.eface` when it has no methods, else to `runtime.iface`.
    fn is_empty_interface(&self, entry: &Entry<'_, '_>) -> bool {
        let Some((dwarf, _)) = self.debug else { return false };
        let mut at = entry.reference(gimli::DW_AT_type);
        for _ in 0..MAX_TYPEDEFS {
            let Some(next) = at.and_then(|o| dwarf.entry(o).ok()) else { return false };
            if next.name() == Some("runtime.eface") {
                return true;
            }
            at = next.reference(gimli::DW_AT_type);
        }
        false
    }

    fn members(&self, offset: usize) -> Vec<StructField> {
        let Some((dwarf, _)) = self.debug else { return Vec::new() };
        let mut fields = Vec::new();
        let read = dwarf.children(offset, |member| {
            let ty = member.reference(gimli::DW_AT_type).map(|o| self.debug(o)).unwrap_or_default();
            let name = member.name().unwrap_or_default().to_owned();
            fields.push(StructField {
                name,
                offset: member.number(gimli::DW_AT_data_member_location).unwrap_or(0),
                ty,
            });
        });
        if read.is_err() {
            fields.clear();
        }
        fields
    }
}
