//! The occupancy picture: what a map's groups look like, in the order they lie in memory.
//!
//! A cell is one group, or a run of neighbours when there are more groups than cells. Shape carries the meaning and
//! colour repeats it, so the picture can be read without colour, and by those who do not see it.

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use super::style::{BAD, DIM, GOOD, WARN, paint, push_line};
use super::units::{count, plural};
use crate::model::GroupState;

/// The picture is at most this high.
const ROWS: usize = 16;
/// And this wide; a wider one cannot be taken in.
const MAX_COLUMNS: usize = 128;

/// What a cell shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cell {
    /// Neither entry nor tombstone.
    Hole,
    /// Entries in up to a quarter, half, three quarters, all of the slots: 0 to 3.
    Filled(u8),
    /// Tombstones in a quarter of the slots or more, yet fewer than entries.
    Worn,
    /// More tombstones than entries.
    Grave,
}

impl Cell {
    const LEGEND: [(Self, &str); 7] = [
        (Self::Hole, "hole"),
        (Self::Filled(0), "to 25%"),
        (Self::Filled(1), "to 50%"),
        (Self::Filled(2), "to 75%"),
        (Self::Filled(3), "to 100% full"),
        (Self::Worn, "tombstones in 25% of slots or more"),
        (Self::Grave, "more tombstones than entries"),
    ];

    fn of(run: &[GroupState]) -> Self {
        let sum = |figure: fn(&GroupState) -> u32| run.iter().map(|group| u64::from(figure(group))).sum::<u64>();
        let (entries, tombstones, slots) = (sum(|g| g.entries), sum(|g| g.tombstones), sum(|g| g.slots));
        match (entries, tombstones) {
            (0, 0) => Self::Hole,
            (e, t) if t > e => Self::Grave,
            (_, t) if t > 0 && t * 4 >= slots => Self::Worn,
            (e, _) => Self::Filled((e * 4).div_ceil(slots.max(1)).clamp(1, 4) as u8 - 1),
        }
    }

    fn look(self) -> (char, Style) {
        match self {
            Self::Hole => ('·', DIM),
            Self::Filled(0) => ('░', GOOD),
            Self::Filled(1) => ('▒', GOOD),
            Self::Filled(2) => ('▓', GOOD),
            Self::Filled(_) => ('█', AnsiColor::BrightCyan.on_default()),
            Self::Worn => ('▞', WARN),
            Self::Grave => ('×', BAD),
        }
    }
}

/// How many groups a cell stands for, and how many cells a row has.
fn scale(groups: usize, width: usize) -> (usize, usize) {
    let room = width.saturating_sub(4).clamp(8, MAX_COLUMNS);
    // The number of groups is a power of two, or a sum of a few; a row that is one too lines up with the tables.
    let columns = 1 << room.ilog2();
    let columns = columns.min(groups.next_power_of_two()).max(1);
    (groups.div_ceil(columns * ROWS).max(1), columns)
}

/// The picture, and below it the legend for what it shows.
pub(crate) fn picture(groups: &[GroupState], noun: (&str, &str), width: usize) -> String {
    let (run, columns) = scale(groups.len(), width);
    let cells: Vec<Cell> = groups.chunks(run).map(Cell::of).collect();
    let mut out = String::new();
    for row in cells.chunks(columns) {
        out += "  ";
        for same in row.chunk_by(|a, b| a == b) {
            let (glyph, style) = same[0].look();
            out += &paint(style, String::from(glyph).repeat(same.len()));
        }
        out.push('\n');
    }
    out += &legend(&cells, width);
    let scale = if run == 1 {
        format!("a cell is one {}", noun.0)
    } else {
        format!(
            "a cell is a run of {} {}; {} in all",
            count(run as u64),
            noun.1,
            plural(groups.len() as u64, noun.0, noun.1)
        )
    };
    out + &format!("  {}\n", paint(DIM, scale))
}

/// Only what occurs is explained.
fn legend(cells: &[Cell], width: usize) -> String {
    let present = Cell::LEGEND.iter().filter(|(cell, _)| cells.contains(cell));
    let words: Vec<String> = present.map(|(cell, text)| format!("{} {text}", cell.look().0)).collect();
    let mut out = String::new();
    for mut line in join_spaced(&words, width.saturating_sub(2).max(20)) {
        for (cell, _) in Cell::LEGEND {
            let (glyph, style) = cell.look();
            line = line.replace(glyph, &paint(style, glyph));
        }
        push_line(&mut out, line);
    }
    out
}

/// Words with three spaces between them, broken between words only.
fn join_spaced(words: &[String], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut().filter(|line| line.width() + 3 + word.width() <= width) {
            Some(line) => line.extend(["   ", word]),
            None => lines.push(word.clone()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(entries: u32, tombstones: u32) -> GroupState {
        GroupState { entries, tombstones, slots: 8 }
    }

    #[test]
    fn shapes_tell_states_apart() {
        assert_eq!(Cell::of(&[group(0, 0)]), Cell::Hole);
        assert_eq!(Cell::of(&[group(2, 0)]), Cell::Filled(0));
        assert_eq!(Cell::of(&[group(3, 1)]), Cell::Filled(1));
        assert_eq!(Cell::of(&[group(8, 0)]), Cell::Filled(3));
        assert_eq!(Cell::of(&[group(4, 2)]), Cell::Worn);
        assert_eq!(Cell::of(&[group(0, 1)]), Cell::Grave);
        // A run counts its slots together; one entry among many holes is not a hole.
        assert_eq!(Cell::of(&[group(0, 0), group(1, 0)]), Cell::Filled(0));
        let mut glyphs: Vec<char> = Cell::LEGEND.iter().map(|(cell, _)| cell.look().0).collect();
        glyphs.sort_unstable();
        glyphs.dedup();
        assert_eq!(glyphs.len(), Cell::LEGEND.len());
    }

    #[test]
    fn the_picture_is_never_larger_than_its_frame() {
        for groups in [1, 2, 7, 64, 1000, 1024, 1025, 1_835_008] {
            for width in [10, 60, 80, 140, 400] {
                let (run, columns) = scale(groups, width);
                let cells = groups.div_ceil(run);
                assert!(columns <= width.saturating_sub(2) && cells.div_ceil(columns) <= ROWS, "{groups} {width}");
            }
        }
        assert_eq!(scale(1024, 80), (1, 64));
    }

    #[test]
    fn nothing_divides_by_an_empty_group() {
        assert_eq!(Cell::of(&[GroupState { entries: 1, tombstones: 0, slots: 0 }]), Cell::Filled(3));
        assert!(picture(&[], ("group", "groups"), 80).contains("a cell is one group"));
    }
}
