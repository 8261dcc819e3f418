//! The recorded service that `mapscope demo` analyses; `cargo xtask demo-core` records it.

use anyhow::{Context, Result};

/// A core and its executable.
pub(crate) struct Demo {
    pub(crate) core: Vec<u8>,
    pub(crate) exe: Vec<u8>,
}

/// Unpacks the recording.
pub(crate) fn unpack() -> Result<Demo> {
    let unpack =
        |packed: &[u8]| zstd::decode_all(packed).context("the embedded demo is damaged; install mapscope again");
    Ok(Demo {
        core: unpack(include_bytes!("../demo/sessions.core.zst"))?,
        exe: unpack(include_bytes!("../demo/sessions.exe.zst"))?,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_recording_is_two_elf_files() {
        let demo = super::unpack().expect("the demo unpacks");
        assert!(demo.core.starts_with(b"\x7fELF") && demo.exe.starts_with(b"\x7fELF"));
    }
}
