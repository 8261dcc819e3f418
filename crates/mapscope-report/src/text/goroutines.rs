//! `mapscope goroutines`: who waits for what, and who waits in vain.

use super::TextOptions;
use super::footer::{more, note, partial, totals, uncertain};
use super::header::{header, read_time};
use super::style::{BAD, DIM, NAME, PLAIN, TITLE, WARN, paint, push_line, safe, shorten, wrap};
use super::table::{Cell, Column, Table};
use super::units::{bytes, count, percent, plural, time};
use crate::model::{CodeLine, Figure, GoroutineList, GoroutineRow, LoopRow, Waited};

/// What the table shows.
const SHOWN: [Figure; 3] = [Figure::Goroutines, Figure::Leaks, Figure::Retained];
/// Columns under the first line of a group.
const INDENT: &str = "    ";

/// A table of the groups, and the stack of each.
pub fn goroutines(list: &GoroutineList, options: &TextOptions) -> String {
    let width = options.width;
    let mut out = header(&list.target, &read_time(&list.target).into_iter().collect::<Vec<_>>(), width);
    out.push('\n');
    let shown = options.shown(list.groups.len());
    if list.groups.is_empty() {
        let none = match list.total_groups {
            0 => "no goroutines".to_owned(),
            total => format!("none of {} matches", plural(total, "group", "groups")),
        };
        push_line(&mut out, none);
        // None that leaks may only mean that nobody knows.
        out += &leaks_unknown(list, width);
    } else {
        out += &table(&list.groups[..shown]).render(width);
        out += &more(shown, list.groups.len());
        out += &totals(&facts(list).into_iter().chain(uncertain(list.uncertain(), &SHOWN)).collect::<Vec<_>>(), width);
        out += &notes(list, width);
        for group in &list.groups[..shown] {
            out += &stack(group, width);
        }
    }
    out += &partial(list.uncertain(), width);
    out
}

fn table(rows: &[GoroutineRow]) -> Table {
    let mut table = Table::new(vec![
        Column::number("count", 0),
        Column::fixed("", 0),
        Column::name("state", 0, 16),
        Column::name("at", 0, 24),
        Column::number("waited", 2),
        Column::number("stacks", 3),
        Column::number("retained", 1),
    ]);
    for row in rows {
        let mark = match (row.leaked, row.suspect, row.system) {
            (true, ..) => Cell::styled(BAD, "leaked"),
            (_, true, _) => Cell::styled(WARN, "leaked?"),
            (.., true) => Cell::styled(DIM, "runtime"),
            _ => Cell::blank(),
        };
        let waited = row.waited.map_or_else(Cell::absent, |w| Cell::new(time(w.median_ms)));
        table.push(vec![
            Cell::new(count(row.count)),
            mark,
            Cell::new(&row.state),
            Cell::styled(if row.system { DIM } else { NAME }, place(row)),
            waited,
            Cell::new(bytes(row.stack_bytes)),
            Cell::styled(if row.leaked { BAD } else { PLAIN }, bytes(row.retained_bytes)),
        ]);
    }
    table
}

/// The innermost function of the program itself, for what it calls to wait is seen in the state; where there is none, the
/// function that the goroutine began with.
fn place(row: &GoroutineRow) -> &str {
    let began = |line: &&CodeLine| !matches!(line.function.as_str(), "runtime.goexit" | "runtime.main");
    let began = row.stack.iter().rev().find(began).filter(|_| !row.system);
    let found = row.stack.iter().find(|line| !is_standard(&line.function)).or(began);
    found.or(row.stack.first()).map_or("–", |line| &line.function)
}

/// First parts of the paths of the standard library's packages. Like them, modules of one's own need have no dot there.
const STANDARD: &[&str] = &[
    "archive",
    "arena",
    "bufio",
    "bytes",
    "cmp",
    "compress",
    "container",
    "context",
    "crypto",
    "database",
    "debug",
    "embed",
    "encoding",
    "errors",
    "expvar",
    "flag",
    "fmt",
    "go",
    "hash",
    "html",
    "image",
    "index",
    "internal",
    "io",
    "iter",
    "log",
    "maps",
    "math",
    "mime",
    "net",
    "os",
    "path",
    "plugin",
    "reflect",
    "regexp",
    "runtime",
    "simd",
    "slices",
    "sort",
    "strconv",
    "strings",
    "structs",
    "sync",
    "syscall",
    "testing",
    "text",
    "time",
    "unicode",
    "unique",
    "unsafe",
    "vendor",
    "weak",
];

fn is_standard(function: &str) -> bool {
    let first = match function.split_once('/') {
        // A slash may as well be in a type argument.
        Some((first, _)) if !first.contains(['[', '(']) => first,
        _ => function.split(['.', '[']).next().unwrap_or(function),
    };
    STANDARD.contains(&first) || !function.contains('.')
}

fn facts(list: &GoroutineList) -> Vec<String> {
    let mut facts = vec![
        plural(list.program_goroutines, "goroutine", "goroutines"),
        format!("{} of the runtime", count(list.system_goroutines)),
    ];
    if list.matched_groups < list.total_groups {
        facts.push(format!("{} of {}", count(list.matched_groups), plural(list.total_groups, "group", "groups")));
    } else {
        facts.push(plural(list.total_groups, "group", "groups"));
    }
    if let Some(leaked) = list.leaked_goroutines {
        let held = list.leaked_bytes.filter(|_| leaked > 0);
        let held = held.map_or_else(String::new, |held| format!(", which alone hold {}", bytes(held)));
        facts.push(format!("{} leaked{held}", count(leaked)));
    }
    facts
}

