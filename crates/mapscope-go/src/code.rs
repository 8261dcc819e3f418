//! What machine code tells: the addresses it works with.

use mapscope_memory::Arch;

/// What an instruction does with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Loads the address itself.
    Address,
    /// Reads the word there.
    Load,
    /// Writes the word there.
    Store,
}

/// An instruction that names an address relative to its own position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Relative {
    pub(crate) access: Access,
    /// The other operand, as the processor numbers its registers.
    pub(crate) register: u8,
    pub(crate) address: u64,
}

/// Bytes of a [`Relative`] instruction.
pub(crate) const RELATIVE: usize = 7;
/// Bytes of a load of four bytes, without a prefix.
const HALF: usize = 6;

/// The instruction at the start of `code`, which is at `at` in the target: `lea`, or a `mov` of eight bytes, relative to
/// the program counter.
pub(crate) fn relative(code: &[u8], at: u64) -> Option<Relative> {
    let window = code.get(..RELATIVE)?;
    if !matches!(window[0], 0x48 | 0x4c) || window[2] & 0xc7 != 0x05 {
        return None;
    }
    let access = match window[1] {
        0x8d => Access::Address,
        0x8b => Access::Load,
        0x89 => Access::Store,
        _ => return None,
    };
    let displacement = i32::from_le_bytes([window[3], window[4], window[5], window[6]]);
    let address = at.wrapping_add(RELATIVE as u64).wrapping_add_signed(i64::from(displacement));
    Some(Relative { access, register: window[2] >> 3 & 7 | (window[0] & 4) << 1, address })
}

/// Calls `sink` with each address that the code at `start` names relative to its own position.
///
/// Bytes that only look like an instruction give addresses that the caller must check anyway. Processors other than
/// amd64: nothing.
pub(crate) fn accesses(arch: &Arch, code: &[u8], start: u64, mut sink: impl FnMut(Relative)) {
    if arch.name != "amd64" {
        return;
    }
    for at in 0..code.len() {
        if let Some(found) = relative(&code[at..], start.wrapping_add(at as u64)) {
            sink(found);
        }
    }
}

/// Bytes before the address to which a call returns that tell what is called.
pub(crate) const CALL: usize = 6;

/// Whether `code`, which ends where a call returns to, calls a function value. The code expects the value in `rdx`, which is
/// no register of arguments: right before the call, the compiler moves it there, or reads the address of the code from it.
/// Processors other than amd64: never.
pub(crate) fn calls_function_value(arch: &Arch, code: &[u8]) -> bool {
    let (before, called) = match code {
        [before @ .., 0x41, 0xff, call @ 0xd0..=0xd7] => (before, (call & 7) + 8),
        [before @ .., 0xff, call @ 0xd0..=0xd7] => (before, call & 7),
        _ => return false,
    };
    let is_value = match before {
        // mov (%rdx),register
        [.., rex @ (0x48 | 0x4c), 0x8b, operands] => {
            operands & 0xc7 == 2 && (operands >> 3 & 7 | (rex & 4) << 1) == called
        }
        // mov register,%rdx
        [.., 0x48 | 0x4c, 0x89, operands] => operands & 0xc7 == 0xc2,
        _ => false,
    };
    is_value && arch.name == "amd64"
}

/// Calls `sink` with each address of which the code at `start` loads four bytes: `mov` to half a register, relative to
/// the program counter. A load of eight bytes looks the same but for its prefix, and is told too.
pub(crate) fn half_loads(arch: &Arch, code: &[u8], start: u64, mut sink: impl FnMut(u64)) {
    if arch.name != "amd64" {
        return;
    }
    for (at, window) in code.windows(HALF).enumerate() {
        if window[0] == 0x8b && window[1] & 0xc7 == 0x05 {
            let displacement = i32::from_le_bytes([window[2], window[3], window[4], window[5]]);
            let next = start.wrapping_add((at + HALF) as u64);
            sink(next.wrapping_add_signed(i64::from(displacement)));
        }
    }
}

/// Calls `sink` with each address that the code at `start` loads relative to its own position.
pub(crate) fn loaded_addresses(arch: &Arch, code: &[u8], start: u64, mut sink: impl FnMut(u64)) {
    accesses(arch, code, start, |found| {
        if found.access == Access::Address {
            sink(found.address);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_rip_relative_loads() {
        // nop; lea 0x10(%rip),%rax; lea -8(%rip),%r9
        let code = [0x90, 0x48, 0x8d, 0x05, 0x10, 0, 0, 0, 0x4c, 0x8d, 0x0d, 0xf8, 0xff, 0xff, 0xff];
        let mut found = Vec::new();
        loaded_addresses(&mapscope_memory::AMD64, &code, 0x1000, |a| found.push(a));
        assert_eq!(found, [0x1018, 0x1007]);
    }

    #[test]
    fn tells_loads_from_stores() {
        // mov 0x10(%rip),%rbx; mov %r8,0x10(%rip)
        let code = [0x48, 0x8b, 0x1d, 0x10, 0, 0, 0, 0x4c, 0x89, 0x05, 0x10, 0, 0, 0];
        let mut found = Vec::new();
        accesses(&mapscope_memory::AMD64, &code, 0x1000, |r| found.push((r.access, r.register, r.address)));
        assert_eq!(found, [(Access::Load, 3, 0x1017), (Access::Store, 8, 0x101e)]);
    }

    #[test]
    fn finds_loads_of_half_a_register() {
        // mov 0x10(%rip),%edx; mov 0x20(%rip),%r9d; cmpl $0,0x10(%rip)
        let code = [0x8b, 0x15, 0x10, 0, 0, 0, 0x44, 0x8b, 0x0d, 0x20, 0, 0, 0, 0x83, 0x3d, 0x10, 0, 0, 0, 0];
        let mut found = Vec::new();
        half_loads(&mapscope_memory::AMD64, &code, 0x1000, |a| found.push(a));
        assert_eq!(found, [0x1016, 0x102d]);
    }

    #[test]
    fn tells_calls_of_function_values() {
        let amd64 = |code: &[u8]| calls_function_value(&mapscope_memory::AMD64, code);
        // mov (%rdx),%rsi; call *%rsi, and the same with %r8
        assert!(amd64(&[0x90, 0x48, 0x8b, 0x32, 0xff, 0xd6]));
        assert!(amd64(&[0x4c, 0x8b, 0x02, 0x41, 0xff, 0xd0]));
        // mov (%rax),%rcx; mov %rax,%rdx; call *%rcx
        assert!(amd64(&[0x08, 0x48, 0x89, 0xc2, 0xff, 0xd1]));
        // mov 0x18(%rax),%rcx; call *%rcx, as for a method of an interface; another register; a call of a known function
        assert!(!amd64(&[0x48, 0x8b, 0x48, 0x18, 0xff, 0xd1]));
        assert!(!amd64(&[0x90, 0x48, 0x8b, 0x32, 0xff, 0xd1]));
        assert!(!amd64(&[0x90, 0xe8, 1, 2, 3, 4]));
        assert!(!amd64(&[]));
    }
}
