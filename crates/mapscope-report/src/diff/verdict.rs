//! What became of a thing between the first inspection and the last.

use super::rows::Side;
use crate::model::{DiffFigures, Growth, RowKind, Verdict};

/// A figure that changed by no more than this share of what it was, in percent, is the same: a service that does its work
/// is never quite at rest.
const STEADY_PERCENT: u64 = 1;
/// A map is drained when no more than this share of its entries is left, in percent: a map grows by doubling, so with less
/// it would fit into a quarter of its slots or fewer.
const DRAINED_PERCENT: u64 = 25;
/// Smaller maps are sparse without harm: what they keep is a few kibibytes.
const DRAINED_MIN_SLOTS: u64 = 1024;
/// At least one slot in so many must have lost its entry since: a map that was as empty before has been drained before.
const DRAINED_SLOTS_PER_LOSS: u64 = 8;

/// Compares the first side with the last. `same_maps`: all inspections have Swiss maps, or all have legacy ones, so that
/// slots can be compared.
pub(super) fn verdict(kind: RowKind, sides: &[Side], same_maps: bool) -> Verdict {
    let (Some(before), Some(after)) = (sides.first(), sides.last()) else { return Verdict::Steady };
    match (before, after) {
        (Side::Torn, _) | (_, Side::Torn) => Verdict::Torn,
        (Side::Unlisted, _) | (_, Side::Unlisted) => Verdict::Unlisted,
        (Side::Known(before), Side::Known(after)) if kind == RowKind::Map && same_maps && drained(before, after) => {
            Verdict::Drained
        }
        (Side::Known(before), Side::Known(after)) => moved(kind, before, after),
        (Side::Absent, Side::Known(_)) => Verdict::New,
        // What was there only in between is gone, too.
        (_, Side::Absent) => Verdict::Gone,
    }
}

/// Most entries went, and every slot stayed.
fn drained(before: &DiffFigures, after: &DiffFigures) -> bool {
    let (Some((had, has)), Some((old, slots))) = (before.count.zip(after.count), before.slots.zip(after.slots)) else {
        return false;
    };
    slots >= DRAINED_MIN_SLOTS
        && slots >= old
        && has.saturating_mul(100) <= had.saturating_mul(DRAINED_PERCENT)
        && had.saturating_sub(has).saturating_mul(DRAINED_SLOTS_PER_LOSS) >= slots
}

/// The name of a figure in JSON, and the figure.
pub(super) type Figure = (&'static str, fn(&DiffFigures) -> Option<u64>);

/// Which figures say how a thing is doing, the one that matters most first: of maps and types their number, of holders what
/// they retain. What a type retains says more of what is below it, which has rows of its own.
pub(super) fn figures(kind: RowKind) -> &'static [Figure] {
    const COUNT: Figure = ("count", |f| f.count);
    const BYTES: Figure = ("bytes", |f| f.bytes);
    const RETAINED: Figure = ("retained_bytes", |f| f.retained_bytes);
    match kind {
        RowKind::Holder | RowKind::Goroutine => &[RETAINED, COUNT],
        RowKind::Total => &[BYTES, COUNT],
        RowKind::Map => &[COUNT, BYTES, RETAINED],
        RowKind::Type => &[COUNT, BYTES],
    }
}

/// The first figure that is not the same decides.
fn moved(kind: RowKind, before: &DiffFigures, after: &DiffFigures) -> Verdict {
    let mut known = figures(kind).iter().filter_map(|(_, figure)| figure(before).zip(figure(after)));
    match known.find(|(before, after)| !steady(*before, *after)) {
        None => Verdict::Steady,
        Some((before, after)) if after > before => Verdict::Grew,
        Some(_) => Verdict::Shrank,
    }
}

pub(super) fn steady(before: u64, after: u64) -> bool {
    before.abs_diff(after).saturating_mul(100) <= before.saturating_mul(STEADY_PERCENT)
}

