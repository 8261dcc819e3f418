//! Programs after public reports (`testbed/cases`): every map is listed with the entries that the program states, nearly
//! all live bytes have a type, the first holder is the one that a person would name, and a finding points to the cause.
//!
//! What does not hold yet is in `OPEN`, with the reason, and has to be wrong: a mend is noticed, and takes its row away.

use std::fs;

use serde_json::Value;

use crate::common::document;
use crate::{Target, testbed};

/// What must be said of one program.
struct Case {
    name: &'static str,
    /// How the name of the first holder may begin. A program without names has none to begin with.
    holders: &'static [&'static str],
    /// There is a finding of one of these. None where nothing is wrong.
    causes: &'static [Cause],
    /// Other ones for programs without names.
    stripped: Option<&'static [Cause]>,
}

/// A rule, and a word in the subject, summary or advice of its finding.
type Cause = (&'static str, &'static str);

const fn case(name: &'static str, holders: &'static [&'static str], causes: &'static [Cause]) -> Case {
    Case { name, holders, causes, stripped: None }
}

impl Case {
    const fn stripped(self, causes: &'static [Cause]) -> Self {
        Self { stripped: Some(causes), ..self }
    }
}

const CASES: &[Case] = &[
    case("accounts", &["main.srv", "main.substr"], &[("GH005", "main.leakRecv")]),
    case("arenas", &["main.open"], &[("GH009", "arena")]),
    case("cgohandle", &["runtime/cgo.handles"], &[("GH012", "Handle.Delete")])
        .stripped(&[("GH015", "cgo.Handle without Delete")]),
    case("cleanupself", &["main.", "cleanup", "finalizer"], &[("GH016", "main.conn")]),
    case("condowner", &["goroutine main.run", "goroutine main.(*Client).writeLoop"], &[("GM009", "subs[]")]),
    case("ctxcancel", &["main.sched"], &[("GH013", "defer cancel()")]),
    case("ctxchain", &["goroutine main.main"], &[("GH009", "valueCtx")]),
    case("deferloop", &["goroutine main.consume"], &[("GH009", "defer")]),
    case("fieldname", &["main.g"], &[]),
    case("frames", &["main.labels"], &[]),
    case("holders", &["main.", "goroutine main."], &[]),
    case("hugevals", &["main.tree"], &[("GM001", "main.fat")]).stripped(&[("GM001", "bss+")]),
    case("lrulist", &["main.endpoints"], &[("GH009", "main.endpoints")]).stripped(&[]),
    case("nankeys", &["main.scores"], &[("GM017", "NaN")]),
    case("poolmaps", &["goroutine main.main"], &[("GH011", "The pool keeps")]),
    case("sharedgraph", &["main.users"], &[]),
    case("spawner", &["goroutine main.(*server).read"], &[]),
    case("spike", &["main.keep"], &[("GH014", "GOMEMLIMIT")]),
    case("sqlrows", &["main.st", "goroutine database/sql"], &[("GH018", "defer rows.Close()")]),
    case("substr", &["main.result", "main.byFile"], &[("GH002", "main.finding.line")]),
    case("timers", &["via timer main.(*Session).expire"], &[("GH010", "main.(*Session).expire")]),
    case("tombmap", &["main.cache"], &[("GM002", "main.cache")]).stripped(&[]),
    case("uniq", &["main.db"], &[]),
    case("weakcache", &["main.cache"], &[("GM016", "weak")]),
];

/// One thing that is said of a program.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Claim {
    /// All maps are listed.
    Maps,
    /// They have the owners that the program states; with debug information alone.
    Owners,
    /// Live bytes have types.
    Types,
    /// The first holder is who a person would name; without names, it is at least one holder.
    Holder,
    /// A finding points to the cause.
    Cause,
    /// Findings promise no more than there is.
    Promises,
    /// Nothing is partial; with debug information alone.
    Whole,
}

/// What does not hold yet.
struct Open {
    case: &'static str,
    /// In the builds that have this in their name.
    builds: &'static str,
    claim: Claim,
    #[allow(dead_code, reason = "for who reads it")]
    reason: &'static str,
}

const fn open(case: &'static str, builds: &'static str, claim: Claim, reason: &'static str) -> Open {
    Open { case, builds, claim, reason }
}

const OPEN: &[Open] = &[
    open("arenas", "", Claim::Cause, "no rule knows arenas"),
    open("arenas", "", Claim::Types, "what lies in an arena has no type"),
    open("arenas", "default", Claim::Owners, "the names of fields within an arena are not known"),
    open("arenas", "default", Claim::Whole, "pages of an arena are in no account, and are called damage"),
    open("poolmaps", "default", Claim::Owners, "the variable has no place in the debug information there"),
    open("spawner", "stripped", Claim::Types, "a buffer that only an unnamed slot of a stack leads to"),
    open("tombmap", "default", Claim::Cause, "no rule knows nodes that are marked"),
    open("uniq", "1.23.9-stripped", Claim::Types, "inner nodes of the table of package unique"),
    open("uniq", "1.24.11-stripped", Claim::Types, "inner nodes of the table of package unique"),
    open("uniq", "1.23.9-default", Claim::Holder, "the cleanups of package unique share what the program holds"),
    open("uniq", "1.24.11-default", Claim::Holder, "the cleanups of package unique share what the program holds"),
];

/// Live bytes without a type, at most: with debug information, and without.
const UNTYPED: f64 = 0.02;
const UNTYPED_STRIPPED: f64 = 0.05;

