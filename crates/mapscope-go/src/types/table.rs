//! The table of types: reserved when mentioned, parsed when looked at.

use std::sync::{Arc, RwLock};

use mapscope_memory::Memory;
use rustc_hash::FxHashMap;

use super::abi::MAX_TYPE_SIZE;
use super::slots::Slots;
use super::{Kind, MapForm, MapShape, StructField, Type, TypeId};
use crate::dwarf::{Dwarf, DwarfIndex};
use crate::runtime::{Layout, Module};

/// The objects a map consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum MapPart {
    Header,
    /// Swiss: the array of tables.
    Directory,
    /// Swiss.
    Table,
    /// Groups (Swiss) or buckets (legacy).
    Groups,
    /// Legacy: `mapextra`.
    Extra,
    /// Legacy: a slice of overflow buckets that hold no pointers.
    OverflowList,
    /// Legacy: the array of that slice.
    OverflowArray,
}

/// What the runtime allocates for a program without a type that the program knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Record {
    /// What a weak pointer points to (`getOrAddWeakHandle`, from 1.23 on).
    WeakHandle,
    /// The copy of a small argument that a cleanup is called with (`AddCleanup`, from 1.26 on).
    CleanupArgument,
}

impl Record {
    fn name_and_size(self) -> (&'static str, u64) {
        match self {
            Self::WeakHandle => ("weak handle", 8),
            Self::CleanupArgument => ("cleanup argument", 16),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Source {
    Unknown,
    Descriptor(u64),
    Debug(usize),
    Part(MapPart, TypeId),
    Row(TypeId),
    Pointer(TypeId),
    ChanHeader(TypeId),
    StringData,
    FuncValue,
    Closure(u64),
    Record(Record),
}

#[derive(Default)]
struct Inner {
    ids: FxHashMap<Source, TypeId>,
    sources: Vec<Source>,
}

/// All types met so far. Shared by all workers.
pub(crate) struct TypeTable<'a> {
    pub(super) memory: &'a dyn Memory,
    pub(super) modules: &'a [Module],
    pub(super) debug: Option<(&'a Dwarf<'a>, &'a DwarfIndex<'a>)>,
    pub(super) minor: u32,
    pub(super) map_form: MapForm,
    offsets: MapOffsets,
    inner: RwLock<Inner>,
    /// Those that were looked at.
    parsed: Slots<Type>,
}

/// Offsets in the structures of maps and channels that plans follow.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MapOffsets {
    /// Bytes of a map's header.
    pub(crate) header: u64,
    /// Swiss: of the directory in the header; `None` for legacy maps.
    pub(crate) directory: Option<u64>,
    /// Swiss: of the groups in a table.
    pub(crate) groups: u64,
    /// Legacy: in the header.
    pub(crate) buckets: u64,
    pub(crate) old_buckets: u64,
    pub(crate) extra: u64,
    /// Of the buffer in a channel's header.
    pub(crate) channel_buffer: u64,
}

impl MapOffsets {
    fn new(layout: &Layout, form: MapForm) -> Self {
        let mut offsets = Self { channel_buffer: layout.channel.buffer.offset, ..Self::default() };
        if let Some((map, table)) = layout.swiss.filter(|_| form != MapForm::Legacy) {
            offsets.header = map.size;
            offsets.directory = Some(map.directory.offset);
            offsets.groups = table.groups.offset;
        } else if let Some(map) = layout.legacy {
            offsets.header = map.size;
            offsets.buckets = map.buckets.offset;
            offsets.old_buckets = map.old_buckets.offset;
            offsets.extra = map.extra.offset;
        }
        offsets
    }
}

impl<'a> TypeTable<'a> {
    /// An empty table.
    pub(crate) fn new(
        memory: &'a dyn Memory,
        modules: &'a [Module],
        debug: Option<(&'a Dwarf<'a>, &'a DwarfIndex<'a>)>,
        minor: u32,
        layout: &Layout,
    ) -> Self {
        let map_form = match minor {
            _ if layout.swiss.is_none() => MapForm::Legacy,
            ..27 => MapForm::Slots,
            _ => MapForm::Strides,
        };
        let offsets = MapOffsets::new(layout, map_form);
        let table = Self {
            memory,
            modules,
            debug,
            minor,
            map_form,
            offsets,
            inner: RwLock::default(),
            parsed: Slots::default(),
        };
        table.reserve(Source::Unknown);
        table
    }

