//! Maps and caches of a package that a table of the user's describes (`testbed/cases/containers`): each is listed once, by
//! whom it belongs to, with the figures that the program states.

use serde_json::Value;

use crate::Target;
use crate::common::{document, success};

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/libraries.toml");

fn rows<'v>(document: &'v Value, name: &str) -> Vec<&'v Value> {
    document[name].as_array().into_iter().flatten().collect()
}

/// All that the program states of it is in the row.
fn agrees(said: &Value, row: &Value) -> bool {
    let said = said.as_object().expect("a container is an object");
    said.iter().all(|(key, value)| &row[key] == value)
}

fn check(toolchain: &str) {
    let target = Target::start(toolchain, "default", "containers");
    let found = document(&["maps", &target.pid(), "--config", TABLE, "--format", "json"]);
    let (said, found) = (rows(&target.truth, "containers"), rows(&found, "containers"));
    for said in &said {
        let alike: Vec<_> = found.iter().filter(|row| agrees(said, row)).collect();
        assert_eq!(alike.len(), 1, "{said} in {found:#?}");
        assert!(alike[0]["retained_bytes"].as_u64() > Some(0), "{alike:?}");
    }
    assert_eq!(found.len(), said.len(), "{found:#?}");
    let retained: Vec<_> = found.iter().map(|row| row["retained_bytes"].as_u64()).collect();
    assert!(retained.is_sorted_by(|a, b| a >= b), "{retained:?}");

    let text = success(&["maps", &target.pid(), "--config", TABLE]);
    let (_, section) = text.split_once("Maps of libraries (6").unwrap_or_else(|| panic!("no section: {text}"));
    assert!(section.contains("main.srv.users") && section.contains("2,989"), "{section}");
    // Without the table they are nothing special.
    let without = document(&["maps", &target.pid(), "--format", "json"]);
    assert!(without.get("containers").is_none(), "{without}");
    target.ends_well();
}

#[test]
fn containers_with_legacy_maps_are_read_by_a_table() {
    check("1.23.");
}

#[test]
fn containers_of_the_newest_version_are_read_by_a_table() {
    check("1.27.");
}

#[test]
fn a_stripped_program_has_only_rows_that_are_right() {
    for toolchain in ["1.23.", "1.24.", "1.27."] {
        let target = Target::start(toolchain, "stripped", "containers");
        let found = document(&["maps", &target.pid(), "--config", TABLE, "--format", "json"]);
        let said = rows(&target.truth, "containers");
        for row in rows(&found, "containers") {
            // Nothing names the variables, and generic code may have shaped the arguments.
            let figures = ["entries", "slots", "tombstones", "limit", "maps"];
            let same = |said: &&&Value| figures.iter().all(|f| said.get(*f).is_none_or(|figure| &row[*f] == figure));
            assert!(said.iter().any(|s| same(&s)), "{toolchain}: {row}");
        }
        target.ends_well();
    }
}
