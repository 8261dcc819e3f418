//! What stands in for debug information, against debug information.

use std::path::Path;

use mapscope_go::stripped::{differences, layout_table};
use mapscope_memory::{Memory, Process};

use crate::check_all;
use crate::matrix::Program;
use crate::target::Running;

/// Variants that have debug information and a layout of their own, or may have.
fn has_layout(program: &Program) -> bool {
    program.program == "maps" && !program.variant.starts_with("stripped")
}

/// `cargo xtask layouts` runs this with `UPDATE` set, which writes the tables.
#[test]
fn tables_are_what_debug_information_says() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/runtime/layouts");
    check_all(has_layout, |program| {
        let executable = std::fs::read(&program.path).unwrap();
        let (name, text) = layout_table(&program.to_string(), &executable).unwrap();
        let path = directory.join(format!("{name}.txt"));
        if std::env::var_os("UPDATE").is_some() {
            // Several programs may have the same table, and none of them the wrong one.
            std::fs::write(&path, &text).unwrap();
            return Vec::new();
        }
        if std::fs::read_to_string(&path).is_ok_and(|known| known == text) {
            return Vec::new();
        }
        vec![format!("{name}.txt is stale or missing: run `cargo xtask layouts`")]
    });
}

#[test]
fn a_search_finds_what_symbols_name() {
    let wanted =
        |p: &Program| matches!(p.program.as_str(), "maps" | "places" | "cgo") && !p.variant.starts_with("stripped");
    check_all(wanted, |program| {
        let target = Running::start(program);
        let process = Process::attach(target.child.id()).unwrap();
        let executable = process.executable().unwrap();
        differences(&process as &dyn Memory, &executable).unwrap_or_else(|e| vec![e.to_string()])
    });
}
