//! Duplicate strings: texts that are in the heap more than once.
//!
//! The walk notes where strings are: a word for each object that is the text of a string, a record for each that is
//! only a part of one. Then the texts are hashed in address order, so that they too are read in large pieces. A text that
//! several headers share is one string.
//!
//! Texts are compared by 64 bits of a keyed hash and their length. Among ten million different texts, two that are taken
//! for equal turn up in one reading of a million, and then one group is wrong by one; nobody who makes a core can make
//! them, for the key is another in each reading.

use std::cmp::Reverse;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use mapscope_heap::{Freed, FreedShare};
use rayon::prelude::*;

use super::Found;
use super::columns::{Column, keep_largest, kept};
use super::walk::{Header, Tally};
use crate::heap::slot_for;
use crate::heap::{CHUNK, SpanTable};

/// Strings told apart; each takes 24 bytes.
const MAX_STRINGS: u64 = 1 << 24;
/// Parts of objects remembered; each takes 24 bytes, and those that overlap are hashed one by one.
const MAX_PARTS: u64 = 1 << 22;
/// Groups listed.
const MAX_GROUPS: usize = 100;
/// Bytes of a text that are shown.
const SHOWN: u64 = 64;
/// Texts shorter than this share a slot of 16 bytes with other small objects (`maxTinySize`).
const TINY: u64 = 16;

/// All strings of the live heap whose type is known; sizes in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strings {
    /// Texts in the heap; those that several strings share count once.
    pub count: u64,
    /// Their lengths.
    pub bytes: u64,
    /// Different texts.
    pub distinct: u64,
    /// Their lengths.
    pub distinct_bytes: u64,
    /// Objects that would be freed if equal texts were one. Only texts that have an object to themselves count.
    pub savable_bytes: u64,
    /// What of the savable bytes causes free that were told.
    pub share: FreedShare,
    /// Texts that are there more than once, most savable bytes first; at most a hundred.
    pub groups: Vec<StringGroup>,
    /// Texts that are there more than once.
    pub duplicated: u64,
    /// Some strings were left out, because there are more than are told apart.
    pub capped: bool,
}

/// One text that is in the heap more than once; sizes in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StringGroup {
    /// Its length.
    pub len: u64,
    /// How many times it is there.
    pub count: u64,
    /// Objects that would be freed if it were there once.
    pub savable_bytes: u64,
    /// The field, element or variable that holds most of them.
    pub place: String,
    /// The first 64 bytes of the text, when values were asked for.
    pub value: Option<Vec<u8>>,
}

/// A text that is a part of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Part {
    address: u64,
    len: u64,
    place: u32,
}

/// Which objects are texts: the length of the longest string at their start, with its place.
pub(super) struct Texts {
    words: Column<1>,
    parts: AtomicU64,
}

/// One text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Text {
    hash: u64,
    len: u64,
    address: u64,
    place: u32,
}

impl Texts {
    pub(super) fn new(spans: &SpanTable) -> Self {
        Self { words: Column::new(spans), parts: AtomicU64::new(0) }
    }

    #[inline]
    pub(super) fn add(&self, found: &Found<'_, '_>, tally: &mut Tally, header: &Header<'_>) {
        let target = &header.target;
        if header.len == 0 {
            return;
        }
        if target.offset == 0 && fills(header.len, target.span.elem_size, target.header) {
            let [word] = self.words.at(&found.stages.heap.spans, target.object, target.index);
            keep_largest(word, header.len, header.place);
        } else if !found.whole_texts && self.parts.fetch_add(1, Relaxed) < MAX_PARTS {
            let block = &found.stages.heap.spans.blocks.blocks()[target.index];
            let address = block.address(target.object) + target.header + target.offset;
            tally.parts.push(Part { address, len: header.len, place: header.place });
        }
    }

