//! Budgets of real processes, and commands that are held at a marker.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::common::{checked, document, failure, mapscope, scratch, stdout, success};
use super::{Target, program, testbed};

/// The test binary of the service that leaks if it is told to.
fn leak(toolchain: &str) -> String {
    program(toolchain, "default", "leak").to_str().expect("the path is text").to_owned()
}

/// Runs `gate` in a directory without a mapscope.toml.
fn gate(args: &[&str], environment: &[(&str, &str)]) -> Output {
    let directory = scratch(&format!("gate-{}", std::thread::current().name().unwrap_or_default().replace(':', "-")));
    let mut command = mapscope(&["gate"]);
    command.args(args).envs(environment.iter().copied()).current_dir(directory).stdin(Stdio::null());
    command.env_remove("GITHUB_ACTIONS").output().expect("mapscope runs")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_leaking_test_fails_and_the_fixed_one_passes() {
    for toolchain in ["1.21.", "1.27."] {
        let leak = leak(toolchain);
        let run = format!("'{leak}' -test.run TestLeak -test.v");
        let budgets =
            ["--max", "live=4MiB", "--max", "map:*.service.cache.*:entries=1000", "--max", "goroutines:*mark=1"];
        let mut args = vec!["--format", "json", "--run", &run, "--at-signal", "USR1"];
        args.extend(budgets);
        for (leaks, status, entries) in [("", 0, 1000), ("1", 1, 50_000)] {
            let output = gate(&args, &[("LEAK", leaks)]);
            assert_eq!(output.status.code(), Some(status), "{toolchain} {output:?}");
            let report = checked(&stdout(&output));
            assert_eq!((&report["holds"], &report["budgets"][1]["measured"]), (&(status == 0).into(), &entries.into()));
            assert_eq!(report["budgets"][1]["matched"], 2);
            // Held in the very call: the goroutine that raised the signal is in the function that does so.
            assert_eq!(report["budgets"][2]["measured"], 1, "{report}");
            assert_eq!(
                (&report["run"]["ended"], &report["run"]["marker"]),
                (&"status 0".into(), &"signal USR1".into())
            );
            assert!(stderr(&output).contains("--- PASS: TestLeak"), "it went on to its end: {output:?}");
            let offenders = report["budgets"][1]["offenders"].as_array().map_or(&[][..], Vec::as_slice);
            let mut names: Vec<_> = offenders.iter().map(|o| o["subject"].as_str().expect("a name")).collect();
            names.sort_unstable();
            let leaked = ["testbed/leak.service.cache.pages", "testbed/leak.service.cache.seen"];
            assert_eq!(names, if status == 0 { &[][..] } else { &leaked[..] });
        }
    }
}

/// What a step of a workflow runs, in the order of the steps.
fn steps(workflow: &str) -> Vec<String> {
    let mut lines = workflow.lines().peekable();
    let mut steps = Vec::new();
    while let Some(line) = lines.next() {
        let Some((indent, command)) = line.split_once("run: ") else { continue };
        if command.trim() != "|" {
            steps.push(command.to_owned());
            continue;
        }
        let deeper = |line: &&str| line.len() - line.trim_start().len() > indent.len();
        let block: Vec<&str> = std::iter::from_fn(|| lines.next_if(deeper)).map(str::trim_start).collect();
        steps.push(block.join("\n"));
    }
    steps
}

/// The first block of the document in that language.
fn block<'d>(document: &'d str, language: &str) -> &'d str {
    let (_, rest) = document.split_once(&format!("```{language}\n")).expect("a block");
    rest.split_once("```").expect("its end").0
}

