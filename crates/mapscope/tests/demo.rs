//! The demo and the core in it, against the truth that the recorded service printed about itself.

mod common;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use common::{USER_DATA, differences, document, failure, leaks, page, run, scratch, success};
use serde_json::Value;

fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("demo").join(name)
}

fn truth() -> Value {
    let text = fs::read_to_string(recorded("sessions.truth.json")).expect("the truth of the demo");
    serde_json::from_str(&text).expect("the truth is JSON")
}

/// The demo's core and executable as files, in a directory of the test's own.
fn unpacked(name: &str) -> (PathBuf, PathBuf) {
    let dir = scratch(name);
    let unpack = |packed: &str, file: &str| {
        let path = dir.join(file);
        let from = File::open(recorded(packed)).expect("a recorded file");
        zstd::stream::copy_decode(from, File::create(&path).expect("a file")).expect("it unpacks");
        path
    };
    (unpack("sessions.core.zst", "core"), unpack("sessions.exe.zst", "sessions"))
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the path is UTF-8")
}

#[test]
fn the_figures_are_what_the_service_said() {
    let (truth, document) = (truth(), document(&["demo", "--format", "json"]));
    let wrong = differences(&truth, &document);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(document.get("partial").is_none(), "{}", document["partial"]);
    assert_eq!(document["target"]["go_version"], truth["go"]);
    assert_eq!(document["target"]["map_impl"], truth["impl"]);
    // What the runtime counted before the core was written is what is found in it, to the byte.
    assert_eq!(document["heap"]["live_bytes"], truth["heap_alloc"]);
    assert_eq!(document["heap"]["live_objects"], truth["heap_objects"]);
    for said in truth["types"].as_array().expect("the truth has types") {
        let mut types = document["types"].as_array().expect("types").iter();
        let row = types.find(|row| row["type"] == said["type"]).expect("every type is listed");
        assert_eq!(row["count"], said["count"], "{}", said["type"]);
    }
}

#[test]
fn the_text_names_the_largest_maps() {
    let out = success(&["demo"]);
    for what in ["Where ", "\nMaps (57, by table bytes)\n", "\nTypes (10 of ", "main.sessions.byID", "1,048,576"] {
        assert!(out.contains(what), "{what}: {out}");
    }
    assert!(out.contains("50 × ") && out.contains("\n  ×: "), "{out}");
    assert!(out.lines().all(|line| line.chars().count() <= 100), "{out}");
    assert!(!out.contains('\u{1b}'), "no colour into a pipe: {out:?}");
    assert!(success(&["demo", "--limit", "1"]).contains("\nMaps (1 of 57, "));
}

#[test]
fn the_report_for_browsers_has_the_same_figures() {
    let file = success(&["demo", "--format", "html"]);
    let (summary, tables) = page(&file);
    let document = document(&["demo", "--format", "json"]);
    assert_eq!(differences(&truth(), &tables), Vec::<String>::new());
    for part in ["memory", "heap", "holders", "suspects"] {
        assert_eq!(summary[part], document[part], "{part}");
    }
    assert_eq!((&summary["totals"]["maps"], &summary["totals"]["types"]), (&57.into(), &54.into()));
    // The same input makes the same file, but for the time it took.
    let again = page(&success(&["demo", "--format", "html"])).1;
    for (part, value) in tables.as_object().expect("an object") {
        assert!(*value == again[part], "{part} is another when it is written again");
    }
    assert!(summary.get("taken_at").is_none(), "a core does not say when it was taken");
    assert_eq!(leaks(&file), Vec::<&str>::new());
    assert_eq!(leaks(&tables.to_string()), Vec::<&str>::new());
    assert!(file.len() < 200_000, "{}", file.len());
}

