//! Programs without debug information and symbols, against what they say of themselves.

use crate::matrix::Program;
use crate::target::{Reading, Running};
use crate::{check_all, cores, truth};

fn is_stripped(program: &Program) -> bool {
    matches!(program.program.as_str(), "maps" | "places" | "heap" | "cgo") && program.variant.starts_with("stripped")
}

#[test]
fn live_stripped_targets_are_what_they_say() {
    check_all(is_stripped, |program| {
        let target = Running::start(program);
        compare(&target.truth, &target.read())
    });
}

#[test]
fn cores_of_stripped_programs_are_what_their_process_said() {
    check_all(is_stripped, |program| {
        let target = Running::start(program);
        let truth = target.truth.clone();
        let core = cores::kernel_or_gdb(target);
        compare(&truth, &core.read(program))
    });
}

/// Everything but owners, which have no names. Of types that only names lead to, no object is claimed.
fn compare(truth: &serde_json::Value, reading: &Reading) -> Vec<String> {
    let mut truth = truth.clone();
    for map in truth["maps"].as_array_mut().into_iter().flatten() {
        map["owner"] = "".into();
    }
    truth["types"] = serde_json::Value::Null;
    truth::compare(&truth, reading)
}
