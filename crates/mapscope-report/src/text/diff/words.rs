//! What a diff says in words. Names of the target pass through `name`, which makes them fit for the view.

use crate::diff::LIVE;
use crate::model::{Diff, DiffFigures, DiffRow, Growth, RowKind, Verdict};
use crate::text::units::{bytes, count, plural, signed_bytes, signed_count, signed_percent};

/// Makes a name of the target fit for a view.
pub(crate) type Name<'n> = &'n dyn Fn(&str) -> String;

/// What became of the heap as a whole, and of the maps that had the largest part in it: a sentence each.
pub(crate) fn summary(diff: &Diff, name: Name<'_>) -> Vec<String> {
    let mut sentences = Vec::new();
    sentences.extend(diff.rows.iter().find(|row| row.kind == RowKind::Total && row.name == LIVE).and_then(live));
    let maps = || diff.rows.iter().filter(|row| row.kind == RowKind::Map);
    // Rows are in order of their bytes.
    sentences.extend(maps().find(|row| has_grown(row.verdict)).map(|row| grown(row, name)));
    let drained: Vec<&DiffRow> = maps().filter(|row| row.verdict == Verdict::Drained).collect();
    let kept: u64 = drained.iter().filter_map(|row| row.after?.bytes).fold(0, u64::saturating_add);
    sentences.extend(match drained.as_slice() {
        [] => None,
        [one] => Some(format!("{} is drained, and its table keeps {}.", owner(one, name), bytes(kept))),
        many => Some(format!("{} maps are drained, and their tables keep {}.", count(many.len() as u64), bytes(kept))),
    });
    sentences
}

fn live(row: &DiffRow) -> Option<String> {
    let (before, after, change) = (row.before?.bytes?, row.after?.bytes?, row.change.bytes?);
    let percent = signed_percent(before, change).map_or_else(String::new, |percent| format!(" ({percent})"));
    let moved = |verb: &str| {
        let by = bytes(change.unsigned_abs());
        format!("The live heap {verb} by {by}, from {} to {}{percent}.", bytes(before), bytes(after))
    };
    Some(match row.verdict {
        Verdict::Steady => format!("The live heap is steady at {}.", bytes(after)),
        _ if change < 0 => moved("shrank"),
        _ => moved("grew"),
    })
}

fn grown(row: &DiffRow, name: Name<'_>) -> String {
    let entries = row.change.count.map_or_else(String::new, |more| format!("{} entries", signed_count(more)));
    let held = row.change.retained_bytes.map(|more| format!("{} retained", signed_bytes(more)));
    let table = || row.change.bytes.map(|more| format!("{} of table", signed_bytes(more)));
    let figures: Vec<String> = [entries].into_iter().chain(held.or_else(table)).collect();
    format!("{} grew most: {}.", owner(row, name), figures.join(", "))
}

/// A verdict for a column.
pub(crate) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Steady => "steady",
        Verdict::New => "new",
        Verdict::Gone => "gone",
        Verdict::Grew => "grew",
        Verdict::GrowsLinearly => "grows linearly",
        Verdict::GrowsWith => "~grows with",
        Verdict::Shrank => "shrank",
        Verdict::Drained => "drained",
        Verdict::Torn => "torn",
        Verdict::Unlisted => "not listed",
    }
}

/// It has more than before.
pub(crate) fn has_grown(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::New | Verdict::Grew | Verdict::GrowsLinearly | Verdict::GrowsWith)
}

/// What a verdict does not say by itself: what stays of a drained map, and what something grows in step with.
pub(crate) fn remarks(row: &DiffRow, inspections: usize, name: Name<'_>) -> Vec<String> {
    let drained = (row.verdict == Verdict::Drained).then(|| drained(row, name)).flatten();
    let growth = row.growth.iter().map(|growth| step(row, growth, inspections, name));
    drained.into_iter().chain(more_goroutines(row, name)).chain(growth).collect()
}

/// So many more goroutines that began with one function are worth a look, and more than this share of them, in percent.
const MORE_GOROUTINES: i64 = 10;
const MORE_PERCENT: i64 = 1;

/// That goroutines wait says nothing; that there are more each time may.
fn more_goroutines(row: &DiffRow, name: Name<'_>) -> Option<String> {
    let more = row.change.count.filter(|more| row.kind == RowKind::Goroutine && *more >= MORE_GOROUTINES)?;
    let before = row.before.and_then(|f| f.count).map_or(0, |count| i64::try_from(count).unwrap_or(i64::MAX));
    (more.saturating_mul(100) > before.saturating_mul(MORE_PERCENT)).then(|| {
        format!(
            "{}: {} more than before. Those that never end are leaked; `mapscope goroutines` shows where they wait.",
            owner(row, name),
            count(more.unsigned_abs())
        )
    })
}

