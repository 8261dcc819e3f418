//! Maps that are alike: one owner, one type, one thing that is the matter. They are one finding, and what they free counts
//! together: four thousand maps that each waste eight KiB are worth as much as one that wastes 32 MiB.

use mapscope_heap::{FreedShare, MapFigures};

use crate::finding::Claim;
use crate::severity::MIN_BYTES;
use crate::state::{State, lost_bytes, state};
use crate::text::{bytes, count, plural};
use crate::{Evidence, MapFacts};

/// What is the matter with maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Matter {
    /// Their tables.
    Tables(State),
    /// Objects that only their keys hold.
    Keys,
    /// The order of fields in their slots.
    Fields,
}

impl Matter {
    /// All that is the matter with a map, with the bytes that mending it frees.
    pub(crate) fn of(map: &MapFacts) -> impl Iterator<Item = (Self, u64)> {
        let state = state(map);
        let tables = match state {
            State::Healthy => 0,
            State::Unfindable | State::Dead => lost_bytes(map),
            State::Growing => map.figures.old_buckets_bytes.unwrap_or(0),
            State::Zeroed => {
                map.figures.table_bytes.saturating_sub(map.without_zero_bytes.unwrap_or(map.figures.table_bytes))
            }
            _ => map.reclaimable_bytes(),
        };
        // Maps of a single group are left to the rule on small maps.
        let fields = map.padded.as_ref().filter(|_| state == State::Healthy && map.as_pairs_bytes.is_none());
        let fields = fields.map_or(0, |padded| padded.savable_bytes);
        [(Self::Tables(state), tables), (Self::Keys, map.pinned_bytes), (Self::Fields, fields)]
            .into_iter()
            .filter(|(_, bytes)| *bytes > 0)
    }
}

/// Maps with one owner and one type with which the same is the matter.
#[derive(Clone, Debug)]
pub(crate) struct Alike {
    pub(crate) matter: Matter,
    /// How many.
    pub(crate) maps: u64,
    /// All of them as if they were one; where there is one, that.
    pub(crate) all: MapFacts,
    /// What mending all of them frees.
    pub(crate) bytes: u64,
    /// What of that other causes free.
    pub(crate) share: FreedShare,
    /// The figures of the one that frees most.
    worst: MapFigures,
    worst_bytes: u64,
}

impl Alike {
    pub(crate) fn of(matter: Matter, map: &MapFacts, bytes: u64) -> Self {
        let share = share(matter, map, bytes);
        Self { matter, maps: 1, all: map.clone(), bytes, share, worst: map.figures.clone(), worst_bytes: bytes }
    }

    /// Adds a map that frees so many bytes.
    pub(crate) fn add(&mut self, map: &MapFacts, bytes: u64) {
        let Self { all, .. } = self;
        if all.owner != map.owner {
            // They differ in the number of the goroutine alone.
            all.owner = nameless(&all.owner).to_owned();
        }
        let without = |map: &MapFacts| map.without_zero_bytes.unwrap_or(map.figures.table_bytes);
        all.without_zero_bytes = Some(without(all).saturating_add(without(map)));
        add(&mut all.figures, &map.figures);
        all.remade_bytes = all.remade_bytes.saturating_add(map.remade_bytes);
        all.pinned_keys = all.pinned_keys.saturating_add(map.pinned_keys);
        all.heuristic |= map.heuristic;
        if let (Some(sum), Some(lost)) = (&mut all.lost, map.lost) {
            sum.entries = sum.entries.saturating_add(lost.entries);
            sum.bytes = sum.bytes.saturating_add(lost.bytes);
            sum.remade_bytes = sum.remade_bytes.saturating_add(lost.remade_bytes);
        }
        if bytes > self.worst_bytes {
            (self.worst, self.worst_bytes) = (map.figures.clone(), bytes);
            (all.cleared, all.padded) = (map.cleared, map.padded.clone());
        }
        self.maps += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        self.share.merge(&share(self.matter, map, bytes));
    }

    /// Bytes of whole objects that are freed.
    fn whole(&self) -> u64 {
        match self.matter {
            Matter::Keys => self.bytes,
            Matter::Tables(State::Unfindable | State::Dead) => self.all.lost.map_or(0, |lost| lost.bytes),
            _ => 0,
        }
    }

    fn cause(&self) -> Option<u16> {
        match self.matter {
            Matter::Keys => self.all.keys_cause,
            Matter::Tables(State::Unfindable | State::Dead) => self.all.lost.and_then(|lost| lost.cause),
            _ => None,
        }
    }

    /// `one` for a single map, `many` for several.
    pub(crate) fn say<'w>(&self, one: &'w str, many: &'w str) -> &'w str {
        if self.maps == 1 { one } else { many }
    }

