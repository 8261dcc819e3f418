//! Map audits: the state of one map, counted by walking it.
//!
//! A map is *torn* when it was being written while it was read, or when its counts do not add up; it then has a reason
//! and no figures.

mod advice;
mod keys;
mod legacy;
mod list;
mod loops;
mod lost;
pub(crate) mod model;
mod open;
mod sharing;
mod stale;
mod swiss;
mod sync_map;
mod walk;

pub use keys::{AllPinnedKeys, PinnedKeys};
pub(crate) use list::list_maps;
pub use lost::{Loss, LostEntries};
pub use open::OpenLoop;
pub use stale::StaleTables;
pub use sync_map::SyncMap;

use mapscope_heap::{GroupFill, MapAudit, MapFigures, MapImplementation};
use mapscope_memory::Memory;

use crate::heap::SpanTable;
use crate::roots::Context;
use crate::runtime::Layout;
use crate::types::{MapShape, TypeId, TypeTable};

/// What an audit needs to know of the target.
pub(crate) struct Auditor<'a> {
    pub(crate) memory: &'a dyn Memory,
    pub(crate) layout: &'a Layout,
    pub(crate) types: &'a TypeTable<'a>,
    pub(crate) spans: &'a SpanTable,
    /// What is looked for in each entry besides.
    pub(crate) lookout: Option<std::sync::Arc<lost::Lookout>>,
}

impl<'a> Auditor<'a> {
    /// That of a target.
    pub(crate) fn of(context: &Context<'a>) -> Self {
        let Context { memory, layout, types, spans, .. } = *context;
        Self { memory, layout, types, spans, lookout: None }
    }
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
        let (storage, groups) = self.groups(address)?;
        Some((storage, groups.checked_mul(shape.group_size)?))
    }

    /// Address and number of the first groups or of the buckets of a map, whatever its type; `None` when it has none.
    pub(crate) fn groups(&self, address: u64) -> Option<(u64, u64)> {
        let word = |base: u64, field: crate::runtime::Field| self.memory.u64(base.checked_add(field.offset)?).ok();
        if let Some((map, table)) = self.layout.swiss.filter(|_| self.types.is_swiss()) {
            let directory = word(address, map.directory).filter(|d| *d != 0)?;
            if word(address, map.directory_len)? == 0 {
                return Some((directory, 1));
            }
            let first = self.memory.u64(directory).ok()?;
            let groups = word(first, table.length_mask)?.checked_add(1)?;
            return Some((word(first, table.groups)?, groups));
        }
        let map = self.layout.legacy?;
        let buckets = word(address, map.buckets).filter(|b| *b != 0)?;
        let log = word(address, map.log_buckets)? & 0xff;
        // From 16 buckets on the array has overflow buckets behind it.
        let count = if log < 4 { 1u64 << log } else { (1u64.checked_shl(log as u32)?).checked_add(1 << (log - 4))? };
        Some((buckets, count))
    }

    /// The objects that the header at `address` points to.
    pub(crate) fn parts(&self, address: u64) -> Vec<u32> {
        let fields = match (self.layout.swiss.filter(|_| self.types.is_swiss()), self.layout.legacy) {
            (Some((map, _)), _) => vec![map.directory],
            (None, Some(map)) => vec![map.buckets, map.old_buckets, map.extra],
            (None, None) => Vec::new(),
        };
        let pointers = fields.iter().filter_map(|f| self.memory.u64(address.checked_add(f.offset)?).ok());
        pointers.filter_map(|pointer| self.spans.object(pointer).map(|o| o.0)).collect()
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
        // What was overwritten is not zero, whatever it was.
        let known = !types.memory().info().redacted;
        (known && types.get(shape.elem).size > 0).then_some(self.zero_values)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use mapscope_heap::MapFigures;

    use crate::fuzzing;

    /// Where `fuzzing::maps` puts its memory.
    const BASE: u64 = 0x10000;
    const SWISS: &[u8] = include_bytes!("../../../../fuzz/corpus/maps/swiss-big");
    const LEGACY: &[u8] = include_bytes!("../../../../fuzz/corpus/maps/legacy-big");

    /// A map of the fuzzer's corpus, with words at these offsets changed.
    fn audit(input: &[u8], words: &[(usize, u64)]) -> Result<MapFigures, String> {
        let (version, memory) = input.split_first().unwrap();
        let mut memory = memory.to_vec();
        for (at, word) in words {
            memory[*at..at + 8].copy_from_slice(&word.to_le_bytes());
        }
        fuzzing::maps(&memory, 21 + u32::from(version % 7), version & 0x80 == 0).unwrap()
    }

    #[test]
    fn whole_maps_have_figures() {
        let swiss = audit(SWISS, &[]).unwrap();
        assert_eq!((swiss.entries, swiss.groups, swiss.holes, swiss.tombstones), (2, 2, 1, Some(1)));
        let legacy = audit(LEGACY, &[]).unwrap();
        assert_eq!((legacy.entries, legacy.groups, legacy.overflow_buckets), (2, 2, Some(1)));
    }

    #[test]
    fn nothing_is_walked_twice() {
        // A directory of four: the table, nothing, the table, nothing.
        let depth = 2 | 62 << 8;
        let twice = [(0x2018, 4), (0x2020, depth), (0x2410, BASE + 0x2800)];
        assert_eq!(audit(SWISS, &twice).unwrap_err(), "its directory names a table in two places");
        // A second table with the groups of the first.
        let depth = 1 | 63 << 8;
        let table = [(0x2c00, 2 | 16 << 16 | 11 << 32), (0x2c10, BASE + 0x4000), (0x2c18, 1)];
        let both = [&[(0x2018, 2), (0x2020, depth), (0x2408, BASE + 0x2c00)][..], &table].concat();
        assert_eq!(
            audit(SWISS, &both).unwrap_err(),
            format!("two tables have the same groups at {:#x}", BASE + 0x4000)
        );
        // A chain of overflow buckets that comes back.
        let chain = [(0x4000 + 136, BASE + 0x4800), (0x4800 + 136, BASE + 0x4800)];
        assert!(audit(LEGACY, &chain).unwrap_err().contains("is met twice"));
    }

    #[test]
    fn counts_that_are_too_large_are_torn() {
        assert!(audit(SWISS, &[(0x2800, u64::MAX)]).unwrap_err().contains("a capacity of 65535"));
        assert!(audit(SWISS, &[(0x2018, 1 << 40), (0x2020, 0x1828)]).unwrap_err().contains("its directory"));
        assert!(audit(LEGACY, &[(0x2008, 48 << 8)]).unwrap_err().contains("its buckets"));
    }
}
