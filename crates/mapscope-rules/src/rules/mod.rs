//! One file for each rule. Its doc comment is the rule's text; `check` is what it looks for.

pub(crate) mod gh001_slice_overcapacity;
pub(crate) mod gh002_pinned_array;
pub(crate) mod gh003_duplicate_strings;
pub(crate) mod gh004_fragmentation;
pub(crate) mod gh005_leaked_goroutines;
pub(crate) mod gh006_finalizer_backlog;
pub(crate) mod gh007_garbage_waiting;
pub(crate) mod gh008_struct_padding;
pub(crate) mod gh009_dominator_concentration;
pub(crate) mod gh010_timers;
pub(crate) mod gh011_sync_pool_retention;
pub(crate) mod gh012_cgo_handles;
pub(crate) mod gh013_lost_contexts;
pub(crate) mod gh014_free_spans;
pub(crate) mod gh015_memory_outside_go;
pub(crate) mod gh016_never_finalized;
pub(crate) mod gh017_popped_objects;
pub(crate) mod gh018_never_closed;
pub(crate) mod gm001_drained_map;
pub(crate) mod gm002_tombstone_heavy;
pub(crate) mod gm003_unfinished_growth;
pub(crate) mod gm004_overflow_chains;
pub(crate) mod gm005_holes;
pub(crate) mod gm006_zero_valued_entries;
pub(crate) mod gm007_pointer_keys;
pub(crate) mod gm008_map_in_cycle;
pub(crate) mod gm009_many_small_maps;
pub(crate) mod gm010_padded_slots;
pub(crate) mod gm011_oversized_hint;
pub(crate) mod gm012_shared_map;
pub(crate) mod gm013_sync_map_overhead;
pub(crate) mod gm014_stale_tables;
pub(crate) mod gm015_unbounded_map;
pub(crate) mod gm016_dead_weak_pointers;
pub(crate) mod gm017_nan_keys;

use mapscope_heap::MapFigures;

use crate::source_name::{the_map, variable};
use crate::text::{count, percent};
use crate::{FieldOrder, MapFacts};

/// Fields that fit into a sentence.
const MAX_FIELDS: usize = 16;

/// Where the paths of the standard library's packages begin, and their names where there is no path (Go 1.21 to 1.27).
const STANDARD: [&str; 65] = [
    "archive",
    "atomic",
    "big",
    "bufio",
    "bytes",
    "cmp",
    "compress",
    "container",
    "context",
    "crypto",
    "database",
    "debug",
    "embed",
    "encoding",
    "errors",
    "expvar",
    "flag",
    "fmt",
    "go",
    "gob",
    "hash",
    "html",
    "http",
    "httptrace",
    "image",
    "index",
    "internal",
    "io",
    "iter",
    "json",
    "log",
    "maps",
    "math",
    "mime",
    "net",
    "netip",
    "os",
    "path",
    "plugin",
    "poll",
    "rand",
    "reflect",
    "regexp",
    "runtime",
    "slices",
    "sort",
    "strconv",
    "strings",
    "structs",
    "sync",
    "syscall",
    "template",
    "testing",
    "text",
    "textproto",
    "time",
    "tls",
    "unicode",
    "unique",
    "unsafe",
    "url",
    "uuid",
    "weak",
    "x509",
    "xml",
];

/// How many entries are in how many slots.
fn room(figures: &MapFigures) -> String {
    let MapFigures { entries, slots, .. } = *figures;
    format!("{} entries in {} slots ({})", count(entries), count(slots), percent(entries, slots))
}

/// How to move a map's entries into a new one of the right size: code, or words where the map has no name.
fn rebuild(map: &MapFacts) -> String {
    let type_name = &map.type_name;
    match variable(&map.owner) {
        Some(name) => format!("fresh := make({type_name}, len({name})); maps.Copy(fresh, {name}); {name} = fresh"),
        None => format!(
            "copy its entries into a new {type_name} with room for {}, and put that in the place of {}",
            count(map.figures.entries),
            the_map(&map.owner)
        ),
    }
}

/// What to do about a struct that another order of fields makes smaller.
fn best_order(order: &FieldOrder) -> String {
    let FieldOrder { type_name, fields, size, best_size } = order;
    if fields.len() > MAX_FIELDS {
        return format!(
            "Reorder the fields of {type_name} ({size} B become {best_size} B); mapscope layout shows how."
        );
    }
    format!("Order the fields of {type_name}: {} ({size} B become {best_size} B).", fields.join(", "))
}

/// Whether a type belongs to the standard library or the runtime, as far as its name says.
fn is_standard(type_name: &str) -> bool {
    let path = type_name.split('[').next().unwrap_or_default();
    let first = path.split(['/', '.']).next().unwrap_or_default();
    STANDARD.binary_search(&first).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_without_a_name_is_told_in_words() {
        let map = |owner: &str| MapFacts {
            owner: owner.into(),
            type_name: "map[string]int".into(),
            figures: mapscope_heap::MapFigures { entries: 1234, ..Default::default() },
            ..MapFacts::default()
        };
        assert_eq!(
            rebuild(&map("main.seen")),
            "fresh := make(map[string]int, len(seen)); maps.Copy(fresh, seen); seen = fresh"
        );
        assert_eq!(
            rebuild(&map("bss+0x8")),
            "copy its entries into a new map[string]int with room for 1,234, and put that in the place of the map at bss+0x8"
        );
    }

    #[test]
    fn the_standard_library_is_known_by_name() {
        assert!(STANDARD.is_sorted());
        for name in ["time.Time", "net/http.Request", "http.Request", "internal/sync.HashTrieMap[string,int]"] {
            assert!(is_standard(name), "{name}");
        }
        for name in ["main.T", "example.com/net/http.Request", "svc/time.Span", "main.Pair[time.Time,int]"] {
            assert!(!is_standard(name), "{name}");
        }
    }
}
