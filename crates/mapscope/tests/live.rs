//! Real child processes: programs of the testbed (`cargo xtask testbed` builds them).

#[path = "live/capture.rs"]
mod capture;
#[path = "live/cases.rs"]
mod cases;
mod common;
#[path = "live/containers.rs"]
mod containers;
#[path = "live/diff.rs"]
mod diff;
#[path = "live/export.rs"]
mod export;
#[path = "live/findings.rs"]
mod findings;
#[path = "live/gate.rs"]
mod gate;
#[path = "live/html.rs"]
mod html;
#[path = "live/libraries.rs"]
mod libraries;
#[path = "live/memory.rs"]
mod memory;
#[path = "live/modules.rs"]
mod modules;
#[path = "live/pause.rs"]
mod pause;

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use common::{differences, document, failure, leaks, success};
use serde_json::Value;

fn testbed() -> PathBuf {
    std::env::var_os("MAPSCOPE_TESTBED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/testbed"), PathBuf::from)
}

/// The path of a program of the matrix; `toolchain` is how its version starts.
fn program(toolchain: &str, variant: &str, program: &str) -> PathBuf {
    let directory = testbed();
    let matrix = directory.join("matrix.json");
    let list =
        std::fs::read(&matrix).unwrap_or_else(|e| panic!("{}: {e}; run `cargo xtask testbed` first", matrix.display()));
    let list: Vec<Value> = serde_json::from_slice(&list).expect("the matrix is a list");
    let of = |e: &&Value| {
        e["toolchain"].as_str().is_some_and(|t| t.starts_with(toolchain))
            && e["variant"] == variant
            && e["program"] == program
    };
    let entry = list.iter().find(of);
    let entry = entry.unwrap_or_else(|| panic!("the testbed has no {program} of {toolchain} {variant}"));
    directory.join(entry["path"].as_str().expect("a path"))
}

/// A program that has said READY; it ends when its standard input does.
struct Target {
    child: Child,
    stdin: Option<ChildStdin>,
    /// What it says after READY.
    stdout: Option<BufReader<ChildStdout>>,
    truth: Value,
}

impl Target {
    /// Starts a program of the matrix.
    fn start(toolchain: &str, variant: &str, program: &str) -> Self {
        Self::start_with(toolchain, variant, program, &[])
    }

    fn start_with(toolchain: &str, variant: &str, program: &str, arguments: &[&str]) -> Self {
        Self::of(Command::new(self::program(toolchain, variant, program)).args(arguments))
    }

    /// Starts a command that becomes a program of the testbed.
    fn of(command: &mut Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child = child.unwrap_or_else(|e| panic!("{name}: {e}; run `cargo xtask testbed` again"));
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let mut target = Self { child, stdin, stdout: None, truth: Value::Null };
        let mut stdout = BufReader::new(stdout.expect("its output"));
        let mut line = String::new();
        while stdout.read_line(&mut line).expect("a line") > 0 {
            if line.trim() == "READY" {
                target.stdout = Some(stdout);
                return target;
            }
            target.truth = serde_json::from_str(&line).unwrap_or(target.truth.take());
            line.clear();
        }
        panic!("{name} ended before it was ready");
    }

