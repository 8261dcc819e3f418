//! The maps of a target, as far as rules have something to say of them: facts go in one map at a time, and of the millions
//! that can be small only sums stay.

use std::collections::BTreeMap;

use crate::MapFacts;
use crate::alike::{Alike, Matter, nameless};
use crate::rules::gm009_many_small_maps::Small;
use crate::rules::gm012_shared_map::MANY;

/// Live maps that are not torn.
#[derive(Clone, Debug, Default)]
pub struct Maps {
    /// By owner, without the number of its goroutine, then by type.
    places: BTreeMap<String, BTreeMap<String, Place>>,
    /// Those that many pointers lead to.
    shared: Vec<MapFacts>,
}

/// The maps with one owner and one type.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// Entries and slots of the one with most entries.
    pub(crate) fullest: (u64, u64),
    pub(crate) small: Small,
    alike: Vec<Alike>,
}

impl Maps {
    /// Takes note of a map.
    pub fn add(&mut self, map: MapFacts) {
        let (owner, type_name) = (nameless(&map.owner), map.type_name.as_str());
        if let Some(place) = self.places.get_mut(owner).and_then(|types| types.get_mut(type_name)) {
            place.add(&map);
        } else {
            let types = self.places.entry(owner.to_owned()).or_default();
            types.entry(type_name.to_owned()).or_default().add(&map);
        }
        if map.pointers >= MANY {
            self.shared.push(map);
        }
    }

    /// Those that a thousand pointers or more lead to.
    pub(crate) fn shared(&self) -> impl Iterator<Item = &MapFacts> {
        self.shared.iter()
    }

    /// Those with which something is the matter.
    pub(crate) fn alike(&self) -> impl Iterator<Item = &Alike> {
        self.places.values().flat_map(BTreeMap::values).flat_map(|place| &place.alike)
    }

    /// Owner, type, and what is known of each place.
    pub(crate) fn places(&self) -> impl Iterator<Item = (&str, &str, &Place)> {
        let all = self.places.iter();
        all.flat_map(|(owner, types)| types.iter().map(move |(name, place)| (owner.as_str(), name.as_str(), place)))
    }

    /// The owner of a map of the same type beside these, in the same struct, function or package, that is about as large
    /// and full: the two may change places, and each be filled in its turn.
    pub(crate) fn other_half(&self, group: &Alike) -> Option<&str> {
        let owner = nameless(&group.all.owner);
        let (parent, _) = split(owner)?;
        let slots = group.all.figures.slots / group.maps.max(1);
        let fits = |place: &Place| {
            let (entries, theirs) = place.fullest;
            theirs <= slots.saturating_mul(SIZES) && slots <= theirs.saturating_mul(SIZES) && entries * FULL >= theirs
        };
        let below = self.places.range(parent.to_owned()..).take_while(|(name, _)| name.starts_with(parent));
        let beside =
            below.take(BESIDE).filter(|(name, _)| name.as_str() != owner && split(name).is_some_and(|s| s.0 == parent));
        beside
            .filter_map(|(name, types)| Some((name.as_str(), types.get(&group.all.type_name)?)))
            .find(|(_, place)| fits(place))
            .map(|(name, _)| name)
    }
}

/// Owners that are looked at: a struct has no more fields than this, and a heap may be made of names alone.
const BESIDE: usize = 4096;
/// Two maps that were filled with as much are as large as each other, or one doubled once more than the other.
const SIZES: u64 = 2;
/// One part in so many of the slots: growth leaves at least 7 of 16 used.
const FULL: u64 = 3;

/// What is before the last name of an owner, and that name. A map among the elements of another has none of its own.
fn split(owner: &str) -> Option<(&str, &str)> {
    let at = owner.rfind(['.', ' '])?;
    let name = &owner[at + 1..];
    (!name.is_empty() && !name.contains(['[', ']'])).then_some((&owner[..=at], name))
}

impl Place {
    fn add(&mut self, map: &MapFacts) {
        self.fullest = self.fullest.max((map.figures.entries, map.figures.slots));
        self.small.add(map);
        for (matter, bytes) in Matter::of(map) {
            match self.alike.iter_mut().find(|group| group.matter == matter) {
                Some(group) => group.add(map, bytes),
                None => self.alike.push(Alike::of(matter, map, bytes)),
            }
        }
    }
}

