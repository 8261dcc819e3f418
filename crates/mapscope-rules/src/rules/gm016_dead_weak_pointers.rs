//! A map of weak pointers to what is gone.
//!
//! ## What it finds
//! Maps whose elements or keys are `weak.Pointer`s (Go 1.24 and later) of which a tenth or more lead to nothing any more.
//!
//! ## Why it matters
//! A weak pointer does not keep its object, but the entry stays: its key, its slot, and the handle of eight bytes that the
//! runtime made for the pointer. Nothing deletes it by itself, so a cache of weak pointers grows with all that ever was in it.
//!
//! ## Evidence
//! `dead_entries`, counted by following every weak pointer. `reclaimable_bytes`: `table_bytes` less those of a map made with a
//! hint of the others, and the handles of the dead that only the map holds. What the keys of dead entries hold comes on top.
//!
//! ## Example
//! ```go
//! cache[name] = weak.Make(image)   // and nothing deletes cache[name] when image is gone
//! ```
//!
//! ## Fix
//! Let the object's end delete the entry:
//!
//! ```go
//! cache[name] = weak.Make(image)
//! runtime.AddCleanup(image, func(name string) {
//! 	mu.Lock()
//! 	defer mu.Unlock()
//! 	if p, ok := cache[name]; ok && p.Value() == nil {
//! 		delete(cache, name)
//! 	}
//! }, name)
//! ```
//!
//! ## Limits
//! Right after a collection, cleanups that would delete may still be on their way. Weak pointers inside structs are not
//! looked into.

use crate::Evidence;
use crate::alike::{Alike, Matter, alike};
use crate::finding::Claim;
use crate::source_name::variable;
use crate::state::State;
use crate::text::{bytes, count, percent};

pub(crate) fn check(evidence: &Evidence) -> Vec<Claim> {
    let claim = |group: &Alike| {
        let (dead, entries) = (group.all.lost.unwrap_or_default().entries, group.all.figures.entries);
        let summary = format!(
            "{} of {} entries ({}) are weak pointers to what is gone; without them {} {} less.",
            count(dead),
            count(entries),
            percent(dead, entries),
            group.say("the map takes", "the maps take"),
            bytes(group.bytes),
        );
        let delete =
            variable(&group.all.owner).map_or_else(|| "delete its entry".to_owned(), |m| format!("delete({m}, key)"));
        let advice = format!(
            "Have the end of the object do it: runtime.AddCleanup(object, func(key K) {{ {delete} }}, key), under the map's lock."
        );
        group.claim(summary, &[("dead_entries", dead)], advice)
    };
    alike(evidence, Matter::Tables(State::Dead)).map(claim).collect()
}
