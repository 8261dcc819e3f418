//! Programs that describe where pointers are (`runtime/mbitmap.go`, `runGCProg`): of data and bss in the read-only part of
//! the executable. The masks that the collector works with are made of them when the program starts.

use mapscope_memory::Memory;

/// Bytes of a program; those of large programs have some thousands.
const MAX_PROGRAM: u64 = 16 << 20;

/// The bits that the program at `address` describes, at most `max` of them, each a byte. `None` when it cannot be read,
/// makes no sense or has more.
pub(crate) fn bits(memory: &dyn Memory, address: u64, max: u64) -> Option<Vec<u8>> {
    let mut reader = Reader { memory, at: address, end: address.checked_add(MAX_PROGRAM)? };
    let mut out: Vec<u8> = Vec::new();
    loop {
        let instruction = reader.byte()?;
        let count = u64::from(instruction & 0x7f);
        if instruction & 0x80 == 0 {
            if count == 0 {
                return Some(out);
            }
            for first in (0..count).step_by(8) {
                let byte = reader.byte()?;
                out.extend((0..(count - first).min(8)).map(|bit| byte >> bit & 1));
            }
        } else {
            let back = if count == 0 { reader.number()? } else { count };
            let times = reader.number()?;
            let total = back.checked_mul(times).filter(|total| *total <= max)?;
            let from = (out.len() as u64).checked_sub(back).filter(|_| back > 0)?;
            for index in from..from + total {
                out.push(*out.get(index as usize)?);
            }
        }
        if out.len() as u64 > max {
            return None;
        }
    }
}

struct Reader<'m> {
    memory: &'m dyn Memory,
    at: u64,
    end: u64,
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = self.memory.u8(self.at).ok().filter(|_| self.at < self.end)?;
        self.at += 1;
        Some(byte)
    }

    /// Seven bits in each byte, the lowest first.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzzing::Image;

    fn run(program: &[u8], max: u64) -> Option<Vec<u8>> {
        bits(&Image::new(vec![(0x1000, program.to_vec())]), 0x1000, max)
    }

    #[test]
    fn literals_and_repetitions() {
        assert_eq!(run(&[0], 8), Some(Vec::new()));
        assert_eq!(run(&[3, 0b101, 0], 8), Some(vec![1, 0, 1]));
        assert_eq!(run(&[9, 0xff, 0, 0], 9), Some(vec![1, 1, 1, 1, 1, 1, 1, 1, 0]));
        // The last two bits three times more; the same with the count behind it.
        assert_eq!(run(&[3, 0b110, 0x82, 3, 0], 16), Some(vec![0, 1, 1, 1, 1, 1, 1, 1, 1]));
        assert_eq!(run(&[3, 0b010, 0x80, 2, 2, 0], 16), Some(vec![0, 1, 0, 1, 0, 1, 0]));
    }

    #[test]
    fn damage_has_an_end() {
        assert_eq!(run(&[3, 0b101], 8), None, "it is cut off");
        assert_eq!(run(&[1, 1, 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0], 1 << 20), None, "it has too many");
        assert_eq!(run(&[0x85, 1, 0], 8), None, "there is nothing to repeat");
        assert_eq!(run(&[8, 0xff, 0], 7), None);
    }
}