/// Runs the steps as GitHub does: each with bash, and the lines of `GITHUB_PATH` in front of the path. The last result.
fn run_workflow(steps: &[String], directory: &Path, leaks: &str) -> Output {
    let added = directory.join("github-path");
    fs::write(&added, "").expect("a file");
    let go = fs::read_dir(testbed().join("go")).expect("toolchains").map(|e| e.expect("a directory").path());
    let go = go.max().expect("a toolchain").join("go/bin");
    let mut result = None;
    for step in steps {
        let paths = fs::read_to_string(&added).expect("the file");
        let paths: Vec<&str> = paths.lines().rev().chain([go.to_str().expect("text"), "/usr/bin", "/bin"]).collect();
        let mut command = Command::new("bash");
        command.args(["-e", "-c", step]).current_dir(directory).env("PATH", paths.join(":"));
        command.env("GITHUB_PATH", &added).env("GITHUB_ACTIONS", "true").env("LEAK", leaks).stdin(Stdio::null());
        let output = offline(&mut command).output().expect("bash runs");
        let last = step == steps.last().expect("a step");
        assert!(last || output.status.success(), "{step}: {output:?}");
        result = Some(output);
    }
    result.expect("there is a step")
}

/// As the programs of the testbed are built.
fn offline(command: &mut Command) -> &mut Command {
    command.env_remove("GOROOT").env("GOENV", "off").env("GOTOOLCHAIN", "local").env("GOPROXY", "off");
    command.env("GOFLAGS", "-mod=mod").env("GOWORK", "off").env("GOTELEMETRY", "off").env("CGO_ENABLED", "0");
    command.env("GOCACHE", testbed().join("cache")).env("GOPATH", testbed().join("path"))
}

/// A module with the service, its tests and the budgets of the document.
fn checkout(name: &str) -> (PathBuf, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let document = fs::read_to_string(root.join("docs/GATE.md")).expect("the document");
    let directory = scratch(name);
    fs::create_dir_all(directory.join("leak")).expect("a directory");
    for file in ["go.mod", "leak/leak.go", "leak/leak_test.go"] {
        fs::copy(root.join("testbed").join(file), directory.join(file)).expect("a source");
    }
    fs::write(directory.join("mapscope.toml"), block(&document, "toml")).expect("the budgets");
    (directory, block(&document, "yaml").to_owned())
}

