//! A live process, stopped while it is read.

mod alarm;
mod clock;
mod copy;
mod facts;
mod files;
mod held;
mod identity;
mod keeper;
mod kernel;
mod maps;
mod pagemap;
mod pause;
mod ptrace;
mod reaper;
mod record;
mod snapshot;
mod standstill;
mod status;
mod stop;
mod turn;
mod watch;

use std::fs::File;
use std::io::IoSliceMut;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

use self::copy::Copy;
use self::facts::Facts;
use self::pause::Hold;
use crate::record::PageRange;
use crate::residency::backings;
use crate::{AMD64, Arch, FileBytes, Memory, MemoryError, Region, Residency, TargetInfo, Thread};

pub use self::held::Held;
pub(crate) use self::maps::mapped_file;
pub use self::pause::{Pause, PauseOptions};
pub use self::watch::{Caught, Watch, let_be_examined};

/// Bytes asked of the kernel at once.
const CHUNK: usize = 64 << 20;
/// The same for `/proc/PID/mem`, which is slower: small, so that one bad page does not keep us there for long.
const MEM_CHUNK: usize = 1 << 20;

/// A live process, as it was at one instant.
///
/// [`Process::open`] stops it for as long as it takes to make a snapshot, and reads that. With [`Process::attach`] it is
/// stopped until [`Process::resume`] or drop. Either way all of it runs on as if nothing had been: no signal is sent or
/// lost, and system calls restart. It also does when this process is killed at any moment.
pub struct Process {
    facts: Facts,
    threads: Vec<Thread>,
    /// The process whose memory is read: the target, or a snapshot of it.
    source: u32,
    mem: File,
    /// Resident pages at the stop, where they are not those of `source` now.
    resident: Option<Vec<Range<u64>>>,
    /// Pages with content at the stop, where a core is to be written of something else than `source` now.
    pages: Option<Vec<PageRange>>,
    /// The file that the user gave in place of one that is mapped, with the path of that.
    given: Option<GivenFile>,
    /// How it is kept still. After `mem`, so that a snapshot's is closed before that goes.
    hold: Hold,
    /// `process_vm_readv` is refused (by a seccomp filter): do not try it again.
    vm_refused: AtomicBool,
}

/// A file that the user gave in place of one that the process has mapped.
struct GivenFile {
    /// The path of that, as the process knows it.
    stands_for: PathBuf,
    /// The path by which it was given.
    path: PathBuf,
    bytes: Arc<FileBytes>,
}

impl Process {
    /// The auxiliary vector that the kernel gave the program, as the kernel shows it: pairs of words.
    pub fn auxv(&self) -> &[u8] {
        &self.facts.auxv
    }

    /// The executable file that the process `pid` runs, and its path. The process is not stopped.
    pub fn executable_of(pid: u32) -> Result<(PathBuf, FileBytes), MemoryError> {
        status::of_program(pid)?;
        let link = status::proc_path(pid, "exe");
        let path = std::fs::read_link(&link).map_err(|e| status::explain(pid, &link, e))?;
        // The link leads to the file that runs, whatever has become of its path; its text is for people.
        match FileBytes::open(&link) {
            Ok(bytes) => Ok((path, bytes)),
            Err(MemoryError::File { source, .. }) => Err(status::explain(pid, &link, source)),
            Err(other) => Err(other),
        }
    }

    /// The executable file of the process: the very file it runs, also when that was deleted or replaced on disk, or
    /// lives in another mount namespace.
    pub fn executable(&self) -> Result<FileBytes, MemoryError> {
        FileBytes::open(&status::proc_path(self.source(), "exe"))
    }

    /// The process to ask what was not copied: that whose memory is read, as long as it exists.
    fn source(&self) -> u32 {
        if self.copied().is_some() { self.facts.info.pid } else { self.source }
    }

    /// What was copied of its memory, where that is read.
    fn copied(&self) -> Option<&Copy> {
        match &self.hold {
            Hold::Copy(copy, _) => Some(copy),
            Hold::Snapshot(snapshot) => snapshot.copy(),
            Hold::Stopped(_) | Hold::Nothing => None,
        }
    }

    /// Reads from the start of `buf` with the fast call; the bytes read, 0 when the other way must be tried.
    fn read_vm(&self, addr: u64, buf: &mut [u8]) -> Result<usize, Errno> {
        if self.vm_refused.load(Ordering::Relaxed) {
            return Ok(0);
        }
        let remote = [RemoteIoVec { base: addr as usize, len: buf.len() }];
        match process_vm_readv(Pid::from_raw(self.source() as i32), &mut [IoSliceMut::new(buf)], &remote) {
            Err(Errno::EFAULT) => Ok(0),
            Err(Errno::EPERM | Errno::ENOSYS) => {
                self.vm_refused.store(true, Ordering::Relaxed);
                Ok(0)
            }
            other => other,
        }
    }

