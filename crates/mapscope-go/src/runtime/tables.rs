//! The layouts of the runtime as tables, for binaries without debug information.
//!
//! A table holds the answers that the debug information of a small build gives to the questions of [`Layout::read`]:
//!
//! ```text
//! runtime.mspan 160
//!   startAddr 24 8
//! ```
//!
//! One line for each structure with its size, one for each field with its offset and size. After them come arrays of
//! strings, one line for each string with its number:
//!
//! ```text
//! runtime.waitReasonStrings names
//!   14 chan receive
//! ```
//!
//! `cargo xtask layouts` writes the tables; a test compares each with the debug information of the testbed's programs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use rustc_hash::FxHashMap;

use super::layout::{Field, Layout, Offsets};
use crate::GoError;

/// Every table: its name (see [`table_name`]) and its text.
const TABLES: &[(&str, &str)] = &[
    ("go1.21", include_str!("layouts/go1.21.txt")),
    ("go1.22", include_str!("layouts/go1.22.txt")),
    ("go1.23", include_str!("layouts/go1.23.txt")),
    ("go1.24", include_str!("layouts/go1.24.txt")),
    ("go1.24-noswissmap", include_str!("layouts/go1.24-noswissmap.txt")),
    ("go1.25", include_str!("layouts/go1.25.txt")),
    ("go1.25-greenteagc", include_str!("layouts/go1.25-greenteagc.txt")),
    ("go1.25-noswissmap", include_str!("layouts/go1.25-noswissmap.txt")),
    ("go1.26", include_str!("layouts/go1.26.txt")),
    ("go1.26-nogreenteagc", include_str!("layouts/go1.26-nogreenteagc.txt")),
    ("go1.27", include_str!("layouts/go1.27.txt")),
];

/// What follows the name of an array of strings.
const NAMES: &str = " names";
/// Strings of one array.
const MAX_NAMES: usize = 256;

/// Experiments that move no field that is read (`internal/goexperiment`): they concern the compiler, the standard
/// library, or how the runtime behaves.
const HARMLESS: &[&str] = &[
    "aliastypeparams",
    "arenas",
    "boringcrypto",
    "cacheprog",
    "cgocheck2",
    "coverageredesign",
    "dwarf5",
    "fieldtrack",
    "heapminimum512kib",
    "jsonv2",
    "loopvar",
    "mapsplitgroup",
    "newinliner",
    "preemptibleloops",
    "randomizedheapbase64",
    "rangefunc",
    "simd",
    "sizespecializedmalloc",
    "synchashtriemap",
];

/// The table that a binary of this minor version and version text needs: `go1.24-noswissmap` for
/// `go1.24.11 X:noswissmap,boringcrypto`. From 1.26 on the text has `-X:` instead of a space (`runtime/extern.go`,
/// `cmd/go`: it is a valid module version then).
pub(crate) fn table_name(minor: u32, version: &str) -> String {
    let mut name = format!("go1.{minor}");
    let experiments = version.split_once("X:").map_or("", |(_, list)| list);
    let experiments = experiments.split_whitespace().next().unwrap_or("").split(',');
    let mut kept: Vec<&str> = experiments
        .filter(|e| {
            !e.is_empty() && !HARMLESS.contains(e) && !e.strip_prefix("no").is_some_and(|e| HARMLESS.contains(&e))
        })
        .collect();
    kept.sort_unstable();
    for experiment in kept {
        name.push('-');
        name.push_str(experiment);
    }
    name
}

/// The text of a table; empty when there is none of the name.
pub(crate) fn table_text(name: &str) -> &'static str {
    TABLES.iter().find(|(n, _)| *n == name).map_or("", |t| t.1)
}