    fn reserve(&self, source: Source) -> TypeId {
        if let Ok(inner) = self.inner.read()
            && let Some(id) = inner.ids.get(&source)
        {
            return *id;
        }
        let Ok(mut inner) = self.inner.write() else { return TypeId::UNKNOWN };
        if let Some(id) = inner.ids.get(&source) {
            return *id;
        }
        let id = TypeId(inner.sources.len() as u32);
        inner.sources.push(source);
        inner.ids.insert(source, id);
        id
    }

    /// The type whose descriptor is at `address`; unknown for 0.
    pub(crate) fn descriptor(&self, address: u64) -> TypeId {
        if address == 0 { TypeId::UNKNOWN } else { self.reserve(Source::Descriptor(address)) }
    }

    /// The address of the descriptor of a type that has one, whether or not it was parsed.
    pub(super) fn source_descriptor(&self, id: TypeId) -> Option<u64> {
        match self.source(id)? {
            Source::Descriptor(address) => Some(address),
            _ => None,
        }
    }

    /// The type at an entry of the debug information: its descriptor's where it has one.
    pub(crate) fn debug(&self, offset: usize) -> TypeId {
        self.debug_descriptor(offset).map_or_else(|| self.reserve(Source::Debug(offset)), |a| self.descriptor(a))
    }

    /// An object of a map.
    pub(crate) fn part(&self, part: MapPart, map: TypeId) -> TypeId {
        self.reserve(Source::Part(part, map))
    }

    /// A row of values, as many as the object has room for.
    pub(crate) fn row(&self, elem: TypeId) -> TypeId {
        self.reserve(Source::Row(elem))
    }

    /// A pointer type that has no descriptor of its own.
    pub(super) fn pointer_to(&self, elem: TypeId) -> TypeId {
        self.reserve(Source::Pointer(elem))
    }

    /// A channel's header.
    pub(crate) fn chan_header(&self, elem: TypeId) -> TypeId {
        self.reserve(Source::ChanHeader(elem))
    }

    /// The bytes of a string.
    pub(crate) fn string_data(&self) -> TypeId {
        self.reserve(Source::StringData)
    }

    /// A function value not yet looked into.
    pub(crate) fn func_value(&self) -> TypeId {
        self.reserve(Source::FuncValue)
    }

    /// Something of the runtime's own.
    pub(crate) fn record(&self, record: Record) -> TypeId {
        self.reserve(Source::Record(record))
    }

    /// The closure of the function at `entry`, with the captured variables `fields`.
    pub(crate) fn closure(&self, entry: u64, name: &str, size: u64, fields: Vec<StructField>) -> TypeId {
        let id = self.reserve(Source::Closure(entry));
        let name = format!("func {}", name.replace("go.shape.", ""));
        let ty = Type { name, size, descriptor: 0, direct: false, kind: Kind::Struct(fields) };
        if id != TypeId::UNKNOWN {
            self.parsed.set(id.0, ty);
        }
        id
    }

    fn source(&self, id: TypeId) -> Option<Source> {
        self.inner.read().ok()?.sources.get(id.0 as usize).copied()
    }

    /// The type itself.
    #[inline]
    pub(crate) fn get(&self, id: TypeId) -> &Type {
        self.parsed.get(id.0).unwrap_or_else(|| self.look_at(id))
    }

    #[cold]
    fn look_at(&self, id: TypeId) -> &Type {
        // What was given out by nobody is the first, which is unknown.
        let (id, source) = self.source(id).map_or((TypeId::UNKNOWN, Source::Unknown), |source| (id, source));
        let mut ty = self.parse(source);
        // Debug information may claim any size; sums of sizes and offsets must not wrap.
        ty.size = ty.size.min(MAX_TYPE_SIZE);
        self.parsed.set(id.0, ty)
    }

    /// Types met so far.
    pub(crate) fn len(&self) -> usize {
        self.inner.read().map_or(0, |i| i.sources.len())
    }

    /// The shape of a map type; `None` for any other.
    pub(crate) fn shape(&self, map: TypeId) -> Option<Arc<MapShape>> {
        match &self.get(map).kind {
            Kind::Map(shape) => Some(shape.clone()),
            _ => None,
        }
    }

