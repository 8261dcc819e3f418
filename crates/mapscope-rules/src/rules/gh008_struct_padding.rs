//! Structs whose fields, in another order, take a smaller slot.
//!
//! ## What it finds
//! Types of many live objects, alone or in arrays, that need less when their fields are sorted by alignment.
//!
//! ## Why it matters
//! A field starts at a multiple of its alignment, and a struct ends at a multiple of the largest: what lies between is
//! padding, and the compiler keeps the order that was written. The allocator then rounds up to a size class, so a few bytes
//! less may be worth nothing, or a whole class.
//!
//! ## Evidence
//! `objects` of the type and `elements` of arrays of it; `size_bytes` and `best_size_bytes` of a value, `slot_bytes` and
//! `best_slot_bytes` of an object. `reclaimable_bytes`: slots of all of them less the slots they would get.
//!
//! ## Example
//! ```go
//! type Order struct {
//! 	Paid    bool      // 1 byte and 7 of padding
//! 	ID      int64
//! 	Shipped bool      // 1 byte and 7 of padding
//! 	Total   int64
//! 	Gift    bool      // 1 byte and 7 of padding: 40 bytes, a slot of 48
//! }
//! ```
//!
//! ## Fix
//! ```go
//! type Order struct {
//! 	ID      int64
//! 	Total   int64
//! 	Paid    bool
//! 	Shipped bool
//! 	Gift    bool      // 24 bytes, a slot of 24
//! }
//! ```
//!
//! `mapscope layout` shows every field with its offset, and the best order.
//!
//! ## Limits
//! Structs inside of other structs are counted with those only as far as they are typed themselves; values in maps are
//! GM010's. The order may be there for a reason: fields that are written together, a cache line, a file's format. Types of
//! the standard library are left out: they are not the reader's to change.

use super::gh001_slice_overcapacity::wasteful;
use super::{best_order, is_standard};
use crate::finding::Claim;
use crate::severity::MIN_BYTES;
use crate::text::{bytes, count, plural};
use crate::{Evidence, FieldOrder, PaddedFacts};

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let used = |p: &PaddedFacts| p.savable_bytes.saturating_sub(in_unused_room(evidence, &p.order));
    let rows = evidence.padded.iter().map(|p| (p, used(p)));
    let worth = rows.filter(|(p, saved)| *saved >= MIN_BYTES && !is_standard(&p.order.type_name));
    worth.map(|(p, saved)| claim(p, saved)).collect()
}

/// What the order would save of array elements that are freed already where room that nothing uses is given back (GH001).
fn in_unused_room(evidence: &Evidence, order: &FieldOrder) -> u64 {
    let ours = wasteful(evidence).filter(|s| s.type_name.strip_prefix("[]") == Some(&order.type_name));
    let freed = ours.map(|s| s.savable_bytes).fold(0, u64::saturating_add);
    let part =
        u128::from(freed) * u128::from(order.size.saturating_sub(order.best_size)) / u128::from(order.size.max(1));
    u64::try_from(part).unwrap_or(u64::MAX)
}

fn claim(padded: &PaddedFacts, saved: u64) -> Claim {
    let PaddedFacts { order, objects, slot_bytes, best_slot_bytes, elements, savable_bytes: _, share } = padded;
    let mut parts = Vec::new();
    if *objects > 0 {
        let slots = format!("slots of {slot_bytes} B where {best_slot_bytes} B would do");
        parts.push(format!("{} in {slots}", plural(*objects, "object")));
    }
    if *elements > 0 {
        parts.push(format!("{} elements of arrays", count(*elements)));
    }
    Claim {
        subject: order.type_name.clone(),
        summary: format!(
            "{} with {} B each, of which another order of fields needs {} B: {} less.",
            parts.join(" and "),
            order.size,
            order.best_size,
            bytes(saved),
        ),
        evidence: vec![
            ("objects", *objects),
            ("elements", *elements),
            ("size_bytes", order.size),
            ("best_size_bytes", order.best_size),
            ("slot_bytes", *slot_bytes),
            ("best_slot_bytes", *best_slot_bytes),
        ],
        reclaimable_bytes: saved,
        share: *share,
        advice: best_order(order),
        ..Claim::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SliceFacts;

    fn padded(type_name: &str, savable_bytes: u64) -> Evidence {
        let fields = ["id", "paid"].map(str::to_owned).to_vec();
        let order = FieldOrder { type_name: type_name.into(), fields, size: 40, best_size: 24 };
        let row = PaddedFacts {
            order,
            objects: 1,
            slot_bytes: 48,
            best_slot_bytes: 24,
            elements: 2,
            savable_bytes,
            ..PaddedFacts::default()
        };
        Evidence { padded: vec![row], ..Evidence::default() }
    }

    #[test]
    fn what_cannot_be_changed_or_saves_little_is_left_alone() {
        let claims = check(&padded("main.Order", MIN_BYTES));
        assert_eq!(claims.len(), 1);
        assert_eq!(claims[0].advice, "Order the fields of main.Order: id, paid (40 B become 24 B).");
        assert!(check(&padded("main.Order", MIN_BYTES - 1)).is_empty());
        assert!(check(&padded("net/http.Request", MIN_BYTES)).is_empty());
    }

    #[test]
    fn elements_in_room_that_nothing_uses_are_not_saved_twice() {
        let mut evidence = padded("main.Order", 1 << 20);
        let slices = SliceFacts {
            type_name: "[]main.Order".into(),
            len_bytes: 1 << 20,
            cap_bytes: 5 << 20,
            savable_bytes: 1 << 20,
            ..SliceFacts::default()
        };
        evidence.slices = vec![slices];
        // Two fifths of what GH001 frees are padding.
        assert_eq!(check(&evidence)[0].reclaimable_bytes, (1 << 20) - (2 << 20) / 5);
        evidence.slices[0].len_bytes = 3 << 20;
        assert_eq!(check(&evidence)[0].reclaimable_bytes, 1 << 20, "it has no finding");
    }
}
