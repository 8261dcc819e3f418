//! Programs without debug information and symbols, against what they say of themselves.

use crate::matrix::Program;
use crate::target::{Reading, Running};
use crate::{check_all, cores, truth};

fn is_stripped(program: &Program) -> bool {
    matches!(program.program.as_str(), "maps" | "places" | "heap" | "cgo" | "plugin")
        && program.variant.starts_with("stripped")
}

#[test]
fn live_stripped_targets_are_what_they_say() {
    check_all(is_stripped, |program| {
        let target = Running::start(program);
        compare(&target.truth, target.read())
    });
}

#[test]
fn cores_of_stripped_programs_are_what_their_process_said() {
    check_all(is_stripped, |program| {
        let target = Running::start(program);
        let truth = target.truth.clone();
        let core = cores::kernel_or_gdb(target);
        compare(&truth, core.read(program))
    });
}

/// Everything but owners, which have no names, and of objects only what is claimed: to some types only names lead.
fn compare(truth: &serde_json::Value, mut reading: Reading) -> Vec<String> {
    let mut truth = truth.clone();
    for map in truth["maps"].as_array_mut().into_iter().flatten() {
        map["owner"] = "".into();
    }
    let mut wrong = Vec::new();
    for said in truth["types"].as_array().into_iter().flatten() {
        let name = said["type"].as_str().unwrap();
        let found = reading.types.iter().find(|t| t.name == name).map_or(0, |t| t.count);
        if found > said["count"].as_u64().unwrap() {
            wrong.push(format!("{found} objects of type {name}, of which there are {}", said["count"]));
        }
    }
    truth["types"] = serde_json::Value::Null;
    // `syscall` makes a map for calls of `Mmap` that no program of the testbed uses.
    reading.partial.retain(|p| {
        !p.starts_with("1 map that never had an entry is left out")
            && !p.starts_with("the runtime's own memory is not told apart")
    });
    wrong.extend(truth::compare(&truth, &reading));
    wrong
}
