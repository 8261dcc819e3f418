//! The JSON contract: schemas as checked in under `docs/schema/`, and documents that keep to them.
//!
//! After a change of the model: `UPDATE=1 cargo test -p mapscope-report --test schema`, then review the difference.

mod common;

use std::path::Path;

use mapscope_report::model::{
    CycleList, Diff, DominatorList, GateReport, GoroutineList, Inspection, LayoutReport, MapDetail, MapList,
    PathReport, SizeReport, TypeList,
};
use mapscope_report::{diff, schemas, to_json};
use serde_json::Value;

#[test]
fn schemas_are_the_ones_checked_in() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema");
    for (name, schema) in schemas() {
        let path = dir.join(format!("{name}.json"));
        let text = to_json(&schema).expect("a schema is JSON");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::create_dir_all(&dir).expect("docs/schema can be made");
            std::fs::write(&path, &text).expect("docs/schema can be written");
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            golden == text,
            "{} is out of date: run `UPDATE=1 cargo test -p mapscope-report --test schema` and review the difference",
            path.display()
        );
    }
}

#[test]
fn documents_survive_a_round_trip() {
    fn again<T: serde::Serialize + serde::de::DeserializeOwned>(document: &T) {
        let text = to_json(document).expect("a document is JSON");
        let back: T = serde_json::from_str(&text).expect("what was written can be read");
        assert_eq!(to_json(&back).expect("a document is JSON"), text);
        assert!(text.ends_with("}\n") && text.starts_with("{\n  \"schema\": \"mapscope."));
    }
    again::<Inspection>(&common::inspection());
    again::<PathReport>(&common::path_of_object());
    again::<PathReport>(&common::paths_of_type());
    again::<CycleList>(&common::cycle_list());
    again::<DominatorList>(&common::dominator_list());
    again::<MapList>(&common::map_list());
    again::<TypeList>(&common::type_list());
    again::<GoroutineList>(&common::goroutine_list());
    again::<GateReport>(&common::gate_report());
    again::<Diff>(&diff(&common::two_inspections()));
    again::<Diff>(&diff(&common::four_inspections()));
    again::<SizeReport>(&common::size_report());
    again::<LayoutReport>(&common::layout_report());
    again::<MapDetail>(&common::swiss_detail(16));
    again::<MapDetail>(&common::legacy_detail());
}

#[test]
fn what_does_not_apply_is_absent() {
    let document = serde_json::to_value(common::map_list()).expect("a document is JSON");
    let torn = &document["maps"][2];
    assert_eq!(torn["torn"], true);
    assert!(torn.get("entries").is_none() && torn.get("table_bytes").is_none());
    assert!(document["maps"][0].get("overflow_buckets").is_none());
    assert!(document.get("partial").is_none());
}

/// Fields are only ever added, and the fields that every document has stay required.
#[test]
fn documents_have_only_fields_of_their_schema() {
    let schemas = schemas();
    let documents = [
        ("mapscope.path.1", serde_json::to_value(common::path_of_object())),
        ("mapscope.path.1", serde_json::to_value(common::paths_of_type())),
        ("mapscope.cycles.1", serde_json::to_value(common::cycle_list())),
        ("mapscope.diff.1", serde_json::to_value(diff(&common::two_inspections()))),
        ("mapscope.diff.1", serde_json::to_value(diff(&common::four_inspections()))),
        ("mapscope.dominators.1", serde_json::to_value(common::dominator_list())),
        ("mapscope.gate.1", serde_json::to_value(common::gate_report())),
        ("mapscope.goroutines.1", serde_json::to_value(common::goroutine_list())),
        ("mapscope.inspect.1", serde_json::to_value(common::inspection())),
        ("mapscope.maps.1", serde_json::to_value(common::map_list())),
        ("mapscope.map.1", serde_json::to_value(common::legacy_detail())),
        ("mapscope.size.1", serde_json::to_value(common::size_report())),
        ("mapscope.layout.1", serde_json::to_value(common::layout_report())),
        ("mapscope.types.1", serde_json::to_value(common::type_list())),
    ];
    for (name, document) in documents {
        let document = document.expect("a document is JSON");
        let schema = &schemas.iter().find(|(n, _)| *n == name).expect("every document has a schema").1;
        check(&document, schema, schema, name);
    }
}

/// The part of JSON Schema that the contract uses: references, objects, arrays, required fields.
fn check(value: &Value, schema: &Value, root: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#')).expect("a reference leads somewhere");
        return check(value, target, root, at);
    }
    match value {
        Value::Object(fields) => {
            for name in schema["required"].as_array().into_iter().flatten() {
                assert!(value.get(name.as_str().unwrap_or_default()).is_some(), "{at}: {name} is required");
            }
            for (name, field) in fields {
                let property = schema["properties"].get(name).or_else(|| schema.get("additionalProperties"));
                check(field, property.unwrap_or_else(|| panic!("{at}.{name} is not in the schema")), root, name);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| check(item, &schema["items"], root, at)),
        Value::Null => panic!("{at} is null"),
        _ => {}
    }
}
