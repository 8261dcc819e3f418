//! Rows as columns: neighbours in a column are alike, which compresses well, and no field is named a hundred thousand
//! times.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::model::{MapFigures, MapRow, TypeRow};

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
    addr: Vec<&'r str>,
    owner: Vec<u32>,
    #[serde(rename = "type")]
    type_name: Vec<u32>,
    #[serde(rename = "impl")]
    implementation: Vec<u32>,
    figures: Map<String, Value>,
    /// Row and reason of the torn ones.
    torn: Vec<(usize, &'r str)>,
    /// Rows that are inferred.
    heuristic: Vec<usize>,
}

type Figure = (&'static str, fn(&MapRow) -> Option<u64>);

const FIGURES: &[Figure] = &[
    ("retained_bytes", |row| row.retained_bytes),
    ("entries", |row| figure(row, |f| Some(f.entries))),
    ("slots", |row| figure(row, |f| Some(f.slots))),
    ("groups", |row| figure(row, |f| Some(f.groups))),
    ("holes", |row| figure(row, |f| Some(f.holes))),
    ("tombstones", |row| figure(row, |f| f.tombstones)),
    ("overflow_buckets", |row| figure(row, |f| f.overflow_buckets)),
    ("old_buckets_bytes", |row| figure(row, |f| f.old_buckets_bytes)),
    ("evacuated_buckets", |row| figure(row, |f| f.evacuated_buckets)),
    ("zero_values", |row| figure(row, |f| f.zero_values)),
    ("table_bytes", |row| figure(row, |f| Some(f.table_bytes))),
    ("indirect_bytes", |row| figure(row, |f| Some(f.indirect_bytes))),
    ("padding_bytes", |row| figure(row, |f| Some(f.padding_bytes))),
    ("reclaimable_bytes", |row| figure(row, |f| Some(f.reclaimable_bytes))),
];

fn figure(row: &MapRow, of: fn(&MapFigures) -> Option<u64>) -> Option<u64> {
    row.figures.as_ref().filter(|_| !row.torn).and_then(of)
}

impl<'r> MapColumns<'r> {
    pub(super) fn new(rows: &'r [MapRow], strings: &mut Strings<'r>) -> Self {
        let mut figures = Map::new();
        for (name, of) in FIGURES {
            let column: Vec<Option<u64>> = rows.iter().map(of).collect();
            if column.iter().any(Option::is_some) {
                figures.insert((*name).to_owned(), column.into());
            }
        }
        let numbered = rows.iter().enumerate();
        Self {
            addr: rows.iter().map(|row| row.addr.trim_start_matches("0x")).collect(),
            owner: rows.iter().map(|row| strings.number(&row.owner)).collect(),
            type_name: rows.iter().map(|row| strings.number(&row.type_name)).collect(),
            implementation: rows.iter().map(|row| strings.number(&row.implementation)).collect(),
            figures,
            torn: numbered
                .clone()
                .filter(|(_, row)| row.torn)
                .map(|(index, row)| (index, row.torn_reason.as_deref().unwrap_or_default()))
                .collect(),
            heuristic: numbered.filter(|(_, row)| row.heuristic).map(|(index, _)| index).collect(),
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
