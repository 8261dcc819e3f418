//! `mapscope size`.

use anyhow::{Result, anyhow, bail};
use mapscope_go::{
    BinaryTypes, Estimate, GoError, MapDesign, MapExpression, MapModel, TypeSize, parse_map, parse_type,
};
use mapscope_report::model::{BytesRange, CurvePoint, GrowthRow, MapCost, SizeReport, SizedType};
use mapscope_report::{SIZE_SCHEMA, TextOptions, text, to_json};

use super::nearest::nearest;
use crate::args::Format;
use crate::config::{MapQuestion, View};

/// Points of the curve, and its ends around the number of entries.
const POINTS: i32 = 64;
const BELOW: f64 = 16.0;
const ABOVE: f64 = 2.0;
/// The newest version with either kind of map.
const NEWEST_SWISS: u32 = 27;
const NEWEST_LEGACY: u32 = 23;

/// What the map would cost. `types`: of the binary that knows named types and says the version.
pub(crate) fn render(question: &MapQuestion, types: Option<&BinaryTypes<'_>>, view: View) -> Result<String> {
    let report = report(question, types)?;
    match view.format {
        Format::Text => Ok(text::size(&report, &TextOptions { width: view.width, ..TextOptions::default() })),
        Format::Json => Ok(to_json(&report)?),
    }
}

fn report(question: &MapQuestion, types: Option<&BinaryTypes<'_>>) -> Result<SizeReport> {
    let map = sizes(question, types)?;
    let entries = question.entries;
    let maps = designs(question, types);
    let maps = maps.into_iter().map(|(go, design)| {
        let model = MapModel::new(design, map.key_size, map.elem_size);
        cost(&model, go, design, entries, question.churn)
    });
    let sized = |name: &str, t: TypeSize| SizedType {
        type_name: name.to_owned(),
        bytes: t.size,
        align: t.align,
        pointers: t.pointers,
    };
    let written = |name: &str, t: TypeSize| if name.is_empty() { format!("[{}]byte", t.size) } else { name.to_owned() };
    let map_type = format!("map[{}]{}", written(&map.key, map.key_size), written(&map.elem, map.elem_size));
    Ok(SizeReport {
        schema: SIZE_SCHEMA.to_owned(),
        make: format!("m := make({map_type}, {})", grouped(entries)),
        map_type,
        key: sized(&map.key, map.key_size),
        element: sized(&map.elem, map.elem_size),
        entries,
        maps: maps.collect(),
    })
}

/// A number as Go writes it: `10_000_000`.
fn grouped(n: u64) -> String {
    text::count(n).replace(',', "_")
}

/// The sizes of key and element: as they were given, else those of the written types.
fn sizes(question: &MapQuestion, types: Option<&BinaryTypes<'_>>) -> Result<MapExpression> {
    let Some(written) = &question.map_type else {
        let (Some(key_size), Some(elem_size)) = (question.key, question.elem) else {
            bail!("a map type is missing: give one (`map[string]int`), or both --key-bytes and --value-bytes");
        };
        return Ok(MapExpression { key: String::new(), key_size, elem: String::new(), elem_size });
    };
    // First what is written where; a type whose size was given may have any name.
    let anything = |_: &str| Some(TypeSize { size: 8, align: 8, pointers: false });
    let map = parse_map(written, &anything)?;
    let known = |name: &str| types.and_then(|t| t.size(name).or_else(|| t.size(&format!("main.{name}"))));
    let size = |text: &str, given: Option<TypeSize>| match given {
        Some(size) => Ok(size),
        None => parse_type(text, &known).map_err(|error| match error {
            GoError::UnknownType { name } => unknown_type(&name, types),
            other => other.into(),
        }),
    };
    let (key_size, elem_size) = (size(&map.key, question.key)?, size(&map.elem, question.elem)?);
    Ok(MapExpression { key_size, elem_size, ..map })
}

fn unknown_type(name: &str, types: Option<&BinaryTypes<'_>>) -> anyhow::Error {
    let Some(types) = types else {
        return anyhow!(
            "{name} has a name of its own: name a binary that has it with --exe, or give its size with --key-bytes or \
             --value-bytes"
        );
    };
    let near = nearest(name, types.declared());
    let hint = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
    anyhow!("the binary has no type {name}{hint}")
}

/// The implementation asked for, and beside it the other one.
fn designs(question: &MapQuestion, types: Option<&BinaryTypes<'_>>) -> Vec<(u32, MapDesign)> {
    let minor = question.minor.or_else(|| types.and_then(|t| minor_of(&t.go_version))).unwrap_or(NEWEST_SWISS);
    let own = types.filter(|_| question.minor.is_none()).map(|t| t.design);
    let split = question.split || own == Some(MapDesign::Swiss { split: true });
    let swiss = |minor: u32| (minor, MapDesign::Swiss { split: split && minor >= 27 });
    let legacy = |minor: u32| (minor, MapDesign::Legacy { minor });
    let is_legacy = matches!(own, Some(MapDesign::Legacy { .. })) || minor < 24;
    if is_legacy {
        vec![legacy(minor), swiss(minor.max(NEWEST_SWISS))]
    } else {
        vec![swiss(minor), legacy(NEWEST_LEGACY)]
    }
}

