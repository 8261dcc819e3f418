//! A core: headers, segments, notes and the list of mapped files.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mapscope_memory::{Core, Memory};

fuzz_target!(|data: &[u8]| {
    // The first two bytes say where the core ends and its executable begins.
    let Some((split, rest)) = data.split_first_chunk::<2>() else { return };
    let (core, exe) = rest.split_at(usize::from(u16::from_le_bytes(*split)).min(rest.len()));
    let Ok(core) = Core::from_bytes(core.to_vec(), exe.to_vec()) else { return };
    let mut buffer = [0; 64];
    for region in core.regions() {
        let _ = core.read_into(region.start, &mut buffer);
        let _ = core.read_into(region.end.wrapping_sub(32), &mut buffer);
    }
});
