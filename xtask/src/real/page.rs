//! `docs/REAL_PROGRAMS.md`: the figures, and what is not as it should be.

use std::fmt::Write;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use super::Row;
use super::look::Look;
use crate::workspace::root;

pub(super) fn write(programs: &[Row], cases: &[Row], failed: &[String]) -> Result<()> {
    let path = root().join("docs/REAL_PROGRAMS.md");
    fs::write(&path, page(programs, cases, failed, &today()?))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn today() -> Result<String> {
    let date = Command::new("date").args(["-u", "+%F"]).output()?.stdout;
    Ok(String::from_utf8_lossy(&date).trim().to_owned())
}

fn page(programs: &[Row], cases: &[Row], failed: &[String], date: &str) -> String {
    let mut out = format!(
        "# Real programs

`cargo xtask real` writes this page ({date}). It builds the programs through the module proxy in the versions named, starts
each on the loopback address, gives it work (`xtask/real/load`), and looks at it while it works: `goroutines` twice, and
`inspect`. It fails when more than 3% of live bytes have no type, when `(shared)` is the first holder, when a goroutine that
is called leaked runs later, when findings promise more than is live, or when there is a finding of high or medium severity
that was looked at before and is known to be wrong (`xtask/src/real/programs.rs`). It is not part of CI.

- *no type* is the share of live bytes whose type is not known.
- *first holder* has its share of live bytes.
- *urgent* are findings of high and medium severity, listed below.
- *time*, *memory* and *stopped* are what `inspect --format json` took, its peak of resident memory, and how long the program
  stood still; the machine had other work.

| program | build | binary | RSS | objects | live | maps | no type | first holder | urgent | leaked | time, s | memory | stopped, ms |
|---|---|---:|---:|---:|---:|---:|---:|---|---:|---:|---:|---:|---:|
"
    );
    for row in programs {
        let look = &row.look;
        let _ = writeln!(
            out,
            "| {} | Go {} {} | {:.0} MB | {:.0} MB | {} | {:.1} MB | {} | {:.1}% | {} | {} | {} of {} | {:.1} | {:.0} MB | {:.0} |",
            row.what,
            row.go,
            row.variant.name(),
            megabytes(look.binary),
            megabytes(look.resident),
            look.objects,
            megabytes(look.live),
            look.maps.len(),
            look.untyped_share() * 100.0,
            holder(look),
            look.urgent().count(),
            look.leaked,
            look.goroutines,
            look.cost.wall,
            megabytes(look.cost.peak),
            look.paused_ms,
        );
    }
    out += &found(programs);
    out += "\n## Cases

Programs after public reports that need modules of others (`xtask/real/cases`); those that need none are in the testbed. Each
states its maps; 2% of live bytes may have no type, and 5% in a stripped build.

| case | report | build | live | no type | first holder | findings | not as it should be |
|---|---|---|---:|---:|---|---|---|
";
    for row in cases {
        let rules: Vec<&str> = row.look.findings.iter().map(|finding| finding.rule.as_str()).collect();
        let _ = writeln!(
            out,
            "| {} | {} | Go {} {} | {:.1} MB | {:.1}% | {} | {} | {} |",
            row.name,
            row.what,
            row.go,
            row.variant.name(),
            megabytes(row.look.live),
            row.look.untyped_share() * 100.0,
            holder(&row.look),
            rules.join(", "),
            row.wrong.join("; "),
        );
    }
    let wrong: Vec<&Row> = programs.iter().chain(cases).filter(|row| !row.wrong.is_empty()).collect();
    if !wrong.is_empty() || !failed.is_empty() {
        out += "\n## Not as it should be\n\n";
        for row in wrong {
            let _ = writeln!(out, "- {} {} {}: {}", row.name, row.go, row.variant.name(), row.wrong.join("; "));
        }
        for what in failed {
            let _ = writeln!(out, "- {what}: could not be looked at in this run");
        }
    }
    out
}

/// The findings of each program, and what mapscope says it does not know.
fn found(programs: &[Row]) -> String {
    let mut out = "\n## What is found in them

Findings of high and medium severity in full; of those of low severity, which are hints, the rule and the subject.

"
    .to_owned();
    for row in programs {
        let _ = writeln!(out, "- {}, {}:", row.what, row.variant.name());
        for finding in row.look.urgent() {
            let _ =
                writeln!(out, "  - **{}** {} `{}`: {}", finding.severity, finding.rule, finding.subject, finding.text);
        }
        let low = row.look.findings.iter().filter(|finding| finding.severity == "low");
        let low: Vec<String> = low.map(|finding| format!("{} `{}`", finding.rule, finding.subject)).collect();
        let _ = writeln!(out, "  - low: {}", if low.is_empty() { "none".to_owned() } else { low.join(", ") });
        for reason in &row.look.partial {
            let _ = writeln!(out, "  - partial: {reason}");
        }
    }
    out
}

fn holder(look: &Look) -> String {
    format!("`{}` {:.0}%", look.holder.0, look.holder_share() * 100.0)
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