#[test]
fn the_documented_workflow_fails_the_leak_and_passes_the_fix() {
    let (directory, workflow) = checkout("workflow");
    fs::create_dir_all(directory.join("tools")).expect("a directory");
    symlink(env!("CARGO_BIN_EXE_mapscope"), directory.join("tools/mapscope")).expect("a link");
    let steps = steps(&workflow);
    assert_eq!(steps.len(), 3, "{steps:?}");
    assert!(steps[2].starts_with("mapscope gate ") && steps[2].contains("--sarif"), "{steps:?}");

    let fixed = run_workflow(&steps, &directory, "");
    assert!(fixed.status.success() && stdout(&fixed).contains("Gate: all 5 budgets hold"), "{fixed:?}");
    let results = |directory: &Path| {
        let sarif: Value =
            serde_json::from_slice(&fs::read(directory.join("gate.sarif")).expect("a file")).expect("JSON");
        sarif["runs"][0]["results"].as_array().expect("results").clone()
    };
    assert_eq!(results(&directory), Vec::<Value>::new());

    let leaking = run_workflow(&steps, &directory, "1");
    assert_eq!(leaking.status.code(), Some(1), "{leaking:?}");
    let found = results(&directory);
    let names: Vec<_> = found.iter().map(|r| &r["locations"][0]["logicalLocations"][0]["fullyQualifiedName"]).collect();
    for name in ["live", "testbed/leak.service.cache.pages", "testbed/leak.service.cache.seen", "leak.Page"] {
        assert!(names.iter().any(|n| **n == name), "{name}: {names:?}");
    }
    assert_eq!(found[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "mapscope.toml");
    let junit = fs::read_to_string(directory.join("gate.xml")).expect("a file");
    assert!(junit.contains("<failure type=\"max\"") && junit.contains("tests=\"5\" failures=\"3\""), "{junit}");
    let annotations = stderr(&leaking);
    assert!(annotations.contains("::error file=mapscope.toml,line=2,title=mapscope gate::live is "), "{annotations}");
}

#[test]
fn go_test_itself_can_be_the_command() {
    let (directory, _) = checkout("go-test");
    let go = fs::read_dir(testbed().join("go")).expect("toolchains").map(|e| e.expect("a directory").path());
    let go = go.max().expect("a toolchain").join("go/bin/go");
    let mut command = mapscope(&["gate", "--at-signal", "USR1", "--"]);
    // With -o, the binary keeps its names.
    command
        .arg(go)
        .args(["test", "-o", "leak.test", "-count=1", "-vet=off", "-run", "TestLeak", "./leak"])
        .current_dir(&directory);
    let output = offline(&mut command).env_remove("GITHUB_ACTIONS").env("LEAK", "1").output().expect("mapscope runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(stdout(&output).contains("testbed/leak.service.cache.seen"), "{output:?}");
    assert!(stderr(&output).contains("ok  \ttestbed/leak"), "{output:?}");
}

#[test]
fn a_command_that_fails_is_an_error() {
    let leak = leak("1.27.");
    let live = ["--max", "live=1GiB", "--"];
    let run = |marker: &[&str], test: &str, environment: &[(&str, &str)]| {
        let args = [marker, &live, &[&leak, "-test.run", test]].concat();
        let output = gate(&args, environment);
        (output.status.code(), stdout(&output), stderr(&output))
    };
    let at_signal = ["--at-signal", "USR1"];
    let (status, out, err) = run(&at_signal, "TestQuiet", &[]);
    assert!(status == Some(2) && out.is_empty(), "{out} {err}");
    assert!(err.contains("ended with status 0 before SIGUSR1 came"), "{err}");
    // The budgets hold, but the test has failed.
    let (status, out, err) = run(&at_signal, "TestLeak", &[("FAIL", "1")]);
    assert!(status == Some(2) && out.contains("the budget holds"), "{out} {err}");
    assert!(err.contains("ended with status 1 after it was examined"), "{err}");
    let (status, _, err) = run(&["--at-line", "no such line"], "TestQuiet", &[]);
    assert!(status == Some(2) && err.contains("ended with status 0 before it could be held at a line"), "{err}");
    let (status, _, err) = run(&["--after", "1h"], "TestQuiet", &[]);
    assert!(status == Some(2) && err.contains("ended with status 0 before 3600s had passed"), "{err}");

    let output = gate(&["--max", "live=1", "--at-signal", "USR1", "--", "./no/such/command"], &[]);
    assert!(stderr(&output).contains("./no/such/command cannot be started: No such file"), "{output:?}");
    let output = gate(&["--max", "live=1", "--at-signal", "USR1", "--", "sh", "-c", "kill -USR1 $$; exit 0"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains(" is not a Go program"), "{output:?}");
    let output = gate(&["--max", "live=1", "--at-signal", "USR1", "--timeout", "50ms", "--", "sleep", "60"], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("signal USR1 has not come within 50ms"), "{output:?}");
}

/// `gate` with a command that waits for its input to end.
struct Waiting {
    gate: Child,
    said: BufReader<ChildStderr>,
}

impl Waiting {
    /// Starts it, and waits for the word that the command says.
    fn start(args: &[&str], word: &str) -> Self {
        let mut command = mapscope(&["gate", "--quiet"]);
        command.args(args).current_dir(scratch("waiting")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut gate = command.stderr(Stdio::piped()).spawn().expect("mapscope runs");
        let mut said = BufReader::new(gate.stderr.take().expect("its output"));
        let mut line = String::new();
        while line.trim() != word {
            line.clear();
            assert!(said.read_line(&mut line).expect("a line") > 0, "it ended without {word}");
        }
        Self { gate, said }
    }

    /// The pid of the command.
    fn command(&self) -> i32 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.gate.id())).expect("threads");
        let children = |task: fs::DirEntry| fs::read_to_string(task.path().join("children")).unwrap_or_default();
        let children: String = tasks.map(|task| children(task.expect("a thread"))).collect();
        children.split_whitespace().next().expect("a child").parse().expect("a pid")
    }

    /// What it says after mapscope was killed and its input has ended.
    fn rest_without_mapscope(mut self) -> String {
        drop(self.gate.stdin.take());
        let mut rest = String::new();
        self.said.read_to_string(&mut rest).expect("text");
        rest
    }
}

fn field(pid: i32, name: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it is there");
    status.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(":\t")).expect("a field").to_owned()
}

