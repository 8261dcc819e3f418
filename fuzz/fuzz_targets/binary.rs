//! An executable: ELF header, sections and their compression, build information.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| mapscope_go::fuzzing::binary(data));
