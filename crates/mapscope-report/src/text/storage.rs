//! What else owns memory than maps: the sections below the histogram of `mapscope types`.

use anstyle::Style;

use super::footer::{more, note};
use super::style::{BAD, DIM, NAME, PLAIN, TITLE, WARN, paint, push_line, safe, shorten, wrap};
use super::table::{Cell, Column, Table};
use super::units::{bytes, count, percent, plural};
use crate::model::{ChannelRow, FinalizerTotals, PinnedRow, PoolRow, SliceRow, Storage, StringTotals, TimerTotals};

/// Every section that has something to say, of at most `limit` rows each.
pub(crate) fn storage(storage: &Storage, live_bytes: u64, limit: usize, width: usize) -> String {
    let mut out = String::new();
    let sections = Sections { limit, width };
    out += &sections.slices(&storage.slices);
    out += &sections.pinned(&storage.pinned);
    out += &storage.strings.as_ref().map_or_else(String::new, |s| sections.strings(s));
    out += &sections.channels(&storage.channels);
    out += &sections.pools(&storage.pools);
    out += &storage.timers.as_ref().map_or_else(String::new, |t| sections.timers(t));
    out += &storage.finalizers.as_ref().map_or_else(String::new, |f| sections.finalizers(f));
    if !out.is_empty() && storage.looked_at_bytes < live_bytes {
        let share = percent(storage.looked_at_bytes, live_bytes);
        out.push('\n');
        out += &note(&format!("looked at {share} of live bytes; the rest is of unknown type"), width);
    }
    out
}

struct Sections {
    limit: usize,
    width: usize,
}

/// A title, with its figures behind it where they fit and below it where they do not.
fn title(text: &str, figures: &str, width: usize) -> String {
    let head = paint(TITLE, text);
    if text.len() + 2 + figures.len() <= width {
        return format!("\n{head}{}\n", paint(DIM, format_args!(": {figures}")));
    }
    format!("\n{head}\n{}", note(figures, width))
}

/// A sentence under a title, in as many lines as it takes.
fn sentence(out: &mut String, style: Style, text: &str, width: usize) {
    for line in wrap(text, width.saturating_sub(2).max(20)) {
        push_line(out, paint(style, shorten(&line, width.saturating_sub(2))));
    }
}

fn sum<T>(rows: &[T], of: impl Fn(&T) -> u64) -> u64 {
    rows.iter().map(of).fold(0, u64::saturating_add)
}

/// A number that is worth a look unless it is zero.
fn alarming(n: u64) -> Cell {
    if n == 0 { Cell::absent() } else { Cell::styled(WARN, count(n)) }
}

/// A number that is left out when it is zero.
fn some(n: u64) -> Cell {
    if n == 0 { Cell::absent() } else { Cell::new(count(n)) }
}

impl Sections {
    fn finish(&self, mut out: String, table: &Table, total: usize) -> String {
        out += &table.render(self.width);
        out + &more(total.min(self.limit), total)
    }

    fn slices(&self, rows: &[SliceRow]) -> String {
        // A place without unused room is no news.
        let rows: Vec<&SliceRow> = rows.iter().filter(|r| r.unused_bytes > 0).collect();
        if rows.is_empty() {
            return String::new();
        }
        let unused = rows.iter().map(|r| r.unused_bytes).fold(0, u64::saturating_add);
        let mut table = Table::new(vec![
            Column::name("place", 0, 24),
            Column::name("type", 3, 12),
            Column::number("arrays", 0),
            Column::number("length", 2),
            Column::number("capacity", 1),
            Column::number("unused", 0),
            Column::number("used", 4),
        ]);
        for row in rows.iter().take(self.limit) {
            table.push(vec![
                Cell::styled(NAME, &row.place),
                Cell::new(&row.type_name),
                Cell::new(count(row.arrays)),
                Cell::new(bytes(row.len_bytes)),
                Cell::new(bytes(row.cap_bytes)),
                Cell::styled(WARN, bytes(row.unused_bytes)),
                Cell::new(percent(row.len_bytes, row.cap_bytes)),
            ]);
        }
        self.finish(
            title("Slices with unused capacity", &format!("{} unused", bytes(unused)), self.width),
            &table,
            rows.len(),
        )
    }

