//! What is meant: every value checked, every default chosen. Made from [`crate::args`] before any work is done.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use clap_complete::Shell;
use regex::Regex;

use crate::args::{self, Args, Color, ExportForm, FailOn, Format, MapsArgs, PathArgs, RootArg, SortKey, TargetArgs};
use crate::size::parse_size;
use crate::source::{Target, TargetSpec};

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
    Export {
        target: Target,
        form: ExportForm,
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

/// Which maps, and in which order.
#[derive(Debug)]
pub(crate) struct MapFilter {
    pub(crate) sort: SortKey,
    pub(crate) owner: Option<Regex>,
    pub(crate) type_name: Option<Regex>,
    pub(crate) min_bytes: u64,
    pub(crate) limit: Option<usize>,
}

/// Whose paths, and from where.
#[derive(Debug)]
pub(crate) struct PathQuery {
    /// As it was typed.
    pub(crate) text: String,
    pub(crate) what: PathWhat,
    pub(crate) exclude: Vec<RootArg>,
    pub(crate) limit: Option<usize>,
}

/// An address, or types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathWhat {
    Address(u64),
    Type,
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
        let Args { global, command } = args;
        let format = global.format;
        let command = match command {
            args::Command::Demo { limit } => {
                let target = Target { spec: TargetSpec::Demo, exe: None, debug_info: None };
                Command::Inspect { target, limit: rows(limit, format, INSPECT_ROWS), fail_on: None }
            }
            args::Command::Inspect { target: typed, limit, fail_on } => {
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
            args::Command::Rule { code } => Command::Rule { query: code },
            args::Command::Completions { shell } => Command::Completions { shell },
            args::Command::Man { dir } => Command::Man { dir },
        };
        let output = global.output.filter(|path| path != Path::new("-"));
        spare_target(&command, output.as_deref())?;
        if let Command::Export { form, .. } = &command
            && matches!(form, ExportForm::HeapProfile | ExportForm::LiveHeap | ExportForm::Pprof)
            && output.is_none()
            && std::io::stdout().is_terminal()
        {
            bail!("--as {} is no text: write it to a file with -o FILE, or into a pipe", form_name(*form));
        }
        let view = View { format, width: width(output.is_some()) };
        Ok(Self { command, view, output, color: global.color, quiet: global.quiet })
    }
}

/// A core may be the only evidence there is: it is not overwritten by what was read from it.
fn spare_target(command: &Command, output: Option<&Path>) -> Result<()> {
    let (Command::Inspect { target, .. }
    | Command::Maps { target, .. }
    | Command::Map { target, .. }
    | Command::Types { target, .. }
    | Command::Path { target, .. }
    | Command::Cycles { target, .. }
    | Command::Dominators { target, .. }
    | Command::Goroutines { target, .. }
    | Command::Export { target, .. }) = command
    else {
        return Ok(());
    };
    let path = match &target.spec {
        TargetSpec::Path(path) => Some(path),
        _ => None,
    };
    let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    for input in path.into_iter().chain(&target.exe).chain(&target.debug_info) {
        if output.is_some_and(|output| same(output, input)) {
            bail!("--output: {} is what is examined; give the name of another file", input.display());
        }
    }
    Ok(())
}

/// A form as it is typed.
fn form_name(form: ExportForm) -> String {
    form.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
}

fn maps(typed: MapsArgs, format: Format) -> Result<Command> {
    let min_bytes = typed.min_bytes.as_deref().map(parse_size).transpose().context("--min-bytes")?;
    let filter = MapFilter {
        sort: typed.sort,
        owner: regex("--owner", typed.owner)?,
        type_name: regex("--type", typed.type_regex)?,
        min_bytes: min_bytes.unwrap_or(0),
        limit: rows(typed.limit, format, LIST_ROWS),
    };
    Ok(Command::Maps { target: target(typed.target)?, filter })
}

fn path(typed: PathArgs, format: Format) -> Result<Command> {
    let text = typed.what.trim().to_owned();
    if text.is_empty() {
        bail!("ADDR|TYPE is empty: give an address in the heap (0x...) or the name of a type");
    }
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let what = match digits.map(|d| u64::from_str_radix(d, 16)) {
        Some(Ok(address)) => PathWhat::Address(address),
        Some(Err(_)) => bail!("`{text}` is not an address: give it in hexadecimal, as `mapscope maps` shows it"),
        None => PathWhat::Type,
    };
    let mut exclude = typed.exclude;
    exclude.sort_by_key(|kind| *kind as u8);
    exclude.dedup();
    let query = PathQuery { text, what, exclude, limit: rows(typed.limit, format, LIST_ROWS) };
    Ok(Command::Path { target: target(typed.target)?, query })
}

/// A number is a pid, anything else a path.
fn target(typed: TargetArgs) -> Result<Target> {
    let TargetArgs { target, exe, debug_info } = typed;
    if target.is_empty() {
        bail!("TARGET is empty: give a pid or the path of a core");
    }
    if !target.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(Target { spec: TargetSpec::Path(target.into()), exe, debug_info });
    }
    match target.parse() {
        // The kernel's own limit, PID_MAX_LIMIT, is 2^22; the kernel itself will say so.
        Ok(pid) if pid > 0 => Ok(Target { spec: TargetSpec::Process(pid), exe, debug_info }),
        _ => bail!("{target} is not a pid: give the number of a process, or ./{target} for a file of that name"),
    }
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

    fn config(line: &str) -> Result<Config> {
        Config::new(Args::try_parse_from(line.split_whitespace()).expect("the line is well formed"))
    }

    fn error(line: &str) -> String {
        format!("{:#}", config(line).expect_err("the line is wrong"))
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Args::command().debug_assert();
    }

    #[test]
    fn a_number_is_a_pid() {
        let spec = |line| match config(line).expect("the line is right").command {
            Command::Inspect { target, .. } => target.spec,
            other => panic!("{other:?}"),
        };
        assert_eq!(spec("mapscope inspect 21291"), TargetSpec::Process(21291));
        assert_eq!(spec("mapscope inspect ./21291"), TargetSpec::Path("./21291".into()));
        assert_eq!(spec("mapscope inspect core.21291"), TargetSpec::Path("core.21291".into()));
        assert_eq!(spec("mapscope demo"), TargetSpec::Demo);
        assert!(error("mapscope inspect 0").contains("not a pid"));
        assert!(error("mapscope inspect 99999999999").contains("./99999999999"));
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
    fn an_address_is_in_hexadecimal_and_anything_else_a_type() {
        let what = |line: &str| match config(line).expect("the line is right").command {
            Command::Path { query, .. } => (query.what, query.exclude.len()),
            other => panic!("{other:?}"),
        };
        assert_eq!(what("mapscope path 1 0xC0"), (PathWhat::Address(0xc0), 0));
        assert_eq!(what("mapscope path 1 main.T --exclude stack,global,stack"), (PathWhat::Type, 2));
        assert!(error("mapscope path 1 0xg").contains("is not an address"));
        assert!(error("mapscope path 1 0x11112222333344445").contains("is not an address"));
    }

    #[test]
    fn mistakes_name_the_flag() {
        let message = error("mapscope maps 1 --owner main.(");
        assert!(message.starts_with("--owner: `main.(` is not a regular expression: unclosed group"), "{message}");
        assert!(!message.contains('\n'));
        assert!(error("mapscope maps 1 --min-bytes lots").starts_with("--min-bytes: `lots` is not a size"));
    }
}
