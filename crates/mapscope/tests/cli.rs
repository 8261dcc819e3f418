//! The program as a user meets it: help, mistakes, exit codes, pipes, files.

mod common;

use std::fs;
use std::process::Stdio;

use common::{failure, mapscope, run, scratch, stdout, success};

const COMMANDS: [&str; 16] = [
    "demo",
    "inspect",
    "maps",
    "map",
    "types",
    "dominators",
    "path",
    "cycles",
    "goroutines",
    "export",
    "capture",
    "diff",
    "size",
    "layout",
    "completions",
    "man",
];

#[test]
fn every_help_ends_in_examples() {
    for command in COMMANDS {
        for flag in ["--help", "-h"] {
            let output = run(&[command, flag]);
            assert_eq!(output.status.code(), Some(0), "{command}");
            let help = stdout(&output);
            let (_, examples) = help.split_once("\nExamples:\n").unwrap_or_else(|| panic!("{command} {flag}: {help}"));
            assert!(examples.lines().all(|line| line.starts_with("  mapscope ")), "{command}: {examples}");
        }
    }
    let help = stdout(&run(&["--help"]));
    assert!(help.contains("\nExamples:\n  mapscope demo"), "{help}");
    assert!(COMMANDS.iter().all(|command| help.contains(&format!("\n  {command} "))), "{help}");
}

#[test]
fn a_wrong_command_line_is_exit_2() {
    assert!(failure(&[]).contains("Usage: mapscope"));
    assert!(failure(&["inspekt", "1"]).contains("inspect"));
    assert!(failure(&["maps", "1", "--sort", "size"]).contains("tombstones"));
    assert!(failure(&["maps", "1", "--limit", "many"]).contains("--limit"));
}

#[test]
fn mistakes_say_what_and_where_and_what_to_try() {
    let message = failure(&["maps", "1", "--owner", "main.("]);
    assert!(message.starts_with("mapscope: --owner: `main.(` is not a regular expression: "), "{message}");
    assert!(message.contains("; try "), "{message}");
    let message = failure(&["types", "1", "--type", "["]);
    assert!(message.starts_with("mapscope: --type: "), "{message}");
    let message = failure(&["maps", "1", "--min-bytes", "10X"]);
    assert_eq!(message, "mapscope: --min-bytes: `10X` is not a size; try 10MiB, 10M, 512k or 4096\n");
    let message = failure(&["export", "1"]);
    assert!(message.contains("--as <FORM>"), "{message}");
    let message = failure(&["export", "1", "--as", "heap-profile", "--format", "json"]);
    assert!(message.contains("--as names"), "{message}");
    let message = failure(&["inspect", "99999999999"]);
    assert!(message.contains("./99999999999"), "{message}");
}

#[test]
fn a_map_has_a_size_before_it_is_written() {
    let text = success(&["size", "map[int]int", "--entries", "8"]);
    assert!(text.contains("192 B") && text.contains("make(map[int]int, 8)"), "{text}");
    let range = text.lines().find(|line| line.trim_start().starts_with("range"));
    assert!(range.is_some_and(|line| line.matches("exact").count() == 2), "{text}");
    let text = success(&["size", "map[string]*User", "--entries", "10M", "--churn"]);
    assert!(text.contains('≈') && text.contains("churned, up to") && text.contains("10_000_000"), "{text}");
    let json = success(&["size", "--key-bytes", "8", "--value-bytes", "8", "--entries", "8", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(json["schema"], "mapscope.size/1");
    assert_eq!(json["maps"][0]["grown"]["expected_bytes"], 192);
    let message = failure(&["size", "map[string]User", "--entries", "1"]);
    assert!(message.contains("User has a name of its own") && message.contains("--exe"), "{message}");
    assert!(failure(&["size", "map[int]int"]).contains("--entries"));
    assert!(failure(&["size", "--entries", "1"]).contains("a map type is missing"));
    assert!(failure(&["layout", env!("CARGO_BIN_EXE_mapscope")]).contains("is not a Go program"));
    assert!(failure(&["layout", "4194305"]).contains("there is no process 4194305"));
}

#[test]
fn targets_that_are_none() {
    // One above the largest pid that Linux can be made to give out.
    let message = failure(&["inspect", "4194305"]);
    assert!(message.starts_with("mapscope: there is no process 4194305"), "{message}");
    assert!(message.contains("another pid namespace"), "{message}");
    let message = failure(&["maps", "./no/such/core"]);
    assert_eq!(message, "mapscope: ./no/such/core: No such file or directory (os error 2)\n");
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    assert!(failure(&["types", manifest]).contains("is not an ELF file"));
    assert!(failure(&["map", env!("CARGO_BIN_EXE_mapscope"), "main.x"]).contains("not a core"));
}

#[test]
fn a_failure_leaves_an_existing_file_alone() {
    let file = scratch("keep").join("result.json");
    fs::write(&file, "before").expect("a file");
    let path = file.to_str().expect("the path is UTF-8");
    failure(&["inspect", "./no/such/core", "-o", path]);
    assert_eq!(fs::read_to_string(&file).expect("the file"), "before");
}

#[test]
fn a_core_is_not_overwritten_by_its_own_result() {
    let file = scratch("spare").join("core");
    fs::write(&file, "evidence").expect("a file");
    let path = file.to_str().expect("the path is UTF-8");
    assert!(failure(&["maps", path, "-o", path]).contains("is what is examined"));
    assert_eq!(fs::read_to_string(&file).expect("the file"), "evidence");
}

#[test]
fn the_result_can_go_to_a_file() {
    let file = scratch("output").join("mapscope.fish");
    let path = file.to_str().expect("the path is UTF-8");
    let output = run(&["completions", "fish", "--output", path]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0), "{output:?}");
    assert!(fs::read_to_string(&file).expect("the file").contains("complete -c mapscope"));
    assert!(success(&["completions", "fish", "-o", "-"]).contains("complete -c mapscope"));
    let message = failure(&["completions", "fish", "-o", "/no/such/directory/file"]);
    assert!(message.starts_with("mapscope: /no/such/directory/file: cannot be written: "), "{message}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for args in [&["completions", "bash"][..], &["demo"], &["demo", "--format", "json"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        // Closed before the program starts: its first write fails, whatever the machine is doing.
        drop(reader);
        let child = mapscope(args).stdout(writer).stderr(Stdio::piped()).spawn().expect("mapscope runs");
        let output = child.wait_with_output().expect("mapscope ends");
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        assert!(output.stderr.is_empty(), "{args:?}: {output:?}");
    }
}

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stdout(&run(&["completions", shell]));
        assert!(script.contains("mapscope") && script.contains("min-bytes"), "{shell}");
    }
    assert!(failure(&["completions", "tcsh"]).contains("bash"));
}