    fn failure(&self, addr: u64, len: usize, source: std::io::Error) -> MemoryError {
        let len = len as u64;
        if source.raw_os_error() == Some(nix::libc::ESRCH) {
            self.gone()
        } else if self.is_mapped(addr, len) {
            MemoryError::Unreadable { addr, len, source }
        } else {
            MemoryError::NotMapped { addr, len }
        }
    }
}

impl Process {
    /// Why nothing can be read any more.
    fn gone(&self) -> MemoryError {
        let pid = self.facts.info.pid;
        match &self.hold {
            Hold::Snapshot(snapshot) if snapshot.copy().is_none() => {
                let reason = snapshot.ended().unwrap_or_else(|| "it was killed".to_owned());
                MemoryError::SnapshotEnded { pid, reason }
            }
            _ => MemoryError::Exited { pid },
        }
    }

    fn read_live(&self, addr: u64, buf: &mut [u8]) -> Result<(), MemoryError> {
        let len = buf.len();
        let mut done = 0;
        while done < len {
            let at = addr + done as u64;
            let chunk = &mut buf[done..len.min(done + CHUNK)];
            let read = match self.read_vm(at, chunk) {
                // A page that this call cannot reach; the file may (it ignores the mapping's protection).
                Ok(0) => {
                    let small = chunk.len().min(MEM_CHUNK);
                    self.mem.read_at(&mut chunk[..small], at)
                }
                other => other.map_err(std::io::Error::from),
            };
            match read {
                // The file is at its end for every address once the address space is gone.
                Ok(0) => return Err(self.gone()),
                Ok(n) => done += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.failure(addr, len, e)),
            }
        }
        Ok(())
    }

    /// Bytes that were not copied: of a file that nobody writes, which the process still has, or never touched.
    fn read_uncopied(&self, addr: u64, buf: &mut [u8]) -> Result<(), MemoryError> {
        let mut done = 0;
        while done < buf.len() {
            let at = addr + done as u64;
            let index = self.facts.regions.partition_point(|r| r.end <= at);
            let region = self.facts.regions.get(index).filter(|r| r.start <= at);
            let region = region.ok_or(MemoryError::NotMapped { addr: at, len: (buf.len() - done) as u64 })?;
            let until = buf.len().min(done + (region.end - at) as usize);
            match &mut buf[done..until] {
                // But for the kernel's code, which is in no file and never written.
                part if region.file.is_none() && !region.execute => part.fill(0),
                part => self.read_live(at, part)?,
            }
            done = until;
        }
        Ok(())
    }
}

impl Memory for Process {
    fn arch(&self) -> &'static Arch {
        &AMD64
    }

    fn info(&self) -> &TargetInfo {
        &self.facts.info
    }

    fn regions(&self) -> &[Region] {
        &self.facts.regions
    }

    fn labels(&self) -> &[(u64, String)] {
        &self.facts.labels
    }

    fn threads(&self) -> &[Thread] {
        &self.threads
    }

    fn borrow(&self, addr: u64, len: usize) -> Option<&[u8]> {
        self.copied()?.at(addr, len).ok().filter(|bytes| bytes.len() == len)
    }

    fn still_there(&self) -> Result<(), MemoryError> {
        if let Hold::Stopped(standstill) = &self.hold {
            standstill.check()?;
        }
        // The program's own text is readable as long as there is an address space.
        let text = self.facts.regions.iter().find(|r| r.read && r.execute && r.file.is_some());
        match text.map(|r| self.u8(r.start)) {
            Some(Err(e @ (MemoryError::Exited { .. } | MemoryError::SnapshotEnded { .. }))) => Err(e),
            _ => Ok(()),
        }
    }

    fn residency(&self) -> Result<Residency, MemoryError> {
        let facts = &self.facts;
        let present = match &self.resident {
            Some(present) => present.clone(),
            None => pagemap::of_process(self.source(), &facts.regions)?.resident,
        };
        Ok(Residency::of(&backings(&facts.regions, &facts.info.exe, facts.stack, &facts.kernel), present))
    }

    /// On an error, `buf` may have been written in part.
    fn read_into(&self, addr: u64, buf: &mut [u8]) -> Result<(), MemoryError> {
        let len = buf.len();
        if addr.checked_add(len as u64).is_none() {
            return Err(MemoryError::NotMapped { addr, len: len as u64 });
        }
        let Some(copy) = self.copied() else {
            return match self.read_live(addr, buf) {
                // It was copied and cleared away while it was read.
                Err(_) if self.copied().is_some() => self.read_into(addr, buf),
                result => result,
            };
        };
        let mut done = 0;
        while done < len {
            let at = addr + done as u64;
            match copy.at(at, len - done) {
                Ok(bytes) => {
                    buf[done..done + bytes.len()].copy_from_slice(bytes);
                    done += bytes.len();
                }
                Err(gap) => {
                    self.read_uncopied(at, &mut buf[done..done + gap])?;
                    done += gap;
                }
            }
        }
        Ok(())
    }
}