#[test]
fn a_line_or_a_time_is_a_marker_too() {
    let leak = leak("1.27.");
    let command = ["--", leak.as_str(), "-test.run", "TestWaits"];
    let args = [&["--max", "map:*.cache.pages:entries=1000", "--at-line", "WAIT"][..], &command].concat();
    // The line is passed on when the command is held.
    let mut waiting = Waiting::start(&args, "WAITING");
    drop(waiting.gate.stdin.take());
    let mut rest = String::new();
    waiting.said.read_to_string(&mut rest).expect("text");
    assert!(rest.contains("PASS"), "it went on to its end: {rest}");
    assert_eq!(waiting.gate.wait().expect("it ends").code(), Some(0));

    // Its input does not end, so it would wait for a minute; waiting for mapscope would end it.
    let args = [&["--max", "map:*.cache.pages:entries=1000", "--after", "2s", "--then", "kill"][..], &command].concat();
    let mut waiting = Waiting::start(&args, "WAITING");
    let input = waiting.gate.stdin.take();
    assert_eq!(waiting.gate.wait().expect("it ends").code(), Some(0));
    drop(input);
    assert_eq!(waiting.rest_without_mapscope(), "", "the command was ended");
}

#[test]
fn who_is_watched_runs_on_when_mapscope_is_killed() {
    let leak = leak("1.27.");
    let args = ["--max", "live=1", "--at-signal", "USR1", "--", &leak, "-test.run", "TestWaits"];
    let mut waiting = Waiting::start(&args, "WAITING");
    let pid = waiting.command();
    assert_ne!(field(pid, "TracerPid"), "0");
    waiting.gate.kill().expect("it is killed");
    waiting.gate.wait().expect("it ends");
    assert_eq!(field(pid, "TracerPid"), "0");
    let rest = waiting.rest_without_mapscope();
    assert!(rest.contains("PASS"), "{rest}");
}

#[test]
fn who_is_held_runs_on_when_mapscope_is_killed() {
    let big = program("1.27.", "default", "big");
    let args = ["--max", "live=1", "--at-signal", "USR1", "--", big.to_str().expect("text"), "4000000"];
    let mut waiting = Waiting::start(&args, "READY");
    let pid = waiting.command();
    kill(Pid::from_raw(pid), Signal::SIGUSR1).expect("it is there");
    while !field(pid, "State").starts_with('T') {
        std::thread::yield_now();
    }
    assert!(waiting.gate.try_wait().expect("a child").is_none(), "mapscope was too fast for this test");
    waiting.gate.kill().expect("it is killed");
    waiting.gate.wait().expect("it ends");
    // The guard continues it. That nobody does so would last for ever.
    while field(pid, "State").starts_with(['T', 't']) {
        std::thread::yield_now();
    }
    assert_eq!(field(pid, "TracerPid"), "0");
    let rest = waiting.rest_without_mapscope();
    assert!(!rest.contains("mapscope"), "{rest}");
}

