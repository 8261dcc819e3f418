//! The requests of `ptrace` that are used here, and the wait that goes with them. What they mean for a process is the
//! matter of [`super::stop`] and [`super::snapshot`].

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
/// Mark the stops before and after a system call.
pub(super) const TRACE_SYSTEM_CALL: usize = libc::PTRACE_O_TRACESYSGOOD as usize;
/// The thread dies with its tracer. For snapshots alone, never for a thread of a target.
pub(super) const EXIT_KILL: usize = libc::PTRACE_O_EXITKILL as usize;
/// System calls pass the thread's seccomp filter by.
pub(super) const SUSPEND_SECCOMP: usize = 1 << 21;

/// `PTRACE_EVENT_STOP`: our interrupt, a stop by job control, or the birth of a traced child.
const EVENT_STOP: i32 = 128;
/// `PTRACE_EVENT_CLONE`.
const EVENT_CLONE: i32 = 3;
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
    /// About to be delivered a signal, which is owed to it.
    Signal(i32),
    /// Exited, or never ours.
    Gone,
}

/// Begins to trace a thread without stopping it.
pub(super) fn seize(tid: u32) -> io::Result<()> {
    request(libc::PTRACE_SEIZE, tid, 0, 0)
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
        // ECHILD: it exited and is collected. EINTR cannot happen without blocking.
        return Some(Halt::Gone);
    }
    // SAFETY: waitid filled `info` for a child, or left it zero; both fields are then plain integers of the union.
    #[allow(unsafe_code)]
    let (who, status) = unsafe { (info.si_pid(), info.si_status()) };
    match info.si_code {
        _ if who == 0 => None,
        libc::CLD_TRAPPED | libc::CLD_STOPPED => Some(match (status >> 8, status & 0xff) {
            (EVENT_STOP, _) => Halt::Stop,
            (EVENT_CLONE, _) => Halt::Clone,
            (_, SYSTEM_CALL_STOP) => Halt::SystemCall,
            (_, signal) => Halt::Signal(signal),
        }),
        _ => Some(Halt::Gone),
    }
}

/// Takes the report that a traced process has ended; its parent gets it next.
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
