//! Stacks that allocated objects.

use super::footer::note;
use super::style::{DIM, PLAIN, paint, push_line, safe, shorten};
use super::units::{bytes, percent, plural};
use crate::model::{CodeLine, SiteList, SiteRow};

/// Lines of each stack that are shown.
const LINES: usize = 4;
/// Columns before a function's name.
const INDENT: usize = 20;

/// The stacks, with what each is estimated to have allocated.
pub(crate) fn sites(list: &SiteList, width: usize) -> String {
    if let Some(reason) = &list.reason {
        return note(&format!("not known: {}", safe(reason)), width);
    }
    if list.sites.is_empty() {
        return note("none of its objects was sampled when it was allocated", width);
    }
    let exact = list.rate_bytes == Some(1);
    let mut out = String::new();
    for site in &list.sites {
        out += &site_lines(site, list.estimated_bytes, exact, width);
    }
    let left = list.stacks.saturating_sub(list.sites.len() as u64);
    if left > 0 {
        push_line(&mut out, paint(DIM, format_args!("… {}", plural(left, "more stack", "more stacks"))));
    }
    out + &note(&basis(list), width)
}

/// How many objects the figures rest on.
fn basis(list: &SiteList) -> String {
    let objects = plural(list.sampled_objects, "object", "objects");
    match list.rate_bytes {
        None => String::new(),
        Some(1) => format!("{objects}, every one sampled"),
        Some(rate) => format!("≈ estimates from {objects}, sampled: 1 in {}", bytes(rate)),
    }
}

fn site_lines(site: &SiteRow, whole: u64, exact: bool, width: usize) -> String {
    let mut out = String::new();
    let about = if exact { "" } else { "≈ " };
    let size = format!("{about}{}", bytes(site.estimated_bytes));
    let figures = format!("{:>6} {size:>11}", percent(site.estimated_bytes, whole));
    let room = width.saturating_sub(INDENT + 2).max(20);
    let mut lines = site.stack.iter().take(LINES).map(|line| source(line, room));
    let first = lines.next().unwrap_or_else(|| paint(DIM, "(no stack)"));
    push_line(&mut out, format_args!("{figures}  {first}"));
    for line in lines {
        push_line(&mut out, format_args!("{:INDENT$}{line}", ""));
    }
    let left = site.stack.len().saturating_sub(LINES) as u64;
    if left > 0 {
        push_line(&mut out, format_args!("{:INDENT$}{}", "", paint(DIM, format_args!("… {left} more"))));
    }
    out
}

/// `main.serve  main.go:40`: the file without its directories, which say little and are long.
fn source(line: &CodeLine, room: usize) -> String {
    let file = line.file.rsplit('/').next().unwrap_or_default();
    let place = format!("{}:{}", safe(file), line.line);
    let function = safe(&line.function).into_owned();
    let name = shorten(&function, room.saturating_sub(place.chars().count() + 2).max(12));
    format!("{}  {}", paint(PLAIN, name), paint(DIM, place))
}
