//! The runtime's threads, and where the goroutine that runs on one really is.

use mapscope_memory::{Figure, Partial, Thread};
use rustc_hash::{FxHashMap, FxHashSet};

use super::Context;
use super::goroutine::is_dead;
use super::queues::check_new;
use crate::GoError;

/// Signal handlers nested in one another; Go has one at most.
const MAX_SIGNALS: usize = 4;

/// `runtime.m`, as far as it is needed.
struct Machine {
    address: u64,
    tid: u32,
    g0: u64,
    signal: u64,
    current: u64,
    vdso: Option<(u64, u64)>,
}

/// Where to start unwinding a running goroutine.
#[derive(Clone, Debug, Default)]
pub(super) struct Start {
    pub(super) pc: u64,
    pub(super) sp: u64,
    /// Registers of the interrupted code: any of them may be the only pointer to an object.
    pub(super) registers: Vec<u64>,
}

/// What every thread was doing.
pub(super) struct Threads<'c, 'm> {
    context: &'c Context<'m>,
    machines: Vec<Machine>,
    by_tid: FxHashMap<u32, &'c Thread>,
}

impl<'c, 'm> Threads<'c, 'm> {
    /// Reads `allm`.
    pub(super) fn read(context: &'c Context<'m>) -> Result<Self, GoError> {
        let (memory, m) = (context.memory, &context.layout.m);
        let mut machines = Vec::new();
        let mut at = memory.u64(context.globals.all_threads)?;
        let mut seen = FxHashSet::default();
        while at != 0 {
            check_new(&mut seen, at, "runtime.m")?;
            let field = |f: crate::runtime::Field| memory.u64(at.wrapping_add(f.offset));
            let (vdso_pc, vdso_sp) = (field(m.vdso_pc)?, field(m.vdso_sp)?);
            machines.push(Machine {
                address: at,
                tid: field(m.tid)? as u32,
                g0: field(m.g0)?,
                signal: field(m.signal)?,
                current: field(m.current)?,
                vdso: (vdso_sp != 0).then_some((vdso_pc, vdso_sp)),
            });
            at = field(m.next)?;
        }
        if machines.is_empty() {
            return Err(GoError::inconsistent("runtime.allm", context.globals.all_threads, "it is empty"));
        }
        let by_tid = context.memory.threads().iter().map(|t| (t.tid, t)).collect();
        Ok(Self { context, machines, by_tid })
    }

    /// Addresses of all.
    pub(super) fn addresses(&self) -> Vec<u64> {
        self.machines.iter().map(|machine| machine.address).collect()
    }

    /// Says what the threads tell of goroutines and registers that are not there.
    pub(super) fn check(&self, goroutines: &[u64], partial: &mut Partial) {
        let known: FxHashSet<u64> = goroutines.iter().copied().collect();
        let unlisted = self.machines.iter().filter(|m| m.current != 0 && !known.contains(&m.current)).count();
        if unlisted > 0 {
            partial.add(
                Figure::Live | Figure::Goroutines,
                format!("{unlisted} goroutines that run on a thread are not in the list of all goroutines"),
            );
        }
        if self.by_tid.is_empty() {
            // That a target has no threads at all was said by whoever opened it.
            return;
        }
        // Wherever a thread is, in C or in a signal handler, it has a stack.
        let has_stack = |thread: &&Thread| self.context.memory.is_mapped(thread.registers.sp, 8);
        let is_known = |m: &&Machine| self.by_tid.get(&m.tid).copied().is_some_and(|thread| has_stack(&thread));
        let without = self.machines.iter().filter(|m| self.runs(m) && !is_known(m)).count();
        if without > 0 {
            partial.add(
                Figure::Live | Figure::Goroutines,
                format!("the target lacks the registers of {without} threads that run goroutines"),
            );
        }
    }

    /// Whether it runs a goroutine. One that waits for a thread of C to use it (`oneNewExtraM`) has a dead one, and no
    /// thread.
    fn runs(&self, machine: &Machine) -> bool {
        let layout = &self.context.layout.g;
        let status = self.context.memory.u32(machine.current.wrapping_add(layout.status.offset)).unwrap_or(0);
        machine.current != 0 && !is_dead(u64::from(status))
    }

    /// Where goroutine `g` with the stack `stack` stands, when a thread is in its code. `None` when the thread is on
    /// its system stack or in C: then what the scheduler saved is right.
    pub(super) fn start(&self, g: u64, stack: &std::ops::Range<u64>) -> Option<Start> {
        let machine = self.machines.iter().find(|m| m.current == g)?;
        let thread = self.by_tid.get(&machine.tid)?;
        let registers = &thread.registers;
        let mut start = Start { pc: registers.pc, sp: registers.sp, registers: registers.words.clone() };
        for _ in 0..MAX_SIGNALS {
            if stack.contains(&start.sp) {
                return Some(self.out_of_vdso(machine, stack, start));
            }
            if self.on_stack_of(machine.g0, start.sp) {
                return None;
            }
            // A signal handler, on gsignal or, with cgo, on an alternate stack of C.
            start = self.interrupted(&start, self.on_stack_of(machine.signal, start.sp))?;
        }
        None
    }

    /// Code of the kernel's vDSO has no tables; the runtime notes where it called it from.
    fn out_of_vdso(&self, machine: &Machine, stack: &std::ops::Range<u64>, start: Start) -> Start {
        let known = self.context.functions.iter().any(|t| t.module().text.contains(&start.pc));
        match machine.vdso {
            Some((pc, sp)) if !known && stack.contains(&sp) => Start { pc, sp, ..start },
            _ => start,
        }
    }

    fn on_stack_of(&self, g: u64, sp: u64) -> bool {
        let read = |f: crate::runtime::Field| self.context.memory.u64(g.wrapping_add(f.offset)).unwrap_or(0);
        g != 0 && (read(self.context.layout.g.stack_lo)..read(self.context.layout.g.stack_hi)).contains(&sp)
    }

    /// The registers that the signal handler at `start` interrupted: unwinds to `runtime.sigtramp`, above whose frame
    /// the kernel put its `ucontext`.
    fn interrupted(&self, start: &Start, go_stack: bool) -> Option<Start> {
        if !go_stack {
            return None;
        }
        let (memory, arch) = (self.context.memory, self.context.memory.arch());
        let (mut pc, mut sp) = (start.pc, start.sp);
        for _ in 0..64 {
            let (table, function) = self.context.functions.iter().find_map(|t| Some((t, t.find(pc)?)))?;
            let frame = table.frame_size(&function, pc)?;
            let fp = sp.checked_add(frame)?.checked_add(u64::from(arch.return_address_size))?;
            if matches!(table.name(&function), "runtime.sigtramp" | "runtime.cgoSigtramp") {
                let (from, count) = arch.ucontext_general;
                let registers = super::words(memory, fp.checked_add(from)?, count * 8).ok()?;
                let (pc, sp) = (
                    memory.u64(fp.checked_add(arch.ucontext_pc)?).ok()?,
                    memory.u64(fp.checked_add(arch.ucontext_sp)?).ok()?,
                );
                return Some(Start { pc, sp, registers });
            }
            pc = memory.u64(fp - u64::from(arch.return_address_size)).ok()?;
            sp = fp;
        }
        None
    }
}
