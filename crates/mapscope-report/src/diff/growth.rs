//! What something grows in step with: time, when there are three inspections or more, or something else that grew.

use super::rows::Subject;
use super::verdict::{Figure, figures, steady};
use crate::model::{Growth, RowKind, Verdict};

/// How much of a figure's variation a straight line over time has to explain. A figure that doubles with each of three
/// inspections stays below it, and so does one that stopped half-way.
const MIN_R_SQUARED: f64 = 0.98;
/// Fewer things than this are counted by people; that their numbers agree says little.
const MIN_CHANGE: u64 = 100;
/// No design makes more things for each of another than this.
const MAX_RATIO: u64 = 64;
/// One number is a multiple of another, unrelated one in one of so many cases as the smaller counts. So many of these
/// coincidences may be expected among all the things that are looked at: one report in twenty.
const MAX_COINCIDENCES: f64 = 0.05;

/// Where more things than this grew, none is compared with all the others: it would take long, and some agree by chance.
const MAX_CANDIDATES: usize = 4000;

/// Something that grew, by number.
pub(super) struct Candidate<'s> {
    subject: &'s Subject,
    /// As in [`Growth::with`].
    with: &'static str,
    /// In each inspection.
    counts: Vec<u64>,
}

/// What growth can be in step with: maps, goroutines, and types that the program gave a name.
pub(super) fn candidates<'s>(subjects: &'s [Subject], verdicts: &[Verdict]) -> Vec<Candidate<'s>> {
    let candidate = |(subject, verdict): (&'s Subject, &Verdict)| {
        let with = match subject.kind {
            RowKind::Goroutine => "goroutine",
            RowKind::Map => "map",
            RowKind::Type if is_named(&subject.name) => "type",
            RowKind::Type | RowKind::Holder | RowKind::Total => return None,
        };
        // Goroutines may retain no more than before, and yet be more.
        let counts = subject.values(|f| f.count).filter(|counts| change(counts).is_some_and(|more| more >= MIN_CHANGE));
        let counts = counts.filter(|_| !matches!(verdict, Verdict::Torn | Verdict::Unlisted))?;
        Some(Candidate { subject, with, counts })
    };
    subjects.iter().zip(verdicts).filter_map(candidate).collect()
}

/// What `subject`, which is `verdict`, grows in step with. `moments` are the seconds of the inspections, ascending.
pub(super) fn growth(
    subject: &Subject,
    verdict: Verdict,
    moments: Option<&[f64]>,
    others: &[Candidate<'_>],
) -> Vec<Growth> {
    if !matches!(verdict, Verdict::Grew | Verdict::New) {
        return Vec::new();
    }
    let time = moments.and_then(|moments| with_time(subject, moments));
    let other = Some(others).filter(|_| subject.kind == RowKind::Map).and_then(|others| with_other(subject, others));
    time.into_iter().chain(other).collect()
}

fn with_time(subject: &Subject, moments: &[f64]) -> Option<Growth> {
    let grown = |(name, figure): &Figure| {
        let values = subject.values(*figure)?;
        let (first, last) = (*values.first()?, *values.last()?);
        (last > first && !steady(first, last)).then_some((*name, values))
    };
    let (figure, values) = figures(subject.kind).iter().find_map(grown)?;
    let fit = straight(moments, &values).filter(|fit| fit.r_squared >= MIN_R_SQUARED)?;
    Some(Growth {
        with: "time".to_owned(),
        figure: figure.to_owned(),
        ratio: rounded(fit.slope),
        r_squared: Some(rounded(fit.r_squared)),
        ..Growth::default()
    })
}

/// A line through points.
struct Fit {
    slope: f64,
    r_squared: f64,
}

/// The straight line with the least squares through three points or more that never fall.
fn straight(x: &[f64], y: &[u64]) -> Option<Fit> {
    if x.len() < 3 || x.len() != y.len() || y.windows(2).any(|pair| pair[1] < pair[0]) {
        return None;
    }
    let count = x.len() as f64;
    let y: Vec<f64> = y.iter().map(|&y| y as f64).collect();
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / count, y.iter().sum::<f64>() / count);
    let sum = |of: fn(f64, f64) -> f64| x.iter().zip(&y).map(|(x, y)| of(x - mean_x, y - mean_y)).sum::<f64>();
    let (xx, xy, yy) = (sum(|x, _| x * x), sum(|x, y| x * y), sum(|_, y| y * y));
    let fit = Fit { slope: xy / xx, r_squared: xy * xy / (xx * yy) };
    (fit.slope > 0.0 && fit.r_squared.is_finite()).then_some(fit)
}

/// With six significant digits, which is more than a fit is worth.
fn rounded(number: f64) -> f64 {
    format!("{number:.5e}").parse().unwrap_or(number)
}