    /// Sends a line, and gives the answer.
    fn ask(&mut self, line: &str) -> String {
        writeln!(self.stdin.as_mut().expect("its input"), "{line}").expect("it listens");
        let mut answer = String::new();
        self.stdout.as_mut().expect("its output").read_line(&mut answer).expect("it answers");
        answer.trim().to_owned()
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
    assert_eq!(document["program_goroutines"], target.truth["goroutines"]);
    let all = number(&document["program_goroutines"]) + number(&document["system_goroutines"]);
    assert_eq!(number(&document["total_goroutines"]), all);
    let groups = document["groups"].as_array().expect("groups");
    assert!(groups.is_sorted_by_key(|g| g["leaked"] != true), "leaked groups come first");
    assert_eq!((&groups[0]["count"], &groups[0]["stack"][0]["function"]), (&50.into(), &"main.leakedReceive".into()));
    let text = success(&["goroutines", &target.pid(), "--leaked", "--state", "^select$"]);
    assert!(text.contains("5 × select · leaked\n") && !text.contains("heldSelect"), "{text}");
    target.ends_well();
}

#[test]
fn goroutines_are_counted_alike_everywhere() {
    let target = Target::start("1.27.", "default", "blocked");
    let (pid, said) = (target.pid(), target.truth["goroutines"].as_u64().expect("a number"));
    let inspection = document(&["inspect", &pid, "--format", "json"]);
    let list = document(&["goroutines", &pid, "--format", "json"]);
    let gate = document(&["gate", &pid, "--max", "goroutines=100000", "--format", "json"]);
    let diff = document(&["diff", &pid, "--after", "1ms", "--format", "json"]);
    let total =
        diff["rows"].as_array().expect("rows").iter().find(|r| r["kind"] == "total" && r["name"] == "goroutines");
    assert_eq!(inspection["goroutines"]["program"], said);
    assert_eq!(inspection["goroutines"]["runtime"], list["system_goroutines"]);
    assert_eq!(list["program_goroutines"], said);
    assert_eq!(
        gate["budgets"][0]["offenders"][0]["measured"].as_u64().or(gate["budgets"][0]["measured"].as_u64()),
        Some(said)
    );
    assert_eq!(total.map(|row| row["after"]["count"].clone()), Some(said.into()), "{diff}");
    for view in ["inspect", "goroutines"] {
        let text = success(&[view, &pid]);
        assert!(
            text.split_whitespace().collect::<Vec<_>>().join(" ").contains(&format!("{said} goroutines ·")),
            "{text}"
        );
    }
    target.ends_well();
}

#[test]
fn a_program_that_is_not_go_is_told_so_and_runs_on() {
    let target = Target::start("c", "default", "notgo");
    let message = failure(&["inspect", &target.pid()]);
    assert!(message.starts_with("mapscope: ") && message.contains(" is not a Go program, "), "{message}");
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

#[test]
fn structs_of_a_binary_and_of_the_process_that_runs_it() {
    let target = Target::start("1.27", "default", "sizes");
    let binary = std::fs::read_link(format!("/proc/{}/exe", target.child.id())).expect("it runs");
    let binary = binary.to_str().expect("its path is text");
    let pid = target.child.id().to_string();
    let whole = document(&["layout", binary, "main.holed", "--format", "json"]);
    let running = document(&["layout", &pid, "main.holed", "--format", "json"]);
    assert_eq!(whole, running);
    let row = &whole["structs"][0];
    let fields = row["fields"].as_array().expect("it has fields");
    let names: Vec<_> = fields.iter().map(|f| f["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["a", "b", "c", "d", "e", "f", "g"]);
    assert!(row["best"]["bytes"].as_u64() < row["bytes"].as_u64() && row["maps"][0]["role"] == "element", "{row}");
    let wasteful = document(&["layout", binary, "^main\\.", "--wasteful", "--format", "json"]);
    let wasteful = wasteful["structs"].as_array().expect("a list").clone();
    let names: Vec<_> = wasteful.iter().map(|s| s["type"].as_str().expect("a name")).collect();
    assert!(names.contains(&"main.holed") && !names.contains(&"main.tight"), "{names:?}");
    // The file that was given is to blame, and not the target.
    for wrong in ["inspect", "layout"] {
        let message = failure(&[wrong, &pid, "--exe", env!("CARGO_BIN_EXE_mapscope")]);
        let want = concat!("mapscope: ", env!("CARGO_BIN_EXE_mapscope"), " is not a Go program");
        assert!(message.starts_with(want), "{message}");
    }
    assert!(failure(&["layout", binary, "main.hooled"]).contains("did you mean main.holed?"));
    // The same binary says what its types take in a map.
    let text = success(&["size", "map[string]holed", "--entries", "1000", "--exe", binary]);
    assert!(text.contains("map[string]holed") && text.contains("Go 1.27, Swiss"), "{text}");
    let message = failure(&["size", "map[string]main.hold", "--entries", "1000", "--exe", binary]);
    assert!(message.contains("the binary has no type main.hold; did you mean main.holed?"), "{message}");
}
