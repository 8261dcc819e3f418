//! The runtime's variables in a binary without symbols.
//!
//! Which variables there are follows from the runtime's own code, whose functions the function table still names: it
//! names each variable's address relative to the program counter. Which is which follows from the functions that name
//! it, and from what is there: a slice of spans, a list of threads. The runtime copies some of its lists, so several
//! addresses may hold the same; they are one answer. Those that contradict one another are none.

mod answers;
mod code;
mod module;
mod shapes;
mod variables;

pub(crate) use module::first_module;
pub(crate) use variables::{Variables, find, find_phase};

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::answers::{Copies, agreed};
    use super::shapes::Shapes;
    use crate::fuzzing::Image;
    use crate::runtime::{Layout, table_layout};

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
                assert!(!shapes.is_heap(address) && shapes.processors(address).is_none(), "{words:x?}");
                assert!(shapes.goroutines(address).is_none(), "{words:x?}");
                let _ = shapes.threads(address, true, &mut 1000);
                let _ = shapes.is_block_list(address, block.all_link, block.count);
                let _ = shapes.semaphores(address);
                let _ = shapes.chunks(address, 8, 64);
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
        let threads = |image: &Image, unborn| {
            Shapes { memory: image, layout: &layout }.threads(BASE, unborn, &mut 1000).map(|list| list.items)
        };
        let alone = Image::new(vec![(BASE, bytes.clone())]);
        assert_eq!(threads(&alone, false), Some(vec![BASE + 64]));
        // One before it that has no scheduler yet.
        let mut born = bytes.clone();
        born[..8].copy_from_slice(&(BASE + 1024).to_le_bytes());
        let at = 1024 + layout.m.next.offset as usize;
        born.resize(8192, 0);
        born[at..at + 8].copy_from_slice(&(BASE + 64).to_le_bytes());
        let born = Image::new(vec![(BASE, born)]);
        assert_eq!((threads(&born, true), threads(&born, false)), (Some(vec![BASE + 1024, BASE + 64]), None));
        let at = 64 + layout.m.next.offset as usize;
        bytes[at..at + 8].copy_from_slice(&(BASE + 64).to_le_bytes());
        let endless = Image::new(vec![(BASE, bytes)]);
        assert_eq!(threads(&endless, true), None);
    }

    /// Memory with goroutines and slices of them.
    struct Goroutines {
        layout: Layout,
        bytes: Vec<u8>,
    }

    impl Goroutines {
        /// Goroutines 1 to `count`, which wait; the first `free` of them are free.
        fn new(count: u64, free: u64) -> Self {
            let layout = table_layout("x", 27, "go1.27").unwrap();
            let mut made = Self { layout, bytes: vec![0; 1 << 16] };
            for id in 1..=count {
                let (at, g) = (Self::at(id), layout.g);
                let status = if id <= free { 6 } else { 4 };
                for (field, value) in [
                    (g.stack_lo, BASE + 0xc000),
                    (g.stack_hi, BASE + 0xd000),
                    (g.sched_sp, BASE + 0xcf00),
                    (g.id, id),
                    (g.status, status),
                ] {
                    made.put(at + field.offset, value);
                }
            }
            made
        }

        /// Where a goroutine is.
        fn at(id: u64) -> u64 {
            BASE + 0x1000 + id * 0x400
        }

        fn put(&mut self, address: u64, value: u64) {
            let at = (address - BASE) as usize;
            self.bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        }

        /// A slice at `header` with its array at `array`.
        fn slice(&mut self, header: u64, array: u64, ids: &[u64]) {
            let (header, array) = (BASE + header, BASE + array);
            for (word, value) in [(0, array), (8, ids.len() as u64), (16, ids.len() as u64)] {
                self.put(header + word, value);
            }
            for (index, id) in (0..).zip(ids) {
                self.put(array + index * 8, Self::at(*id));
            }
        }

        /// Where all slices of the first page agree that `allgs` is.
        fn found(&self, copies: Copies) -> Option<u64> {
            let image = Image::new(vec![(BASE, self.bytes.clone())]);
            let shapes = Shapes { memory: &image, layout: &self.layout };
            let lists: Vec<_> = (BASE..BASE + 0x200).step_by(8).filter_map(|a| shapes.goroutines(a)).collect();
            agreed(&lists, copies).map(|address| address - BASE)
        }
    }

    #[test]
    fn equal_lists_of_goroutines_are_one_answer() {
        let mut memory = Goroutines::new(8, 2);
        memory.slice(0x40, 0x800, &[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(memory.found(Copies::Equal), Some(0x40));
        // `work.stackRoots`, while the collector marks: the same array.
        memory.slice(0x80, 0x800, &[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(memory.found(Copies::Equal), Some(0x40));
        // In another order, as a leak profile has them; and before three more came.
        memory.slice(0x80, 0xa00, &[8, 2, 1, 4, 5, 6, 7, 3]);
        assert_eq!(memory.found(Copies::Equal), Some(0x40));
        memory.slice(0x80, 0x800, &[1, 2, 3, 4, 5]);
        memory.slice(0x40, 0xa00, &[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!((memory.found(Copies::Parts), memory.found(Copies::Equal)), (Some(0x40), None));
    }

    #[test]
    fn what_is_no_list_of_goroutines_is_no_candidate() {
        let mut memory = Goroutines::new(9, 0);
        memory.slice(0x40, 0x800, &[1, 2, 3, 4, 5, 6, 7, 8]);
        // One of them twice; words that lead to no goroutine; goroutines with one number.
        memory.slice(0x80, 0xa00, &[1, 2, 3, 4, 5, 6, 7, 8, 8]);
        memory.slice(0xc0, 0xb00, &[1, 2, 33, 34, 35, 36, 37, 38]);
        let id = memory.layout.g.id.offset;
        memory.put(Goroutines::at(9) + id, 2);
        memory.slice(0x100, 0xc00, &[1, 2, 3, 9]);
        assert_eq!(memory.found(Copies::Parts), Some(0x40));
        // All of them wait on threads that know nothing of them.
        memory.slice(0x80, 0xa00, &[]);
        for id in 1..=8 {
            let thread = memory.layout.g.thread.offset;
            memory.put(Goroutines::at(id) + thread, BASE + 0x4000);
        }
        assert_eq!(memory.found(Copies::Parts), None);
    }

    #[test]
    fn a_goroutine_may_be_half_made_where_most_are_whole() {
        let mut memory = Goroutines::new(8, 0);
        memory.slice(0x40, 0x800, &[1, 2, 3, 4, 5, 6, 7, 8]);
        // Its stack is being moved: one end is new, the other old.
        let low = memory.layout.g.stack_lo.offset;
        memory.put(Goroutines::at(5) + low, BASE + 0xe000);
        assert_eq!(memory.found(Copies::Equal), Some(0x40));
        for id in 1..=3 {
            memory.put(Goroutines::at(id) + low, BASE + 0xe000);
        }
        assert_eq!(memory.found(Copies::Equal), None);
    }

    #[test]
    fn main_may_have_ended() {
        let mut memory = Goroutines::new(8, 7);
        memory.slice(0x40, 0x800, &[1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(memory.found(Copies::Equal), Some(0x40));
        memory.slice(0x40, 0x800, &[1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(memory.found(Copies::Equal), None, "somebody lives");
    }

    #[test]
    fn the_table_of_semaphores_is_in_order() {
        let layout = table_layout("x", 27, "go1.27").unwrap();
        let mut bytes = vec![0; 1 << 15];
        let mut put = |at: u64, value: u64| bytes[at as usize..at as usize + 8].copy_from_slice(&value.to_le_bytes());
        let (tree, waiter) = (layout.semaphores.unwrap().tree.offset, layout.waiter.unwrap());
        // Who waits for a semaphore at 8 * (251 + 3) belongs to the fourth root.
        put(64 * 3 + tree, BASE + 0x7000);
        put(0x7000 + waiter.element_address.unwrap().offset, 8 * (251 + 3));
        let image = Image::new(vec![(BASE, bytes)]);
        let shapes = Shapes { memory: &image, layout: &layout };
        assert!(shapes.semaphores(BASE).is_some());
        assert!(shapes.semaphores(BASE + 64).is_none() && shapes.semaphores(BASE - 64).is_none());
    }
}
