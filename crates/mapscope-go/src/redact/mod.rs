//! What a core has to hold for an analysis of it: to leave out the rest, or to overwrite it (`docs/CAPTURE.md`).
//!
//! Two sources say what is needed. What the analysis read of the runtime's own structures was noted while it read
//! ([`Reads`]). Of objects, variables and stacks it needs no more than pointers and what stands next to them, and that
//! is worked out here: from the heap's own bitmaps (`objects.rs`), and from types (`values.rs`).

mod objects;
mod values;

use std::ops::Range;
use std::sync::Mutex;

use mapscope_memory::{Memory, Redaction, WordSet};
use rayon::prelude::*;

use self::values::Values;
use crate::heap::word;
use crate::runtime::Reads;
use crate::session::Stages;
use crate::{Session, StorageOptions};

/// Bytes of stacks that are looked at together.
const PIECE: u64 = 4 << 20;

/// What is kept, while it is found.
struct Kept<'k> {
    words: &'k WordSet,
    /// Seeds of maps: (address, bytes).
    seeds: Mutex<Vec<(u64, u64)>>,
}

impl Session<'_> {
    /// The ranges that hold all that an analysis reads, by address: heap, stacks, and whatever else was noted in `reads`
    /// while the session was made with it.
    pub fn needed(&self, reads: &Reads) -> Vec<Range<u64>> {
        self.read_everything();
        let spans = &self.stages.heap.spans;
        for span in &spans.spans {
            reads.all.insert(span.start, span.bytes);
        }
        for span in &spans.manual {
            reads.all.insert(span.start, span.bytes);
        }
        reads.all.pages()
    }

    /// What stays in a core that can be shared. `reads` was noted while the session was made with it.
    pub fn redaction(&self, reads: &Reads) -> Redaction {
        self.read_everything();
        // From here on reads are no longer those of an analysis.
        let words = reads.structures.copy();
        let kept = Kept { words: &words, seeds: Mutex::default() };
        let Stages { heap, context, regions, .. } = self.stages;
        heap.chunks.par_iter().for_each(|chunk| objects::keep(&self.stages, &kept, chunk.clone()));
        let mut values = Values::new(context, &kept);
        for region in regions {
            values.keep_region(region, &self.stages.roots.goroutines);
        }
        for root in self.stages.roots.words.iter().filter(|r| r.address != 0) {
            if heap.spans.object(root.value).is_some() {
                words.insert(root.address, 8);
            }
        }
        let pointers = self.arenas();
        let stacks: Vec<Range<u64>> =
            heap.spans.manual.iter().flat_map(|s| pieces(s.start..s.start + s.bytes)).collect();
        stacks.par_iter().for_each(|stack| keep_pointers(context.memory, stack, &pointers, &words));
        let mut hidden = kept.seeds.into_inner().unwrap_or_default();
        hidden.sort_unstable();
        hidden.dedup();
        Redaction { words, hidden, pointers }
    }

    /// Has all analyses read what they read.
    fn read_everything(&self) {
        let _ = self.storage(&StorageOptions::default());
        let _ = self.goroutines();
        let _ = self.sites().heap_profile();
    }

    /// From the first span to the end of the last.
    fn arenas(&self) -> Range<u64> {
        let spans = &self.stages.heap.spans;
        let all = || {
            let objects = spans.spans.iter().map(|s| (s.start, s.start + s.bytes));
            objects.chain(spans.manual.iter().map(|s| (s.start, s.start + s.bytes)))
        };
        all().map(|s| s.0).min().unwrap_or(0)..all().map(|s| s.1).max().unwrap_or(0)
    }
}

/// Keeps every word of a stack that points into the heap or into a stack.
fn keep_pointers(memory: &dyn Memory, stack: &Range<u64>, pointers: &Range<u64>, words: &WordSet) {
    let mut scratch = Vec::new();
    let Ok(bytes) = memory.bytes(stack.start, (stack.end - stack.start) as usize, &mut scratch) else { return };
    for at in (0..bytes.len() as u64).step_by(8) {
        if pointers.contains(&word(bytes, at)) {
            words.insert(stack.start + at, 8);
        }
    }
}

fn pieces(range: Range<u64>) -> impl Iterator<Item = Range<u64>> {
    (range.start..range.end).step_by(PIECE as usize).map(move |at| at..range.end.min(at + PIECE))
}
