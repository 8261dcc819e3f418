//! One source, built with debug information and without: what is found in the one is found in the other.

use std::collections::BTreeMap;

use crate::check_all;
use crate::matrix::{self, Program};
use crate::target::Running;

/// Their maps change while they are looked at, or are too many to be looked at twice.
const RESTLESS: [&str; 8] = ["big", "collecting", "growth", "manymaps", "resident", "server", "ticker", "writer"];

/// How many maps with entries have how many, and how many of each type do. What a type was concluded from may fit another.
#[derive(Default)]
struct Maps {
    entries: BTreeMap<u64, i64>,
    typed: BTreeMap<(String, u64), i64>,
}

#[test]
fn stripped_programs_have_the_maps_of_the_others() {
    let named: Vec<Program> = matrix::programs().into_iter().filter(|p| p.variant == "default").collect();
    check_all(
        |p| p.variant == "stripped" && !p.has_modules() && !RESTLESS.contains(&p.program.as_str()),
        |program| {
            let is_other = |p: &&Program| p.toolchain == program.toolchain && p.program == program.program;
            let Some(other) = named.iter().find(is_other) else { return Vec::new() };
            let (mut stripped, all) = (maps(program, false), maps(other, true));
            for (entries, count) in all.entries {
                *stripped.entries.entry(entries).or_default() -= count;
            }
            let differs = stripped.entries.into_iter().filter(|(_, count)| *count != 0);
            let mut wrong: Vec<String> =
                differs.map(|(entries, count)| format!("{count:+} maps of {entries} entries")).collect();
            for ((ty, entries), count) in stripped.typed {
                let there = all.typed.get(&(ty.clone(), entries)).copied().unwrap_or(0);
                if count > there {
                    wrong.push(format!("{count} {ty} of {entries} entries, not {there}"));
                }
            }
            wrong
        },
    );
}

/// The maps of a program; `inferred`: also by a type that was inferred.
fn maps(program: &Program, inferred: bool) -> Maps {
    let mut maps = Maps::default();
    for map in Running::start(program).read().maps.iter() {
        let entries = map.figures().map_or(0, |figures| figures.entries);
        // The testbed's own notes have one for each size that the program asked for.
        if entries == 0 || map.type_name() == "map[uintptr]uintptr" {
            continue;
        }
        *maps.entries.entry(entries).or_default() += 1;
        if inferred || !map.heuristic() {
            *maps.typed.entry((map.type_name().to_owned(), entries)).or_default() += 1;
        }
    }
    maps
}