/// `27` of `go1.27.3 X:mapsplitgroup`.
fn minor_of(version: &str) -> Option<u32> {
    let rest = version.strip_prefix("go1.")?;
    rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())].parse().ok()
}

fn range(estimate: Estimate) -> BytesRange {
    let Estimate { expected, low, high, exact } = estimate;
    BytesRange { expected_bytes: expected, low_bytes: low, high_bytes: high, exact }
}

fn cost(model: &MapModel, go: u32, design: MapDesign, entries: u64, churn: bool) -> MapCost {
    let group = model.group();
    let (indirect_key, indirect_element) = model.indirect();
    let steps = model.steps(entries).into_iter().map(|step| GrowthRow {
        entries: step.entries,
        until_entries: step.until,
        slots: step.slots,
        before: range(step.before),
        after: range(step.after),
        peak: range(step.peak),
    });
    MapCost {
        go: format!("1.{go}"),
        implementation: if matches!(design, MapDesign::Swiss { .. }) { "swiss" } else { "legacy" }.to_owned(),
        group_bytes: group.size,
        group_padding_bytes: group.padding(design),
        indirect_key,
        indirect_element,
        indirect_bytes: model.indirect_bytes(entries),
        entry_bytes: entries.saturating_mul(group.key_size + group.elem_size),
        grown: range(model.filled(entries, 0)),
        grown_peak: range(model.peak(entries, 0)),
        made_bytes: model.made(entries),
        hinted: range(model.filled(entries, entries)),
        hinted_peak: range(model.peak(entries, entries)),
        churned: churn.then(|| range(model.churned(entries))),
        steps: steps.collect(),
        curve: curve(model, entries),
    }
}

/// Bytes at numbers of entries around the one asked for, each as many times more than the one before.
fn curve(model: &MapModel, entries: u64) -> Vec<CurvePoint> {
    let around = entries.max(1) as f64;
    let at = |point: i32| {
        let share = f64::from(point) / f64::from(POINTS - 1);
        ((around / BELOW) * (BELOW * ABOVE).powf(share)).round().max(1.0) as u64
    };
    let mut points: Vec<u64> = (0..POINTS).map(at).collect();
    points.dedup();
    points.into_iter().map(|entries| CurvePoint { entries, bytes: model.filled(entries, 0).expected }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(map_type: Option<&str>, entries: u64) -> MapQuestion {
        let map_type = map_type.map(str::to_owned);
        MapQuestion { map_type, entries, key: None, elem: None, minor: None, split: false, churn: false }
    }

    fn said(question: &MapQuestion) -> String {
        format!("{:#}", report(question, None).expect_err("it cannot be answered"))
    }

    #[test]
    fn both_implementations_are_side_by_side() {
        let report = report(&question(Some("map[string]*User"), 10_000_000), None).expect("it can be answered");
        assert_eq!(report.make, "m := make(map[string]*User, 10_000_000)");
        let kinds: Vec<_> = report.maps.iter().map(|m| (m.go.as_str(), m.implementation.as_str())).collect();
        assert_eq!(kinds, [("1.27", "swiss"), ("1.23", "legacy")]);
        let old = MapQuestion { minor: Some(21), ..question(Some("map[int]int"), 8) };
        let report = super::report(&old, None).expect("it can be answered");
        assert_eq!((report.maps[0].go.as_str(), report.maps[0].grown.expected_bytes), ("1.21", 48 + 144));
        assert!(report.maps.iter().all(|m| m.grown.exact && m.churned.is_none()));
    }

    #[test]
    fn sizes_that_are_given_stand_for_types() {
        let size = |size| Some(TypeSize { size, align: 8, pointers: false });
        let both = MapQuestion { key: size(16), elem: size(200), ..question(None, 100) };
        let report = report(&both, None).expect("it can be answered");
        assert_eq!(report.map_type, "map[[16]byte][200]byte");
        assert!(report.maps[0].indirect_element && report.maps[0].indirect_bytes == 100 * 208);
        let one = MapQuestion { elem: size(24), ..question(Some("map[string]User"), 100) };
        assert_eq!(super::report(&one, None).expect("it can be answered").element.bytes, 24);
    }

    #[test]
    fn what_is_not_known_is_asked_for() {
        assert!(said(&question(None, 1)).contains("--key-bytes"));
        assert!(said(&question(Some("map[string]User"), 1)).contains("User has a name of its own: name a binary"));
        let size = Some(TypeSize { size: 16, align: 8, pointers: false });
        let wrong = MapQuestion { key: size, ..question(Some("map[Key]User"), 1) };
        assert!(said(&wrong).contains("User has a name"), "{}", said(&wrong));
        assert!(said(&question(Some("map[string"), 1)).contains("is not a Go type"));
    }
}