/// What is wrong with what is said of one program.
fn complaints(case: &Case, stripped: bool, truth: &Value, document: &Value) -> Vec<(Claim, String)> {
    let mut wrong = maps(stripped, truth, document);
    let live = number(&document["heap"]["live_bytes"]);
    let untyped: u64 =
        rows(document, "types").filter(|t| t["type"] == "(unknown)").map(|t| number(&t["shallow_bytes"])).sum();
    let share = untyped as f64 / live as f64;
    if share > if stripped { UNTYPED_STRIPPED } else { UNTYPED } {
        wrong.push((Claim::Types, format!("{:.1}% of live bytes have no type", share * 100.0)));
    }
    let holder = document["holders"][0]["name"].as_str().unwrap_or_default();
    if holder == "(shared)" || !stripped && !case.holders.iter().any(|start| holder.starts_with(start)) {
        wrong.push((Claim::Holder, format!("the first holder is {holder}")));
    }
    let causes = case.stripped.filter(|_| stripped).unwrap_or(case.causes);
    if !causes.is_empty() && !causes.iter().any(|cause| rows(document, "findings").any(|f| says(f, cause))) {
        wrong.push((Claim::Cause, format!("there is none of the findings {causes:?}")));
    }
    // What is free already is promised to the system, not of what lives.
    let promised = |f: &Value| number(&f["reclaimable_bytes"]) - f["not_live_bytes"].as_u64().unwrap_or(0);
    let promised: u64 = rows(document, "findings").map(promised).sum();
    if promised > live + number(&document["memory"]["heap_garbage_bytes"]) {
        wrong.push((Claim::Promises, format!("{promised} bytes are promised of {live}")));
    }
    if let Some(reason) = rows(document, "partial").next().filter(|_| !stripped) {
        wrong.push((Claim::Whole, format!("it is partial: {reason}")));
    }
    wrong
}

/// Maps are told apart by their entries: each kind has a number of its own.
fn maps(stripped: bool, truth: &Value, document: &Value) -> Vec<(Claim, String)> {
    let mut wrong = Vec::new();
    for said in rows(truth, "maps") {
        let (owner, count) = (said["owner"].as_str().expect("an owner"), number(&said["count"]));
        let alike: Vec<&Value> = rows(document, "maps").filter(|row| row["entries"] == said["entries"]).collect();
        // Several rows of the truth may have the same entries; together they need as many maps.
        let same = rows(truth, "maps").filter(|other| other["entries"] == said["entries"]);
        let needed: u64 = same.map(|other| number(&other["count"])).sum();
        if (alike.len() as u64) < needed {
            wrong.push((Claim::Maps, format!("{} of {needed} maps with {} entries", alike.len(), said["entries"])));
        } else if !stripped && !owner.is_empty() {
            let named = |row: &&&Value| without_number(row["owner"].as_str().unwrap_or_default()) == owner;
            let found = alike.iter().filter(named).count() as u64;
            if found < count {
                let other = alike.iter().find(|row| !named(row)).map_or(&Value::Null, |row| &row["owner"]);
                wrong.push((Claim::Owners, format!("{found} of {count} are of {owner}, but of {other}")));
            }
        }
    }
    wrong
}

fn rows<'v>(document: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    document[name].as_array().into_iter().flatten()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn says(finding: &Value, (rule, word): &Cause) -> bool {
    let text = |field: &str| finding[field].as_str().unwrap_or_default();
    text("rule") == *rule && ["subject", "summary", "advice"].iter().any(|field| text(field).contains(word))
}

/// `goroutine 7 main.run: srv` is `goroutine main.run: srv`.
fn without_number(owner: &str) -> String {
    match owner.strip_prefix("goroutine ").and_then(|rest| rest.split_once(' ')) {
        Some((number, rest)) if number.bytes().all(|b| b.is_ascii_digit()) => format!("goroutine {rest}"),
        _ => owner.to_owned(),
    }
}

/// Checks every case that one version of Go has built, and that is asked for.
fn check_all(version: &str) {
    let list = fs::read(testbed().join("matrix.json")).expect("the matrix; run `cargo xtask testbed` first");
    let list: Vec<Value> = serde_json::from_slice(&list).expect("the matrix is a list");
    let only = std::env::var("MAPSCOPE_ONLY").unwrap_or_default();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let (mut seen, mut wrong) = (0, Vec::new());
    for row in list.iter().filter(|row| text(row, "toolchain").starts_with(version)) {
        let (toolchain, variant, program) = (text(row, "toolchain"), text(row, "variant"), text(row, "program"));
        let build = format!("{toolchain}-{variant}");
        let Some(case) = CASES.iter().find(|case| case.name == program) else { continue };
        seen += 1;
        if !format!("{build}/{program}").contains(&only) {
            continue;
        }
        let target = Target::start(&toolchain, &variant, &program);
        let found = document(&["inspect", &target.pid(), "--format", "json"]);
        let found = complaints(case, variant == "stripped", &target.truth, &found);
        target.ends_well();
        let open: Vec<_> = OPEN.iter().filter(|open| open.case == program && build.contains(open.builds)).collect();
        let new = found.iter().filter(|(claim, _)| open.iter().all(|open| open.claim != *claim));
        wrong.extend(new.map(|(claim, what)| format!("{build}/{program}: {claim:?}: {what}")));
        let mended = open.iter().filter(|open| found.iter().all(|(claim, _)| open.claim != *claim));
        wrong.extend(mended.map(|o| format!("{build}/{program}: {:?} holds: take its row out of OPEN", o.claim)));
    }
    assert!(seen > 0, "the testbed has no cases of Go {version}; run `cargo xtask testbed`");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn cases_with_legacy_maps_are_told_as_they_are() {
    check_all("1.23.");
}

#[test]
fn cases_of_the_first_swiss_maps_are_told_as_they_are() {
    check_all("1.24.");
}

#[test]
fn cases_of_the_newest_version_are_told_as_they_are() {
    check_all("1.27.");
}