/// The best of the others of which the subject has the same number for each one, in every span.
fn with_other(subject: &Subject, others: &[Candidate<'_>]) -> Option<Growth> {
    let counts = subject.values(|f| f.count)?;
    let more = change(&counts).filter(|more| *more >= MIN_CHANGE && others.len() <= MAX_CANDIDATES)?;
    let others: Vec<&Candidate<'_>> = others.iter().filter(|other| !is_part_of(subject, other)).collect();
    let in_step = |other: &&&Candidate<'_>| -> Option<Ratio> {
        let smaller = more.min(change(&other.counts)?);
        let coincidences = others.len() as f64 / smaller as f64;
        same_ratio(&counts, &other.counts).filter(|_| coincidences <= MAX_COINCIDENCES)
    };
    let found = others.iter().filter_map(|other| Some((in_step(&other)?, *other)));
    // What works is closer to a cause than what is kept, and another map than its objects.
    let rank = |with| ["goroutine", "map", "type"].iter().position(|kind| *kind == with);
    let (ratio, other) =
        found.min_by_key(|(ratio, other)| (rank(other.with), ratio.times, other.subject.name.as_str()))?;
    Some(Growth {
        with: other.with.to_owned(),
        name: Some(other.subject.name.clone()),
        type_name: other.subject.type_name.clone(),
        figure: "count".to_owned(),
        ratio: ratio.value(),
        r_squared: None,
        heuristic: true,
    })
}

/// So many of one for each of another, or one for so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ratio {
    times: u64,
    inverse: bool,
}

impl Ratio {
    fn value(self) -> f64 {
        if self.inverse { rounded(1.0 / self.times as f64) } else { self.times as f64 }
    }
}

/// The whole number of times by which one changed as much as the other, in every span.
fn same_ratio(subject: &[u64], other: &[u64]) -> Option<Ratio> {
    let (more, others) = (change(subject)?, change(other)?);
    let inverse = more < others;
    let (large, small) = if inverse { (other, subject) } else { (subject, other) };
    let times = more.max(others) / more.min(others).max(1);
    let step = |of: &[u64], span: usize| i128::from(of[span + 1]) - i128::from(of[span]);
    let steps = large.len().min(small.len()).saturating_sub(1);
    let same = (0..steps).all(|span| step(large, span) == i128::from(times) * step(small, span));
    (same && (1..=MAX_RATIO).contains(&times)).then_some(Ratio { times, inverse })
}

/// By how much the last is more than the first.
fn change(counts: &[u64]) -> Option<u64> {
    counts.last()?.checked_sub(*counts.first()?)
}

/// The map itself, or what its own type says it is made of: that it has as many elements as entries is no news.
fn is_part_of(subject: &Subject, other: &Candidate<'_>) -> bool {
    let (name, type_name) = (&other.subject.name, subject.type_name.as_deref().unwrap_or_default());
    match other.with {
        "map" => *name == subject.name && other.subject.type_name == subject.type_name,
        "type" => type_name.contains(name.as_str()),
        _ => false,
    }
}

