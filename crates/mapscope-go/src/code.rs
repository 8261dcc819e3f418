//! What machine code tells: the addresses it loads.

use mapscope_memory::Arch;

/// Calls `sink` with each address that the code at `start` loads relative to its own position.
///
/// amd64: `lea disp32(%rip), reg`. Bytes that only look like one give addresses that the caller must check anyway.
/// Other processors: nothing.
pub(crate) fn loaded_addresses(arch: &Arch, code: &[u8], start: u64, mut sink: impl FnMut(u64)) {
    if arch.name != "amd64" {
        return;
    }
    for (at, window) in code.windows(7).enumerate() {
        if matches!(window[0], 0x48 | 0x4c) && window[1] == 0x8d && window[2] & 0xc7 == 0x05 {
            let displacement = i32::from_le_bytes([window[3], window[4], window[5], window[6]]);
            sink(start.wrapping_add(at as u64 + 7).wrapping_add_signed(i64::from(displacement)));
        }
    }
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
}
