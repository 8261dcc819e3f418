//! The ways to hold a target still: that they say the same of it, what they cost it, and that they do it no harm.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::common::{mapscope, scratch};
use super::{Target, document, program, success};

/// Rounds of the test that kills mapscope, for each kind of target, unless `MAPSCOPE_KILLS` says how many.
const KILLS: u64 = 20;
/// A target that has not answered for so long does not answer any more.
const PATIENCE: Duration = Duration::from_secs(20);

/// What an inspection says, without what is different each time.
fn figures(mut document: Value) -> Value {
    let target = document["target"].as_object_mut().expect("a target");
    for field in ["paused_ms", "pause", "copied_bytes", "read_ms", "stages", "kind", "taken_at"] {
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
        let kills = std::env::var("MAPSCOPE_KILLS").map_or(KILLS, |n| n.parse().expect("a number"));
        for round in 0..kills {
            let mut child =
                mapscope(&["inspect", &pid]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it runs");
            // Instants spread over the first 200 ms, in an order that repeats itself on no machine's clock.
            std::thread::sleep(Duration::from_millis(round * 73 % 200));
            child.kill().expect("it is ours");
            child.wait().expect("it ends");
            let deadline = Instant::now() + PATIENCE;
            while let left @ [_, ..] = &traces(&pid)[..] {
                assert!(Instant::now() < deadline, "{arguments:?}, round {round}: {left:?}");
                std::thread::yield_now();
            }
            let mut count = || target.ask("count").parse::<u64>().expect("no error, but a number of answers");
            let mut now = count();
            while now <= answered {
                assert!(Instant::now() < deadline, "{arguments:?}, round {round}: it answers no more");
                now = count();
            }
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
    assert!(target.ask("count").parse::<u64>().is_ok_and(|n| n > 0));
    assert!(success(&["maps", &target.pid(), "--pause", "none"]).contains("not paused"));
    target.ends_well();
}

#[test]
fn a_target_whose_executable_is_gone_or_another_is_forked_like_any() {
    for replaced in [false, true] {
        let path = scratch("gone").join("service");
        fs::hard_link(program("1.27.", "default", "server"), &path).expect("a second name");
        let target = Target::of(&mut Command::new(&path));
        fs::remove_file(&path).expect("it is there");
        if replaced {
            fs::write(&path, "what an update brought").expect("a new file");
        }
        let document = document(&["inspect", &target.pid(), "--format", "json"]);
        let (pause, why) = (&document["target"]["pause"], &document["target"]["why_not_forked"]);
        assert_eq!((pause.as_str(), why), (Some("fork"), &Value::Null), "replaced: {replaced}");
        target.ends_well();
    }
}

/// A control group for memory, removed when this goes away; version 1 or 2, whichever the machine has.
struct Group {
    directory: PathBuf,
    members: &'static str,
    used: &'static str,
    most: &'static str,
    events: &'static str,
}

impl Group {
    /// `None`, with the reason on the test's output, where this user may not make one.
    fn make() -> Option<Self> {
        let name = format!("mapscope-test-{}", std::process::id());
        let v1 =
            ("/sys/fs/cgroup/memory", "tasks", "memory.usage_in_bytes", "memory.limit_in_bytes", "memory.oom_control");
        let v2 = ("/sys/fs/cgroup", "cgroup.procs", "memory.current", "memory.max", "memory.events");
        for (root, members, used, most, events) in [v1, v2] {
            let directory = PathBuf::from(root).join(&name);
            if fs::create_dir(&directory).is_ok() {
                if directory.join(most).exists() {
                    return Some(Self { directory, members, used, most, events });
                }
                fs::remove_dir(&directory).expect("it is empty");
            }
        }
        println!("NOT RUN: this user may not make control groups for memory");
        None
    }

    fn number(&self, file: &str) -> u64 {
        let text = fs::read_to_string(self.directory.join(file)).expect("a file of the group");
        text.trim().parse().expect("a number")
    }

    /// Processes that were killed in it for want of memory.
    fn killed(&self) -> u64 {
        let text = fs::read_to_string(self.directory.join(self.events)).expect("a file of the group");
        let line = text.lines().find_map(|line| line.strip_prefix("oom_kill ")).expect("the kernel counts them");
        line.trim().parse().expect("a number")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It goes when its last process has.
        let deadline = Instant::now() + PATIENCE;
        while fs::remove_dir(&self.directory).is_err() && Instant::now() < deadline {
            std::thread::yield_now();
        }
    }
}

#[test]
fn a_target_short_of_memory_is_copied_or_given_up_and_never_killed() {
    let Some(group) = Group::make() else { return };
    let program = program("1.27.", "default", "ticker");
    let out = scratch("short-of-memory").join("inspect.json");
    let out = out.to_str().expect("a path");
    let enter = format!("echo $$ > {}; exec \"$0\" 200 write 150", group.directory.join(group.members).display());
    let mut target = Target::of(Command::new("sh").args(["-c", &enter]).arg(program));
    for percent in [5, 15, 40] {
        let used = group.number(group.used);
        fs::write(group.directory.join(group.most), (used + used * percent / 100).to_string()).expect("a limit");
        for _ in 0..3 {
            let mut look = mapscope(&["inspect", &target.pid(), "--format", "json", "-o", out])
                .stderr(Stdio::piped())
                .spawn()
                .expect("it runs");
            // As long as it is looked at, it changes what it has.
            while look.try_wait().expect("it is ours").is_none() {
                assert_eq!(target.ask("write"), "written", "{percent}% of room");
            }
            let output = look.wait_with_output().expect("it ends");
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            if output.status.success() {
                let document: Value = serde_json::from_slice(&fs::read(out).expect("a file")).expect("JSON");
                let (pause, why) = (&document["target"]["pause"], &document["target"]["why_not_forked"]);
                assert!(pause == "fork" || why.as_str().is_some_and(|w| w.contains("control group")), "{pause} {why}");
            } else {
                assert!(said.contains("control group"), "{said}");
            }
            assert_eq!(target.ask("write"), "written", "{percent}% of room");
            assert_eq!(group.killed(), 0, "{percent}% of room");
        }
    }
    target.ends_well();
}