    fn pinned(&self, rows: &[PinnedRow]) -> String {
        if rows.is_empty() {
            return String::new();
        }
        let mut table = Table::new(vec![
            Column::name("place", 0, 24),
            Column::name("type", 3, 12),
            Column::number("objects", 0),
            Column::number("refs", 4),
            Column::number("bytes", 1),
            Column::number("referred", 2),
            Column::number("pinned", 0),
        ]);
        for row in rows.iter().take(self.limit) {
            table.push(vec![
                Cell::styled(NAME, &row.place),
                Cell::new(&row.type_name),
                Cell::new(count(row.objects)),
                Cell::new(count(row.references)),
                Cell::new(bytes(row.object_bytes)),
                Cell::new(bytes(row.referred_bytes)),
                Cell::styled(WARN, bytes(row.pinned_bytes)),
            ]);
        }
        let pinned = format!("{} pinned", bytes(sum(rows, |r| r.pinned_bytes)));
        let out = self.finish(title("Large objects kept by small parts", &pinned, self.width), &table, rows.len());
        out + &note("copying the part (strings.Clone, slices.Clone) frees the object", self.width)
    }

    fn strings(&self, strings: &StringTotals) -> String {
        if strings.groups.is_empty() {
            return String::new();
        }
        let mut table = Table::new(vec![
            Column::number("length", 0),
            Column::number("count", 0),
            Column::number("savable", 0),
            Column::name("mostly in", 1, 24),
            Column::name("text", 0, 24),
        ]);
        for row in strings.groups.iter().take(self.limit) {
            table.push(vec![
                Cell::new(count(row.len)),
                Cell::new(count(row.count)),
                Cell::styled(if row.savable_bytes > 0 { WARN } else { PLAIN }, bytes(row.savable_bytes)),
                Cell::styled(NAME, &row.place),
                row.value.as_ref().map_or_else(Cell::blank, |v| Cell::new(format!("\"{v}\""))),
            ]);
        }
        let figures = format!(
            "{}, {} distinct; {} savable",
            plural(strings.count, "string", "strings"),
            count(strings.distinct),
            bytes(strings.savable_bytes)
        );
        let mut out = title("Duplicate strings", &figures, self.width) + &table.render(self.width);
        let shown = strings.groups.len().min(self.limit) as u64;
        if shown < strings.duplicated {
            push_line(&mut out, paint(DIM, format_args!("… {} more", count(strings.duplicated - shown))));
        }
        if strings.groups.iter().all(|g| g.value.is_none()) {
            out += &note("--show-values shows the texts", self.width);
        }
        out
    }

    fn channels(&self, rows: &[ChannelRow]) -> String {
        if rows.is_empty() {
            return String::new();
        }
        let mut table = Table::new(vec![
            Column::name("type", 0, 24),
            Column::number("count", 0),
            Column::number("closed", 4),
            Column::number("capacity", 2),
            Column::number("queued", 0),
            Column::number("buffers", 1),
            Column::number("receivers", 2),
            Column::number("senders", 2),
            Column::number("torn", 3),
        ]);
        for row in rows.iter().take(self.limit) {
            // A full channel with senders is where a program stands still.
            table.push(vec![
                Cell::styled(NAME, &row.type_name),
                Cell::new(count(row.count)),
                some(row.closed),
                some(row.capacity),
                some(row.queued),
                if row.buffer_bytes == 0 { Cell::absent() } else { Cell::new(bytes(row.buffer_bytes)) },
                some(row.receivers),
                alarming(row.senders),
                alarming(row.torn),
            ]);
        }
        let figures = plural(sum(rows, |r| r.count), "channel", "channels");
        self.finish(title("Channels", &figures, self.width), &table, rows.len())
    }

