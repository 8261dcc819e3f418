//! Reads what code says of types: what the calls that allocate name, and what the calls that work with maps do.
//!
//! `runtime.newobject(typ)` and its kin are told the type of what they make, which is then that of the objects that were
//! sampled there. A call that takes the descriptor of a map type takes, as the next argument, a map:
//! `runtime.mapaccess1(t *maptype, m *hmap, key)` and its kin are called so for every access, and an interface argument
//! is a type followed by a map. Where the map was loaded from a package variable, or from a field behind one, the
//! variable leads to the map as it is now. The code is not followed: of the instructions between two calls only those
//! count that move addresses and words between registers, and what they yield is checked against the map itself.

use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::code::{Access, RELATIVE, relative};
use crate::roots::Context;
use crate::runtime::Function;
use crate::types::{Kind, TypeId};
use mapscope_memory::Memory;

/// Code of one function that is looked at.
const MAX_CODE: u64 = 1 << 20;
/// Registers that carry arguments, in order (`cmd/compile/abi-internal.md`, amd64), as the processor numbers them.
const ARGUMENTS: [u8; 9] = [0, 3, 1, 7, 6, 8, 9, 10, 11];
/// Fields followed from a package variable.
const MAX_STEPS: usize = 3;
/// Words of a dictionary of generic code that are looked at.
const DICTIONARY: u64 = 16;

/// What the code says.
#[derive(Default)]
pub(super) struct Evidence {
    /// Map types that are passed together with the map whose header is at this address.
    pub(super) passed: FxHashMap<u64, FxHashSet<TypeId>>,
    /// Map types that the code mentions.
    pub(super) loaded: FxHashSet<TypeId>,
    /// Map types that the code puts entries into.
    pub(super) assigned: FxHashSet<TypeId>,
    /// What the calls that return to an address allocate.
    pub(super) allocations: FxHashMap<u64, Allocation>,
}

/// What a call allocates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Allocation {
    pub(super) ty: TypeId,
    /// A row of such values.
    pub(super) many: bool,
}

impl Evidence {
    fn join(mut self, other: Self) -> Self {
        for (map, types) in other.passed {
            self.passed.entry(map).or_default().extend(types);
        }
        self.loaded.extend(other.loaded);
        self.assigned.extend(other.assigned);
        self.allocations.extend(other.allocations);
        self
    }
}

/// A value that a register holds, as far as the code tells.
#[derive(Clone, Copy)]
enum Value {
    /// The descriptor of a map type.
    Map(TypeId),
    /// Another address: of a variable, or of a dictionary.
    Address(u64),
    /// What is found from this address on by reading a word at each of the steps.
    Word { start: u64, steps: [i32; MAX_STEPS], count: usize },
}

impl Value {
    fn field(self, offset: i32) -> Option<Self> {
        match self {
            Self::Map(_) => None,
            Self::Address(start) => Some(Self::Word { start, steps: [offset, 0, 0], count: 1 }),
            Self::Word { start, mut steps, count } => {
                *steps.get_mut(count)? = offset;
                Some(Self::Word { start, steps, count: count + 1 })
            }
        }
    }

    fn read(self, memory: &dyn Memory) -> Option<u64> {
        let Self::Word { start, steps, count } = self else { return None };
        steps[..count].iter().try_fold(start, |at, step| memory.u64(at.wrapping_add_signed(i64::from(*step))).ok())
    }
}

/// Looks at the code of every function.
pub(super) fn evidence(context: &Context<'_>) -> Evidence {
    let mut evidence = Evidence::default();
    for table in context.functions {
        let functions: Vec<Function> = table.all().collect();
        let entries: FxHashSet<u64> = functions.iter().map(|f| f.entry).collect();
        let assign: FxHashSet<u64> =
            functions.iter().filter(|f| is_assignment(table.name(f))).map(|f| f.entry).collect();
        let allocators = functions.iter().filter_map(|f| Some((f.entry, allocator(table.name(f))?))).collect();
        let reader = Reader { context, entries: &entries, assign: &assign, allocators: &allocators };
        let found = functions.par_iter().fold(Evidence::default, |mut found, function| {
            reader.function(function, &mut found);
            found
        });
        evidence = evidence.join(found.reduce(Evidence::default, Evidence::join));
    }
    evidence
}

fn is_assignment(name: &str) -> bool {
    let name = name.rsplit('.').next().unwrap_or(name);
    name.starts_with("mapassign") || name.starts_with("runtime_mapassign")
}

/// A function of the runtime that allocates what it is told.
#[derive(Clone, Copy)]
struct Allocator {
    /// Which argument is the type.
    argument: usize,
    many: bool,
}

