//! `sync.Pool`s: what was put back and is kept for the next one who asks (`sync/pool.go`, `sync/poolqueue.go`, the same
//! in Go 1.21 to 1.27).
//!
//! A collection makes what is in a pool its *victim*, and drops what was its victim before.

use mapscope_heap::BitSet;
use mapscope_memory::{Figure, Partial};
use rustc_hash::{FxHashMap, FxHashSet};

use super::references;
use crate::GoError;
use crate::runtime::Field;
use crate::session::Stages;

/// Pools of a program; more is a damaged list.
const MAX_POOLS: u64 = 1 << 16;
/// Processors that a pool has a place for.
const MAX_PROCESSORS: u64 = 1 << 16;
/// Values of all pools; each costs a small read.
const MAX_VALUES: usize = 1 << 22;
/// Slots of one ring (`dequeueLimit`).
const MAX_RING: u64 = 1 << 30;
/// Bytes of `poolLocal` and `poolChainElt` that are read.
const MAX_STRUCTURE: usize = 256;

/// One pool; sizes in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pool {
    /// How a person would name it: `main.buffers`.
    pub owner: String,
    /// Type of the values; empty when there are several.
    pub type_name: String,
    /// Values that were put back since the last collection.
    pub local: u64,
    /// Values that the next collection drops unless they are asked for.
    pub victim: u64,
    /// What nothing but pools keeps alive, of what was put back since the last collection: the values, and what they
    /// alone lead to.
    pub local_bytes: u64,
    /// The same of what the next collection drops.
    pub victim_bytes: u64,
    /// What one value keeps alive, with what it leads to: the least and the most. What several lead to counts for one.
    pub value_bytes: (u64, u64),
    /// The objects whose bytes these are.
    pub objects: Vec<u32>,
}

/// Every pool that holds anything, most bytes first. `partial` says what could not be read.
pub(super) fn pools(stages: &Stages<'_>, partial: &mut Partial) -> Vec<Pool> {
    let mut reader = Reader { stages, kept: Vec::new(), inside: FxHashSet::default(), values: 0 };
    let mut addresses = Vec::new();
    for list in &stages.roots.passages.pool_lists {
        if let Err(error) = reader.list(*list, &mut addresses) {
            partial.add(Figure::Storage, format!("the list of pools at {list:#x} could not be read: {error}"));
        }
    }
    // A pool that is used again after a collection is in both.
    addresses.sort_unstable();
    addresses.dedup();
    let mut owners = stages.owners();
    let mut found = Vec::new();
    for address in addresses {
        match reader.pool(address) {
            Ok(pool) if pool.local + pool.victim > 0 => {
                let name = owners.of_word(address);
                // A pool starts with its first field, and is named without it.
                found.push(Pool { owner: name.strip_suffix(".local").unwrap_or(&name).to_owned(), ..pool });
            }
            Ok(_) => {}
            Err(error) => {
                reader.kept.truncate(found.len() * 2);
                partial.add(Figure::Storage, format!("the pool at {address:#x} could not be read: {error}"));
            }
        }
        reader.kept.resize(found.len() * 2, Vec::new());
    }
    let sets = retained(stages, &reader.kept, &reader.inside);
    let mut sets = sets.into_iter();
    for pool in &mut found {
        let (local, victim) = (sets.next().unwrap_or_default(), sets.next().unwrap_or_default());
        (pool.local_bytes, pool.victim_bytes) = (local.values.iter().sum(), victim.values.iter().sum());
        let values = || local.values.iter().chain(&victim.values).copied().filter(|bytes| *bytes > 0);
        pool.value_bytes = (values().min().unwrap_or_default(), values().max().unwrap_or_default());
        pool.objects = local.objects;
        pool.objects.extend(victim.objects);
    }
    found.sort_by(|a, b| {
        let key = |p: &Pool| std::cmp::Reverse((p.local_bytes + p.victim_bytes, p.local + p.victim));
        key(a).cmp(&key(b)).then_with(|| a.owner.cmp(&b.owner))
    });
    found
}

