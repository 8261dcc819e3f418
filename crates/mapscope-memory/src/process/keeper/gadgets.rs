//! Instructions in the target's own code that a borrowed thread can be sent to.

use std::fs::{self, File};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::Region;
use crate::process::facts::without_deleted;
use crate::process::status;

/// `syscall; ret`.
const SYSTEM_CALL: &[&[u8]] = &[b"\x0f\x05\xc3"];
/// `mov $15, %rax; syscall` and `mov $15, %eax; syscall`: what a signal handler returns to.
const SIGNAL_RETURN: &[&[u8]] = &[b"\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05", b"\xb8\x0f\x00\x00\x00\x0f\x05"];
/// Code read at once; neighbours overlap by less than the longest of the patterns.
const CHUNK: usize = 1 << 20;
const OVERLAP: usize = 32;

/// Addresses of instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gadgets {
    /// `syscall; ret`.
    pub(super) system_call: u64,
    /// `rt_sigreturn`.
    pub(super) signal_return: u64,
}

/// The code of a process, read from its files, so that none of it becomes resident.
pub(super) struct Code<'c> {
    pub(super) pid: u32,
    pub(super) regions: &'c [Region],
}

impl Gadgets {
    /// Looks through the code; `None` when one of them is not to be found.
    pub(super) fn find(code: &Code<'_>) -> Option<Self> {
        Some(Self { system_call: code.find(SYSTEM_CALL)?, signal_return: code.find(SIGNAL_RETURN)? })
    }

    /// Whether the instructions are still where they were.
    pub(super) fn hold(&self, mem: &File) -> bool {
        is_at(mem, self.system_call, SYSTEM_CALL) && is_at(mem, self.signal_return, SIGNAL_RETURN)
    }
}

impl Code<'_> {
    /// The first address with one of the patterns.
    fn find(&self, patterns: &[&[u8]]) -> Option<u64> {
        let executable = status::proc_path(self.pid, "exe");
        let own = without_deleted(fs::read_link(&executable).unwrap_or_default());
        let code = self.regions.iter().filter(|r| r.read && r.execute && !r.write);
        code.filter_map(|region| Some((region, region.file.as_ref()?))).find_map(|(region, (path, offset))| {
            // Nobody writes to a file that runs. That it is the same file is checked where the address is used.
            let path = if *path == own { executable.clone() } else { self.seen_by_it(path) };
            // What is there now may be a pipe, which must not hold us up.
            let file = File::options().read(true).custom_flags(nix::libc::O_NONBLOCK).open(path).ok()?;
            let found = search(&file, *offset..offset + (region.end - region.start), patterns)?;
            Some(found - offset + region.start)
        })
    }

    /// A path in the process's own view of the files.
    fn seen_by_it(&self, path: &Path) -> PathBuf {
        status::proc_path(self.pid, "root").join(path.strip_prefix("/").unwrap_or(path))
    }
}

fn search(file: &File, range: Range<u64>, patterns: &[&[u8]]) -> Option<u64> {
    let mut at = range.start;
    let mut buffer = vec![0; CHUNK];
    while at < range.end {
        let wanted = CHUNK.min((range.end - at) as usize);
        let length = file.read_at(&mut buffer[..wanted], at).ok()?;
        let bytes = &buffer[..length];
        if let Some(index) = patterns.iter().find_map(|p| bytes.windows(p.len()).position(|w| w == *p)) {
            return Some(at + index as u64);
        }
        at += length.checked_sub(OVERLAP).filter(|&step| step > 0)? as u64;
    }
    None
}

fn is_at(mem: &File, address: u64, patterns: &[&[u8]]) -> bool {
    let mut bytes = [0; OVERLAP];
    let read = |p: &&[u8], b: &mut [u8]| mem.read_exact_at(&mut b[..p.len()], address).is_ok() && b.starts_with(p);
    patterns.iter().any(|p| read(p, &mut bytes))
}