/// Those that the compiler calls (`cmd/compile/internal/typecheck/_builtin/runtime.go`); from 1.26 there is one for each
/// size of small objects.
fn allocator(name: &str) -> Option<Allocator> {
    let (argument, many) = match name.strip_prefix("runtime.")? {
        "newobject" | "convT" => (0, false),
        "newarray" | "makeslice" | "makeslice64" | "makeslicecopy" => (0, true),
        "growslice" | "growsliceNoAlias" | "growsliceBuf" | "growsliceBufNoAlias" => (4, true),
        name if name.starts_with("mallocgc") => (1, false),
        _ => return None,
    };
    Some(Allocator { argument, many })
}

/// Whether a type is the runtime's own of a part of any map or channel: which map or channel says more.
fn is_container(name: &str) -> bool {
    let name = name.trim_start_matches('*');
    let name = name.strip_prefix("noalg.").unwrap_or(name);
    let name = name.strip_prefix("map.").unwrap_or(name);
    matches!(name, "runtime.hmap" | "runtime.mapextra" | "runtime.bmap" | "runtime.hchan" | "maps.Map" | "maps.table")
        || name.starts_with("group[")
        || name.starts_with("bucket[")
}

struct Reader<'r, 'c> {
    context: &'r Context<'c>,
    entries: &'r FxHashSet<u64>,
    assign: &'r FxHashSet<u64>,
    allocators: &'r FxHashMap<u64, Allocator>,
}

impl Reader<'_, '_> {
    fn function(&self, function: &Function, found: &mut Evidence) {
        let len = function.end.saturating_sub(function.entry).min(MAX_CODE);
        let mut scratch = Vec::new();
        let Ok(code) = self.context.memory.bytes(function.entry, len as usize, &mut scratch) else { return };
        let mut registers: [Option<Value>; 16] = [None; 16];
        let mut at = 0;
        while let Some(rest) = code.get(at..).filter(|r| !r.is_empty()) {
            let here = function.entry + at as u64;
            if let Some(found_address) = relative(rest, here) {
                let slot = &mut registers[usize::from(found_address.register & 15)];
                match found_address.access {
                    Access::Address => *slot = Some(self.address(found_address.address, found)),
                    Access::Load => *slot = Value::Address(found_address.address).field(0),
                    Access::Store => {}
                }
                at += RELATIVE;
            } else if let Some((target, bytes)) = call(rest, here).filter(|(t, _)| self.entries.contains(t)) {
                self.call(target, &registers, found);
                self.allocation(target, here + bytes as u64, &registers, found);
                registers = [None; 16];
                at += bytes;
            } else if let Some(load) = load(rest) {
                let value = registers[usize::from(load.from)];
                registers[usize::from(load.to)] = match load.offset {
                    Some(offset) => value.and_then(|v| v.field(offset)),
                    None => value,
                };
                at += load.bytes;
            } else {
                at += 1;
            }
        }
    }

    fn address(&self, address: u64, found: &mut Evidence) -> Value {
        if let Some(id) = self.map_type(address) {
            found.loaded.insert(id);
            return Value::Map(id);
        }
        Value::Address(address)
    }

    fn map_type(&self, address: u64) -> Option<TypeId> {
        let types = self.context.types;
        if !address.is_multiple_of(8) || !self.context.modules.iter().any(|m| m.types.contains(&address)) {
            return None;
        }
        if !types.is_map_descriptor(address) {
            return None;
        }
        let id = types.descriptor(address);
        matches!(types.get(id).kind, Kind::Map(_)).then_some(id)
    }

    fn call(&self, target: u64, registers: &[Option<Value>; 16], found: &mut Evidence) {
        let argument = |index: usize| ARGUMENTS.get(index).and_then(|r| registers[usize::from(*r)]);
        if let Some(Value::Map(id)) = argument(0)
            && self.assign.contains(&target)
        {
            found.assigned.insert(id);
        }
        let mut pass = |value: Option<Value>, id: TypeId| {
            if let Some(map) = value.and_then(|v| v.read(self.context.memory)).filter(|m| *m != 0) {
                found.passed.entry(map).or_default().insert(id);
            }
        };
        for index in 0..ARGUMENTS.len() {
            if let Some(Value::Map(id)) = argument(index) {
                pass(argument(index + 1), id);
            }
        }
        // Generic code gets a dictionary, which names the types it was made for.
        let words = (1..ARGUMENTS.len()).any(|i| matches!(argument(i), Some(Value::Word { .. })));
        if let Some(Value::Address(dictionary)) = argument(0).filter(|_| words)
            && !self.context.modules.iter().any(|m| m.data.contains(&dictionary) || m.bss.contains(&dictionary))
            && let Some(id) = self.dictionary(dictionary)
        {
            (1..ARGUMENTS.len()).for_each(|i| pass(argument(i), id));
        }
    }

