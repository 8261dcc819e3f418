//! What stays of a value by its type: references with the numbers that belong to them (lengths, capacities, types of
//! interfaces), and the parts of maps, channels, closures and timers that are no keys, elements or captured values.

use super::Kept;
use crate::roots::{Context, Goroutines};
use crate::types::{Kind, MapPart, Ref, TypeId, visit};
use crate::typing::{Class, Facts, Region};

/// Bytes of one region that are looked at.
const MAX_REGION: u64 = 64 << 20;
/// Bytes of the control word or the top hashes of a group.
const CONTROL: u64 = 8;
/// Where a map's header has the seed of its hashes: offset and bytes, of a Swiss map and of a legacy one
/// (`internal/runtime/maps.Map.seed`, `runtime.hmap.hash0`).
const SEEDS: [(u64, u64); 2] = [(8, 8), (12, 4)];

/// Keeps values, one after another.
pub(super) struct Values<'v, 'c> {
    context: &'v Context<'c>,
    kept: &'v Kept<'v>,
    facts: Facts<'c>,
    text: TypeId,
}

impl<'v, 'c> Values<'v, 'c> {
    pub(super) fn new(context: &'v Context<'c>, kept: &'v Kept<'v>) -> Self {
        Self { context, kept, facts: Facts::new(context.types), text: context.types.string_data() }
    }

    /// Keeps a value outside the heap, or a row of them.
    pub(super) fn keep_region(&mut self, region: &Region, goroutines: &Goroutines) {
        let size = self.context.types.get(region.ty).size;
        // A word of a stack counts only when the stack maps call it live: a dead one may hold anything.
        let room = size.saturating_mul(region.count).min(MAX_REGION);
        let goroutine = goroutines.at(region.start).map(|g| &goroutines.all[g as usize]);
        self.keep_live(region.ty, region.start, room, |address| goroutine.is_none_or(|g| g.is_live(address)));
        if let Kind::MapPart(MapPart::Header, map) = self.context.types.get(region.ty).kind {
            self.keep_only_group(map, region.start);
        }
    }

    /// The group of a small map whose header is on a stack: it may be there too, where nothing else knows of it.
    fn keep_only_group(&mut self, map: TypeId, header: u64) {
        let offsets = self.context.types.map_offsets();
        let read = |offset: u64| self.context.memory.u64(header.wrapping_add(offset)).unwrap_or(0);
        let group = match offsets.directory {
            Some(directory) if read(directory + 8) == 0 => read(directory),
            Some(_) => 0,
            None => read(offsets.buckets),
        };
        let id = self.context.types.part(MapPart::Groups, map);
        if group != 0 && self.context.spans.object(group).is_none() {
            let one = self.context.types.get(id).size;
            self.keep(id, group, one);
        }
    }

    /// Keeps what is needed of `room` bytes at `start`, which hold a value of type `id`, or as many as fit.
    pub(super) fn keep(&mut self, id: TypeId, start: u64, room: u64) {
        self.keep_live(id, start, room, |_| true);
    }

    /// The same, but of references only those whose pointer `live` says to be one, by its address.
    fn keep_live(&mut self, id: TypeId, start: u64, room: u64, live: impl Fn(u64) -> bool) {
        let fact = self.facts.get(id);
        if id == TypeId::UNKNOWN || fact.class == Class::StringData {
            return;
        }
        let plan = self.facts.plan(id);
        let (words, text) = (self.kept.words, self.text);
        visit(&plan, room / plan.size.max(1) * plan.size.max(1), &mut |at, reference| {
            let pointer = if matches!(reference, Ref::Interface { .. }) { at + 8 } else { at };
            if live(start + pointer) {
                words.insert(start + at, width(reference, text));
            }
        });
        let whole = fact.size.min(room);
        match fact.class {
            Class::Part(MapPart::Header) => {
                words.insert(start, whole);
                self.hide_seed(start);
            }
            Class::Part(MapPart::Table | MapPart::Extra | MapPart::OverflowList) => words.insert(start, whole),
            Class::Part(MapPart::Groups) => self.keep_groups(id, start, room),
            // Its elements lie right behind it.
            Class::Channel => words.insert(start, self.context.layout.channel.size.min(room)),
            // Its code; what it captures comes behind.
            Class::FuncValue | Class::Closure => words.insert(start, 8),
            // The runtime's own part lies behind the fields that the package shows.
            Class::Plain if self.is_timer(id) => words.insert(start, room),
            _ => {}
        }
    }

    /// The control words of groups, and of buckets the pointer to the overflow bucket, which is no pointer to the
    /// collector when keys and elements have none.
    fn keep_groups(&self, id: TypeId, start: u64, room: u64) {
        let Kind::MapPart(_, map) = self.context.types.get(id).kind else { return };
        let Some(shape) = self.context.types.shape(map).filter(|s| s.group_size >= 2 * CONTROL) else { return };
        for at in (0..room / shape.group_size * shape.group_size).step_by(shape.group_size as usize) {
            self.kept.words.insert(start + at, CONTROL);
            if !self.context.types.is_swiss() {
                self.kept.words.insert(start + at + shape.group_size - 8, 8);
            }
        }
    }

    /// Control words and top hashes hold a few bits of each key's hash. Without the seed they say nothing of the key.
    fn hide_seed(&self, header: u64) {
        let (offset, len) = SEEDS[usize::from(!self.context.types.is_swiss())];
        if let Ok(mut seeds) = self.kept.seeds.lock() {
            seeds.push((header + offset, len));
        }
    }

    fn is_timer(&self, id: TypeId) -> bool {
        matches!(self.context.types.get(id).name.as_str(), "time.Timer" | "time.Ticker")
    }
}

/// Bytes of a reference with the numbers that belong to it.
fn width(reference: Ref, text: TypeId) -> u64 {
    match reference {
        Ref::Slice(_) => 24,
        Ref::Interface { .. } | Ref::SwissDirectory { .. } | Ref::Counted(_) => 16,
        Ref::Pointer(ty) if ty == text => 16,
        Ref::Pointer(_) | Ref::ChanBuffer(_) | Ref::TrieNode(..) => 8,
    }
}
