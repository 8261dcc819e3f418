//! The runtime's type descriptors, `internal/abi.Type` and the structures that follow it (`internal/abi/type.go`,
//! the same in Go 1.21 to 1.27 but for the map descriptor, see [`MapForm`]).

use mapscope_memory::Memory;

use super::table::TypeTable;
use super::{Kind, MapForm, MapShape, StructField, Type, TypeId};
use crate::GoError;
use crate::runtime::Field;

const SIZE: Field = Field { offset: 0, size: 8 };
const PTR_BYTES: Field = Field { offset: 8, size: 8 };
const TFLAG: Field = Field { offset: 20, size: 1 };
const KIND: Field = Field { offset: 23, size: 1 };
const GC_DATA: Field = Field { offset: 32, size: 8 };
const NAME: Field = Field { offset: 40, size: 4 };
/// Bytes of `abi.Type`; what belongs to the kind follows.
const TYPE_SIZE: u64 = 48;
const FIRST: Field = Field { offset: TYPE_SIZE, size: 8 };
const SECOND: Field = Field { offset: TYPE_SIZE + 8, size: 8 };
const THIRD: Field = Field { offset: TYPE_SIZE + 16, size: 8 };

/// `TFlagUncommon`: the type has methods or a name, and a structure that says so.
const UNCOMMON: u64 = 1;
/// `TFlagExtraStar`: the name has a `*` in front that is not part of it.
const EXTRA_STAR: u64 = 1 << 1;
/// `TFlagGCMaskOnDemand`, from 1.24.
const MASK_ON_DEMAND: u64 = 1 << 4;
/// Kept in the interface's data word: a flag of the kind up to 1.25, of `TFlag` from 1.26.
const DIRECT: u64 = 1 << 5;
/// `KindGCProg`, up to 1.23.
const GC_PROGRAM: u64 = 1 << 6;
const KIND_MASK: u64 = 31;

/// No Go value is larger; a descriptor that says so is not one.
pub(super) const MAX_TYPE_SIZE: u64 = 1 << 47;
/// Fields of a struct that are read at most.
const MAX_FIELDS: u64 = 1 << 16;
/// In the names of types, in front of each argument that is a shape.
const SHAPE: &str = "go.shape.";
/// Bytes of a type's name that are kept at most.
const MAX_NAME: u64 = 4096;

/// The raw descriptor at an address.
pub(crate) struct Descriptor {
    bytes: [u8; TYPE_SIZE as usize + 24],
    pub(crate) size: u64,
    /// Bytes of the prefix that holds pointers.
    pub(crate) pointer_bytes: u64,
}

/// Where the pointer mask of a type is.
pub(crate) enum MaskSource {
    /// One bit per word at this address.
    Bits(u64),
    /// It has to be computed from the type's structure.
    Structure,
}

impl Descriptor {
    /// Reads the descriptor at `address` and checks that it can be one.
    pub(crate) fn read(memory: &dyn Memory, address: u64) -> Result<Self, GoError> {
        let mut bytes = [0; TYPE_SIZE as usize + 24];
        memory.read_into(address, &mut bytes)?;
        let (size, pointer_bytes) = (SIZE.get(&bytes), PTR_BYTES.get(&bytes));
        let bad = |reason: &str| Err(GoError::inconsistent("type descriptor", address, reason));
        if size > MAX_TYPE_SIZE || pointer_bytes > size || pointer_bytes % 8 != 0 {
            return bad("its size cannot be");
        }
        Ok(Self { bytes, size, pointer_bytes })
    }

    /// Alignment of a value, in bytes.
    pub(super) fn align(&self) -> u64 {
        u64::from(self.bytes[21])
    }

    /// Where its pointer mask is. `minor` is Go's minor version, which decides what the flags mean.
    pub(crate) fn mask_source(&self, memory: &dyn Memory, minor: u32) -> MaskSource {
        let data = GC_DATA.get(&self.bytes);
        if minor >= 24 && TFLAG.get(&self.bytes) & MASK_ON_DEMAND != 0 {
            return MaskSource::Structure;
        }
        let program = minor < 24 && KIND.get(&self.bytes) & GC_PROGRAM != 0;
        if program || data == 0 || !memory.is_mapped(data, self.pointer_bytes.div_ceil(64)) {
            return MaskSource::Structure;
        }
        MaskSource::Bits(data)
    }
}

