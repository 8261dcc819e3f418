//! What `/proc` says about a process, and why it may not be examined.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::keeper;
use crate::elf::{HEADER_SIZE, Header};
use crate::{MemoryError, headroom, system};

/// `PF_KTHREAD` of the flags in `/proc/PID/stat`.
const KERNEL_THREAD: u64 = 0x0020_0000;

/// The path of `name` in the directory of `pid`.
pub(super) fn proc_path(pid: u32, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{name}"))
}

/// Turns a failed access to a process's file into the error that explains it.
pub(super) fn explain(pid: u32, path: &Path, source: std::io::Error) -> MemoryError {
    match source.raw_os_error() {
        Some(nix::libc::EACCES | nix::libc::EPERM) => permission(pid),
        // The directory of a process vanishes with it; a file of one that is exiting says ESRCH.
        Some(nix::libc::ESRCH) => MemoryError::Exited { pid },
        Some(nix::libc::ENOENT) if !has_memory(pid) => MemoryError::Exited { pid },
        // A thread that calls execve takes the place of the first one, and for a moment nothing is below that place.
        Some(nix::libc::ENOENT) if path.exists() => MemoryError::Execed { pid },
        _ => MemoryError::File { path: path.to_path_buf(), source },
    }
}

/// Whether the process is there and has memory, which it gives back before it is gone.
fn has_memory(pid: u32) -> bool {
    system::text(proc_path(pid, "status")).is_ok_and(|status| field(&status, "VmSize").is_some())
}

/// A file of the process as bytes.
pub(super) fn read(pid: u32, name: &str) -> Result<Vec<u8>, MemoryError> {
    let path = proc_path(pid, name);
    system::read(&path).map_err(|e| explain(pid, &path, e))
}

/// The ids of a process's threads, in ascending order.
pub(super) fn threads(pid: u32) -> Result<Vec<u32>, MemoryError> {
    let path = proc_path(pid, "task");
    let explain = |e| explain(pid, &path, e);
    let mut ids = Vec::new();
    for entry in fs::read_dir(&path).map_err(explain)? {
        ids.extend(entry.map_err(explain)?.file_name().to_str().and_then(|n| n.parse::<u32>().ok()));
    }
    Ok(ids)
}

/// Refuses what cannot be examined, before anything is stopped.
pub(super) fn check(pid: u32) -> Result<(), MemoryError> {
    if pid == std::process::id() {
        return Err(MemoryError::Itself { pid });
    }
    let status = of_program(pid)?;
    if let Some(error) = traced(pid, &status).filter(|refusal| !keeper::is_tracing(refusal)) {
        return Err(error);
    }
    header(pid).map(|_| ())
}

/// The header of a process's executable.
pub(super) fn header(pid: u32) -> Result<Header, MemoryError> {
    let path = proc_path(pid, "exe");
    let mut start = Vec::new();
    system::open(&path)
        .and_then(|f| f.take(HEADER_SIZE as u64).read_to_end(&mut start))
        .map_err(|e| explain(pid, &path, e))?;
    Header::parse(&start, &path)
}

/// The status of a process that runs a program; refuses any other pid.
pub(super) fn of_program(pid: u32) -> Result<String, MemoryError> {
    let path = proc_path(pid, "status");
    let status = system::text(&path).map_err(|source| match source.raw_os_error() {
        Some(nix::libc::ENOENT | nix::libc::ESRCH) => MemoryError::NoSuchProcess { pid },
        _ => explain(pid, &path, source),
    })?;
    match field(&status, "Tgid").and_then(|v| v.parse().ok()) {
        Some(leader) if leader != pid => return Err(MemoryError::NotLeader { tid: pid, pid: leader }),
        _ => {}
    }
    // The first thread may have ended before the others have.
    if matches!(state(&status), 'Z' | 'X') && field(&status, "Threads").is_none_or(|n| n == "1" || n == "0") {
        return Err(MemoryError::Zombie { pid });
    }
    if system::text(proc_path(pid, "stat")).is_ok_and(|s| is_kernel_thread(&s)) {
        return Err(MemoryError::KernelThread { pid });
    }
    Ok(status)
}

/// The value of one line of `/proc/PID/status`.
fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

fn state(status: &str) -> char {
    field(status, "State").and_then(|s| s.chars().next()).unwrap_or('?')
}

/// The state letter of a thread; `None` when it is gone.
pub(super) fn thread_state(pid: u32, tid: u32) -> Option<char> {
    Some(state(&system::text(proc_path(pid, &format!("task/{tid}/status"))).ok()?))
}

/// Bytes in a line of `/proc/PID/status`, such as `VmRSS:`; 0 when there is none.
pub(super) fn memory(pid: u32, name: &str) -> u64 {
    let text = read(pid, "status").unwrap_or_default();
    headroom::field(&String::from_utf8_lossy(&text), name).unwrap_or(0) * 1024
}

