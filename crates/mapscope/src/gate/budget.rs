//! `NAME=LIMIT` as it is typed, and what it means.

use anyhow::{Result, anyhow, bail};
use mapscope_rules::RULES;

use super::figures::{FindingKind, MapFigure, Subject, Total, TypeFigure, Unit};
use super::glob::Glob;
use crate::commands::near;
use crate::size::{parse_count, parse_size};

/// What may be measured, and how much of it there may be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Budget {
    /// As it was given: `map:main.cache.*:entries`.
    pub(crate) name: String,
    pub(crate) subject: Subject,
    pub(crate) limit: Limit,
    /// The limit as it was given.
    pub(crate) limit_text: String,
    /// The line of the configuration file that it is on.
    pub(crate) line: Option<u64>,
}

/// How a figure is limited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Limit {
    /// It may be so much.
    Max(u64),
    /// It may be so much more than in the baseline.
    Growth(u64),
    /// It may be so much more than in the baseline, in percent of what it was.
    GrowthPercent(f64),
}

/// The two kinds of budgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Max,
    MaxGrowth,
}

impl Kind {
    /// As the flag and the table of the configuration file are called.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Max => "max",
            Self::MaxGrowth => "max-growth",
        }
    }
}

impl Budget {
    /// Of `NAME=LIMIT`.
    pub(crate) fn parse(kind: Kind, text: &str) -> Result<Self> {
        let Some((name, limit)) = text.rsplit_once('=') else {
            bail!("`{text}` has no limit; try {text}=50MiB or {text}=10000");
        };
        Self::new(kind, name, limit, None)
    }

    pub(crate) fn new(kind: Kind, name: &str, limit: &str, line: Option<u64>) -> Result<Self> {
        let (name, limit_text) = (name.trim().to_owned(), limit.trim().to_owned());
        let subject = subject(&name)?;
        if kind == Kind::MaxGrowth && !subject.is_in_inspections() {
            bail!(
                "`{name}` has no growth: a saved inspection, which is the baseline, does not count it; use max for it"
            );
        }
        let limit = parse_limit(kind, subject.unit(), &limit_text).map_err(|e| anyhow!("{name}: {e}"))?;
        Ok(Self { name, subject, limit, limit_text, line })
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.limit {
            Limit::Max(_) => Kind::Max,
            Limit::Growth(_) | Limit::GrowthPercent(_) => Kind::MaxGrowth,
        }
    }
}

fn parse_limit(kind: Kind, unit: Unit, text: &str) -> Result<Limit> {
    if let Some(number) = text.strip_suffix('%') {
        if kind == Kind::Max {
            bail!("{text} is a share of a baseline: use max-growth for it");
        }
        return match number.trim().parse::<f64>() {
            Ok(percent) if percent.is_finite() && percent >= 0.0 => Ok(Limit::GrowthPercent(percent)),
            _ => bail!("`{text}` is no share; try 10%"),
        };
    }
    let limit = match unit {
        Unit::Bytes => parse_size(text)?,
        Unit::Count => parse_count(text)?,
    };
    Ok(if kind == Kind::Max { Limit::Max(limit) } else { Limit::Growth(limit) })
}

/// What `map:main.cache.*:entries` and the like are about.
fn subject(name: &str) -> Result<Subject> {
    let Some((family, rest)) = name.split_once(':') else {
        return match Total::ALL.iter().find(|total| total.name == name) {
            Some(total) => Ok(Subject::Total(total)),
            None if name == "findings" => Ok(Subject::Findings(FindingKind::Any)),
            None => Err(unknown(
                "figure",
                name,
                Total::ALL.iter().map(|t| t.name).chain(["findings"].into_iter().chain(FAMILIES)),
            )),
        };
    };
    match family {
        "map" => {
            let (glob, figure) = glob_and_figure(name, rest, "entries")?;
            let names = || MapFigure::ALL.iter().map(|f| f.name);
            let found = MapFigure::ALL.iter().find(|f| f.name == figure);
            Ok(Subject::Map(glob, found.ok_or_else(|| unknown("figure of a map", figure, names()))?))
        }
        "type" => {
            let (glob, figure) = glob_and_figure(name, rest, "count")?;
            let names = || TypeFigure::ALL.iter().map(|f| f.name);
            let found = TypeFigure::ALL.iter().find(|f| f.name == figure);
            Ok(Subject::Type(glob, found.ok_or_else(|| unknown("figure of a type", figure, names()))?))
        }
        "goroutines" if rest.is_empty() => bail!("`{name}`: a function is missing; try goroutines:main.worker"),
        "goroutines" => Ok(Subject::Goroutines(Glob::new(rest))),
        "findings" => Ok(Subject::Findings(finding_kind(rest)?)),
        _ => Err(unknown("kind of budget", family, FAMILIES.into_iter())),
    }
}