    /// Compares all texts. `values`: copies the start of those that are listed.
    pub(super) fn compare(&self, found: &Found<'_, '_>, mut parts: Vec<Part>, values: bool, freed: &Freed) -> Strings {
        parts.par_sort_unstable();
        parts.dedup_by_key(|p| (p.address, p.len));
        let heap = found.stages.heap;
        let key = RandomState::new();
        let reader = Reader {
            found,
            texts: self,
            parts: &parts,
            key: &key,
            strings: AtomicU64::new(0),
            // Parts may overlap: a document and all its pieces are hashed, a hostile one not without end.
            part_bytes: AtomicU64::new(found.live_bytes.saturating_mul(2)),
        };
        let chunks = heap.chunks.par_iter().map(|chunk| reader.chunk(chunk.clone()));
        let mut texts: Vec<Text> = chunks.flatten_iter().collect();
        let capped = self.parts.load(Relaxed) > MAX_PARTS
            || reader.strings.load(Relaxed) > MAX_STRINGS
            || reader.part_bytes.load(Relaxed) == 0;
        texts.par_sort_unstable();
        let mut strings = sums(found, &texts, values, freed);
        strings.capped = capped;
        strings
    }
}

/// Whether a text of `len` bytes has an object of this size to itself.
fn fills(len: u64, slot: u64, header: u64) -> bool {
    len >= TINY && slot_for(len + header) == slot
}

struct Reader<'r, 's> {
    found: &'r Found<'r, 's>,
    texts: &'r Texts,
    /// By address.
    parts: &'r [Part],
    key: &'r RandomState,
    /// Texts met so far.
    strings: AtomicU64,
    /// Bytes of parts that may still be hashed.
    part_bytes: AtomicU64,
}

impl Reader<'_, '_> {
    fn chunk(&self, chunk: Range<usize>) -> Vec<Text> {
        let spans = &self.found.stages.heap.spans;
        let (mut out, mut scratch) = (Vec::new(), Vec::new());
        let mut read = false;
        for index in chunk.clone() {
            let span = &spans.spans[index];
            let from = self.parts.partition_point(|p| p.address < span.start);
            let parts = &self.parts[from..];
            let parts = &parts[..parts.partition_point(|p| p.address < span.start + span.bytes)];
            let words = self.texts.words.of_span(index);
            if words.is_empty() && parts.is_empty() {
                continue;
            }
            read = true;
            let memory = self.found.stages.context.memory;
            let bytes = if span.bytes > CHUNK {
                None
            } else {
                memory.bytes(span.start, span.bytes as usize, &mut scratch).ok()
            };
            let header = spans.header(span);
            let whole = words.iter().zip(0u64..).filter_map(|([word], slot)| {
                let (len, place) = kept(word.load(Relaxed))?;
                Some(Part { address: span.start + slot * span.elem_size + header, len, place })
            });
            for part in whole {
                out.extend(self.text(part, bytes, span.start));
            }
            for part in parts {
                let left = self.part_bytes.load(Relaxed).saturating_sub(part.len);
                self.part_bytes.store(left, Relaxed);
                if left > 0 {
                    out.extend(self.text(*part, bytes, span.start));
                }
            }
        }
        if read {
            spans.release(self.found.stages.context.memory, chunk);
        }
        out
    }

    /// `bytes`: those from `start` on, when the span is not read in pieces.
    fn text(&self, part: Part, bytes: Option<&[u8]>, start: u64) -> Option<Text> {
        if self.strings.fetch_add(1, Relaxed) >= MAX_STRINGS {
            return None;
        }
        let mut hasher = self.key.build_hasher();
        if let Some(bytes) = bytes {
            let at = (part.address - start) as usize;
            let text = bytes.get(at..at.checked_add(part.len as usize)?)?;
            text.chunks(CHUNK as usize).for_each(|piece| hasher.write(piece));
        } else {
            let mut scratch = Vec::new();
            let mut at = 0;
            while at < part.len {
                let piece = CHUNK.min(part.len - at);
                let memory = self.found.stages.context.memory;
                hasher.write(memory.bytes(part.address + at, piece as usize, &mut scratch).ok()?);
                at += piece;
            }
        }
        Some(Text { hash: hasher.finish(), len: part.len, address: part.address, place: part.place })
    }
}