    fn parse(&self, source: Source) -> Type {
        let made = |name: String, size, kind| Type { name, size, descriptor: 0, direct: false, kind };
        match source {
            Source::Unknown | Source::Closure(_) => made(String::new(), 0, Kind::Opaque),
            Source::Descriptor(address) => self.parse_descriptor(address),
            Source::Debug(offset) => self.parse_debug(offset),
            Source::Row(elem) => {
                let elem_type = self.get(elem);
                made(format!("[]{}", elem_type.name), elem_type.size, Kind::Row(elem))
            }
            Source::Pointer(elem) => made(format!("*{}", self.get(elem).name), 8, Kind::Pointer(elem)),
            Source::ChanHeader(elem) => {
                made(format!("chan {} (header)", self.get(elem).name), 96, Kind::ChanHeader(elem))
            }
            Source::StringData => made("string".to_owned(), 1, Kind::StringData),
            Source::FuncValue => made("func".to_owned(), 8, Kind::FuncValue),
            Source::Record(record) => {
                let (name, size) = record.name_and_size();
                made(name.to_owned(), size, Kind::Opaque)
            }
            Source::Part(part, map) => {
                let (what, size) = self.part_size(part, map);
                made(format!("{} ({what})", self.get(map).name), size, Kind::MapPart(part, map))
            }
        }
    }

    fn part_size(&self, part: MapPart, map: TypeId) -> (&'static str, u64) {
        let swiss = self.map_form != MapForm::Legacy;
        match part {
            MapPart::Header => ("header", self.offsets.header),
            MapPart::Directory => ("directory", 8),
            MapPart::Table => ("table", 32),
            MapPart::Groups => {
                let size = self.shape(map).map_or(0, |s| s.group_size);
                (if swiss { "groups" } else { "buckets" }, size)
            }
            MapPart::Extra => ("extra", 24),
            MapPart::OverflowList => ("overflow list", 24),
            MapPart::OverflowArray => ("overflow array", 8),
        }
    }

    /// The target.
    pub(crate) fn memory(&self) -> &'a dyn Memory {
        self.memory
    }

    /// The debug information, when there is any.
    pub(crate) fn debug_info(&self) -> Option<(&'a Dwarf<'a>, &'a DwarfIndex<'a>)> {
        self.debug
    }

    /// Whether debug information names the variables at `address`: each module's file has its own, or none.
    pub(crate) fn has_names(&self, address: u64) -> bool {
        let Some((dwarf, _)) = self.debug else { return false };
        let holds = |m: &Module| m.data.contains(&address) || m.bss.contains(&address);
        let module = self.modules.iter().position(holds);
        module.is_some_and(|module| dwarf.files.iter().any(|file| file.module == module))
    }

    /// The runtime's own type of a map's header.
    pub(crate) fn map_header(&self) -> Option<TypeId> {
        self.struct_named(if self.is_swiss() { "internal/runtime/maps.Map" } else { "runtime.hmap" })
    }

    /// Bytes of a map's header.
    pub(crate) fn map_header_size(&self) -> u64 {
        self.offsets.header
    }

    /// Whether the binary's maps are Swiss maps.
    pub(crate) fn is_swiss(&self) -> bool {
        self.map_form != MapForm::Legacy
    }

    /// Go's minor version.
    pub(crate) fn minor(&self) -> u32 {
        self.minor
    }

    /// Offsets for plans.
    pub(crate) fn map_offsets(&self) -> MapOffsets {
        self.offsets
    }

    /// Offset of the buffer in a channel's header.
    pub(super) fn channel_buffer_offset(&self) -> u64 {
        self.offsets.channel_buffer
    }

    /// For the node type of a `HashTrieMap` (`internal/sync`, before 1.24 `internal/concurrent`): the types a pointer
    /// to it really leads to, inner node and entry.
    pub(super) fn trie_node(&self, id: TypeId) -> Option<(TypeId, TypeId)> {
        let node = self.get(id).name.clone();
        let (package, arguments) = node.split_once("node[")?;
        let package = package.rsplit('/').next()?.strip_suffix('.')?;
        let path = match package {
            "sync" => "internal/sync",
            "concurrent" => "internal/concurrent",
            _ => return None,
        };
        // Debug information may have a node's type only as generic code sees it, with `go.shape.` before each argument.
        let (_, index) = self.debug?;
        let find = |what: &str| {
            let name = format!("{path}.{what}[{arguments}");
            self.struct_named(&name).or_else(|| {
                let shaped =
                    index.structs.iter().find(|(n, _)| n.starts_with(path) && n.replace("go.shape.", "") == name);
                shaped.map(|(_, offset)| self.debug(*offset))
            })
        };
        Some((find("indirect")?, find("entry")?))
    }

    /// The type whose descriptor the debug information files under `name`.
    pub(crate) fn named(&self, name: &str) -> Option<TypeId> {
        let (_, index) = self.debug?;
        Some(self.descriptor(self.described(*index.runtime_types.get(name)?)?))
    }
}