/// What `~` means in remarks.
pub(crate) const HEURISTIC: &str = "~ concluded from numbers that agree, which can have another cause";

/// One of the remarks is only concluded.
pub(crate) fn has_heuristic(rows: &[&DiffRow]) -> bool {
    rows.iter().any(|row| row.growth.iter().any(|growth| growth.heuristic))
}

fn drained(row: &DiffRow, name: Name<'_>) -> Option<String> {
    let (before, after) = (row.before?, row.after?);
    let (had, has) = (before.count?, after.count?);
    let kept = bytes(after.bytes?);
    let to_win = after.reclaimable_bytes.map_or_else(String::new, |b| format!(", {} more than it needs", bytes(b)));
    Some(format!(
        "{} has {} of {} left. A Go map never shrinks: its table keeps {kept}{to_win}.",
        owner(row, name),
        count(has),
        plural(had, "entry", "entries"),
    ))
}

fn step(row: &DiffRow, growth: &Growth, inspections: usize, name: Name<'_>) -> String {
    let subject = owner(row, name);
    let Some(other) = &growth.name else {
        let fit = growth.r_squared.map_or_else(String::new, |r| format!(" (R² {:.3}", r.min(1.0)));
        return format!("{subject} grows linearly: {}{fit}, {inspections} inspections).", rate(row.kind, growth));
    };
    let (one, many) = match growth.with.as_str() {
        "map" => ("entry", "entries"),
        "goroutine" => ("goroutine", "goroutines"),
        _ => ("object", "objects"),
    };
    let agree = if growth.ratio >= 1.0 {
        format!("{} for each new {one}", plural(growth.ratio.round() as u64, "new entry", "new entries"))
    } else {
        format!("1 new entry for every {} new {many}", count((1.0 / growth.ratio).round() as u64))
    };
    let other = name(if other.is_empty() { NOBODY } else { other });
    format!("~{subject} grows with {other}: {agree}.")
}

/// So much in a span of time that makes it a number to remember.
fn rate(kind: RowKind, growth: &Growth) -> String {
    const SPANS: [(&str, f64); 4] = [("s", 1.0), ("min", 60.0), ("h", 3600.0), ("day", 86_400.0)];
    let in_bytes = growth.figure != "count";
    let least = if in_bytes { 1024.0 } else { 1.0 };
    let found = SPANS.iter().find(|(_, seconds)| growth.ratio * seconds >= least);
    let (span, seconds) = found.unwrap_or(&SPANS[SPANS.len() - 1]);
    let much = (growth.ratio * seconds).round() as u64;
    let what = match (in_bytes, kind) {
        (true, _) => bytes(much),
        (_, RowKind::Map) => plural(much, "entry", "entries"),
        (_, RowKind::Goroutine) => plural(much, "goroutine", "goroutines"),
        _ => plural(much, "object", "objects"),
    };
    format!("≈ {what}/{span}")
}

const NOBODY: &str = "(no owner found)";

/// Name of a row, with a mark where it was inferred.
pub(crate) fn owner(row: &DiffRow, name: Name<'_>) -> String {
    let shown = if row.name.is_empty() { NOBODY } else { &row.name };
    let times = row.after.or(row.before).and_then(|f| f.maps).filter(|maps| *maps > 1);
    let times = times.map_or_else(String::new, |maps| format!("{} × ", count(maps)));
    format!("{}{times}{}", if row.heuristic { "~" } else { "" }, name(shown))
}

/// A figure before and after, once when it reads the same: `600,000 → 2,000`. What is not there is a dash.
pub(crate) fn span(row: &DiffRow, figure: fn(&DiffFigures) -> Option<u64>, show: fn(u64) -> String) -> Option<String> {
    let of = |side: Option<DiffFigures>| side.and_then(|f| figure(&f)).map(show);
    match (of(row.before), of(row.after)) {
        (None, None) => None,
        (Some(before), Some(after)) if before == after => Some(after),
        (before, after) => {
            let or_dash = |side: Option<String>| side.unwrap_or_else(|| "–".to_owned());
            Some(format!("{} → {}", or_dash(before), or_dash(after)))
        }
    }
}

