//! A map whose slots have padding that another order of fields removes.
//!
//! ## What it finds
//! Maps whose key or element is a struct that is smaller with its fields sorted by alignment, so that every slot is.
//!
//! ## Why it matters
//! A map has a slot for every entry, and up to twice as many slots as entries: padding inside a key or an element is paid
//! for in each of them, used or not. In a Swiss map key and element lie side by side, so a slot also ends at a multiple of
//! the larger alignment.
//!
//! ## Evidence
//! `slot_bytes` and `best_slot_bytes`: a slot now and with the best order. `padding_bytes` between keys and elements, which
//! no order of fields removes. `reclaimable_bytes`: what a new map with a hint of its entries takes, with the types as they
//! are less with the best orders; with keys and elements over 128 bytes, which are objects of their own.
//!
//! ## Example
//! ```go
//! type State struct {
//! 	Seen  bool
//! 	Since int64
//! 	Done  bool       // 24 bytes
//! }
//!
//! var states map[int64]State
//! ```
//!
//! ## Fix
//! ```go
//! type State struct {
//! 	Since int64
//! 	Seen  bool
//! 	Done  bool       // 16 bytes
//! }
//! ```
//!
//! ## Limits
//! Only maps that are in order otherwise: what a drained or sparse map frees is said by its own rule first. A
//! `map[int64]bool` has seven bytes of padding in each slot of a Swiss map and no fields to sort; elements of `struct{}` take
//! as much there. Types of the standard library are left out.

use super::{best_order, is_standard};
use crate::Evidence;
use crate::alike::{Alike, Matter, alike};
use crate::finding::Claim;
use crate::text::bytes;

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |group: &Alike| {
        let padded = group.all.padded.as_ref()?;
        if padded.orders.iter().any(|o| is_standard(&o.type_name)) {
            return None;
        }
        let summary = format!(
            "Each slot has {} B, and {} B with the fields in another order: {} less.",
            padded.slot_bytes,
            padded.best_slot_bytes,
            bytes(group.bytes),
        );
        let orders: Vec<String> = padded.orders.iter().map(best_order).collect();
        let more = [
            ("slot_bytes", padded.slot_bytes),
            ("best_slot_bytes", padded.best_slot_bytes),
            ("padding_bytes", group.all.figures.padding_bytes),
        ];
        Some(group.claim(summary, &more, orders.join(" ")))
    };
    alike(evidence, Matter::Fields).filter_map(claim).collect()
}

#[cfg(test)]
mod tests {
    use mapscope_heap::MapFigures;

    use super::*;
    use crate::severity::MIN_BYTES;
    use crate::{FieldOrder, MapFacts, PaddedMapFacts};

    fn evidence(type_name: &str, remade_bytes: u64) -> Evidence {
        let figures = MapFigures { entries: 100_000, table_bytes: 8 << 20, ..MapFigures::default() };
        let order = FieldOrder { type_name: type_name.into(), ..FieldOrder::default() };
        let padded = PaddedMapFacts { orders: vec![order], savable_bytes: MIN_BYTES, ..PaddedMapFacts::default() };
        let map = MapFacts { figures, remade_bytes, padded: Some(padded.into()), ..MapFacts::default() };
        Evidence { maps: vec![map].into(), ..Evidence::default() }
    }

    #[test]
    fn a_map_that_has_another_problem_first_is_left_to_its_rule() {
        assert_eq!(check(&evidence("main.State", 8 << 20)).len(), 1);
        assert!(check(&evidence("main.State", 1 << 20)).is_empty());
        assert!(check(&evidence("time.Time", 8 << 20)).is_empty());
    }
}
