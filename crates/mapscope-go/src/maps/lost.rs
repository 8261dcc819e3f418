//! Entries that are of no use: those whose key is NaN, which no lookup ever finds, and those whose weak pointer leads to
//! nothing any more.

use std::sync::{Arc, Mutex};

use mapscope_heap::Dominator;
use mapscope_model::MapId;

use super::Auditor;
use crate::Session;
use crate::heap::word;
use crate::types::{Kind, MapShape, TypeId, TypeTable, WEAK_POINTER};

/// Why entries are of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The key is NaN: it is equal to no key, its own included.
    NanKey,
    /// The weak pointer in the element, or in the key, leads to what was collected.
    DeadWeak,
}

/// Entries of one map that are of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostEntries {
    /// Why.
    pub loss: Loss,
    /// How many.
    pub entries: u64,
    /// Objects that would be freed with them, each with all that only it leads to.
    pub objects: Vec<u32>,
    /// Bytes of those.
    pub bytes: u64,
}

/// Entries noted; the rest is counted.
const MAX_OBJECTS: usize = 1 << 22;

/// What is looked for in the entries of one map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Probe {
    /// Keys that consist of so many numbers of so many bytes.
    Nan { size: u64, numbers: u64 },
    /// Weak pointers as elements, or as keys.
    Weak { key: bool },
}

impl Probe {
    /// What can be lost in maps of this shape.
    fn of(types: &TypeTable<'_>, shape: &MapShape) -> Option<Self> {
        let weak = |id: TypeId| types.get(id).name.starts_with(WEAK_POINTER);
        if weak(shape.elem) && shape.elem_size == 8 && !shape.indirect_elem {
            return Some(Self::Weak { key: false });
        }
        if weak(shape.key) && shape.key_size == 8 && !shape.indirect_key {
            return Some(Self::Weak { key: true });
        }
        let key = types.get(shape.key);
        // What a type is declared as, its descriptor says; without one it is known by its own name alone.
        let kind = match key.descriptor {
            0 => ["float32", "float64", "complex64", "complex128"].iter().position(|n| *n == key.name)? as u8 + FLOAT32,
            at => types.memory().u8(at.checked_add(KIND)?).ok()? & KIND_MASK,
        };
        let (size, numbers) = match kind.checked_sub(FLOAT32)? {
            0 => (4, 1),
            1 => (8, 1),
            2 => (4, 2),
            3 => (8, 2),
            _ => return None,
        };
        (key.size == size * numbers).then_some(Self::Nan { size, numbers })
    }

    fn loss(self) -> Loss {
        match self {
            Self::Nan { .. } => Loss::NanKey,
            Self::Weak { .. } => Loss::DeadWeak,
        }
    }
}

/// Where a descriptor has the kind of its type (`abi.Type.Kind_`), which bits those are, and the number of `float32`,
/// behind which come `float64` and the complex numbers. The same in Go 1.21 to 1.27.
const KIND: u64 = 23;
const KIND_MASK: u8 = 31;
const FLOAT32: u8 = 13;

/// What an audit tells of each entry, for one question.
pub(crate) struct Lookout {
    probe: Probe,
    found: Mutex<(u64, Vec<u64>)>,
}

impl Lookout {
    /// Looks at the entry in `slot` of the group in `bytes`.
    pub(super) fn entry(&self, auditor: &Auditor<'_>, shape: &MapShape, bytes: &[u8], slot: u64) {
        let at = |offset: u64| word(bytes, offset);
        let (key, elem) = (shape.key_at(slot), shape.elem_at(slot));
        // What goes with the entry.
        let pointee = match self.probe {
            Probe::Nan { size, numbers } => {
                let is_nan = |number: u64| match size {
                    4 => f32::from_bits(at(key + number * 4) as u32).is_nan(),
                    _ => f64::from_bits(at(key + number * 8)).is_nan(),
                };
                if !(0..numbers).any(is_nan) {
                    return;
                }
                if shape.elem_size == 8 { at(elem) } else { 0 }
            }
            Probe::Weak { key: in_key } => {
                let handle = at(if in_key { key } else { elem });
                // Whose handle is nil, or leads to nothing (`getOrAddWeakHandle`, `runtime/mheap.go`).
                if handle != 0 && !auditor.memory.u64(handle).is_ok_and(|object| object == 0) {
                    return;
                }
                handle
            }
        };
        let Ok(mut found) = self.found.lock() else { return };
        found.0 += 1;
        if pointee != 0 && found.1.len() < MAX_OBJECTS {
            found.1.push(pointee);
        }
    }
}

impl Session<'_> {
    /// Whether entries of a live map can be of no use: the same for all maps of one type.
    pub fn can_lose_entries(&self, map: MapId) -> bool {
        let types = self.stages.context.types;
        self.map_type(map).and_then(|id| types.shape(id)).is_some_and(|shape| Probe::of(types, &shape).is_some())
    }

    /// The entries of a live map that are of no use; `None` where there can be none, or the map is torn.
    pub fn lost_entries(&self, map: MapId) -> Option<LostEntries> {
        let id = self.map_type(map)?;
        let shape = self.stages.context.types.shape(id)?;
        let probe = Probe::of(self.stages.context.types, &shape)?;
        // What was overwritten is neither NaN nor nothing.
        if self.redacted {
            return None;
        }
        let lookout = Arc::new(Lookout { probe, found: Mutex::default() });
        let auditor = Auditor { lookout: Some(Arc::clone(&lookout)), ..self.stages.auditor() };
        auditor.audit(self.maps.map(map).address(), id).figures.ok()?;
        let (entries, pointees) = std::mem::take(&mut *lookout.found.lock().ok()?);
        let objects = self.held_alone(pointees);
        let bytes = objects.iter().map(|object| self.dominators().retained(*object)).sum();
        Some(LostEntries { loss: probe.loss(), entries, objects, bytes })
    }

    /// The objects at these addresses that nothing but one object, in which the entries are, leads to.
    fn held_alone(&self, addresses: Vec<u64>) -> Vec<u32> {
        let (spans, types) = (&self.stages.heap.spans, self.stages.context.types);
        let is_part = |object: u32| matches!(types.get(TypeId(self.graph().type_of(object))).kind, Kind::MapPart(..));
        let alone = |address: u64| {
            let (object, ..) = spans.object(address)?;
            matches!(self.dominators().of(object), Some(Dominator::Object(above)) if is_part(above)).then_some(object)
        };
        let mut objects: Vec<u32> = addresses.into_iter().filter_map(alone).collect();
        objects.sort_unstable();
        objects.dedup();
        objects
    }
}
