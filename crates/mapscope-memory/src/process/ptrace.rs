//! The requests of `ptrace` that are used here, and the waits that go with them. What they mean for a process is the
//! matter of [`super::stop`], [`super::watch`] and [`super::snapshot`].

use std::io;
use std::time::{Duration, Instant};

use nix::libc;

/// `NT_PRSTATUS`, the general registers.
const NT_PRSTATUS: usize = 1;
/// `NT_PRFPREG`, the floating point registers, with which the set of XSAVE starts.
const NT_PRFPREG: usize = 2;
/// `NT_X86_XSTATE`, what XSAVE saves.
const NT_X86_XSTATE: usize = 0x202;
/// Stop at the birth of a child made by `clone`.
pub(super) const TRACE_CLONE: usize = libc::PTRACE_O_TRACECLONE as usize;
/// Stop when the thread becomes another program, instead of a signal.
pub(super) const TRACE_EXEC: usize = libc::PTRACE_O_TRACEEXEC as usize;
/// Mark the stops before and after a system call.
pub(super) const TRACE_SYSTEM_CALL: usize = libc::PTRACE_O_TRACESYSGOOD as usize;
/// The thread dies with its tracer. For snapshots alone, never for a thread of a target.
pub(super) const EXIT_KILL: usize = libc::PTRACE_O_EXITKILL as usize;
/// System calls pass the thread's seccomp filter by.
pub(super) const SUSPEND_SECCOMP: usize = 1 << 21;

/// Trace every thread and process that the thread makes. Such a one is seized at its birth, and stops there.
pub(super) const TRACE_OFFSPRING: usize =
    (libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_TRACEFORK | libc::PTRACE_O_TRACEVFORK) as usize;

/// `PTRACE_EVENT_STOP`: our interrupt, a stop by job control, or the birth of a traced child.
const EVENT_STOP: i32 = 128;
/// `PTRACE_EVENT_CLONE`.
const EVENT_CLONE: i32 = 3;
/// `PTRACE_EVENT_EXEC`.
const EVENT_EXEC: i32 = 4;
/// `SIGTRAP | 0x80`.
const SYSTEM_CALL_STOP: i32 = 5 | 0x80;

/// Registers in the order of `user_regs_struct`.
pub(super) type UserRegs = libc::user_regs_struct;

/// What a traced thread has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Halt {
    /// Stopped by an interrupt, by job control or at its birth.
    Stop,
    /// About to make a system call, or just back from one.
    SystemCall,
    /// In `clone`, with the child made.
    Clone,
    /// In `execve`, as the one thread of another program, under the id of the first thread of the old one.
    Exec,
    /// About to be delivered a signal, which is owed to it.
    Signal(i32),
    /// Exited.
    Gone,
    /// Not ours: exited and collected, or it has become another program, and has the id of the first thread now.
    Lost,
}

/// What some thread that we trace has come to, as one who lets it run on needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Report {
    /// About to be delivered a signal.
    Signal(i32),
    /// Stopped by job control, until its process is continued.
    JobControl,
    /// At an event that we asked for, or at its birth.
    Event,
    /// Exited.
    Gone,
}

/// Begins to trace a thread without stopping it, with options from the beginning. Waits for an `execve` of its process.
pub(super) fn seize_with(tid: u32, options: usize) -> io::Result<()> {
    request(libc::PTRACE_SEIZE, tid, 0, options)
}

/// Asks a traced thread to stop, without a signal.
pub(super) fn interrupt(tid: u32) -> io::Result<()> {
    request(libc::PTRACE_INTERRUPT, tid, 0, 0)
}

/// Lets a stopped thread go, with a signal (0 for none).
pub(super) fn detach(tid: u32, signal: i32) -> io::Result<()> {
    request(libc::PTRACE_DETACH, tid, 0, signal as usize)
}

/// Lets a stopped thread run until something stops it.
pub(super) fn resume(tid: u32) -> io::Result<()> {
    request(libc::PTRACE_CONT, tid, 0, 0)
}

