//! What budgets can be on, and where in an inspection it is found.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use mapscope_report::model::{
    Figure, FindingRow, GoroutineList, GoroutineRow, Inspection, MapFigures, MapRef, TypeRow,
};

use super::glob::Glob;
use crate::commands::near;

/// What a gate looks at.
pub(crate) struct Facts {
    pub(crate) inspection: Inspection,
    pub(crate) goroutines: GoroutineList,
    /// Functions of the program that a budget on goroutines names.
    pub(crate) functions: Vec<String>,
}

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Bytes,
    Count,
}

/// What a budget is on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Subject {
    Total(&'static Total),
    /// Each map whose owner matches.
    Map(Glob, &'static MapFigure),
    /// Each type that matches.
    Type(Glob, &'static TypeFigure),
    /// All goroutines with a function on their stack that matches.
    Goroutines(Glob),
    Findings(FindingKind),
}

/// A figure of the whole program.
#[derive(Debug)]
pub(crate) struct Total {
    pub(crate) name: &'static str,
    unit: Unit,
    /// Of an inspection; `None` where it does not have it.
    of: Of,
    /// What of the inspection it depends on.
    figures: &'static [Figure],
    /// What to do when there is too much.
    advice: &'static str,
}

#[derive(Debug)]
enum Of {
    Inspection(fn(&Inspection) -> Option<u64>),
    Goroutines(fn(&GoroutineList) -> Option<u64>),
}

/// A figure of one map.
#[derive(Debug)]
pub(crate) struct MapFigure {
    pub(crate) name: &'static str,
    unit: Unit,
    of: fn(MapRef<'_>, &MapFigures) -> Option<u64>,
    advice: &'static str,
}

/// A figure of the live objects of one type.
#[derive(Debug)]
pub(crate) struct TypeFigure {
    pub(crate) name: &'static str,
    unit: Unit,
    of: fn(&TypeRow) -> Option<u64>,
}

/// Which findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FindingKind {
    Any,
    /// Of this severity or above: an index of [`FindingKind::SEVERITIES`].
    From(usize),
    /// Of the rule with this code.
    Rule(&'static str),
}

/// There is one entry of each, and none is compared but with itself.
impl PartialEq for Total {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl PartialEq for MapFigure {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl PartialEq for TypeFigure {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

const HELD: &str = "`mapscope dominators` shows who holds it, and `mapscope inspect` what could be freed.";
const PARTS: &str = "`mapscope inspect` shows where resident memory went.";
const WAITING: &str = "`mapscope goroutines` shows where they wait, and which of them nothing can wake any more.";

const fn total(
    name: &'static str,
    unit: Unit,
    figures: &'static [Figure],
    of: fn(&Inspection) -> Option<u64>,
    advice: &'static str,
) -> Total {
    Total { name, unit, of: Of::Inspection(of), figures, advice }
}

impl Total {
    /// All there are.
    pub(crate) const ALL: [Self; 14] = [
        total("live", Unit::Bytes, &[Figure::Live], |i| Some(i.heap.live_bytes), HELD),
        total("live_objects", Unit::Count, &[Figure::Live], |i| Some(i.heap.live_objects), HELD),
        total(
            "objects",
            Unit::Count,
            &[Figure::Objects],
            |i| Some(i.heap.objects),
            "Objects count until they are collected; live_objects does without garbage.",
        ),
        total(
            "garbage",
            Unit::Bytes,
            &[Figure::Live, Figure::Memory],
            |i| Some(i.memory.heap_garbage_bytes),
            "Garbage grows until the next collection: GOGC and GOMEMLIMIT say when that is.",
        ),
        total(
            "fragmentation",
            Unit::Bytes,
            &[Figure::Objects, Figure::Memory],
            |i| Some(i.memory.heap_fragmentation_bytes),
            PARTS,
        ),
        total("free", Unit::Bytes, &[Figure::Memory], |i| i.memory.heap_free_bytes, PARTS),
        total("stacks", Unit::Bytes, &[Figure::RuntimeMemory], |i| Some(i.memory.stacks_bytes), WAITING),
        total("runtime", Unit::Bytes, &[Figure::RuntimeMemory], |i| i.memory.runtime_bytes, PARTS),
        total("binary", Unit::Bytes, &[Figure::Memory], |i| i.memory.binary_bytes, PARTS),
        total("other", Unit::Bytes, &[Figure::RuntimeMemory], |i| i.memory.other_bytes, PARTS),
        total("rss", Unit::Bytes, &[Figure::Memory], |i| i.memory.rss_bytes, PARTS),
        total("maps", Unit::Count, &[Figure::Maps], |i| Some(i.maps.len() as u64), "`mapscope maps` lists them all."),
        Self {
            name: "goroutines",
            unit: Unit::Count,
            figures: &[Figure::Goroutines],
            of: Of::Goroutines(|g| Some(g.program_goroutines)),
            advice: WAITING,
        },
        Self {
            name: "leaked_goroutines",
            unit: Unit::Count,
            figures: &[Figure::Leaks],
            of: Of::Goroutines(|g| g.leaked_goroutines),
            advice: WAITING,
        },
    ];

    fn measure(&self, facts: &Facts) -> Result<u64, String> {
        let (value, why) = match self.of {
            Of::Inspection(of) => (of(&facts.inspection), None),
            Of::Goroutines(of) => (of(&facts.goroutines), facts.goroutines.leaks_unknown.clone()),
        };
        value.ok_or_else(|| absent(self.name, &facts.inspection, why))
    }
}

const REMAKE: &str =
    "A Go map never shrinks: what is left of it has to be copied into a map made anew. `mapscope map` draws it.";
const ENTRIES: &str = "Entries are put in and not taken out: bound the map, or delete what is done. `mapscope map` says who holds it and which code filled it.";

const fn figure(
    name: &'static str,
    unit: Unit,
    of: fn(MapRef<'_>, &MapFigures) -> Option<u64>,
    advice: &'static str,
) -> MapFigure {
    MapFigure { name, unit, of, advice }
}

impl MapFigure {
    /// All there are, named as the JSON names them, without `_bytes`.
    pub(crate) const ALL: [Self; 13] = [
        figure("entries", Unit::Count, |_, f| Some(f.entries), ENTRIES),
        figure("slots", Unit::Count, |_, f| Some(f.slots), REMAKE),
        figure("groups", Unit::Count, |_, f| Some(f.groups), REMAKE),
        figure("holes", Unit::Count, |_, f| Some(f.holes), REMAKE),
        figure("tombstones", Unit::Count, |_, f| f.tombstones, REMAKE),
        figure("overflow_buckets", Unit::Count, |_, f| f.overflow_buckets, REMAKE),
        figure(
            "zero_values",
            Unit::Count,
            |_, f| f.zero_values,
            "Entries were overwritten with zero values where they could have been deleted: use delete(m, key).",
        ),
        figure("table", Unit::Bytes, |_, f| Some(f.table_bytes), REMAKE),
        figure("indirect", Unit::Bytes, |_, f| Some(f.indirect_bytes), ENTRIES),
        figure(
            "padding",
            Unit::Bytes,
            |_, f| Some(f.padding_bytes),
            "`mapscope layout` has the order of fields that takes least.",
        ),
        figure("old_buckets", Unit::Bytes, |_, f| f.old_buckets_bytes, REMAKE),
        figure("reclaimable", Unit::Bytes, |_, f| Some(f.reclaimable_bytes), REMAKE),
        figure("retained", Unit::Bytes, |map, _| map.retained_bytes(), ENTRIES),
    ];
}

impl TypeFigure {
    /// All there are.
    pub(crate) const ALL: [Self; 3] = [
        Self { name: "count", unit: Unit::Count, of: |t| Some(t.count) },
        Self { name: "shallow", unit: Unit::Bytes, of: |t| Some(t.shallow_bytes) },
        Self { name: "retained", unit: Unit::Bytes, of: |t| t.retained_bytes },
    ];
}

impl FindingKind {
    /// Most urgent first.
    pub(crate) const SEVERITIES: [&'static str; 3] = ["high", "medium", "low"];

    fn has(self, finding: &FindingRow) -> bool {
        match self {
            Self::Any => true,
            Self::From(least) => Self::SEVERITIES[..=least].contains(&finding.severity.as_str()),
            Self::Rule(code) => finding.rule == code,
        }
    }
}

/// One figure of one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Measured {
    pub(super) name: String,
    pub(super) type_name: Option<String>,
    pub(super) addr: Option<String>,
    pub(super) value: u64,
}

/// One figure of one map or type, of which there can be millions.
#[derive(Clone, Copy)]
struct Part<'i> {
    name: &'i str,
    type_name: Option<&'i str>,
    /// The map.
    map: Option<MapRef<'i>>,
    value: u64,
}

impl Part<'_> {
    fn measured(self) -> Measured {
        Measured {
            name: self.name.to_owned(),
            type_name: self.type_name.map(str::to_owned),
            addr: self.map.map(MapRef::addr),
            value: self.value,
        }
    }

    /// Whether this is worse than another one: more of it, or named before it.
    fn is_worse(self, other: Self) -> bool {
        let key = |part: Self| (Reverse(part.value), part.name, part.map.map(MapRef::address));
        key(self) < key(other)
    }
}

/// What there is of a subject.
#[derive(Debug, Default)]
pub(super) struct Measurement {
    /// The figures above the limit; if none is, the worst.
    pub(super) figures: Vec<Measured>,
    /// How many things were counted, where that is not one figure by nature.
    pub(super) matched: Option<u64>,
}

impl Subject {
    pub(crate) fn unit(&self) -> Unit {
        match self {
            Self::Total(total) => total.unit,
            Self::Map(_, figure) => figure.unit,
            Self::Type(_, figure) => figure.unit,
            Self::Goroutines(_) | Self::Findings(_) => Unit::Count,
        }
    }

    /// The figures that it is worked out from: with one of them it is uncertain.
    pub(super) fn figures(&self) -> &'static [Figure] {
        match self {
            Self::Total(total) => total.figures,
            Self::Map(_, figure) if figure.name == "retained" => &[Figure::Maps, Figure::Owners, Figure::Retained],
            Self::Map(..) => &[Figure::Maps, Figure::Owners],
            Self::Type(_, figure) if figure.name == "retained" => &[Figure::Types, Figure::Retained],
            Self::Type(..) => &[Figure::Types],
            Self::Goroutines(_) => &[Figure::Goroutines],
            Self::Findings(_) => &[Figure::Findings],
        }
    }

    /// Whether a saved inspection has it, so that it can be compared.
    pub(crate) fn is_in_inspections(&self) -> bool {
        match self {
            Self::Total(total) => matches!(total.of, Of::Inspection(_)),
            Self::Map(..) | Self::Type(..) => true,
            Self::Goroutines(_) | Self::Findings(_) => false,
        }
    }

    pub(super) fn advice(&self) -> String {
        match self {
            Self::Total(total) => total.advice.to_owned(),
            Self::Map(_, figure) => figure.advice.to_owned(),
            Self::Type(..) => "`mapscope path TARGET TYPE` shows who holds them.".to_owned(),
            Self::Goroutines(_) => WAITING.to_owned(),
            Self::Findings(_) => "`mapscope rule CODE` explains a finding, with the code that fixes it.".to_owned(),
        }
    }

    /// What the goroutines of a budget have on their stacks.
    pub(crate) fn function(&self) -> Option<&Glob> {
        if let Self::Goroutines(glob) = self { Some(glob) } else { None }
    }

    /// What there is of it above a limit; an error says why it cannot be known, or that nothing matches.
    pub(super) fn measure(&self, name: &str, facts: &Facts, limit: u64) -> Result<Measurement, String> {
        let one = |value| Measured { name: name.to_owned(), value, ..Measured::default() };
        let only = |value| Measurement { figures: vec![one(value)], matched: None };
        match self {
            Self::Total(total) => Ok(only(total.measure(facts)?)),
            Self::Map(..) | Self::Type(..) => {
                let (mut figures, mut worst, mut matched) = (Vec::new(), None, 0);
                self.each_part(&facts.inspection, |part| {
                    matched += 1;
                    if part.value > limit {
                        figures.push(part.measured());
                    } else if worst.is_none_or(|worst| part.is_worse(worst)) {
                        worst = Some(part);
                    }
                })?;
                if matched == 0 {
                    return Err(self.unmatched(facts));
                }
                if figures.is_empty() {
                    figures.extend(worst.map(Part::measured));
                }
                Ok(Measurement { matched: Some(matched), figures })
            }
            Self::Goroutines(glob) => {
                let has = |g: &&GoroutineRow| g.stack.iter().chain(&g.created_by).any(|f| glob.matches(&f.function));
                let found: Vec<_> = facts.goroutines.groups.iter().filter(has).collect();
                if found.is_empty() && facts.functions.iter().all(|f| !glob.matches(f)) {
                    return Err(self.unmatched(facts));
                }
                Ok(only(found.iter().map(|g| g.count).sum()))
            }
            Self::Findings(kind) => Ok(only(facts.inspection.findings.iter().filter(|f| kind.has(f)).count() as u64)),
        }
    }

    /// The findings behind a budget that is broken by `offenders`.
    pub(super) fn findings(&self, inspection: &Inspection, offenders: &[&str]) -> Vec<FindingRow> {
        let about = |f: &&FindingRow| match self {
            Self::Findings(kind) => kind.has(f),
            Self::Map(..) => offenders.contains(&f.subject.as_str()),
            _ => false,
        };
        inspection.findings.iter().filter(about).cloned().collect()
    }

    /// Whether no map or type of an inspection matches.
    pub(super) fn matches_nothing(&self, inspection: &Inspection) -> bool {
        let mut none = true;
        self.each_part(inspection, |_| none = false).is_ok() && none
    }

    /// The maps or types of an inspection that match, one after the other.
    fn each_part<'i>(&self, inspection: &'i Inspection, mut look: impl FnMut(Part<'i>)) -> Result<(), String> {
        match self {
            Self::Map(glob, figure) => {
                for map in inspection.maps.iter().filter(|map| glob.matches(map.owner())) {
                    look(of_map(map, figure)?);
                }
            }
            Self::Type(glob, figure) => {
                for t in inspection.types.iter().filter(|t| glob.matches(&t.type_name)) {
                    let value =
                        (figure.of)(t).ok_or_else(|| format!("{} has no figure {}", t.type_name, figure.name))?;
                    look(Part { name: &t.type_name, type_name: None, map: None, value });
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The figure of the whole program in a saved inspection; the parts added up by name, for names may repeat.
    pub(super) fn by_name(
        &self,
        name: &str,
        inspection: &Inspection,
    ) -> Result<BTreeMap<(String, Option<String>), u64>, String> {
        let Self::Total(total) = self else {
            let mut sums = BTreeMap::new();
            self.each_part(inspection, |part| {
                let key = (part.name.to_owned(), part.type_name.map(str::to_owned));
                let sum: &mut u64 = sums.entry(key).or_default();
                *sum = sum.saturating_add(part.value);
            })?;
            return Ok(sums);
        };
        let value = match total.of {
            Of::Inspection(of) => of(inspection),
            Of::Goroutines(_) => None,
        };
        let value = value.ok_or_else(|| absent(total.name, inspection, None))?;
        Ok(BTreeMap::from([((name.to_owned(), None), value)]))
    }

    /// That nothing matches, and what might have been meant.
    pub(super) fn unmatched(&self, facts: &Facts) -> String {
        let inspection = &facts.inspection;
        let (what, glob, names): (_, _, Vec<&str>) = match self {
            Self::Map(glob, _) => ("map", glob, inspection.maps.owners().collect()),
            Self::Type(glob, _) => {
                ("type of a live object", glob, inspection.types.iter().map(|t| t.type_name.as_str()).collect())
            }
            Self::Goroutines(glob) => ("function", glob, facts.functions.iter().map(String::as_str).collect()),
            Self::Total(_) | Self::Findings(_) => return String::new(),
        };
        let wanted = glob.text().trim_end_matches('*').trim_end_matches('.');
        let near = near(names.into_iter(), wanted);
        let hint = if near.is_empty() { String::new() } else { format!("; did you mean {}?", near.join(" or ")) };
        format!("no {what} matches `{}`, so nothing was checked{hint}", glob.text())
    }
}

fn of_map<'i>(map: MapRef<'i>, figure: &MapFigure) -> Result<Part<'i>, String> {
    let (owner, type_name) = (map.owner(), map.type_name());
    let Some(figures) = map.figures() else {
        let why = map.torn_reason().unwrap_or("its counts do not add up");
        return Err(format!("{owner} at {} is torn ({why}): it has no figures; try again", map.addr()));
    };
    let value = (figure.of)(map, figures).ok_or_else(|| {
        let (implementation, name) = (map.implementation(), figure.name);
        format!("{owner} is a {implementation} map of type {type_name}, which has no figure {name}")
    })?;
    Ok(Part { name: owner, type_name: Some(type_name), map: Some(map), value })
}

fn absent(name: &str, inspection: &Inspection, why: Option<String>) -> String {
    let why = why.unwrap_or_else(|| format!("a {} does not say", inspection.target.kind));
    format!("{name} is not known: {why}")
}
