//! `mapscope types`.

use anyhow::Result;
use mapscope_report::model::{Inspection, TypeList};
use mapscope_report::{TYPES_SCHEMA, TextOptions, text, to_json};

use crate::args::Format;
use crate::config::{TypeFilter, View};

/// The types that pass the filter, most bytes first.
pub(crate) fn render(inspection: Inspection, filter: &TypeFilter, view: View) -> Result<String> {
    let mut list = select(inspection, filter);
    match view.format {
        Format::Text => Ok(text::types(&list, &TextOptions { width: view.width, limit: filter.limit, keep: None })),
        Format::Json => {
            list.types.truncate(filter.limit.unwrap_or(usize::MAX));
            Ok(to_json(&list)?)
        }
    }
}

fn select(inspection: Inspection, filter: &TypeFilter) -> TypeList {
    let Inspection { target, heap, mut types, partial, .. } = inspection;
    let total_types = types.len() as u64;
    types.retain(|row| filter.type_name.as_ref().is_none_or(|regex| regex.is_match(&row.type_name)));
    let matched_types = types.len() as u64;
    TypeList { schema: TYPES_SCHEMA.to_owned(), target, heap, types, total_types, matched_types, partial }
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;
    use crate::testing::{inspection, json, plain};

    #[test]
    fn types_are_filtered_and_counted() {
        let filter = TypeFilter { type_name: Some(Regex::new("^main").expect("a regex")), limit: Some(0) };
        let out = json(&render(inspection(), &filter, View { format: Format::Json, width: 80 }).expect("it renders"));
        assert_eq!(out["schema"], "mapscope.types/1");
        assert_eq!((&out["total_types"], &out["matched_types"]), (&2.into(), &1.into()));
        assert_eq!(out["types"], serde_json::json!([]));
        let filter = TypeFilter { limit: None, ..filter };
        let out = plain(&render(inspection(), &filter, View { format: Format::Text, width: 80 }).expect("it renders"));
        assert!(out.contains("main.Session") && !out.contains("string\n") && out.contains("1 of 2 types"), "{out}");
    }
}
