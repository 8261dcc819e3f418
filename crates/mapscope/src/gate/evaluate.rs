//! Which budgets hold.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use mapscope_report::model::{BudgetRow, Inspection, OffenderRow};

use super::budget::{Budget, Kind, Limit};
use super::figures::{Facts, Measured, Measurement, Subject, Unit};

/// What is let pass.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Allow {
    /// A budget that matches nothing; it is an error otherwise.
    pub(crate) unmatched: bool,
    /// A budget that holds on an uncertain figure; it is refused otherwise.
    pub(crate) partial: bool,
}

/// Every budget, measured. Growth is that since `baseline`.
///
/// # Errors
/// One sentence for each budget that could not be checked.
pub(crate) fn evaluate(
    budgets: &[Budget],
    facts: &Facts,
    baseline: Option<&Inspection>,
    allow: Allow,
) -> Result<Vec<BudgetRow>, Vec<String>> {
    let (mut rows, mut errors) = (Vec::new(), Vec::new());
    for budget in budgets {
        let figures = match (budget.limit, baseline) {
            (Limit::Max(limit), _) => figures(budget, facts, limit, allow.unmatched),
            (_, Some(baseline)) => growth(budget, facts, baseline, allow.unmatched),
            (_, None) => Err("there is no baseline to compare with".to_owned()),
        };
        match figures {
            Ok(figures) => rows.push(judge(row(budget, facts, figures), budget, facts, baseline, allow)),
            Err(why) => errors.push(format!("{}: {why}", budget.name)),
        }
    }
    if errors.is_empty() { Ok(rows) } else { Err(errors) }
}

/// What was measured of a budget, each with its limit.
struct Figures {
    all: Vec<OffenderRow>,
    matched: Option<u64>,
}

fn figures(budget: &Budget, facts: &Facts, limit: u64, allow_unmatched: bool) -> Result<Figures, String> {
    let Measurement { figures, matched } = match budget.subject.measure(&budget.name, facts, limit) {
        Err(_) if allow_unmatched && is_unmatched(budget, facts) => {
            Measurement { matched: Some(0), ..Measurement::default() }
        }
        measured => measured?,
    };
    let of = |m: Measured| OffenderRow {
        subject: m.name,
        type_name: m.type_name,
        addr: m.addr,
        measured: m.value,
        limit,
        ..OffenderRow::default()
    };
    Ok(Figures { all: figures.into_iter().map(of).collect(), matched })
}

fn is_unmatched(budget: &Budget, facts: &Facts) -> bool {
    !matches!(budget.subject, Subject::Total(_)) && budget.subject.matches_nothing(&facts.inspection)
}

fn growth(budget: &Budget, facts: &Facts, baseline: &Inspection, allow_unmatched: bool) -> Result<Figures, String> {
    let before = budget.subject.by_name(&budget.name, baseline).map_err(|why| format!("in the baseline, {why}"))?;
    let now = budget.subject.by_name(&budget.name, &facts.inspection)?;
    if before.is_empty() && now.is_empty() && !allow_unmatched {
        return Err(budget.subject.unmatched(facts));
    }
    // What is in the baseline alone has shrunk to nothing.
    let mut sides: BTreeMap<_, (Option<u64>, u64)> = now.into_iter().map(|(name, n)| (name, (None, n))).collect();
    for (name, n) in before {
        sides.entry(name).or_default().0 = Some(n);
    }
    let matched = (!matches!(budget.subject, Subject::Total(_))).then_some(sides.len() as u64);
    let all = sides.into_iter().map(|((subject, type_name), (before, now))| {
        let was = before.unwrap_or(0);
        let limit = match budget.limit {
            Limit::Max(limit) | Limit::Growth(limit) => limit,
            Limit::GrowthPercent(percent) => (was as f64 * percent / 100.0) as u64,
        };
        let measured = now.saturating_sub(was);
        OffenderRow { subject, type_name, addr: None, measured, limit, before, now: Some(now) }
    });
    Ok(Figures { all: all.collect(), matched })
}

fn row(budget: &Budget, facts: &Facts, mut figures: Figures) -> BudgetRow {
    // Worst is what is furthest above its limit; where nothing is, what is nearest to it.
    let above = |o: &OffenderRow| i128::from(o.measured) - i128::from(o.limit);
    figures.all.sort_by_key(|o| (Reverse(above(o)), o.subject.clone(), o.addr.clone()));
    let fallback = if let Limit::Max(limit) | Limit::Growth(limit) = budget.limit { limit } else { 0 };
    let (measured, limit) = figures.all.first().map_or((0, fallback), |worst| (worst.measured, worst.limit));
    figures.all.retain(|o| o.measured > o.limit);
    let holds = figures.all.is_empty();
    let subjects: Vec<&str> = figures.all.iter().map(|o| o.subject.as_str()).collect();
    let findings = if holds { Vec::new() } else { budget.subject.findings(&facts.inspection, &subjects) };
    BudgetRow {
        name: budget.name.clone(),
        kind: budget.kind().name().to_owned(),
        limit_text: budget.limit_text.clone(),
        unit: if budget.subject.unit() == Unit::Bytes { "bytes" } else { "count" }.to_owned(),
        holds,
        measured,
        limit,
        matched: figures.matched,
        offenders: figures.all,
        findings,
        advice: (!holds).then(|| budget.subject.advice()),
        line: budget.line,
        ..BudgetRow::default()
    }
}

