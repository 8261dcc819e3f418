//! What `diff` is to compare.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use regex::Regex;

use super::{INSPECT_ROWS, regex, rows};
use crate::args::{DiffArgs, Format, FormatArg, TargetArgs};
use crate::size::parse_size;
use crate::source::{Target, TargetSpec};

/// What to compare, and what to show of it.
#[derive(Debug)]
pub(crate) struct DiffQuestion {
    /// The earliest first; one, if it is to be inspected again.
    pub(crate) targets: Vec<Target>,
    pub(crate) again: Option<Again>,
    pub(crate) owner: Option<Regex>,
    pub(crate) type_name: Option<Regex>,
    pub(crate) min_bytes: u64,
    /// Also what did not change.
    pub(crate) all: bool,
    /// Rows of each table.
    pub(crate) limit: Option<usize>,
    pub(crate) form: DiffForm,
}

/// The forms of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DiffForm {
    Text,
    Json,
    Markdown,
    Html,
}

/// How often a process is inspected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Again {
    /// From one inspection to the next.
    pub(crate) after: Duration,
    /// Inspections in all.
    pub(crate) times: u64,
}

/// Checks what `diff` was given.
pub(super) fn question(typed: DiffArgs, form: FormatArg) -> Result<DiffQuestion> {
    let form = match form {
        FormatArg::Text => DiffForm::Text,
        FormatArg::Json => DiffForm::Json,
        FormatArg::Markdown => DiffForm::Markdown,
        FormatArg::Html => DiffForm::Html,
        FormatArg::Junit | FormatArg::Sarif => bail!("--format: `diff` has text, json, markdown and html"),
    };
    let DiffArgs { targets, after, times, exe, debug_info, all, min_bytes, owner, type_regex, limit, pause } = typed;
    if form == DiffForm::Html
        && (all || limit.is_some() || owner.is_some() || type_regex.is_some() || min_bytes.is_some())
    {
        bail!(
            "--format html: the report has all rows, to be filtered in the browser; leave out --all, --limit and filters"
        );
    }
    let each = |flag: &str, given: &[PathBuf], index: usize| match given.len() {
        0 => Ok(None),
        1 => Ok(given.first().cloned()),
        many if many == targets.len() => Ok(given.get(index).cloned()),
        many => bail!("{flag} is given {many} times for {} targets: give it once, or once for each", targets.len()),
    };
    let target = |(index, text): (usize, &String)| {
        let (exe, debug_info) = (each("--exe", &exe, index)?, each("--debug-info", &debug_info, index)?);
        let debug_info = debug_info.into_iter().collect();
        super::target(TargetArgs { target: text.clone(), exe, debug_info, config: None, pause })
    };
    let targets: Vec<Target> = targets.iter().enumerate().map(target).collect::<Result<_>>()?;
    let again =
        after.as_deref().map(|text| Ok::<_, anyhow::Error>(Again { after: duration(text)?, times })).transpose()?;
    check(&targets, again.is_some())?;
    Ok(DiffQuestion {
        targets,
        again,
        owner: regex("--owner", owner)?,
        type_name: regex("--type", type_regex)?,
        min_bytes: min_bytes.as_deref().map(parse_size).transpose().context("--min-bytes")?.unwrap_or(0),
        all,
        limit: rows(limit, if form == DiffForm::Json { Format::Json } else { Format::Text }, INSPECT_ROWS),
        form,
    })
}

/// There must be something to compare: several targets, or one process that is inspected again.
fn check(targets: &[Target], again: bool) -> Result<()> {
    match (targets, again) {
        ([Target { spec: TargetSpec::Process(_), .. }], true) => Ok(()),
        (_, true) => bail!("--after inspects one process several times: give one pid"),
        ([Target { spec: TargetSpec::Process(pid), .. }], false) => bail!(
            "one target is nothing to compare: give another, such as a file that `mapscope inspect {pid} --format json -o \
             before.json` wrote earlier, or --after 30s to inspect this process twice"
        ),
        ([one], false) => bail!("{} alone is nothing to compare: give another TARGET", one.source()),
        (many, false) => {
            let processes = many.iter().enumerate().filter(|(_, t)| matches!(t.spec, TargetSpec::Process(_)));
            let mut twice = processes.filter(|(index, t)| many[..*index].iter().any(|earlier| earlier.spec == t.spec));
            match twice.next() {
                Some((_, target)) => {
                    bail!(
                        "{} is given twice, and would be inspected at the same time: try --after 30s",
                        target.source()
                    )
                }
                None => Ok(()),
            }
        }
    }
}

/// The longest that a command waits.
const LONGEST_WAIT: Duration = Duration::from_secs(7 * 24 * 3600);

fn duration(text: &str) -> Result<Duration> {
    let span = text.trim().parse::<jiff::SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok());
    match span.filter(|span| !span.is_zero()) {
        Some(span) if span <= LONGEST_WAIT => Ok(span),
        Some(_) => bail!("--after: {text} is longer than a week; save inspections and compare the files"),
        None => bail!("--after: `{text}` is not a duration; try 30s, 2m or 1h"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::Command;
    use crate::config::tests::{config, error};

    #[test]
    fn a_diff_takes_two_targets_or_one_process_again() {
        let question = |line: &str| match config(line).expect("the line is right").command {
            Command::Diff(question) => question,
            other => panic!("{other:?}"),
        };
        let two = question("mapscope diff before.json 21291 --exe ./a --exe ./b --top 3");
        let exes: Vec<_> = two.targets.iter().map(|t| t.exe.as_deref().and_then(Path::to_str)).collect();
        assert_eq!((exes, two.limit, two.again), (vec![Some("./a"), Some("./b")], Some(3), None));
        let both = question("mapscope diff a b c --exe ./a --format markdown");
        assert!(both.targets.iter().all(|t| t.exe.as_deref() == Some(Path::new("./a"))) && both.limit == Some(10));
        let again = |line| question(line).again.map(|again| (again.after.as_secs(), again.times));
        assert_eq!(again("mapscope diff 21291 --after 90s"), Some((90, 2)));
        assert_eq!(again("mapscope diff 21291 --after 1h30m --times 5"), Some((5400, 5)));
        assert!(error("mapscope diff 21291").contains("--after 30s"));
        assert!(error("mapscope diff before.json").contains("give another TARGET"));
        assert!(error("mapscope diff 7 7").starts_with("pid 7 is given twice"));
        assert!(error("mapscope diff a b --after 30s").contains("give one pid"));
        for wrong in ["30", "soon", "-30s", "0s", "1mo"] {
            let message = error(&format!("mapscope diff 7 --after={wrong}"));
            assert!(message.contains("is not a duration; try 30s"), "{message}");
        }
        assert!(error("mapscope diff 7 --after 200h").contains("longer than a week"));
        assert!(error("mapscope diff a b c --exe x --exe y").contains("--exe is given 2 times for 3 targets"));
        assert!(error("mapscope diff a b --format html --all").contains("filtered in the browser"));
        assert!(error("mapscope maps 1 --format markdown").contains("only `diff`"));
    }
}
