//! Allocation sites and heap profiles, against the profile that each program prints of itself. None of it needs debug
//! information but the names of what retains objects.

use std::collections::BTreeMap;

use mapscope_go::{
    CodeFrame, Executable, HeapProfile, HeapRecord, Sampling, Session, Silent, Site, Sites, with_session,
};
use mapscope_memory::Process;
use mapscope_profile::Profile;
use serde_json::Value;

use crate::check_all;
use crate::matrix::Program;
use crate::target::Running;

/// Frames of a record that are compared with those of `runtime.MemProfile`, which has 32 at most, of which some are
/// the runtime's own.
const DEPTH: usize = 20;

/// How often each thing is there.
type Counted<T> = BTreeMap<T, usize>;
/// Function, file, line.
type Line = (String, String, i64);

fn counted<T: Ord>(things: impl IntoIterator<Item = T>) -> Counted<T> {
    let mut counts = Counted::new();
    for thing in things {
        *counts.entry(thing).or_default() += 1;
    }
    counts
}

/// What is in one and not, or not as often, in the other.
fn differences<T: Ord + std::fmt::Debug>(what: &str, said: &Counted<T>, found: &Counted<T>) -> Vec<String> {
    let missing = said.iter().filter(|(k, n)| found.get(k) != Some(n));
    let extra = found.iter().filter(|(k, n)| said.get(k) != Some(n));
    let line = |found: &str, (thing, count): (&T, &usize)| format!("{what}: {found} {count} times: {thing:?}");
    missing.map(|m| line("said", m)).chain(extra.map(|e| line("found", e))).take(6).collect()
}

fn lines<'p>(profile: &'p HeapProfile<'_>, record: &HeapRecord) -> impl Iterator<Item = CodeFrame<'p>> {
    record.stack.clone().into_iter().flat_map(|index| profile.spots[index as usize].frames.iter().copied())
}

/// A record is compared unless it is all zero: the program adds such while it prints.
fn is_compared(values: &[i64]) -> bool {
    values.iter().any(|v| *v != 0)
}

/// `runtime.MemProfile`: unscaled counts, names as `runtime.CallersFrames` prints them. Stacks are compared from the
/// program's own first function on: what is hidden before it is for [`written`] to tell.
fn records(truth: &Value, profile: &HeapProfile<'_>) -> Vec<String> {
    let own = |mut stack: Vec<String>| {
        let first = stack.iter().position(|line| line.starts_with("main."));
        stack.drain(..first.unwrap_or(stack.len()));
        stack.retain(|line| !line.starts_with("runtime.goexit "));
        stack.truncate(DEPTH);
        stack
    };
    let said = truth["records"].as_array().unwrap().iter().map(|record| {
        let values =
            ["alloc_objects", "alloc_bytes", "free_objects", "free_bytes"].map(|k| record[k].as_i64().unwrap());
        let stack = record["stack"].as_array().unwrap().iter().map(|l| l.as_str().unwrap().to_owned());
        (own(stack.collect()), values.to_vec())
    });
    let found = profile.records.iter().map(|record| {
        let line = |f: CodeFrame<'_>| format!("{} {}:{}", f.printed_name(), f.file, f.line);
        let size = record.object_size;
        let values = [record.allocs, record.allocs * size, record.frees, record.frees * size].map(|v| v as i64);
        (own(lines(profile, record).map(line).collect()), values.to_vec())
    });
    let said = counted(said.filter(|r| is_compared(&r.1)));
    assert!(said.len() > 3, "the program samples");
    differences("record", &said, &counted(found.filter(|r| is_compared(&r.1))))
}

/// What `runtime/pprof` wrote: scaled values and whole stacks.
fn written(truth: &Value, profile: &HeapProfile<'_>) -> Vec<String> {
    let hex = truth["profile"].as_str().unwrap();
    let bytes: Vec<u8> = (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
    let own = Profile::from_bytes(&bytes).unwrap();
    let said = own.samples.iter().map(|sample| {
        let line = |(f, line): (&mapscope_profile::Function, i64)| (f.name.to_string(), line);
        (own.frames(sample).map(line).collect::<Vec<_>>(), sample.values.clone())
    });
    let found = profile.records.iter().map(|record| {
        let (allocated, in_use) =
            (record.scaled(profile.sampling, record.allocs), record.scaled(profile.sampling, record.in_use()));
        let line = |f: CodeFrame<'_>| (f.function.to_owned(), i64::from(f.line));
        (lines(profile, record).map(line).collect::<Vec<_>>(), vec![allocated.0, allocated.1, in_use.0, in_use.1])
    });
    let said = counted(said.filter(|r| is_compared(&r.1)));
    let mut wrong = differences("sample", &said, &counted(found.filter(|r| is_compared(&r.1))));
    // pprof keeps the first file of a function, so files are compared as a set.
    let functions = |lines: &mut dyn Iterator<Item = Line>| counted(lines).into_keys().collect::<Vec<_>>();
    let said = functions(&mut own.functions.iter().map(|f| (f.name.to_string(), f.file.to_string(), f.start_line)));
    let frames = profile.records.iter().flat_map(|r| lines(profile, r));
    let found = functions(&mut frames.map(|f| (f.function.into(), f.file.into(), i64::from(f.start_line))));
    wrong.extend(said.iter().filter(|s| !found.contains(s)).take(3).map(|s| format!("function {s:?} is not found")));
    wrong
}

/// Objects of a size that a known function made, now live or garbage.
fn made(truth: &Value, profile: &HeapProfile<'_>, sites: &Sites<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    for said in truth["made"].as_array().unwrap() {
        let of_size = profile.records.iter().filter(|r| Some(r.object_size) == said["size"].as_u64());
        let made = of_size.filter(|r| lines(profile, r).next().is_some_and(|f| f.function == said["function"]));
        let found = made.fold((0, 0), |sum, r| (sum.0 + r.live, sum.1 + r.garbage));
        if (Some(found.0), Some(found.1)) != (said["live"].as_u64(), said["garbage"].as_u64()) {
            wrong.push(format!("{found:?} live and garbage objects, not {said}"));
        }
    }
    let recorded: (u64, u64) = profile.records.iter().fold((0, 0), |sum, r| (sum.0 + r.live, sum.1 + r.garbage));
    let grouped = sites.all().iter().fold((0, 0), |sum, s| (sum.0 + s.live.objects, sum.1 + s.garbage.objects));
    if recorded != grouped || recorded.0 + recorded.1 != sites.sampled_objects() {
        wrong.push(format!("{recorded:?} objects of records, {grouped:?} of stacks, {}", sites.sampled_objects()));
    }
    wrong
}