/// `texts` are in order, so that equal ones are neighbours.
fn sums(found: &Found<'_, '_>, texts: &[Text], values: bool, freed: &Freed) -> Strings {
    let mut strings = Strings { count: texts.len() as u64, ..Strings::default() };
    let mut groups: Vec<(u64, u64, &[Text])> = Vec::new();
    for group in texts.chunk_by(|a, b| (a.hash, a.len) == (b.hash, b.len)) {
        let len = group[0].len;
        strings.bytes = strings.bytes.saturating_add(len.saturating_mul(group.len() as u64));
        strings.distinct += 1;
        strings.distinct_bytes = strings.distinct_bytes.saturating_add(len);
        if group.len() > 1 {
            let (savable, share) = savable(found, group, freed);
            strings.savable_bytes += savable;
            strings.share.merge(&share);
            strings.duplicated += 1;
            groups.push((savable, len.saturating_mul(group.len() as u64), group));
        }
    }
    // Without the address, equals would change places with every reading, for the hash does.
    groups.sort_unstable_by_key(|(savable, bytes, group)| (Reverse(*savable), Reverse(*bytes), group[0].address));
    groups.truncate(MAX_GROUPS);
    let listed = groups.into_iter().map(|(savable_bytes, _, group)| StringGroup {
        len: group[0].len,
        count: group.len() as u64,
        savable_bytes,
        place: most_common(found, group),
        value: values.then(|| value(found, &group[0])).flatten(),
    });
    strings.groups = listed.collect();
    strings
}

/// All but one of the objects that hold nothing but the text; and what less there is to save where causes free some.
fn savable(found: &Found<'_, '_>, group: &[Text], freed: &Freed) -> (u64, FreedShare) {
    let spans = &found.stages.heap.spans;
    let slot = |text: &Text| {
        let (object, offset, index) = spans.object(text.address)?;
        let span = &spans.spans[index];
        let header = spans.header(span);
        (offset == header && fills(text.len, span.elem_size, header)).then_some((object, span.elem_size))
    };
    // Of all, and of those that stay.
    let (mut all, mut left, mut share) = (AllButOne::default(), AllButOne::default(), FreedShare::default());
    for (object, slot) in group.iter().filter_map(slot) {
        all.add(slot);
        match freed.cause(object) {
            Some(cause) => share.add(cause, 0),
            None => left.add(slot),
        }
    }
    share.bytes = all.bytes().saturating_sub(left.bytes());
    (all.bytes(), share)
}

/// Slots, less the largest.
#[derive(Default)]
struct AllButOne {
    sum: u64,
    largest: u64,
}

impl AllButOne {
    fn add(&mut self, slot: u64) {
        self.sum = self.sum.saturating_add(slot);
        self.largest = self.largest.max(slot);
    }

    fn bytes(&self) -> u64 {
        self.sum - self.largest
    }
}

fn most_common(found: &Found<'_, '_>, group: &[Text]) -> String {
    let mut places: Vec<u32> = group.iter().map(|t| t.place).collect();
    places.sort_unstable();
    let most = places.chunk_by(|a, b| a == b).max_by_key(|same| (same.len(), Reverse(same[0])));
    let place = most.and_then(|same| found.places.all.get(same[0] as usize));
    place.map_or_else(String::new, |p| p.name.clone())
}

fn value(found: &Found<'_, '_>, text: &Text) -> Option<Vec<u8>> {
    let mut bytes = vec![0; text.len.min(SHOWN) as usize];
    found.stages.context.memory.read_into(text.address, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_texts_that_fill_their_slot_have_it_to_themselves() {
        assert!(fills(16, 16, 0) && fills(17, 24, 0) && fills(24, 24, 0) && fills(40_000, 40_960, 0));
        assert!(!fills(15, 16, 0), "it may share the slot");
        assert!(!fills(16, 24, 0) && !fills(20, 32, 0), "the slot was made for something longer");
        assert!(fills(1000, 1024, 8));
    }
}
