//! `docs/BENCHMARKS.md`: each benchmark writes its own section and leaves the others alone.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use super::machine::Machine;
use crate::workspace::root;

/// The sections, in the order of the page.
const SECTIONS: &[&str] = &["heaps", "inspect", "pause"];
const TITLE: &str = "# Benchmarks\n";

/// Puts `text` in place of the section `name`.
pub(super) fn write(name: &str, text: &str) -> Result<()> {
    let path = root().join("docs/BENCHMARKS.md");
    let page = replaced(&fs::read_to_string(&path).unwrap_or_default(), name, text);
    fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))
}

/// The day, and the machine that figures are of.
pub(super) fn dated(machine: &Machine) -> Result<String> {
    let date = Command::new("date").args(["-u", "+%F"]).output()?.stdout;
    Ok(format!("{}: {machine}", String::from_utf8_lossy(&date).trim()))
}

fn replaced(page: &str, name: &str, text: &str) -> String {
    let mut out = TITLE.to_owned();
    for section in SECTIONS {
        let text = if *section == name { Some(text) } else { text_of(page, section) };
        if let Some(text) = text {
            out = [&out, "\n", &begin(section), "\n", text.trim(), "\n", &end(section), "\n"].concat();
        }
    }
    out
}

fn text_of<'p>(page: &'p str, section: &str) -> Option<&'p str> {
    Some(page.split_once(&begin(section))?.1.split_once(&end(section))?.0)
}

fn begin(section: &str) -> String {
    format!("<!-- {section}: begin -->")
}

fn end(section: &str) -> String {
    format!("<!-- {section}: end -->")
}

#[cfg(test)]
mod tests {
    use super::replaced;

    #[test]
    fn a_section_replaces_itself_and_nothing_else() {
        let first = replaced("", "pause", "slow");
        assert_eq!(first, "# Benchmarks\n\n<!-- pause: begin -->\nslow\n<!-- pause: end -->\n");
        let both = replaced(&first, "inspect", "fast\n");
        assert!(both.find("fast").zip(both.find("slow")).is_some_and(|(fast, slow)| fast < slow));
        let again = replaced(&both, "pause", "quick");
        assert!(again.contains("fast") && again.contains("quick") && !again.contains("slow"));
    }
}
