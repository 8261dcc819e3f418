//! `mapscope maps`.

use std::cmp::Reverse;

use mapscope_report::model::{Inspection, MapFigures, MapList, MapRef, MapTable};
use mapscope_report::text::MapColumn;
use mapscope_report::{MAPS_SCHEMA, TextOptions, text};

use crate::args::{Format, SortKey};
use crate::config::{MapFilter, View};
use crate::output::Output;

/// The maps that pass the filter, in its order.
pub(crate) fn render(inspection: Inspection, filter: &MapFilter, view: View) -> Output {
    let mut list = select(inspection, filter);
    match view.format {
        Format::Text => {
            let options = TextOptions { width: view.width, limit: filter.limit, keep: column(filter.sort) };
            Output::Text(text::maps(&list, &options))
        }
        Format::Json => {
            list.maps.truncate(filter.limit.unwrap_or(usize::MAX));
            list.containers.truncate(filter.limit.unwrap_or(usize::MAX));
            Output::json(list)
        }
    }
}

/// Filters and sorts; the limit is left to the view, which counts what it hides.
fn select(inspection: Inspection, filter: &MapFilter) -> MapList {
    let Inspection { target, mut maps, mut containers, partial, partial_scope, .. } = inspection;
    let total_maps = maps.len() as u64;
    maps.retain(|map| passes(map, filter));
    containers.retain(|row| {
        let named = matches(filter.owner.as_ref(), &row.owner) && matches(filter.type_name.as_ref(), &row.type_name);
        named && row.retained_bytes >= filter.min_bytes
    });
    sort(&mut maps, filter.sort);
    MapList {
        schema: MAPS_SCHEMA.to_owned(),
        target,
        matched_maps: maps.len() as u64,
        maps,
        containers,
        total_maps,
        partial,
        partial_scope,
    }
}

fn matches(regex: Option<&regex::Regex>, text: &str) -> bool {
    regex.is_none_or(|regex| regex.is_match(text))
}

fn passes(map: MapRef<'_>, filter: &MapFilter) -> bool {
    // A torn map may be the largest of all: it stays.
    let large = map.figures().is_none_or(|figures| figures.table_bytes >= filter.min_bytes);
    large && matches(filter.owner.as_ref(), map.owner()) && matches(filter.type_name.as_ref(), map.type_name())
}

/// Most first, rows without the figure last; equal rows by table bytes, then by address, so that runs can be compared.
fn sort(maps: &mut MapTable, key: SortKey) {
    let table = |map: MapRef<'_>| Reverse(map.figures().map(|f| f.table_bytes));
    let by: fn(&MapFigures) -> Option<u64> = match key {
        SortKey::Owner => return maps.sort_by_key(|map| (map.owner(), table(map), map.address())),
        SortKey::Retained => return maps.sort_by_key(|map| (Reverse(map.retained_bytes()), map.address())),
        SortKey::Table => |f| Some(f.table_bytes),
        SortKey::Entries => |f| Some(f.entries),
        SortKey::Slots => |f| Some(f.slots),
        SortKey::Waste => |f| Some(f.reclaimable_bytes),
        SortKey::Zero => |f| f.zero_values,
        SortKey::Tombstones => |f| f.tombstones,
        SortKey::Holes => |f| Some(f.holes),
    };
    maps.sort_by_key(|map| (Reverse(map.figures().and_then(by)), table(map), map.address()));
}

/// The column that shows the order.
fn column(key: SortKey) -> Option<MapColumn> {
    match key {
        SortKey::Table | SortKey::Entries | SortKey::Owner => None,
        SortKey::Retained => Some(MapColumn::Retained),
        SortKey::Slots => Some(MapColumn::Slots),
        SortKey::Waste => Some(MapColumn::Reclaimable),
        SortKey::Zero => Some(MapColumn::ZeroValues),
        SortKey::Tombstones => Some(MapColumn::Tombstones),
        SortKey::Holes => Some(MapColumn::Holes),
    }
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;
    use crate::testing::{inspection, json, plain, written};

    fn filter(sort: SortKey) -> MapFilter {
        MapFilter { sort, owner: None, type_name: None, min_bytes: 0, limit: None }
    }

    fn owners(filter: &MapFilter) -> Vec<String> {
        select(inspection(), filter).maps.rows().map(|row| row.owner).collect()
    }

    #[test]
    fn every_key_has_its_order_and_torn_maps_come_last() {
        let cases = [
            (SortKey::Table, ["main.sessions.byID", "main.index", "main.sessions.byUser", "main.hub.clients"]),
            (SortKey::Entries, ["main.index", "main.sessions.byID", "main.sessions.byUser", "main.hub.clients"]),
            (SortKey::Waste, ["main.sessions.byID", "main.sessions.byUser", "main.index", "main.hub.clients"]),
            (SortKey::Tombstones, ["main.index", "main.sessions.byUser", "main.sessions.byID", "main.hub.clients"]),
            (SortKey::Owner, ["main.hub.clients", "main.index", "main.sessions.byID", "main.sessions.byUser"]),
        ];
        for (key, want) in cases {
            assert_eq!(owners(&filter(key)), want, "{key:?}");
        }
    }

    #[test]
    fn filters_are_joined_and_torn_maps_have_no_size_to_fail_by() {
        let regex = |text| Some(Regex::new(text).expect("a regex"));
        assert_eq!(owners(&MapFilter { owner: regex("sessions"), ..filter(SortKey::Owner) }).len(), 2);
        let both = MapFilter { owner: regex("sessions"), type_name: regex("int64"), ..filter(SortKey::Owner) };
        assert_eq!(owners(&both), ["main.sessions.byUser"]);
        let large = MapFilter { min_bytes: 100 << 20, ..filter(SortKey::Table) };
        assert_eq!(owners(&large), ["main.sessions.byID", "main.index", "main.hub.clients"]);
    }

    #[test]
    fn counts_survive_the_limit() {
        let limited = MapFilter { limit: Some(1), min_bytes: 2 << 20, ..filter(SortKey::Table) };
        let out = json(&written(&render(inspection(), &limited, View { format: Format::Json, width: 80 })));
        assert_eq!(out["schema"], "mapscope.maps/1");
        assert_eq!((&out["total_maps"], &out["matched_maps"]), (&4.into(), &3.into()));
        assert_eq!(out["maps"].as_array().map(Vec::len), Some(1));
        let out = plain(&written(&render(inspection(), &limited, View { format: Format::Text, width: 80 })));
        assert!(out.contains("… 2 more") && out.contains("3 of 4 maps"), "{out}");
    }

    #[test]
    fn the_order_can_be_seen() {
        let view = View { format: Format::Text, width: 60 };
        let out = plain(&written(&render(inspection(), &filter(SortKey::Tombstones), view)));
        assert!(out.contains("tomb."), "{out}");
    }
}
