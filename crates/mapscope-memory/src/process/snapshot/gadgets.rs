//! Instructions in the target's own code that a borrowed thread can be sent to.

use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;

use crate::Region;

/// `syscall; ret`.
const SYSTEM_CALL: &[&[u8]] = &[b"\x0f\x05\xc3"];
/// Code read at once; neighbours overlap by less than the longest of the patterns.
const CHUNK: usize = 1 << 20;
const OVERLAP: usize = 32;

/// Addresses of instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gadgets {
    /// `syscall; ret`.
    pub(super) system_call: u64,
}

impl Gadgets {
    /// Looks through the code that is `resident`, so that reading it changes nothing; `None` when one is not to be found.
    pub(super) fn find(mem: &File, regions: &[Region], resident: &[Range<u64>]) -> Option<Self> {
        let code = regions.iter().filter(|r| r.read && r.execute && !r.write && r.file.is_some());
        let mut system_call = None;
        for region in code {
            let inside = |r: &&Range<u64>| r.start < region.end && region.start < r.end;
            for part in resident.iter().filter(inside) {
                let part = part.start.max(region.start)..part.end.min(region.end);
                search(mem, &part, SYSTEM_CALL, &mut system_call);
            }
        }
        Some(Self { system_call: system_call? })
    }

    /// Whether the instructions are still where they were.
    pub(super) fn hold(&self, mem: &File) -> bool {
        is_at(mem, self.system_call, SYSTEM_CALL)
    }
}

fn search(mem: &File, region: &Range<u64>, patterns: &[&[u8]], found: &mut Option<u64>) {
    let mut at = region.start;
    let mut buffer = vec![0; CHUNK];
    while at < region.end && found.is_none() {
        let wanted = CHUNK.min((region.end - at) as usize);
        let Ok(length) = mem.read_at(&mut buffer[..wanted], at) else { return };
        let bytes = &buffer[..length];
        *found = patterns.iter().find_map(|p| bytes.windows(p.len()).position(|w| w == *p)).map(|i| at + i as u64);
        match length.checked_sub(OVERLAP) {
            Some(step) if step > 0 => at += step as u64,
            _ => return,
        }
    }
}

fn is_at(mem: &File, address: u64, patterns: &[&[u8]]) -> bool {
    let mut bytes = [0; OVERLAP];
    let read = |p: &&[u8], b: &mut [u8]| mem.read_exact_at(&mut b[..p.len()], address).is_ok() && b.starts_with(p);
    patterns.iter().any(|p| read(p, &mut bytes))
}
