//! Objects that only the unused part of an array holds: `s = s[:len(s)-1]` takes an element off a stack, and `s = s[1:]` one
//! off a queue, and the array still points to it.

use mapscope_heap::Dominator;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::Found;
use super::slices::{Arrays, Used};
use crate::heap::word;

/// Bytes that an array has to hold besides itself to be looked into.
const MIN_HELD: u64 = 256;
/// Bytes of one array that are looked at.
const MAX_ARRAY: u64 = 64 << 20;
/// Spans that one task looks through at least.
const SPANS: usize = 1024;

/// What the unused parts of the arrays of one place hold; sizes in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PoppedPlace {
    /// The field, element or variable that holds the slices.
    pub place: String,
    /// Their type.
    pub type_name: String,
    /// Arrays.
    pub arrays: u64,
    /// Objects that nothing but the parts of the arrays outside of every slice's length leads to.
    pub objects: Vec<u32>,
    /// What would be freed with them.
    pub bytes: u64,
}

/// Arrays, and the objects that only their unused parts lead to, by place.
type Sums = FxHashMap<u32, (u64, Vec<u32>)>;

/// By place, most bytes first.
pub(super) fn places(found: &Found<'_, '_>, arrays: &Arrays) -> Vec<PoppedPlace> {
    let spans = &found.stages.heap.spans;
    let of_span = |(mut sums, mut scratch): (Sums, Vec<u8>), index: usize| {
        for used in arrays.used(spans, index).filter(|_| !spans.spans[index].noscan) {
            let objects = of_array(found, index, &used, &mut scratch);
            if !objects.is_empty() {
                let sum = sums.entry(used.place).or_default();
                sum.0 += 1;
                sum.1.extend(objects);
            }
        }
        (sums, scratch)
    };
    let join = |mut a: Sums, b: Sums| {
        for (place, (arrays, objects)) in b {
            let sum = a.entry(place).or_default();
            sum.0 += arrays;
            sum.1.extend(objects);
        }
        a
    };
    let each = (0..spans.spans.len()).into_par_iter().with_min_len(SPANS);
    let sums = each.fold(|| (Sums::default(), Vec::new()), of_span).map(|(sums, _)| sums).reduce(Sums::default, join);
    let row = |(place, (arrays, mut objects)): (u32, (u64, Vec<u32>))| {
        let place = found.places.all.get(place as usize)?;
        objects.sort_unstable();
        let bytes = objects.iter().map(|o| found.stages.dominators.retained(*o)).sum();
        Some(PoppedPlace { place: place.name.clone(), type_name: place.type_name.clone(), arrays, objects, bytes })
    };
    let mut rows: Vec<PoppedPlace> = sums.into_iter().filter_map(row).collect();
    rows.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.place.cmp(&b.place)));
    rows
}

/// The objects that only the unused part of one array holds.
fn of_array(found: &Found<'_, '_>, index: usize, used: &Used, scratch: &mut Vec<u8>) -> FxHashSet<u32> {
    let stages = found.stages;
    let (spans, tree) = (&stages.heap.spans, stages.dominators);
    let span = &spans.spans[index];
    let (header, room) = (spans.header(span), span.elem_size - spans.header(span));
    let holds = tree.retained(used.object).saturating_sub(span.elem_size);
    let mut held = FxHashSet::default();
    if holds < MIN_HELD || room > MAX_ARRAY || used.start == 0 && used.end >= room {
        return held;
    }
    let address = spans.blocks.blocks()[index].address(used.object) + header;
    let Ok(bytes) = stages.context.memory.bytes(address, room as usize, scratch) else { return held };
    let target = |at: u64| spans.object(word(bytes, at)).map(|(object, ..)| object);
    let is_used = |at: u64| (used.start..used.end).contains(&at);
    let words = || (0..room / 8).map(|number| number * 8);
    for at in words().filter(|at| !is_used(*at)) {
        held.extend(target(at).filter(|t| tree.of(*t) == Some(Dominator::Object(used.object))));
    }
    if !held.is_empty() {
        for at in words().filter(|at| is_used(*at)) {
            if let Some(target) = target(at) {
                held.remove(&target);
            }
        }
    }
    held
}
