//! `diff` of a program that grows and drains when it is told to, against what it says of itself each time.

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::Target;
use super::common::{document, leaks, page, scratch, success};

impl Target {
    /// Sends a command, and waits for the truth about what came of it.
    fn tell(&mut self, command: &str) {
        let stdin = self.stdin.as_mut().expect("it listens");
        stdin.write_all(format!("{command}\n").as_bytes()).expect("it listens");
        let stdout = self.stdout.as_mut().expect("it answers");
        let mut line = String::new();
        while stdout.read_line(&mut line).expect("a line") > 0 && line.trim() != "READY" {
            self.truth = serde_json::from_str(&line).unwrap_or(self.truth.take());
            line.clear();
        }
        assert_eq!(line.trim(), "READY");
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the path is UTF-8")
}

/// An inspection of the program, saved as `name`.
fn save(target: &Target, path: PathBuf) -> PathBuf {
    success(&["inspect", &target.pid(), "--format", "json", "-o", text(&path)]);
    path
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// Entries, slots and table bytes of the map of `owner`, as the program said.
fn said(truth: &Value, owner: &str) -> Option<(i64, i64, i64)> {
    let map = truth["maps"].as_array()?.iter().find(|map| map["owner"] == owner)?;
    let table = number(&map["storage_bytes"]) + number(&map["header_bytes"]);
    Some((number(&map["entries"]), number(&map["slots"]), table))
}

fn row<'d>(diff: &'d Value, kind: &str, name: &str) -> &'d Value {
    let mut rows = diff["rows"].as_array().expect("rows").iter();
    rows.find(|row| row["kind"] == kind && row["name"] == name).unwrap_or_else(|| panic!("no {kind} {name}"))
}

/// Everything that a map's row says of one side, but what it retains and could win.
fn side(figures: &Value) -> Option<(i64, i64, i64)> {
    let of = |name: &str| number(&figures[name]);
    figures.is_object().then(|| {
        assert_eq!(figures["maps"], 1, "{figures}");
        (of("count"), of("slots"), of("bytes"))
    })
}

/// Rows of what the program itself holds: memory differs with how it was read, and threads of the runtime come to rest
/// when they like.
fn things(diff: &Value) -> Vec<&Value> {
    let own = |row: &&Value| {
        let name = row["name"].as_str().expect("a name").trim_start_matches("goroutine ");
        row["kind"] == "map" || (row["kind"] != "total" && name.starts_with("main."))
    };
    let rows: Vec<&Value> = diff["rows"].as_array().expect("rows").iter().filter(own).collect();
    assert!(rows.len() > 12, "{rows:?}");
    rows
}

#[test]
fn what_grew_and_what_drained_is_what_the_program_said() {
    for toolchain in ["1.21.", "1.27."] {
        let directory = scratch(&format!("diff-{toolchain}"));
        let mut target = Target::start(toolchain, "default", "growth");
        let before = save(&target, directory.join("before.json"));
        let first = target.truth.clone();
        target.tell("grow");
        target.tell("drain");
        let diff = document(&["diff", text(&before), &target.pid(), "--format", "json"]);
        check(&diff, &first, &target.truth);
        let sources: Vec<&Value> = diff["inspections"].as_array().expect("two").iter().map(|i| &i["source"]).collect();
        assert_eq!(sources, [text(&before), &format!("pid {}", target.pid())]);
        assert!(diff.get("notes").is_none() && diff.get("partial").is_none(), "{diff}");
        let shown = success(&["diff", text(&before), &target.pid()]);
        for what in [
            "main.sessions",
            "drained",
            "1,000 of 100,000 entries",
            "never shrinks",
            "~main.cache grows with main.index",
        ] {
            assert!(shown.contains(what), "{toolchain} {what}: {shown}");
        }
        assert!(!shown.contains("main.settings"), "it is steady: {shown}");
        assert_eq!(leaks(&shown), Vec::<&str>::new());
        target.ends_well();
    }
}

