//! One file for each rule. Its doc comment is the rule's text; `check` is what it looks for.

pub(crate) mod gh001_slice_overcapacity;
pub(crate) mod gh002_pinned_array;
pub(crate) mod gh003_duplicate_strings;
pub(crate) mod gh004_fragmentation;
pub(crate) mod gh005_leaked_goroutines;
pub(crate) mod gh006_finalizer_backlog;
pub(crate) mod gh007_garbage_waiting;
pub(crate) mod gh009_dominator_concentration;
pub(crate) mod gh010_timers;
pub(crate) mod gh011_sync_pool_retention;
pub(crate) mod gm001_drained_map;
pub(crate) mod gm002_tombstone_heavy;
pub(crate) mod gm003_unfinished_growth;
pub(crate) mod gm004_overflow_chains;
pub(crate) mod gm005_holes;
pub(crate) mod gm006_zero_valued_entries;
pub(crate) mod gm007_pointer_keys;
pub(crate) mod gm008_map_in_cycle;
pub(crate) mod gm009_many_small_maps;
pub(crate) mod gm011_oversized_hint;
pub(crate) mod gm012_shared_map;
pub(crate) mod gm013_sync_map_overhead;
pub(crate) mod gm014_stale_tables;

use crate::finding::Claim;
use crate::state::{State, state};
use crate::{Evidence, MapFacts};

/// The maps in one state.
fn maps_in(evidence: &Evidence, wanted: State) -> impl Iterator<Item = &MapFacts> {
    evidence.maps.iter().filter(move |map| state(map) == wanted)
}

/// What is said of a map that frees `reclaimable_bytes` when it is made anew, with the figures that every map has.
fn map_claim(map: &MapFacts, summary: String, reclaimable_bytes: u64, more: &[(&'static str, u64)]) -> Claim {
    let figures = &map.figures;
    let mut evidence = vec![
        ("entries", figures.entries),
        ("slots", figures.slots),
        ("table_bytes", figures.table_bytes),
        ("retained_bytes", map.retained_bytes),
    ];
    evidence.extend_from_slice(more);
    Claim {
        subject: map.owner.clone(),
        summary: if map.heuristic { format!("{summary} (The map's type was inferred.)") } else { summary },
        evidence,
        reclaimable_bytes,
        ..Claim::default()
    }
}

/// Code that moves a map's entries into a new one of the right size.
fn rebuild(map: &MapFacts) -> String {
    let (owner, type_name) = (variable(&map.owner), &map.type_name);
    format!("fresh := make({type_name}, len({owner})); maps.Copy(fresh, {owner}); {owner} = fresh")
}

/// The owner as code can name it: without the goroutine, and with an index where it is one of many.
fn variable(owner: &str) -> String {
    let name = owner.rsplit_once(": ").map_or(owner, |(_, name)| name);
    name.strip_prefix("main.").unwrap_or(name).replace("[]", "[i]")
}
