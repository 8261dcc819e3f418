//! Tables without borders that fit the terminal.
//!
//! When the natural width is too much, columns give way in this order: names shrink to a comfortable minimum, then
//! the columns with the highest `drop` leave, then names shrink further. What is left over goes back to the names.

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use super::style::{DIM, PLAIN, paint, safe, shorten};

const INDENT: usize = 2;
const GAP: usize = 2;
/// Names are never shorter than this; a narrower terminal gets a table that is too wide.
const FLOOR: usize = 8;

/// One column.
pub(crate) struct Column {
    title: &'static str,
    right: bool,
    drop: u8,
    comfortable: Option<usize>,
}

impl Column {
    /// A column of numbers: aligned right, never shortened. Columns with a high `drop` leave first; 0 stays.
    pub(crate) fn number(title: &'static str, drop: u8) -> Self {
        Self { title, right: true, drop, comfortable: None }
    }

    /// A column of names: aligned left, shortened in the middle, to `comfortable` columns before others leave.
    pub(crate) fn name(title: &'static str, drop: u8, comfortable: usize) -> Self {
        Self { title, right: false, drop, comfortable: Some(comfortable) }
    }

    /// A column of text that is never shortened.
    pub(crate) fn fixed(title: &'static str, drop: u8) -> Self {
        Self { title, right: false, drop, comfortable: None }
    }
}

/// One cell.
#[derive(Clone)]
pub(crate) struct Cell {
    text: String,
    style: Style,
    absent: bool,
}

impl Cell {
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self::styled(PLAIN, text)
    }

    pub(crate) fn styled(style: Style, text: impl AsRef<str>) -> Self {
        Self { text: safe(text.as_ref()).into_owned(), style, absent: false }
    }

    /// A figure that does not apply to this row.
    pub(crate) fn absent() -> Self {
        Self { text: "–".to_owned(), style: DIM, absent: true }
    }

    /// Nothing at all.
    pub(crate) fn blank() -> Self {
        Self { text: String::new(), style: PLAIN, absent: true }
    }
}

/// Columns and rows. Every row has a cell for each column.
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    pub(crate) fn new(columns: Vec<Column>) -> Self {
        Self { columns, rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, row: Vec<Cell>) {
        debug_assert_eq!(row.len(), self.columns.len());
        self.rows.push(row);
    }

    /// The lines of the table, each ended by a newline. Columns in which no row has anything are left out.
    pub(crate) fn render(&self, width: usize) -> String {
        let (shown, widths) = self.fit(width);
        let mut out = String::new();
        let gap = " ".repeat(GAP);
        let heads: Vec<Cell> = self.columns.iter().map(|c| Cell::styled(DIM, c.title)).collect();
        for row in std::iter::once(&heads).chain(&self.rows) {
            let mut line = " ".repeat(INDENT);
            // Nothing follows the last cell with text: no gap and no padding at the end of a line.
            let last = shown.iter().rposition(|&i| !row[i].text.is_empty()).unwrap_or(0);
            for (position, &index) in shown.iter().enumerate().take(last + 1) {
                let (cell, column, room) = (&row[index], &self.columns[index], widths[index]);
                let text = shorten(&cell.text, room);
                let pad = " ".repeat(room.saturating_sub(text.width()));
                let text = paint(cell.style, &text);
                match (column.right, position == last) {
                    (true, false) => line += &(pad + &text + &gap),
                    (true, true) => line += &(pad + &text),
                    (false, false) => line += &(text + &pad + &gap),
                    (false, true) => line += &text,
                }
            }
            out += &line;
            out.push('\n');
        }
        out
    }

    /// Which columns are shown, and the width of every column.
    fn fit(&self, width: usize) -> (Vec<usize>, Vec<usize>) {
        let natural: Vec<usize> = (0..self.columns.len()).map(|i| self.natural(i)).collect();
        let comfortable = |i: usize| {
            // Comfort grows with the terminal: a wide one shows longer names before it shows more figures.
            self.columns[i].comfortable.map_or(natural[i], |c| (c * width / 80).max(c).min(natural[i]))
        };
        let floor = |i: usize| if self.columns[i].comfortable.is_some() { FLOOR.min(natural[i]) } else { natural[i] };
        let total = |shown: &[usize], size: &dyn Fn(usize) -> usize| {
            INDENT + shown.iter().map(|&i| size(i)).sum::<usize>() + GAP * shown.len().saturating_sub(1)
        };

        let mut shown: Vec<usize> =
            (0..self.columns.len()).filter(|&i| self.rows.iter().any(|row| !row[i].absent)).collect();
        while total(&shown, &comfortable) > width {
            let Some(&leaves) =
                shown.iter().filter(|&&i| self.columns[i].drop > 0).max_by_key(|&&i| self.columns[i].drop)
            else {
                break;
            };
            shown.retain(|&i| i != leaves);
        }
        let cramped = total(&shown, &comfortable) > width;
        let mut widths: Vec<usize> =
            (0..self.columns.len()).map(|i| if cramped { floor(i) } else { comfortable(i) }).collect();
        let mut spare = width.saturating_sub(total(&shown, &|i| widths[i]));
        while spare > 0 {
            // The shortest gets the next column: one very long name does not take all from the others.
            let Some(&needy) = shown.iter().filter(|&&i| widths[i] < natural[i]).min_by_key(|&&i| widths[i]) else {
                break;
            };
            widths[needy] += 1;
            spare -= 1;
        }
        (shown, widths)
    }

    fn natural(&self, index: usize) -> usize {
        let cells = self.rows.iter().map(|row| row[index].text.width());
        cells.chain([self.columns[index].title.width()]).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::new(vec![
            Column::name("owner", 0, 12),
            Column::number("entries", 0),
            Column::number("slots", 1),
            Column::number("tomb.", 2),
        ]);
        table.push(vec![Cell::new("main.sessions.byID.long"), Cell::new("1"), Cell::new("8"), Cell::absent()]);
        table.push(vec![Cell::new("main.x"), Cell::new("12"), Cell::new("16"), Cell::absent()]);
        table
    }

    fn plain(width: usize) -> String {
        anstream::adapter::strip_str(&sample().render(width)).to_string()
    }

    #[test]
    fn wide_shows_all_but_columns_without_figures() {
        insta::assert_snapshot!(plain(80), @r"
          owner                    entries  slots
          main.sessions.byID.long        1      8
          main.x                        12     16
        ");
    }

    #[test]
    fn narrow_shortens_then_drops() {
        for width in [40, 30, 24, 20] {
            let text = plain(width);
            assert!(text.lines().all(|line| line.width() <= width), "{width}:\n{text}");
        }
        assert!(plain(30).contains("slots"));
        assert!(!plain(24).contains("slots"));
    }
}