/// Compares every figure with what the program said before and after.
fn check(diff: &Value, first: &Value, last: &Value) {
    let verdicts = [
        ("main.cache", "grows-with"),
        ("main.index", "grows-with"),
        ("main.sessions", "drained"),
        ("main.settings", "steady"),
        ("main.warmup", "gone"),
        ("main.tenants", "new"),
    ];
    for (owner, verdict) in verdicts {
        let row = row(diff, "map", owner);
        let (before, after) = (said(first, owner), said(last, owner));
        assert_eq!((side(&row["before"]), side(&row["after"])), (before, after), "{owner}");
        let ((had, _, old), (has, _, new)) = (before.unwrap_or_default(), after.unwrap_or_default());
        assert_eq!(
            (number(&row["change"]["count"]), number(&row["change"]["bytes"])),
            (has - had, new - old),
            "{owner}"
        );
        assert_eq!(row["verdict"], verdict, "{row}");
    }
    // The index has two entries for each of the cache.
    let growth = |owner: &str| &row(diff, "map", owner)["growth"][0];
    assert_eq!((&growth("main.cache")["name"], &growth("main.cache")["ratio"]), (&json!("main.index"), &json!(0.5)));
    assert_eq!((&growth("main.index")["name"], &growth("main.index")["ratio"]), (&json!("main.cache"), &json!(2.0)));
    assert_eq!(growth("main.index")["heuristic"], true);
    // Of the package's maps, the cache grew by most bytes, and nothing is deleted from it.
    let findings = diff["findings"].as_array().expect("findings");
    let [finding] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!((&finding["rule"], &finding["subject"]), (&json!("GM015"), &json!("main.cache")));
    let [before, after] = [first, last].map(|truth| said(truth, "main.cache").expect("the cache"));
    let grown = after.2 + 64 * after.0 - before.2 - 64 * before.0;
    let evidence = json!({ "entries_before": before.0, "entries_after": after.0, "grown_bytes": grown });
    assert_eq!(finding["evidence"], evidence);
    // A map retains its table and its entries, of 64 bytes each; the variable no more.
    for (side, truth) in [("before", first), ("after", last)] {
        let (entries, _, table) = said(truth, "main.cache").expect("the cache");
        let held = json!(table + 64 * entries);
        assert_eq!(row(diff, "map", "main.cache")[side]["retained_bytes"], held, "{side}");
        assert_eq!(row(diff, "holder", "main.cache")[side]["retained_bytes"], held, "{side}");
        for said in truth["types"].as_array().expect("types") {
            let name = said["type"].as_str().expect("a name");
            assert_eq!(row(diff, "type", name)[side]["count"], said["count"], "{name} {side}");
        }
        let workers = &truth["retained"][0];
        let row_of = row(diff, "goroutine", workers["name"].as_str().expect("a name"));
        assert_eq!(row_of[side]["retained_bytes"], workers["bytes"], "{side}");
        assert_eq!(number(&row_of[side]["count"]) * 1024, number(&workers["bytes"]), "{side}");
        assert_eq!(row(diff, "total", "live heap")[side]["bytes"], truth["heap_alloc"], "{side}");
        assert_eq!(row(diff, "total", "objects")[side]["count"], truth["heap_objects"], "{side}");
    }
}

#[test]
fn saved_live_or_a_core_the_difference_is_the_same() {
    let directory = scratch("diff-kinds");
    let mut target = Target::start("1.27.", "default", "growth");
    let pid = target.pid();
    let path = |name: &str| directory.join(name);
    let capture = |name: &str| {
        success(&["capture", &pid, "-q", "-o", text(&path(name))]);
        path(name)
    };
    let (saved, core) = (save(&target, path("a.json")), capture("a.core"));
    let first = target.truth.clone();
    target.tell("grow");
    target.tell("drain");
    let (saved_after, core_after) = (save(&target, path("b.json")), capture("b.core"));
    let of = |a: &Path, b: &str| document(&["diff", text(a), b, "--format", "json"]);
    let both_saved = of(&saved, text(&saved_after));
    check(&both_saved, &first, &target.truth);
    for (name, diff) in [
        ("live", of(&saved, &pid)),
        ("cores", of(&core, text(&core_after))),
        ("a core and a file", of(&core, text(&saved_after))),
    ] {
        assert_eq!(things(&diff), things(&both_saved), "{name}");
    }
    // A core that mapscope wrote says when it was taken.
    let cores = of(&core, text(&core_after));
    for inspection in cores["inspections"].as_array().expect("two") {
        assert!(inspection["target"]["taken_at"].is_string() && inspection["target"].get("file_time").is_none());
    }
    assert!(cores.get("notes").is_none(), "{}", cores["notes"]);

    // For a browser: the process, with what changed since the file.
    let report = path("report.html");
    success(&["diff", text(&saved), &pid, "--format", "html", "-o", text(&report)]);
    let (summary, tables) = page(&std::fs::read_to_string(&report).expect("the report"));
    let rows = summary["diff"]["rows"].as_array().expect("changes");
    let cache = rows.iter().find(|r| r["kind"] == "map" && r["name"] == "main.cache").expect("the cache");
    let after = said(&target.truth, "main.cache").expect("the cache");
    // What it retains, as the other views list it: its table, and entries of 64 bytes each.
    assert_eq!((number(&cache["after_count"]), number(&cache["after_bytes"])), (after.0, after.2 + 64 * after.0));
    let row = row(&both_saved, "map", "main.cache");
    for (side, bytes) in [("before", "before_bytes"), ("after", "after_bytes")] {
        assert_eq!(row[side]["retained_bytes"], cache[bytes], "{side}");
    }
    assert_eq!(number(&cache["before_count"]), said(&first, "main.cache").expect("the cache").0);
    assert!(tables["maps"].as_array().is_some_and(|maps| !maps.is_empty()));
    assert!(!rows.iter().any(|r| r["name"] == "main.settings"), "it is steady");
    target.ends_well();
}