/// `CAP_SYS_ADMIN`.
const SYS_ADMIN: u32 = 21;

/// Whether a seccomp filter, or strict mode, says which system calls the process may make.
pub(super) fn has_filter(pid: u32) -> bool {
    let status = system::text(proc_path(pid, "status")).unwrap_or_default();
    field(&status, "Seccomp").is_some_and(|mode| mode != "0")
}

/// Whether return addresses are kept in a second place (`x86_Thread_features`).
pub(super) fn has_shadow_stacks(pid: u32) -> bool {
    let status = system::text(proc_path(pid, "status")).unwrap_or_default();
    field(&status, "x86_Thread_features").is_some_and(|features| features.contains("shstk"))
}

/// Whether the kernel lets us suspend the filters of a process that we trace (`PTRACE_O_SUSPEND_SECCOMP`).
pub(super) fn may_suspend_filters() -> bool {
    let status = system::text("/proc/self/status").unwrap_or_default();
    let capabilities = field(&status, "CapEff").and_then(|c| u64::from_str_radix(c, 16).ok()).unwrap_or(0);
    capabilities >> SYS_ADMIN & 1 == 1 && field(&status, "Seccomp").is_none_or(|mode| mode == "0")
}

/// The id of a process in the innermost pid namespace that it is in.
pub(super) fn inner_pid(pid: u32) -> Option<u32> {
    let status = system::text(proc_path(pid, "status")).ok()?;
    field(&status, "NSpid")?.split_whitespace().last()?.parse().ok()
}

/// The process that a thread belongs to; `None` when it is gone.
pub(super) fn process_of(tid: u32) -> Option<u32> {
    field(&system::text(proc_path(tid, "status")).ok()?, "Tgid")?.parse().ok()
}

/// The parent of a process; `None` when it is gone.
pub(super) fn parent(pid: u32) -> Option<u32> {
    let status = system::text(proc_path(pid, "status")).ok()?;
    field(&status, "PPid")?.parse().ok()
}

fn is_kernel_thread(stat: &str) -> bool {
    // The name in parentheses may hold anything, so fields are counted from its end: state is the first, flags the 7th.
    let flags = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(6)?.parse::<u64>().ok());
    flags.is_some_and(|f| f & KERNEL_THREAD != 0)
}

/// The error for a process that already has a tracer.
fn traced(pid: u32, status: &str) -> Option<MemoryError> {
    let tracer: u32 = field(status, "TracerPid")?.parse().ok().filter(|&t| t != 0)?;
    // The kernel names the thread that traces; people know the process.
    let of_thread = system::text(proc_path(tracer, "status")).unwrap_or_default();
    let tracer = field(&of_thread, "Tgid").and_then(|v| v.parse().ok()).unwrap_or(tracer);
    let name = system::text(proc_path(tracer, "comm")).unwrap_or_default();
    Some(MemoryError::Traced { pid, tracer, name: name.trim().to_owned() })
}

/// Why tracing thread `tid` was refused: because somebody else does it, or for want of rights.
pub(super) fn refused(pid: u32, tid: u32) -> MemoryError {
    let status = system::text(proc_path(pid, &format!("task/{tid}/status"))).unwrap_or_default();
    traced(pid, &status).unwrap_or_else(|| permission(pid))
}

fn permission(pid: u32) -> MemoryError {
    let mut hint = String::from(
        "run mapscope as the same user or as root, or give it CAP_SYS_PTRACE (Docker: --cap-add SYS_PTRACE; \
         Kubernetes: securityContext.capabilities.add: [SYS_PTRACE])",
    );
    if let Ok(scope) = system::text("/proc/sys/kernel/yama/ptrace_scope") {
        hint.push_str(yama(scope.trim()).as_str());
    }
    MemoryError::Permission { pid, hint }
}

fn yama(scope: &str) -> String {
    let meaning = match scope {
        "0" => "which allows the same user",
        "1" => "so only a parent or root may: run as root, or `sysctl kernel.yama.ptrace_scope=0`",
        "2" => "so only CAP_SYS_PTRACE may",
        "3" => "so nobody may until the next boot: take a core instead",
        _ => "which is unknown to mapscope",
    };
    format!("; kernel.yama.ptrace_scope is {scope}, {meaning}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_fields_whatever_the_name() {
        let status = "Name:\tState: Z\nState:\tt (tracing stop)\nTgid:\t12\n";
        assert_eq!(field(status, "Tgid"), Some("12"));
        assert_eq!(state(status), 't');
        assert!(is_kernel_thread("2 (a) b) S 0 0 0 0 -1 2129984 0"));
        assert!(!is_kernel_thread("2 (a) b) S 0 0 0 0 -1 4194304 0"));
        assert!(!is_kernel_thread("garbage"));
    }

    #[test]
    fn says_what_the_scope_means() {
        assert!(yama("1").contains("ptrace_scope is 1, so only a parent"));
    }
}
