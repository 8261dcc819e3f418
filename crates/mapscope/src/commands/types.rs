//! `mapscope types`.

use anyhow::Result;
use mapscope_report::model::{Inspection, Storage, TypeList};
use mapscope_report::{TYPES_SCHEMA, TextOptions, text, to_json};
use regex::Regex;

use crate::args::Format;
use crate::config::{TypeFilter, View};

/// The types that pass the filter, most bytes first, and what else owns memory.
pub(crate) fn render(read: (Inspection, Storage), filter: &TypeFilter, view: View) -> Result<String> {
    let mut list = select(read, filter);
    match view.format {
        Format::Text => {
            let options = TextOptions { width: view.width, limit: filter.limit, keep: None };
            Ok(text::types(&list, &options, filter.section_rows))
        }
        Format::Json => {
            list.types.truncate(filter.limit.unwrap_or(usize::MAX));
            if let Some(storage) = &mut list.storage {
                truncate(storage, filter.section_rows.unwrap_or(usize::MAX));
            }
            Ok(to_json(&list)?)
        }
    }
}

fn select((inspection, mut storage): (Inspection, Storage), filter: &TypeFilter) -> TypeList {
    let Inspection { target, heap, mut types, partial, partial_scope, .. } = inspection;
    let total_types = types.len() as u64;
    if let Some(regex) = &filter.type_name {
        types.retain(|row| regex.is_match(&row.type_name));
        retain(&mut storage, regex);
    }
    TypeList {
        schema: TYPES_SCHEMA.to_owned(),
        target,
        heap,
        matched_types: types.len() as u64,
        types,
        total_types,
        storage: Some(storage),
        partial,
        partial_scope,
    }
}

/// Keeps the rows whose type or place matches, and leaves out what has neither.
fn retain(storage: &mut Storage, regex: &Regex) {
    let either = |a: &str, b: &str| regex.is_match(a) || regex.is_match(b);
    storage.slices.retain(|row| either(&row.place, &row.type_name));
    storage.pinned.retain(|row| either(&row.place, &row.type_name));
    storage.channels.retain(|row| regex.is_match(&row.type_name));
    storage.pools.retain(|row| either(&row.owner, &row.type_name));
    (storage.strings, storage.timers, storage.finalizers) = (None, None, None);
}

fn truncate(storage: &mut Storage, rows: usize) {
    storage.slices.truncate(rows);
    storage.pinned.truncate(rows);
    storage.channels.truncate(rows);
    storage.pools.truncate(rows);
    if let Some(strings) = &mut storage.strings {
        strings.groups.truncate(rows);
    }
    if let Some(timers) = &mut storage.timers {
        timers.functions.truncate(rows);
    }
    if let Some(finalizers) = &mut storage.finalizers {
        finalizers.types.truncate(rows);
        finalizers.queued.truncate(rows);
    }
}

#[cfg(test)]
mod tests {
    use mapscope_report::model::{SliceRow, StringTotals};

    use super::*;
    use crate::testing::{inspection, json, plain};

    fn storage() -> Storage {
        let slice = |place: &str| SliceRow { place: place.to_owned(), unused_bytes: 9, ..SliceRow::default() };
        let slices = vec![slice("main.Session.buf"), slice("other.Session.buf")];
        Storage { slices, strings: Some(StringTotals::default()), ..Storage::default() }
    }

    #[test]
    fn types_are_filtered_and_counted() {
        let filter = TypeFilter {
            type_name: Some(Regex::new("^main").expect("a regex")),
            limit: Some(0),
            section_rows: None,
            show_values: false,
        };
        let out = json(
            &render((inspection(), storage()), &filter, View { format: Format::Json, width: 80 }).expect("it renders"),
        );
        assert_eq!(out["schema"], "mapscope.types/1");
        assert_eq!((&out["total_types"], &out["matched_types"]), (&2.into(), &1.into()));
        assert_eq!(out["types"], serde_json::json!([]));
        assert_eq!(out["slices"][0]["place"], "main.Session.buf");
        assert!(out["slices"][1].is_null() && out["strings"].is_null(), "{out}");
        let filter = TypeFilter { limit: None, ..filter };
        let out = plain(
            &render((inspection(), storage()), &filter, View { format: Format::Text, width: 80 }).expect("it renders"),
        );
        assert!(out.contains("main.Session") && !out.contains("string\n") && out.contains("1 of 2 types"), "{out}");
        assert!(out.contains("main.Session.buf") && !out.contains("other.Session"), "{out}");
    }
}
