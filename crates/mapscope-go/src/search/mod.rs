//! The runtime's variables in a binary without symbols.
//!
//! Which variables there are follows from the runtime's own code, whose functions the function table still names: it
//! names each variable's address relative to the program counter. Which is which follows from what is there: a slice of
//! spans, a list of threads. An address counts only when it is the only one that fits.

mod module;
mod shapes;
mod variables;

pub(crate) use module::first_module;
pub(crate) use variables::{Variables, find};

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::shapes::Shapes;
    use crate::fuzzing::Image;
    use crate::runtime::table_layout;

    const BASE: u64 = 0x10000;

    /// What each variable looks like is asked of every word of an image that consists of these words, again and again.
    fn nothing_is_found(words: &[u64]) {
        let bytes: Vec<u8> = words.iter().cycle().take(4096).flat_map(|w| w.to_le_bytes()).collect();
        let memory = Image::new(vec![(BASE, bytes)]);
        for (minor, version) in [(21, "go1.21"), (25, "go1.25"), (27, "go1.27")] {
            let layout = table_layout("x", minor, version).unwrap();
            let shapes = Shapes { memory: &memory, layout: &layout };
            let block = layout.finalizer_block;
            for address in (BASE..BASE + 4096).step_by(8).chain([0, u64::MAX - 7, u64::MAX]) {
                assert!(!shapes.is_heap(address) && !shapes.is_processors(address), "{words:x?}");
                assert!(!shapes.is_goroutines(address), "{words:x?}");
                let _ = shapes.threads(address, &mut 1000);
                let _ = shapes.is_block_list(address, block.all_link, block.count);
            }
        }
    }

    #[test]
    fn hostile_memory_has_no_variables() {
        nothing_is_found(&[0]);
        nothing_is_found(&[u64::MAX]);
        // Slices of themselves, with as many elements as a number can say.
        nothing_is_found(&[BASE, 1, u64::MAX]);
        nothing_is_found(&[BASE, 1 << 31, 1 << 31]);
        // Everything leads to everything.
        nothing_is_found(&[BASE]);
        nothing_is_found(&[BASE, BASE + 8, 4]);
    }

    #[test]
    fn lists_of_threads_come_to_an_end() {
        let layout = table_layout("x", 27, "go1.27").unwrap();
        // A thread whose scheduler's goroutine leads back to it, and whose link does too.
        let mut bytes = vec![0; 4096];
        let mut put = |at: u64, value: u64| bytes[at as usize..at as usize + 8].copy_from_slice(&value.to_le_bytes());
        put(0, BASE + 64);
        put(64 + layout.m.g0.offset, BASE + 2048);
        put(2048 + layout.g.thread.offset, BASE + 64);
        let alone = Image::new(vec![(BASE, bytes.clone())]);
        assert_eq!(Shapes { memory: &alone, layout: &layout }.threads(BASE, &mut 1000), 1);
        let at = 64 + layout.m.next.offset as usize;
        bytes[at..at + 8].copy_from_slice(&(BASE + 64).to_le_bytes());
        let endless = Image::new(vec![(BASE, bytes)]);
        assert_eq!(Shapes { memory: &endless, layout: &layout }.threads(BASE, &mut 1000), 0);
    }
}
