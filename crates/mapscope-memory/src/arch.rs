//! What differs between processors, as a value: a port adds one constant here, not a branch elsewhere.

/// The facts about a processor that a reader of memory and stacks needs.
#[derive(Debug, PartialEq, Eq)]
pub struct Arch {
    /// Go's name for it (`GOARCH`).
    pub name: &'static str,
    /// `e_machine` of its ELF files.
    pub elf_machine: u16,
    /// Bytes of a pointer.
    pub pointer_size: u8,
    /// Smallest page the kernel maps, in bytes.
    pub page_size: u64,
    /// Instruction alignment; pclntab's pc deltas are multiples of it.
    pub pc_quantum: u8,
    /// Bytes that a call pushes below the frame: the return address on amd64, nothing where a link register holds it.
    pub return_address_size: u8,
    /// Bytes of `user_regs_struct` in `NT_PRSTATUS` and of `PTRACE_GETREGSET`.
    pub user_regs_size: usize,
    /// Byte offset of the program counter in `user_regs_struct`.
    pub user_regs_pc: usize,
    /// Byte offset of the stack pointer in `user_regs_struct`.
    pub user_regs_sp: usize,
    /// Byte offset of the interrupted program counter from the `ucontext` a signal handler's frame starts with.
    pub ucontext_pc: u64,
    /// Byte offset of the interrupted stack pointer from the same `ucontext`.
    pub ucontext_sp: u64,
    /// Byte ranges (offset, count of 8-byte words) of the general registers in that `ucontext`.
    pub ucontext_general: (u64, u64),
}

/// x86-64. Register order of `user_regs_struct` and `sigcontext` as in Linux `arch/x86/include/asm`.
pub static AMD64: Arch = Arch {
    name: "amd64",
    elf_machine: 62,
    pointer_size: 8,
    page_size: 4096,
    pc_quantum: 1,
    return_address_size: 8,
    user_regs_size: 27 * 8,
    user_regs_pc: 16 * 8,
    user_regs_sp: 19 * 8,
    ucontext_pc: 40 + 16 * 8,
    ucontext_sp: 40 + 15 * 8,
    ucontext_general: (40, 15),
};

/// The registers of one stopped thread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Registers {
    /// Program counter.
    pub pc: u64,
    /// Stack pointer.
    pub sp: u64,
    /// Every word of `user_regs_struct`, in its order: what a conservative scan looks at.
    pub words: Vec<u64>,
}

impl Registers {
    /// Reads the kernel's `user_regs_struct` for `arch`; `None` when `bytes` is too short.
    pub fn from_user_regs(arch: &Arch, bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.get(..arch.user_regs_size)?;
        let words: Vec<u64> =
            bytes.chunks_exact(8).map(|w| u64::from_le_bytes(w.try_into().unwrap_or_default())).collect();
        let pc = *words.get(arch.user_regs_pc / 8)?;
        let sp = *words.get(arch.user_regs_sp / 8)?;
        Some(Self { pc, sp, words })
    }
}
