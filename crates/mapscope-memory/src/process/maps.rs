//! `/proc/PID/maps`, as regions.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::Region;

/// The mappings in the text of `/proc/PID/maps`, which the kernel writes in address order. Lines that are not
/// understood are left out.
pub(super) fn parse(text: &[u8]) -> Vec<Region> {
    text.split(|&b| b == b'\n').filter_map(line).collect()
}

/// Start of the mapping that the kernel calls `name`.
pub(super) fn named(text: &[u8], name: &[u8]) -> Option<u64> {
    let found = text.split(|&b| b == b'\n').find(|l| l.strip_suffix(name).is_some_and(|l| l.ends_with(b" ")))?;
    line(found).map(|region| region.start)
}

/// What the kernel calls the mappings that have no file, with their first addresses, which are in order.
pub(super) fn labels(text: &[u8]) -> Vec<(u64, String)> {
    let label = |text: &[u8]| {
        let region = line(text).filter(|region| region.file.is_none())?;
        // The name is behind five words, and may have spaces itself.
        let name = text.splitn(6, |&b| b == b' ').nth(5)?.trim_ascii();
        (!name.is_empty()).then(|| (region.start, String::from_utf8_lossy(name).into_owned()))
    };
    text.split(|&b| b == b'\n').filter_map(label).collect()
}

/// One line: `start-end perms offset device inode path`, the path padded with spaces and perhaps with some of its own.
fn line(line: &[u8]) -> Option<Region> {
    let mut rest = line;
    let mut next = || {
        let at = rest.iter().position(|&b| b == b' ').unwrap_or(rest.len());
        let (word, tail) = rest.split_at(at);
        rest = tail.get(1..).unwrap_or_default();
        std::str::from_utf8(word).ok()
    };
    let (start, end) = next()?.split_once('-')?;
    let perms = next()?.as_bytes();
    let offset = u64::from_str_radix(next()?, 16).ok()?;
    let _device = next()?;
    let inode = next()?;
    let path = rest.trim_ascii_start();
    let file = (inode != "0").then(|| mapped_file(path)).flatten();
    Some(Region {
        start: u64::from_str_radix(start, 16).ok()?,
        end: u64::from_str_radix(end, 16).ok()?,
        read: perms.first() == Some(&b'r'),
        write: perms.get(1) == Some(&b'w'),
        execute: perms.get(2) == Some(&b'x'),
        file: file.map(|f| (f, offset)),
    })
}

/// The path of a mapped file. Shared memory has inodes and names too, but no file behind them.
pub(crate) fn mapped_file(path: &[u8]) -> Option<PathBuf> {
    const MEMORY: [&[u8]; 4] = [b"/memfd:", b"/SYSV", b"/dev/zero", b"/anon_hugepage"];
    if !path.starts_with(b"/") || MEMORY.iter().any(|m| path.starts_with(m)) {
        return None;
    }
    let path = path.strip_suffix(b" (deleted)").unwrap_or(path);
    Some(PathBuf::from(OsStr::from_bytes(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_every_kind_of_line() {
        let text = b"00400000-00452000 r-xp 00001000 08:02 173521      /usr/bin/a b (deleted)\n\
            c000000000-c000400000 rw-p 00000000 00:00 0 \n\
            7ffc0000-7ffd0000 rw-p 00000000 00:00 0                          [stack]\n\
            7fff0000-7fff4000 rw-s 00000000 00:01 7                          /memfd:x (deleted)\n\
            ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0          [vsyscall]\n\
            nonsense\n";
        let regions = parse(text);
        assert_eq!(regions.len(), 5);
        assert_eq!(regions[0].file, Some((PathBuf::from("/usr/bin/a b"), 0x1000)));
        assert!(regions[0].read && !regions[0].write && regions[0].execute);
        assert_eq!((regions[1].start, regions[1].end), (0xc0_0000_0000, 0xc0_0040_0000));
        assert!(regions[1..].iter().all(|r| r.file.is_none()));
        assert!(!regions[4].read);
        assert_eq!(named(text, b"[stack]"), Some(0x7ffc_0000));
        assert_eq!(named(text, b"[vdso]"), None);
        let labels = labels(text);
        let names: Vec<&str> = labels.iter().map(|l| l.1.as_str()).collect();
        assert_eq!(names, ["[stack]", "/memfd:x (deleted)", "[vsyscall]"]);
        assert_eq!(labels[0].0, 0x7ffc_0000);
    }
}
