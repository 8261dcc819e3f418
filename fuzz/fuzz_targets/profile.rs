//! pprof profiles: what is read can be written, and is the same when it is read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use mapscope_profile::Profile;

fuzz_target!(|data: &[u8]| {
    for profile in [Profile::from_bytes(data), Profile::from_message(data)].into_iter().flatten() {
        for sample in &profile.samples {
            let _ = profile.frames(sample).count();
        }
        let written = profile.to_bytes().expect("a profile can be written");
        assert_eq!(Profile::from_bytes(&written).expect("what was written can be read"), profile);
    }
});