/// The layout of the table that a binary needs.
///
/// # Errors
/// When there is no such table; it names the nearest one.
pub(crate) fn table_layout(path: &str, minor: u32, version: &str) -> Result<Layout, GoError> {
    let name = table_name(minor, version);
    let Some((_, text)) = TABLES.iter().find(|(n, _)| *n == name) else {
        let distance = |known: &str| {
            let known = known.trim_start_matches("go1.").split('-').next().and_then(|n| n.parse::<u32>().ok());
            known.map_or(u32::MAX, |k| k.abs_diff(minor))
        };
        let nearest = TABLES.iter().map(|t| t.0).min_by_key(|n| distance(n)).unwrap_or_default();
        return Err(GoError::NoLayout { path: path.into(), version: version.into(), nearest: nearest.into() });
    };
    Layout::read(&Table::parse(&name, text)?)
}

/// The lines of an array of strings in the table that a binary needs; `None` when the table has none of that name.
pub(crate) fn names_text(minor: u32, version: &str, variable: &str) -> Option<&'static str> {
    let text = table_text(&table_name(minor, version));
    let head = format!("{variable}{NAMES}\n");
    let (before, rest) = text.split_once(&head)?;
    if !before.is_empty() && !before.ends_with('\n') {
        return None;
    }
    let mut end = 0;
    for line in rest.split_inclusive('\n').take_while(|line| line.starts_with("  ")) {
        end += line.len();
    }
    rest.get(..end)
}

/// The strings of such lines by their numbers; empty where there is none.
pub(crate) fn known_names(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for line in text.lines() {
        let Some((number, name)) = line.trim_start().split_once(' ') else { continue };
        let Some(number) = number.parse().ok().filter(|n: &usize| *n < MAX_NAMES) else { continue };
        if names.len() <= number {
            names.resize(number + 1, String::new());
        }
        name.clone_into(&mut names[number]);
    }
    names
}

/// The lines of a table for an array of strings.
pub(crate) fn record_names(variable: &str, names: &[String]) -> String {
    let mut text = format!("{variable}{NAMES}\n");
    for (number, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        let _ = writeln!(text, "  {number} {name}");
    }
    text
}

/// The text of the table with the answers of `offsets`.
pub(crate) fn record(offsets: &dyn Offsets) -> Result<String, GoError> {
    let recorder = Recorder { offsets, answers: RefCell::default() };
    Layout::read(&recorder)?;
    let mut text = String::new();
    for (structure, (size, fields)) in recorder.answers.into_inner() {
        let _ = writeln!(text, "{structure} {size}");
        for (path, field) in fields {
            let _ = writeln!(text, "  {path} {} {}", field.offset, field.size);
        }
    }
    Ok(text)
}

/// Size and fields of each structure.
type Answers = BTreeMap<String, (u64, BTreeMap<String, Field>)>;

/// Remembers each answer.
struct Recorder<'o> {
    offsets: &'o dyn Offsets,
    answers: RefCell<Answers>,
}

impl Offsets for Recorder<'_> {
    fn size(&self, structure: &str) -> Result<u64, GoError> {
        let size = self.offsets.size(structure)?;
        self.answers.borrow_mut().entry(structure.to_owned()).or_default().0 = size;
        Ok(size)
    }

    fn field(&self, structure: &str, path: &str) -> Result<Field, GoError> {
        let field = self.offsets.field(structure, path)?;
        self.size(structure)?;
        if let Some((_, fields)) = self.answers.borrow_mut().get_mut(structure) {
            fields.insert(path.to_owned(), field);
        }
        Ok(field)
    }
}

/// A parsed table.
struct Table<'t> {
    name: &'t str,
    sizes: FxHashMap<&'t str, u64>,
    fields: FxHashMap<(&'t str, &'t str), Field>,
}

impl<'t> Table<'t> {
    fn parse(name: &'t str, text: &'t str) -> Result<Self, GoError> {
        let mut table = Self { name, sizes: FxHashMap::default(), fields: FxHashMap::default() };
        let (mut structure, mut names) = ("", false);
        for (number, line) in text.lines().enumerate() {
            names = line.ends_with(NAMES) && !line.starts_with(' ') || names && line.starts_with(' ');
            if names {
                continue;
            }
            let words: Vec<&str> = line.split_whitespace().collect();
            let value = |index: usize| words.get(index).and_then(|w| w.parse::<u64>().ok());
            match (line.starts_with("  "), words.as_slice(), value(1), value(2)) {
                (_, [], ..) => {}
                (false, [name, _], Some(size), _) => {
                    structure = name;
                    table.sizes.insert(structure, size);
                }
                (true, [path, _, _], Some(offset), Some(size)) => {
                    table.fields.insert((structure, path), Field { offset, size });
                }
                _ => return Err(table.missing(&format!("sense in line {}", number + 1))),
            }
        }
        Ok(table)
    }

