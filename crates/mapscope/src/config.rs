//! What is meant: every value checked, every default chosen. Made from [`crate::args`] before any work is done.

mod capture;
pub(crate) mod containers;
mod diff;
pub(crate) mod gate;
mod gate_file;
mod maps;
mod path;
mod size;
mod target;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::ValueEnum;
use clap_complete::Shell;
use regex::Regex;

use crate::args::{self, Args, Color, ExportForm, FailOn, Format, FormatArg};
use crate::source::Target;
pub(crate) use capture::Capture;
use capture::capture;
pub(crate) use diff::{Again, DiffForm, DiffQuestion};
pub(crate) use maps::MapFilter;
use maps::maps;
use path::path;
pub(crate) use path::{PathQuery, PathWhat};
pub(crate) use size::MapQuestion;
use size::size;
use target::{demo, pause_options, spare_target, target};

/// Rows of each table of `inspect`: a screenful in all.
const INSPECT_ROWS: usize = 10;
/// Rows of `maps` and `types`.
const LIST_ROWS: usize = 50;
/// Rows of each section of `types` below the histogram.
const SECTION_ROWS: usize = 10;
/// Groups of `goroutines`, each of which has a stack.
const GROUPS: usize = 20;
/// Columns when there is no terminal to ask: logs and pipes scroll sideways, within reason.
const NO_TERMINAL: usize = 120;
/// A terminal narrower than this gets lines that are too long.
const NARROWEST: usize = 40;
/// The file that is read without being asked for.
const DEFAULT_FILE: &str = "mapscope.toml";

/// A checked command line.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) command: Command,
    pub(crate) view: View,
    /// Where the result goes; standard output when absent.
    pub(crate) output: Option<PathBuf>,
    pub(crate) color: Color,
    /// No progress.
    pub(crate) quiet: bool,
}

/// How results are shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    pub(crate) format: Format,
    /// Columns of the terminal.
    pub(crate) width: usize,
}

/// What to do.
#[derive(Debug)]
pub(crate) enum Command {
    /// `inspect`, and `demo` with its own target.
    Inspect {
        target: Target,
        limit: Option<usize>,
        fail_on: Option<FailOn>,
    },
    /// `inspect` and `demo` for a browser.
    Report {
        target: Target,
        /// What `inspect --format json` wrote earlier.
        before: Option<PathBuf>,
        fail_on: Option<FailOn>,
    },
    Maps {
        target: Target,
        filter: MapFilter,
    },
    Map {
        target: Target,
        query: String,
    },
    Types {
        target: Target,
        filter: TypeFilter,
    },
    Dominators {
        target: Target,
        shape: TreeShape,
    },
    Path {
        target: Target,
        query: PathQuery,
    },
    Cycles {
        target: Target,
        all: bool,
        limit: Option<usize>,
    },
    Goroutines {
        target: Target,
        filter: GoroutineFilter,
    },
    Gate(gate::Gate),
    Export {
        target: Target,
        form: ExportForm,
    },
    Capture(Capture),
    Diff(DiffQuestion),
    Size {
        question: MapQuestion,
        /// The binary that has the types.
        exe: Option<PathBuf>,
    },
    Layout {
        target: Target,
        question: LayoutQuestion,
    },
    Rule {
        query: Option<String>,
    },
    Completions {
        shell: Shell,
    },
    Man {
        dir: PathBuf,
    },
}

/// Which structs' layout.
#[derive(Clone, Debug)]
pub(crate) struct LayoutQuestion {
    /// A name, or a regular expression.
    pub(crate) type_name: Option<String>,
    /// Only those that could be smaller.
    pub(crate) wasteful: bool,
    pub(crate) limit: Option<usize>,
}

/// Which groups of goroutines.
#[derive(Clone, Debug)]
pub(crate) struct GoroutineFilter {
    pub(crate) state: Option<Regex>,
    pub(crate) function: Option<Regex>,
    /// Only those that are leaked, or look like it.
    pub(crate) leaked: bool,
    pub(crate) limit: Option<usize>,
}

/// Which types.
#[derive(Debug)]
pub(crate) struct TypeFilter {
    pub(crate) type_name: Option<Regex>,
    pub(crate) limit: Option<usize>,
    /// Rows of each section below the histogram.
    pub(crate) section_rows: Option<usize>,
    /// Content of strings may be shown.
    pub(crate) show_values: bool,
}

