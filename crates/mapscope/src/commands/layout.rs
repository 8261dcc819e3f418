//! `mapscope layout`.

use std::cmp::Reverse;

use anyhow::{Result, bail};
use mapscope_go::{BinaryTypes, MapUse, NamedLayout};
use mapscope_report::model::{BestOrder, FieldRow, LayoutReport, LayoutRow, SlotRow};
use mapscope_report::{LAYOUT_SCHEMA, TextOptions, text, to_json};
use regex::Regex;

use super::nearest::nearest;
use crate::args::Format;
use crate::config::{LayoutQuestion, View};

/// The layouts of the structs asked for, of the executable `exe`.
pub(crate) fn render(exe: &str, types: &BinaryTypes<'_>, question: &LayoutQuestion, view: View) -> Result<String> {
    let report = report(exe, types, question, view)?;
    let options = TextOptions { width: view.width, limit: question.limit, ..TextOptions::default() };
    match view.format {
        Format::Text => Ok(text::layout(&report, &options)),
        Format::Json => Ok(to_json(&report)?),
    }
}

fn report(exe: &str, types: &BinaryTypes<'_>, question: &LayoutQuestion, view: View) -> Result<LayoutReport> {
    let structs = types.structs();
    let mut rows = match &question.type_name {
        None => structs.iter().filter_map(|name| types.layout(name)).collect(),
        Some(name) => match types.layout(name) {
            Some(layout) => vec![layout],
            None => matching(name, types, &structs)?,
        },
    };
    if question.wasteful {
        rows.retain(|row| row.layout.best_order().is_some());
    }
    let mut rows: Vec<LayoutRow> = rows.into_iter().map(|named| row(named, types)).collect();
    if question.wasteful {
        rows.sort_by_key(|row| {
            let best = row.best.as_ref().map_or((0, 0), |b| (row.slot_bytes - b.slot_bytes, row.bytes - b.bytes));
            (Reverse(best), row.type_name.clone())
        });
    }
    let matched = rows.len() as u64;
    if view.format == Format::Json {
        rows.truncate(question.limit.unwrap_or(usize::MAX));
    }
    Ok(LayoutReport {
        schema: LAYOUT_SCHEMA.to_owned(),
        exe: exe.to_owned(),
        go_version: types.go_version.clone(),
        total_structs: structs.len() as u64,
        matched_structs: matched,
        structs: rows,
    })
}

/// The structs whose names match a regular expression.
fn matching(pattern: &str, types: &BinaryTypes<'_>, structs: &[&str]) -> Result<Vec<NamedLayout>> {
    let Ok(regex) = Regex::new(pattern) else {
        bail!("the binary has no struct {pattern}, and it is not a regular expression");
    };
    let found: Vec<_> = structs.iter().filter(|n| regex.is_match(n)).filter_map(|n| types.layout(n)).collect();
    if found.is_empty() {
        let near = nearest(pattern, structs.iter().copied());
        let hint = near.map_or_else(|| "; without TYPE, all are listed".to_owned(), |n| format!("; did you mean {n}?"));
        bail!("the binary has no struct {pattern}{hint}");
    }
    Ok(found)
}

fn row(named: NamedLayout, types: &BinaryTypes<'_>) -> LayoutRow {
    let NamedLayout { name, layout, maps } = named;
    let best = layout.best_order().map(|best| BestOrder {
        bytes: best.size.size,
        slot_bytes: best.slot(types.allocator),
        pointer_bytes: best.pointer_bytes(),
        order: best.fields.iter().map(|f| f.name.clone()).collect(),
    });
    let holes = layout.holes();
    let fields = layout.fields.iter().zip(holes).map(|(field, padding_bytes)| FieldRow {
        name: field.name.clone(),
        type_name: field.type_name.clone(),
        offset: field.offset,
        bytes: field.size.size,
        align: field.size.align,
        padding_bytes,
    });
    LayoutRow {
        type_name: name,
        bytes: layout.size.size,
        align: layout.size.align,
        pointers: layout.size.pointers,
        pointer_bytes: layout.pointer_bytes(),
        padding_bytes: layout.padding(),
        slot_bytes: layout.slot(types.allocator),
        fields: fields.collect(),
        best,
        maps: maps.into_iter().map(|map| slot(map, types)).collect(),
    }
}

fn slot(map: MapUse, types: &BinaryTypes<'_>) -> SlotRow {
    let MapUse { map_type, is_key, indirect, group } = map;
    SlotRow {
        map_type,
        role: if is_key { "key" } else { "element" }.to_owned(),
        indirect,
        group_bytes: group.size,
        key_bytes: group.key_size,
        element_bytes: group.elem_size,
        padding_bytes: group.padding(types.design),
        keys_offset: group.keys_offset,
        key_stride: group.key_stride,
        elements_offset: group.elems_offset,
        element_stride: group.elem_stride,
    }
}
