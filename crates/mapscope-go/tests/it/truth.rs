//! What a program says of itself, against what was read.

use mapscope_model::{MapFigures, MapRef};
use serde_json::Value;

use crate::target::Reading;

/// Every difference, as a sentence.
pub fn compare(truth: &Value, reading: &Reading) -> Vec<String> {
    let mut wrong: Vec<String> = reading.error.iter().cloned().collect();
    wrong.extend(reading.partial.iter().map(|p| format!("partial: {p}")));
    let none = Vec::new();
    let maps = truth["maps"].as_array().unwrap_or(&none);
    for map in maps {
        wrong.extend(compare_map(map, reading));
    }
    for count in truth["types"].as_array().unwrap_or(&none) {
        let name = count["type"].as_str().unwrap();
        let found = reading.types.iter().find(|t| t.name == name).map_or(0, |t| t.count);
        if Some(found) != count["count"].as_u64() {
            wrong.push(format!("{found} objects of type {name}, not {}", count["count"]));
        }
    }
    for (what, found) in [("heap_alloc", reading.totals.live_bytes), ("heap_objects", reading.totals.live_objects)] {
        let said = truth[what].as_u64().unwrap();
        if found.abs_diff(said) * 100 > said {
            wrong.push(format!("{what} is {said}, {found} are live"));
        }
    }
    wrong
}

/// The differences of one map.
pub fn compare_map(said: &Value, reading: &Reading) -> Vec<String> {
    let owner = said["owner"].as_str().unwrap();
    let name = format!("map {} {} with {} entries", owner, said["type"].as_str().unwrap(), said["entries"]);
    let found: Vec<MapRef<'_>> = match said["addr"].as_str() {
        Some(address) => {
            let address = u64::from_str_radix(address.trim_start_matches("0x"), 16).unwrap();
            reading.maps.iter().filter(|m| m.address() == address).collect()
        }
        // A map on a stack moves with it.
        None => reading.maps.iter().filter(|m| is_like(said, *m)).collect(),
    };
    let [map] = found[..] else { return vec![format!("{name} at {} is found {} times", said["addr"], found.len())] };
    let mut wrong = Vec::new();
    if map.type_name() != said["type"].as_str().unwrap() {
        wrong.push(format!("{name} has the type {}", map.type_name()));
    }
    if !owner.is_empty() && map.owner() != owner {
        wrong.push(format!("{name} has the owner {}", map.owner()));
    }
    if map.implementation() != said["impl"].as_str().unwrap() {
        wrong.push(format!("{name} is called {}", map.implementation()));
    }
    match map.figures() {
        Some(figures) => wrong.extend(compare_figures(&name, said, figures)),
        None => wrong.push(format!("{name} is torn: {:?}", map.torn_reason())),
    }
    wrong
}

fn is_like(said: &Value, map: MapRef<'_>) -> bool {
    let owner = said["owner"].as_str().unwrap();
    let same_owner = if owner.is_empty() { map.owner().starts_with("goroutine ") } else { map.owner() == owner };
    let same_entries = map.figures().is_some_and(|f| Some(f.entries) == said["entries"].as_u64());
    same_owner && same_entries && said["type"].as_str() == Some(map.type_name())
}

fn compare_figures(name: &str, said: &Value, found: &MapFigures) -> Vec<String> {
    let storage = |said: &Value| said["storage_bytes"].as_u64().zip(said["header_bytes"].as_u64()).map(|(s, h)| s + h);
    let figures = [
        ("entries", Some(found.entries)),
        ("slots", Some(found.slots)),
        ("groups", Some(found.groups)),
        ("holes", Some(found.holes)),
        ("tombstones", found.tombstones),
        ("overflow_buckets", found.overflow_buckets),
        ("old_buckets_bytes", found.old_buckets_bytes),
        ("evacuated_buckets", found.evacuated_buckets),
        ("zero_values", found.zero_values),
        ("padding_bytes", Some(found.padding_bytes)),
        ("indirect_bytes", Some(found.indirect_bytes)),
    ];
    let mut wrong: Vec<String> = figures
        .into_iter()
        .filter(|(key, found)| said[key].as_u64() != *found)
        .map(|(key, found)| format!("{name}: {key} is {}, found {found:?}", said[key]))
        .collect();
    if let Some(bytes) = storage(said).filter(|b| *b != found.table_bytes) {
        wrong.push(format!("{name}: table_bytes is {bytes}, found {}", found.table_bytes));
    }
    wrong
}
