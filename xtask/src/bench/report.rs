//! The figures as tables, and the page that has them.

use anyhow::Result;
use std::fmt::Write;

use super::machine::Machine;
use super::measure::Sample;
use super::sections::dated;
use super::{Options, Subject};

/// Median, least and most.
#[derive(Clone, Copy)]
pub(super) struct Spread {
    pub(super) median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    pub(super) fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
        let last = values.len().saturating_sub(1);
        Self { median: f64::midpoint(at(last / 2), at(last.div_ceil(2))), least: at(0), most: at(last) }
    }

    /// `1.23 (1.20–1.31)`.
    pub(super) fn show(self) -> String {
        format!("{:.2} ({:.2}–{:.2})", self.median, self.least, self.most)
    }
}

fn spread(runs: &[Sample], figure: impl Fn(&Sample) -> f64) -> Spread {
    Spread::of(runs.iter().map(figure).collect())
}

fn megabytes(bytes: f64) -> String {
    format!("{:.0} MB", bytes / 1e6)
}

/// Tables of time, of memory, and of peers where there are any.
pub(super) fn tables(subjects: &[Subject], machine: &Machine) -> String {
    let mut out = time(subjects, machine);
    out += "\n";
    out += &memory(subjects);
    out += "\n";
    out += &peers(subjects);
    out
}

fn name(subject: &Subject) -> String {
    let millions = (subject.heap.objects as f64 / 1e6).round();
    format!("{}, {}, {millions} M", subject.go, if subject.core { "core" } else { "live" })
}

fn time(subjects: &[Subject], machine: &Machine) -> String {
    let mut out = String::from(
        "| Go, target | wall, s | processors, s | stopped, s | ns/object | objects/s | heap/s | limit, s | wall / limit |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for subject in subjects {
        let wall = spread(&subject.runs, |run| run.wall);
        let paused = Spread::of(subject.paused.iter().map(|ms| ms / 1e3).collect());
        let limit = subject.bytes as f64 / machine.together;
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {:.0} | {:.2} M | {} | {limit:.3} | {:.1} |",
            name(subject),
            wall.show(),
            spread(&subject.runs, |run| run.cpu).show(),
            if subject.core { "–".to_owned() } else { paused.show() },
            wall.median * 1e9 / subject.heap.objects as f64,
            subject.heap.objects as f64 / wall.median / 1e6,
            megabytes(subject.heap.object_bytes as f64 / wall.median),
            wall.median / limit,
        );
    }
    out
}

fn memory(subjects: &[Subject]) -> String {
    let mut out = String::from(
        "| Go, target | objects | live heap | RSS of the target | read from | peak | own peak | own / object | \
         own / live heap | own / RSS |\n|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for subject in subjects {
        let own = spread(&subject.runs, |run| run.own_peak as f64).median;
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {:.1} B | {:.2} | {:.2} |",
            name(subject),
            subject.heap.objects,
            megabytes(subject.heap.live_bytes as f64),
            megabytes(subject.rss as f64),
            megabytes(subject.bytes as f64),
            megabytes(spread(&subject.runs, |run| run.peak as f64).median),
            megabytes(own),
            own / subject.heap.objects as f64,
            own / subject.heap.live_bytes as f64,
            own / subject.rss as f64,
        );
    }
    out
}

/// mapscope and each peer on the same core. What they find of one type is part of it: a wrong answer is not fast.
fn peers(subjects: &[Subject]) -> String {
    let mut out = String::from(
        "| Go, core | program | wall, s | processors, s | peak | wall / mapscope's | peak / mapscope's | `main.Val` found |\n\
         |---|---|---:|---:|---:|---:|---:|---:|\n",
    );
    for subject in subjects.iter().filter(|subject| subject.core) {
        let median = |runs: &[Sample], figure: fn(&Sample) -> f64| spread(runs, figure).median;
        let (wall, peak) = (median(&subject.runs, |r| r.wall), median(&subject.runs, |r| r.peak as f64));
        let mut row = |program: &str, runs: &[Sample], found: Option<u64>| {
            let (found, there) = (found.map_or_else(|| "?".to_owned(), |n| n.to_string()), subject.found.1);
            if runs.is_empty() {
                let _ = writeln!(out, "| {} | {program} | fails | | | | | |", name(subject));
                return;
            }
            let (its_wall, its_peak) = (spread(runs, |run| run.wall), median(runs, |run| run.peak as f64));
            let _ = writeln!(
                out,
                "| {} | {program} | {} | {} | {} | {:.1} | {:.1} | {found} of {there} |",
                name(subject),
                its_wall.show(),
                spread(runs, |run| run.cpu).show(),
                megabytes(its_peak),
                its_wall.median / wall,
                its_peak / peak,
            );
        };
        row("**mapscope**", &subject.runs, Some(subject.found.0));
        for peer in &subject.peers {
            row(peer.name, &peer.runs, peer.found);
        }
    }
    out
}

/// The section of `docs/BENCHMARKS.md`.
pub(super) fn page(tables: &str, options: &Options, machine: &Machine) -> Result<String> {
    let Options { objects, large, runs, .. } = options;
    let larger = if *large > 0 { format!(", and the core of one with about {large}") } else { String::new() };
    Ok(format!(
        "## Who holds what: a large heap, live and from a core

`cargo xtask bench` writes this section; it can be repeated on any Linux machine. `mapscope inspect --format json -o FILE`
reads the testbed's program `big`, with about {objects} objects, while it runs and from its core{larger}.
It audits every map and works out what retains what. Medians of {runs} runs after one that does not count, with the least and the most; page caches are warm. Each reading was checked against what the
program says of itself.

{dated}.

{tables}
- *wall* and *processors* are from start to end of the whole program, debug information and output included.
- *stopped* is how long the target stood still.
- *heap/s* counts the slots of all allocated objects, live or garbage.
- *limit* is the time in which the machine copies, on all processors, the bytes that there are to read: the target's
  resident memory, or the core without its holes. It is measured in the same run.
- *peak* is the most memory resident at once, and counts pages of the core that are mapped, which the page cache has
  anyway. *own peak* leaves out the pages of files; it is sampled in the run that does not count.

- The peers read the same core in turn, once, when mapscope has brought it into the page cache. They do a part of the job: neither audits maps, and neither has retained sizes. *found* is how many of the
  objects of one type a program names; what it does not find, it has not spent time on.

`--objects N`, `--large N` (0 for none), `--go VERSION`, `--runs N` and `--mapscope FILE` (a program built before) change
what is measured. The peers are installed with `go install` where a module proxy gives them out; otherwise their programs
can be put into `target/tools/bin` by hand (`xtask/src/bench/peers.rs`), and without them mapscope is measured alone.
",
        dated = dated(machine)?,
    ))
}