/// A total before and after, its change, and that in percent: of bytes, or of a number where it has none.
pub(crate) fn total(row: &DiffRow) -> Option<[String; 4]> {
    let (before, after) = (row.before?, row.after?);
    let percent = |old, change| signed_percent(old, change).unwrap_or_default();
    if let (Some(old), Some(new)) = (before.bytes, after.bytes) {
        let change = row.change.bytes?;
        return Some([bytes(old), bytes(new), signed_bytes(change), percent(old, change)]);
    }
    let (old, new, change) = (before.count?, after.count?, row.change.count?);
    Some([count(old), count(new), signed_count(change), percent(old, change)])
}

/// A total's name. What is live is counted in two ways: wholly, and as far as it is resident.
pub(crate) fn total_name(row: &DiffRow) -> &str {
    match row.name.as_str() {
        LIVE => "live (in all)",
        "live objects" => "live (resident)",
        other => other,
    }
}

/// The figure that a row is listed with: what a map or a holder retains, a type's own bytes.
pub(crate) fn weight(row: &DiffRow) -> fn(&DiffFigures) -> Option<u64> {
    match row.kind {
        RowKind::Type | RowKind::Total => |f| f.bytes,
        RowKind::Map if row.change.retained_bytes.is_none() => |f| f.bytes,
        RowKind::Map | RowKind::Holder | RowKind::Goroutine => |f| f.retained_bytes,
    }
}

/// The change that a row is listed with: of what a map or a holder retains, of a type's own bytes.
pub(crate) fn change(row: &DiffRow) -> Option<i64> {
    match row.kind {
        RowKind::Type | RowKind::Total => row.change.bytes,
        RowKind::Map | RowKind::Holder | RowKind::Goroutine => row.change.retained_bytes.or(row.change.bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn rates_are_numbers_to_remember() {
        let of =
            |ratio, figure: &str| rate(RowKind::Map, &Growth { ratio, figure: figure.into(), ..Growth::default() });
        assert_eq!(of(100.4, "count"), "≈ 100 entries/s");
        assert_eq!(of(0.5, "count"), "≈ 30 entries/min");
        assert_eq!(of(0.001, "count"), "≈ 4 entries/h");
        assert_eq!(of(0.000_001, "count"), "≈ 0 entries/day");
        assert_eq!(of(100.0, "bytes"), "≈ 5.86 KiB/min");
    }

    #[test]
    fn more_goroutines_are_worth_a_look() {
        let side = |count| Some(DiffFigures { count: Some(count), ..DiffFigures::default() });
        let of = |before: u64, after: u64| {
            let change = crate::model::DiffChange { count: Some(after as i64 - before as i64), ..Default::default() };
            let name = "goroutine main.watch".to_owned();
            let kind = RowKind::Goroutine;
            remarks(
                &DiffRow { kind, name, before: side(before), after: side(after), change, ..DiffRow::default() },
                2,
                &plain,
            )
        };
        let want = "goroutine main.watch: 300 more than before. Those that never end are leaked; `mapscope goroutines` \
                    shows where they wait.";
        assert_eq!(of(100, 400), [want]);
        for steady in [(100, 100), (400, 100), (0, 9), (10_000, 10_050)] {
            assert_eq!(of(steady.0, steady.1), Vec::<String>::new(), "{steady:?}");
        }
        assert_eq!(of(0, 10).len(), 1);
    }

    #[test]
    fn steps_say_how_many_for_each() {
        let row = DiffRow { kind: RowKind::Map, name: "main.cache".into(), ..DiffRow::default() };
        let of = |with: &str, name: &str, ratio| {
            let growth = Growth { with: with.into(), name: Some(name.into()), ratio, ..Growth::default() };
            step(&row, &growth, 2, &plain)
        };
        let want = "~main.cache grows with main.index: 2 new entries for each new entry.";
        assert_eq!(of("map", "main.index", 2.0), want);
        assert!(of("type", "main.T", 1.0).contains("grows with main.T: 1 new entry for each new object."));
        assert!(of("goroutine", "goroutine main.f", 0.25).contains(": 1 new entry for every 4 new goroutines."));
    }

    #[test]
    fn figures_that_read_the_same_are_written_once() {
        let side = |bytes| Some(DiffFigures { bytes: Some(bytes), ..DiffFigures::default() });
        let row = |before, after| DiffRow { before, after, ..DiffRow::default() };
        let shown = |row: &DiffRow| span(row, |f| f.bytes, bytes);
        assert_eq!(shown(&row(side(1 << 20), side((1 << 20) + 1))).as_deref(), Some("1.00 MiB"));
        assert_eq!(shown(&row(side(1 << 20), side(2 << 20))).as_deref(), Some("1.00 MiB → 2.00 MiB"));
        assert_eq!(shown(&row(None, side(9))).as_deref(), Some("– → 9 B"));
        assert_eq!(shown(&row(None, None)), None);
    }
}
