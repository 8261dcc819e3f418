//! `mapscope.toml`: budgets that stay.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use mapscope_memory::Input;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::commands::near;
use crate::gate::{Budget, Kind};
use crate::input;

/// What the file says of `gate`.
#[derive(Debug, Default)]
pub(super) struct GateFile {
    pub(super) budgets: Vec<Budget>,
    /// Relative to the file's own directory in the file; here as it is opened.
    pub(super) baseline: Option<PathBuf>,
}

/// Reads a file.
///
/// # Errors
/// With its name and the line, and what to try.
pub(super) fn read(path: &Path) -> Result<GateFile> {
    let read = Input::open(path, &input::SETTINGS)?;
    let name = read.name().display();
    let text = std::str::from_utf8(&read).with_context(|| format!("{name} is not text"))?;
    let mut file = parse(text).map_err(|(line, error)| anyhow!("{name}:{line}: {error:#}"))?;
    // What came out of a pipe has no directory of its own.
    let directory = read.place().filter(|_| !input::is_standard(path)).and_then(Path::parent);
    file.baseline = file.baseline.map(|baseline| directory.unwrap_or(Path::new("")).join(baseline));
    Ok(file)
}

/// A failure, and the line that it is on.
type Failed = (u64, anyhow::Error);

fn parse(text: &str) -> Result<GateFile, Failed> {
    let line = |at: usize| text.bytes().take(at).filter(|b| *b == b'\n').count() as u64 + 1;
    let document = DeTable::parse(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        (line(at), anyhow!("{}", error.message()))
    })?;
    let mut file = GateFile::default();
    for (key, value) in document.get_ref() {
        let at = line(key.span().start);
        known(key.get_ref(), &["gate", "container"], "table").map_err(|e| (at, e))?;
        // `config/containers.rs` reads these.
        if key.get_ref() == "container" {
            continue;
        }
        for (key, value) in table(key.get_ref(), value).map_err(|e| (at, e))? {
            let at = line(key.span().start);
            let name: &str = key.get_ref();
            known(name, &["max", "max-growth", "baseline"], "key of [gate]").map_err(|e| (at, e))?;
            let kind = match name {
                "baseline" => {
                    let path =
                        value.get_ref().as_str().ok_or_else(|| (at, anyhow!("baseline is the path of a file")))?;
                    file.baseline = Some(path.into());
                    continue;
                }
                "max" => Kind::Max,
                _ => Kind::MaxGrowth,
            };
            for (key, value) in table(name, value).map_err(|e| (at, e))? {
                let at = line(key.span().start);
                file.budgets.push(budget(kind, key.get_ref(), value.get_ref(), at).map_err(|e| (at, e))?);
            }
        }
    }
    // A table has no order; the file has.
    file.budgets.sort_by_key(|budget| budget.line);
    Ok(file)
}

fn known(key: &str, names: &[&str], what: &str) -> Result<()> {
    if names.contains(&key) {
        return Ok(());
    }
    let near = near(names.iter().copied(), key);
    let hint = if near.is_empty() {
        format!("there are {}", names.join(", "))
    } else {
        format!("did you mean {}?", near.join(" or "))
    };
    bail!("`{key}` is no {what}; {hint}")
}

fn table<'t, 'i>(name: &str, value: &'t Spanned<DeValue<'i>>) -> Result<&'t DeTable<'i>> {
    value
        .get_ref()
        .as_table()
        .ok_or_else(|| anyhow!("{name} is a table: write [gate], [gate.max] or [gate.max-growth]"))
}

fn budget(kind: Kind, name: &str, limit: &DeValue<'_>, line: u64) -> Result<Budget> {
    let limit = match limit {
        DeValue::String(text) => text.to_string(),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Table(_) => {
            bail!("{name} is a table: a name with dots or colons has to be in quotes, \"map:main.cache.*:entries\"")
        }
        _ => bail!("{name}: a limit is a number, or a text such as \"50MiB\""),
    };
    Budget::new(kind, name, &limit, Some(line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Limit;

    fn error(text: &str) -> (u64, String) {
        let (line, error) = parse(text).expect_err(text);
        (line, format!("{error:#}"))
    }

    #[test]
    fn budgets_are_tables() {
        let text = "[gate]\nbaseline = \"base.json\"\n\n[gate.max]\nobjects = 10_000\nlive = \"50MiB\"\n\
            \"map:main.cache.*:entries\" = 10000\n\n[gate.max-growth]\nlive = \"10%\"\n";
        let file = parse(text).expect("it is right");
        let budgets: Vec<_> = file.budgets.iter().map(|b| (b.name.as_str(), b.limit, b.line)).collect();
        let want = [
            ("objects", Limit::Max(10_000), Some(5)),
            ("live", Limit::Max(50 << 20), Some(6)),
            ("map:main.cache.*:entries", Limit::Max(10_000), Some(7)),
            ("live", Limit::GrowthPercent(10.0), Some(10)),
        ];
        assert_eq!(budgets, want);
        assert_eq!(file.baseline, Some("base.json".into()));
        assert!(parse("").expect("an empty file").budgets.is_empty());
    }

    #[test]
    fn mistakes_have_a_line_and_a_suggestion() {
        assert_eq!(error("\n[gates]\n"), (2, "`gates` is no table; did you mean gate?".to_owned()));
        assert_eq!(
            error("[gate]\nmaxgrowth = 1\n"),
            (2, "`maxgrowth` is no key of [gate]; did you mean max-growth?".to_owned())
        );
        let (line, message) = error("[gate.max]\nlive = \"1\"\nlivee = 2\n");
        assert!(line == 3 && message.contains("did you mean live"), "{message}");
        assert_eq!(error("[gate.max]\nlive = \n").0, 2);
        assert!(error("[gate.max]\nlive = \"lots\"\n").1.contains("is not a size"));
        assert!(error("[gate.max]\nlive = -5\n").1.contains("is not a size"));
        assert!(error("[gate.max]\nlive = true\n").1.contains("a limit is a number"));
        assert!(error("[gate.max]\nlive.x = 1\n").1.contains("in quotes"));
        assert!(error("gate = 1\n").1.contains("is a table"));
        assert!(error("[gate]\nbaseline = 1\n").1.contains("path of a file"));
        assert_eq!(error("[gate.max]\nlive = 1\nlive = 2\n").0, 3);
    }
}
