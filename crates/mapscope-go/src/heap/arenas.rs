//! Compares spans with what the tables of the heap's arenas say of them: which span each page belongs to
//! (`heapArena.spans`), and which spans have something attached to their objects (`heapArena.pageSpecials`). What comes
//! out is how many spans are not as the tables have them.

use mapscope_memory::Memory;
use rustc_hash::FxHashMap;

use super::{ARENA, PAGE};
use crate::runtime::Layout;

/// Where arena 0 begins on amd64 (`arenaBaseOffset`), negated.
const BASE: u64 = 1 << 47;

/// A span, as far as arenas know it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    /// Address of its `mspan`.
    pub(super) pointer: u64,
    pub(super) start: u64,
    pub(super) bytes: u64,
    /// Whether it has specials; none for a span without objects.
    pub(super) specials: Option<bool>,
}

/// Spans that arenas say something else of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contradicted {
    /// Their pages belong to another span, or to none.
    pub(crate) misplaced: u64,
    /// They have specials and are said to have none, or the other way round.
    pub(crate) unflagged: u64,
}

/// The arenas of the heap, by number.
pub(super) struct Arenas<'a> {
    memory: &'a dyn Memory,
    layout: &'a Layout,
    mheap: u64,
    known: FxHashMap<u64, u64>,
}

impl<'a> Arenas<'a> {
    pub(super) fn new(memory: &'a dyn Memory, layout: &'a Layout, mheap: u64) -> Self {
        Self { memory, layout, mheap, known: FxHashMap::default() }
    }

    /// Asks the arenas for each span.
    pub(super) fn compare(&mut self, spans: impl Iterator<Item = Placed>) -> Contradicted {
        let mut found = Contradicted::default();
        for span in spans {
            found.misplaced += u64::from(!self.has(&span));
            found.unflagged +=
                u64::from(span.specials.is_some_and(|has| self.flag(span.start).is_some_and(|f| f != has)));
        }
        found
    }

    /// Whether the first and the last page of a span are its own. Those between them are only while objects are in it.
    fn has(&mut self, span: &Placed) -> bool {
        let Some(table) = self.layout.arena.spans else { return true };
        let ends = [span.start, span.start.saturating_add(span.bytes.saturating_sub(PAGE))];
        ends.into_iter().all(|page| {
            let at = self.arena(page).wrapping_add(table.offset + page % ARENA / PAGE * 8);
            self.memory.u64(at).is_ok_and(|pointer| pointer == span.pointer)
        })
    }

    /// The bit of the span that begins at an address. `None` where arenas have none.
    fn flag(&mut self, start: u64) -> Option<bool> {
        let table = self.layout.arena.specials?;
        let page = start % ARENA / PAGE;
        let at = self.arena(start).wrapping_add(table.offset + page / 8);
        Some(self.memory.u8(at).unwrap_or(0) >> (page % 8) & 1 == 1)
    }

    /// The address of the structure of the arena that `address` is in; 0 for none. There is one first-level entry.
    fn arena(&mut self, address: u64) -> u64 {
        let (memory, list) = (self.memory, self.mheap.wrapping_add(self.layout.heap.arenas.offset));
        let number = address.wrapping_add(BASE) / ARENA;
        let read = || {
            let table = memory.u64(list).ok()?;
            memory.u64(table.checked_add(number.checked_mul(8)?)?).ok()
        };
        *self.known.entry(number).or_insert_with(|| read().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzzing::Image;
    use crate::runtime::{Arena, Field, Heap};

    const HEAP: u64 = 0x1000;
    const INDEX: u64 = 0x10_0000;
    const TABLE: u64 = 0x2000;
    const START: u64 = 0xc0_0000_0000;
    /// The `mspan` of the only span: the second and third page of the first arena.
    const SPAN: u64 = 0x7000;

    fn contradicted(pages: [u64; 4], flags: u8, span: Placed) -> Contradicted {
        let field = |offset| Some(Field { offset, size: 0 });
        let layout = Layout {
            heap: Heap { arenas: Field { offset: 8, size: 8 }, ..Heap::default() },
            arena: Arena { spans: field(0), specials: field(32), ..Arena::default() },
            ..Layout::default()
        };
        let words = |words: &[u64]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
        let mut table = words(&pages);
        table.push(flags);
        let number = START.wrapping_add(BASE) / ARENA;
        let image = Image::new(vec![(HEAP, words(&[0, INDEX])), (INDEX + number * 8, words(&[TABLE])), (TABLE, table)]);
        Arenas::new(&image, &layout, HEAP).compare(std::iter::once(span))
    }

    #[test]
    fn a_span_is_where_the_arenas_have_it() {
        let span = Placed { pointer: SPAN, start: START + PAGE, bytes: 2 * PAGE, specials: Some(true) };
        let none = Contradicted::default();
        assert_eq!(contradicted([0, SPAN, SPAN, 0], 0b10, span), none);
        assert_eq!(contradicted([0, SPAN, SPAN, 0], 0, span), Contradicted { unflagged: 1, ..none });
        assert_eq!(contradicted([0, SPAN, SPAN, 0], 0b10, Placed { specials: None, ..span }), none);
        for pages in [[0, SPAN, 0, 0], [SPAN, 0, SPAN, 0], [0; 4]] {
            assert_eq!(contradicted(pages, 0b10, span), Contradicted { misplaced: 1, ..none });
        }
        // One that is in no arena.
        let far = Placed { start: u64::MAX - PAGE, bytes: u64::MAX, specials: Some(false), ..span };
        assert_eq!(contradicted([0; 4], 0, far), Contradicted { misplaced: 1, ..none });
    }
}
