//! The function table: functions by address, names, frame sizes, stack maps.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mapscope_fuzz::take;

fuzz_target!(|data: &[u8]| {
    let mut rest = data;
    let tables = [take(&mut rest), take(&mut rest), take(&mut rest), take(&mut rest)];
    mapscope_go::fuzzing::pclntab(tables, rest);
});
