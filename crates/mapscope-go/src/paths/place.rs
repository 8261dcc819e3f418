//! What is at an address: an object, or why there is none.

use crate::Session;
use crate::heap::Span;
use crate::paths::PathObject;

/// Objects that point to garbage and are named.
const MAX_REFERRERS: usize = 8;

/// What an address is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In an object that is live.
    Live {
        /// The object.
        object: PathObject,
        /// Bytes from its start.
        offset: u64,
    },
    /// In an object that nothing live leads to.
    Garbage {
        /// The object.
        object: PathObject,
        /// Bytes from its start.
        offset: u64,
        /// What points to it all the same.
        from: Garbage,
    },
    /// In a slot that holds no object, of so many bytes.
    Free {
        /// Bytes of the slot.
        bytes: u64,
    },
    /// In a span of the heap, behind its last slot.
    Tail,
    /// In a package variable, or data without a name.
    Data(String),
    /// On the stack of a goroutine: its frame, and the variable when it is known.
    Stack(String),
    /// In the code of a function.
    Code(String),
    /// Mapped, but nothing of Go's heap, data, stacks or code.
    Elsewhere,
    /// Not mapped.
    Unmapped,
}

/// Garbage that points to an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Garbage {
    /// How many objects point to it, itself not counted.
    pub count: u64,
    /// The first of them, by address.
    pub first: Vec<PathObject>,
}

impl Session<'_> {
    /// What is at `address`.
    pub fn place(&self, address: u64) -> Place {
        let context = self.stages.context;
        let spans = &self.stages.heap.spans;
        if let Some((object, offset, _)) = spans.object(address) {
            let found = self.path_object(object);
            if self.stages.reach.is_live(object) {
                return Place::Live { object: found, offset };
            }
            return Place::Garbage { object: found, offset, from: self.referrers(object) };
        }
        if let Some((span, ..)) = spans.blocks.locate(address) {
            return Place::Free { bytes: spans.blocks.blocks()[span].slot_size };
        }
        let near = spans.spans.partition_point(|s| s.start <= address).checked_sub(1);
        let covers = |s: &Span| address - s.start < s.bytes;
        if near.and_then(|i| spans.spans.get(i)).is_some_and(covers) {
            return Place::Tail;
        }
        let names = self.stages.root_names(true);
        let name = || names.word(address & !7).unwrap_or_else(|| names.unnamed(address)).joined();
        if self.stages.roots.goroutines.at(address).is_some() {
            return Place::Stack(name());
        }
        if context.modules.iter().any(|m| m.data.contains(&address) || m.bss.contains(&address)) {
            return Place::Data(name());
        }
        for table in context.functions {
            if let Some(function) = table.find(address) {
                return Place::Code(table.name(&function).to_owned());
            }
        }
        if let Some(name) = self.variable_at(address) {
            return Place::Data(name);
        }
        if context.memory.is_mapped(address, 1) { Place::Elsewhere } else { Place::Unmapped }
    }

    /// Variables that hold no pointers are in data that no root is in.
    fn variable_at(&self, address: u64) -> Option<String> {
        let types = self.stages.context.types;
        let (_, index) = types.debug_info()?;
        let covers = |start: u64, ty: usize| {
            address.checked_sub(start).is_some_and(|offset| offset < types.get(types.debug(ty)).size)
        };
        index.globals.iter().find(|g| covers(g.address, g.type_offset)).map(|g| g.name.to_owned())
    }

    /// The garbage that points to `object`.
    fn referrers(&self, object: u32) -> Garbage {
        let graph = &self.stages.heap.graph;
        let mut garbage = Garbage::default();
        for other in graph.allocated.iter().map(|o| o as u32) {
            if other != object && !self.stages.reach.is_live(other) && graph.edges(other).contains(&object) {
                garbage.count += 1;
                if garbage.first.len() < MAX_REFERRERS {
                    garbage.first.push(self.path_object(other));
                }
            }
        }
        garbage
    }
}
