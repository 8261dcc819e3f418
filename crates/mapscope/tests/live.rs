//! Real child processes: programs of the testbed (`cargo xtask testbed` builds them).

mod common;
#[path = "live/export.rs"]
mod export;
#[path = "live/findings.rs"]
mod findings;

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use common::{differences, document, failure, leaks, success};
use serde_json::Value;

fn testbed() -> PathBuf {
    std::env::var_os("MAPSCOPE_TESTBED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/testbed"), PathBuf::from)
}

/// A program that has said READY; it ends when its standard input does.
struct Target {
    child: Child,
    stdin: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    truth: Value,
}

impl Target {
    /// Starts a program of the matrix.
    fn start(toolchain: &str, variant: &str, program: &str) -> Self {
        Self::start_with(toolchain, variant, program, &[])
    }

    fn start_with(toolchain: &str, variant: &str, program: &str, arguments: &[&str]) -> Self {
        let directory = testbed();
        let matrix = directory.join("matrix.json");
        let list = std::fs::read(&matrix)
            .unwrap_or_else(|e| panic!("{}: {e}; run `cargo xtask testbed` first", matrix.display()));
        let list: Vec<Value> = serde_json::from_slice(&list).expect("the matrix is a list");
        let of = |e: &&Value| {
            e["toolchain"].as_str().is_some_and(|t| t.starts_with(toolchain))
                && e["variant"] == variant
                && e["program"] == program
        };
        let entry = list.iter().find(of);
        let entry = entry.unwrap_or_else(|| panic!("the testbed has no {program} of {toolchain} {variant}"));
        let path = directory.join(entry["path"].as_str().expect("a path"));
        let mut child = Command::new(&path)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|e| panic!("{}: {e}; run `cargo xtask testbed` again", path.display()));
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let output = BufReader::new(stdout.expect("its output")).lines();
        let mut target = Self { child, stdin, output, truth: Value::Null };
        while let Some(line) = target.output.next() {
            let line = line.expect("a line");
            if line == "READY" {
                return target;
            }
            target.truth = serde_json::from_str(&line).unwrap_or(target.truth.take());
        }
        panic!("{} ended before it was ready", path.display());
    }

    /// Sends a line, and reads the answer.
    fn ask(&mut self) -> Value {
        self.stdin.as_mut().expect("its input").write_all(b"\n").expect("it reads");
        let line = self.output.next().expect("it answers").expect("a line");
        serde_json::from_str(&line).expect("the answer is JSON")
    }

    fn pid(&self) -> String {
        self.child.id().to_string()
    }

    /// The program must still be able to end by itself.
    fn ends_well(mut self) {
        drop(self.stdin.take());
        let status = self.child.wait().expect("it ends");
        assert!(status.success(), "{status}");
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_process_is_read_and_runs_on() {
    // The oldest and the newest, which have legacy and Swiss maps.
    for (toolchain, kind) in [("1.21.", "legacy"), ("1.27.", "swiss")] {
        let target = Target::start(toolchain, "default", "maps");
        let document = document(&["inspect", &target.pid(), "--format", "json"]);
        let wrong = differences(&target.truth, &document);
        assert!(wrong.is_empty(), "{toolchain}: {}", wrong.join("\n"));
        assert_eq!(document["target"]["kind"], "process");
        assert_eq!(document["target"]["pid"], target.child.id());
        assert_eq!(document["target"]["map_impl"], kind);
        assert!(document["target"]["paused_ms"].as_f64().is_some_and(|ms| ms > 0.0));
        let memory = document["memory"].as_object().expect("an object");
        let parts = memory.iter().filter(|(key, value)| key.as_str() != "rss_bytes" && value.is_u64());
        let sum: u64 = parts.filter_map(|(_, value)| value.as_u64()).sum();
        assert!(sum > 0 && memory["rss_bytes"].as_u64() == Some(sum), "{memory:?}");
        target.ends_well();
    }
}

#[test]
fn every_command_reads_a_process() {
    let target = Target::start("1.27.", "default", "sessions");
    let pid = target.pid();
    let maps = document(&["maps", &pid, "--owner", "^main\\.sessions\\.", "--format", "json"]);
    assert_eq!((&maps["matched_maps"], &maps["maps"][0]["owner"]), (&3.into(), &"main.sessions.byID".into()));
    let map = document(&["map", &pid, "main.sessions.byID", "--format", "json"]);
    assert_eq!(map["map"]["addr"], maps["maps"][0]["addr"]);
    let by_address = map["map"]["addr"].as_str().expect("an address");
    assert!(success(&["map", &pid, by_address]).contains("\nmain.sessions.byID\n"));
    let types = document(&["types", &pid, "--format", "json"]);
    assert!(types["types"].as_array().is_some_and(|t| t.iter().any(|t| t["type"] == "main.Session")));
    let tree = document(&["dominators", &pid, "--limit", "0", "--min-share", "0", "--depth", "1", "--format", "json"]);
    let top = tree["tree"].as_array().expect("a tree").iter();
    let sum: u64 = top.map(|node| node["retained_bytes"].as_u64().expect("bytes")).sum();
    assert_eq!(tree["heap"]["live_bytes"], sum, "the first level is all that lives");
    assert_eq!(tree["tree"][0]["name"], "main.sessions");
    assert_eq!(tree["tree"][0]["below"][0]["name"], "map[string]*main.Session");
    let commands =
        [&["inspect", &pid][..], &["maps", &pid], &["types", &pid], &["map", &pid, "byID"], &["dominators", &pid]];
    for args in commands {
        assert_eq!(leaks(&success(args)), Vec::<&str>::new(), "{args:?}");
    }
    let message = failure(&["map", &pid, "main.session.byId"]);
    assert!(message.contains("try main.sessions.byID"), "{message}");
    target.ends_well();
}

#[test]
fn paths_and_cycles_of_a_process() {
    let target = Target::start("1.27.", "default", "paths");
    let pid = target.pid();
    let facts = target.truth["facts"].as_array().expect("facts");
    let fact = |what: &str| facts.iter().find(|f| f["fact"] == what).unwrap_or_else(|| panic!("no {what}"));
    let addr = |fact: &Value| fact["addr"].as_str().expect("an address").to_owned();
    let said = facts.iter().find(|f| f["path"].as_str().is_some_and(|p| p.ends_with("×9,999"))).expect("a list");
    let found = document(&["path", &pid, &addr(said), "--format", "json"]);
    assert_eq!((&found["paths"][0]["kind"], &found["paths"][0]["path"]), (&said["kind"], &said["path"]));
    assert_eq!(found["paths"][0]["steps"][0]["times"], 9_999);
    assert_eq!(found["object"]["addr"], said["addr"]);
    let inside = fact("interior");
    let text = success(&["path", &pid, &addr(inside)]);
    let sentence = format!("{} is {} bytes into the main.session at", addr(inside), inside["offset"]);
    assert!(text.contains(&sentence) && text.contains("registry.items"), "{text}");
    assert!(
        success(&["path", &pid, &addr(inside), "--exclude", "global"]).contains("nothing holds it but package var")
    );
    assert!(success(&["path", &pid, &addr(fact("garbage"))]).contains("not live: no root leads to it"));
    let type_paths = document(&["path", &pid, "main.part", "--exclude", "global", "--format", "json"]);
    assert_eq!(type_paths["paths"][0]["path"], "goroutine main.keeper: mine");
    assert_eq!((&type_paths["paths"][0]["count"], &type_paths["total_paths"]), (&7.into(), &1.into()));
    for (what, sentence) in [("free", "in a free slot of 3072 bytes"), ("data", "main.reg"), ("stack", "main.worker")] {
        let message = failure(&["path", &pid, &addr(fact(what))]);
        assert!(message.starts_with("mapscope: 0x") && message.contains(sentence), "{message}");
    }
    assert!(failure(&["path", &pid, "0x10"]).contains("is outside the heap: nothing is mapped there"));
    assert!(failure(&["path", &pid, "main.sesion"]).contains("try main.session"));
    let cycles = document(&["cycles", &pid, "--format", "json"]);
    let with_map = facts.iter().filter(|f| f["fact"] == "cycle" && f["maps"] != serde_json::json!([])).count();
    assert_eq!(cycles["with_map"], with_map);
    assert!(success(&["cycles", &pid, "--all", "--limit", "0"]).contains("ringNode.next ×3"));
    target.ends_well();
}

#[test]
fn leaked_goroutines_come_first() {
    let target = Target::start("1.27.", "default", "blocked");
    let document = document(&["goroutines", &target.pid(), "--format", "json"]);
    let number = |value: &Value| value.as_u64().expect("a number");
    let leaked = target.truth["groups"].as_array().expect("groups").iter().filter(|g| g["leaked"] == true);
    assert_eq!(number(&document["leaked_goroutines"]), leaked.map(|g| number(&g["count"])).sum::<u64>());
    let user = number(&document["total_goroutines"]) - number(&document["system_goroutines"]);
    assert_eq!(user, number(&target.truth["goroutines"]));
    let groups = document["groups"].as_array().expect("groups");
    assert!(groups.is_sorted_by_key(|g| g["leaked"] != true), "leaked groups come first");
    assert_eq!((&groups[0]["count"], &groups[0]["stack"][0]["function"]), (&50.into(), &"main.leakedReceive".into()));
    let text = success(&["goroutines", &target.pid(), "--leaked", "--state", "^select$"]);
    assert!(text.contains("5 × select · leaked\n") && !text.contains("heldSelect"), "{text}");
    target.ends_well();
}

#[test]
fn a_program_that_is_not_go_is_told_so_and_runs_on() {
    let target = Target::start("c", "default", "notgo");
    let message = failure(&["inspect", &target.pid()]);
    assert!(message.starts_with("mapscope: ") && message.contains(" is not a Go program: "), "{message}");
    target.ends_well();
}

#[test]
fn a_heap_that_does_not_fit_says_what_it_needs() {
    let target = Target::start_with("1.27.", "default", "big", &["3000000"]);
    let script = format!("ulimit -v 80000; exec {} inspect {}", env!("CARGO_BIN_EXE_mapscope"), target.pid());
    let output = std::process::Command::new("sh").args(["-c", &script]).output().expect("a shell");
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true), "{message}");
    assert!(message.contains(" objects; reading it needs about "), "{message}");
    target.ends_well();
}
