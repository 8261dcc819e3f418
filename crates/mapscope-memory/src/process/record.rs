//! What a core records of a live process, from its files below `/proc`.

use super::{Process, pagemap, status};
use crate::record::{MappingTraits, ProcessRecord, Recorded};
use crate::{Memory, MemoryError};

impl Recorded for Process {
    fn record(&self) -> Result<ProcessRecord, MemoryError> {
        let pid = self.facts.info.pid;
        let residency = self.residency()?;
        let pages = match &self.pages {
            Some(pages) => pages.clone(),
            None => pagemap::of_process(self.source(), &self.facts.regions)?.with_content,
        };
        // The process may have ended since; its snapshot says nearly the same.
        let read = |name: &str| status::read(pid, name).or_else(|_| status::read(self.source(), name));
        let mut record = ProcessRecord {
            pid,
            auxv: self.facts.auxv.clone(),
            arguments: read("cmdline")?.iter().map(|&b| if b == 0 { b' ' } else { b }).collect(),
            rss_bytes: self.facts.info.rss_bytes,
            monotonic_ns: self.facts.info.monotonic_ns,
            taken_at: self.facts.info.taken_at,
            residency,
            pages,
            traits: mapping_traits(&status::read(self.source(), "smaps").unwrap_or_default()),
            ..ProcessRecord::default()
        };
        let text = String::from_utf8_lossy(&read("status")?).into_owned();
        let first =
            |name: &str| text.lines().find_map(|l| l.strip_prefix(name)?.split_whitespace().next()?.parse().ok());
        record.uid = first("Uid:").unwrap_or(0);
        record.gid = first("Gid:").unwrap_or(0);
        add_stat(&mut record, &read("stat")?);
        Ok(record)
    }
}

/// `/proc/PID/stat`: `pid (name) state ppid pgrp session tty tpgid flags ...`, nice being the 19th field. The name in
/// parentheses may hold anything, so it ends at the last one.
fn add_stat(record: &mut ProcessRecord, stat: &[u8]) {
    let (Some(open), Some(close)) = (stat.iter().position(|&b| b == b'('), stat.iter().rposition(|&b| b == b')'))
    else {
        return;
    };
    record.name = stat.get(open + 1..close).unwrap_or_default().to_vec();
    let rest = String::from_utf8_lossy(stat.get(close + 1..).unwrap_or_default()).into_owned();
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |index: usize| fields.get(index).and_then(|f| f.parse::<i64>().ok()).unwrap_or(0);
    record.state = fields.first().and_then(|f| f.bytes().next()).unwrap_or(b'S');
    (record.parent, record.group, record.session) = (number(1) as u32, number(2) as u32, number(3) as u32);
    record.flags = number(6) as u64;
    record.nice = number(16) as i8;
}

/// The start and the `VmFlags` of each mapping in `/proc/PID/smaps` (Linux `fs/proc/task_mmu.c`).
fn mapping_traits(smaps: &[u8]) -> Vec<MappingTraits> {
    let mut found = Vec::new();
    let mut start = None;
    for line in smaps.split(|&b| b == b'\n') {
        if let Some(flags) = line.strip_prefix(b"VmFlags:") {
            let has = |name: &[u8]| flags.split(|&b| b == b' ').any(|flag| flag == name);
            if let Some(start) = start.take() {
                found.push(MappingTraits { start, shared: has(b"sh"), excluded: has(b"dd") || has(b"io") });
            }
        } else if line.first().is_some_and(|b| b.is_ascii_digit() || b.is_ascii_lowercase()) {
            let address = line.split(|&b| b == b'-').next().and_then(|w| std::str::from_utf8(w).ok());
            start = address.and_then(|w| u64::from_str_radix(w, 16).ok());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_hold_parentheses() {
        let mut record = ProcessRecord::default();
        add_stat(&mut record, b"7 (a) (b)) S 1 2 3 0 -1 4194304 0 0 0 0 0 0 0 0 20 -5 1 0");
        assert_eq!((record.name.as_slice(), record.state), (b"a) (b)".as_slice(), b'S'));
        assert_eq!((record.parent, record.group, record.session), (1, 2, 3));
        assert_eq!((record.flags, record.nice), (4_194_304, -5));
        add_stat(&mut record, b"nonsense");
    }

    #[test]
    fn traits_come_from_the_flags() {
        let smaps = b"00400000-00452000 r-xp 00001000 08:02 17 /bin/a\nSize: 8 kB\nVmFlags: rd ex mr \n\
            7fff0000-7fff4000 r--p 00000000 00:00 0 [vvar]\nVmFlags: rd mr pf io de dd sd \n\
            c0000000-c0001000 rw-s 00000000 00:01 7 /memfd:x\nVmFlags: rd wr sh mr mw \n";
        let traits = mapping_traits(smaps);
        let seen: Vec<_> = traits.iter().map(|t| (t.start, t.shared, t.excluded)).collect();
        assert_eq!(seen, [(0x40_0000, false, false), (0x7fff_0000, false, true), (0xc000_0000, true, false)]);
    }
}
