//! Parts of memory and totals of the heap, side by side.

use super::rows::{Side, Subject};
use crate::model::{DiffFigures, Inspection, RowKind};

/// What the reader of a diff asks for first.
pub(crate) const LIVE: &str = "live heap";

/// A name, and its figures in an inspection that knows them.
type Total = (&'static str, fn(&Inspection) -> Option<DiffFigures>);

const TOTALS: &[Total] = &[
    (LIVE, |i| part(Some(i.heap.live_bytes))),
    ("objects", |i| number(i.heap.live_objects)),
    ("goroutines", |i| number(i.goroutines?.program)),
    ("RSS", |i| part(i.memory.rss_bytes)),
    ("in the core", |i| part(i.memory.core_bytes)),
    ("live objects", |i| part(Some(i.memory.heap_live_bytes))),
    ("garbage", |i| part(Some(i.memory.heap_garbage_bytes))),
    ("fragmentation", |i| part(Some(i.memory.heap_fragmentation_bytes))),
    ("free spans", |i| part(i.memory.heap_free_bytes)),
    ("stacks", |i| part(Some(i.memory.stacks_bytes))),
    ("runtime", |i| part(i.memory.runtime_bytes)),
    ("binary", |i| part(i.memory.binary_bytes)),
    ("other", |i| part(i.memory.other_bytes)),
];

/// The totals that all inspections know. A part that one of them does not tell apart cannot be compared.
pub(super) fn subjects(inspections: &[&Inspection]) -> Vec<Subject> {
    let subject = |(name, of): &Total| {
        let sides: Option<Vec<Side>> = inspections.iter().map(|i| of(i).map(Side::Known)).collect();
        Some(Subject { kind: RowKind::Total, name: (*name).to_owned(), sides: sides?, ..Subject::default() })
    };
    TOTALS.iter().filter_map(subject).collect()
}

fn part(bytes: Option<u64>) -> Option<DiffFigures> {
    Some(DiffFigures { bytes: Some(bytes?), ..DiffFigures::default() })
}

#[allow(clippy::unnecessary_wraps, reason = "the entries of the table are of one type")]
fn number(count: u64) -> Option<DiffFigures> {
    Some(DiffFigures { count: Some(count), ..DiffFigures::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{GoroutineCount, Heap, MemoryUse};

    #[test]
    fn a_total_that_one_side_does_not_know_is_left_out() {
        let process = Inspection {
            memory: MemoryUse { rss_bytes: Some(9), runtime_bytes: Some(1), ..MemoryUse::default() },
            heap: Heap { live_objects: 3, live_bytes: 5, ..Heap::default() },
            ..Inspection::default()
        };
        let core = Inspection { memory: MemoryUse { core_bytes: Some(7), ..MemoryUse::default() }, ..process.clone() };
        let names = |inspections: &[&Inspection]| -> Vec<String> {
            subjects(inspections).into_iter().map(|s| s.name).collect()
        };
        let common = [LIVE, "objects", "live objects", "garbage", "fragmentation", "stacks"];
        assert_eq!(names(&[&process, &core]), common);
        // An older version did not count goroutines.
        let counted = Inspection { goroutines: Some(GoroutineCount { program: 3, runtime: 4 }), ..core.clone() };
        assert_eq!(names(&[&process, &counted]), common);
        assert_eq!(subjects(&[&counted, &counted])[2].values(|f| f.count), Some(vec![3, 3]));
        assert_eq!(names(&[&process, &process]).len(), common.len() + 2);
        let live = &subjects(&[&process, &core])[..2];
        assert_eq!((live[0].values(|f| f.bytes), live[1].values(|f| f.count)), (Some(vec![5, 5]), Some(vec![3, 3])));
    }
}
