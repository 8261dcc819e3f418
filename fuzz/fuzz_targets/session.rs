//! A whole reading, from a core to its maps. The input patches a real core and its executable.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mapscope_fuzz::patched;
use mapscope_go::{Executable, GoFiles, Silent, StorageOptions, with_session};
use mapscope_memory::Core;

fuzz_target!(|data: &[u8]| {
    let files = patched(data);
    let Ok(core) = Core::from_bytes(files.core, files.exe) else { return };
    let files = match GoFiles::find(&core) {
        Ok(files) => files,
        // An input without patches shows that the fixture is read at all.
        Err(error) => return assert!(!data.is_empty(), "{error}"),
    };
    let read = with_session(&core, Executable::of(&files), &Silent, |session| {
        for map in session.maps.iter() {
            let _ = session.details(map.address());
        }
        let sites = session.sites();
        let _ = (sites.all().len(), sites.heap_profile().records.len());
        let _ = session.storage(&StorageOptions { values: true, whole_texts: false });
        session.maps.len()
    });
    if data.is_empty() {
        assert!(read.expect("the fixture is a whole core") == 2);
    }
});
