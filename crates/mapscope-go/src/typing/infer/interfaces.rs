//! Interfaces say what they hold: a word that is no pointer to the collector, but names a type, before one that is.

use rustc_hash::FxHashSet;

use crate::heap::word;
use crate::roots::RootKind;
use crate::types::Ref;
use crate::typing::{Facts, Offer, Typing};

/// `reflect.Interface`.
const INTERFACE: u64 = 20;

impl Typing<'_> {
    /// What the interfaces in an object hold: `value` is its content, `pointers` the offsets of its pointers, ascending.
    pub(super) fn object_interfaces(
        &self,
        value: &[u8],
        pointers: &[u64],
        itabs: &FxHashSet<u64>,
        facts: &mut Facts<'_>,
        offers: &mut Vec<Offer>,
    ) {
        for at in pointers.iter().filter_map(|pointer| pointer.checked_sub(8)) {
            if pointers.binary_search(&at).is_err()
                && let Some(empty) = self.interface_at(word(value, at), itabs)
            {
                offers.extend(self.resolve(Ref::Interface { empty }, value, at, 0, facts));
            }
        }
    }

    /// What the interfaces on stacks, and where no variable has a name in data and bss, hold.
    pub(super) fn interfaces_outside(&self, itabs: &FxHashSet<u64>) -> Vec<Offer> {
        let memory = self.context.memory;
        let named = self.context.types.debug_info().is_some();
        let wanted = |kind: RootKind| match kind {
            RootKind::Static => !named,
            RootKind::Stack(..) => true,
            _ => false,
        };
        let words = self.roots.words.iter().filter(|r| r.address != 0 && wanted(r.kind));
        let pointers: FxHashSet<u64> = words.clone().map(|r| r.address).collect();
        let mut facts = Facts::new(self.context.types);
        let offer = |root: &crate::roots::Root| {
            let first = root.address.checked_sub(8).filter(|a| !pointers.contains(a))?;
            let mut bytes = [0; 16];
            memory.read_into(first, &mut bytes).ok()?;
            let empty = self.interface_at(word(&bytes, 0), itabs)?;
            let offer = self.resolve(Ref::Interface { empty }, &bytes, 0, first, &mut facts)?;
            // What is next to a live word of a stack may be left over from another use of the place.
            (root.kind == RootKind::Static || self.is_untyped_start(offer.address)).then_some(offer)
        };
        words.filter_map(offer).collect()
    }

    /// Whether an object without a type begins at `address`.
    fn is_untyped_start(&self, address: u64) -> bool {
        let spans = &self.heap.spans;
        let object = spans.object(address);
        object.is_some_and(|(object, offset, span)| {
            offset == spans.header(&spans.spans[span]) && self.heap.graph.type_of(object) == 0
        })
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
        if let Some(empty) = self.kind_of(word, itabs) {
            return (!empty || holds(word)).then_some(empty);
        }
        // A type that the program made is an object with pointers, and here is none to the collector.
        let spans = &self.heap.spans;
        let (_, offset, index) = spans.object(word)?;
        let span = &spans.spans[index];
        let made = !span.noscan && offset == spans.header(span) && types.is_made_descriptor(word);
        made.then_some(true)
    }
}
