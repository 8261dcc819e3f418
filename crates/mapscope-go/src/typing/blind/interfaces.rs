//! Interfaces say what they hold: a word that is no pointer to the collector, but names a type, before one that is.

use rayon::prelude::*;
use rustc_hash::FxHashSet;

use crate::heap::{pointer_words, word};
use crate::roots::RootKind;
use crate::types::Ref;
use crate::typing::{Facts, Offer, Typing};
use mapscope_heap::Reachability;

/// `reflect.Interface`.
const INTERFACE: u64 = 20;

impl Typing<'_> {
    /// What the interfaces in data, bss and live objects without a type hold.
    pub(super) fn interfaces(&self, reach: &Reachability) -> Vec<Offer> {
        let itabs = self.context.types.itabs();
        let mut offers = self.static_interfaces(&itabs);
        let spans = &self.heap.spans;
        let small = |span: usize| pointer_words_known(spans, span);
        let found = (0..spans.spans.len()).into_par_iter().filter(|s| small(*s)).flat_map_iter(|span| {
            let block = &spans.blocks.blocks()[span];
            let mut facts = Facts::new(self.context.types);
            let (mut scratch, mut offers) = (Vec::new(), Vec::new());
            let Ok(bytes) = self.context.memory.bytes(block.start, spans.spans[span].bytes as usize, &mut scratch)
            else {
                return offers;
            };
            for object in block.objects() {
                let at = (block.address(object) - block.start) as usize;
                let value = bytes.get(at..at + block.slot_size as usize).unwrap_or_default();
                let mut words = (0..block.slot_size.saturating_sub(8)).step_by(8);
                if words.any(|o| self.kind_of(word(value, o), &itabs).is_some())
                    && self.heap.graph.type_of(object) == 0
                    && reach.is_live(object)
                {
                    self.object_interfaces(object, span, value, &itabs, &mut facts, &mut offers);
                }
            }
            offers
        });
        offers.extend(found.collect::<Vec<_>>());
        offers
    }

    fn object_interfaces(
        &self,
        object: u32,
        span: usize,
        value: &[u8],
        itabs: &FxHashSet<u64>,
        facts: &mut Facts<'_>,
        offers: &mut Vec<Offer>,
    ) {
        let context = self.context;
        let pointers = pointer_words(context.memory, context.layout, context.mheap, &self.heap.spans, (object, span));
        let Some(pointers) = pointers else { return };
        for pointer in &pointers {
            let Some(first) = pointer.checked_sub(1).filter(|f| !pointers.contains(f)) else { continue };
            let at = u64::from(first) * 8;
            if let Some(empty) = self.interface_at(word(value, at), itabs) {
                offers.extend(self.resolve(Ref::Interface { empty }, value, at, 0, facts));
            }
        }
    }

    fn static_interfaces(&self, itabs: &FxHashSet<u64>) -> Vec<Offer> {
        let memory = self.context.memory;
        let statics = self.roots.words.iter().filter(|r| r.kind == RootKind::Static);
        let pointers: FxHashSet<u64> = statics.clone().map(|r| r.address).collect();
        let mut facts = Facts::new(self.context.types);
        let offer = |root: &crate::roots::Root| {
            let first = root.address.checked_sub(8).filter(|a| !pointers.contains(a))?;
            let mut bytes = [0; 16];
            memory.read_into(first, &mut bytes).ok()?;
            let empty = self.interface_at(word(&bytes, 0), itabs)?;
            self.resolve(Ref::Interface { empty }, &bytes, 0, first, &mut facts)
        };
        statics.filter_map(offer).collect()
    }

    /// Whether a word may be the first of an interface, and then whether of an empty one.
    fn kind_of(&self, word: u64, itabs: &FxHashSet<u64>) -> Option<bool> {
        let in_types = word != 0 && self.context.modules.iter().any(|m| m.types.contains(&word));
        if itabs.contains(&word) { Some(false) } else { in_types.then_some(true) }
    }

    fn interface_at(&self, word: u64, itabs: &FxHashSet<u64>) -> Option<bool> {
        let types = self.context.types;
        // No interface holds an interface; what the compiler makes for type assertions names one next to a pointer.
        let holds = |word| types.is_descriptor(word) && types.kind_number(word) != INTERFACE;
        self.kind_of(word, itabs).filter(|empty| !empty || holds(word))
    }
}

/// Whether the objects of a span are small enough for it to say where their pointers are.
fn pointer_words_known(spans: &crate::heap::SpanTable, span: usize) -> bool {
    let span = &spans.spans[span];
    !span.noscan && !span.large && (16..=crate::heap::MAX_IN_SPAN).contains(&span.elem_size)
}
