//! A stopped thread of the target that makes one system call for us, and is given back as it was.
//!
//! While it is lent all its signals are blocked, so that none of the program's own code runs. Its registers are put back
//! in a stop on the way out of the kernel, where the kernel then restarts the system call that our stop cut short, as it
//! would have without us. When we are killed meanwhile, [`super::lifeline`] does.

use std::fs::File;
use std::io;
use std::time::Instant;

use nix::libc;

use super::gadgets::Gadgets;
use super::lifeline::{Refuge, Registers, Stacks};
use crate::process::ptrace::{self, Halt, UserRegs};

/// Stops by job control that are passed on the way to the one we wait for.
const OTHER_STOPS: usize = 100;
/// More than the XSAVE area of any processor with AMX.
const VECTOR_BYTES: usize = 16 << 10;
/// `ERESTART_RESTARTBLOCK`: the kernel keeps for the thread what is left of the call.
const RESTART_BLOCK: i64 = -516;

/// What to call, and what is done with a child that the call makes before either runs on.
pub(super) struct Call<'c> {
    pub(super) number: libc::c_long,
    pub(super) arguments: [u64; 4],
    pub(super) born: &'c mut dyn FnMut(u32) -> io::Result<()>,
}

/// Where in the target a thread can be sent.
#[derive(Clone, Copy)]
pub(super) struct Ground<'g> {
    /// The target's memory, to read and write.
    pub(super) mem: &'g File,
    pub(super) gadgets: &'g Gadgets,
    pub(super) refuge: Refuge,
}

/// A thread that is lent to us.
pub(super) struct Loan<'g> {
    tid: u32,
    ground: Ground<'g>,
    saved: Registers,
    deadline: Instant,
}

impl<'g> Loan<'g> {
    /// Borrows the stopped thread `tid` until `deadline`, with options of [`ptrace`] for as long as the loan lasts. What has
    /// not come to an end by then is left to itself: it ends as when we are killed.
    pub(super) fn take(tid: u32, ground: Ground<'g>, options: usize, deadline: Instant) -> io::Result<Self> {
        let mut vector = vec![0; VECTOR_BYTES];
        let length = ptrace::vector_registers(tid, &mut vector)?;
        vector.truncate(length);
        let saved = Registers { general: ptrace::registers(tid)?, vector, mask: ptrace::signal_mask(tid)? };
        ptrace::set_options(tid, options | ptrace::TRACE_SYSTEM_CALL | ptrace::TRACE_EXEC)?;
        Ok(Self { tid, ground, saved, deadline })
    }

    /// Makes the thread do `call`; what that returned. The second result is a signal that has come to be delivered, with
    /// which the thread must be let go.
    ///
    /// # Errors
    /// When the thread was killed, or behaves as no thread does. Its registers are its own again, if there is one.
    pub(super) fn make(&self, call: &mut Call<'_>) -> io::Result<(i64, i32)> {
        let Ground { mem, gadgets, refuge } = self.ground;
        let stacks = refuge.prepare(mem, gadgets, &self.saved)?;
        self.send(call, stacks)?;
        // Only now, and back before the registers are: once they are its own, nothing would unblock the signals for us.
        ptrace::set_signal_mask(self.tid, u64::MAX)?;
        die_here();
        let made = self.run(call.born);
        die_here();
        let signal = match ptrace::poll(self.tid) {
            // Only a stop by job control gets through; it is then to be delivered after all.
            Some(Halt::Signal(signal)) => Ok(signal),
            _ => self.leave_kernel(),
        };
        die_here();
        ptrace::set_signal_mask(self.tid, self.saved.mask)?;
        die_here();
        ptrace::set_registers(self.tid, &self.saved.general)?;
        die_here();
        ptrace::set_options(self.tid, ptrace::TRACE_EXEC)?;
        refuge.clear(mem)?;
        die_here();
        Ok((made?, signal?))
    }

    /// Gives the thread the registers of the system call.
    fn send(&self, call: &Call<'_>, stacks: Stacks) -> io::Result<()> {
        die_here();
        let [rdi, mut rsi, rdx, r10] = call.arguments;
        if call.number == libc::SYS_clone {
            rsi = stacks.child;
        }
        let registers = UserRegs {
            rip: self.ground.gadgets.system_call,
            rsp: stacks.own,
            rax: call.number as u64,
            // What the thread was in is not to be restarted now.
            orig_rax: u64::MAX,
            rdi,
            rsi,
            rdx,
            r10,
            ..self.saved.general
        };
        ptrace::set_registers(self.tid, &registers)?;
        die_here();
        Ok(())
    }

    /// From the stop that the thread is in to the one after the system call.
    fn run(&self, born: &mut dyn FnMut(u32) -> io::Result<()>) -> io::Result<i64> {
        match self.step()? {
            Halt::SystemCall => {}
            other => return Err(unexpected(other)),
        }
        loop {
            die_here();
            match self.step()? {
                Halt::SystemCall => return Ok(ptrace::registers(self.tid)?.rax as i64),
                Halt::Clone => {
                    die_here();
                    born(ptrace::new_child(self.tid)?)?;
                }
                other => return Err(unexpected(other)),
            }
        }
    }

    fn step(&self) -> io::Result<Halt> {
        for _ in 0..OTHER_STOPS {
            ptrace::resume_to_system_call(self.tid)?;
            match ptrace::wait(self.tid, self.deadline)? {
                Halt::Stop => {}
                Halt::Gone | Halt::Lost => return Err(io::Error::from_raw_os_error(libc::ESRCH)),
                halt => return Ok(halt),
            }
        }
        Err(unexpected(Halt::Stop))
    }

    /// Brings the thread to a stop where the kernel looks for calls to restart after it; the signal that it stopped with.
    fn leave_kernel(&self) -> io::Result<i32> {
        ptrace::interrupt(self.tid)?;
        ptrace::resume(self.tid)?;
        match ptrace::wait(self.tid, self.deadline)? {
            Halt::Signal(signal) => Ok(signal),
            Halt::Gone | Halt::Lost => Err(io::Error::from_raw_os_error(libc::ESRCH)),
            _ => Ok(0),
        }
    }
}

fn unexpected(halt: Halt) -> io::Error {
    io::Error::other(format!("it stopped in an unexpected way ({halt:?})"))
}

/// How well a thread with these registers lends itself, lower is better; `None` when it must not. Threads in the kernel
/// come first: one in the program may be in a sequence that it must not be taken out of (`rseq`).
pub(super) fn suitability(words: &[u64]) -> Option<u8> {
    const RAX: usize = 10;
    const ORIG_RAX: usize = 15;
    const CS: usize = 17;
    /// The code segment of 64-bit programs.
    const USER_CS: u64 = 0x33;
    let word = |index: usize| words.get(index).copied();
    if word(CS)? != USER_CS {
        return None;
    }
    let in_kernel = word(ORIG_RAX)? as i64 >= 0;
    Some(match word(RAX)? as i64 {
        RESTART_BLOCK if in_kernel => 1,
        _ if in_kernel => 0,
        _ => 2,
    })
}

/// Where tests have a keeper killed.
#[cfg(not(test))]
fn die_here() {}
#[cfg(test)]
use super::tests::die_here;
