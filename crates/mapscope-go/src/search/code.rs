//! The addresses that the runtime's own code names, function by function.
//!
//! The function table names functions in a binary that has no other names. What a function does with an address tells
//! one variable from another; what is there must agree all the same, for code can look like what it is not.

use std::collections::BTreeSet;

use mapscope_memory::Memory;
use rustc_hash::FxHashMap;

use crate::code::{Access, Relative, accesses, half_loads};
use crate::runtime::FunctionTable;

/// Code of one function that is looked at.
const MAX_CODE: u64 = 1 << 18;
/// Addresses that are kept; the runtime names some thousands.
const MAX_ADDRESSES: usize = 1 << 15;

/// Functions whose code tells variables apart. All of them are in every program of Go 1.21 to 1.27, the last from 1.24
/// on: they allocate, start and end threads and goroutines, and collect.
const TELLING: &[&str] = &[
    "runtime.(*mheap).allocSpan",
    "runtime.allgadd",
    "runtime.findRunnable",
    "runtime.freeSpecial",
    "runtime.gcMarkTermination",
    "runtime.gcStart",
    "runtime.mProf_FlushLocked",
    "runtime.mProf_Free",
    "runtime.mProf_Malloc",
    "runtime.markroot",
    "runtime.mcommoninit",
    "runtime.nextMarkBitArenaEpoch",
    "runtime.parsegodebug",
    "runtime.persistentalloc1",
    "runtime.prepareFreeWorkbufs",
    "runtime.procresize",
    "runtime.profilealloc",
    "runtime.queuefinalizer",
    "runtime.semacquire1",
    "runtime.semrelease1",
    "runtime.stkbucket",
    "runtime.sysmon",
    "runtime.vgetrandomDestroy",
];

/// The addresses that one function names.
#[derive(Default)]
struct Named {
    whole: Vec<Relative>,
    /// Of which it loads four bytes.
    halves: BTreeSet<u64>,
}

/// What the runtime's code names.
#[derive(Default)]
pub(super) struct RuntimeCode {
    /// Every address of a word.
    pub(super) all: BTreeSet<u64>,
    named: FxHashMap<&'static str, Named>,
}

impl RuntimeCode {
    pub(super) fn read(memory: &dyn Memory, functions: &[FunctionTable]) -> Self {
        let mut code = Self::default();
        // The runtime is in the program itself, never in a plugin.
        let Some(table) = functions.first() else { return code };
        let text = &table.module().text;
        let mut scratch = Vec::new();
        for function in table.all() {
            let name = table.name(&function);
            if !name.starts_with("runtime.") {
                continue;
            }
            let telling = TELLING.binary_search(&name).ok().map(|index| TELLING[index]);
            if telling.is_none() && code.all.len() > MAX_ADDRESSES {
                continue;
            }
            let len = function.end.saturating_sub(function.entry).min(MAX_CODE);
            let Ok(bytes) = memory.bytes(function.entry, len as usize, &mut scratch) else { continue };
            let mut whole = Vec::new();
            accesses(memory.arch(), bytes, function.entry, |relative| {
                if relative.address % 8 == 0 && !text.contains(&relative.address) {
                    whole.push(relative);
                }
            });
            code.all.extend(whole.iter().map(|r| r.address));
            let Some(name) = telling else { continue };
            let mut halves = BTreeSet::new();
            half_loads(memory.arch(), bytes, function.entry, |address| {
                if address % 4 == 0 && !text.contains(&address) {
                    halves.insert(address);
                }
            });
            code.named.insert(name, Named { whole, halves });
        }
        code
    }

    /// Words that a function reads.
    pub(super) fn loads(&self, function: &str) -> BTreeSet<u64> {
        self.accessed(function, |access| access == Access::Load)
    }

    /// Words that a function writes.
    pub(super) fn stores(&self, function: &str) -> BTreeSet<u64> {
        self.accessed(function, |access| access == Access::Store)
    }

    /// Words whose address a function takes.
    pub(super) fn addresses(&self, function: &str) -> BTreeSet<u64> {
        self.accessed(function, |access| access == Access::Address)
    }

    /// Words that a function names in any way.
    pub(super) fn words(&self, function: &str) -> BTreeSet<u64> {
        self.accessed(function, |_| true)
    }

    /// Where a function reads four bytes.
    pub(super) fn halves(&self, function: &str) -> BTreeSet<u64> {
        self.named.get(function).map(|named| named.halves.clone()).unwrap_or_default()
    }

    fn accessed(&self, function: &str, wanted: impl Fn(Access) -> bool) -> BTreeSet<u64> {
        let named = self.named.get(function).into_iter().flat_map(|named| &named.whole);
        named.filter(|r| wanted(r.access)).map(|r| r.address).collect()
    }
}

/// Structures that have each of these fields among the addresses beside it: where they can start, ascending.
pub(super) fn bases(fields: &[(u64, &BTreeSet<u64>)]) -> BTreeSet<u64> {
    let Some(((offset, first), rest)) = fields.split_first() else { return BTreeSet::new() };
    let starts = first.iter().filter_map(|address| address.checked_sub(*offset));
    let fits = |base: &u64| rest.iter().all(|(o, found)| base.checked_add(*o).is_some_and(|a| found.contains(&a)));
    starts.filter(fits).collect()
}

/// The only one.
pub(super) fn one(found: impl IntoIterator<Item = u64>) -> Option<u64> {
    let mut found = found.into_iter();
    found.next().filter(|_| found.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telling_functions_are_in_order() {
        assert!(TELLING.is_sorted(), "they are searched");
    }

    #[test]
    fn a_structure_has_all_of_its_fields() {
        let (some, more) = (BTreeSet::from([100, 108, 300]), BTreeSet::from([124, 330]));
        assert_eq!(bases(&[(8, &some), (24, &more)]), BTreeSet::from([100]));
        assert_eq!(bases(&[(u64::MAX, &some), (0, &more)]), BTreeSet::new());
        assert_eq!((one(bases(&[(0, &some)])), one([7])), (None, Some(7)));
    }
}
