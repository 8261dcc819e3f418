//! Map audits: the state of one map, counted by walking it.
//!
//! A map is *torn* when it was being written while it was read, or when its counts do not add up; it then has a reason
//! and no figures.

mod legacy;
mod size;
mod swiss;
mod walk;

use mapscope_heap::{GroupFill, MapAudit, MapFigures, MapImplementation};
use mapscope_memory::Memory;

use crate::heap::SpanTable;
use crate::runtime::Layout;
use crate::types::{MapShape, TypeId, TypeTable};

/// What an audit needs to know of the target.
pub(crate) struct Auditor<'a> {
    pub(crate) memory: &'a dyn Memory,
    pub(crate) layout: &'a Layout,
    pub(crate) types: &'a TypeTable<'a>,
    pub(crate) spans: &'a SpanTable,
}

/// A map walked group by group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Details {
    /// Of each group, or of each main bucket with its chain, in order.
    pub(crate) groups: Vec<GroupFill>,
    /// Legacy: entries in the n-th bucket of their chain. Empty for Swiss maps, whose probe sequence needs the hash.
    pub(crate) chain_positions: Vec<u64>,
}

impl Auditor<'_> {
    /// Audits the map of type `map` whose header is at `address`.
    pub(crate) fn audit(&self, address: u64, map: TypeId) -> MapAudit {
        self.walk(address, map, None)
    }

    /// Audits a map and keeps what each group holds.
    pub(crate) fn details(&self, address: u64, map: TypeId) -> (MapAudit, Details) {
        let mut details = Details::default();
        let audit = self.walk(address, map, Some(&mut details));
        (audit, details)
    }

    fn walk(&self, address: u64, map: TypeId, details: Option<&mut Details>) -> MapAudit {
        let swiss = self.layout.swiss.filter(|_| self.types.is_swiss());
        let implementation = if swiss.is_some() { MapImplementation::Swiss } else { MapImplementation::Legacy };
        let figures =
            self.types.shape(map).ok_or_else(|| "its type makes no sense".to_owned()).and_then(|shape| {
                match (swiss, self.layout.legacy) {
                    (Some(layout), _) => self.swiss(address, &shape, &layout, details),
                    (None, Some(layout)) => self.legacy(address, &shape, &layout, details),
                    (None, None) => Err("the binary has no map layout".to_owned()),
                }
            });
        MapAudit { address, map_type: map.0, implementation, figures }
    }

    /// Address and bytes of the first group array or of the bucket array of a map; `None` when it has none.
    pub(crate) fn storage(&self, address: u64, shape: &MapShape) -> Option<(u64, u64)> {
        let word = |base: u64, field: crate::runtime::Field| self.memory.u64(base.checked_add(field.offset)?).ok();
        if let Some((map, table)) = self.layout.swiss.filter(|_| self.types.is_swiss()) {
            let directory = word(address, map.directory).filter(|d| *d != 0)?;
            if word(address, map.directory_len)? == 0 {
                return Some((directory, shape.group_size));
            }
            let first = self.memory.u64(directory).ok()?;
            let groups = word(first, table.length_mask)?.checked_add(1)?;
            return Some((word(first, table.groups)?, groups.checked_mul(shape.group_size)?));
        }
        let map = self.layout.legacy?;
        let buckets = word(address, map.buckets).filter(|b| *b != 0)?;
        let log = word(address, map.log_buckets)? & 0xff;
        // From 16 buckets on the array has overflow buckets behind it.
        let count = if log < 4 { 1u64 << log } else { (1u64.checked_shl(log as u32)?).checked_add(1 << (log - 4))? };
        Some((buckets, count.checked_mul(shape.group_size)?))
    }

    /// Bytes of the heap slot at `address`; 0 when it is not the start of an object: on a stack, or inside another.
    fn slot_bytes(&self, address: u64) -> u64 {
        match self.spans.object(address) {
            Some((_, offset, span)) => {
                let span = &self.spans.spans[span];
                if offset <= self.spans.header(span) { span.elem_size } else { 0 }
            }
            None => 0,
        }
    }

    /// Whether `len` bytes at `address` lie in one heap object, or somewhere outside the heap that is mapped.
    fn has_room(&self, address: u64, len: u64) -> bool {
        match self.spans.object(address) {
            Some((_, offset, span)) => {
                let size = self.spans.spans[span].elem_size;
                offset.checked_add(len).is_some_and(|end| end <= size)
            }
            None => len <= MAX_STACK_MAP && self.memory.is_mapped(address, len),
        }
    }
}

/// The part of a map that can be on a stack is one group or bucket; Go puts none larger there.
const MAX_STACK_MAP: u64 = 1 << 17;

fn unreadable(what: &str, error: &dyn std::fmt::Display) -> String {
    format!("{what} could not be read: {error}")
}

fn torn(reason: &str) -> Result<MapFigures, String> {
    Err(reason.to_owned())
}

/// Sums over entries that both implementations share.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    entries: u64,
    zero_values: u64,
    indirect_bytes: u64,
}

impl Tally {
    fn zero_values(&self, shape: &MapShape, types: &TypeTable<'_>) -> Option<u64> {
        (types.get(shape.elem).size > 0).then_some(self.zero_values)
    }
}
