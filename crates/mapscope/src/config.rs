//! What is meant: every value checked, every default chosen. Made from [`crate::args`] before any work is done.

mod diff;
pub(crate) mod gate;
mod gate_file;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use clap_complete::Shell;
use mapscope_go::TypeSize;
use mapscope_memory::{Pause, PauseOptions};
use regex::Regex;

use crate::args::{
    self, Args, CaptureArgs, Color, ExportForm, FailOn, Format, FormatArg, MapsArgs, PartArg, PathArgs, PauseArg,
    PauseArgs, RootArg, SizeArgs, SortKey, TargetArgs,
};
use crate::size::{parse_count, parse_size};
use crate::source::{Target, TargetSpec};
pub(crate) use diff::{Again, DiffForm, DiffQuestion};

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

/// Which process to write as a core, and how.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each goes with any other")]
pub(crate) struct Capture {
    pub(crate) pid: u32,
    pub(crate) debug_info: Option<PathBuf>,
    /// Where the core goes.
    pub(crate) path: PathBuf,
    pub(crate) force: bool,
    pub(crate) heap_only: bool,
    pub(crate) redact: bool,
    pub(crate) zstd: bool,
    /// How the process is held still while it is written.
    pub(crate) pause: PauseOptions,
}

/// Which map's cost.
#[derive(Clone, Debug)]
pub(crate) struct MapQuestion {
    /// The type as it was written.
    pub(crate) map_type: Option<String>,
    pub(crate) entries: u64,
    /// Sizes that were given, whatever the type says.
    pub(crate) key: Option<TypeSize>,
    pub(crate) elem: Option<TypeSize>,
    /// The minor version of Go that was asked for.
    pub(crate) minor: Option<u32>,
    /// With keys and elements apart.
    pub(crate) split: bool,
    pub(crate) churn: bool,
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

/// A core may be the only evidence there is: it is not overwritten by what was read from it.
fn spare_target(command: &Command, output: Option<&Path>) -> Result<()> {
    if let Command::Diff(question) = command {
        return question.targets.iter().try_for_each(|target| spare(target, None, &[("--output", output)]));
    }
    let (Command::Inspect { target, .. }
    | Command::Report { target, .. }
    | Command::Maps { target, .. }
    | Command::Map { target, .. }
    | Command::Types { target, .. }
    | Command::Path { target, .. }
    | Command::Cycles { target, .. }
    | Command::Dominators { target, .. }
    | Command::Goroutines { target, .. }
    | Command::Layout { target, .. }
    | Command::Export { target, .. }
    | Command::Gate(gate::Gate { examined: gate::Examined::Target(target), .. })) = command
    else {
        return Ok(());
    };
    let mut outputs = vec![("--output", output)];
    if let Command::Gate(gate) = command {
        outputs.extend(gate.writes());
    }
    let before = if let Command::Report { before, .. } = command { before.as_ref() } else { None };
    spare(target, before, &outputs)
}

/// None of the `outputs`, each with its flag, is a file that is read.
fn spare(target: &Target, before: Option<&PathBuf>, outputs: &[(&str, Option<&Path>)]) -> Result<()> {
    let path = match &target.spec {
        TargetSpec::Path(path) => Some(path),
        _ => None,
    };
    let same = |a: &Path, b: &Path| matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b);
    for input in path.into_iter().chain(&target.exe).chain(&target.debug_info).chain(before) {
        if let Some((flag, _)) = outputs.iter().find(|(_, output)| output.is_some_and(|output| same(output, input))) {
            bail!("{flag}: {} is what is examined; give the name of another file", input.display());
        }
    }
    Ok(())
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

fn capture(typed: CaptureArgs, output: Option<PathBuf>) -> Result<Command> {
    let CaptureArgs { pid, debug_info, force, heap_only, redact, zstd, pause } = typed;
    if pause.pause == PauseArg::None {
        bail!("--pause none: a core has to be of one instant; --pause fork stops the process for milliseconds");
    }
    let Some(path) = output.filter(|path| path != Path::new("-")) else {
        bail!("capture needs the name of a file, which can have holes: give -o FILE");
    };
    if !pid.bytes().all(|b| b.is_ascii_digit()) {
        bail!("{pid} is not a pid: only a running process can be captured");
    }
    let target = target(TargetArgs { target: pid, exe: None, debug_info: None, pause })?;
    let TargetSpec::Process(pid) = target.spec else { bail!("PID is empty: give the number of a process") };
    let zstd = zstd || path.extension().is_some_and(|extension| extension == "zst");
    let pause = PauseOptions { for_core: true, ..target.pause };
    Ok(Command::Capture(Capture { pid, debug_info, path, force, heap_only, redact, zstd, pause }))
}

/// Versions of Go whose maps are known.
const MINORS: std::ops::RangeInclusive<u32> = 21..=27;
/// No map has more entries, and no key or element more bytes.
const MAX_ENTRIES: u64 = 1 << 40;

fn size(typed: SizeArgs) -> Result<Command> {
    let entries = parse_count(&typed.entries).context("--entries")?;
    if entries > MAX_ENTRIES {
        bail!("--entries: {} is more than fits into any memory", typed.entries);
    }
    let minor = typed.go.as_deref().map(minor).transpose()?;
    if typed.split_groups && minor.is_some_and(|minor| minor != 27) {
        bail!("--split-groups: only Go 1.27 has GOEXPERIMENT=mapsplitgroup");
    }
    let given = |flag: &str, bytes: Option<u64>, part: PartArg| match (bytes, typed.pointers.contains(&part)) {
        (Some(size), _) if size > 1 << 30 => bail!("{flag}: {size} is more than any key or element has"),
        (Some(size), true) if size < 8 => bail!("{flag}: {size} bytes are too few for a pointer"),
        // Whatever it is made of: aligned to the largest power of two that divides it.
        (Some(size), pointers) => {
            let align = if size == 0 { 1 } else { 1 << size.trailing_zeros().min(3) };
            Ok(Some(TypeSize { size, align, pointers }))
        }
        (None, true) => bail!("--pointers: {flag} is missing; of a type that is written, it is known"),
        (None, false) => Ok(None),
    };
    let question = MapQuestion {
        map_type: typed.map_type,
        entries,
        key: given("--key-bytes", typed.key_bytes, PartArg::Key)?,
        elem: given("--value-bytes", typed.value_bytes, PartArg::Value)?,
        minor,
        split: typed.split_groups,
        churn: typed.churn,
    };
    Ok(Command::Size { question, exe: typed.exe })
}

/// `27` of `1.27`, `go1.27.3` or `27`.
fn minor(typed: &str) -> Result<u32> {
    let version = typed.trim().trim_start_matches("go");
    let digits = version.strip_prefix("1.").unwrap_or(version).split('.').next().unwrap_or_default();
    match digits.parse() {
        Ok(minor) if MINORS.contains(&minor) => Ok(minor),
        _ => bail!("--go: `{typed}` is not a version whose maps are known; give one from 1.21 to 1.27"),
    }
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
    let TargetArgs { target, exe, debug_info, pause } = typed;
    let pause = pause_options(pause);
    if target.is_empty() {
        bail!("TARGET is empty: give a pid or the path of a core");
    }
    if !target.bytes().all(|b| b.is_ascii_digit()) {
        return Ok(Target { spec: TargetSpec::Path(target.into()), exe, debug_info, pause });
    }
    match target.parse() {
        // The kernel's own limit, PID_MAX_LIMIT, is 2^22; the kernel itself will say so.
        Ok(pid) if pid > 0 => Ok(Target { spec: TargetSpec::Process(pid), exe, debug_info, pause }),
        _ => bail!("{target} is not a pid: give the number of a process, or ./{target} for a file of that name"),
    }
}

fn demo() -> Target {
    Target { spec: TargetSpec::Demo, exe: None, debug_info: None, pause: PauseOptions::default() }
}

fn pause_options(typed: PauseArgs) -> PauseOptions {
    let pause = match typed.pause {
        PauseArg::Fork => Pause::Fork,
        PauseArg::Copy => Pause::Copy,
        PauseArg::None => Pause::None,
    };
    PauseOptions { pause, max_snapshot: Duration::from_secs(typed.max_snapshot_seconds), for_core: false }
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
    fn sizes_are_counts_and_versions_have_a_range() {
        let question = |line: &str| match config(line).expect("the line is right").command {
            Command::Size { question, .. } => (question.entries, question.minor, question.key.map(|k| k.align)),
            other => panic!("{other:?}"),
        };
        assert_eq!(question("mapscope size map[int]int --entries 10M"), (10_000_000, None, None));
        let line = "mapscope size --entries 1 --go go1.24.3 --key-bytes 12 --value-bytes 0";
        assert_eq!(question(line), (1, Some(24), Some(4)));
        assert!(error("mapscope size map[int]int --entries 1 --go 1.20").contains("from 1.21 to 1.27"));
        assert!(error("mapscope size map[int]int --entries 9999G").contains("--entries"));
        assert!(error("mapscope size --entries 1 --key-bytes 4 --pointers key").contains("too few for a pointer"));
    }

    #[test]
    fn mistakes_name_the_flag() {
        let message = error("mapscope maps 1 --owner main.(");
        assert!(message.starts_with("--owner: `main.(` is not a regular expression: unclosed group"), "{message}");
        assert!(!message.contains('\n'));
        assert!(error("mapscope maps 1 --min-bytes lots").starts_with("--min-bytes: `lots` is not a size"));
    }
}
