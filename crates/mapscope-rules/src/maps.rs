//! The maps of a target, as far as rules have something to say of them: facts go in one map at a time, and of the millions
//! that can be small only sums stay.

use crate::MapFacts;
use crate::rules::gm009_many_small_maps::SmallMaps;
use crate::rules::gm012_shared_map::MANY;
use crate::severity::MIN_BYTES;

/// Live maps that are not torn.
#[derive(Clone, Debug, Default)]
pub struct Maps {
    /// Those of which alone a rule may say something.
    single: Vec<MapFacts>,
    pub(crate) small: SmallMaps,
}

impl Maps {
    /// Takes note of a map.
    pub fn add(&mut self, map: MapFacts) {
        self.small.add(&map);
        if matters(&map) {
            self.single.push(map);
        }
    }

    /// The maps of which alone a rule may say something.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &MapFacts> {
        self.single.iter()
    }
}

/// Whether a rule may say something of this map alone. Every rule on single maps asks for so many bytes or pointers.
fn matters(map: &MapFacts) -> bool {
    let savable = map.padded.as_ref().map_or(0, |padded| padded.savable_bytes);
    map.figures.table_bytes.max(map.pinned_bytes).max(savable) >= MIN_BYTES || map.pointers >= MANY
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
        let small = small();
        assert!(small.iter().all(|map| !matters(map)));
        let maps = Maps { single: small, ..Maps::default() };
        assert_eq!(findings(&Evidence { maps, ..Evidence::default() }), []);
    }

    #[test]
    fn what_matters_is_kept() {
        let map = small().remove(0);
        let changed = |change: &dyn Fn(&mut MapFacts)| {
            let mut map = map.clone();
            change(&mut map);
            Maps::from(vec![map]).iter().count()
        };
        assert_eq!(changed(&|_| ()), 0);
        assert_eq!(changed(&|m| m.figures.table_bytes = MIN_BYTES), 1);
        assert_eq!(changed(&|m| m.pinned_bytes = MIN_BYTES), 1);
        assert_eq!(changed(&|m| m.pointers = MANY), 1);
    }
}
