//! What stands in for debug information, against debug information.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use mapscope_go::stripped::{differences, layout_table};
use mapscope_memory::{Memory, Process};

use crate::check_all;
use crate::matrix::{Program, programs};
use crate::target::Running;

/// Programs that together use every structure that is read: debug information leaves out those that a program does not.
fn has_layout(program: &Program) -> bool {
    matches!(program.program.as_str(), "maps" | "storage" | "blocked") && program.has_names()
}

/// Structures with the lines of their fields, each structure by its name and size.
type Table = BTreeMap<String, BTreeSet<String>>;

fn add(table: &mut Table, text: &str) {
    let mut structure = String::new();
    for line in text.lines() {
        if line.starts_with(' ') {
            table.entry(structure.clone()).or_default().insert(line.to_owned());
        } else {
            line.clone_into(&mut structure);
            table.entry(structure.clone()).or_default();
        }
    }
}

/// `cargo xtask layouts` runs this with `UPDATE` set, which writes the tables.
#[test]
fn tables_are_what_debug_information_says() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/runtime/layouts");
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    let all = std::env::var_os("MAPSCOPE_ONLY").is_none();
    for program in programs().into_iter().filter(has_layout) {
        let executable = std::fs::read(&program.path).unwrap();
        let (name, text) = layout_table(&program.to_string(), &executable).unwrap();
        add(tables.entry(name).or_default(), &text);
    }
    for (name, table) in tables {
        let names: Vec<&str> = table.keys().filter_map(|s| s.split(' ').next()).collect();
        assert!(names.windows(2).all(|n| n[0] != n[1]), "{name}: two programs disagree: {names:?}");
        let mut text = String::new();
        for (structure, fields) in &table {
            text.extend([structure, "\n"]);
            text.extend(fields.iter().flat_map(|field| [field, "\n"]));
        }
        let path = directory.join(format!("{name}.txt"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let known = std::fs::read_to_string(&path).unwrap_or_default();
        // With some programs only, some structures are not met.
        let mut whole = Table::new();
        add(&mut whole, &known);
        let stale = if all {
            whole != table
        } else {
            table.iter().any(|(s, f)| !whole.get(s).is_some_and(|w| w.is_superset(f)))
        };
        assert!(!stale, "{name}.txt is stale or missing: run `cargo xtask layouts`");
    }
}

#[test]
fn a_search_finds_what_symbols_name() {
    let wanted = |p: &Program| matches!(p.program.as_str(), "maps" | "places" | "cgo") && p.has_names();
    check_all(wanted, |program| {
        let target = Running::start(program);
        let process = Process::attach(target.child.id()).unwrap();
        let executable = process.executable().unwrap();
        differences(&process as &dyn Memory, &executable, program.variant != "noopt")
            .unwrap_or_else(|e| vec![e.to_string()])
    });
}
