//! Goroutines that wait in every way: their states and stacks against the runtime's own text, and which are leaked. None
//! of it needs debug information.

use std::collections::BTreeMap;

use mapscope_go::{
    Executable, GoroutineCensus, GoroutineGroup, LeakVerdict, Session, Silent, StackFrame, with_session,
};
use mapscope_memory::Core;
use serde_json::Value;

use crate::target::Running;
use crate::{check_all, cores};

/// What the runtime's stack trace says of one goroutine.
#[derive(Debug, PartialEq, Eq)]
struct Traced {
    state: String,
    locked: bool,
    /// Those of the program's own code, outermost last.
    frames: Vec<StackFrame>,
    created_by: Option<(StackFrame, Option<u64>)>,
    /// The runtime itself has found it leaked.
    leaked: bool,
}

#[test]
fn goroutines_are_what_the_runtime_says() {
    check_all(
        |p| p.program == "blocked",
        |program| {
            let target = Running::start(program);
            let (census, now) = target.goroutines();
            let mut wrong = compare(&target.truth, &census);
            wrong.extend(compare_times(&target.truth, &census, now));
            if census.times_are_bounds {
                wrong.push("a live process has a clock".to_owned());
            }
            wrong
        },
    );
}

#[test]
fn goroutines_of_cores_are_what_the_runtime_said() {
    check_all(
        |p| p.program == "blocked",
        |program| {
            let target = Running::start(program);
            let truth = target.truth.clone();
            let recorded = cores::kernel_or_gdb(target);
            let core = Core::open(&recorded.path, Some(&program.path)).unwrap();
            let read = with_session(&core, Executable::new(core.executable()), &Silent, |s| {
                (s.goroutines(), s.partial.sentences())
            });
            let (census, mut wrong) = read.unwrap();
            wrong.extend(compare(&truth, &census));
            if !census.times_are_bounds {
                wrong.push("the core says when it was taken".to_owned());
            }
            wrong
        },
    );
}

/// What is missing may hold what others wait for; who waits for nothing is leaked all the same.
#[test]
fn of_a_core_that_was_cut_short_some_leaks_are_known() {
    check_all(
        |p| p.program == "blocked" && matches!(p.variant.as_str(), "default" | "stripped"),
        |program| {
            let recorded = cores::kernel_or_gdb(Running::start(program));
            let file = std::fs::OpenOptions::new().write(true).open(&recorded.path).unwrap();
            file.set_len(file.metadata().unwrap().len() - 1).unwrap();
            let core = Core::open(&recorded.path, Some(&program.path)).unwrap();
            let read = |s: &Session<'_>| (s.goroutines(), s.partial.clone());
            let (census, partial) = with_session(&core, Executable::new(core.executable()), &Silent, read).unwrap();
            let mut wrong = Vec::new();
            if partial.is_empty() {
                wrong.push("the core is said to be whole".to_owned());
            }
            if !matches!(&census.leaks, LeakVerdict::Unknown(reason) if reason.starts_with("the reading is partial")) {
                wrong.push(format!("leaks are {:?}", census.leaks));
            }
            let mut leaked: Vec<&str> = census.groups.iter().filter(|g| g.leaked).map(|g| g.state.as_str()).collect();
            leaked.sort_unstable();
            if leaked != ["chan receive (nil chan)", "chan send (nil chan)", "select", "select (no cases)"] {
                wrong.push(format!("{leaked:?} are leaked"));
            }
            wrong
        },
    );
}

/// Every difference, as a sentence.
fn compare(truth: &Value, census: &GoroutineCensus) -> Vec<String> {
    let mut wrong = Vec::new();
    let user = |g: &&GoroutineGroup| !g.system;
    let count: u64 = census.groups.iter().filter(user).map(|g| g.ids.len() as u64).sum();
    if truth["goroutines"].as_u64() != Some(count) {
        wrong.push(format!("there are {} goroutines, {count} are found", truth["goroutines"]));
    }
    for (id, said) in traces(truth["stacks"].as_str().unwrap()) {
        let found: Vec<&GoroutineGroup> = census.groups.iter().filter(|g| g.ids.contains(&id)).collect();
        match found[..] {
            [group] => wrong.extend(compare_one(id, &said, group)),
            _ => wrong.push(format!("goroutine {id} is found {} times", found.len())),
        }
    }
    for said in truth["groups"].as_array().unwrap() {
        wrong.extend(compare_group(said, census));
    }
    match &census.leaks {
        LeakVerdict::Found { held_bytes } => {
            let least = |g: &Value| g["count"].as_u64().unwrap() * g["held"].as_u64().unwrap();
            let leaked = truth["groups"].as_array().unwrap().iter().filter(|g| g["leaked"] == true);
            let least: u64 = leaked.map(least).sum();
            // What they hold besides is small: channels, contexts, variables.
            if !(least..least + (64 << 10)).contains(held_bytes) {
                wrong.push(format!("leaked goroutines hold {least} bytes and a little, {held_bytes} are found"));
            }
        }
        LeakVerdict::Unknown(reason) => wrong.push(format!("leaks are not known: {reason}")),
    }
    wrong
}

