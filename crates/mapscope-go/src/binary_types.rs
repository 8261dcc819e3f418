//! The types of an executable, read from the file: nothing has to run.

use std::collections::BTreeMap;

use crate::dwarf::{Dwarf, DwarfIndex, DwarfSections};
use crate::heap::Allocator;
use crate::maps::model::{GroupLayout, MapDesign, TypeSize};
use crate::runtime::{Cached, modules};
use crate::symbols::Symbols;
use crate::types::{Catalog, Kind, StructLayout, TypeId, TypeTable};
use crate::{Binary, Executable, GoError};

/// The types of one executable.
pub struct BinaryTypes<'t> {
    types: &'t TypeTable<'t>,
    names: BTreeMap<String, TypeId>,
    catalog: Catalog,
    /// The binary's Go version, as it names itself.
    pub go_version: String,
    /// Its maps.
    pub design: MapDesign,
    /// Its heap.
    pub allocator: Allocator,
}

/// A struct with its name.
#[derive(Clone, Debug)]
pub struct NamedLayout {
    /// Its name: with the path of its package where there is debug information, else with its last part.
    pub name: String,
    /// Its fields.
    pub layout: StructLayout,
    /// The maps that have it as key or element.
    pub maps: Vec<MapUse>,
}

/// A map type that has a certain type as key or element.
#[derive(Clone, Debug)]
pub struct MapUse {
    /// The map type.
    pub map_type: String,
    /// It is the key, else the element.
    pub is_key: bool,
    /// It is stored as a pointer, for it has more than 128 bytes.
    pub indirect: bool,
    /// The layout of a group or bucket.
    pub group: GroupLayout,
}

/// Reads the types of the executable at `path` and calls `then` with them. The session borrows from what was read, so it
/// lives only as long as the call.
///
/// # Errors
/// When the executable is not a Go program that can be read.
pub fn with_types<R>(
    path: &str,
    executable: Executable<'_>,
    then: impl FnOnce(&BinaryTypes<'_>) -> R,
) -> Result<R, GoError> {
    let binary = Binary::parse(path, executable.bytes, 0)?;
    let debug_file = executable.debug_file(&binary)?;
    let described = debug_file.as_ref().unwrap_or(&binary);
    let has_debug = debug_file.is_some() || binary.has_section(".debug_info");
    let sections = has_debug.then(|| DwarfSections::load(described)).transpose()?;
    let dwarf = sections.as_ref().map(|s| Dwarf::of(s, described.path(), 0)).transpose()?;
    let index = dwarf.as_ref().map(DwarfIndex::build).transpose()?;
    let debug = dwarf.as_ref().zip(index.as_ref()).filter(|(_, index)| index.has_runtime() || debug_file.is_some());
    let symbols = Symbols { binary: &binary, debug };
    let layout = symbols.layout()?;
    let image = binary.image();
    let memory = Cached::new(&image, None);
    let modules = modules(&memory, &layout, symbols.first_module(&memory, &layout)?)?;
    let types = TypeTable::new(&memory, &modules, debug, binary.minor, &layout);
    let catalog = types.catalog(std::iter::empty());
    let design = MapDesign::of(types.is_swiss(), &binary.go_version, binary.minor);
    let names = names(&types, debug, &catalog);
    let go_version = binary.go_version.clone();
    let allocator = Allocator { headers: binary.minor >= 22 };
    Ok(then(&BinaryTypes { types: &types, names, catalog, go_version, design, allocator }))
}

/// Every type by its name. Debug information has whole paths, and structs that have no descriptor.
fn names(
    types: &TypeTable<'_>,
    debug: Option<(&Dwarf<'_>, &DwarfIndex<'_>)>,
    catalog: &Catalog,
) -> BTreeMap<String, TypeId> {
    let Some((_, index)) = debug else {
        return catalog.all.iter().map(|id| (types.get(*id).name.clone(), *id)).collect();
    };
    let written = |name: &&str| !name.contains("go.shape.") && !name.starts_with("noalg.");
    let described = index.runtime_types.keys().filter_map(|name| Some((*name, types.named(name)?)));
    let structs = index.structs.iter().map(|(name, offset)| (*name, types.debug(*offset)));
    structs.chain(described).filter(|(name, _)| written(name)).map(|(n, id)| (n.to_owned(), id)).collect()
}

/// A name without the path of its package: `http.Request` of `net/http.Request`.
fn short(name: &str) -> &str {
    let arguments = name.find('[').unwrap_or(name.len());
    name[..arguments].rfind('/').map_or(name, |slash| &name[slash + 1..])
}

/// A type that somebody declared: `main.T`, `net/http.Request`, `main.Pair[int,string]`.
pub(crate) fn is_declared(name: &str) -> bool {
    let head = name.split('[').next().unwrap_or_default();
    head.contains('.') && head.chars().all(|c| c.is_alphanumeric() || "._/-~".contains(c))
}

impl BinaryTypes<'_> {
    /// The names of the structs that somebody declared, in alphabetical order.
    pub fn structs(&self) -> Vec<&str> {
        let is_struct = |id: TypeId| matches!(self.types.get(id).kind, Kind::Struct(_));
        let declared = self.names.iter().filter(|(name, id)| is_declared(name) && is_struct(**id));
        declared.map(|(name, _)| name.as_str()).collect()
    }

    /// The names of all types that somebody declared.
    pub fn declared(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str).filter(|name| is_declared(name))
    }

    /// The size of the type of this name, with or without the path of its package.
    pub fn size(&self, name: &str) -> Option<TypeSize> {
        self.find(name).map(|(_, id)| self.types.type_size(id))
    }

    /// The layout of the struct of this name; `None` when there is none.
    pub fn layout(&self, name: &str) -> Option<NamedLayout> {
        let (name, id) = self.find(name)?;
        let layout = self.types.struct_layout(id)?;
        Some(NamedLayout { name: name.to_owned(), layout, maps: self.uses(id) })
    }

    fn find(&self, name: &str) -> Option<(&str, TypeId)> {
        let whole = self.names.get_key_value(name);
        let found = whole.or_else(|| self.names.iter().find(|(n, _)| short(n) == name));
        found.map(|(name, id)| (name.as_str(), *id))
    }

    fn uses(&self, id: TypeId) -> Vec<MapUse> {
        let name = |map: TypeId| self.types.get(map).name.clone();
        let mut uses = Vec::new();
        for (map, shape) in &self.catalog.maps {
            let group = GroupLayout {
                size: shape.group_size,
                pointers: shape.scan,
                key_size: shape.key_size,
                elem_size: shape.elem_size,
                keys_offset: shape.keys_offset,
                key_stride: shape.key_stride,
                elems_offset: shape.elems_offset,
                elem_stride: shape.elem_stride,
            };
            for (is_key, part, indirect) in
                [(true, shape.key, shape.indirect_key), (false, shape.elem, shape.indirect_elem)]
            {
                if part == id {
                    uses.push(MapUse { map_type: name(*map), is_key, indirect, group });
                }
            }
        }
        uses
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_without_their_path() {
        assert_eq!(short("net/http.Request"), "http.Request");
        assert_eq!(short("main.Pair[net/http.Request,int]"), "main.Pair[net/http.Request,int]");
        assert_eq!(short("example.com/a/b.Pair[int]"), "b.Pair[int]");
        assert!(is_declared("main.Pair[net/http.Request,int]") && is_declared("example.com/a-b.T"));
        assert!(!is_declared("struct { a int }") && !is_declared("*main.T") && !is_declared("int"));
    }
}