struct Reader<'r, 's> {
    stages: &'r Stages<'s>,
    /// Objects put into each pool: two lists for each, the local ones and the victims.
    kept: Vec<Vec<u32>>,
    /// Objects that the pools themselves are made of.
    inside: FxHashSet<u32>,
    /// Values met so far.
    values: usize,
}

impl Reader<'_, '_> {
    /// Addresses of the pools of a `[]*Pool`.
    fn list(&self, at: u64, out: &mut Vec<u64>) -> Result<(), GoError> {
        let memory = self.stages.context.memory;
        let (array, count) = (memory.u64(at)?, memory.u64(at.wrapping_add(8))?);
        if count > MAX_POOLS {
            return Err(GoError::inconsistent("list of pools", at, format!("it has {count}")));
        }
        for index in 0..count {
            out.push(memory.u64(array.wrapping_add(index * 8))?);
        }
        Ok(())
    }

    fn pool(&mut self, address: u64) -> Result<Pool, GoError> {
        let Some((layout, ..)) = self.stages.context.layout.pool else { return Ok(Pool::default()) };
        let memory = self.stages.context.memory;
        let read = |field: Field| memory.u64(address.wrapping_add(field.offset));
        let mut types = FxHashMap::default();
        let mut pool = Pool::default();
        let (local, locals) = (read(layout.local)?, read(layout.local_count)?);
        pool.local = self.generation(local, locals, &mut types)?;
        let (victim, victims) = (read(layout.victim)?, read(layout.victim_count)?);
        pool.victim = self.generation(victim, victims, &mut types)?;
        if let ([only], 1) = (&types.keys().copied().collect::<Vec<u64>>()[..], types.len()) {
            let types = self.stages.context.types;
            pool.type_name.clone_from(&types.get(types.descriptor(*only)).name);
        }
        Ok(pool)
    }

    /// Values in an array of `poolLocal`s.
    fn generation(&mut self, array: u64, count: u64, types: &mut FxHashMap<u64, u64>) -> Result<u64, GoError> {
        let mut values = Vec::new();
        let Some((_, layout, _)) = self.stages.context.layout.pool else { return Ok(0) };
        if count > MAX_PROCESSORS {
            return Err(GoError::inconsistent("sync.Pool", array, format!("it has {count} processors")));
        }
        self.note(array);
        let stride = layout.size.max(8);
        for index in 0..if array == 0 { 0 } else { count } {
            let at = array.wrapping_add(index * stride);
            let mut bytes = [0; MAX_STRUCTURE];
            let bytes = &mut bytes[..(layout.size as usize).min(MAX_STRUCTURE)];
            self.stages.context.memory.read_into(at, bytes)?;
            let second = Field { offset: layout.private.offset + 8, size: 8 };
            self.value(Field { size: 8, ..layout.private }.get(bytes), second.get(bytes), types, &mut values);
            self.chain(layout.tail.get(bytes), types, &mut values)?;
        }
        let found = values.len() as u64;
        self.values += values.len();
        let objects = values.into_iter().filter_map(|v| Some(self.stages.heap.spans.object(v)?.0));
        self.kept.push(objects.collect());
        Ok(found)
    }

    /// Values in the rings from `first`, the oldest, on.
    fn chain(&mut self, first: u64, types: &mut FxHashMap<u64, u64>, values: &mut Vec<u64>) -> Result<(), GoError> {
        let Some((_, _, layout)) = self.stages.context.layout.pool else { return Ok(()) };
        let memory = self.stages.context.memory;
        let mut seen = FxHashSet::default();
        let mut at = first;
        while at != 0 {
            if !seen.insert(at) {
                return Err(GoError::inconsistent("sync.poolChainElt", at, "the list comes back to it"));
            }
            self.note(at);
            let mut bytes = [0; MAX_STRUCTURE];
            let bytes = &mut bytes[..(layout.size as usize).min(MAX_STRUCTURE)];
            memory.read_into(at, bytes)?;
            let packed = layout.head_tail.get(bytes);
            let (head, tail) = ((packed >> 32) as u32, packed as u32);
            let ring = Field { size: 8, ..layout.values }.get(bytes);
            let slots = Field { offset: layout.values.offset + 8, size: 8 }.get(bytes);
            let filled = head.wrapping_sub(tail);
            if !slots.is_power_of_two() || slots > MAX_RING || u64::from(filled) > slots {
                return Err(GoError::inconsistent("sync.poolDequeue", at, "its indices do not fit"));
            }
            self.note(ring);
            for index in 0..filled {
                if self.values + values.len() >= MAX_VALUES {
                    return Err(GoError::inconsistent("sync.poolDequeue", at, "there are too many values"));
                }
                let slot = ring.wrapping_add(u64::from(tail.wrapping_add(index)) % slots * 16);
                self.value(memory.u64(slot)?, memory.u64(slot.wrapping_add(8))?, types, values);
            }
            at = layout.next.get(bytes);
        }
        Ok(())
    }

