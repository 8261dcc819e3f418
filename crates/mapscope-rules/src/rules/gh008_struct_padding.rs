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

use super::{best_order, is_standard};
use crate::finding::Claim;
use crate::severity::MIN_BYTES;
use crate::text::{bytes, count, plural};
use crate::{Evidence, PaddedFacts};

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let worth = |p: &&PaddedFacts| p.savable_bytes >= MIN_BYTES && !is_standard(&p.order.type_name);
    evidence.padded.iter().filter(worth).map(claim).collect()
}

fn claim(padded: &PaddedFacts) -> Claim {
    let PaddedFacts { order, objects, slot_bytes, best_slot_bytes, elements, savable_bytes } = padded;
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
            bytes(*savable_bytes),
        ),
        evidence: vec![
            ("objects", *objects),
            ("elements", *elements),
            ("size_bytes", order.size),
            ("best_size_bytes", order.best_size),
            ("slot_bytes", *slot_bytes),
            ("best_slot_bytes", *best_slot_bytes),
        ],
        reclaimable_bytes: *savable_bytes,
        advice: best_order(order),
        ..Claim::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FieldOrder;

    fn padded(type_name: &str, savable_bytes: u64) -> Evidence {
        let fields = ["id", "paid"].map(str::to_owned).to_vec();
        let order = FieldOrder { type_name: type_name.into(), fields, size: 40, best_size: 24 };
        let row = PaddedFacts { order, objects: 1, slot_bytes: 48, best_slot_bytes: 24, elements: 2, savable_bytes };
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
}
