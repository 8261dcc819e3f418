//! What is the matter with a map. One map has one state, so that no two rules promise its bytes.

use crate::MapFacts;
use crate::severity::MIN_BYTES;

/// A map that was filled by inserting is at most a little over twice as large as one made to measure: a Swiss table doubles
/// at 7/8, a legacy array at 6.5 of 8. At four times, something has gone.
const DRAINED: u64 = 4;
/// A tenth of the entries: what dies between two sweeps of a cache is less, and a NaN here and there is no leak.
const LOST: u64 = 10;
/// Half of the entries written as zero: no accident.
const ZEROED: u64 = 2;
/// The runtime itself thinks tombstones worth clearing away from a tenth of the slots on (`pruneTombstones`, 1.25).
const TOMBSTONES: u64 = 10;
/// A legacy map filled to the limit has an overflow bucket for every fifth bucket: hashes spread as chance has it, and
/// more than 8 of 6.5 on average are in 21% of the buckets. Half of them is more than chance.
const CHAINS: u64 = 2;
/// At half of the largest load, which is what growth leaves, 3 to 4% of the groups are empty by chance.
const HOLES: u64 = 10;
/// In fewer groups than this, chance may leave no trace of what was there.
const TRACES: u64 = 512;

/// The state of one map, the most telling cause first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Legacy: old buckets wait for writes.
    Growing,
    /// Entries that no lookup finds, for their keys are NaN.
    Unfindable,
    /// Entries whose weak pointers lead to nothing.
    Dead,
    /// Entries were set to zero instead of deleted.
    Zeroed,
    /// It held far more.
    Drained,
    /// It was made for far more, and never held it.
    Oversized,
    /// Legacy: buckets hang in chains.
    Chained,
    /// Deleted slots that are not free again.
    Tombstoned,
    /// Many groups without an entry.
    Holey,
    /// Nothing worth a change.
    Healthy,
}

/// What is worth counting of one map: an eighth of a small one, which may be one of thousands, for less is within what
/// growth leaves; what is worth a finding alone, of a large one.
fn floor(table_bytes: u64) -> u64 {
    (table_bytes / 8).clamp(1, MIN_BYTES)
}

/// What a map made anew without the entries that are of no use frees: of its tables, and of what goes with the entries.
pub(crate) fn lost_bytes(map: &MapFacts) -> u64 {
    map.lost.map_or(0, |lost| map.figures.table_bytes.saturating_sub(lost.remade_bytes).saturating_add(lost.bytes))
}

/// The state of a map.
pub(crate) fn state(map: &MapFacts) -> State {
    let figures = &map.figures;
    let at_least = floor(figures.table_bytes);
    if figures.old_buckets_bytes.unwrap_or(0) >= MIN_BYTES {
        return State::Growing;
    }
    if let Some(lost) = map.lost
        && lost.entries.saturating_mul(LOST) >= figures.entries.max(1)
        && lost_bytes(map) >= at_least
    {
        return if lost.nan { State::Unfindable } else { State::Dead };
    }
    // Elements that are zero are a sign only where there are many: a small map may well have some.
    if let (Some(zero), Some(without)) = (figures.zero_values, map.without_zero_bytes)
        && zero.saturating_mul(ZEROED) >= figures.entries.max(1)
        && figures.table_bytes.saturating_sub(without) >= MIN_BYTES
    {
        return State::Zeroed;
    }
    // Maps of a single group are as small as maps are (GM009).
    if figures.groups <= 1 && figures.table_bytes < MIN_BYTES || map.reclaimable_bytes() < at_least {
        return State::Healthy;
    }
    if map.remade_bytes.saturating_mul(DRAINED) <= figures.table_bytes {
        return if was_full(map) { State::Drained } else { State::Oversized };
    }
    let holds = |part: Option<u64>, share: u64, of: u64| part.is_some_and(|p| p.saturating_mul(share) >= of && p > 0);
    if holds(figures.overflow_buckets, CHAINS, figures.groups) {
        State::Chained
    } else if holds(figures.tombstones, TOMBSTONES, figures.slots) {
        State::Tombstoned
    } else if holds(Some(figures.holes), HOLES, figures.groups) {
        State::Holey
    } else {
        State::Healthy
    }
}

/// Whether a map that is far too large has traces of having been full: a group that was full when it lost an entry has a
/// tombstone, a bucket that was overfull has a chain. `clear` removes both, and Swiss maps count how often it was called.
pub(crate) fn was_full(map: &MapFacts) -> bool {
    let figures = &map.figures;
    let traces = figures.tombstones.unwrap_or(0) > 0 || figures.overflow_buckets.unwrap_or(0) > 0;
    traces || map.cleared == Some(true) || figures.groups < TRACES
}

#[cfg(test)]
mod tests {
    use mapscope_heap::MapFigures;

    use super::*;
    use crate::LostFacts;

    /// The state of a map of 4 MiB, which would take as much of it as `remade` says in KiB if it were made anew.
    fn state_of(remade: u64, change: impl FnOnce(&mut MapFacts)) -> State {
        let figures = MapFigures {
            entries: 100_000,
            slots: 131_072,
            groups: 16_384,
            table_bytes: 4 << 20,
            tombstones: Some(0),
            ..MapFigures::default()
        };
        let mut map = MapFacts { figures, remade_bytes: remade << 10, ..MapFacts::default() };
        change(&mut map);
        state(&map)
    }

    #[test]
    fn a_map_has_one_state() {
        assert_eq!(state_of(4096, |_| {}), State::Healthy);
        assert_eq!(state_of(1024, |_| {}), State::Oversized);
        assert_eq!(state_of(1024, |m| m.figures.tombstones = Some(1)), State::Drained);
        assert_eq!(state_of(1024, |m| m.figures.overflow_buckets = Some(1)), State::Drained);
        assert_eq!(state_of(1024, |m| m.cleared = Some(true)), State::Drained);
        assert_eq!(state_of(1024, |m| m.figures.old_buckets_bytes = Some(1 << 20)), State::Growing);
        let zeroed = |m: &mut MapFacts| (m.figures.zero_values, m.without_zero_bytes) = (Some(60_000), Some(2 << 20));
        assert_eq!(state_of(1024, zeroed), State::Zeroed);
        let lost = |nan| {
            move |m: &mut MapFacts| {
                m.lost = Some(LostFacts { nan, entries: 10_000, remade_bytes: 2 << 20, ..LostFacts::default() });
            }
        };
        assert_eq!([state_of(4096, lost(true)), state_of(1024, lost(false))], [State::Unfindable, State::Dead]);
        assert_eq!(state_of(2048, |_| {}), State::Healthy);
        assert_eq!(state_of(2048, |m| m.figures.tombstones = Some(14_000)), State::Tombstoned);
        assert_eq!(state_of(2048, |m| m.figures.overflow_buckets = Some(9_000)), State::Chained);
        assert_eq!(state_of(2048, |m| m.figures.holes = 2_000), State::Holey);
    }

    #[test]
    fn a_little_is_not_worth_a_change() {
        assert_eq!(state_of(4096 - 63, |m| m.figures.holes = 2_000), State::Healthy);
        let small = |remade, groups| {
            state_of(0, |m| (m.figures.table_bytes, m.remade_bytes, m.figures.groups) = (8192, remade, groups))
        };
        assert_eq!([small(2048, 32), small(7169, 32), small(48, 1)], [State::Drained, State::Healthy, State::Healthy]);
    }
}
