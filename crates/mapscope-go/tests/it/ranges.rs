//! Loops over maps that goroutines stand in: which map, and how far each is, against what the program counted.

use mapscope_go::OpenLoop;
use serde_json::Value;

use crate::check_all;
use crate::target::Running;

/// Entries lie about evenly in the slots of a map: of so many entries and more, the share of slots that a loop has passed is
/// that of the entries, within this.
const MANY: u64 = 500;
const TOLERANCE: f64 = 0.08;

#[test]
fn loops_over_maps_are_where_the_program_says() {
    check_all(
        |p| p.program == "ranges",
        |program| {
            let target = Running::start(program);
            let loops = target.open_loops();
            let mut found: Vec<&OpenLoop> = loops.iter().collect();
            let mut wrong = Vec::new();
            for said in target.truth["loops"].as_array().unwrap() {
                match found.iter().position(|one| is_said(one, said)) {
                    Some(index) => drop(found.remove(index)),
                    None => wrong.push(format!("{said} is not among {found:?}")),
                }
            }
            wrong.extend(found.iter().map(|one| format!("{one:?} is too much")));
            wrong
        },
    );
}

fn is_said(one: &OpenLoop, said: &Value) -> bool {
    let number = |name: &str| said[name].as_u64().unwrap();
    let (all, seen, grown) = (number("entries"), number("seen"), said["grown"] == true);
    // What has no names of its own may have been inlined.
    let function = said["function"].as_str().unwrap();
    let is_there = one.function == function || one.function.starts_with("main.main.func");
    let (passed, of) = one.passed;
    let share = passed as f64 / of as f64;
    let fits = match all {
        _ if grown => one.replaced_bytes > 0,
        ..MANY => passed >= 1 && passed <= of,
        _ => (share - seen as f64 / all as f64).abs() < TOLERANCE,
    };
    is_there && one.entries == Some(all) && fits && (grown || one.replaced_bytes == 0)
}