/// Lets a thread run that was about to be delivered a signal, and delivers it.
pub(super) fn resume_with(tid: u32, signal: i32) -> io::Result<()> {
    request(libc::PTRACE_CONT, tid, 0, signal as usize)
}

/// Leaves a thread stopped that job control has stopped, until its process is continued.
pub(super) fn listen(tid: u32) -> io::Result<()> {
    request(libc::PTRACE_LISTEN, tid, 0, 0)
}

/// Lets a stopped thread run to the next beginning or end of a system call.
pub(super) fn resume_to_system_call(tid: u32) -> io::Result<()> {
    request(libc::PTRACE_SYSCALL, tid, 0, 0)
}

pub(super) fn set_options(tid: u32, options: usize) -> io::Result<()> {
    request(libc::PTRACE_SETOPTIONS, tid, 0, options)
}

/// The id of the child that a thread in [`Halt::Clone`] has made.
pub(super) fn new_child(tid: u32) -> io::Result<u32> {
    let mut message: libc::c_ulong = 0;
    request(libc::PTRACE_GETEVENTMSG, tid, 0, (&raw mut message) as usize)?;
    u32::try_from(message).map_err(io::Error::other)
}

pub(super) fn registers(tid: u32) -> io::Result<UserRegs> {
    // SAFETY: the structure is plain integers, for which all zeros is a value.
    #[allow(unsafe_code)]
    let mut registers: UserRegs = unsafe { std::mem::zeroed() };
    request(libc::PTRACE_GETREGS, tid, 0, (&raw mut registers) as usize)?;
    Ok(registers)
}

pub(super) fn set_registers(tid: u32, registers: &UserRegs) -> io::Result<()> {
    request(libc::PTRACE_SETREGS, tid, 0, std::ptr::from_ref(registers) as usize)
}

/// The signals that a thread has blocked.
pub(super) fn signal_mask(tid: u32) -> io::Result<u64> {
    let mut mask: u64 = 0;
    request(libc::PTRACE_GETSIGMASK, tid, size_of::<u64>(), (&raw mut mask) as usize)?;
    Ok(mask)
}

pub(super) fn set_signal_mask(tid: u32, mask: u64) -> io::Result<()> {
    request(libc::PTRACE_SETSIGMASK, tid, size_of::<u64>(), (&raw const mask) as usize)
}

/// Fills `bytes` with a thread's general registers; how many there are. A thread in 32-bit mode has fewer.
pub(super) fn general_registers(tid: u32, bytes: &mut [u8]) -> io::Result<usize> {
    register_set(tid, NT_PRSTATUS, bytes)
}

/// Fills `bytes` with a thread's floating point and vector registers, in the layout of XSAVE; how many there are.
pub(super) fn vector_registers(tid: u32, bytes: &mut [u8]) -> io::Result<usize> {
    register_set(tid, NT_X86_XSTATE, bytes)
}

/// The first part of [`vector_registers`], where the processor has no XSAVE.
pub(super) fn floating_registers(tid: u32, bytes: &mut [u8]) -> io::Result<usize> {
    register_set(tid, NT_PRFPREG, bytes)
}

fn register_set(tid: u32, set: usize, bytes: &mut [u8]) -> io::Result<usize> {
    let mut vec = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    request(libc::PTRACE_GETREGSET, tid, set, (&raw mut vec) as usize)?;
    Ok(vec.iov_len.min(bytes.len()))
}