    fn missing(&self, what: &str) -> GoError {
        GoError::MissingInTable { table: self.name.to_owned(), what: what.to_owned() }
    }
}

impl Offsets for Table<'_> {
    fn size(&self, structure: &str) -> Result<u64, GoError> {
        self.sizes.get(structure).copied().ok_or_else(|| self.missing(&format!("the structure {structure}")))
    }

    fn field(&self, structure: &str, path: &str) -> Result<Field, GoError> {
        let field = self.fields.get(&(structure, path)).copied();
        field.ok_or_else(|| self.missing(&format!("{structure}.{path}")))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_a_layout() {
        for (name, text) in TABLES {
            let layout = Layout::read(&Table::parse(name, text).unwrap()).unwrap();
            assert_eq!(layout.swiss.is_some(), layout.legacy.is_none(), "{name} has one kind of map");
        }
    }

    #[test]
    fn the_version_text_names_the_table() {
        assert_eq!(table_name(27, "go1.27.3"), "go1.27");
        assert_eq!(table_name(24, "go1.24.11 X:noswissmap"), "go1.24-noswissmap");
        assert_eq!(table_name(24, "go1.24.11 X:boringcrypto,noswissmap"), "go1.24-noswissmap");
        assert_eq!(table_name(26, "go1.26.6-X:nogreenteagc"), "go1.26-nogreenteagc");
        assert_eq!(table_name(26, "go1.26.6-custom X:norandomizedheapbase64"), "go1.26");
        assert_eq!(table_name(26, "go1.26.6 X:staticlockranking"), "go1.26-staticlockranking");
    }

    #[test]
    fn a_version_without_a_table_names_the_nearest() {
        let error = table_layout("x", 28, "go1.28.1").err().unwrap().to_string();
        assert!(error.contains("go1.27") && error.contains("--debug-info"), "{error}");
        let error = table_layout("x", 24, "go1.24.1 X:staticlockranking").err().unwrap().to_string();
        assert!(error.contains("nearest known is go1.24"), "{error}");
    }

    #[test]
    fn every_table_names_states_and_reasons() {
        for (minor, version) in [(21, "go1.21.13"), (25, "go1.25.5 X:noswissmap"), (27, "go1.27.3")] {
            let names = |variable| known_names(names_text(minor, version, variable).unwrap());
            let (states, reasons) = (names("runtime.gStatusStrings"), names("runtime.waitReasonStrings"));
            assert_eq!((&*states[1], &*states[4]), ("runnable", "waiting"), "{version}");
            assert!(reasons[0].is_empty() && reasons.iter().any(|r| r == "chan receive (nil chan)"), "{version}");
        }
        assert_eq!(names_text(27, "go1.27.3", "runtime.other"), None);
    }

    #[test]
    fn names_are_read_as_they_were_written() {
        let names = ["", "chan receive", "select"].map(str::to_owned);
        let text = record_names("runtime.x", &names);
        assert_eq!(known_names(text.split_once('\n').unwrap().1), names);
        let table = Table::parse("t", &format!("{text}runtime.g 10\n  a 0 8\n")).map(|t| t.field("runtime.g", "a"));
        assert!(table.unwrap().is_ok(), "structures may follow");
        assert_eq!(known_names("  x y\n  99999 z\n nothing\n"), Vec::<String>::new());
    }

    #[test]
    fn a_damaged_table_is_an_error() {
        assert!(Table::parse("t", "runtime.g 10\n  a b 8\n").is_err());
        assert!(Table::parse("t", "runtime.g 10\n  a 0 8\n").unwrap().field("runtime.g", "b").is_err());
    }
}