#[test]
fn a_partial_reading_is_held_to_what_is_exact_in_it() {
    let target = Target::start("1.27.", "stripped", "places");
    let core = scratch("partial").join("redacted.core");
    let core = core.to_str().expect("the path is UTF-8");
    let captured =
        mapscope(&["capture", &target.pid(), "-o", core, "--redact", "--force"]).output().expect("mapscope runs");
    assert!(captured.status.success(), "{captured:?}");
    let exe = program("1.27.", "stripped", "places");
    let holds = [
        "gate",
        core,
        "--exe",
        exe.to_str().expect("text"),
        "--max",
        "live=1TiB",
        "--max",
        "goroutines=1000",
        "--max",
        "objects=1G",
        "--format",
        "json",
    ];
    let report = document(&holds);
    let reasons = report["partial_scope"].as_array().expect("reasons");
    let about =
        |figure: &str| reasons.iter().any(|r| r["figures"].as_array().is_some_and(|f| f.contains(&figure.into())));
    assert!(about("maps") && !about("live") && !about("goroutines"), "{report}");
    assert_eq!((&report["holds"], report["budgets"][0].get("uncertain")), (&true.into(), None));
    // What values are zero cannot be told in a redacted core, so neither can all that is counted of maps.
    let refused = [&holds[..], &["--max", "maps=1000000"]].concat();
    let output = mapscope(&refused).output().expect("mapscope runs");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a document");
    assert_eq!((output.status.code(), &report["refused_budgets"]), (Some(2), &1.into()), "{output:?}");
    assert_eq!((&report["budgets"][0]["holds"], &report["budgets"][3]["refused"]), (&true.into(), &true.into()));
    target.ends_well();
}

#[test]
fn budgets_of_a_process_and_what_cannot_be_checked() {
    let target = Target::start("1.27.", "default", "sessions");
    let pid = target.pid();
    let directory = scratch("growth");
    let path = |name: &str| directory.join(name).to_str().expect("text").to_owned();
    let (base, saved) = (path("base.json"), path("saved.json"));
    assert!(failure(&["gate", &pid, "--max-growth", "live=10%", "--baseline", &base]).contains("--write-baseline"));
    let written = success(&["gate", &pid, "--write-baseline", &base]);
    assert!(written.contains("nothing was checked"), "{written}");
    checked(&fs::read_to_string(&base).expect("it was written"));
    let growth =
        ["gate", &pid, "--max-growth", "live=0%", "--max-growth", "map:main.sessions.*:table=0", "--baseline", &base];
    let report = document(&[&growth[..], &["--format", "json", "--save", &saved]].concat());
    assert_eq!((&report["holds"], &report["budgets"][0]["measured"]), (&true.into(), &0.into()));
    checked(&fs::read_to_string(&saved).expect("it was saved"));
    assert!(
        failure(&["gate", &pid, "--max-growth", "live=1%", "--baseline", "Cargo.toml"])
            .contains("inspect --format json")
    );

    let output = super::common::run(&[
        "gate",
        &pid,
        "--max",
        "map:main.sessions.byID:reclaimable=1MiB",
        "--max",
        "findings:high=0",
    ]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(
        text.contains("BROKEN") && text.contains("GM001 drained-map") && text.contains("main.sessions.byID"),
        "{text}"
    );

    let message =
        failure(&["gate", &pid, "--max", "map:main.session.*:entries=1", "--max", "map:*.byID:overflow_buckets=1"]);
    assert!(
        message.contains("no map matches `main.session.*`, so nothing was checked; did you mean main.sessions"),
        "{message}"
    );
    assert!(message.contains("which has no figure overflow_buckets"), "{message}");
    let refused = ["gate", &pid, "--max", "live=1TiB", "--pause", "none"];
    let output = mapscope(&refused).output().expect("mapscope runs");
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(message.contains("the inspection is partial") && message.contains("the process ran"), "{message}");
    assert!(stdout(&output).contains("PARTIAL  live"), "{output:?}");
    success(&["gate", &pid, "--max", "live=1TiB", "--pause", "none", "--allow-partial"]);
    success(&["gate", &pid, "--max", "map:main.gone:entries=1", "--allow-unmatched"]);
    target.ends_well();
}
