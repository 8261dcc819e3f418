//! Maps that are written at full speed while they are read: torn, or right; and the writers notice nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mapscope_memory::{Memory, Process};
use mapscope_model::{MapFigures, MapRef};
use object::{Object, ObjectSymbol};

use crate::matrix::Program;
use crate::target::{Reading, Running, read};
use crate::{check_all, truth};

/// What is always true of a map of the program `writer`, whatever moment it is stopped at.
struct Written {
    owner: &'static str,
    type_name: &'static str,
    most_entries: u64,
    /// Entries whose element is zero, counting one that was inserted and has no element yet.
    most_zero: u64,
}

const WRITTEN: &[Written] = &[
    Written { owner: "main.busy", type_name: "map[int]int", most_entries: 300_000, most_zero: 2 },
    // One element of 256 is zero, and the 2001 entries are consecutive.
    Written { owner: "main.wide", type_name: "map[string][120]uint8", most_entries: 2_001, most_zero: 9 },
    Written { owner: "main.store", type_name: "map[string]*main.value", most_entries: 20_001, most_zero: 1 },
];

/// A target that stands still for so long is dead.
const PATIENCE: Duration = Duration::from_secs(20);

/// The last version with legacy maps and the newest are read more often.
fn inspections(program: &Program) -> u64 {
    if matches!(program.toolchain.as_str(), "1.23.9" | "1.27.3") { 200 } else { 20 }
}

#[test]
fn written_maps_are_torn_or_right() {
    check_all(
        |program| program.program == "writer" && program.variant == "default",
        |program| {
            let mut target = Running::start(program);
            let rounds = symbol(program, "main.rounds");
            let (mut wrong, mut torn) = (Vec::new(), BTreeMap::<String, u64>::new());
            for inspection in 0..inspections(program) {
                let mut process = Process::attach(target.child.id()).unwrap();
                let executable = process.executable().unwrap();
                let before = process.u64(rounds).unwrap();
                let reading = read(&process, &executable);
                let after = process.u64(rounds).unwrap();
                process.resume();
                let mut found = compare(&target, &reading, &mut torn);
                if before != after {
                    found.push(format!("it made {} rounds while it was stopped", after - before));
                }
                // Another number each time, so that it is stopped in other places.
                if !goes_on(&process, rounds, after + 1 + inspection * 7919 % 1000) {
                    found.push("it stands still".to_owned());
                }
                wrong.extend(found.into_iter().map(|what| format!("inspection {inspection}: {what}")));
                if wrong.len() > 20 {
                    break;
                }
            }
            wrong.extend(target.finish());
            println!("{program}: {} inspections, torn: {torn:?}", inspections(program));
            wrong
        },
    );
}

#[test]
fn targets_survive_being_read() {
    check_all(
        |program| {
            matches!(program.toolchain.as_str(), "1.21.13" | "1.24.11" | "1.27.3")
                && matches!(program.variant.as_str(), "default" | "stripped")
                && matches!(program.program.as_str(), "maps" | "places" | "cgo" | "sessions")
        },
        |program| {
            let mut target = Running::start(program);
            let mut wrong = Vec::new();
            for _ in 0..2 {
                let reading = target.read();
                wrong.extend(reading.error.filter(|_| program.variant != "stripped"));
                if let Some(status) = target.child.try_wait().unwrap() {
                    wrong.push(format!("it ended: {status}"));
                }
            }
            wrong.extend(target.finish());
            wrong
        },
    );
}

/// Every difference; counts the maps that are torn, by name and reason.
fn compare(target: &Running, reading: &Reading, torn: &mut BTreeMap<String, u64>) -> Vec<String> {
    let mut wrong: Vec<String> = reading.error.iter().cloned().collect();
    wrong.extend(reading.partial.iter().map(|p| format!("partial: {p}")));
    for map in target.truth["maps"].as_array().unwrap() {
        wrong.extend(truth::compare_map(map, reading));
    }
    for written in WRITTEN {
        let found: Vec<MapRef<'_>> = reading.maps.iter().filter(|map| map.owner() == written.owner).collect();
        let [map] = found[..] else {
            wrong.push(format!("{} is found {} times", written.owner, found.len()));
            continue;
        };
        if map.type_name() != written.type_name {
            wrong.push(format!("{} has the type {}", written.owner, map.type_name()));
        }
        match map.figures() {
            None => {
                let reason = without_numbers(map.torn_reason().unwrap());
                *torn.entry(format!("{}: {reason}", written.owner)).or_default() += 1;
            }
            Some(figures) if !is_possible(map.implementation(), figures, written) => {
                wrong.push(format!("{} has impossible figures: {figures:?}", written.owner));
            }
            Some(_) => {}
        }
    }
    wrong
}

/// Figures that some moment of the map could have.
fn is_possible(implementation: &str, figures: &MapFigures, written: &Written) -> bool {
    let MapFigures { entries, slots, groups, holes, .. } = *figures;
    let growing = figures.old_buckets_bytes.is_some_and(|bytes| bytes > 0);
    let shape = if implementation == "swiss" {
        slots == 8 * groups && figures.tombstones.is_some_and(|tombstones| entries + tombstones <= slots)
    } else {
        let overflow = figures.overflow_buckets.unwrap_or(u64::MAX);
        // Entries that have not been moved yet are in no slot of the new array.
        (groups == 0 || groups.is_power_of_two())
            && overflow.checked_add(groups).is_some_and(|buckets| slots == 8 * buckets)
            && (entries <= slots || growing)
            && figures.evacuated_buckets.is_some_and(|evacuated| growing || evacuated == 0)
    };
    shape
        && holes <= groups
        && entries <= written.most_entries
        && figures.zero_values.is_some_and(|zero| zero <= written.most_zero)
        && figures.reclaimable_bytes <= figures.table_bytes
        && figures.indirect_bytes == 0
}

/// Whether a counter of a running target reaches a number.
fn goes_on(process: &Process, counter: u64, number: u64) -> bool {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        match process.u64(counter) {
            Ok(now) if now >= number => return true,
            Ok(_) => std::thread::yield_now(),
            Err(_) => return false,
        }
    }
    false
}

/// The address of a symbol of a program that is loaded where its file says.
fn symbol(program: &Program, name: &str) -> u64 {
    let bytes = std::fs::read(&program.path).unwrap();
    let file = object::read::elf::ElfFile64::<object::Endianness>::parse(&*bytes).unwrap();
    file.symbols().find(|symbol| symbol.name() == Ok(name)).unwrap().address()
}

fn without_numbers(text: &str) -> String {
    let words = text.split(' ').map(|word| if word.starts_with(|c: char| c.is_ascii_digit()) { "N" } else { word });
    words.collect::<Vec<_>>().join(" ")
}
