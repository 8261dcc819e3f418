//! Cores that were compressed with zstd: unpacked before they are read, into a file without a name.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use nix::libc;

use crate::temporary::Temporary;
use crate::{FileBytes, MemoryError};

/// What a zstd frame begins with.
const MAGIC: &[u8] = b"\x28\xb5\x2f\xfd";
/// Bytes unpacked at a time.
const CHUNK: usize = 1 << 20;
/// Bytes that are unpacked at most, zeros and all: an address space.
const MAX_BYTES: u64 = 1 << 47;
/// The same where there is no file to put them: the cores that are in memory are small ones.
const MAX_IN_MEMORY: u64 = 64 << 20;

/// Whether these are the bytes of a compressed file.
pub(super) fn is_compressed(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// An unpacked core. The file goes when this does; its name leads to it until then.
pub(super) struct Unpacked {
    file: File,
}

impl Unpacked {
    /// Unpacks `packed`, the bytes of the file at `path`, into the directory for temporary files.
    pub(super) fn new(path: &Path, packed: &[u8]) -> Result<Self, MemoryError> {
        let temporary = Temporary::new().map_err(|(path, source)| MemoryError::File { path, source })?;
        let fail = |source| MemoryError::File { path: temporary.directory.clone(), source };
        let len =
            unpack(path, packed, MAX_BYTES, |bytes, at| temporary.write_sparse(bytes, at)).map_err(|e| match e {
                Failure::Damaged(e) => e,
                Failure::Write(source) if source.raw_os_error() == Some(libc::ENOSPC) => MemoryError::NoRoomToUnpack {
                    path: path.to_path_buf(),
                    directory: temporary.directory.clone(),
                    free: temporary.room() + temporary.taken(),
                },
                Failure::Write(source) => fail(source),
            })?;
        temporary.file.set_len(len).map_err(fail)?;
        Ok(Self { file: temporary.file })
    }

    /// A path that leads to the file as long as this exists.
    pub(super) fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.file.as_raw_fd()).into()
    }
}

/// Unpacks into memory.
pub(super) fn in_memory(path: &Path, packed: &[u8]) -> Result<FileBytes, MemoryError> {
    let mut bytes = Vec::new();
    let unpacked = unpack(path, packed, MAX_IN_MEMORY, |part, _| {
        bytes.extend_from_slice(part);
        Ok(())
    });
    match unpacked {
        Ok(_) => Ok(bytes.into()),
        Err(Failure::Damaged(e)) => Err(e),
        Err(Failure::Write(source)) => Err(MemoryError::File { path: path.to_path_buf(), source }),
    }
}

enum Failure {
    Damaged(MemoryError),
    Write(io::Error),
}

/// Hands the unpacked bytes to `write` with their place; how many there were.
fn unpack(
    path: &Path,
    packed: &[u8],
    most: u64,
    mut write: impl FnMut(&[u8], u64) -> io::Result<()>,
) -> Result<u64, Failure> {
    let damaged = |at: u64, e: &dyn std::fmt::Display| {
        Failure::Damaged(MemoryError::Damaged { path: path.to_path_buf(), offset: at, what: e.to_string() })
    };
    let mut decoder = zstd::Decoder::with_buffer(packed).map_err(|e| damaged(0, &e))?;
    let mut buffer = vec![0; CHUNK];
    let mut at = 0;
    loop {
        let mut filled = 0;
        while filled < CHUNK {
            match decoder.read(&mut buffer[filled..]).map_err(|e| damaged(at, &e))? {
                0 => break,
                n => filled += n,
            }
        }
        if filled == 0 {
            return Ok(at);
        }
        if at + filled as u64 > most {
            return Err(damaged(at, &"it is larger than a core can be"));
        }
        write(&buffer[..filled], at).map_err(Failure::Write)?;
        at += filled as u64;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        zstd::encode_all(bytes, 1).unwrap()
    }

    #[test]
    fn unpacks_into_a_sparse_file() {
        let mut bytes = vec![7; 5000];
        bytes.resize(3 << 20, 0);
        bytes.extend([9; 100]);
        bytes.resize(9 << 20, 0);
        let packed = packed(&bytes);
        let unpacked = Unpacked::new(Path::new("core.zst"), &packed).unwrap();
        assert_eq!(std::fs::read(unpacked.path()).unwrap(), bytes);
        assert!(std::os::unix::fs::MetadataExt::blocks(&unpacked.file.metadata().unwrap()) * 512 < 1 << 20);
        assert_eq!(in_memory(Path::new("core.zst"), &packed).unwrap()[..], bytes);
    }

    #[test]
    fn damage_is_said() {
        let whole = packed(&vec![7; 100_000]);
        for len in 4..whole.len() {
            let error = in_memory(Path::new("core.zst"), &whole[..len]).err();
            let text = error.map(|e| e.to_string()).expect("it is cut short");
            assert!(text.starts_with("core.zst: "), "{text}");
        }
        assert!(Unpacked::new(Path::new("core.zst"), &whole[..whole.len() - 1]).is_err());
    }

    #[test]
    fn a_bomb_does_not_fill_memory() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
        let zeros = vec![0; 1 << 20];
        for _ in 0..=MAX_IN_MEMORY >> 20 {
            std::io::Write::write_all(&mut encoder, &zeros).unwrap();
        }
        let error = in_memory(Path::new("bomb"), &encoder.finish().unwrap()).err().unwrap();
        assert!(error.to_string().contains("larger than a core can be"), "{error}");
    }
}
