//! Rows as columns: neighbours in a column are alike, which compresses well, and no field is named a hundred thousand
//! times.

use std::collections::{BTreeMap, HashMap};

use serde::{Serialize, Serializer};

use crate::model::{MapFigures, MapRef, MapTable, TypeRow};

/// Strings by number, each once.
#[derive(Default)]
pub(super) struct Strings<'r> {
    numbers: HashMap<&'r str, u32>,
    pub(super) list: Vec<&'r str>,
}

impl<'r> Strings<'r> {
    /// The number of a string.
    pub(super) fn number(&mut self, string: &'r str) -> u32 {
        *self.numbers.entry(string).or_insert_with(|| {
            self.list.push(string);
            self.list.len() as u32 - 1
        })
    }
}

/// The rows of maps. `figures` has a column for each figure that some row has, with `null` where another has none.
#[derive(Serialize)]
pub(super) struct MapColumns<'r> {
    /// Without `0x`.
    addr: Column<'r, String>,
    owner: Vec<u32>,
    #[serde(rename = "type")]
    type_name: Vec<u32>,
    #[serde(rename = "impl")]
    implementation: Vec<u32>,
    figures: BTreeMap<&'static str, Column<'r, Option<u64>>>,
    /// Row and reason of the torn ones.
    torn: Vec<(usize, &'r str)>,
    /// Rows that are inferred.
    heuristic: Vec<usize>,
}

/// A column of the first maps of a table, made while it is written.
struct Column<'r, T> {
    maps: &'r MapTable,
    most: usize,
    of: fn(MapRef<'_>) -> T,
}

impl<T> Column<'_, T> {
    fn values(&self) -> impl Iterator<Item = T> {
        self.maps.iter().take(self.most).map(self.of)
    }
}

impl<T: Serialize> Serialize for Column<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.values())
    }
}

type Figure = (&'static str, fn(MapRef<'_>) -> Option<u64>);

const FIGURES: &[Figure] = &[
    ("retained_bytes", |map| map.retained_bytes()),
    ("entries", |map| figure(map, |f| Some(f.entries))),
    ("slots", |map| figure(map, |f| Some(f.slots))),
    ("groups", |map| figure(map, |f| Some(f.groups))),
    ("holes", |map| figure(map, |f| Some(f.holes))),
    ("tombstones", |map| figure(map, |f| f.tombstones)),
    ("overflow_buckets", |map| figure(map, |f| f.overflow_buckets)),
    ("old_buckets_bytes", |map| figure(map, |f| f.old_buckets_bytes)),
    ("evacuated_buckets", |map| figure(map, |f| f.evacuated_buckets)),
    ("zero_values", |map| figure(map, |f| f.zero_values)),
    ("table_bytes", |map| figure(map, |f| Some(f.table_bytes))),
    ("indirect_bytes", |map| figure(map, |f| Some(f.indirect_bytes))),
    ("padding_bytes", |map| figure(map, |f| Some(f.padding_bytes))),
    ("reclaimable_bytes", |map| figure(map, |f| Some(f.reclaimable_bytes))),
];

fn figure(map: MapRef<'_>, of: fn(&MapFigures) -> Option<u64>) -> Option<u64> {
    map.figures().and_then(of)
}

impl<'r> MapColumns<'r> {
    /// The first `most` of `maps`.
    pub(super) fn new(maps: &'r MapTable, most: usize, strings: &mut Strings<'r>) -> Self {
        let rows = || maps.iter().take(most);
        let columns = FIGURES.iter().map(|(name, of)| (*name, Column { maps, most, of: *of }));
        let numbered = rows().enumerate();
        Self {
            addr: Column { maps, most, of: |map| format!("{:x}", map.address()) },
            owner: rows().map(|map| strings.number(map.owner())).collect(),
            type_name: rows().map(|map| strings.number(map.type_name())).collect(),
            implementation: rows().map(|map| strings.number(map.implementation())).collect(),
            figures: columns.filter(|(_, column)| column.values().any(|value| value.is_some())).collect(),
            torn: numbered
                .clone()
                .filter(|(_, map)| map.torn())
                .map(|(index, map)| (index, map.torn_reason().unwrap_or_default()))
                .collect(),
            heuristic: numbered.filter(|(_, map)| map.heuristic()).map(|(index, _)| index).collect(),
        }
    }
}

/// The rows of types.
#[derive(Serialize)]
pub(super) struct TypeColumns {
    #[serde(rename = "type")]
    type_name: Vec<u32>,
    count: Vec<u64>,
    shallow_bytes: Vec<u64>,
    retained_bytes: Vec<Option<u64>>,
}

impl TypeColumns {
    pub(super) fn new<'r>(rows: &'r [TypeRow], strings: &mut Strings<'r>) -> Self {
        Self {
            type_name: rows.iter().map(|row| strings.number(&row.type_name)).collect(),
            count: rows.iter().map(|row| row.count).collect(),
            shallow_bytes: rows.iter().map(|row| row.shallow_bytes).collect(),
            retained_bytes: rows.iter().map(|row| row.retained_bytes).collect(),
        }
    }
}
