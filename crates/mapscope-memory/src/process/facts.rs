//! What `/proc` says of a process that stands still: its mappings and what they are.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use super::{maps, status};
use crate::elf::{AT_ENTRY, auxv_value};
use crate::{AMD64, MemoryError, Partial, Region, TargetInfo, TargetKind};

/// The mappings of a process, and what else is known of it without looking into them.
pub(super) struct Facts {
    pub(super) info: TargetInfo,
    pub(super) regions: Vec<Region>,
    /// Names of mappings without a file, by their first addresses.
    pub(super) labels: Vec<(u64, String)>,
    /// The auxiliary vector that the kernel gave the program.
    pub(super) auxv: Vec<u8>,
    /// An address in the first thread's stack, and one in each mapping of the kernel's.
    pub(super) stack: Option<u64>,
    pub(super) kernel: Vec<u64>,
}

impl Facts {
    /// Those of process `pid`, as the process `source` shows them: itself, or a snapshot of it.
    pub(super) fn read(pid: u32, source: u32) -> Result<Self, MemoryError> {
        let header = status::header(source)?;
        let exe = status::proc_path(source, "exe");
        let exe = fs::read_link(&exe).map_err(|e| status::explain(source, &exe, e))?;
        let text = status::read(source, "maps")?;
        let kernel = [&b"[vdso]"[..], b"[vvar]", b"[vvar_vclock]", b"[vsyscall]"];
        let auxv = status::read(source, "auxv")?;
        let info = TargetInfo {
            kind: TargetKind::Process,
            pid,
            exe: without_deleted(exe),
            rss_bytes: resident(&status::read(source, "statm")?),
            monotonic_ns: super::clock::monotonic(pid),
            taken_at: Some(SystemTime::now()),
            file_time: false,
            load_bias: auxv_value(&auxv, AT_ENTRY).map_or(0, |e| header.load_bias(e)),
            redacted: false,
            partial: Partial::default(),
        };
        Ok(Self {
            info,
            regions: maps::parse(&text),
            labels: maps::labels(&text),
            auxv,
            stack: maps::named(&text, b"[stack]"),
            kernel: kernel.iter().filter_map(|name| maps::named(&text, name)).collect(),
        })
    }
}

/// The kernel marks the path of a file that is gone.
pub(super) fn without_deleted(path: PathBuf) -> PathBuf {
    match path.to_str().and_then(|p| p.strip_suffix(" (deleted)")) {
        Some(p) => PathBuf::from(p),
        None => path,
    }
}

/// Resident bytes, the second number of `/proc/PID/statm` in pages.
pub(super) fn resident(statm: &[u8]) -> Option<u64> {
    let pages: u64 = std::str::from_utf8(statm).ok()?.split_whitespace().nth(1)?.parse().ok()?;
    pages.checked_mul(AMD64.page_size)
}
