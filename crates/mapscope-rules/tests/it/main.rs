//! `docs/rules/`: one page for each rule, made from the head of its file.
//!
//! After a change of a rule's text: `UPDATE=1 cargo test -p mapscope-rules --test it`, then review the difference.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use mapscope_rules::RULES;

fn pages() -> Vec<(PathBuf, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rules");
    let mut index =
        "# Rules\n\nGenerated from `crates/mapscope-rules/src/rules/`; `mapscope rule CODE` prints the same.\n\
                     How findings add up: [FINDINGS.md](../FINDINGS.md).\n\n\
                     | rule | | finds |\n|---|---|---|\n"
            .to_owned();
    let mut pages = Vec::new();
    for rule in RULES {
        writeln!(index, "| [{0}]({0}.md) | {1} | {2} |", rule.code, rule.name, rule.title()).expect("it is a string");
        pages.push((directory.join(format!("{}.md", rule.code)), rule.text()));
    }
    pages.push((directory.join("README.md"), index));
    pages
}

#[test]
fn pages_are_the_ones_checked_in() {
    let pages = pages();
    for (path, text) in &pages {
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(path.parent().expect("a directory")).expect("docs/rules can be made");
            fs::write(path, text).expect("docs/rules can be written");
        }
        assert!(
            fs::read_to_string(path).unwrap_or_default() == *text,
            "{} is out of date: run `UPDATE=1 cargo test -p mapscope-rules --test it` and review the difference",
            path.display()
        );
    }
    let directory = pages[0].0.parent().expect("a directory");
    assert_eq!(fs::read_dir(directory).expect("docs/rules").count(), pages.len(), "a page has no rule");
}