    fn allocation(&self, target: u64, returns_to: u64, registers: &[Option<Value>; 16], found: &mut Evidence) {
        let Some(Allocator { argument, many }) = self.allocators.get(&target).copied() else { return };
        let ty = match ARGUMENTS.get(argument).and_then(|r| registers[usize::from(*r)]) {
            Some(Value::Map(map)) => map,
            Some(Value::Address(address)) if self.context.types.is_descriptor(address) => {
                self.context.types.descriptor(address)
            }
            _ => return,
        };
        if !is_container(&self.context.types.get(ty).name) {
            found.allocations.insert(returns_to, Allocation { ty, many });
        }
    }

    /// The only map type that a dictionary names.
    fn dictionary(&self, address: u64) -> Option<TypeId> {
        let first = self.context.memory.u64(address).ok()?;
        // Other constants that code passes have no type in front.
        if !self.context.modules.iter().any(|m| m.types.contains(&first)) {
            return None;
        }
        let mut only = None;
        for index in 0..DICTIONARY {
            let word = self.context.memory.u64(address.checked_add(index * 8)?).ok()?;
            if !self.context.modules.iter().any(|m| m.types.contains(&word) || m.text.contains(&word)) {
                break;
            }
            if let Some(id) = self.map_type(word) {
                if only.is_some_and(|o| o != id) {
                    return None;
                }
                only = Some(id);
            }
        }
        only
    }
}

/// `call rel32`: target and bytes.
fn call(code: &[u8], at: u64) -> Option<(u64, usize)> {
    let bytes: [u8; 4] = code.get(1..5).filter(|_| code[0] == 0xe8)?.try_into().ok()?;
    let target = at.wrapping_add(5).wrapping_add_signed(i64::from(i32::from_le_bytes(bytes)));
    Some((target, 5))
}

/// A move of eight bytes to a register: from another, or from memory at an offset from one.
struct Load {
    to: u8,
    from: u8,
    offset: Option<i32>,
    bytes: usize,
}

/// `mov r64, r64` and `mov offset(r64), r64`.
fn load(code: &[u8]) -> Option<Load> {
    let (prefix, opcode, operands) = (*code.first()?, *code.get(1)?, *code.get(2)?);
    if prefix & 0xfa != 0x48 || !matches!(opcode, 0x89 | 0x8b) {
        return None;
    }
    let reg = operands >> 3 & 7 | (prefix & 4) << 1;
    let rm = operands & 7 | (prefix & 1) << 3;
    let word = |bytes: &[u8]| bytes.try_into().ok().map(i32::from_le_bytes);
    match (opcode, operands >> 6) {
        (0x89, 3) => Some(Load { to: rm, from: reg, offset: None, bytes: 3 }),
        (0x8b, 3) => Some(Load { to: reg, from: rm, offset: None, bytes: 3 }),
        // The stack pointer has one more byte, and the frame pointer without an offset means something else.
        (0x8b, _) if rm & 7 == 4 => None,
        (0x8b, 0) if rm & 7 != 5 => Some(Load { to: reg, from: rm, offset: Some(0), bytes: 3 }),
        (0x8b, 1) => {
            let offset = i32::from(code.get(3)?.cast_signed());
            Some(Load { to: reg, from: rm, offset: Some(offset), bytes: 4 })
        }
        (0x8b, 2) => Some(Load { to: reg, from: rm, offset: Some(word(code.get(3..7)?)?), bytes: 7 }),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn moves_are_told_apart() {
        // mov 0x10(%rcx),%rbx; mov %rax,%r8; mov 8(%rsp),%rax
        let field = load(&[0x48, 0x8b, 0x59, 0x10]).unwrap();
        assert_eq!((field.to, field.from, field.offset, field.bytes), (3, 1, Some(16), 4));
        let register = load(&[0x49, 0x89, 0xc0]).unwrap();
        assert_eq!((register.to, register.from, register.offset), (8, 0, None));
        assert!(load(&[0x48, 0x8b, 0x44, 0x24, 0x08]).is_none());
        assert!(load(&[0x48]).is_none());
    }

    #[test]
    fn parts_of_containers_are_told_from_types_of_programs() {
        let parts = ["maps.Map", "*maps.table", "group[int]*main.T", "noalg.map.bucket[string]int", "runtime.hchan"];
        assert!(parts.into_iter().all(is_container));
        assert!(!["map[string]int", "main.group", "maps.Cache", "*main.T"].into_iter().any(is_container));
    }

    #[test]
    fn calls_have_a_target() {
        assert_eq!(call(&[0xe8, 0xfb, 0xff, 0xff, 0xff], 0x1000), Some((0x1000, 5)));
        assert_eq!(call(&[0xe8, 0], 0x1000), None);
    }
}