/// `main.Session`, not `[]main.Session` or `string`.
fn is_named(type_name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '/' | '-');
    type_name.contains('.') && type_name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diff::rows::Side;
    use crate::model::DiffFigures;

    fn subject(kind: RowKind, name: &str, type_name: Option<&str>, counts: &[u64]) -> Subject {
        let side = |count: &u64| Side::Known(DiffFigures { count: Some(*count), ..DiffFigures::default() });
        let type_name = type_name.map(str::to_owned);
        Subject { kind, name: name.into(), type_name, sides: counts.iter().map(side).collect(), heuristic: false }
    }

    fn map(name: &str, counts: &[u64]) -> Subject {
        subject(RowKind::Map, name, Some("map[string]*main.Session"), counts)
    }

    /// What the first of the subjects, all of which grew, grows in step with.
    fn of(subjects: &[Subject], moments: Option<&[f64]>) -> Vec<(String, Option<String>, f64)> {
        let others = candidates(subjects, &vec![Verdict::Grew; subjects.len()]);
        let growth = growth(&subjects[0], Verdict::Grew, moments, &others);
        growth.into_iter().map(|g| (g.with, g.name, g.ratio)).collect()
    }

    fn with(kind: &str, name: &str, ratio: f64) -> Vec<(String, Option<String>, f64)> {
        vec![(kind.to_owned(), Some(name.to_owned()), ratio)]
    }

    #[test]
    fn the_same_number_for_each_of_another_is_growth_with_it() {
        let cache = || map("main.cache", &[100, 20_100]);
        assert_eq!(of(&[cache(), map("main.index", &[0, 10_000])], None), with("map", "main.index", 2.0));
        assert_eq!(of(&[cache(), map("main.index", &[0, 40_000])], None), with("map", "main.index", 0.5));
        assert_eq!(of(&[cache(), map("main.index", &[0, 9_999])], None), []);
        assert_eq!(of(&[cache(), map("main.index", &[0, 20_000 * 65])], None), []);
        let workers = |count: u64| subject(RowKind::Goroutine, "goroutine main.worker", None, &[5, 5 + count]);
        let among = |count| [cache(), map("main.index", &[0, 20_000]), workers(count)];
        assert_eq!(of(&among(1000), None), with("goroutine", "goroutine main.worker", 20.0));
        assert_eq!(of(&among(200), None), with("map", "main.index", 1.0), "a hundred entries for each is no design");
    }

    #[test]
    fn few_of_many_agree_by_chance() {
        let mut subjects = vec![map("main.cache", &[0, 1000]), map("main.index", &[0, 1000])];
        assert_eq!(of(&subjects, None), with("map", "main.index", 1.0));
        // Fifty things to compare with, and a change of a thousand: one in twenty.
        subjects.extend((0..49).map(|n| map(&format!("main.other{n}"), &[0, 100_001 + n])));
        assert_eq!(of(&subjects, None).len(), 1);
        subjects.push(map("main.onemore", &[0, 100_101]));
        assert_eq!(of(&subjects, None), []);
        assert_eq!(of(&[map("main.cache", &[0, 99]), map("main.index", &[0, 99])], None), []);
        let mut many = vec![map("main.cache", &[0, 1 << 40]), map("main.index", &[0, 1 << 40])];
        many.extend((2..MAX_CANDIDATES).map(|n| map(&format!("main.other{n}"), &[0, (1 << 41) + n as u64])));
        assert_eq!(of(&many, None).len(), 1);
        many.push(map("main.onemore", &[0, 1 << 42]));
        assert_eq!(of(&many, None), [], "nobody has so many things that grow by design");
    }

    #[test]
    fn what_a_map_consists_of_is_no_news() {
        let session = subject(RowKind::Type, "main.Session", None, &[0, 5000]);
        assert_eq!(of(&[map("main.cache", &[0, 5000]), session.clone()], None), []);
        let token = Subject { name: "main.Token".into(), ..session.clone() };
        assert_eq!(of(&[map("main.cache", &[0, 5000]), token], None), with("type", "main.Token", 1.0));
        for unnamed in ["string", "[]main.Token", "*main.Token", "map[string]*main.Token (groups)", "(unknown)"] {
            let row = Subject { name: unnamed.into(), ..session.clone() };
            assert_eq!(of(&[map("main.cache", &[0, 5000]), row], None), [], "{unnamed}");
        }
    }

    #[test]
    fn the_ratio_is_the_same_in_every_span() {
        assert_eq!(same_ratio(&[0, 200, 1000], &[7, 107, 507]), Some(Ratio { times: 2, inverse: false }));
        assert_eq!(same_ratio(&[0, 300, 1000], &[7, 107, 507]), None);
        assert_eq!(same_ratio(&[0, 100], &[0, 300]), Some(Ratio { times: 3, inverse: true }));
        assert_eq!(same_ratio(&[5, 5], &[5, 5]), None);
        assert_eq!(same_ratio(&[u64::MAX, 0], &[0, u64::MAX]), None);
    }

    #[test]
    fn time_takes_three_inspections_and_a_straight_line() {
        let linear = |counts: &[u64], moments: &[f64]| of(&[map("main.cache", counts)], Some(moments));
        let steady = linear(&[1000, 2000, 3100, 4000], &[0.0, 10.0, 20.0, 30.0]);
        assert_eq!(steady.len(), 1);
        assert!(steady[0].0 == "time" && (steady[0].2 - 100.9).abs() < 0.2, "{steady:?}");
        assert_eq!(linear(&[1000, 2000], &[0.0, 10.0]), []);
        assert_eq!(linear(&[1000, 2000, 4000], &[0.0, 10.0, 20.0]).len(), 0, "it doubles");
        assert_eq!(linear(&[1000, 2000, 2000], &[0.0, 10.0, 20.0]), [], "it stopped");
        assert_eq!(linear(&[1000, 3000, 2900, 4000], &[0.0, 10.0, 20.0, 30.0]), [], "it fell");
        // Spans of other lengths, as much in each second.
        assert!((linear(&[0, 100, 1000], &[5.0, 6.0, 15.0])[0].2 - 100.0).abs() < 1e-3);
    }

    #[test]
    fn fits_are_those_of_the_textbook() {
        let fit = straight(&[1.0, 2.0, 3.0, 4.0, 5.0], &[2, 4, 5, 5, 5]).expect("it rises");
        assert!((fit.slope - 0.7).abs() < 1e-9 && (fit.r_squared - 0.49 * 10.0 / 6.8).abs() < 1e-9);
        assert_eq!(
            (rounded(1.0 / 3.0), rounded(123_456_789.0), rounded(0.999_999_96)),
            (0.333_333, 123_457_000.0, 1.0)
        );
        assert!(straight(&[0.0, 1.0, 2.0], &[3, 3, 3]).is_none());
        assert!(straight(&[1.0, 1.0, 1.0], &[1, 2, 3]).is_none());
    }

    #[test]
    fn only_what_grew_grows_with_something() {
        let subjects = [map("main.cache", &[0, 5000]), map("main.index", &[0, 5000])];
        let others = candidates(&subjects, &[Verdict::Grew; 2]);
        for (verdict, found) in [(Verdict::Grew, 1), (Verdict::New, 1), (Verdict::Steady, 0), (Verdict::Drained, 0)] {
            assert_eq!(growth(&subjects[0], verdict, None, &others).len(), found, "{verdict:?}");
        }
    }
}