/// What is too much already is too much; but what seems to hold may be more than was seen, and growth is not known at all
/// without what there was before.
fn judge(row: BudgetRow, budget: &Budget, facts: &Facts, baseline: Option<&Inspection>, allow: Allow) -> BudgetRow {
    let figures = budget.subject.figures();
    let why = |inspection: &Inspection| -> Vec<String> {
        inspection.uncertain().why(figures).into_iter().map(str::to_owned).collect()
    };
    let mut uncertain = why(&facts.inspection);
    let mut refused = row.holds && !uncertain.is_empty();
    if let (Kind::MaxGrowth, Some(baseline)) = (budget.kind(), baseline) {
        let before = why(baseline);
        refused |= !before.is_empty();
        uncertain.extend(before.into_iter().map(|reason| format!("in the baseline: {reason}")));
    }
    refused &= !allow.partial;
    if !refused {
        return BudgetRow { uncertain, ..row };
    }
    BudgetRow { holds: false, refused, uncertain, offenders: Vec::new(), findings: Vec::new(), advice: None, ..row }
}

#[cfg(test)]
mod tests {
    use mapscope_report::model::{CodeLine, Figure, GoroutineList, GoroutineRow, PartialScope};

    use super::*;
    use crate::gate::Kind;
    use crate::testing::inspection;

    fn facts() -> Facts {
        let mut inspection = inspection();
        inspection.heap.live_bytes = 50 << 20;
        let group = |function: &str, count| GoroutineRow {
            count,
            stack: vec![CodeLine { function: function.into(), ..CodeLine::default() }],
            ..GoroutineRow::default()
        };
        let groups = vec![group("main.worker", 3), group("main.workers", 4), group("net.serve", 5)];
        let goroutines = GoroutineList {
            total_goroutines: 15,
            program_goroutines: 12,
            system_goroutines: 3,
            groups,
            ..GoroutineList::default()
        };
        Facts { inspection, goroutines, functions: vec!["main.idle".into()] }
    }

    fn measure(kind: Kind, text: &str, baseline: Option<&Inspection>) -> Result<BudgetRow, String> {
        let budget = Budget::parse(kind, text).expect(text);
        evaluate(&[budget], &facts(), baseline, Allow::default())
            .map(|mut rows| rows.remove(0))
            .map_err(|mut e| e.remove(0))
    }

    fn max(text: &str) -> BudgetRow {
        measure(Kind::Max, text, None).expect(text)
    }

    #[test]
    fn a_limit_is_kept_up_to_the_limit_itself() {
        let row = max("live=50MiB");
        assert_eq!((row.holds, row.measured, row.limit, row.matched), (true, 50 << 20, 50 << 20, None));
        let row = max("live=52428799");
        assert_eq!((row.holds, row.offenders.len(), row.offenders[0].subject.as_str()), (false, 1, "live"));
        assert!(row.advice.is_some());
    }

    #[test]
    fn every_map_that_matches_is_held_to_the_limit() {
        let row = max("map:main.sessions.*:entries=40112");
        assert_eq!((row.holds, row.measured, row.matched), (true, 40_112, Some(2)));
        let row = max("map:main.sessions.*:entries=11");
        let names: Vec<_> = row.offenders.iter().map(|o| (o.subject.as_str(), o.measured)).collect();
        assert_eq!(names, [("main.sessions.byID", 40_112), ("main.sessions.byUser", 12)]);
        assert_eq!(row.offenders[0].addr.as_deref(), Some("0xc000100000"));
        assert_eq!((max("type:*Session:shallow=100k").measured, max("type:main.*:count=1").holds), (128_000, false));
    }

    #[test]
    fn goroutines_are_added_up_and_none_is_a_number() {
        assert_eq!((max("goroutines=20").measured, max("goroutines:main.worker*=9").measured), (12, 7));
        assert_eq!(max("goroutines:main.idle=0").measured, 0);
        let error = measure(Kind::Max, "goroutines:main.idel=0", None).expect_err("no such function");
        assert!(error.contains("no function matches `main.idel`") && error.contains("main.idle"), "{error}");
    }

