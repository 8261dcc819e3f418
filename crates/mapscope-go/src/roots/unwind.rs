//! The frames of a goroutine, innermost first.
//!
//! Follows `unwinder` of `runtime/traceback.go` as the garbage collector uses it; its rules are the same in Go 1.21 to
//! 1.27 on amd64.

use mapscope_memory::Memory;

use crate::runtime::{Function, FunctionTable};

/// Frames of one goroutine; a stack of 1 GiB (Go's limit) has fewer.
const MAX_FRAMES: usize = 1 << 22;
/// `abi.FuncFlagTopFrame`, `abi.FuncFlagSPWrite`.
const TOP_FRAME: u8 = 1;
const WRITES_SP: u8 = 2;

/// One physical frame.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) pc: u64,
    pub(crate) sp: u64,
    /// The caller's sp: debug information's canonical frame address.
    pub(crate) fp: u64,
    /// Top of the local variables.
    pub(crate) varp: u64,
    /// Where execution continues; 0 when it does not, and the frame is dead.
    pub(crate) continue_at: u64,
    pub(crate) function: Function,
    /// Index of its table.
    pub(crate) table: usize,
}

/// Why unwinding ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// At the goroutine's first function.
    Top,
    /// At something unknown: the rest of the stack, from this address, has no frames.
    Unknown(u64),
}

/// Unwinds from (pc, sp). `from_syscall`: they are those saved at a system call.
pub(crate) fn unwind(
    memory: &dyn Memory,
    tables: &[FunctionTable],
    stack: &std::ops::Range<u64>,
    (mut pc, mut sp): (u64, u64),
    from_syscall: bool,
) -> (Vec<Frame>, End) {
    let word = u64::from(memory.arch().pointer_size);
    let mut frames: Vec<Frame> = Vec::new();
    if pc == 0 {
        // A call of a nil function: the return address is where a frame would begin.
        pc = memory.u64(sp).unwrap_or(0);
        sp = sp.wrapping_add(word);
    }
    let mut after_panic = false;
    while frames.len() < MAX_FRAMES {
        let found = tables.iter().enumerate().find_map(|(i, t)| Some((i, t, t.find(pc)?)));
        let Some((table, functions, function)) = found.filter(|_| stack.contains(&sp)) else {
            return (frames, End::Unknown(sp));
        };
        let Some(size) = functions.frame_size(&function, pc) else { return (frames, End::Unknown(sp)) };
        let fp = sp.saturating_add(size).saturating_add(u64::from(memory.arch().return_address_size));
        if fp > stack.end {
            return (frames, End::Unknown(sp));
        }
        let innermost = frames.is_empty();
        let name = functions.name(&function);
        let mut flag = function.flag;
        if name == "runtime.cgocallback" || innermost && from_syscall {
            flag &= !WRITES_SP;
        }
        let varp = {
            let varp = fp - u64::from(memory.arch().return_address_size);
            // The caller's frame pointer is saved in the first word of every frame that has any.
            if varp > sp { varp - word } else { varp }
        };
        let continue_at = match (after_panic, function.defer_return) {
            (false, _) => pc,
            (true, 0) => 0,
            (true, offset) => function.entry.wrapping_add(u64::from(offset) + 1),
        };
        after_panic = name == "runtime.sigpanic";
        frames.push(Frame { pc, sp, fp, varp, continue_at, function, table });
        if flag & TOP_FRAME != 0 {
            return (frames, End::Top);
        }
        if flag & WRITES_SP != 0 && !innermost {
            return (frames, End::Unknown(fp));
        }
        let Ok(caller) = memory.u64(fp - u64::from(memory.arch().return_address_size)) else {
            return (frames, End::Unknown(fp));
        };
        if caller == 0 {
            // Only `TOP_FRAME` ends a stack; a word of zeros is one that was lost.
            return (frames, End::Unknown(fp));
        }
        (pc, sp) = (caller, fp);
    }
    (frames, End::Unknown(sp))
}