/// Where what the variable `main.all` retains was allocated, and what its map alone does.
fn retained(sites: &Sites<'_>, session: &Session<'_>) -> Vec<String> {
    let blocks = |sites: &[Site<'_>], function: &str| -> u64 {
        let made = sites.iter().filter(|site| site.stack.first().is_some_and(|f| f.function == function));
        made.map(|site| site.live.bytes / 8192).sum()
    };
    let objects = |sites: &[Site<'_>]| -> u64 { sites.iter().map(|site| site.live.objects).sum() };
    let holder = session.holders().iter().position(|h| h.name == "main.all").unwrap();
    let of_holder = sites.retained_by_holder(holder as u32);
    let map = session.maps.iter().find(|m| m.owner() == "main.all.table").unwrap();
    let of_map = sites.retained_by_map(map.address());
    let by_table: Vec<Site<'_>> =
        of_map.iter().filter(|site| site.stack.iter().any(|f| f.function == "main.table")).cloned().collect();
    let checks = [
        ("blocks of main.all from the helper", blocks(&of_holder, "main.helper"), 300),
        ("blocks of the map from the helper", blocks(&of_map, "main.helper"), 0),
        ("objects of the map", objects(&by_table), objects(&of_map)),
        ("elements of the list", objects(&sites.retained_by_type("main.list")), 300),
        ("bytes of the map", of_map.iter().map(|site| site.live.bytes).sum(), map.retained_bytes().unwrap()),
    ];
    let wrong = checks.into_iter().filter(|(_, found, expected)| found != expected);
    wrong.map(|(what, found, expected)| format!("{what}: {found}, not {expected}")).collect()
}

/// Reads a running program and compares what `compare` compares.
fn compare(
    program: &Program,
    arguments: &[&str],
    compare: impl Fn(&Value, &Sites<'_>, &Session<'_>) -> Vec<String>,
) -> Vec<String> {
    let target = Running::start_with(program, arguments);
    let process = Process::attach(target.child.id()).unwrap();
    let executable = process.executable().unwrap();
    let compared = with_session(&process, Executable::new(&executable), &Silent, |session| {
        let sites = session.sites();
        let mut wrong = sites.partial.sentences();
        wrong.extend(compare(&target.truth, &sites, session));
        wrong
    });
    compared.unwrap_or_else(|e| vec![e.to_string()])
}

fn has_sites(program: &Program) -> bool {
    program.program == "sites"
}

#[test]
fn heap_profiles_are_those_of_the_program() {
    check_all(has_sites, |program| {
        [&[][..], &["default"]].into_iter().fold(Vec::new(), |mut wrong, arguments| {
            wrong.extend(compare(program, arguments, |truth, sites, session| {
                let profile = sites.heap_profile();
                let rate = truth["rate"].as_u64().unwrap();
                let mut wrong = records(truth, &profile);
                wrong.extend(written(truth, &profile));
                if sites.sampling != Sampling::Every(rate) {
                    wrong.push(format!("sampling is {:?}, not every {rate} bytes", sites.sampling));
                }
                if rate == 1 {
                    wrong.extend(made(truth, &profile, sites));
                    if program.has_names() {
                        wrong.extend(retained(sites, session));
                    }
                }
                wrong
            }));
            wrong
        })
    });
}

#[test]
fn a_program_without_samples_says_so() {
    check_all(
        |program| has_sites(program) && matches!(program.variant.as_str(), "default" | "stripped"),
        |program| {
            // The runtime itself samples before the program can turn it off.
            compare(program, &["off"], |_, sites, _| {
                let wrong = (sites.sampling != Sampling::Off).then(|| format!("sampling is {:?}", sites.sampling));
                wrong.into_iter().collect()
            })
        },
    );
}