    #[test]
    fn what_cannot_be_checked_is_an_error() {
        let error = |text| measure(Kind::Max, text, None).expect_err(text);
        let unmatched = error("map:main.sesions.*:entries=1");
        assert!(
            unmatched
                .starts_with("map:main.sesions.*:entries: no map matches `main.sesions.*`, so nothing was checked")
        );
        assert!(unmatched.contains("did you mean main.sessions.by"), "{unmatched}");
        assert!(error("map:main.hub.*:entries=1").contains("main.hub.clients at 0xc000400000 is torn"));
        assert!(error("map:main.hub.*:retained=1").contains("is torn"));
        assert!(error("map:main.index:overflow_buckets=1").contains("which has no figure overflow_buckets"));
        assert!(error("rss=1").contains("rss is not known"));
        assert!(error("leaked_goroutines=0").contains("leaked_goroutines is not known"));
        let budgets = ["map:x:entries=1", "rss=1"].map(|text| Budget::parse(Kind::Max, text).expect(text));
        assert_eq!(evaluate(&budgets, &facts(), None, Allow::default()).expect_err("both").len(), 2);
        let unmatched = Allow { unmatched: true, partial: false };
        let rows = evaluate(&budgets[..1], &facts(), None, unmatched).expect("that is allowed");
        assert_eq!((rows[0].holds, rows[0].matched, rows[0].limit), (true, Some(0), 1));
        assert!(evaluate(&budgets[1..], &facts(), None, unmatched).is_err(), "a figure that is not known is none");
    }

    #[test]
    fn findings_are_counted_and_shown() {
        assert!(max("findings:high=0").holds);
        let row = max("findings:medium=0");
        assert_eq!((row.holds, row.measured, row.findings[0].rule.as_str()), (false, 1, "GM001"));
        assert!(!max("findings:low=0").holds && !max("findings:GM001=0").holds && max("findings:GM002=0").holds);
        assert!(!max("findings=0").holds && max("findings=1").holds);
    }

    /// Reasons that say what they are about.
    fn partial(inspection: &mut Inspection, reasons: &[(&str, &[Figure])]) {
        for (reason, figures) in reasons {
            inspection.partial.push((*reason).to_owned());
            inspection.partial_scope.push(PartialScope { reason: (*reason).into(), figures: figures.to_vec() });
        }
    }

    #[test]
    fn only_budgets_whose_figure_is_uncertain_are_refused() {
        let mut facts = facts();
        partial(&mut facts.inspection, &[("no stacks", &[Figure::Live]), ("no list", &[Figure::Maps])]);
        let of = |kind, text: &str, baseline: Option<&Inspection>, allow| {
            let budget = Budget::parse(kind, text).expect(text);
            let row = evaluate(&[budget], &facts, baseline, allow).expect(text).remove(0);
            (row.holds, row.refused, row.uncertain)
        };
        let max = |text| of(Kind::Max, text, None, Allow::default());
        assert_eq!(max("live=1GiB"), (false, true, vec!["no stacks".to_owned()]));
        assert_eq!(max("live=1"), (false, false, vec!["no stacks".to_owned()]), "it is broken as it is");
        assert_eq!(max("map:main.sessions.*:entries=100k"), (false, true, vec!["no list".to_owned()]));
        assert_eq!(max("goroutines=20"), (true, false, Vec::new()));
        assert!(!max("objects=100G").1);
        let allowed = of(Kind::Max, "live=1GiB", None, Allow { unmatched: false, partial: true });
        assert_eq!((allowed.0, allowed.2.len()), (true, 1), "it says all the same that it is uncertain");
        let mut before = inspection();
        assert!(of(Kind::MaxGrowth, "objects=100G", Some(&before), Allow::default()).0);
        partial(&mut before, &[("cut short", &[Figure::Objects])]);
        let grown = of(Kind::MaxGrowth, "objects=0", Some(&before), Allow::default());
        assert_eq!(grown, (false, true, vec!["in the baseline: cut short".to_owned()]));
    }

    #[test]
    fn growth_is_what_came_since_the_baseline() {
        let mut before = inspection();
        before.heap.live_bytes = 40 << 20;
        before.maps.retain(|map| map.owner() != "main.index");
        let growth = |text: &str| measure(Kind::MaxGrowth, text, Some(&before)).expect(text);
        assert!(growth("live=25%").holds && growth("live=10MiB").holds);
        let row = growth("live=24%");
        let worst = &row.offenders[0];
        assert_eq!((row.measured, worst.before, worst.now), (10 << 20, Some(40 << 20), Some(50 << 20)));
        assert_eq!((row.limit, row.unit.as_str()), ((40 << 20) * 24 / 100, "bytes"));
        let row = growth("map:main.sessions.*:entries=0%");
        assert_eq!((row.holds, row.matched), (true, Some(2)));
        let row = growth("map:main.*x:entries=10%");
        assert_eq!(
            (row.offenders[0].before, row.offenders[0].measured),
            (None, 3_120_404),
            "it is not in the baseline"
        );
        // What has gone has not grown.
        let mut full = inspection();
        full.maps.edit(|maps| maps[0].owner = "main.gone".into());
        assert!(measure(Kind::MaxGrowth, "map:main.gone:entries=0", Some(&full)).expect("it is gone").holds);
        assert!(measure(Kind::MaxGrowth, "map:nothing:entries=0", Some(&full)).is_err());
        assert!(measure(Kind::MaxGrowth, "live=1", None).is_err());
    }
}