fn notes(list: &GoroutineList, width: usize) -> String {
    let mut out = String::new();
    if list.groups.iter().any(|g| g.leaked) {
        out += &note("leaked: nothing can wake them; only leaked goroutines have what they wait for", width);
    }
    if list.groups.iter().any(|g| g.suspect) {
        out += &note("leaked?: a guess; nothing that could be read can wake them, but not all could be read", width);
    }
    out += &leaks_unknown(list, width);
    if list.groups.iter().any(|g| g.waited.is_some()) {
        let bound =
            if list.times_are_bounds { " A core does not say when it was taken: they are lower bounds." } else { "" };
        out += &note(
            &format!(
                "waited: median, since the first collection that saw them wait; they may have waited longer.{bound}"
            ),
            width,
        );
    }
    out
}

fn leaks_unknown(list: &GoroutineList, width: usize) -> String {
    let Some(reason) = &list.leaks_unknown else { return String::new() };
    let known = if list.groups.iter().any(|g| g.leaked) { " of all; those that are marked are" } else { "" };
    note(&format!("which goroutines are leaked is not known{known}: {}", safe(reason)), width)
}

/// One group: its first line, its figures, its stack.
fn stack(group: &GoroutineRow, width: usize) -> String {
    let style = if group.leaked { BAD.bold() } else { TITLE };
    let mut title = format!("{} × {}", count(group.count), safe(&group.state));
    for (is, word) in [
        (group.leaked, "leaked"),
        (group.suspect, "leaked?"),
        (group.locked, "locked to thread"),
        (group.system, "runtime"),
    ] {
        if is {
            title.extend([" · ", word]);
        }
    }
    let mut out = format!("\n{}\n", paint(style, shorten(&title, width)));
    let mut lines = Vec::new();
    lines.extend(group.waited.map(|w| waited(w, group.count)));
    let ids: Vec<String> = group.ids.iter().map(u64::to_string).collect();
    let rest = if group.count > group.ids.len() as u64 { ", …" } else { "" };
    lines.push(format!("goroutine {}{rest}", ids.join(", ")));
    lines.extend(group.loops.iter().map(|one| {
        let who = if group.count > 1 { format!("{} is ", one.goroutine) } else { String::new() };
        let entries = one.entries.map_or_else(|| "torn".to_owned(), |n| plural(n, "entry", "entries"));
        let (owner, type_name) = (safe(&one.owner), safe(&one.type_name));
        format!("{who}in a loop over {owner} ({type_name}, {entries}): {}", progress(one))
    }));
    if let Some(more) = group.total_loops.checked_sub(group.loops.len() as u64).filter(|more| *more > 0) {
        lines.push(format!("… {} more", plural(more, "loop over a map", "loops over maps")));
    }
    for line in lines.iter().flat_map(|l| wrap(l, width.saturating_sub(4).max(20))) {
        out += &dim_line(line);
    }
    let frame = |frame: &CodeLine, lead: &str| {
        let function = format!("{lead}{}", safe(&frame.function));
        let place = format!("{}:{}", safe(&frame.file), frame.line);
        let room = width.saturating_sub(INDENT.len()).max(8);
        let function = shorten(&function, room).into_owned();
        let place = shorten(&place, room.saturating_sub(2).max(8)).into_owned();
        format!("{INDENT}{function}\n{INDENT}  {}\n", paint(DIM, place))
    };
    for (i, one) in group.stack.iter().enumerate() {
        if let Some(left) = group.left_out.filter(|l| l.after == i as u64) {
            out += &dim_line(format_args!("… {}", plural(left.frames, "frame", "frames")));
        }
        out += &frame(one, "");
    }
    if let Some(creator) = &group.created_by {
        out += &frame(creator, "created by ");
    }
    out
}

fn dim_line(text: impl std::fmt::Display) -> String {
    format!("{INDENT}{}\n", paint(DIM, text))
}

/// How far a loop over a map is, and what it keeps.
pub(super) fn progress(one: &LoopRow) -> String {
    let done = format!("{} done", percent(one.passed, one.of));
    match one.replaced_bytes {
        0 => done,
        kept => format!("{done}; it leads to {} of tables that the map has replaced", bytes(kept)),
    }
}

fn waited(w: Waited, goroutines: u64) -> String {
    let range = match (time(w.min_ms), time(w.max_ms)) {
        (min, max) if min == max => format!("waiting for {min}"),
        (min, max) => format!("waiting for {min} to {max}"),
    };
    match goroutines.saturating_sub(w.known) {
        0 => range,
        rest => format!("{range}; {} since the last collection", count(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(stack: &[&str]) -> String {
        let line = |function: &&str| CodeLine { function: (*function).to_owned(), ..CodeLine::default() };
        place(&GoroutineRow { stack: stack.iter().map(line).collect(), ..GoroutineRow::default() }).to_owned()
    }

    #[test]
    fn the_programs_own_function_is_where_a_goroutine_is() {
        let wait = ["internal/poll.runtime_pollWait", "net.(*conn).Read", "net/http.(*conn).serve"];
        for own in [
            "main.serve",
            "example.org/x/y.f",
            "app/server.(*Conn).run",
            "shop.load",
            "example.org/x.Set[go.shape.int].Add",
        ] {
            assert_eq!(at(&[&wait[..], &[own, "main.main"]].concat()), own);
        }
        assert_eq!(at(&wait), "net/http.(*conn).serve", "where it began");
        assert_eq!(at(&["slices.Sort[go.shape.[]example.org/x.T]", "sort.Slice"]), "sort.Slice");
        assert_eq!(at(&[]), "–");
    }
}
