//! What was typed: flags and words, not yet checked against each other. [`crate::config`] gives them meaning.

mod capture;
mod diff;
mod export;
mod gate;
mod maps;
mod path;
mod size;
mod target;

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

pub(crate) use self::capture::CaptureArgs;
pub(crate) use self::diff::DiffArgs;
pub(crate) use self::export::ExportForm;
pub(crate) use self::gate::{GateArgs, RunArgs, Then};
pub(crate) use self::maps::{MapsArgs, SortKey};
pub(crate) use self::path::{PathArgs, RootArg};
pub(crate) use self::size::{PartArg, SizeArgs};
pub(crate) use self::target::{PauseArg, PauseArgs, TargetArgs};

/// Who holds a Go process's memory, in what state its maps are, and what to change
///
/// Point it at a pid or at a core. The program under examination needs no import, no restart and no endpoint; a live one
/// is stopped for milliseconds, forked, and runs on while the copy-on-write child is read. Where it was built without debug information (-ldflags="-s -w"),
/// owners start at an address instead of a name, unless --debug-info has the names.
#[derive(Debug, Parser)]
#[command(
    name = "mapscope",
    version,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "\
Examples:
  mapscope demo                          look at a recorded, leaking service
  mapscope inspect 21291                 the whole picture of a running process
  mapscope inspect 21291 --format html -o report.html    the same for a browser, in one file
  mapscope maps core.21291 --sort waste  its maps, those with most to win first
  mapscope map 21291 main.sessions.byID  one map in depth
  mapscope rule GM001                    what a finding means, and what to change
  mapscope path 21291 main.Session       who holds the objects of a type
  mapscope export 21291 --as heap-profile -o heap.pb.gz    its heap profile, for pprof
  mapscope capture 21291 -o core.21291   a core of it, without killing it
  mapscope diff before.json 21291        what grew, what drained, what is gone
  mapscope size 'map[string]*User' --entries 10M    what a map will cost
  mapscope gate 21291 --max live=500MiB  a budget for CI
  mapscope layout ./sessions main.Session    padding of a struct, and its best order

A TARGET that is a number is a pid; anything else is a path (./21291 names a file). Where a file is read, - is standard input.
Exit status: 0 fine, 1 a gate's budget broken or findings at or above --fail-on, 2 an error."
)]
pub(crate) struct Args {
    /// Flags that every command takes.
    #[command(flatten)]
    pub(crate) global: Global,
    /// The command.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Global {
    /// How the result is written
    #[arg(long, global = true, value_enum, default_value_t = FormatArg::Text)]
    pub(crate) format: FormatArg,
    /// Write the result to FILE instead of standard output (`-`)
    #[arg(short, long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// When to use colour; `NO_COLOR` is respected
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// No progress on standard error
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
}

/// How the result is written, as it is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// For people
    Text,
    /// For scripts; the schemas are under docs/schema
    Json,
    /// For a browser: one file that needs no network (`inspect`, `demo` and `diff`)
    Html,
    /// For CI servers: a test for each budget (`gate`)
    Junit,
    /// For code hosts: a result for each thing that breaks a budget (`gate`)
    Sarif,
    /// For a pull request (`diff`)
    Markdown,
}

/// How a command writes its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For scripts.
    Json,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal
    Auto,
    /// Also into pipes and files
    Always,
    /// Nowhere
    Never,
}

/// One command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Analyse a recorded, leaking Go service (embedded; needs nothing)
    #[command(after_help = "\