impl TypeTable<'_> {
    /// Whether the descriptor of a type can be at `address`: where a module has its types, and with an alignment and a
    /// kind that there are.
    pub(crate) fn is_descriptor(&self, address: u64) -> bool {
        let inside = self.modules.iter().any(|m| m.types.contains(&address));
        let named = |d: &Descriptor| self.descriptor_name(address, &d.bytes).chars().next();
        inside && self.can_be_descriptor(address).is_some_and(|d| named(&d).is_some_and(|c| !c.is_control()))
    }

    /// Whether a type that the program made itself can be at `address`, an object of its heap (`reflect.MapOf` and its
    /// kin): one that is made of another.
    pub(crate) fn is_made_descriptor(&self, address: u64) -> bool {
        let Some(descriptor) = self.can_be_descriptor(address) else { return false };
        match KIND.get(&descriptor.bytes) & KIND_MASK {
            17 | 18 | 21 | 22 | 23 => self.is_descriptor(FIRST.get(&descriptor.bytes)),
            25 => self.struct_fields(SECOND.get(&descriptor.bytes), THIRD.get(&descriptor.bytes)).is_some(),
            _ => false,
        }
    }

    fn can_be_descriptor(&self, address: u64) -> Option<Descriptor> {
        let descriptor = address.is_multiple_of(8).then(|| Descriptor::read(self.memory, address).ok()).flatten()?;
        let (align, field_align) = (u64::from(descriptor.bytes[21]), u64::from(descriptor.bytes[22]));
        let kind = KIND.get(&descriptor.bytes) & KIND_MASK;
        let fits = (1..=26).contains(&kind)
            && align.is_power_of_two()
            && align <= 16
            && field_align == align
            && descriptor.size % align == 0;
        fits.then_some(descriptor)
    }

    /// Whether the itab of a type can be at `address`: both its types are, one of them is an interface, and the hash is
    /// that of the other.
    pub(crate) fn is_itab(&self, address: u64) -> bool {
        let mut itab = [0; 24];
        if !address.is_multiple_of(8) || self.memory.read_into(address, &mut itab).is_err() {
            return false;
        }
        let word = |offset| Field { offset, size: 8 }.get(&itab);
        let (interface, ty) = (word(0), word(8));
        let hash = Field { offset: 16, size: 4 };
        self.is_descriptor(interface)
            && self.is_descriptor(ty)
            && Descriptor::read(self.memory, interface).is_ok_and(|d| KIND.get(&d.bytes) & KIND_MASK == 20)
            && Descriptor::read(self.memory, ty).is_ok_and(|d| hash.get(&d.bytes) == hash.get(&itab))
    }

    /// Whether a map type can be at `address`: asked for every address that code loads, so only what is cheap is checked.
    pub(crate) fn is_map_descriptor(&self, address: u64) -> bool {
        let mut kind = [0];
        let read = address.checked_add(KIND.offset).map(|at| self.memory.read_into(at, &mut kind));
        matches!(read, Some(Ok(()))) && u64::from(kind[0]) & KIND_MASK == 21 && self.is_descriptor(address)
    }

    /// The `reflect.Kind` of the type at `address`; 0 when there is none.
    pub(crate) fn kind_number(&self, address: u64) -> u64 {
        let read = (address != 0).then(|| Descriptor::read(self.memory, address).ok()).flatten();
        read.map_or(0, |d| KIND.get(&d.bytes) & KIND_MASK)
    }

    /// Bytes of the descriptor at `address` with all that belongs to it (`abi.Type.DescriptorSize`, Go 1.27); `None` when
    /// there is none.
    pub(super) fn descriptor_bytes(&self, address: u64) -> Option<u64> {
        if !self.is_descriptor(address) {
            return None;
        }
        let bytes = Descriptor::read(self.memory, address).ok()?.bytes;
        let half = |offset| Field { offset, size: 2 }.get(&bytes);
        let (base, more) = match KIND.get(&bytes) & KIND_MASK {
            17 => (72, 0),
            18 => (64, 0),
            // In and out parameters; the top bit says that the last one is variadic.
            19 => (56, 8 * (half(48) + (half(50) & 0x7fff))),
            20 => (80, THIRD.get(&bytes).checked_mul(8)?),
            21 => (136, 0),
            22 | 23 => (56, 0),
            25 => (80, THIRD.get(&bytes).checked_mul(24)?),
            _ => (TYPE_SIZE, 0),
        };
        let mut total = more.checked_add(base)?;
        if TFLAG.get(&bytes) & UNCOMMON != 0 {
            let mut methods = [0; 2];
            self.memory.read_into(address.checked_add(base + 4)?, &mut methods).ok()?;
            total = total.checked_add(16 + 16 * u64::from(u16::from_le_bytes(methods)))?;
        }
        Some(total)
    }

    /// Parses the descriptor at `address`. What makes no sense becomes an opaque type of its size.
    pub(super) fn parse_descriptor(&self, address: u64) -> Type {
        let Ok(descriptor) = Descriptor::read(self.memory, address) else {
            return Type { name: String::new(), size: 0, descriptor: address, direct: false, kind: Kind::Opaque };
        };
        let bytes = &descriptor.bytes;
        let direct_flags = if self.minor >= 26 { TFLAG } else { KIND };
        let kind = self.descriptor_kind(address, bytes).unwrap_or(Kind::Opaque);
        let mut name = self.descriptor_name(address, bytes);
        if name.is_empty() {
            name = self.made_name(&kind);
        }
        Type { name, size: descriptor.size, descriptor: address, direct: direct_flags.get(bytes) & DIRECT != 0, kind }
    }

    /// The name of a type that the program made, which the runtime keeps elsewhere: written as it is made, from the names
    /// of types that have one.
    fn made_name(&self, kind: &Kind) -> String {
        let of = |id: TypeId| {
            let address = self.source_descriptor(id);
            let known =
                address.and_then(|a| Some(self.descriptor_name(a, &Descriptor::read(self.memory, a).ok()?.bytes)));
            known.filter(|name| !name.is_empty()).unwrap_or_else(|| "?".to_owned())
        };
        match kind {
            Kind::Map(shape) => format!("map[{}]{}", of(shape.key), of(shape.elem)),
            Kind::Slice(elem) => format!("[]{}", of(*elem)),
            Kind::Pointer(elem) => format!("*{}", of(*elem)),
            Kind::Array { elem, len } => format!("[{len}]{}", of(*elem)),
            Kind::Chan(elem) => format!("chan {}", of(*elem)),
            Kind::Struct(fields) => {
                let fields: Vec<String> = fields.iter().map(|f| format!("{} {}", f.name, of(f.ty))).collect();
                format!("struct {{ {} }}", fields.join("; "))
            }
            _ => String::new(),
        }
    }

    /// `reflect.Kind` decides what follows; `None` when what follows makes no sense.
    fn descriptor_kind(&self, address: u64, bytes: &[u8]) -> Option<Kind> {
        let first = FIRST.get(bytes);
        Some(match KIND.get(bytes) & KIND_MASK {
            17 => {
                let elem = self.descriptor(first);
                Kind::Array { elem, len: THIRD.get(bytes).min(MAX_TYPE_SIZE) }
            }
            18 => Kind::Chan(self.descriptor(first)),
            19 => Kind::Func,
            20 => Kind::Interface { empty: THIRD.get(bytes) == 0 },
            21 => Kind::Map(self.map_shape(address)?.into()),
            22 => Kind::Pointer(self.descriptor(first)),
            23 => Kind::Slice(self.descriptor(first)),
            24 => Kind::String,
            25 => Kind::Struct(self.struct_fields(SECOND.get(bytes), THIRD.get(bytes))?),
            26 => Kind::UnsafePointer,
            _ => Kind::Opaque,
        })
    }

    fn struct_fields(&self, address: u64, count: u64) -> Option<Vec<StructField>> {
        if count > MAX_FIELDS {
            return None;
        }
        let mut scratch = Vec::new();
        let bytes = self.memory.bytes(address, count as usize * 24, &mut scratch).ok()?;
        let word = |b: &[u8], i: u64| Field { offset: i * 8, size: 8 }.get(b);
        let field = |b: &[u8]| StructField {
            name: self.name_at(word(b, 0)).unwrap_or_default(),
            ty: self.descriptor(word(b, 1)),
            offset: word(b, 2),
        };
        Some(bytes.chunks_exact(24).map(field).collect())
    }

    /// Whether a type is as generic code sees it: its arguments are shapes, and `*uint8` stands for any pointer.
    pub(crate) fn is_shape(&self, id: TypeId) -> bool {
        let ty = self.get(id);
        if ty.descriptor == 0 || !ty.name.contains('[') {
            return ty.name.contains(SHAPE);
        }
        let mut bytes = [0; TYPE_SIZE as usize];
        self.memory.read_into(ty.descriptor, &mut bytes).is_ok()
            && self.written_name(ty.descriptor, &bytes).contains(SHAPE)
    }

    fn written_name(&self, address: u64, bytes: &[u8]) -> String {
        let offset = NAME.get(bytes);
        let module = self.modules.iter().find(|m| m.types.contains(&address));
        module.and_then(|m| self.name_at(m.types.start.checked_add(offset)?)).unwrap_or_default()
    }

    /// The path of the package that declares the type with the descriptor at `address` (`abi.UncommonType`); `None` for a
    /// type without a name of its own.
    pub(super) fn package_path(&self, address: u64) -> Option<String> {
        let bytes = Descriptor::read(self.memory, address).ok()?.bytes;
        if TFLAG.get(&bytes) & UNCOMMON == 0 {
            return None;
        }
        let map_bytes = match self.map_form {
            MapForm::Legacy => 88,
            MapForm::Slots => 112,
            MapForm::Strides => 136,
        };
        let before = match KIND.get(&bytes) & KIND_MASK {
            17 => 72,
            18 => 64,
            19 | 22 | 23 => 56,
            20 | 25 => 80,
            21 => map_bytes,
            _ => TYPE_SIZE,
        };
        let mut offset = [0; 4];
        self.memory.read_into(address.checked_add(before)?, &mut offset).ok()?;
        let module = self.modules.iter().find(|m| m.types.contains(&address))?;
        let offset = u64::from(u32::from_le_bytes(offset));
        self.name_at(module.types.start.checked_add(offset)?).filter(|_| offset > 0)
    }

    /// `abi.NameOff`: an offset from the `types` of the module that holds the descriptor.
    fn descriptor_name(&self, address: u64, bytes: &[u8]) -> String {
        let name = self.written_name(address, bytes);
        let name = if TFLAG.get(bytes) & EXTRA_STAR == 0 { &name } else { name.strip_prefix('*').unwrap_or(&name) };
        // Generic code works on shapes of its type arguments; people wrote the types.
        name.replace(SHAPE, "")
    }

    /// `abi.Name`: a flag byte, a varint length, the text.
    fn name_at(&self, address: u64) -> Option<String> {
        let mut head = [0; 4];
        self.memory.read_into(address, &mut head).ok()?;
        let (len, used) = crate::binary::uvarint(&head[1..])?;
        let mut text = vec![0; len.min(MAX_NAME) as usize];
        self.memory.read_into(address.checked_add(1 + used as u64)?, &mut text).ok()?;
        Some(String::from_utf8_lossy(&text).into_owned())
    }

    /// The map descriptor; `None` when its slots do not fit its groups.
    fn map_shape(&self, address: u64) -> Option<MapShape> {
        let mut bytes = [0; 136];
        let len = match self.map_form {
            MapForm::Legacy => 88,
            MapForm::Slots => 112,
            MapForm::Strides => 136,
        };
        self.memory.read_into(address, &mut bytes[..len]).ok()?;
        let number = |offset, size| Field { offset, size }.get(&bytes);
        let (key, elem, storage) = (self.descriptor(number(48, 8)), self.descriptor(number(56, 8)), number(64, 8));
        let full_key = Descriptor::read(self.memory, number(48, 8)).ok()?.size;
        let full_elem = Descriptor::read(self.memory, number(56, 8)).ok()?.size;
        // hashMightPanic and needKeyUpdate come first in both, but the indirect bits differ.
        let (flags, key_bit, elem_bit) = match self.map_form {
            MapForm::Legacy => (number(84, 4), 1, 2),
            MapForm::Slots => (number(104, 4), 4, 8),
            MapForm::Strides => (number(128, 4), 4, 8),
        };
        let (indirect_key, indirect_elem) = (flags & key_bit != 0, flags & elem_bit != 0);
        let key_size = if indirect_key { 8 } else { full_key };
        let elem_size = if indirect_elem { 8 } else { full_elem };
        let (group_size, keys_offset, key_stride, elems_offset, elem_stride) = match self.map_form {
            MapForm::Legacy => (number(82, 2), 8, key_size, 8 + 8 * key_size, elem_size),
            MapForm::Slots => (number(80, 8), 8, number(88, 8), 8u64.checked_add(number(96, 8))?, number(88, 8)),
            MapForm::Strides => (number(80, 8), number(88, 8), number(96, 8), number(104, 8), number(112, 8)),
        };
        let scan = Descriptor::read(self.memory, storage).ok()?.pointer_bytes > 0;
        let shape = MapShape {
            key,
            elem,
            key_size,
            elem_size,
            indirect_key,
            indirect_elem,
            group_size,
            keys_offset,
            key_stride,
            elems_offset,
            elem_stride,
            storage,
            scan,
        };
        shape.fits().then_some(shape)
    }
}