fn compare_group(said: &Value, census: &GoroutineCensus) -> Vec<String> {
    let name = said["function"].as_str().unwrap();
    let runs = |g: &&GoroutineGroup| g.stack.iter().any(|f| f.function == name);
    let found: Vec<&GoroutineGroup> = census.groups.iter().filter(runs).collect();
    let mut wrong = Vec::new();
    let count: usize = found.iter().map(|g| g.ids.len()).sum();
    if Some(count as u64) != said["count"].as_u64() {
        wrong.push(format!("{name} is run by {} goroutines, {count} are found", said["count"]));
    }
    let (held, least) = (found.iter().map(|g| g.retained_bytes).sum::<u64>(), said["held"].as_u64().unwrap());
    let bounds = count as u64 * least..count as u64 * (least + 2048) + 1;
    // Where it was preempted any register may hold an old pointer; the collector keeps what it points to as well.
    let any = ["main.leakedContext", "main.running"].contains(&name);
    if !bounds.contains(&held) && !any {
        wrong.push(format!("{count} goroutines of {name} hold {least} bytes each and a little, {held} in all"));
    }
    if found.iter().any(|g| Some(g.leaked) != said["leaked"].as_bool()) {
        wrong.push(format!("{name} is leaked: {}, not {}", said["leaked"], !said["leaked"].as_bool().unwrap()));
    }
    wrong
}

fn compare_one(id: u64, said: &Traced, group: &GoroutineGroup) -> Vec<String> {
    let mut wrong = Vec::new();
    // What runs when the program says so stands somewhere else when it is read.
    let spins = group.stack.iter().any(|f| f.function == "main.running");
    let runs = id == 1 || spins;
    let state = match group.state.as_str() {
        "running" | "runnable" | "syscall" if runs => &group.state,
        _ => &said.state,
    };
    if group.state != *state || group.locked != said.locked {
        wrong.push(format!(
            "goroutine {id} is {state} (locked: {}), not {} ({})",
            said.locked, group.state, group.locked
        ));
    }
    let own = |f: &&StackFrame| f.function.starts_with("main.");
    let frames: Vec<&StackFrame> = group.stack.iter().filter(own).collect();
    let deep = group.left_out.is_some();
    if id != 1 && !spins && !deep && frames != said.frames.iter().collect::<Vec<_>>() {
        wrong.push(format!("goroutine {id} is at {:?}, not {frames:?}", said.frames));
    }
    if deep != said.frames.iter().any(|f| f.function == "main.deep") {
        wrong.push(format!("goroutine {id} has left out: {deep}"));
    }
    if let Some((frame, parent)) = &said.created_by
        && (group.created_by.as_ref() != Some(frame) || parent.is_some_and(|p| !group.creators.contains(&p)))
    {
        wrong.push(format!("goroutine {id} was created by {frame:?}, not {:?}", group.created_by));
    }
    // A weak pointer can lead to what the runtime takes for lost.
    let weak = frames.iter().any(|f| f.function == "main.weakReceive");
    if said.leaked && !group.leaked && !weak {
        wrong.push(format!("goroutine {id} ({frames:?}) is leaked, as the runtime found"));
    }
    wrong
}

/// The runtime notes when the collection started that first saw a goroutine wait.
fn compare_times(truth: &Value, census: &GoroutineCensus, now: u64) -> Vec<String> {
    let first = |i: usize| truth["first_gc"][i].as_u64().unwrap();
    let mut wrong = Vec::new();
    for group in census.groups.iter().filter(|g| g.waiting && !g.system) {
        if group.waited_ns.len() != group.ids.len() {
            wrong.push(format!("{:?}: of {} it is known how long they wait", group.ids, group.waited_ns.len()));
        }
        for waited in &group.waited_ns {
            if !(first(0)..=first(1)).contains(&(now - waited)) {
                wrong.push(format!("{:?} wait since {}, not {}", group.ids, now - waited, truth["first_gc"]));
            }
        }
    }
    wrong
}

/// The text of `runtime.Stack`, goroutine by goroutine.
fn traces(text: &str) -> BTreeMap<u64, Traced> {
    text.trim().split("\n\n").map(trace).collect()
}

fn trace(text: &str) -> (u64, Traced) {
    let mut lines = text.lines().filter(|l| !l.starts_with("..."));
    // goroutine 7 gp=0xc000 m=nil [chan receive (leaked), 2 minutes, locked to thread]:
    let header = lines.next().unwrap();
    let id = header.split(' ').nth(1).unwrap().parse().unwrap();
    let inside = &header[header.find('[').unwrap() + 1..header.rfind(']').unwrap()];
    let mut parts = inside.split(", ");
    let state = parts.next().unwrap();
    let mut traced = Traced {
        state: state.trim_end_matches(" (leaked)").to_owned(),
        locked: parts.any(|p| p == "locked to thread"),
        frames: Vec::new(),
        created_by: None,
        leaked: state.ends_with(" (leaked)"),
    };
    while let (Some(call), Some(place)) = (lines.next(), lines.next()) {
        let (file, line) = place.trim().split(' ').next().unwrap().rsplit_once(':').unwrap();
        let frame = |function: &str| StackFrame {
            function: function.to_owned(),
            file: file.to_owned(),
            line: line.parse().unwrap(),
        };
        if let Some(created) = call.strip_prefix("created by ") {
            let (function, parent) = created.split_once(" in goroutine ").unwrap_or((created, ""));
            traced.created_by = Some((frame(function), parent.parse().ok()));
        } else if call.starts_with("main.") {
            traced.frames.push(frame(&call[..call.rfind('(').unwrap()]));
        }
    }
    (id, traced)
}