/// How much of a tree is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TreeShape {
    /// Levels below the first.
    pub(crate) depth: usize,
    /// Nodes below each node.
    pub(crate) limit: usize,
    /// Nodes with less than this share of the whole are left out; 0 to 1.
    pub(crate) min_share: f64,
}

/// Levels of a tree that are shown at most: deeper ones fit no screen.
const MAX_DEPTH: usize = 64;

impl Config {
    /// Checks what was typed.
    pub(crate) fn new(args: Args) -> Result<Self> {
        let Args { mut global, command } = args;
        let html = global.format == FormatArg::Html;
        let format = if global.format == FormatArg::Json { Format::Json } else { Format::Text };
        let command = match command {
            args::Command::Gate(typed) => Command::Gate(gate::gate(*typed, global.format)?),
            args::Command::Diff(typed) => Command::Diff(diff::question(typed, global.format)?),
            _ if global.format == FormatArg::Markdown => {
                bail!("--format markdown: only `diff` has it; try --format json, or text")
            }
            _ if matches!(global.format, FormatArg::Junit | FormatArg::Sarif) => {
                bail!("--format {}: only `gate` has it; try --format json", value_name(&global.format))
            }
            command if html => report(command)?,
            args::Command::Demo { limit } => {
                Command::Inspect { target: demo(), limit: rows(limit, format, INSPECT_ROWS), fail_on: None }
            }
            args::Command::Inspect { target: typed, limit, before, fail_on } => {
                if before.is_some() {
                    bail!("--before: only --format html shows what changed; as text, `mapscope diff` does");
                }
                Command::Inspect { target: target(typed)?, limit: rows(limit, format, INSPECT_ROWS), fail_on }
            }
            args::Command::Maps(typed) => maps(typed, format)?,
            args::Command::Map { target: typed, map } => {
                if map.trim().is_empty() {
                    bail!("OWNER|ADDR is empty: give the owner of a map or its address");
                }
                Command::Map { target: target(typed)?, query: map.trim().to_owned() }
            }
            args::Command::Types { target: typed, type_regex, limit, show_values } => {
                let filter = TypeFilter {
                    type_name: regex("--type", type_regex)?,
                    limit: rows(limit, format, LIST_ROWS),
                    section_rows: rows(limit, format, SECTION_ROWS),
                    show_values,
                };
                Command::Types { target: target(typed)?, filter }
            }
            args::Command::Dominators { target: typed, depth, limit, min_share } => {
                if !(0.0..=100.0).contains(&min_share) {
                    bail!("--min-share: {min_share} is not a share: give a number from 0 to 100");
                }
                let limit = if limit == 0 { usize::MAX } else { limit };
                let shape = TreeShape { depth: depth.min(MAX_DEPTH), limit, min_share: min_share / 100.0 };
                Command::Dominators { target: target(typed)?, shape }
            }
            args::Command::Path(typed) => path(typed, format)?,
            args::Command::Cycles { target: typed, all, limit } => {
                Command::Cycles { target: target(typed)?, all, limit: rows(limit, format, INSPECT_ROWS) }
            }
            args::Command::Goroutines { target: typed, state, function, leaked, limit } => {
                let (state, function) = (regex("--state", state)?, regex("--function", function)?);
                let limit = rows(limit, format, GROUPS);
                Command::Goroutines {
                    target: target(typed)?,
                    filter: GoroutineFilter { state, function, leaked, limit },
                }
            }
            args::Command::Export { target: typed, form } => {
                if format == Format::Json {
                    bail!("--format json: `export` writes the form that --as names");
                }
                Command::Export { target: target(typed)?, form }
            }
            // The file is the core; what is said of it goes to standard output.
            args::Command::Capture(typed) => capture(typed, global.output.take())?,
            args::Command::Size(typed) => size(typed)?,
            args::Command::Layout { target: typed, type_name, wasteful, limit } => {
                let type_name = type_name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
                let question = LayoutQuestion { type_name, wasteful, limit: rows(limit, format, LIST_ROWS) };
                Command::Layout { target: target(typed)?, question }
            }
            args::Command::Rule { code } => Command::Rule { query: code },
            args::Command::Completions { shell } => Command::Completions { shell },
            args::Command::Man { dir } => Command::Man { dir },
        };
        let output = global.output.filter(|path| path != Path::new("-"));
        spare_target(&command, output.as_deref())?;
        if html && output.is_none() && std::io::stdout().is_terminal() {
            bail!("--format html is for a browser: write it to a file with -o report.html, or into a pipe");
        }
        if let Command::Export { form, .. } = &command
            && matches!(form, ExportForm::HeapProfile | ExportForm::LiveHeap | ExportForm::Pprof)
            && output.is_none()
            && std::io::stdout().is_terminal()
        {
            bail!("--as {} is no text: write it to a file with -o FILE, or into a pipe", value_name(form));
        }
        let view = View { format, width: width(output.is_some()) };
        Ok(Self { command, view, output, color: global.color, quiet: global.quiet })
    }
}