    /// What is said of them: the summary is told with how many there are and which is the worst, and the evidence has the
    /// figures that every map has.
    pub(crate) fn claim(&self, summary: String, more: &[(&'static str, u64)], advice: String) -> Claim {
        let figures = &self.all.figures;
        let mut evidence =
            vec![("entries", figures.entries), ("slots", figures.slots), ("table_bytes", figures.table_bytes)];
        evidence.push(match self.maps {
            1 => ("retained_bytes", self.all.retained_bytes),
            maps => ("maps", maps),
        });
        evidence.extend_from_slice(more);
        let mut text = summary;
        if self.maps > 1 {
            let worst = format!(
                " The worst has {} in {} slots and alone frees {}.",
                plural_entries(self.worst.entries),
                count(self.worst.slots),
                bytes(self.worst_bytes)
            );
            text = format!("{}: {text}{worst}", plural(self.maps, "map"));
            evidence.push(("worst_bytes", self.worst_bytes));
        }
        if self.all.heuristic {
            text += self.say(" (The map's type was inferred.)", " (The type of some was inferred.)");
        }
        Claim {
            subject: self.all.owner.clone(),
            summary: text,
            evidence,
            reclaimable_bytes: self.bytes,
            share: self.share,
            cause: self.cause(),
            partial_bytes: self.bytes.saturating_sub(self.whole()),
            advice,
            ..Claim::default()
        }
    }
}

/// What of the bytes that mending a map frees is freed with something else. Whole objects that go are a cause of their own.
fn share(matter: Matter, map: &MapFacts, bytes: u64) -> FreedShare {
    let mut share = FreedShare::default();
    let whole = match matter {
        Matter::Keys => bytes,
        Matter::Tables(State::Unfindable | State::Dead) => map.lost.map_or(0, |lost| lost.bytes),
        _ => 0,
    };
    if let Some(cause) = map.freed_by.filter(|_| whole < bytes) {
        share.add(cause, bytes - whole);
    }
    share
}

fn plural_entries(n: u64) -> String {
    format!("{} {}", count(n), if n == 1 { "entry" } else { "entries" })
}

fn add(sum: &mut MapFigures, one: &MapFigures) {
    let optional = |sum: &mut Option<u64>, one: Option<u64>| {
        *sum = match (*sum, one) {
            (Some(a), Some(b)) => Some(a.saturating_add(b)),
            (a, b) => a.or(b),
        };
    };
    optional(&mut sum.tombstones, one.tombstones);
    optional(&mut sum.overflow_buckets, one.overflow_buckets);
    optional(&mut sum.old_buckets_bytes, one.old_buckets_bytes);
    optional(&mut sum.evacuated_buckets, one.evacuated_buckets);
    optional(&mut sum.zero_values, one.zero_values);
    for (sum, one) in [
        (&mut sum.entries, one.entries),
        (&mut sum.slots, one.slots),
        (&mut sum.groups, one.groups),
        (&mut sum.holes, one.holes),
        (&mut sum.table_bytes, one.table_bytes),
        (&mut sum.indirect_bytes, one.indirect_bytes),
        (&mut sum.padding_bytes, one.padding_bytes),
        (&mut sum.reclaimable_bytes, one.reclaimable_bytes),
    ] {
        *sum = sum.saturating_add(one);
    }
}

/// The maps with which this is the matter, where it is worth a finding.
pub(crate) fn alike(evidence: &Evidence, matter: Matter) -> impl Iterator<Item = &Alike> {
    evidence.maps.alike().filter(move |group| group.matter == matter && group.bytes >= MIN_BYTES)
}

/// The owner without the number of its goroutine, so that those of many goroutines are one.
pub(crate) fn nameless(owner: &str) -> &str {
    let rest =
        owner.strip_prefix("goroutine ").map(|r| r.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start());
    rest.unwrap_or(owner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peers(entries: u64) -> MapFacts {
        let figures = MapFigures {
            entries,
            slots: 1024,
            groups: 128,
            tombstones: Some(3),
            table_bytes: 16 << 10,
            ..MapFigures::default()
        };
        MapFacts {
            owner: "main.rooms[].peers".into(),
            type_name: "map[string]int".into(),
            figures,
            remade_bytes: 1 << 10,
            ..MapFacts::default()
        }
    }

    fn groups(maps: Vec<MapFacts>) -> Vec<Alike> {
        let evidence = Evidence { maps: maps.into(), ..Evidence::default() };
        alike(&evidence, Matter::Tables(State::Drained)).cloned().collect()
    }

    #[test]
    fn what_small_maps_of_one_owner_free_counts_together() {
        let mut maps = vec![peers(3); 4000];
        maps[17].remade_bytes = 128;
        let found = groups(maps);
        assert_eq!((found.len(), found[0].maps, found[0].bytes), (1, 4000, 4000 * (15 << 10) + 1024 - 128));
        let claim = found[0].claim("they drained.".into(), &[], String::new());
        assert!(
            claim.summary.starts_with(
                "4,000 maps: they drained. The worst has 3 entries in 1,024 slots and alone frees 15.9 KiB."
            ),
            "{}",
            claim.summary
        );
        assert!(claim.evidence.contains(&("maps", 4000)) && claim.evidence.contains(&("entries", 12_000)));
    }

    #[test]
    fn few_small_maps_are_not_worth_a_finding() {
        assert_eq!(groups(vec![peers(3); 5]).len(), 1);
        assert_eq!(groups(vec![peers(3); 4]).len(), 0, "60 KiB");
    }

    #[test]
    fn owners_and_types_are_told_apart_and_goroutines_are_not() {
        let mut maps = vec![peers(3); 10];
        for map in &mut maps[5..] {
            map.type_name = "map[int]int".into();
        }
        assert_eq!(groups(maps.clone()).len(), 2);
        for (number, map) in maps.iter_mut().enumerate() {
            map.owner = format!("goroutine {number} main.serve: peers");
        }
        let found = groups(maps);
        assert_eq!(found.iter().map(|g| g.all.owner.as_str()).collect::<Vec<_>>(), ["main.serve: peers"; 2]);
    }

    #[test]
    fn what_is_freed_with_something_else_is_known_of_each() {
        let mut maps = vec![peers(3); 10];
        maps[3].freed_by = Some(7);
        assert_eq!(groups(maps)[0].share, FreedShare { bytes: 15 << 10, cause: Some(7), several: false });
    }
}