    fn pools(&self, rows: &[PoolRow]) -> String {
        if rows.is_empty() {
            return String::new();
        }
        let mut table = Table::new(vec![
            Column::name("pool", 0, 24),
            Column::name("type", 2, 12),
            Column::number("local", 1),
            Column::number("bytes", 0),
            Column::number("victim", 1),
            Column::number("bytes", 0),
        ]);
        for row in rows.iter().take(self.limit) {
            table.push(vec![
                Cell::styled(NAME, &row.owner),
                Cell::new(if row.type_name.is_empty() { "(several)" } else { &row.type_name }),
                some(row.local),
                if row.local == 0 { Cell::absent() } else { Cell::new(bytes(row.local_bytes)) },
                some(row.victim),
                if row.victim == 0 { Cell::absent() } else { Cell::new(bytes(row.victim_bytes)) },
            ]);
        }
        let held =
            format!("{} kept by pools alone", bytes(sum(rows, |r| r.local_bytes.saturating_add(r.victim_bytes))));
        self.finish(title("Pools", &held, self.width), &table, rows.len())
    }

    fn timers(&self, timers: &TimerTotals) -> String {
        let rows = &timers.functions;
        if rows.is_empty() {
            return String::new();
        }
        let mut table = Table::new(vec![
            Column::name("function", 0, 24),
            Column::fixed("", 2),
            Column::number("pending", 0),
            Column::number("unwatched", 1),
            Column::number("zombies", 0),
            Column::number("stopped", 1),
        ]);
        for row in rows.iter().take(self.limit) {
            let what = match (row.function.as_str(), row.periodic) {
                ("time.sendTime", true) => "time.Ticker",
                ("time.sendTime", false) => "time.Timer, time.After",
                ("runtime.goroutineReady", _) => "time.Sleep",
                (_, true) => "periodic",
                _ => "",
            };
            table.push(vec![
                Cell::styled(NAME, if row.function.is_empty() { "(unknown)" } else { &row.function }),
                if what.is_empty() { Cell::blank() } else { Cell::styled(DIM, what) },
                some(row.pending),
                some(row.unwatched),
                alarming(row.zombies),
                some(row.stopped),
            ]);
        }
        let heaps = format!(
            "{} in {}",
            plural(sum(&timers.heaps, |h| h.timers), "timer", "timers"),
            plural(timers.heaps.len() as u64, "heap", "heaps")
        );
        let mut out = self.finish(title("Timers", &heaps, self.width), &table, rows.len());
        if rows.iter().any(|r| r.unwatched > 0) {
            out += &note("unwatched: nobody waits for the channel, and the timer is in no heap", self.width);
        }
        if rows.iter().any(|r| r.zombies > 0) {
            out += &note("zombies: stopped, but still in a heap", self.width);
        }
        out
    }

    fn finalizers(&self, found: &FinalizerTotals) -> String {
        let queued = found.queued_finalizers.saturating_add(found.queued_cleanups);
        if found.types.is_empty() && queued == 0 && found.running.is_empty() {
            return String::new();
        }
        let backlog = match queued {
            0 => "none is queued".to_owned(),
            _ => format!(
                "{} and {} queued, not yet called",
                plural(found.queued_finalizers, "finalizer", "finalizers"),
                plural(found.queued_cleanups, "cleanup", "cleanups")
            ),
        };
        let mut out = title("Finalizers and cleanups", &backlog, self.width);
        for call in &found.running {
            let what = if call.cleanup { "cleanup" } else { "finalizer" };
            let inside = match &call.inside {
                inside if *inside == call.function => String::new(),
                inside => format!(", inside {}", safe(inside)),
            };
            let line = format!("goroutine {} is in the {what} {}{inside}", call.goroutine, safe(&call.function));
            sentence(&mut out, if queued > 0 { BAD } else { PLAIN }, &line, self.width);
        }
        for row in found.queued.iter().take(self.limit) {
            let name = if row.function.is_empty() { "(unknown)".into() } else { safe(&row.function) };
            let objects = plural(row.count, "object waits", "objects wait");
            sentence(&mut out, PLAIN, &format!("{objects} for {name}"), self.width);
        }
        if found.types.is_empty() {
            return out;
        }
        let mut table = Table::new(vec![
            Column::name("type", 0, 24),
            Column::number("finalizers", 0),
            Column::number("cleanups", 0),
        ]);
        for row in found.types.iter().take(self.limit) {
            table.push(vec![Cell::styled(NAME, &row.type_name), some(row.finalizers), some(row.cleanups)]);
        }
        self.finish(out, &table, found.types.len())
    }
}
