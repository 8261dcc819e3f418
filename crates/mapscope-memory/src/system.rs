//! Small files of the kernel: takes a path below `/proc` or `/sys`, and gives its content, within a bound.
//!
//! A mount may have put anything in their place, and what a process decides about itself (its groups, its mappings) has
//! no other end than the kernel's.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::libc;

/// Bytes of any of them at most. The largest, `/proc/PID/maps`, has a hundred for each mapping, and a process 65,530 of those
/// unless its system was told otherwise: this is two hundred times as many.
const MOST: u64 = 1 << 30;

/// The bytes of the file at `path`.
pub(crate) fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    up_to(path.as_ref(), MOST)
}

/// The same as text. A process may have any bytes for a name, which says nothing about the lines around it.
pub(crate) fn text(path: impl AsRef<Path>) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&read(path)?).into_owned())
}

fn up_to(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Opens a file to be read. A pipe that nobody writes to, or a terminal, does not make us wait, nor is the latter ours then.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_end_is_an_error() {
        assert_eq!(up_to(Path::new("/dev/zero"), 4096).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        let stat = read("/proc/self/stat").unwrap();
        assert_eq!(up_to(Path::new("/proc/self/comm"), 0).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert!(!stat.is_empty() && text("/proc/self/status").unwrap().contains("\nState:"));
    }
}