#[test]
fn a_process_is_inspected_again_and_nothing_changed() {
    let target = Target::start("1.27.", "default", "growth");
    let diff = document(&["diff", &target.pid(), "--after", "50ms", "--times", "3", "--format", "json"]);
    assert_eq!(diff["inspections"].as_array().map(Vec::len), Some(3));
    let changed: Vec<&Value> = things(&diff).into_iter().filter(|row| row["verdict"] != "steady").collect();
    assert_eq!(changed, Vec::<&Value>::new());
    assert!(diff.get("findings").is_none(), "nothing grew: {}", diff["findings"]);
    assert_eq!(row(&diff, "map", "main.cache")["series"].as_array().map(Vec::len), Some(3));
    let text = success(&["diff", &target.pid(), "--after", "1ms"]);
    assert!(text.contains("The live heap is steady") && text.contains("Maps (nothing changed)"), "{text}");
    target.ends_well();
}

#[test]
fn growth_with_time_takes_three_inspections() {
    let directory = scratch("diff-linear");
    let mut target = Target::start("1.27.", "default", "growth");
    let mut files = Vec::new();
    for minute in [0, 10, 20] {
        let file = save(&target, directory.join(format!("{minute}.json")));
        // As if it had been inspected every ten minutes.
        let mut document: Value = serde_json::from_slice(&std::fs::read(&file).expect("saved")).expect("JSON");
        assert!(document["target"]["taken_at"].as_str().is_some_and(|t| t.ends_with('Z')), "{}", document["target"]);
        document["target"]["taken_at"] = json!(format!("2026-11-21T10:{minute:02}:00Z"));
        std::fs::write(&file, document.to_string()).expect("the inspection");
        files.push(file);
        target.tell("grow");
    }
    let [a, b, c] = [0, 1, 2].map(|file: usize| text(&files[file]));
    let diff = document(&["diff", a, b, c, "--format", "json"]);
    let cache = row(&diff, "map", "main.cache");
    let growth = &cache["growth"][0];
    assert_eq!((&cache["verdict"], &growth["with"]), (&json!("grows-linearly"), &json!("time")));
    // Twenty thousand entries in ten minutes.
    let ratio = growth["ratio"].as_f64().expect("a rate");
    assert!((ratio - 20_000.0 / 600.0).abs() < 1e-3 && growth["r_squared"].as_f64() > Some(0.999_999), "{growth}");
    assert_eq!(cache["growth"][1]["name"], "main.index");
    let shown = success(&["diff", a, b, c]);
    assert!(shown.contains("grows linearly: ≈ 33 entries/s (R² 1.000, 3 inspections)."), "{shown}");
    // In another order, time goes backwards.
    let backwards = success(&["diff", c, b, a]);
    assert!(backwards.contains("give the earliest first") && !backwards.contains("linearly"), "{backwards}");
    target.ends_well();
}

#[test]
fn legacy_and_swiss_maps_are_compared_as_far_as_they_can_be() {
    let directory = scratch("diff-versions");
    let mut swiss = Target::start("1.27.", "default", "growth");
    let legacy = Target::start("1.21.", "default", "growth");
    let before = save(&legacy, directory.join("before.json"));
    swiss.tell("drain");
    let diff = document(&["diff", text(&before), &swiss.pid(), "--format", "json"]);
    let notes: Vec<&str> = diff["notes"].as_array().expect("notes").iter().filter_map(Value::as_str).collect();
    assert_eq!(notes.len(), 2, "{notes:?}");
    assert!(notes[0].starts_with("Built with different versions of Go (go1.21.13, go1.27.3)"), "{notes:?}");
    assert!(notes[1].starts_with("Swiss maps and legacy maps: entries and bytes can be compared"), "{notes:?}");
    for owner in ["main.cache", "main.index", "main.sessions", "main.settings"] {
        let row = row(&diff, "map", owner);
        assert_eq!(
            (side(&row["before"]), side(&row["after"])),
            (said(&legacy.truth, owner), said(&swiss.truth, owner))
        );
    }
    // It has lost nearly all of its entries, but nobody knows how many slots it would have had.
    assert_eq!(row(&diff, "map", "main.sessions")["verdict"], "shrank");
    let report = directory.join("report.html");
    success(&["diff", text(&before), &swiss.pid(), "--format", "html", "-o", text(&report)]);
    let (summary, _) = page(&std::fs::read_to_string(&report).expect("the report"));
    let partial: Vec<&str> = summary["partial"].as_array().expect("notes").iter().filter_map(Value::as_str).collect();
    assert!(partial.iter().any(|note| note.starts_with("In what changed: Swiss maps and legacy maps")), "{partial:?}");
    swiss.ends_well();
    legacy.ends_well();
}
