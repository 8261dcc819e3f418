//! Debug information: units, entries, locations, types, and the offsets of the runtime's structures.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mapscope_fuzz::{patched, take};

fuzz_target!(|data: &[u8]| {
    let Some((mode, mut rest)) = data.split_first() else { return };
    // Patches to real sections reach deep, sections from scratch are read a thousand times faster.
    if mode % 16 == 15 {
        mapscope_go::fuzzing::dwarf_image(&patched(rest).exe);
        return;
    }
    let names = ["abbrev", "info", "line", "rnglists", "loclists", "addr"].map(|n| format!(".debug_{n}"));
    let mut sections: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), take(&mut rest))).collect();
    let others = [".debug_str", ".debug_line_str", ".debug_loc", ".debug_ranges"];
    sections.extend(others.map(|n| (n, rest)));
    mapscope_go::fuzzing::dwarf_sections(&sections);
});