/// The verdict of something of which it is known how it grows.
pub(super) fn with_growth(verdict: Verdict, growth: &[Growth]) -> Verdict {
    match growth.first() {
        Some(first) if verdict == Verdict::Grew && first.with == "time" => Verdict::GrowsLinearly,
        Some(_) if verdict == Verdict::Grew => Verdict::GrowsWith,
        _ => verdict,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(count: u64, slots: u64, bytes: u64) -> Side {
        let (count, slots, bytes) = (Some(count), Some(slots), Some(bytes));
        Side::Known(DiffFigures { count, slots, bytes, ..DiffFigures::default() })
    }

    fn of_maps(before: Side, after: Side) -> Verdict {
        verdict(RowKind::Map, &[before, after], true)
    }

    #[test]
    fn what_is_in_one_only_is_new_or_gone() {
        let known = map(1, 8, 100);
        assert_eq!(of_maps(Side::Absent, known), Verdict::New);
        assert_eq!(of_maps(known, Side::Absent), Verdict::Gone);
        assert_eq!(verdict(RowKind::Map, &[Side::Absent, known, Side::Absent], true), Verdict::Gone);
        assert_eq!(verdict(RowKind::Map, &[Side::Absent, known, known], true), Verdict::New);
    }

    #[test]
    fn what_is_not_known_is_neither() {
        let known = map(1, 8, 100);
        assert_eq!(of_maps(Side::Torn, Side::Absent), Verdict::Torn);
        assert_eq!(of_maps(known, Side::Torn), Verdict::Torn);
        assert_eq!(of_maps(Side::Unlisted, known), Verdict::Unlisted);
        assert_eq!(of_maps(known, Side::Unlisted), Verdict::Unlisted);
        assert_eq!(of_maps(Side::Unlisted, Side::Torn), Verdict::Torn);
    }

    #[test]
    fn a_hundredth_is_steady_and_more_is_not() {
        assert_eq!(of_maps(map(1000, 2048, 5000), map(1010, 2048, 5000)), Verdict::Steady);
        assert_eq!(of_maps(map(1000, 2048, 5000), map(1011, 2048, 5000)), Verdict::Grew);
        assert_eq!(of_maps(map(1000, 2048, 5000), map(989, 2048, 5000)), Verdict::Shrank);
        assert_eq!(of_maps(map(0, 8, 100), map(0, 8, 100)), Verdict::Steady);
        assert_eq!(of_maps(map(0, 8, 100), map(1, 8, 100)), Verdict::Grew);
        // As many entries in a larger table, or with more behind them.
        assert_eq!(of_maps(map(1000, 2048, 5000), map(1000, 4096, 9000)), Verdict::Grew);
        let held =
            |bytes| Side::Known(DiffFigures { retained_bytes: Some(bytes), count: Some(3), ..DiffFigures::default() });
        assert_eq!(of_maps(held(1000), held(2000)), Verdict::Grew);
        assert_eq!(verdict(RowKind::Type, &[held(1000), held(2000)], true), Verdict::Steady);
    }

    #[test]
    fn the_figure_that_matters_decides() {
        let fewer_with_more = [(9, 500), (3, 900)].map(|(count, bytes)| {
            let (count, retained_bytes) = (Some(count), Some(bytes));
            Side::Known(DiffFigures { count, retained_bytes, ..DiffFigures::default() })
        });
        assert_eq!(verdict(RowKind::Goroutine, &fewer_with_more, true), Verdict::Grew);
        assert_eq!(verdict(RowKind::Type, &fewer_with_more, true), Verdict::Shrank);
    }

    #[test]
    fn a_drained_map_keeps_its_slots() {
        let full = map(100_000, 131_072, 3 << 20);
        assert_eq!(of_maps(full, map(25_000, 131_072, 3 << 20)), Verdict::Drained);
        assert_eq!(of_maps(full, map(0, 262_144, 6 << 20)), Verdict::Drained);
        assert_eq!(of_maps(full, map(25_001, 131_072, 3 << 20)), Verdict::Shrank);
        // Made anew.
        assert_eq!(of_maps(full, map(1000, 2048, 48 << 10)), Verdict::Shrank);
        // Too small to matter, and drained long before.
        assert_eq!(of_maps(map(400, 512, 9000), map(4, 512, 9000)), Verdict::Shrank);
        assert_eq!(of_maps(map(10_000, 131_072, 3 << 20), map(100, 131_072, 3 << 20)), Verdict::Shrank);
        // Slots of a Swiss map and of a legacy one are not of a kind.
        assert_eq!(verdict(RowKind::Map, &[full, map(100, 131_072, 3 << 20)], false), Verdict::Shrank);
        assert_eq!(verdict(RowKind::Type, &[full, map(100, 131_072, 3 << 20)], true), Verdict::Shrank);
    }

    #[test]
    fn figures_of_any_size_can_be_compared() {
        assert_eq!(of_maps(map(u64::MAX, 8, 0), map(0, u64::MAX, u64::MAX)), Verdict::Drained);
        assert_eq!(of_maps(map(1, 8, 0), map(u64::MAX, u64::MAX, u64::MAX)), Verdict::Grew);
    }

    #[test]
    fn what_is_known_of_growth_is_said() {
        let with = |with: &str| vec![Growth { with: with.into(), ..Growth::default() }];
        assert_eq!(with_growth(Verdict::Grew, &with("time")), Verdict::GrowsLinearly);
        assert_eq!(with_growth(Verdict::Grew, &with("map")), Verdict::GrowsWith);
        assert_eq!(with_growth(Verdict::Grew, &[]), Verdict::Grew);
        assert_eq!(with_growth(Verdict::New, &with("map")), Verdict::New);
    }
}
