//! Audits of Swiss and legacy maps.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((version, memory)) = data.split_first() else { return };
    let _ = mapscope_go::fuzzing::maps(memory, 21 + u32::from(version % 7), version & 0x80 == 0);
});