Examples:
  mapscope demo
  mapscope demo --limit 0
  mapscope demo --format html -o report.html
  mapscope demo --format json | jq '.maps[0]'")]
    Demo {
        /// Rows of each table; 0 shows all [default: 10 as text, all as JSON]
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// The whole picture: where memory went, findings, top maps, top types
    ///
    /// A finding names what is wrong, the bytes to win and what to change; `mapscope rule CODE` explains it, with code.
    #[command(after_help = "\
Examples:
  mapscope inspect 21291
  mapscope inspect 21291 --fail-on medium        exit status 1 when there is something to do
  mapscope inspect core.21291 --exe ./sessions
  mapscope inspect core.4711 --exe ./libapp.so           Go code in a host in another language
  mapscope inspect 21291 --debug-info ./sessions.debug
  mapscope inspect 21291 --format json -o before.json
  mapscope inspect 21291 --format html -o report.html    to read, to attach, to keep
  mapscope inspect 21291 --format html --before before.json -o report.html")]
    Inspect {
        #[command(flatten)]
        target: TargetArgs,
        /// Rows of each table; 0 shows all [default: 10 as text, all as JSON]
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
        /// With --format html, show what changed since an earlier inspection: a file that --format json wrote
        #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
        before: Option<PathBuf>,
        /// Exit with status 1 when there are findings of this severity or above
        #[arg(long, value_name = "SEVERITY", value_enum)]
        fail_on: Option<FailOn>,
    },
    /// Every live map, one line each
    #[command(after_help = "\
Examples:
  mapscope maps 21291
  mapscope maps 21291 --sort waste --min-bytes 10MiB
  mapscope maps 21291 --owner '^main\\.' --type '^map\\[string\\]' --limit 0
  mapscope maps core.21291 --format json | jq -r '.maps[].owner'")]
    Maps(MapsArgs),
    /// One map in depth: figures, layout, who holds it, a picture of its groups
    #[command(after_help = "\
Examples:
  mapscope map 21291 main.sessions.byID
  mapscope map 21291 sessions            a part of the owner is enough when only one map has it
  mapscope map core.21291 0xc000123450   the address that `mapscope maps` shows")]
    Map {
        #[command(flatten)]
        target: TargetArgs,
        /// The map: its owner, a part of it, a regular expression, or an address (0x...)
        #[arg(value_name = "OWNER|ADDR")]
        map: String,
    },
    /// Live objects by type, and what else owns memory: slices, strings, channels, pools, timers, finalizers
    ///
    /// Below the histogram: unused capacity of slices, large objects that small slices and strings keep, duplicate strings,
    /// what is queued in channels and who waits, what sync.Pools keep, timers, and the backlog of finalizers and cleanups.
    #[command(after_help = "\
Examples:
  mapscope types 21291
  mapscope types 21291 --type '^\\*?main\\.' --limit 20
  mapscope types 21291 --show-values     duplicate strings with their text
  mapscope types core.21291 --format json | jq '.slices[0], .strings.savable_bytes'")]
    Types {
        #[command(flatten)]
        target: TargetArgs,
        /// Only types that match this regular expression, and places that hold such
        #[arg(long = "type", value_name = "REGEX")]
        type_regex: Option<String>,
        /// Rows of each table; 0 shows all [default: 50 types and 10 of the rest as text, all as JSON]
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
        /// Show what duplicate strings say: escaped, the first 64 bytes
        #[arg(long)]
        show_values: bool,
    },
    /// Who holds what: the biggest subtrees of the dominator tree, and where memory piles up
    ///
    /// A node dominates what only it leads to: without it, its retained bytes would be freed. Objects of one type below
    /// one node are shown as one; what several variables or goroutines reach by ways of their own is `shared`.
    #[command(after_help = "\
Examples:
  mapscope dominators 21291
  mapscope dominators 21291 --depth 12 --limit 3
  mapscope dominators core.21291 --min-share 0.1 --format json")]
    Dominators {
        #[command(flatten)]
        target: TargetArgs,
        /// Levels below each holder
        #[arg(long, value_name = "N", default_value_t = 8)]
        depth: usize,
        /// Nodes below each node; 0 shows all
        #[arg(long, value_name = "N", default_value_t = 5)]
        limit: usize,
        /// Leave out nodes that retain less than this share of the live bytes, in percent
        #[arg(long, value_name = "PERCENT", default_value_t = 1.0)]
        min_share: f64,
    },
    /// Who holds an object: shortest paths from the roots, with field names
    ///
    /// For an address, one shortest path from each kind of root that leads to the object. For a type, the paths of all its
    /// live objects: those with the same root and the same steps are one line.
    #[command(after_help = "\
Examples:
  mapscope path 21291 0xc000123450       who holds this object, by kind of root
  mapscope path 21291 main.Session       all objects of a type, put together
  mapscope path 21291 '^main\\.' --limit 0
  mapscope path 21291 main.Session --exclude stack    what is held by more than goroutines?
  mapscope path core.21291 0xc000123450 --format json")]
    Path(PathArgs),
    /// Live objects that reach each other, with the maps among them
    ///
    /// A cycle is no leak in Go: the collector frees it when nothing outside leads into it. But one entry that is still
    /// reached keeps all of it, and a map in it is as large as it ever was. For each group of objects that reach each other:
    /// its size, its maps, one shortest cycle, and the pointer that closes it.
    #[command(after_help = "\
Examples:
  mapscope cycles 21291
  mapscope cycles 21291 --all --limit 0    also rings and trees with parents, without a map
  mapscope cycles core.21291 --format json")]
    Cycles {
        #[command(flatten)]
        target: TargetArgs,
        /// Also cycles without a map
        #[arg(long)]
        all: bool,
        /// Groups; 0 shows all [default: 10 as text, all as JSON]
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Goroutines grouped by stack and state, with what they retain; leaked ones first
    ///
    /// A goroutine is leaked when nothing can wake it any more: only leaked goroutines have what it waits for. That is
    /// worked out from who reaches what; `leaked?` is a guess where not all could be read. To wait for long is no sign of
    /// a leak; to become more is one: `mapscope diff PID --after 1m`.
    #[command(after_help = "\
Examples:
  mapscope goroutines 21291
  mapscope goroutines 21291 --leaked --limit 0
  mapscope goroutines 21291 --state '^chan ' --function '^main\\.'
  mapscope goroutines core.21291 --format json | jq '.groups[] | select(.leaked)'")]
    Goroutines {
        #[command(flatten)]
        target: TargetArgs,
        /// Only states that match this regular expression (`chan receive`, `IO wait`)
        #[arg(long, value_name = "REGEX")]
        state: Option<String>,
        /// Only stacks with a function that matches this regular expression
        #[arg(long, value_name = "REGEX")]
        function: Option<String>,
        /// Only groups that are leaked, or look like it
        #[arg(long)]
        leaked: bool,
        /// Groups; 0 shows all [default: 20 as text, all as JSON]
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Budgets for CI: exit status 1 when one is broken
    ///
    /// A budget is NAME=LIMIT. NAME is a figure of the whole program (`live`, `live_objects`, `objects`, `garbage`,
    /// `fragmentation`, `free`, `stacks`, `runtime`, `binary`, `other`, `rss`, `maps`, `goroutines`, `leaked_goroutines`), or of each map, type or function
    /// that matches, where * stands for anything: map:OWNER:FIGURE (`entries`, `slots`, `table`, `retained`,
    /// `tombstones`, `zero_values`, `reclaimable`, ...), type:TYPE:FIGURE (`count`, `shallow`, `retained`),
    /// goroutines:FUNCTION; or `findings`, `findings:high`, `findings:GM001`. A budget that cannot be checked is an error, never a pass.
    ///
    /// With a command, it is started and examined where it raises a signal, which it never gets, so that a leak test needs
    /// nothing of mapscope in the program; then it goes on to its end. docs/GATE.md has a workflow for GitHub Actions.
    #[command(after_help = "\
Examples:
  mapscope gate 21291 --max live=50MiB --max 'map:main.cache.*:entries=10000'
  mapscope gate 21291 --max-growth live=10% --baseline before.json
  mapscope gate --run './svc.test -test.run Leak' --at-signal USR1 --max live=50MiB
  mapscope gate --at-line 'load done' --then kill --max goroutines=20 -- ./svc -addr :0
  mapscope gate --at-signal USR1 --write-baseline before.json -- ./svc.test -test.run Leak
  mapscope gate core.21291 --config ci/mapscope.toml --format junit -o gate.xml")]
    Gate(Box<GateArgs>),
    /// Write what was read as a file for other tools
    ///
    /// Who holds what (`pprof`, `folded`, `dot`, `json`) counts each live object once, under what dominates it.
    /// A heap profile knows the allocations that the program itself sampled: one for 512 KiB, unless it says otherwise.
    /// Its numbers are estimates.
    #[command(after_help = "\
Examples:
  mapscope export 21291 --as heap-profile -o heap.pb.gz && go tool pprof heap.pb.gz
  mapscope export 21291 --as heap-profile | go tool pprof -top -
  mapscope export core.21291 --as live-heap -o live.pb.gz
  mapscope export 21291 --as pprof -o held.pb.gz && go tool pprof -http :8080 held.pb.gz
  mapscope export 21291 --as folded | inferno-flamegraph > held.svg
  mapscope export 21291 --as dot | dot -Tsvg > held.svg")]
    Export {
        #[command(flatten)]
        target: TargetArgs,
        /// What the file is to be
        #[arg(long = "as", value_name = "FORM", value_enum)]
        form: ExportForm,
    },
    /// Write a core of a running process, which runs on
    ///
    /// The core is a standard one: gdb, Delve and mapscope open it. The file takes as much of the disk as the process has
    /// memory with content, though it looks larger (it has holes; copy it with cp --sparse or tar -S). It is readable for
    /// its owner alone, because a core holds whatever the process knew. What stays in a redacted one: docs/CAPTURE.md.
    ///
    /// With --zstd, or when FILE ends in .zst, it is compressed: mapscope opens that as it is, gdb and Delve after zstd -d.
    #[command(after_help = "\
Examples:
  mapscope capture 21291 -o core.21291
  mapscope capture 21291 -o core.21291.zst && mapscope inspect core.21291.zst
  mapscope capture 21291 -o core.21291 --heap-only   without what the analysis does not read
  mapscope capture 21291 -o share.zst --redact       without what the program's data says
  mapscope capture 21291 -o core.21291 --force && dlv core ./server core.21291")]
    Capture(CaptureArgs),
    /// What changed between two inspections or more: maps, types, and what holds them
    ///
    /// A TARGET is a pid, a core, or a file that `inspect --format json` wrote; the earliest comes first. Things are compared
    /// by name: owner and type of a map. A map that lost its entries and kept its slots is `drained`. With three inspections
    /// or more, `grows linearly` is growth with time; `~grows with` is a guess from numbers that agree.
    #[command(after_help = "\
Examples:
  mapscope diff before.json 21291
  mapscope diff 21291 --after 30s            one process, twice
  mapscope diff 21291 --after 1m --times 10  and how it grows with time
  mapscope diff monday.json tuesday.json wednesday.json --all
  mapscope diff core.old core.new --exe ./sessions.old --exe ./sessions.new
  mapscope diff before.json after.json --owner '^main\\.' --min-bytes 1MiB
  mapscope diff before.json after.json --format markdown | gh pr comment 17 --body-file -
  mapscope diff before.json 21291 --format html -o report.html
  mapscope diff before.json after.json --format json | jq '.rows[] | select(.verdict == \"drained\")'")]
    Diff(DiffArgs),
    /// What a map costs before it is written: now, while it grows, with a hint; Swiss and legacy side by side
    ///
    /// Key and element are taken from a Go type, from the types of a binary (--exe), or by their sizes. What the hashes of
    /// the keys have a part in is a mean with a range; everything else is exact.
    #[command(after_help = "\
Examples:
  mapscope size 'map[string]*User' --entries 10M
  mapscope size 'map[[16]byte]int64' --entries 250k --churn
  mapscope size 'map[string]main.Session' --entries 1M --exe ./sessions
  mapscope size --key-bytes 24 --value-bytes 200 --pointers key --entries 1M --go 1.23
  mapscope size 'map[int]int' --entries 5000 --format json | jq '.maps[0].grown'")]
    Size(SizeArgs),
    /// How structs of a binary are laid out: fields, padding, best order, and their place in maps
    ///
    /// One struct by its name, or those that match a regular expression, or all. Nothing has to run: TARGET is an
    /// executable; of a process or a core, its executable is read, and a process is not stopped.
    #[command(after_help = "\
Examples:
  mapscope layout ./sessions main.Session
  mapscope layout ./sessions '^main\\.'       those that match a regular expression
  mapscope layout ./sessions --wasteful     those that another order of fields makes smaller
  mapscope layout 21291 main.Session        of a running process
  mapscope layout core.21291 --exe ./sessions http.Request --format json")]
    Layout {
        #[command(flatten)]
        target: TargetArgs,
        /// A struct (`main.Session`, `http.Request`), or a regular expression [default: all]
        #[arg(value_name = "TYPE")]
        type_name: Option<String>,
        /// Only structs that another order of fields makes smaller, those that save most first
        #[arg(long)]
        wasteful: bool,
        /// Rows; 0 shows all [default: 50 as text, all as JSON]
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// What a rule means, why it matters, how to fix it; all rules without CODE
    #[command(after_help = "\
Examples:
  mapscope rule
  mapscope rule GM001
  mapscope rule drained-map
  mapscope rule GM001 --format json | jq -r .text")]
    Rule {
        /// Code or name of the rule
        #[arg(value_name = "CODE")]
        code: Option<String>,
    },
    /// Write a completion script for a shell
    #[command(after_help = "\
Examples:
  mapscope completions bash > ~/.local/share/bash-completion/completions/mapscope
  mapscope completions zsh > \"${fpath[1]}/_mapscope\"
  mapscope completions fish > ~/.config/fish/completions/mapscope.fish")]
    Completions {
        /// The shell
        #[arg(value_name = "SHELL", value_enum)]
        shell: Shell,
    },
    /// Write the man pages into a directory
    #[command(after_help = "\
Examples:
  mapscope man ~/.local/share/man/man1
  mapscope man . && man ./mapscope-maps.1")]
    Man {
        /// The directory; it is made if need be
        #[arg(value_name = "DIR", value_hint = ValueHint::DirPath)]
        dir: PathBuf,
    },
}

/// From which severity on findings make the command fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    /// Only the most urgent
    High,
    /// Medium and high
    Medium,
    /// Any
    Low,
}
