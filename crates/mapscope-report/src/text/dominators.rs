//! `mapscope dominators`: who holds what, as a tree.

use unicode_width::UnicodeWidthStr;

use super::TextOptions;
use super::bar::bar;
use super::footer::{marked, note, partial};
use super::header::{header, read_time};
use super::style::{BAD, DIM, GOOD, NAME, TITLE, join, paint, push_line, safe, shorten};
use super::units::{bytes, count, percent, plural};
use crate::model::{DominatorList, DominatorNode, Figure, Omitted, Suspect};

/// Columns of retained bytes and share, with the gaps.
const FIGURES: usize = 21;
const BAR: usize = 10;

/// The tree, with where memory piles up in front.
pub fn dominators(list: &DominatorList, options: &TextOptions) -> String {
    let width = options.width;
    let mut out = header(&list.target, &read_time(&list.target).into_iter().collect::<Vec<_>>(), width);
    let held = [Figure::Live, Figure::Owners, Figure::Retained];
    out += &marked(suspects(&list.suspects, list.heap.live_bytes, width), list.uncertain(), &held);
    let heading = paint(TITLE, format_args!("Who holds {} of live objects", bytes(list.heap.live_bytes)));
    out += &marked(format!("\n{heading}\n"), list.uncertain(), &held);
    if list.tree.is_empty() {
        push_line(&mut out, "nothing");
    }
    let mut lines = Lines { out: String::new(), live: list.heap.live_bytes, width };
    for node in &list.tree {
        lines.node(node, "", "");
    }
    lines.omitted(list.omitted, "");
    out += &lines.out;
    if list.tree.iter().any(|node| node.kind == "shared") {
        out += &note("and others: each reaches it by a way of its own; it is freed only without all of them", width);
    }
    out += &partial(list.uncertain(), width);
    out
}

/// Where memory piles up: the way there, and what is at its end. Nothing when the heap is spread evenly.
pub(crate) fn suspects(suspects: &[Suspect], live_bytes: u64, width: usize) -> String {
    if suspects.is_empty() {
        return String::new();
    }
    let mut out = format!("\n{}\n", paint(TITLE, "Where memory piles up"));
    for suspect in suspects {
        let share = percent(suspect.retained_bytes, live_bytes);
        let end = suspect.path.last().map(|name| safe(name).into_owned()).unwrap_or_default();
        let what = match (suspect.count, &suspect.largest) {
            (0 | 1, Some(largest)) => format!("{end} at {}", largest.addr),
            (0, None) => end,
            _ => format!("{} × {end}", count(suspect.count)),
        };
        let figures = format!("{:>9} {share:>6}  ", bytes(suspect.retained_bytes));
        push_line(&mut out, paint(BAD, figures) + &paint(NAME, shorten(&what, width.saturating_sub(FIGURES))));
        let mut way: Vec<String> = suspect.path.iter().map(|name| safe(name).into_owned()).collect();
        way.pop();
        let way: Vec<String> =
            way.iter().map(|step| shorten(step, width.saturating_sub(FIGURES + 4)).into_owned()).collect();
        for line in join(&way, width.saturating_sub(FIGURES).max(20)) {
            push_line(&mut out, format!("{:18}{}", "", paint(DIM, line.replace('·', "›"))));
        }
    }
    out
}

struct Lines {
    out: String,
    live: u64,
    width: usize,
}

impl Lines {
    /// A node and what is below it. `lead` is drawn in front of the node, `indent` in front of its children; the tree is
    /// as deep as whoever cut it allowed.
    fn node(&mut self, node: &DominatorNode, lead: &str, indent: &str) {
        let figures = format!("{:>9} {:>6}", bytes(node.retained_bytes), percent(node.retained_bytes, self.live));
        let bar = if self.width >= 80 {
            let drawn = bar(node.retained_bytes, self.live, BAR);
            let pad = " ".repeat(BAR.saturating_sub(drawn.width()) + 2);
            format!("{}{pad}", paint(GOOD, drawn))
        } else {
            String::new()
        };
        let room = self.width.saturating_sub(FIGURES + lead.width() + if bar.is_empty() { 0 } else { BAR + 2 }).max(8);
        let times = if node.count > 1 { format!("{} × ", count(node.count)) } else { String::new() };
        let address = node.largest.as_ref().filter(|_| node.count == 1).map(|l| format!("  {}", safe(&l.addr)));
        let address = address.filter(|a| room >= a.width() + times.width() + 16).unwrap_or_default();
        let name = shorten(&safe(&node.name), room.saturating_sub(times.width() + address.width())).into_owned();
        let name = if node.kind == "type" { name } else { paint(NAME, name) };
        push_line(&mut self.out, format!("{figures}  {bar}{}{times}{name}{}", paint(DIM, lead), paint(DIM, address)));
        let last = node.below.len().saturating_sub(usize::from(node.omitted.is_none()));
        for (at, below) in node.below.iter().enumerate() {
            let (branch, rest) = if at == last { ("└ ", "  ") } else { ("├ ", "│ ") };
            self.node(below, &format!("{indent}{branch}"), &format!("{indent}{rest}"));
        }
        self.omitted(node.omitted, &format!("{indent}└ "));
    }

    fn omitted(&mut self, omitted: Option<Omitted>, lead: &str) {
        let Some(Omitted { nodes, retained_bytes }) = omitted else { return };
        let figures = format!("{:>9} {:>6}", bytes(retained_bytes), percent(retained_bytes, self.live));
        let bar = if self.width >= 80 { BAR + 2 } else { 0 };
        let text = format!("{figures}  {:bar$}{lead}… {}", "", plural(nodes, "more node", "more nodes"));
        push_line(&mut self.out, paint(DIM, text));
    }
}
