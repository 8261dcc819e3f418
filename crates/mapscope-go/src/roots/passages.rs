//! Finds those of the runtime's own structures that lead everywhere: records of goroutines, threads, processors and
//! waiters, timers, and the list of pools.
//!
//! A channel leads to its waiters, a waiter to its goroutine, a timer to its processor, and that to all timers: who holds
//! the one does not hold the others. So pointers to such records are not followed for anybody. What only they hold is
//! named by what is behind them: the function of the timer, the pool.

use mapscope_memory::Memory;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Context, Goroutines, Root, RootKind};
use crate::code::accesses;
use crate::goroutines::waiters;
use crate::storage::{GO_FUNC, heap_timers};

/// Pools of a program; more is a damaged list.
const MAX_POOLS: u64 = 1 << 16;
/// Where a pool has its pointers to what was put back: `local` and `victim`, the same in Go 1.21 to 1.27.
const KEPT: [u64; 2] = [0, 16];
/// Processors; more is a damaged list.
const MAX_PROCESSORS: u64 = 1 << 16;
/// Bytes of the code of `sync.poolCleanup` that are looked at; it has some hundreds.
const MAX_CODE: u64 = 1 << 12;

/// The passages.
#[derive(Debug, Default)]
pub(crate) struct Passages {
    /// Records that lead everywhere, ascending.
    pub(crate) records: Vec<u32>,
    /// Timers, or what they call where they are no objects, and the number of the function that is called.
    pub(crate) timers: Vec<(u32, u32)>,
    /// The functions of timers.
    pub(crate) timer_functions: Vec<String>,
    /// Objects with a `sync.Pool` that the list of pools leads to, and the address of the pool.
    pub(crate) pools: Vec<(u32, u64)>,
    /// Words of pools outside the heap that lead to what was put back, ascending.
    pub(crate) pool_words: Vec<u64>,
    /// Addresses of the words that hold the lists of pools, ascending.
    pub(crate) pool_lists: Vec<u64>,
}

impl Passages {
    /// Finds all of them. What cannot be read is no passage: it is followed like everything else.
    pub(super) fn read(context: &Context<'_>, roots: &[Root], goroutines: &Goroutines) -> Self {
        let object = |address: u64| context.spans.object(address).map(|(object, ..)| object);
        let records = goroutines.addresses.iter().chain(&goroutines.threads).copied();
        let records = records.chain(processors(context)).chain(waiters(context, &goroutines.all));
        let mut found = Self { records: records.filter_map(object).collect(), ..Self::default() };
        found.records.sort_unstable();
        found.records.dedup();
        found.read_timers(context);
        found.pool_lists = pool_lists(context, roots);
        let pools: FxHashSet<u64> = found.pool_lists.iter().flat_map(|list| pools(context.memory, *list)).collect();
        let outside = pools.iter().filter(|pool| object(**pool).is_none());
        found.pool_words = outside.flat_map(|pool| KEPT.map(|offset| pool.wrapping_add(offset))).collect();
        found.pool_words.sort_unstable();
        found.pools = pools.into_iter().filter_map(|pool| Some((object(pool)?, pool))).collect();
        found.pools.sort_unstable();
        found
    }

    /// Whether an object is a record that leads everywhere.
    pub(crate) fn is_record(&self, object: u32) -> bool {
        self.records.binary_search(&object).is_ok()
    }

    /// Whether a word leads to what was put back into a pool.
    pub(crate) fn is_pool_word(&self, root: &Root) -> bool {
        root.kind == RootKind::Static && self.pool_words.binary_search(&root.address).is_ok()
    }

    /// What of a timer is in the heap: the timer itself, or else what it calls with what.
    fn read_timers(&mut self, context: &Context<'_>) {
        let mut numbers: FxHashMap<u64, Option<u32>> = FxHashMap::default();
        let mut starters: FxHashMap<u64, bool> = FxHashMap::default();
        let code = |value: u64| context.memory.u64(value).unwrap_or(0);
        let name = |code: u64| {
            let found = context.functions.iter().find_map(|t| Some((t, t.find(code)?)));
            found.map(|(table, function)| table.name(&function).replace("go.shape.", ""))
        };
        // What was read before an error is right all the same.
        let _ = heap_timers(context, |_, timer| {
            let mut called = code(timer.function);
            if *starters.entry(called).or_insert_with(|| name(called).is_some_and(|name| name == GO_FUNC)) {
                called = code(timer.argument);
            }
            let functions = &mut self.timer_functions;
            let number = *numbers.entry(called).or_insert_with(|| {
                let name = name(called)?;
                // What `x.method` makes is a function that nobody wrote.
                functions.push(name.strip_suffix("-fm").unwrap_or(&name).to_owned());
                Some(functions.len() as u32 - 1)
            });
            let Some(number) = number else { return };
            let object = |address: u64| context.spans.object(address).map(|(object, ..)| (object, number));
            match object(timer.address) {
                Some(found) => self.timers.push(found),
                None => self.timers.extend([timer.argument, timer.function].into_iter().filter_map(object)),
            }
        });
        let Self { records, timers, .. } = self;
        timers.retain(|(object, _)| records.binary_search(object).is_err());
    }
}

fn processors(context: &Context<'_>) -> Vec<u64> {
    let (memory, all) = (context.memory, context.globals.all_processors);
    let header = memory.u64(all).ok().zip(memory.u64(all.wrapping_add(8)).ok());
    let (array, count) = header.unwrap_or_default();
    (0..count.min(MAX_PROCESSORS)).map_while(|index| memory.u64(array.wrapping_add(index * 8)).ok()).collect()
}

/// Where `sync.allPools` and `sync.oldPools` are: by name, or by the code of the function that empties them.
fn pool_lists(context: &Context<'_>, roots: &[Root]) -> Vec<u64> {
    let mut lists: Vec<u64> = match context.types.debug_info() {
        Some((_, index)) => {
            ["sync.allPools", "sync.oldPools"].iter().filter_map(|name| index.global(name).ok()).collect()
        }
        None => named_by_code(context),
    };
    lists.sort_unstable();
    lists.dedup();
    // Only what the collector reads as a pointer, so not the length of a list.
    let words: FxHashSet<u64> = roots.iter().filter(|r| r.kind == RootKind::Static).map(|r| r.address).collect();
    lists.retain(|list| words.contains(list));
    lists
}

fn named_by_code(context: &Context<'_>) -> Vec<u64> {
    let mut found = Vec::new();
    let Some(table) = context.functions.first() else { return found };
    let Some(function) = table.all().find(|f| table.name(f) == "sync.poolCleanup") else { return found };
    let len = function.end.saturating_sub(function.entry).min(MAX_CODE);
    let mut scratch = Vec::new();
    if let Ok(code) = context.memory.bytes(function.entry, len as usize, &mut scratch) {
        accesses(context.memory.arch(), code, function.entry, |relative| found.push(relative.address));
    }
    found
}

/// The pools of a `[]*sync.Pool`; none when it cannot be one.
fn pools(memory: &dyn Memory, list: u64) -> Vec<u64> {
    let word = |offset: u64| memory.u64(list.wrapping_add(offset)).unwrap_or(0);
    let (array, len, room) = (word(0), word(8), word(16));
    if len > room || len > MAX_POOLS {
        return Vec::new();
    }
    (0..len).map_while(|index| memory.u64(array.wrapping_add(index * 8)).ok()).collect()
}
