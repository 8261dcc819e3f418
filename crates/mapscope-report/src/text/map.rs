//! `mapscope map`: one map in depth.

use super::TextOptions;
use super::footer::{marks, note, partial};
use super::goroutines::progress;
use super::header::{header, read_time};
use super::histogram::histogram;
use super::occupancy::picture;
use super::rows::{is_sparse, marked_owner};
use super::sites::sites;
use super::style::{BAD, DIM, PLAIN, TITLE, WARN, paint, push_line, safe, shorten, wrap};
use super::units::{bytes, count, percent, plural};
use crate::model::{GroupState, MapDetail, MapFigures, MapRow, SlotLayout};

/// Ways from a root that are listed; the rest is a number.
const OWNERS: usize = 8;

/// One map in depth: its figures, its layout, who holds it, and a picture of its groups.
pub fn map(detail: &MapDetail, options: &TextOptions) -> String {
    let MapDetail { target, map, layout, occupancy, entries_per_group, probe_lengths, owners, .. } = detail;
    let width = options.width;
    let legacy = map.implementation == "legacy";
    let noun = if legacy { ("bucket", "buckets") } else { ("group", "groups") };
    let mut out = header(target, &read_time(target).into_iter().collect::<Vec<_>>(), width);

    // The names in full: here they are what the view is about.
    out += &section(&safe(&marked_owner(map)), "", width);
    let kind = if legacy { "legacy map" } else { "Swiss map" };
    out += &safe(&map.type_name);
    out += &paint(DIM, format_args!(" · {kind} at {}", safe(&map.addr)));
    out.push('\n');

    match &map.figures {
        Some(figures) if !map.torn => {
            out.push('\n');
            out += &figure_lines(figures, noun, width);
        }
        _ => out += &torn(map, width),
    }

    out += &section("Layout", "", width);
    out += &layout_lines(layout, map.figures.as_ref().filter(|_| !map.torn), legacy, width);

    if !owners.is_empty() {
        out += &section("Held by", "", width);
        for owner in owners.iter().take(OWNERS) {
            push_line(&mut out, shorten(&safe(owner), width.saturating_sub(2)));
        }
        if let Some(more) = owners.len().checked_sub(OWNERS).filter(|&n| n > 0) {
            push_line(&mut out, paint(DIM, format_args!("… {} more", count(more as u64))));
        }
    }
    if !detail.loops.is_empty() {
        out += &section("Loops over it", "", width);
        for one in &detail.loops {
            let line = format!("goroutine {} {}: {}", one.goroutine, safe(&one.function), progress(one));
            push_line(&mut out, shorten(&line, width.saturating_sub(2)));
        }
    }
    if let Some(list) = &detail.sites {
        out += &section("Allocated by", "", width);
        out += &sites(list, width);
    }
    if !map.torn && !occupancy.is_empty() {
        let order = if legacy { "buckets with their chains, in address order" } else { "groups, table by table" };
        out += &section("Occupancy", order, width);
        out += &picture(occupancy, noun, width);
        out += &left_behind(map, occupancy, width);
    }
    if !map.torn && entries_per_group.iter().any(|&n| n > 0) {
        let (title, note) = if legacy { ("Entries per bucket", "with its chain") } else { ("Entries per group", "") };
        out += &section(title, note, width);
        out += &histogram(entries_per_group, 0, width);
    }
    // Swiss maps have none: where their probing starts, only the hash of the key says.
    if !map.torn && probe_lengths.iter().any(|&n| n > 0) {
        out += &section("Probe length", "entries, by buckets of the chain looked at", width);
        out += &histogram(probe_lengths, 1, width);
    }
    out += &partial(detail.uncertain(), width);
    if map.heuristic {
        out.push('\n');
        out += &marks(&[MapRow { heuristic: true, ..MapRow::default() }], width);
    }
    out
}

fn section(title: &str, note: &str, width: usize) -> String {
    let fits = !note.is_empty() && title.len() + note.len() + 3 <= width;
    let note = if fits { paint(DIM, format_args!(" · {note}")) } else { String::new() };
    format!("\n{}{note}\n", paint(TITLE, title))
}

/// What the picture does not show: entries that a growing legacy map still has in its old buckets.
fn left_behind(map: &MapRow, occupancy: &[GroupState], width: usize) -> String {
    let pictured: u64 = occupancy.iter().map(|group| u64::from(group.entries)).sum();
    let left = map.figures.as_ref().map_or(0, |figures| figures.entries.saturating_sub(pictured));
    if left == 0 {
        return String::new();
    }
    let have = if left == 1 { "is" } else { "are" };
    note(&format!("{} {have} still in the old buckets, which are not shown", plural(left, "entry", "entries")), width)
}

