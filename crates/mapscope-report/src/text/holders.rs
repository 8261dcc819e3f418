//! Who holds live objects, in the whole picture: a few rows; `mapscope dominators` has the tree.

use super::TextOptions;
use super::bar::bar;
use super::inspect::title;
use super::style::{GOOD, NAME};
use super::table::{Cell, Column, Table};
use super::units::{bytes, count, percent};
use crate::model::HolderRow;

/// Variables and goroutines that retain most. Those under a hundredth of the heap are left out, but for the first.
pub(crate) fn holder_section(holders: &[HolderRow], live_bytes: u64, options: &TextOptions) -> String {
    let large = holders.iter().take_while(|h| h.retained_bytes.saturating_mul(100) >= live_bytes).count();
    let shown =
        options.shown(large.max(1)).min(holders.len()).min(if options.limit.is_none() { usize::MAX } else { 5 });
    if holders.is_empty() {
        return String::new();
    }
    let mut out = title("Who holds it", shown, holders.len(), "retained bytes");
    let mut table = Table::new(vec![
        Column::name("holder", 0, 24),
        Column::number("retained", 0),
        Column::number("share", 0),
        Column::fixed("", 1),
    ]);
    for row in &holders[..shown] {
        let times = if row.count > 1 { format!("{} × ", count(row.count)) } else { String::new() };
        table.push(vec![
            Cell::styled(NAME, format!("{times}{}", row.name)),
            Cell::new(bytes(row.retained_bytes)),
            Cell::new(percent(row.retained_bytes, live_bytes)),
            Cell::styled(GOOD, bar(row.retained_bytes, live_bytes, 20)),
        ]);
    }
    out += &table.render(options.width);
    out
}
