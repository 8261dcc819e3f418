//! What the targets share: a real core with its executable, and patches to them.

use std::sync::OnceLock;

/// A core of `fixture/main.go` and the executable that wrote it.
pub struct Fixture {
    pub core: Vec<u8>,
    pub exe: Vec<u8>,
}

/// The fixture, unpacked once.
pub fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let unpack = |bytes: &[u8]| zstd::decode_all(bytes).expect("the fixture unpacks");
        Fixture {
            core: unpack(include_bytes!("../fixture/core.zst")),
            exe: unpack(include_bytes!("../fixture/exe.zst")),
        }
    })
}

/// A core and an executable with the patches of an input applied.
///
/// A patch is a little-endian word: 31 bits of offset, and which of the two files; then the number of bytes, and the
/// bytes. Offsets wrap at the end of the file, so that every patch changes something.
pub fn patched(input: &[u8]) -> Fixture {
    let Fixture { core, exe } = fixture();
    let mut patched = Fixture { core: core.clone(), exe: exe.clone() };
    let mut rest = input;
    while let Some((head, tail)) = rest.split_first_chunk::<5>() {
        let word = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        let file = if word >> 31 == 0 { &mut patched.core } else { &mut patched.exe };
        let (bytes, tail) = tail.split_at(usize::from(head[4]).min(tail.len()));
        let at = (word & (u32::MAX >> 1)) as usize % file.len();
        let len = bytes.len().min(file.len() - at);
        file[at..at + len].copy_from_slice(&bytes[..len]);
        rest = tail;
    }
    patched
}

/// The next `len` bytes of an input, where the input says how many: two bytes, little-endian.
pub fn take<'a>(input: &mut &'a [u8]) -> &'a [u8] {
    let Some((len, rest)) = input.split_first_chunk::<2>() else { return &[] };
    let (taken, rest) = rest.split_at(usize::from(u16::from_le_bytes(*len)).min(rest.len()));
    *input = rest;
    taken
}