#[test]
fn every_command_reads_a_core() {
    let (core, exe) = unpacked("core");
    let (core, exe) = (text(&core), text(&exe));
    let truth = truth();
    let with = |args: &[&'static str]| -> Value {
        let mut all = args.to_vec();
        all.extend(["--exe", exe, "--format", "json"].map(|a| a.to_owned().leak() as &str));
        all.insert(1, core.to_owned().leak());
        document(&all)
    };
    let inspected = with(&["inspect"]);
    assert_eq!(differences(&truth, &inspected), Vec::<String>::new());
    let finding = &inspected["findings"][0];
    assert_eq!((&finding["rule"], &finding["severity"]), (&"GM001".into(), &"high".into()));
    assert_eq!(finding["subject"], "main.sessions.byID");
    assert!(inspected["findings"].as_array().is_some_and(|f| f.iter().any(|f| f["subject"] == "main.sessions.tokens")));
    let maps = with(&["maps", "--sort", "zero", "--limit", "1"]);
    assert_eq!((&maps["total_maps"], &maps["maps"][0]["owner"]), (&57.into(), &"main.sessions.tokens".into()));
    let types = with(&["types", "--type", "^main\\.Series$"]);
    assert_eq!((&types["matched_types"], &types["types"][0]["count"]), (&1.into(), &60_000.into()));
    let paths = with(&["path", "^main\\.Series$"]);
    assert_eq!(paths["objects"]["count"], 60_000);
    assert_eq!(paths["paths"][0]["path"], "main.metrics -> Metrics.series -> map value");
    let cycles = with(&["cycles"]);
    assert_eq!((&cycles["with_map"], &cycles["cycles"]), (&0.into(), &serde_json::json!([])));
    let map = with(&["map", "byID"]);
    let sum = |field: &str| -> u64 {
        map["occupancy"].as_array().expect("groups").iter().filter_map(|group| group[field].as_u64()).sum()
    };
    assert_eq!(map["map"]["entries"].as_u64(), Some(sum("entries")));
    assert_eq!(map["map"]["slots"].as_u64(), Some(sum("slots")));
    assert_eq!(map["map"]["tombstones"].as_u64(), Some(sum("tombstones")));
    assert_eq!(map["entries_per_group"][0], map["map"]["holes"]);
    assert_eq!(map["probe_lengths"], serde_json::json!([]));
    let out = success(&["map", core, "byID", "--exe", exe]);
    assert!(out.contains("Occupancy") && !out.contains("Probe"), "{out}");
    let message = failure(&["map", core, "pending", "--exe", exe]);
    assert!(message.starts_with("mapscope: `pending` names 50 maps; give the address of one:\n  0x"), "{message}");
}

#[test]
fn a_core_whose_program_is_gone_asks_for_it() {
    let (core, _) = unpacked("gone");
    let message = failure(&["inspect", text(&core)]);
    assert!(message.contains("/opt/sessions/sessions") && message.contains("--exe PATH"), "{message}");
}

#[test]
fn a_core_that_was_cut_short_is_partial_or_an_error() {
    let (core, exe) = unpacked("cut");
    let whole = fs::metadata(&core).expect("the core").len();
    for part in [3, 2, 1] {
        File::options().write(true).open(&core).and_then(|f| f.set_len(whole * part / 4)).expect("a shorter core");
        let output = run(&["inspect", text(&core), "--exe", text(&exe)]);
        let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        match output.status.code() {
            Some(0) => assert!(said.contains("Partial result"), "{part}/4: {said}"),
            code => assert_eq!((code, said.starts_with("mapscope: ")), (Some(2), true), "{part}/4: {said}"),
        }
    }
}

#[test]
fn nothing_that_users_wrote_is_shown() {
    let (core, exe) = unpacked("private");
    // What is not shown was there to be shown: keys in the core, constants in the executable.
    let files = [&core, &exe].map(|file| fs::read(file).expect("the file"));
    for data in USER_DATA {
        let holds = |file: &Vec<u8>| file.windows(data.len()).any(|w| w == data.as_bytes());
        assert!(files.iter().any(holds), "{data} is nowhere");
    }
    for format in ["text", "json"] {
        for args in [
            &["inspect"][..],
            &["maps"],
            &["types"],
            &["map", "byID"],
            &["map", "agents"],
            &["path", "main"],
            &["cycles"],
        ] {
            let mut all = args.to_vec();
            all.insert(1, text(&core));
            all.extend(["--exe", text(&exe), "--format", format]);
            if args[0] != "map" {
                all.extend(["--limit", "0"]);
            }
            let out = success(&all);
            assert_eq!(leaks(&out), Vec::<&str>::new(), "{args:?} {format}");
        }
    }
}