/// What a thread has come to; `None` while it runs. The report is looked at, not taken (`WNOWAIT`): the kernel forgets a
/// signal once its stop was taken, and if we were killed then, nobody could deliver it any more.
pub(super) fn poll(tid: u32) -> Option<Halt> {
    // SAFETY: siginfo_t is plain integers, for which all zeros is a value.
    #[allow(unsafe_code)]
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let options = libc::WEXITED | libc::WSTOPPED | libc::WNOHANG | libc::WNOWAIT | libc::__WALL;
    // SAFETY: `info` is valid for writes for the length of the call.
    #[allow(unsafe_code)]
    let result = unsafe { libc::waitid(libc::P_PID, tid, &raw mut info, options) };
    if result != 0 {
        // ECHILD. EINTR cannot happen without blocking.
        return Some(Halt::Lost);
    }
    // SAFETY: waitid filled `info` for a child, or left it zero; both fields are then plain integers of the union.
    #[allow(unsafe_code)]
    let (who, status) = unsafe { (info.si_pid(), info.si_status()) };
    match info.si_code {
        _ if who == 0 => None,
        libc::CLD_TRAPPED | libc::CLD_STOPPED => Some(match (status >> 8, status & 0xff) {
            (EVENT_STOP, _) => Halt::Stop,
            (EVENT_CLONE, _) => Halt::Clone,
            (EVENT_EXEC, _) => Halt::Exec,
            (_, SYSTEM_CALL_STOP) => Halt::SystemCall,
            (_, signal) => Halt::Signal(signal),
        }),
        _ => Some(Halt::Gone),
    }
}

/// Waits until a thread that this very thread traces has come to something. As in [`poll`], the report is looked at and
/// not taken: if we were killed now, a signal would still be delivered. It is gone when the thread was let run.
///
/// # Errors
/// `ECHILD` when this thread traces none.
pub(super) fn next_report() -> io::Result<(u32, Report)> {
    // SAFETY: siginfo_t is plain integers, for which all zeros is a value.
    #[allow(unsafe_code)]
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let options = libc::WEXITED | libc::WSTOPPED | libc::WNOWAIT | libc::__WALL | libc::__WNOTHREAD;
    loop {
        // SAFETY: `info` is valid for writes for the length of the call.
        #[allow(unsafe_code)]
        if unsafe { libc::waitid(libc::P_ALL, 0, &raw mut info, options) } == 0 {
            break;
        }
        match io::Error::last_os_error() {
            error if error.kind() == io::ErrorKind::Interrupted => {}
            error => return Err(error),
        }
    }
    // SAFETY: waitid has filled `info`; both fields are then plain integers of the union.
    #[allow(unsafe_code)]
    let (tid, status) = unsafe { (info.si_pid(), info.si_status()) };
    let report = match (info.si_code, status >> 8, status & 0xff) {
        (libc::CLD_TRAPPED | libc::CLD_STOPPED, EVENT_STOP, libc::SIGTRAP) => Report::Event,
        (libc::CLD_TRAPPED | libc::CLD_STOPPED, EVENT_STOP, _) => Report::JobControl,
        (libc::CLD_TRAPPED | libc::CLD_STOPPED, 0, signal) => Report::Signal(signal),
        (libc::CLD_TRAPPED | libc::CLD_STOPPED, ..) => Report::Event,
        _ => Report::Gone,
    };
    Ok((tid as u32, report))
}

/// Takes the report of a traced thread or process. That it has ended, its parent is told next.
pub(super) fn collect(pid: u32) {
    let mut status = 0;
    // SAFETY: `status` is valid for writes for the length of the call.
    #[allow(unsafe_code)]
    unsafe {
        libc::waitpid(pid as libc::pid_t, &raw mut status, libc::WNOHANG | libc::__WALL);
    }
}

/// Waits for a thread that was let run. Polls, because a blocking wait could never be given up.
pub(super) fn wait(tid: u32, deadline: Instant) -> io::Result<Halt> {
    let mut pause = Duration::from_micros(1);
    loop {
        if let Some(halt) = poll(tid) {
            return Ok(halt);
        }
        if Instant::now() >= deadline {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // The first polls find a system call that takes no time; then the processor is left to it.
        if pause < Duration::from_micros(20) {
            std::thread::yield_now();
        } else {
            std::thread::sleep(pause);
        }
        pause = (pause * 2).min(Duration::from_micros(200));
    }
}

fn request(request: libc::c_uint, tid: u32, addr: usize, data: usize) -> io::Result<()> {
    // SAFETY: what the kernel writes or reads of ours is behind `data`, a structure of the size that the request
    // demands or an iovec that says its own, which every caller in this file keeps alive.
    #[allow(unsafe_code)]
    let result = unsafe { libc::ptrace(request, tid as libc::pid_t, addr, data) };
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
