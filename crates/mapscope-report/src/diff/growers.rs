//! The maps that grew, as plain data: evidence for a rule about maps without a bound.

use super::moments;
use crate::model::{Diff, DiffRow, RowKind, Verdict};

/// The maps of one owner that grew between the first inspection and the last.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grower {
    /// Their owner.
    pub owner: String,
    /// Their type.
    pub type_name: String,
    /// The owner is a package variable: nothing ends it but the program.
    pub package_level: bool,
    /// Entries in the first inspection and in the last.
    pub entries: (u64, u64),
    /// Table bytes in both.
    pub table_bytes: (u64, u64),
    /// Bytes that they retain in both; absent where one of the inspections does not say.
    pub retained_bytes: Option<(u64, u64)>,
    /// Seconds from the first inspection to the last, when both say when they were taken.
    pub seconds: Option<f64>,
    /// How straight their growth over time is, when it is; see [`crate::model::Growth`].
    pub r_squared: Option<f64>,
}

impl Grower {
    /// Bytes more than before: retained ones, or those of the tables where these are not known.
    pub fn more_bytes(&self) -> u64 {
        let (before, after) = self.retained_bytes.unwrap_or(self.table_bytes);
        after.saturating_sub(before)
    }
}

/// The maps of a diff that have more entries than before, most bytes first. What is torn or not listed on one side is not
/// among them.
pub fn growers(diff: &Diff) -> Vec<Grower> {
    let ends = [diff.inspections.first(), diff.inspections.last()];
    let times = moments(ends.into_iter().flatten().map(|i| &i.target));
    let seconds = times.and_then(|times| Some(times.last()? - times.first()?)).filter(|_| diff.inspections.len() > 1);
    let mut growers: Vec<Grower> = diff.rows.iter().filter_map(|row| grower(row, seconds)).collect();
    growers.sort_by(|a, b| b.more_bytes().cmp(&a.more_bytes()).then_with(|| a.owner.cmp(&b.owner)));
    growers
}

fn grower(row: &DiffRow, seconds: Option<f64>) -> Option<Grower> {
    let grew = matches!(row.verdict, Verdict::New | Verdict::Grew | Verdict::GrowsLinearly | Verdict::GrowsWith);
    if row.kind != RowKind::Map || !grew || row.change.count.is_none_or(|more| more <= 0) {
        return None;
    }
    let (before, after) = (row.before.unwrap_or_default(), row.after?);
    // What is not there yet has nothing.
    let retained = if row.before.is_some() { before.retained_bytes } else { Some(0) };
    Some(Grower {
        owner: row.name.clone(),
        type_name: row.type_name.clone().unwrap_or_default(),
        package_level: is_package_level(&row.name),
        entries: (before.count.unwrap_or(0), after.count?),
        table_bytes: (before.bytes.unwrap_or(0), after.bytes?),
        retained_bytes: retained.zip(after.retained_bytes),
        seconds,
        r_squared: row.growth.iter().find(|g| g.with == "time").and_then(|g| g.r_squared),
    })
}

/// Not a goroutine's, not the runtime's, and not nobody's.
fn is_package_level(owner: &str) -> bool {
    let first = owner.split([' ', '.', '[', '{']).next().unwrap_or_default();
    !matches!(first, "" | "goroutine" | "finalizer" | "cleanup" | "runtime") && !owner.starts_with("0x")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::diff;
    use crate::diff::tests::{inspected, map};

    #[test]
    fn growers_are_maps_with_more_entries_by_bytes() {
        let mut before =
            inspected("a", vec![map("main.a", 1000, 100), map("main.same", 10, 10), map("main.less", 9, 900)]);
        before.inspection.maps.edit(|maps| maps.push(map("goroutine 7 main.f: m", 10, 10)));
        let mut after =
            inspected("b", vec![map("main.a", 4000, 400), map("main.same", 10, 10), map("main.less", 9, 9)]);
        let new = [map("goroutine 9 main.f: m", 100, 100), map("main.new", 9000, 5)];
        after.inspection.maps.edit(|maps| maps.extend(new));
        after.inspection.target.taken_at = Some("2026-11-21T10:10:00Z".into());
        let growers = growers(&diff(&[before, after]));
        let seen: Vec<_> =
            growers.iter().map(|g| (g.owner.as_str(), g.package_level, g.entries, g.more_bytes())).collect();
        let want = [
            ("main.new", true, (0, 5), 18_000),
            ("main.a", true, (100, 400), 6000),
            ("goroutine main.f: m", false, (10, 100), 180),
        ];
        assert_eq!(seen, want);
        assert!(growers.iter().all(|g| g.seconds == Some(600.0) && g.type_name == "map[int]int"));
        assert_eq!((growers[1].table_bytes, growers[1].retained_bytes), ((1000, 4000), Some((2000, 8000))));
    }

    #[test]
    fn what_ends_by_itself_is_not_package_level() {
        for owner in ["goroutine main.f: m", "finalizer", "cleanup[]", "runtime", "0x….next", ""] {
            assert!(!is_package_level(owner), "{owner}");
        }
        for owner in ["main.sessions.byID", "github.com/you/app/cache.users", "bss+0x80", "main.goroutine[]"] {
            assert!(is_package_level(owner), "{owner}");
        }
    }
}
