//! What is meant: every value checked, every default chosen. Made from [`crate::args`] before any work is done.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap_complete::Shell;
use regex::Regex;

use crate::args::{self, Args, Color, Format, MapsArgs, SortKey, TargetArgs};
use crate::size::parse_size;
use crate::source::{Target, TargetSpec};

/// Rows of each table of `inspect`: a screenful in all.
const INSPECT_ROWS: usize = 10;
/// Rows of `maps` and `types`.
const LIST_ROWS: usize = 50;
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

/// Which types.
#[derive(Debug)]
pub(crate) struct TypeFilter {
    pub(crate) type_name: Option<Regex>,
    pub(crate) limit: Option<usize>,
}

impl Config {
    /// Checks what was typed.
    pub(crate) fn new(args: Args) -> Result<Self> {
        let Args { global, command } = args;
        let format = global.format;
        let command = match command {
            args::Command::Demo { limit } => {
                let target = Target { spec: TargetSpec::Demo, exe: None, debug_info: None };
                Command::Inspect { target, limit: rows(limit, format, INSPECT_ROWS) }
            }
            args::Command::Inspect { target: typed, limit } => {
                Command::Inspect { target: target(typed)?, limit: rows(limit, format, INSPECT_ROWS) }
            }
            args::Command::Maps(typed) => maps(typed, format)?,
            args::Command::Map { target: typed, map } => {
                if map.trim().is_empty() {
                    bail!("OWNER|ADDR is empty: give the owner of a map or its address");
                }
                Command::Map { target: target(typed)?, query: map.trim().to_owned() }
            }
            args::Command::Types { target: typed, type_regex, limit } => {
                let filter =
                    TypeFilter { type_name: regex("--type", type_regex)?, limit: rows(limit, format, LIST_ROWS) };
                Command::Types { target: target(typed)?, filter }
            }
            args::Command::Completions { shell } => Command::Completions { shell },
            args::Command::Man { dir } => Command::Man { dir },
        };
        let output = global.output.filter(|path| path != Path::new("-"));
        spare_target(&command, output.as_deref())?;
        let view = View { format, width: width(output.is_some()) };
        Ok(Self { command, view, output, color: global.color, quiet: global.quiet })
    }
}

/// A core may be the only evidence there is: it is not overwritten by what was read from it.
fn spare_target(command: &Command, output: Option<&Path>) -> Result<()> {
    let (Command::Inspect { target, .. }
    | Command::Maps { target, .. }
    | Command::Map { target, .. }
    | Command::Types { target, .. }) = command
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
    fn mistakes_name_the_flag() {
        let message = error("mapscope maps 1 --owner main.(");
        assert!(message.starts_with("--owner: `main.(` is not a regular expression: unclosed group"), "{message}");
        assert!(!message.contains('\n'));
        assert!(error("mapscope maps 1 --min-bytes lots").starts_with("--min-bytes: `lots` is not a size"));
    }
}
