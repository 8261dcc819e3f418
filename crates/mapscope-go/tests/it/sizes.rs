//! What maps cost, against maps that were made: to the byte where no hash has a part in it, else in the range.

use mapscope_go::{Estimate, MapDesign, MapModel, TypeSize};
use serde_json::Value;

use crate::check_all;
use crate::matrix::Program;
use crate::target::Running;

/// The builds whose maps differ; the other variants have the same ones.
fn measures(program: &Program) -> bool {
    program.program == "sizes" && matches!(program.variant.as_str(), "default" | "noswissmap" | "mapsplitgroup")
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_else(|| panic!("{name} in {value}"))
}

fn design(program: &Program, truth: &Value) -> MapDesign {
    match truth["impl"].as_str().unwrap() {
        "swiss" => MapDesign::Swiss { split: program.variant == "mapsplitgroup" },
        _ => MapDesign::Legacy { minor: program.toolchain.split('.').nth(1).unwrap().parse().unwrap() },
    }
}

fn type_size(truth: &Value, index: u64) -> TypeSize {
    let ty = &truth["types"][index as usize];
    TypeSize { size: number(ty, "size"), align: number(ty, "align"), pointers: ty["pointers"].as_bool().unwrap() }
}

/// What is wrong with an estimate of so many bytes.
fn check(what: &str, estimate: Estimate, bytes: u64) -> Option<String> {
    let Estimate { expected, low, high, exact } = estimate;
    let ordered = low <= expected && expected <= high && (!exact || low == high);
    let inside = ordered && (low..=high).contains(&bytes);
    (!inside).then(|| format!("{what}: {bytes} bytes were measured, the model says {estimate:?}"))
}

/// Bytes of a map whose number of tables or overflow buckets is known, as far as that says all.
fn counted(model: &MapModel, design: MapDesign, map: &Value) -> Option<Vec<u64>> {
    let (groups, entries) = (number(map, "groups"), number(map, "entries"));
    match design {
        // All tables have 1024 slots; the directory may have any length that fits them.
        MapDesign::Swiss { .. } if number(map, "hint") == 0 && number(map, "turnovers") == 0 && entries > 896 => {
            let tables = groups / 128;
            let depth = tables.next_power_of_two().trailing_zeros();
            (depth..depth + 4).map(|d| model.tables(tables, d)).collect()
        }
        MapDesign::Legacy { .. } if !map["growing"].as_bool().unwrap() && entries > 8 => {
            let (log, overflow) = (groups.trailing_zeros(), number(map, "overflow_buckets"));
            // An array without room for overflow buckets has `mapextra` when there once was one without pointers.
            [false, true].iter().map(|extra| model.buckets(log, overflow, *extra)).collect()
        }
        _ => None,
    }
}

fn check_map(truth: &Value, design: MapDesign, map: &Value, exact: &mut usize) -> Vec<String> {
    let model = MapModel::new(design, type_size(truth, number(map, "key")), type_size(truth, number(map, "elem")));
    let (entries, hint) = (number(map, "entries"), number(map, "hint"));
    let (bytes, turnovers) = (number(map, "table_bytes"), number(map, "turnovers"));
    let name = |index: &str| truth["types"][number(map, index) as usize]["name"].as_str().unwrap().to_owned();
    let what = format!("map[{}]{} of {entries}, hint {hint}", name("key"), name("elem"));
    let mut wrong = Vec::new();
    let mut same = |what: String, want: u64, got: u64| {
        if want != got {
            wrong.push(format!("{what}: {got} bytes were measured, the model says {want}"));
        }
    };
    same(format!("{what}, made"), model.made(hint), number(map, "made_bytes"));
    same(format!("{what}, indirect"), model.indirect_bytes(entries), number(map, "indirect_bytes"));
    if turnovers == 0 {
        let buckets = number(map, "groups") + map["overflow_buckets"].as_u64().unwrap_or(0);
        same(format!("{what}, padding"), buckets * model.group().padding(design), number(map, "padding_bytes"));
    }
    if let Some(possible) = counted(&model, design, map)
        && !possible.contains(&bytes)
    {
        wrong.push(format!("{what}: {bytes} bytes were measured, its parts add up to {possible:?}"));
    }
    if turnovers > 0 {
        wrong.extend(check(&format!("{what}, churned"), model.churned(entries), bytes));
        return wrong;
    }
    let filled = model.filled(entries, hint);
    *exact += usize::from(filled.exact);
    wrong.extend(check(&what, filled, bytes));
    let peak = model.peak(entries, hint);
    if peak.low < filled.low || peak.high < filled.high {
        wrong.push(format!("{what}: its peak {peak:?} is below what it has at the end, {filled:?}"));
    }
    wrong
}

#[test]
fn maps_take_what_the_model_says() {
    check_all(measures, |program| {
        let running = Running::start(program);
        let truth = &running.truth;
        let design = design(program, truth);
        let maps = truth["maps"].as_array().unwrap();
        let mut exact = 0;
        let mut wrong: Vec<String> = maps.iter().flat_map(|map| check_map(truth, design, map, &mut exact)).collect();
        // 21 types: of one entry, of eight, and for Swiss maps of a hundred and of one whole table.
        let least = if matches!(design, MapDesign::Swiss { .. }) { 21 * 8 } else { 21 * 4 };
        if maps.len() != 21 * 17 || exact != least {
            wrong.push(format!("{} maps, {exact} of them exact, {least} expected", maps.len()));
        }
        wrong
    });
}