#[test]
fn every_command_has_a_man_page() {
    let dir = scratch("man").join("man1");
    let output = run(&["man", dir.to_str().expect("the path is UTF-8")]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for command in COMMANDS {
        let page = fs::read_to_string(dir.join(format!("mapscope-{command}.1"))).expect("a page");
        assert!(page.contains("Examples:"), "{command}: {page}");
    }
    assert!(dir.join("mapscope.1").exists());
}

/// The demo, saved as a document that `change` has altered.
fn saved(name: &str, change: impl Fn(&mut serde_json::Value)) -> String {
    let file = scratch(name).join("saved.json");
    let mut document = serde_json::from_str(&success(&["demo", "--format", "json"])).expect("it is JSON");
    change(&mut document);
    fs::write(&file, document.to_string()).expect("a file");
    file.to_str().expect("the path is UTF-8").to_owned()
}

#[test]
fn saved_inspections_are_compared() {
    let before = saved("diff-before", |_| ());
    let same = success(&["diff", &before, &before]);
    assert!(same.contains("The live heap is steady at 39.9 MiB.") && same.contains("Maps (nothing changed)"), "{same}");
    assert!(same.lines().all(|line| line.chars().count() <= 100), "{same}");
    let after = saved("diff-after", |document| {
        document["maps"][0]["entries"] = 599_000.into();
        document["target"]["go_version"] = "go1.23.4".into();
        document["target"]["exe"] = "/opt/other".into();
    });
    // The other way round: it drained.
    let drained = success(&["diff", &after, &before, "--owner", "byID"]);
    for what in
        ["different programs (other, sessions)", "(go1.23.4, go1.27.3)", "drained", "2,000 of 599,000 entries left"]
    {
        assert!(drained.contains(what), "{what}: {drained}");
    }
    assert!(!drained.contains("main.metrics"), "{drained}");
    let markdown = success(&["diff", &after, &before, "--format", "markdown"]);
    assert!(
        markdown.starts_with("**The live heap is steady at 39.9 MiB.** `main.sessions.byID` is drained"),
        "{markdown}"
    );
    let row =
        "| `main.sessions.byID` | `map[string]*main.Session` | 599,000 → 2,000 | 26.7 MiB | 26.8 MiB | 0 B | drained |";
    assert!(markdown.lines().any(|line| line == row), "{markdown}");
}

#[test]
fn what_a_limit_left_out_is_not_gone() {
    let whole = saved("diff-whole", |_| ());
    let file = scratch("diff-limited").join("limited.json");
    let limited = file.to_str().expect("the path is UTF-8");
    success(&["demo", "--format", "json", "--limit", "3", "-o", limited]);
    let text = success(&["diff", &whole, limited]);
    assert!(text.contains("lists 3 of 57 maps and") && text.contains("is neither new nor gone"), "{text}");
    assert!(text.contains("not listed on each side") && !text.contains("  gone"), "{text}");
    let message = failure(&["diff", &whole, limited, "-o", limited]);
    assert!(message.contains("is what is examined"), "{message}");
}

#[test]
fn files_that_are_no_inspection_say_what_is_needed() {
    let good = saved("diff-good", |_| ());
    let refused = |name: &str, change: &dyn Fn(&mut serde_json::Value)| failure(&["diff", &good, &saved(name, change)]);
    let newer = refused("diff-newer", &|d| d["schema"] = "mapscope.inspect/2".into());
    assert!(
        newer.contains("saved.json: mapscope.inspect/2 is of another mapscope: this one reads mapscope.inspect/1"),
        "{newer}"
    );
    let other = refused("diff-other", &|d| d["schema"] = "mapscope.maps/1".into());
    assert!(other.contains("is mapscope.maps/1, which `mapscope maps` writes; inspections are compared"), "{other}");
    let broken = refused("diff-broken", &|d| d["maps"] = "none".into());
    assert!(broken.contains("is not what `mapscope inspect --format json -o FILE` writes: invalid type"), "{broken}");
    assert!(failure(&["diff", &good, "./no/such/file"]).contains("./no/such/file: No such file"));
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    assert!(failure(&["diff", &good, manifest]).contains("is not an ELF file"));
    let html = failure(&["diff", &good, &good, "--format", "html", "-o", "/dev/null"]);
    assert!(html.contains("put the process or the core last"), "{html}");
    let huge = saved("diff-huge", |d| d["maps"][0]["entries"] = u64::MAX.into());
    assert!(success(&["diff", &good, &huge]).contains("main.sessions.byID"));
}
