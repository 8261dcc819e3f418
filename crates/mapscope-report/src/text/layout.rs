//! `mapscope layout`: the fields of a struct, their padding, and a better order.

use super::TextOptions;
use super::footer::{more, note};
use super::style::{BAD, DIM, GOOD, NAME, TITLE, WARN, join, paint, push_line, safe};
use super::table::{Cell, Column, Table};
use super::units::{bytes, count, percent, plural};
use crate::model::{BestOrder, LayoutReport, LayoutRow, SlotRow};

/// One struct in full, several as a table.
pub fn layout(report: &LayoutReport, options: &TextOptions) -> String {
    let width = options.width;
    let mut out = String::new();
    let head = [safe(&report.exe).into_owned(), safe(&report.go_version).into_owned()];
    for line in join(&head, width) {
        out += &(paint(DIM, line) + "\n");
    }
    out.push('\n');
    if let [one] = report.structs.as_slice() {
        return out + &in_full(one, width);
    }
    let shown = options.shown(report.structs.len());
    let mut table = Table::new(vec![
        Column::name("type", 0, 24),
        Column::number("bytes", 0),
        Column::number("slot", 2),
        Column::number("padding", 1),
        Column::number("best", 0),
        Column::number("saves", 0),
        Column::number("in a slot", 3),
    ]);
    for row in &report.structs[..shown] {
        let best = |value: &dyn Fn(&BestOrder) -> Cell| row.best.as_ref().map_or_else(Cell::absent, value);
        table.push(vec![
            Cell::new(&row.type_name),
            Cell::new(count(row.bytes)),
            Cell::new(count(row.slot_bytes)),
            Cell::styled(if row.padding_bytes > 0 { WARN } else { DIM }, count(row.padding_bytes)),
            best(&|b| Cell::new(count(b.bytes))),
            best(&|b| Cell::styled(GOOD, count(row.bytes - b.bytes))),
            best(&|b| Cell::new(count(row.slot_bytes - b.slot_bytes))),
        ]);
    }
    out += &table.render(width);
    if shown < report.structs.len() {
        out += &more(shown, report.structs.len());
    }
    let (matched, total) = (report.matched_structs, plural(report.total_structs, "struct", "structs"));
    out += &note(&format!("{} of {total}", count(matched)), width);
    out
}

fn in_full(row: &LayoutRow, width: usize) -> String {
    let mut out = format!("{}\n", paint(NAME, safe(&row.type_name)));
    let slack = row.slot_bytes.saturating_sub(row.bytes);
    let facts = [
        plural(row.bytes, "byte", "bytes"),
        format!("aligned to {}", row.align),
        format!(
            "{} of padding ({})",
            plural(row.padding_bytes, "byte", "bytes"),
            percent(row.padding_bytes, row.bytes)
        ),
        format!("slot of {}, {} left over", bytes(row.slot_bytes), plural(slack, "byte", "bytes")),
        format!("fields with pointers end at {}", bytes(row.pointer_bytes)),
    ];
    let facts = if row.pointers { &facts[..] } else { &facts[..4] };
    for line in join(facts, width) {
        out += &(paint(DIM, line) + "\n");
    }
    out.push('\n');
    out += &fields(row, width);
    if let Some(best) = &row.best {
        out += &better(row, best, width);
    } else {
        out += &note("no order of the fields takes fewer bytes", width);
    }
    if !row.maps.is_empty() {
        out += &("\n".to_owned() + &paint(TITLE, "In maps") + "\n");
        out += &slots(&row.maps, width);
    }
    out
}

fn fields(row: &LayoutRow, width: usize) -> String {
    let mut table = Table::new(vec![
        Column::number("offset", 0),
        Column::number("bytes", 0),
        Column::name("field", 0, 20),
        Column::name("type", 0, 24),
    ]);
    for field in &row.fields {
        table.push(vec![
            Cell::new(count(field.offset)),
            Cell::new(count(field.bytes)),
            Cell::new(&field.name),
            Cell::new(&field.type_name),
        ]);
        if field.padding_bytes > 0 {
            table.push(vec![
                Cell::styled(DIM, count(field.offset + field.bytes)),
                Cell::styled(BAD, count(field.padding_bytes)),
                Cell::styled(BAD, "padding"),
                Cell::blank(),
            ]);
        }
    }
    table.render(width)
}

fn better(row: &LayoutRow, best: &BestOrder, width: usize) -> String {
    let saved = plural(row.bytes - best.bytes, "byte", "bytes");
    let slot = match row.slot_bytes - best.slot_bytes {
        0 => "the slot stays the same: it pays in slices, arrays and maps only".to_owned(),
        less => format!("slot of {}, {} less", bytes(best.slot_bytes), bytes(less)),
    };
    let head = format!("{} instead of {}, {saved} less; {slot}", bytes(best.bytes), bytes(row.bytes));
    let mut out = format!("\n{}{}\n", paint(TITLE, "Best order"), paint(DIM, format_args!(" · {head}")));
    let type_of = |name: &str| row.fields.iter().find(|f| f.name == name).map_or("", |f| f.type_name.as_str());
    let longest = best.order.iter().map(|n| n.chars().count()).max().unwrap_or(0);
    for name in &best.order {
        let ty = super::style::shorten(type_of(name), width.saturating_sub(longest + 4)).into_owned();
        push_line(&mut out, format!("{:<longest$}  {}", safe(name), paint(DIM, safe(&ty))));
    }
    out
}

fn slots(maps: &[SlotRow], width: usize) -> String {
    let mut table = Table::new(vec![
        Column::name("map", 0, 24),
        Column::fixed("as", 0),
        Column::fixed("stored", 1),
        Column::number("key", 3),
        Column::number("element", 3),
        Column::number("8 slots", 0),
        Column::number("padding", 2),
    ]);
    for map in maps {
        table.push(vec![
            Cell::new(&map.map_type),
            Cell::new(&map.role),
            if map.indirect { Cell::styled(WARN, "as a pointer, over 128 B") } else { Cell::new("in the slot") },
            Cell::new(format!("{} at {}", map.key_bytes, map.keys_offset)),
            Cell::new(format!("{} at {}", map.element_bytes, map.elements_offset)),
            Cell::new(count(map.group_bytes)),
            Cell::new(count(map.padding_bytes)),
        ]);
    }
    table.render(width)
}
