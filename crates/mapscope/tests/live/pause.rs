//! The ways to hold a target still: that they say the same of it, what they cost it, and that they do it no harm.

use std::fs;
use std::io::{BufRead, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::common::mapscope;
use super::{Target, document, success};

/// Rounds of the test that kills mapscope, for each kind of target.
const KILLS: u64 = 20;

/// What an inspection says, without what is different each time.
fn figures(mut document: Value) -> Value {
    let target = document["target"].as_object_mut().expect("a target");
    for field in ["paused_ms", "pause", "copied_bytes", "read_ms", "kind"] {
        target.remove(field);
    }
    document
}

fn signal(name: &str, pid: &str) {
    assert!(Command::new("kill").args([name, pid]).status().expect("kill runs").success());
}

#[test]
fn a_snapshot_and_a_copy_say_the_same_of_a_target_that_rests() {
    for (toolchain, program) in [("1.27.", "sessions"), ("1.27.", "heap"), ("1.21.", "maps"), ("1.26.", "heap")] {
        let target = Target::start(toolchain, "default", program);
        let pid = target.pid();
        // The runtime itself gives memory back now and then: nothing rests like a process that is stopped.
        signal("-STOP", &pid);
        let inspect = |how: &str| {
            let document = document(&["inspect", &pid, "--pause", how, "--format", "json"]);
            assert_eq!(document["target"]["pause"], how, "{:?}", document["target"]);
            figures(document)
        };
        // The pages that a borrowed thread needs are the target's from the first fork on.
        assert_eq!(inspect("fork"), inspect("copy"), "{program}");
        signal("-CONT", &pid);
        target.ends_well();
    }
}

/// Sends a line, and gives the answer.
fn ask(target: &mut Target, line: &str) -> String {
    writeln!(target.stdin.as_mut().expect("its input"), "{line}").expect("it listens");
    let mut answer = String::new();
    target.stdout.as_mut().expect("its output").read_line(&mut answer).expect("it answers");
    answer.trim().to_owned()
}

/// What is left of a keeper's work: threads that are traced, and children.
fn traces(pid: &str) -> Vec<String> {
    let mut found = Vec::new();
    for task in fs::read_dir(format!("/proc/{pid}/task")).expect("it lives").flatten() {
        let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
        found.extend(status.lines().filter(|l| l.starts_with("TracerPid:") && !l.ends_with("\t0")).map(str::to_owned));
        let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(children.split_whitespace().map(|c| format!("child {c}")));
    }
    found
}

#[test]
fn mapscope_killed_at_any_instant_leaves_nothing_behind() {
    for arguments in [&[][..], &["gc"], &["threads", "500"], &["churn"]] {
        let mut target = Target::start_with("1.27.", "default", "server", arguments);
        let pid = target.pid();
        let mut answered = 0;
        for round in 0..KILLS {
            let mut child =
                mapscope(&["inspect", &pid]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
            // Instants spread over the first 200 ms, in an order that repeats itself on no machine's clock.
            std::thread::sleep(Duration::from_millis(round * 73 % 200));
            child.kill().expect("it is ours");
            child.wait().expect("it ends");
            let deadline = Instant::now() + Duration::from_secs(20);
            while let left @ [_, ..] = &traces(&pid)[..] {
                assert!(Instant::now() < deadline, "{arguments:?}, round {round}: {left:?}");
                std::thread::yield_now();
            }
            let now: u64 = ask(&mut target, "count").parse().expect("no error, but a number of answers");
            assert!(now >= answered, "{arguments:?}: it answers no more");
            answered = now;
        }
        target.ends_well();
    }
}

#[test]
fn a_filter_that_kills_for_a_fork_is_passed_by_or_respected() {
    let mut target = Target::start_with("1.27.", "default", "server", &["seccomp"]);
    let document = document(&["inspect", &target.pid(), "--format", "json"]);
    let (pause, why) = (document["target"]["pause"].as_str(), document["target"]["why_not_forked"].as_str());
    match pause {
        Some("fork") => assert_eq!(why, None),
        _ => assert!(why.is_some_and(|w| w.contains("seccomp")), "{pause:?} {why:?}"),
    }
    assert!(ask(&mut target, "count").parse::<u64>().is_ok_and(|n| n > 0));
    assert!(success(&["maps", &target.pid(), "--pause", "none"]).contains("not paused"));
    target.ends_well();
}
