//! Histograms over small numbers: entries per group, probe lengths.

use super::bar::bar;
use super::style::{DIM, GOOD, paint};
use super::units::{count, percent};

/// Rows 0 to this one are shown each; what lies above shares one row. Swiss groups hold at most eight.
const LAST: usize = 8;

/// One line for each value from `first` on; `counts[i]` belongs to the value `first + i`.
pub(crate) fn histogram(counts: &[u64], first: usize, width: usize) -> String {
    let rows = bucketed(counts, first);
    let total: u64 = counts.iter().copied().fold(0, u64::saturating_add);
    let longest = rows.iter().map(|(_, n)| *n).max().unwrap_or(0);
    let digits = count(longest).len();
    // Label, count and share take digits + 18 columns.
    let room = width.saturating_sub(digits + 18).clamp(8, 50);
    let mut out = String::new();
    for (label, n) in rows {
        let label = paint(DIM, format_args!("{label:>4}"));
        let bar = paint(GOOD, bar(n, longest, room));
        let line = format!("  {label}  {:>digits$}  {:>6}  {bar}", count(n), percent(n, total));
        out += line.trim_end();
        out.push('\n');
    }
    out
}

fn bucketed(counts: &[u64], first: usize) -> Vec<(String, u64)> {
    let single = LAST + 1 - first;
    let mut rows: Vec<(String, u64)> =
        counts.iter().take(single).enumerate().map(|(i, n)| ((first + i).to_string(), *n)).collect();
    let rest: u64 = counts.iter().skip(single).copied().fold(0, u64::saturating_add);
    if rest > 0 {
        rows.push((format!("{}+", LAST + 1), rest));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_chains_share_a_row() {
        let counts = [1, 0, 0, 0, 0, 0, 0, 0, 5, 2, 3];
        let rows = bucketed(&counts, 0);
        assert_eq!(rows.len(), 10);
        assert_eq!(rows[9], ("9+".to_owned(), 5));
        assert_eq!(bucketed(&counts, 1)[8], ("9+".to_owned(), 10));
        assert_eq!(bucketed(&[7], 1), [("1".to_owned(), 7)]);
    }
}
