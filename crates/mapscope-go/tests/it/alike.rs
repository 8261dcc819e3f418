//! One source, built with debug information and without: what is found in the one is found in the other.

use std::collections::BTreeMap;

use crate::check_all;
use crate::matrix::{self, Program};
use crate::target::Running;

/// Their maps change while they are looked at, or are too many to be looked at twice.
const RESTLESS: [&str; 8] = ["big", "collecting", "growth", "manymaps", "resident", "server", "ticker", "writer"];

/// How many maps of each type with entries have how many.
type Maps = BTreeMap<(String, u64), i64>;

#[test]
fn stripped_programs_have_the_maps_of_the_others() {
    let named: Vec<Program> = matrix::programs().into_iter().filter(|p| p.variant == "default").collect();
    check_all(
        |p| p.variant == "stripped" && !p.has_modules() && !RESTLESS.contains(&p.program.as_str()),
        |program| {
            let is_other = |p: &&Program| p.toolchain == program.toolchain && p.program == program.program;
            let Some(other) = named.iter().find(is_other) else { return Vec::new() };
            let mut difference = maps(program);
            for (map, count) in maps(other) {
                *difference.entry(map).or_default() -= count;
            }
            let differs = difference.into_iter().filter(|(_, count)| *count != 0);
            differs.map(|((ty, entries), count)| format!("{count:+} {ty} of {entries} entries")).collect()
        },
    );
}

fn maps(program: &Program) -> Maps {
    let mut maps = Maps::new();
    for map in Running::start(program).read().maps.iter() {
        let entries = map.figures().map_or(0, |figures| figures.entries);
        // The testbed's own notes have one for each size that the program asked for.
        if entries > 0 && map.type_name() != "map[uintptr]uintptr" {
            *maps.entry((map.type_name().to_owned(), entries)).or_default() += 1;
        }
    }
    maps
}
