//! A live process, stopped while it is read.

mod clock;
mod maps;
mod pagemap;
mod record;
mod status;
mod stop;
mod tracer;

use std::fs::{self, File};
use std::io::IoSliceMut;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;

use self::tracer::Tracer;
use crate::elf::{AT_ENTRY, Header, auxv_value};
use crate::notes::BuildId;
use crate::residency::backings;
use crate::{AMD64, Arch, FileBytes, Memory, MemoryError, Region, Residency, TargetInfo, TargetKind, Thread};

pub(crate) use self::maps::mapped_file;

/// Bytes asked of the kernel at once.
const CHUNK: usize = 64 << 20;
/// The same for `/proc/PID/mem`, which is slower: small, so that one bad page does not keep us there for long.
const MEM_CHUNK: usize = 1 << 20;

/// A live process. Every one of its threads is stopped from [`Process::attach`] until [`Process::resume`] or drop;
/// then they run on as if nothing had been: no signal is sent or lost, system calls restart, nothing is written to it.
/// If this process is killed instead, the kernel lets the target run.
pub struct Process {
    info: TargetInfo,
    regions: Vec<Region>,
    threads: Vec<Thread>,
    /// An address in the first thread's stack, and one in each mapping of the kernel's.
    stack: Option<u64>,
    kernel: Vec<u64>,
    tracer: Tracer,
    mem: File,
    /// `process_vm_readv` is refused (by a seccomp filter): do not try it again.
    vm_refused: AtomicBool,
}

impl Process {
    /// Stops every thread of the process `pid` and reads what is known of it.
    ///
    /// It must be an amd64 Linux process that is not traced already, and that we may trace.
    pub fn attach(pid: u32) -> Result<Self, MemoryError> {
        let header = status::check(pid)?;
        let (tracer, threads) = Tracer::stop(pid)?;
        let exe = status::proc_path(pid, "exe");
        let exe = fs::read_link(&exe).map_err(|e| status::explain(pid, &exe, e))?;
        let mem = status::proc_path(pid, "mem");
        let mem = File::open(&mem).map_err(|e| status::explain(pid, &mem, e))?;
        let text = status::read(pid, "maps")?;
        let regions = maps::parse(&text);
        let kernel = [&b"[vdso]"[..], b"[vvar]", b"[vvar_vclock]", b"[vsyscall]"];
        let kernel = kernel.iter().filter_map(|name| maps::named(&text, name)).collect();
        let entry = auxv_value(&status::read(pid, "auxv")?, AT_ENTRY);
        let info = TargetInfo {
            kind: TargetKind::Process,
            pid,
            exe: without_deleted(exe),
            rss_bytes: resident(&status::read(pid, "statm")?),
            monotonic_ns: clock::monotonic(pid),
            redacted: false,
            load_bias: entry.map_or(0, |e| header.load_bias(e)),
            partial: Vec::new(),
        };
        let stack = maps::named(&text, b"[stack]");
        Ok(Self { info, regions, threads, stack, kernel, tracer, mem, vm_refused: AtomicBool::new(false) })
    }

    /// How long the process has been stopped; after [`Process::resume`], how long it was.
    pub fn paused(&self) -> Duration {
        self.tracer.paused()
    }

    /// Lets the process run again. What is read afterwards is whatever it has become.
    pub fn resume(&mut self) {
        self.tracer.release();
    }

    /// The file at `path` in place of the running executable, for its debug information: the same program before it was
    /// stripped.
    ///
    /// # Errors
    /// [`MemoryError::OtherBuild`] when both have a build id and they differ; when either file cannot be read.
    pub fn executable_at(&self, path: &Path) -> Result<FileBytes, MemoryError> {
        let given = FileBytes::open(path)?;
        let running = self.executable()?;
        let id = |bytes: &[u8]| Ok::<_, MemoryError>(BuildId::of_file(&Header::parse(bytes, path)?, bytes));
        match id(&running)?.contradiction(&id(&given)?) {
            None => Ok(given),
            Some((in_core, in_file)) => Err(MemoryError::OtherBuild { path: path.to_path_buf(), in_core, in_file }),
        }
    }

    /// The executable file of the process: the very file it runs, also when that was deleted or replaced on disk, or
    /// lives in another mount namespace.
    pub fn executable(&self) -> Result<FileBytes, MemoryError> {
        FileBytes::open(&status::proc_path(self.info.pid, "exe"))
    }

    /// Reads from the start of `buf` with the fast call; the bytes read, 0 when the other way must be tried.
    fn read_vm(&self, addr: u64, buf: &mut [u8]) -> Result<usize, Errno> {
        if self.vm_refused.load(Ordering::Relaxed) {
            return Ok(0);
        }
        let remote = [RemoteIoVec { base: addr as usize, len: buf.len() }];
        match process_vm_readv(Pid::from_raw(self.info.pid as i32), &mut [IoSliceMut::new(buf)], &remote) {
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
            MemoryError::Exited { pid: self.info.pid }
        } else if self.is_mapped(addr, len) {
            MemoryError::Unreadable { addr, len, source }
        } else {
            MemoryError::NotMapped { addr, len }
        }
    }
}

impl Memory for Process {
    fn arch(&self) -> &'static Arch {
        &AMD64
    }

    fn info(&self) -> &TargetInfo {
        &self.info
    }

    fn regions(&self) -> &[Region] {
        &self.regions
    }

    fn threads(&self) -> &[Thread] {
        &self.threads
    }

    fn borrow(&self, _addr: u64, _len: usize) -> Option<&[u8]> {
        None
    }

    fn still_there(&self) -> Result<(), MemoryError> {
        // The program's own text is readable as long as there is an address space.
        let text = self.regions.iter().find(|r| r.read && r.execute && r.file.is_some());
        match text.map(|r| self.u8(r.start)) {
            Some(Err(e @ MemoryError::Exited { .. })) => Err(e),
            _ => Ok(()),
        }
    }

    fn residency(&self) -> Result<Residency, MemoryError> {
        let path = status::proc_path(self.info.pid, "pagemap");
        let present = File::open(&path).and_then(|file| pagemap::resident(&file, &self.regions));
        let present = present.map_err(|e| status::explain(self.info.pid, &path, e))?;
        Ok(Residency::of(&backings(&self.regions, &self.info.exe, self.stack, &self.kernel), present))
    }

    /// On an error, `buf` may have been written in part.
    fn read_into(&self, addr: u64, buf: &mut [u8]) -> Result<(), MemoryError> {
        let len = buf.len();
        if addr.checked_add(len as u64).is_none() {
            return Err(MemoryError::NotMapped { addr, len: len as u64 });
        }
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
                Ok(0) => return Err(MemoryError::Exited { pid: self.info.pid }),
                Ok(n) => done += n,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(self.failure(addr, len, e)),
            }
        }
        Ok(())
    }
}

/// The kernel marks the path of a file that is gone.
fn without_deleted(path: PathBuf) -> PathBuf {
    match path.to_str().and_then(|p| p.strip_suffix(" (deleted)")) {
        Some(p) => PathBuf::from(p),
        None => path,
    }
}

/// Resident bytes, the second number of `/proc/PID/statm` in pages.
fn resident(statm: &[u8]) -> Option<u64> {
    let pages: u64 = std::str::from_utf8(statm).ok()?.split_whitespace().nth(1)?.parse().ok()?;
    pages.checked_mul(AMD64.page_size)
}
