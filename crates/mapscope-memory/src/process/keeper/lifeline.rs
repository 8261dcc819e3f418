//! What brings a borrowed thread home, and makes an end of a snapshot let loose, when nobody is left to do it.
//!
//! The kernel lets go of all threads of a tracer that is killed. One that is on loan then comes out of a system call that
//! is not its own, with registers that are not its own. So before it is sent there, the frame that the kernel itself
//! makes for a signal handler is put where the program has no use for the memory: it holds all registers of the thread,
//! its signal mask, and where to go on. What follows the borrowed `syscall` is a `ret`, which leads from there to
//! `rt_sigreturn`, and with that the thread is where it was. The child of a `clone` finds another frame on its stack:
//! one whose registers are those of a call of `exit_group`.
//!
//! Layouts follow Linux `arch/x86/include/uapi/asm/{sigcontext,ucontext}.h` and `arch/x86/kernel/fpu/signal.c`.

use std::arch::x86_64::__cpuid_count;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use nix::libc;

use super::gadgets::Gadgets;
use crate::process::ptrace::UserRegs;
use crate::{AMD64, Region};

/// Bytes that the frames take.
const SIZE: usize = 2 * 4096;
/// What they begin with.
const MARK: &[u8] = b"mapscope's frames\0";
/// Where in them the child's frame begins, then the thread's, then its vector registers.
const CHILD: usize = 64;
const OWN: usize = 512;
const VECTOR: usize = 1024;
/// Below the main thread's stack pointer, this much is not taken for unused.
const IN_USE: u64 = 32 << 10;

/// Offset of `uc_mcontext` in `ucontext`, and of the fields in it that are not general registers.
const CONTEXT: usize = 8 + 40;
const SEGMENTS: usize = CONTEXT + 18 * 8;
const VECTOR_POINTER: usize = CONTEXT + 23 * 8;
const MASK: usize = CONTEXT + 256;
/// `UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS`.
const FLAGS: u64 = 7;
/// No mode of a signal stack, so that the kernel leaves that alone.
const NO_MODE: u64 = 3;

/// In the XSAVE area: what the kernel says of it, the length of that with the features, and the features in use.
const SOFTWARE: usize = 464;
const FEATURES_IN_USE: usize = 512;
const LEGACY: usize = 512 + 64;
const MAGIC_1: u32 = 0x4650_5853;
const MAGIC_2: u32 = 0x4650_5845;
/// AMX, which a thread has to ask for, and whose size is then another: tile configuration and data.
const ON_DEMAND: u64 = 3 << 17;

/// Memory of the target that the program has no use for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refuge(u64);

/// Stack pointers that lead home.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stacks {
    pub(super) own: u64,
    pub(super) child: u64,
}

impl Refuge {
    /// The far end of the first thread's stack. The kernel maps more than 128 KiB below what a program starts with; Go uses
    /// half of it. `stack` is an address in it.
    pub(super) fn find(regions: &[Region], stack: Option<u64>) -> Option<Self> {
        let region = regions.iter().find(|r| stack.is_some_and(|s| (r.start..r.end).contains(&s)))?;
        (region.write && region.start + SIZE as u64 <= region.end).then_some(Self(region.start))
    }

    /// Whether the program has never been there; what a keeper left that was killed does not count. `first` is the stack
    /// pointer of the first thread, `all` has those of all threads that stand still.
    pub(super) fn is_free(self, mem: &File, first: Option<u64>, all: &[u64]) -> bool {
        let place = self.0..self.0 + SIZE as u64;
        let near = self.0..place.end + IN_USE;
        let mut bytes = [0; SIZE];
        mem.read_exact_at(&mut bytes, self.0).is_ok()
            && (bytes.starts_with(MARK) || bytes.iter().all(|&b| b == 0))
            && !first.is_some_and(|sp| near.contains(&sp))
            && !all.iter().any(|sp| place.contains(sp))
    }

    /// Puts the frames there for a thread with these registers.
    pub(super) fn prepare(self, mem: &File, gadgets: &Gadgets, thread: &Registers) -> io::Result<Stacks> {
        let mut bytes = vec![0; SIZE];
        bytes[..MARK.len()].copy_from_slice(MARK);
        let exit = UserRegs { rip: gadgets.system_call, rax: libc::SYS_exit_group as u64, rdi: 0, ..thread.general };
        frame(&mut bytes[CHILD..OWN], gadgets, &exit, u64::MAX, 0);
        let vector = self.0 + VECTOR as u64;
        frame(&mut bytes[OWN..VECTOR], gadgets, &restarted(&thread.general), thread.mask, vector);
        vector_frame(&mut bytes[VECTOR..], &thread.vector)
            .ok_or_else(|| io::Error::other("its vector registers do not fit into the frame of a signal"))?;
        mem.write_all_at(&bytes, self.0)?;
        Ok(Stacks { own: self.0 + OWN as u64, child: self.0 + CHILD as u64 })
    }

