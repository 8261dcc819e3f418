//! JSON: the documents and the schemas that describe them.

use std::io::{self, Write};

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform};
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::{Value, json};

use crate::model::{
    Capture, CycleList, Diff, DominatorList, GateReport, GoroutineList, HeldGraph, Inspection, LayoutReport, MapDetail,
    MapList, PathReport, RuleList, RuleText, SizeReport, TypeList,
};

/// The `schema` of an [`Inspection`].
pub const INSPECT_SCHEMA: &str = "mapscope.inspect/1";
/// The `schema` of a [`MapList`].
pub const MAPS_SCHEMA: &str = "mapscope.maps/1";
/// The `schema` of a [`MapDetail`].
pub const MAP_SCHEMA: &str = "mapscope.map/1";
/// The `schema` of a [`TypeList`].
pub const TYPES_SCHEMA: &str = "mapscope.types/1";

/// The `schema` of a [`PathReport`].
pub const PATH_SCHEMA: &str = "mapscope.path/1";
/// The `schema` of a [`Capture`].
pub const CAPTURE_SCHEMA: &str = "mapscope.capture/1";
/// The `schema` of a [`CycleList`].
pub const CYCLES_SCHEMA: &str = "mapscope.cycles/1";
/// The `schema` of a [`Diff`].
pub const DIFF_SCHEMA: &str = "mapscope.diff/1";
/// The `schema` of a [`DominatorList`].
pub const DOMINATORS_SCHEMA: &str = "mapscope.dominators/1";
/// The `schema` of a [`GateReport`].
pub const GATE_SCHEMA: &str = "mapscope.gate/1";
/// The `schema` of a [`GoroutineList`].
pub const GOROUTINES_SCHEMA: &str = "mapscope.goroutines/1";
/// The `schema` of a [`SizeReport`].
pub const SIZE_SCHEMA: &str = "mapscope.size/1";
/// The `schema` of a [`LayoutReport`].
pub const LAYOUT_SCHEMA: &str = "mapscope.layout/1";
/// The `schema` of a [`HeldGraph`].
pub const HELD_SCHEMA: &str = "mapscope.held/1";

/// The `schema` of a [`RuleText`].
pub const RULE_SCHEMA: &str = "mapscope.rule/1";
/// The `schema` of a [`RuleList`].
pub const RULES_SCHEMA: &str = "mapscope.rules/1";

/// A document as people and scripts both like it: indented by two spaces, with a newline at the end.
pub fn to_json<T: Serialize>(document: &T) -> serde_json::Result<String> {
    let mut out = serde_json::to_string_pretty(document)?;
    out.push('\n');
    Ok(out)
}

/// Writes what [`to_json`] makes, without having all of it at once: rows of maps are made while they are written.
pub fn write_json<T: Serialize>(document: &T, mut out: impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut out, document)?;
    out.write_all(b"\n")
}

/// The JSON Schema of each document, with the name of its file under `docs/schema/` (without `.json`).
pub fn schemas() -> Vec<(&'static str, Value)> {
    vec![
        ("mapscope.capture.1", schema::<Capture>(CAPTURE_SCHEMA)),
        ("mapscope.cycles.1", schema::<CycleList>(CYCLES_SCHEMA)),
        ("mapscope.diff.1", schema::<Diff>(DIFF_SCHEMA)),
        ("mapscope.dominators.1", schema::<DominatorList>(DOMINATORS_SCHEMA)),
        ("mapscope.gate.1", schema::<GateReport>(GATE_SCHEMA)),
        ("mapscope.goroutines.1", schema::<GoroutineList>(GOROUTINES_SCHEMA)),
        ("mapscope.held.1", schema::<HeldGraph>(HELD_SCHEMA)),
        ("mapscope.inspect.1", schema::<Inspection>(INSPECT_SCHEMA)),
        ("mapscope.layout.1", schema::<LayoutReport>(LAYOUT_SCHEMA)),
        ("mapscope.map.1", schema::<MapDetail>(MAP_SCHEMA)),
        ("mapscope.maps.1", schema::<MapList>(MAPS_SCHEMA)),
        ("mapscope.path.1", schema::<PathReport>(PATH_SCHEMA)),
        ("mapscope.rule.1", schema::<RuleText>(RULE_SCHEMA)),
        ("mapscope.rules.1", schema::<RuleList>(RULES_SCHEMA)),
        ("mapscope.size.1", schema::<SizeReport>(SIZE_SCHEMA)),
        ("mapscope.types.1", schema::<TypeList>(TYPES_SCHEMA)),
    ]
}

fn schema<T: JsonSchema>(name: &str) -> Value {
    let mut schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    RecursiveTransform(absent_not_null).transform(&mut schema);
    if let Some(field) = schema.pointer_mut("/properties/schema") {
        field["const"] = json!(name);
    }
    schema.insert("title".to_owned(), json!(name));
    schema.to_value()
}

/// An `Option` is left out of a document when it is empty, so its schema need not allow `null`.
fn absent_not_null(schema: &mut Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|t| t != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|t| t != "null"));
        if let [only] = choices.as_slice()
            && let Some(reference) = only.get("$ref").cloned()
        {
            schema.remove("anyOf");
            schema.insert("$ref".to_owned(), reference);
        }
    }
}