    /// One interface: its type word and its data word.
    fn value(&self, ty: u64, data: u64, types: &mut FxHashMap<u64, u64>, values: &mut Vec<u64>) {
        // An empty slot has no type; `dequeueNil`, which stands for nil, has no data.
        if ty != 0 && data != 0 && self.values + values.len() < MAX_VALUES {
            *types.entry(ty).or_default() += 1;
            values.push(data);
        }
    }

    fn note(&mut self, address: u64) {
        self.inside.extend(self.stages.heap.spans.object(address).map(|o| o.0));
    }
}

/// What would be freed with the values of a pool.
#[derive(Default)]
struct Freed {
    objects: Vec<u32>,
    /// Bytes of them for each value.
    values: Vec<u64>,
}

/// For each list of objects, those that would be freed if all pools were emptied: what the objects lead to, less what
/// anything outside of that leads to. What several of them lead to counts for the first.
fn retained(stages: &Stages<'_>, lists: &[Vec<u32>], inside: &FxHashSet<u32>) -> Vec<Freed> {
    let graph = &stages.heap.graph;
    if lists.iter().all(Vec::is_empty) {
        return lists.iter().map(|_| Freed::default()).collect();
    }
    let mut reached = BitSet::new(graph.len());
    // What only the parts of a pool lead to is not held by what leads to the pool.
    let mut of_value =
        |value: &u32| closure(stages, std::iter::once(*value), |o| !inside.contains(&o) && reached.insert(o as usize));
    let sets: Vec<Vec<Vec<u32>>> = lists.iter().map(|list| list.iter().map(&mut of_value).collect()).collect();
    // What a pointer or a root from outside leads to stays; so does all that it leads to.
    let outside = std::sync::Mutex::new(Vec::new());
    references::from_objects(stages, &reached, |from, to| {
        if !reached.contains(from as usize)
            && !inside.contains(&from)
            && let Ok(mut outside) = outside.lock()
        {
            outside.push(to);
        }
    });
    let mut stays = BitSet::new(graph.len());
    let mut first = outside.into_inner().unwrap_or_default();
    first.extend(references::from_roots(stages, &reached).into_iter().map(|r| r.0));
    closure(stages, first.into_iter(), |o| !inside.contains(&o) && stays.insert(o as usize));
    let bytes = |set: &[u32]| set.iter().map(|o| graph.blocks.block_of(*o).slot_size).sum();
    let freed = |mut values: Vec<Vec<u32>>| {
        for set in &mut values {
            set.retain(|o| !stays.contains(*o as usize));
        }
        Freed { values: values.iter().map(|set| bytes(set)).collect(), objects: values.concat() }
    };
    sets.into_iter().map(freed).collect()
}

/// What `first` leads to; `new` says whether an object was not met before.
fn closure(stages: &Stages<'_>, first: impl Iterator<Item = u32>, mut new: impl FnMut(u32) -> bool) -> Vec<u32> {
    let graph = &stages.heap.graph;
    let mut found: Vec<u32> = first.filter(|o| new(*o)).collect();
    let mut next = 0;
    while let Some(object) = found.get(next).copied() {
        next += 1;
        found.extend(graph.edges(object).iter().copied().filter(|t| new(*t)));
    }
    found
}