/// What a name can begin with.
const FAMILIES: [&str; 4] = ["map", "type", "goroutines", "findings"];

/// The figure is behind the last colon: names of goroutines' maps have one too.
fn glob_and_figure<'n>(name: &str, rest: &'n str, example: &str) -> Result<(Glob, &'n str)> {
    match rest.rsplit_once(':') {
        Some((glob, figure)) if !glob.is_empty() => Ok((Glob::new(glob), figure)),
        Some(_) => bail!("`{name}`: a name is missing; * stands for any"),
        None => bail!("`{name}`: a figure is missing; try {name}:{example}"),
    }
}

fn finding_kind(text: &str) -> Result<FindingKind> {
    if let Some(severity) = FindingKind::SEVERITIES.iter().position(|s| *s == text) {
        return Ok(FindingKind::From(severity));
    }
    if let Some(rule) = mapscope_rules::rule(text) {
        return Ok(FindingKind::Rule(rule.code));
    }
    let names = RULES.iter().flat_map(|rule| [rule.code, rule.name]).chain(FindingKind::SEVERITIES);
    Err(unknown("rule or severity", text, names))
}

/// Names the nearest; where none is near, all, unless they are many.
fn unknown<'n>(what: &str, name: &str, names: impl Iterator<Item = &'n str>) -> anyhow::Error {
    let names: Vec<&str> = names.collect();
    let near = near(names.iter().copied(), name);
    if !near.is_empty() {
        return anyhow!("`{name}` is no {what}; did you mean {}?", near.join(" or "));
    }
    if names.len() > 30 {
        return anyhow!("`{name}` is no {what}; `mapscope rule` lists them, and high, medium and low are severities");
    }
    anyhow!("`{name}` is no {what}; there are {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn max(text: &str) -> Result<Budget> {
        Budget::parse(Kind::Max, text)
    }

    fn error(kind: Kind, text: &str) -> String {
        format!("{:#}", Budget::parse(kind, text).expect_err(text))
    }

    #[test]
    fn names_and_limits() {
        let budget = max("live=50MiB").expect("a budget");
        assert_eq!((budget.name.as_str(), budget.limit, budget.kind()), ("live", Limit::Max(50 << 20), Kind::Max));
        let budget = max("map:main.cache.*:entries=10_000").expect("a budget");
        assert_eq!((budget.name.as_str(), budget.limit), ("map:main.cache.*:entries", Limit::Max(10_000)));
        let Subject::Map(glob, figure) = budget.subject else { panic!("a map") };
        assert_eq!((glob.text(), figure.name), ("main.cache.*", "entries"));
        let Subject::Map(glob, figure) = max("map:goroutine 7 main.w: seen:table=1k").expect("a budget").subject else {
            panic!("a map")
        };
        assert_eq!((glob.text(), figure.name), ("goroutine 7 main.w: seen", "table"));
        for text in ["type:*main.T:count=1", "goroutines:main.*=3", "findings=0", "findings:high=0", "findings:gm001=0"]
        {
            assert!(max(text).is_ok(), "{text}");
        }
        let growth = |text| Budget::parse(Kind::MaxGrowth, text).expect(text).limit;
        assert_eq!(growth("live=10%"), Limit::GrowthPercent(10.0));
        assert_eq!(growth("live=5MiB"), Limit::Growth(5 << 20));
        assert_eq!(growth("objects=5k"), Limit::Growth(5_000));
    }

    #[test]
    fn mistakes_suggest_the_nearest() {
        let max = |text| error(Kind::Max, text);
        assert!(max("lives=1").contains("`lives` is no figure; did you mean live"), "{}", max("lives=1"));
        assert!(max("xyzzy=1").contains("there are live, "), "{}", max("xyzzy=1"));
        assert!(max("map:main.*:entrys=1").contains("did you mean entries"));
        assert!(max("type:main.T:shalow=1").contains("did you mean shallow"));
        assert!(max("maps:main.*:entries=1").contains("did you mean map"));
        assert!(max("findings:drained=0").contains("drained-map"));
        assert!(max("findings:GM01=0").contains("did you mean GM001"), "{}", max("findings:GM01=0"));
        assert!(max("findings:hihg=0").contains("did you mean high"));
        assert!(max("live").contains("try live=50MiB"));
        assert!(max("live=lots").contains("live: `lots` is not a size"));
        assert!(max("objects=1MiB").contains("objects: `1MiB` is not a number"));
        assert!(max("live=10%").contains("use max-growth"));
        assert!(max("map:main.cache=1").contains("a figure is missing"));
        assert!(max("map::entries=1").contains("a name is missing"));
        assert!(max("goroutines:=1").contains("a function is missing"));
        assert!(error(Kind::MaxGrowth, "live=-1%").contains("no share"));
        assert!(error(Kind::MaxGrowth, "goroutines=1").contains("has no growth"));
    }
}
