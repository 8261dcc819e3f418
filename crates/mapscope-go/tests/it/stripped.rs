//! Programs without debug information and symbols, against what they say of themselves.

use crate::matrix::Program;
use crate::target::{Reading, Running};
use crate::{check_all, cores, truth};

fn is_stripped(program: &Program) -> bool {
    let wanted = program.has_modules() || matches!(program.program.as_str(), "maps" | "places" | "heap" | "cgo");
    wanted && program.variant.starts_with("stripped")
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

/// Inspections of a program that collects back to back: most of them while the collector marks, when the runtime has
/// copies of what is searched for.
const INSPECTIONS: usize = 10;

#[test]
fn a_program_is_read_while_it_marks() {
    check_all(
        |p| p.program == "collecting",
        |program| {
            let mut target = Running::start(program);
            let (mut wrong, waiting) = (Vec::new(), target.truth["waiting"].as_u64());
            for inspection in 0..INSPECTIONS {
                let (census, reading) = target.inspect();
                let blocked = census.groups.iter().filter(|g| g.stack.iter().any(|f| f.function == "main.wait"));
                let blocked: Vec<(&str, usize)> = blocked.map(|g| (g.state.as_str(), g.ids.len())).collect();
                if blocked != [("chan receive", target.truth["waiting"].as_u64().unwrap() as usize)] {
                    wrong.push(format!("inspection {inspection}: {blocked:?}, not {waiting:?} that wait"));
                }
                let nodes = target.truth["nodes"].as_u64().unwrap();
                if !(nodes..nodes + nodes / 100).contains(&reading.totals.live_objects) {
                    wrong.push(format!("inspection {inspection}: {} objects live", reading.totals.live_objects));
                }
                let reasons = reading.error.iter().chain(&reading.partial);
                wrong.extend(reasons.map(|reason| format!("inspection {inspection}: {reason}")));
            }
            wrong.extend(target.finish());
            wrong
        },
    );
}

/// Everything but owners, which have no names, and of objects only what is claimed: to some types only names lead.
fn compare(truth: &serde_json::Value, reading: &Reading) -> Vec<String> {
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
    wrong.extend(truth::compare(&truth, reading));
    wrong
}
