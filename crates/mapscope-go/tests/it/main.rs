//! The reader against programs that state the truth about themselves (`cargo xtask testbed` builds them).
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod alike;
mod bad_input;
mod blocked;
mod cores;
mod damage;
mod exits;
mod layouts;
mod matrix;
mod memory;
mod mutation;
mod owners;
mod paths;
mod ranges;
mod retained;
mod sites;
mod sizes;
mod storage;
mod stripped;
mod structs;
mod target;
mod truth;
mod writer;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use matrix::Program;

/// Runs `check` on every program of the matrix that `wanted` picks, on as many threads as there are processors, and
/// fails with everything that was found.
fn check_all(wanted: impl Fn(&Program) -> bool, check: impl Fn(&Program) -> Vec<String> + Sync) {
    let programs: Vec<Program> = matrix::programs().into_iter().filter(|p| wanted(p)).collect();
    assert!(!programs.is_empty(), "the testbed has none of these programs; run `cargo xtask testbed`");
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(program) = programs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = check(program);
                    wrong.lock().unwrap().extend(found.into_iter().map(|f| format!("{program}: {f}")));
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} differences:\n{}", wrong.len(), wrong.join("\n"));
}

/// The programs whose every map and type is known.
fn states_truth(program: &Program) -> bool {
    (program.has_modules() || matches!(program.program.as_str(), "maps" | "places" | "heap" | "cgo" | "embedded"))
        && program.has_names()
}

#[test]
fn live_targets_are_what_they_say() {
    check_all(states_truth, |program| {
        let target = target::Running::start(program);
        truth::compare(&target.truth, &target.read())
    });
}

#[test]
fn cores_are_what_their_process_said() {
    check_all(states_truth, |program| {
        let target = target::Running::start(program);
        let truth = target.truth.clone();
        let core = cores::kernel_or_gdb(target);
        truth::compare(&truth, &core.read(program))
    });
}

#[test]
fn cores_of_gdb_are_what_their_process_said() {
    check_all(
        |p| p.program == "places" && matches!(p.variant.as_str(), "default" | "pie"),
        |program| {
            let target = target::Running::start(program);
            let truth = target.truth.clone();
            let core = cores::gdb(&target);
            truth::compare(&truth, &core.read(program))
        },
    );
}
