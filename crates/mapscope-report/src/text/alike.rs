//! Maps with one owner as one row: a hundred shards, or fifty workers with a map each, are one thing to know.

use std::collections::HashMap;

use crate::diff::of_goroutine;
use crate::model::{MapFigures, MapId, MapRef, MapRow, MapTable};

/// A row to be, and how many maps it stands for.
pub(crate) struct Alike {
    first: MapId,
    pub(crate) maps: usize,
    /// What they add up to, when there are several.
    sum: Option<Box<Sum>>,
}

struct Sum {
    figures: MapFigures,
    retained_bytes: Option<u64>,
}

impl Alike {
    fn one(map: MapRef<'_>) -> Self {
        Self { first: map.id(), maps: 1, sum: None }
    }

    /// Adds a map, which has these figures, to those of `table` that this stands for.
    fn add(&mut self, map: MapRef<'_>, figures: &MapFigures, table: &MapTable) {
        let first = table.map(self.first);
        let sum = self.sum.get_or_insert_with(|| {
            let figures = first.figures().cloned().unwrap_or_default();
            Box::new(Sum { figures, retained_bytes: first.retained_bytes() })
        });
        self.maps += 1;
        add(&mut sum.figures, figures);
        let retained = sum.retained_bytes.zip(map.retained_bytes());
        sum.retained_bytes = retained.map(|(a, b)| a.saturating_add(b));
    }

    fn figures<'t>(&'t self, table: &'t MapTable) -> Option<&'t MapFigures> {
        self.sum.as_ref().map(|sum| &sum.figures).or_else(|| table.map(self.first).figures())
    }

    /// The row of these maps of `table`.
    pub(crate) fn row(&self, table: &MapTable) -> MapRow {
        let row = table.map(self.first).row();
        let Some(sum) = &self.sum else { return row };
        let owner = of_goroutine(&row.owner).unwrap_or(&row.owner);
        MapRow {
            owner: format!("{} × {owner}", self.maps),
            figures: Some(sum.figures.clone()),
            retained_bytes: sum.retained_bytes,
            ..row
        }
    }
}

/// `maps` with those of equal type and owner, whatever the number of the goroutine, added up. If there
/// are any, they are in order of their table bytes again, torn maps in front.
pub(crate) fn alike(maps: &MapTable) -> Vec<Alike> {
    let mut found: Vec<Alike> = Vec::new();
    let mut known: HashMap<(&str, &str, &str, bool), usize> = HashMap::new();
    for map in maps.iter() {
        let owner = of_goroutine(map.owner()).unwrap_or(map.owner());
        let Some(figures) = map.figures().filter(|_| !owner.is_empty()) else {
            found.push(Alike::one(map));
            continue;
        };
        let key = (owner, map.type_name(), map.implementation(), map.heuristic());
        if let Some(&at) = known.get(&key) {
            found[at].add(map, figures, maps);
        } else {
            known.insert(key, found.len());
            found.push(Alike::one(map));
        }
    }
    if found.len() < maps.len() {
        found.sort_by_key(|a| std::cmp::Reverse(a.figures(maps).map_or(u64::MAX, |f| f.table_bytes)));
    }
    found
}

fn add(sum: &mut MapFigures, other: &MapFigures) {
    let optional = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
    let MapFigures {
        entries,
        slots,
        groups,
        holes,
        tombstones,
        overflow_buckets,
        old_buckets_bytes,
        evacuated_buckets,
        zero_values,
        table_bytes,
        indirect_bytes,
        padding_bytes,
        reclaimable_bytes,
    } = other;
    for (figure, more) in [
        (&mut sum.entries, entries),
        (&mut sum.slots, slots),
        (&mut sum.groups, groups),
        (&mut sum.holes, holes),
        (&mut sum.table_bytes, table_bytes),
        (&mut sum.indirect_bytes, indirect_bytes),
        (&mut sum.padding_bytes, padding_bytes),
        (&mut sum.reclaimable_bytes, reclaimable_bytes),
    ] {
        *figure = figure.saturating_add(*more);
    }
    sum.tombstones = optional(sum.tombstones, *tombstones);
    sum.overflow_buckets = optional(sum.overflow_buckets, *overflow_buckets);
    sum.old_buckets_bytes = optional(sum.old_buckets_bytes, *old_buckets_bytes);
    sum.evacuated_buckets = optional(sum.evacuated_buckets, *evacuated_buckets);
    sum.zero_values = optional(sum.zero_values, *zero_values);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(owner: &str, type_name: &str, table_bytes: u64) -> MapRow {
        let figures = MapFigures { entries: 1, zero_values: Some(1), table_bytes, ..MapFigures::default() };
        MapRow { owner: owner.into(), type_name: type_name.into(), figures: Some(figures), ..MapRow::default() }
    }

    fn shown(maps: &[MapRow]) -> Vec<(String, usize, u64)> {
        let maps = MapTable::from(maps.to_vec());
        let bytes = |row: &MapRow| row.figures.as_ref().map_or(0, |f| f.table_bytes);
        let shown = |a: &Alike| (a.row(&maps).owner, a.maps, bytes(&a.row(&maps)));
        alike(&maps).iter().map(shown).collect()
    }

    #[test]
    fn maps_with_one_owner_are_added_up() {
        let maps = [
            map("main.cache", "map[int]int", 500),
            map("main.shards[]", "map[int]int", 200),
            map("main.shards[]", "map[int]int", 150),
            map("", "map[int]int", 1),
            map("", "map[int]int", 1),
            map("goroutine 7 main.worker: seen", "map[int]int", 300),
            map("goroutine 7 main.worker: seen", "map[int]bool", 300),
            map("goroutine 8 main.worker: seen", "map[int]int", 300),
            map("goroutine 9 main.reader: seen", "map[int]int", 300),
        ];
        let seen = |owner: &str, maps, bytes| (owner.to_owned(), maps, bytes);
        let want = [
            seen("2 × main.worker: seen", 2, 600),
            seen("main.cache", 1, 500),
            seen("2 × main.shards[]", 2, 350),
            seen("goroutine 7 main.worker: seen", 1, 300),
            seen("goroutine 9 main.reader: seen", 1, 300),
            seen("", 1, 1),
            seen("", 1, 1),
        ];
        assert_eq!(shown(&maps), want);
        let maps = MapTable::from(maps.to_vec());
        let figures = alike(&maps)[0].row(&maps).figures;
        assert_eq!(figures.map(|f| (f.entries, f.zero_values)), Some((2, Some(2))));
    }

    #[test]
    fn torn_maps_stay_alone_and_in_front() {
        let torn = MapRow { torn: true, figures: None, ..map("goroutine 1 main.f: m", "map[int]int", 0) };
        assert_eq!(shown(&[torn.clone(), torn, map("main.m", "map[int]int", 9)]).len(), 3);
    }
}