fn torn(map: &MapRow, width: usize) -> String {
    let reason = map.torn_reason.as_deref().unwrap_or("it was being written, or its counts do not add up");
    let sentence = format!("torn: {}", safe(reason));
    let mut out = "\n".to_owned();
    for line in wrap(&sentence, width.saturating_sub(2).max(20)) {
        push_line(&mut out, paint(BAD, line));
    }
    push_line(&mut out, paint(DIM, "No figures: read the target again."));
    out
}

fn figure_lines(f: &MapFigures, noun: (&str, &str), width: usize) -> String {
    let mut lines: Vec<(&str, String, String)> = Vec::new();
    let mut line = |name, value: String, note: String| lines.push((name, value, note));
    line(
        "entries",
        count(f.entries),
        format!("{} of {}", percent(f.entries, f.slots), plural(f.slots, "slot", "slots")),
    );
    line(noun.1, count(f.groups), format!("{} ({})", plural(f.holes, "hole", "holes"), percent(f.holes, f.groups)));
    if let Some(n) = f.tombstones {
        line("tombstones", count(n), format!("{} of slots", percent(n, f.slots)));
    }
    if let Some(n) = f.overflow_buckets {
        line("overflow buckets", count(n), "linked in chains".to_owned());
    }
    if let Some(n) = f.old_buckets_bytes {
        let moved =
            f.evacuated_buckets.map_or_else(String::new, |m| format!(", {} moved", plural(m, "bucket", "buckets")));
        line("old buckets", bytes(n), format!("the map is growing{moved}"));
    }
    if let Some(n) = f.zero_values {
        let share = if f.entries == 0 { String::new() } else { format!("{} of entries", percent(n, f.entries)) };
        line("zero values", count(n), share);
    }
    let padding = if f.padding_bytes == 0 {
        "no padding".to_owned()
    } else {
        format!("{} of it padding", bytes(f.padding_bytes))
    };
    line("table", bytes(f.table_bytes), padding);
    if f.indirect_bytes > 0 {
        line("indirect", bytes(f.indirect_bytes), "over 128 bytes, allocated one by one".to_owned());
    }
    let rebuilt = format!(
        "{}, if made anew for {}",
        percent(f.reclaimable_bytes, f.table_bytes),
        plural(f.entries, "entry", "entries")
    );
    line(
        "reclaimable",
        bytes(f.reclaimable_bytes),
        if f.reclaimable_bytes == 0 { "a new map would be as large".to_owned() } else { rebuilt },
    );

    let names = lines.iter().map(|(name, ..)| name.len()).max().unwrap_or(0);
    let values = lines.iter().map(|(_, value, _)| value.len()).max().unwrap_or(0);
    let mut out = String::new();
    for (name, value, note) in lines {
        let style = if is_sparse(f) && matches!(name, "entries" | "reclaimable") { WARN } else { PLAIN };
        let room = width.saturating_sub(names + values + 6);
        let name = paint(DIM, format_args!("{name:<names$}"));
        let value = paint(style, format_args!("{value:>values$}"));
        out += format!("  {name}  {value}  {}", paint(DIM, shorten(&note, room))).trim_end();
        out.push('\n');
    }
    out
}

fn layout_lines(layout: &SlotLayout, figures: Option<&MapFigures>, legacy: bool, width: usize) -> String {
    let indirect = |yes: bool| if yes { " (a pointer)" } else { "" };
    let padding = figures.filter(|f| f.slots > 0).map(|f| f.padding_bytes / f.slots);
    let mut parts = vec![
        format!("key {} B{}", layout.key_bytes, indirect(layout.indirect_key)),
        format!("element {} B{}", layout.elem_bytes, indirect(layout.indirect_elem)),
    ];
    parts.extend(padding.map(|n| format!("padding {n} B")));
    let slot = layout.key_bytes.saturating_add(layout.elem_bytes).saturating_add(padding.unwrap_or(0));
    let sum = if padding.is_some() { format!(" = {slot} B") } else { String::new() };
    let group = if legacy {
        format!("8 slots, 8 hash bytes and an overflow pointer = {} B", layout.group_bytes)
    } else {
        format!("8 slots and 8 control bytes = {} B", layout.group_bytes)
    };
    let noun = if legacy { "bucket" } else { "group" };
    let room = width.saturating_sub(11);
    let name = |text: &str| vec![shorten(&safe(text), room).into_owned()];
    let mut out = String::new();
    for (title, lines) in [
        ("slot", wrap(&format!("{}{sum}", parts.join(" + ")), room)),
        (noun, wrap(&group, room)),
        ("key", name(&layout.key_type)),
        ("element", name(&layout.elem_type)),
    ] {
        for (i, line) in lines.iter().enumerate() {
            let title = paint(DIM, format_args!("{:<7}", if i == 0 { title } else { "" }));
            push_line(&mut out, format_args!("{title}  {line}"));
        }
    }
    out
}