    /// Leaves the memory as it was.
    pub(super) fn clear(self, mem: &File) -> io::Result<()> {
        mem.write_all_at(&[0; SIZE], self.0)
    }
}

/// All that a thread has in the processor, and the signals that it blocks.
pub(super) struct Registers {
    pub(super) general: UserRegs,
    pub(super) vector: Vec<u8>,
    pub(super) mask: u64,
}

/// What the kernel makes of the registers of a thread whose system call was cut short: they go on by making it again.
fn restarted(registers: &UserRegs) -> UserRegs {
    /// `ERESTARTSYS`, `ERESTARTNOINTR`, `ERESTARTNOHAND`; `ERESTART_RESTARTBLOCK`.
    const AGAIN: [i64; 3] = [-512, -513, -514];
    const BLOCK: i64 = -516;
    const SYSCALL_LENGTH: u64 = 2;
    let mut after = *registers;
    if (registers.orig_rax as i64) < 0 {
        return after;
    }
    let result = registers.rax as i64;
    if AGAIN.contains(&result) {
        after.rax = registers.orig_rax;
        after.rip -= SYSCALL_LENGTH;
    } else if result == BLOCK {
        // The rest of the call is lost with the frame: the program is told that it was interrupted, as by a signal.
        after.rax = libc::SYS_restart_syscall as u64;
        after.rip -= SYSCALL_LENGTH;
    }
    after
}

/// A `struct rt_sigframe` without its `siginfo`, which nobody reads.
fn frame(bytes: &mut [u8], gadgets: &Gadgets, r: &UserRegs, mask: u64, vector: u64) {
    let mut put = |at: usize, value: u64| bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
    put(0, gadgets.signal_return);
    put(8, FLAGS);
    put(8 + 24, NO_MODE);
    let general = [
        r.r8, r.r9, r.r10, r.r11, r.r12, r.r13, r.r14, r.r15, r.rdi, r.rsi, r.rbp, r.rbx, r.rdx, r.rax, r.rcx, r.rsp,
        r.rip, r.eflags,
    ];
    for (index, value) in general.into_iter().enumerate() {
        put(CONTEXT + index * 8, value);
    }
    put(SEGMENTS, r.cs & 0xffff | (r.ss & 0xffff) << 48);
    put(VECTOR_POINTER, vector);
    put(MASK, mask);
}

/// The vector registers, as `ptrace` gives them, with what tells `rt_sigreturn` that they are all there.
fn vector_frame(bytes: &mut [u8], vector: &[u8]) -> Option<()> {
    let word = |at: usize| Some(u64::from_le_bytes(vector.get(at..at + 8)?.try_into().ok()?));
    if word(FEATURES_IN_USE)? & ON_DEMAND != 0 {
        return None;
    }
    let features = word(SOFTWARE)? & !ON_DEMAND;
    let size = (2..63).filter(|n| features >> n & 1 == 1).map(component_end).max().unwrap_or(0).max(LEGACY);
    let area = vector.get(..size)?;
    bytes.get_mut(..size + 4)?[..size].copy_from_slice(area);
    let software = &mut bytes[SOFTWARE..FEATURES_IN_USE];
    software.fill(0);
    software[..4].copy_from_slice(&MAGIC_1.to_le_bytes());
    software[4..8].copy_from_slice(&(size as u32 + 4).to_le_bytes());
    software[8..16].copy_from_slice(&features.to_le_bytes());
    software[16..20].copy_from_slice(&(size as u32).to_le_bytes());
    bytes[size..size + 4].copy_from_slice(&MAGIC_2.to_le_bytes());
    Some(())
}

/// Where a component of the processor's state ends in the XSAVE area.
fn component_end(component: u32) -> usize {
    const XSAVE: u32 = 0xd;
    // SAFETY: every processor with the state that is asked about has the instruction, and it only fills registers.
    #[allow(unsafe_code, unused_unsafe)]
    let answer = unsafe { __cpuid_count(XSAVE, component) };
    (answer.eax + answer.ebx) as usize
}

const _: () = assert!(AMD64.page_size as usize * 2 == SIZE && OWN - CHILD >= MASK + 8 && VECTOR - OWN >= MASK + 8);
const _: () =
    assert!(MARK.len() <= CHILD && VECTOR.is_multiple_of(64) && CHILD.is_multiple_of(16) && OWN.is_multiple_of(16));