impl From<Vec<MapFacts>> for Maps {
    fn from(facts: Vec<MapFacts>) -> Self {
        let mut maps = Self::default();
        for map in facts {
            maps.add(map);
        }
        maps
    }
}

#[cfg(test)]
mod tests {
    use mapscope_heap::MapFigures;

    use super::*;
    use crate::severity::MIN_BYTES;
    use crate::{Evidence, FieldOrder, PaddedMapFacts, findings};

    /// Maps one byte and one pointer below what matters, in every state that a map can have.
    fn small() -> Vec<MapFacts> {
        let most = MIN_BYTES - 1;
        let figures = MapFigures {
            entries: 1000,
            slots: 2000,
            groups: 250,
            tombstones: Some(0),
            table_bytes: most,
            ..MapFigures::default()
        };
        let padded = PaddedMapFacts {
            orders: vec![FieldOrder { type_name: "main.T".into(), ..FieldOrder::default() }],
            savable_bytes: most,
            ..PaddedMapFacts::default()
        };
        let map = MapFacts {
            owner: "main.m".into(),
            figures,
            remade_bytes: most,
            pointers: MANY - 1,
            pinned_keys: 9,
            pinned_bytes: most,
            padded: Some(padded.into()),
            ..MapFacts::default()
        };
        let changed = |change: &dyn Fn(&mut MapFacts)| {
            let mut map = map.clone();
            change(&mut map);
            map
        };
        vec![
            changed(&|m| m.remade_bytes = 0),
            changed(&|m| (m.remade_bytes, m.figures.groups) = (0, 10_000)),
            changed(&|m| m.figures.old_buckets_bytes = Some(most)),
            changed(&|m| (m.figures.zero_values, m.without_zero_bytes) = (Some(900), Some(0))),
            changed(&|m| m.figures.overflow_buckets = Some(900)),
            changed(&|m| m.figures.tombstones = Some(900)),
            changed(&|m| m.figures.holes = 200),
            map,
        ]
    }

    #[test]
    fn no_rule_speaks_of_a_map_that_does_not_matter() {
        for map in small() {
            assert_eq!(findings(&Evidence { maps: vec![map].into(), ..Evidence::default() }), []);
        }
    }

    #[test]
    fn what_many_pointers_lead_to_is_kept() {
        let count = |pointers| Maps::from(vec![MapFacts { pointers, ..small().remove(0) }]).shared().count();
        assert_eq!([count(MANY - 1), count(MANY)], [0, 1]);
    }

    fn map(owner: &str, entries: u64, slots: u64) -> MapFacts {
        let figures = MapFigures {
            entries,
            slots,
            groups: slots / 8,
            tombstones: Some(1),
            table_bytes: slots * 17,
            ..MapFigures::default()
        };
        MapFacts { owner: owner.into(), figures, remade_bytes: entries * 20, ..MapFacts::default() }
    }

    fn other_half(drained: &str, other: &str, slots: u64, entries: u64) -> Option<String> {
        let maps = Maps::from(vec![map(drained, 10, 65_536), map(other, entries, slots)]);
        let group = maps.alike().find(|g| nameless(&g.all.owner) == nameless(drained))?;
        maps.other_half(group).map(str::to_owned)
    }

    #[test]
    fn a_map_that_is_filled_in_its_turn_has_a_full_one_of_its_size_beside_it() {
        let with = |other: &str| other_half("main.dedup.next", other, 65_536, 40_000);
        assert_eq!(with("main.dedup.now").as_deref(), Some("main.dedup.now"));
        assert_eq!(with("main.other.now"), None, "of another struct");
        assert_eq!(with("main.dedup.now.more"), None, "further in");
        assert_eq!(with("main.dedup.all[]"), None, "one of many");
        assert_eq!(other_half("main.dedup.next", "main.dedup.now", 65_536, 1000), None, "empty as well");
        assert_eq!(other_half("main.dedup.next", "main.dedup.now", 1 << 20, 700_000), None, "far larger");
        assert_eq!(other_half("main.dedup.next", "main.dedup.now", 4096, 3000), None, "far smaller");
        let local = other_half("goroutine 7 main.run: next", "goroutine 7 main.run: now", 131_072, 60_000);
        assert_eq!(local.as_deref(), Some("main.run: now"));
        assert_eq!(
            other_half("main.shards[].old", "main.shards[].new", 65_536, 40_000).as_deref(),
            Some("main.shards[].new")
        );
    }
}