/// What has a form for browsers.
fn report(typed: args::Command) -> Result<Command> {
    let (target, limit, before, fail_on) = match typed {
        args::Command::Demo { limit } => (demo(), limit, None, None),
        args::Command::Inspect { target: typed, limit, before, fail_on } => (target(typed)?, limit, before, fail_on),
        _ => bail!("--format html: only `inspect`, `demo` and `diff` have it; try --format json"),
    };
    if limit.is_some() {
        bail!("--limit: an HTML report has all rows, to be filtered in the browser; leave it out");
    }
    Ok(Command::Report { target, before, fail_on })
}

/// A value as it is typed.
fn value_name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

fn regex(flag: &str, pattern: Option<String>) -> Result<Option<Regex>> {
    let Some(pattern) = pattern else { return Ok(None) };
    let compiled = Regex::new(&pattern).map_err(|error| {
        // The library draws the pattern with a mark under the mistake, in several lines; the last line says it in words.
        let text = error.to_string();
        let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        anyhow::anyhow!(
            "{flag}: `{pattern}` is not a regular expression: {reason}; try \\ before ( [ * + ? . to mean the character"
        )
    })?;
    Ok(Some(compiled))
}

/// How many rows: what was asked for (0 is all), or the default for people, or all for scripts.
fn rows(limit: Option<usize>, format: Format, default: usize) -> Option<usize> {
    match (limit, format) {
        (Some(0), _) | (None, Format::Json) => None,
        (Some(limit), _) => Some(limit),
        (None, Format::Text) => Some(default),
    }
}

fn width(to_file: bool) -> usize {
    let stdout = std::io::stdout();
    let terminal = (!to_file && stdout.is_terminal()).then(|| terminal_size::terminal_size_of(stdout)).flatten();
    let asked = || std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    terminal.map(|(width, _)| usize::from(width.0)).or_else(asked).unwrap_or(NO_TERMINAL).max(NARROWEST)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    pub(super) fn config(line: &str) -> Result<Config> {
        Config::new(Args::try_parse_from(line.split_whitespace()).expect("the line is well formed"))
    }

    pub(super) fn error(line: &str) -> String {
        format!("{:#}", config(line).expect_err("the line is wrong"))
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }

    #[test]
    fn limits_depend_on_the_format() {
        let limit = |line| match config(line).expect("the line is right").command {
            Command::Maps { filter, .. } => filter.limit,
            other => panic!("{other:?}"),
        };
        assert_eq!(limit("mapscope maps 1"), Some(LIST_ROWS));
        assert_eq!(limit("mapscope maps 1 --format json"), None);
        assert_eq!(limit("mapscope maps 1 --limit 0"), None);
        assert_eq!(limit("mapscope --format json maps 1 --limit 3"), Some(3));
    }

    #[test]
    fn a_report_for_browsers_is_of_the_whole_picture() {
        let report = |line| matches!(config(line).expect("the line is right").command, Command::Report { .. });
        assert!(
            report("mapscope inspect 1 --format html -o r.html") && report("mapscope demo --format html -o r.html")
        );
        assert!(error("mapscope maps 1 --format html -o r.html").contains("only `inspect`, `demo` and `diff`"));
        assert!(error("mapscope export 1 --as dot --format html").contains("only `inspect`, `demo` and `diff`"));
        assert!(error("mapscope inspect 1 --format html --limit 3").starts_with("--limit"));
        assert!(error("mapscope inspect 1 --before b.json").contains("only --format html"));
    }

    #[test]
    fn mistakes_name_the_flag() {
        let message = error("mapscope maps 1 --owner main.(");
        assert!(message.starts_with("--owner: `main.(` is not a regular expression: unclosed group"), "{message}");
        assert!(!message.contains('\n'));
        assert!(error("mapscope maps 1 --min-bytes lots").starts_with("--min-bytes: `lots` is not a size"));
    }
}
