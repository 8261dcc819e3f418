//! Paths and cycles of a program that knows them all.

use std::collections::BTreeMap;

use mapscope_go::{
    CycleGroup, Executable, FoundCycles, FoundPath, MergedPaths, Place, RootClass, Session, Silent, path_text,
    with_session,
};
use mapscope_memory::{Memory, Process};
use serde_json::Value;

use crate::matrix::Program;
use crate::{check_all, cores, target};

fn wanted(program: &Program) -> bool {
    program.program == "paths" && program.has_names()
}

#[test]
fn live_targets_hold_what_they_say() {
    check_all(wanted, |program| {
        let target = target::Running::start(program);
        let process = Process::attach(target.child.id()).unwrap();
        let executable = process.executable().unwrap();
        compare(&target.truth, &process, &executable)
    });
}

#[test]
fn cores_hold_what_their_process_said() {
    check_all(wanted, |program| {
        let target = target::Running::start(program);
        let truth = target.truth.clone();
        let core = cores::kernel_or_gdb(target).open(program);
        compare(&truth, &core, core.executable())
    });
}

/// Every difference, as a sentence.
fn compare(truth: &Value, memory: &dyn Memory, executable: &[u8]) -> Vec<String> {
    let facts = truth["facts"].as_array().unwrap();
    let read = with_session(memory, Executable::new(executable), &Silent, |session| {
        let mut wrong: Vec<String> = session.partial.iter().map(|p| format!("partial: {p}")).collect();
        wrong.extend(paths(facts, session));
        wrong.extend(places(facts, session));
        wrong.extend(merged(facts, session));
        wrong.extend(without_some_roots(facts, session));
        wrong.extend(cycles(facts, session));
        wrong
    });
    read.unwrap_or_else(|e| vec![e.to_string()])
}

fn of<'f>(facts: &'f [Value], what: &'static str) -> impl Iterator<Item = &'f Value> {
    let found: Vec<&Value> = facts.iter().filter(|f| f["fact"] == what).collect();
    assert!(!found.is_empty(), "the program states nothing about {what}");
    found.into_iter()
}

fn address(fact: &Value, key: &str) -> u64 {
    u64::from_str_radix(fact[key].as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}

fn text(fact: &Value, key: &str) -> String {
    fact[key].as_str().unwrap().to_owned()
}

/// The paths stated for each address, by kind of root.
fn stated(facts: &[Value]) -> BTreeMap<u64, BTreeMap<String, String>> {
    let mut stated: BTreeMap<u64, BTreeMap<String, String>> = BTreeMap::new();
    for fact in of(facts, "path") {
        stated.entry(address(fact, "addr")).or_default().insert(text(fact, "kind"), text(fact, "path"));
    }
    stated
}

fn by_kind(paths: &[FoundPath]) -> BTreeMap<String, String> {
    paths.iter().map(|p| (p.kind.name().to_owned(), path_text(&p.root, &p.steps))).collect()
}

fn paths(facts: &[Value], session: &Session<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (at, said) in stated(facts) {
        let paths = session.paths_to(at, &[]);
        let found = by_kind(&paths);
        if found != said {
            wrong.push(format!("{at:#x}: {found:?}, not {said:?}"));
        }
        for path in paths {
            let last = path.steps.last().map_or(&path.object, |s| &s.object);
            if last.as_ref().map(|o| o.address) != Some(at) {
                wrong.push(format!("{at:#x}: the {} path ends at {last:?}", path.kind.name()));
            }
        }
    }
    wrong
}

fn places(facts: &[Value], session: &Session<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |fact: &Value, fits: bool, place: &Place| {
        if !fits {
            wrong.push(format!("{fact}: {place:?}"));
        }
    };
    for fact in of(facts, "interior") {
        let place = session.place(address(fact, "addr"));
        let fits = matches!(&place, Place::Live { object, offset }
            if object.address == address(fact, "object")
                && Some(*offset) == fact["offset"].as_u64()
                && object.type_name == text(fact, "type"));
        check(fact, fits, &place);
    }
    for fact in of(facts, "garbage") {
        let place = session.place(address(fact, "addr"));
        let fits = matches!(&place, Place::Garbage { object, offset: 0, from }
            if object.address == address(fact, "addr") && Some(from.count) == fact["from"].as_u64());
        check(fact, fits && session.paths_to(address(fact, "addr"), &[]).is_empty(), &place);
    }
    for fact in of(facts, "free") {
        let place = session.place(address(fact, "addr"));
        check(fact, place == Place::Free { bytes: fact["bytes"].as_u64().unwrap() }, &place);
    }
    for fact in of(facts, "data") {
        let place = session.place(address(fact, "addr"));
        check(fact, place == Place::Data(text(fact, "name")), &place);
    }
    for fact in of(facts, "stack") {
        let place = session.place(address(fact, "addr"));
        let name = text(fact, "name");
        // The variable's own name depends on the optimiser.
        check(fact, matches!(&place, Place::Stack(found) if found.starts_with(&name)), &place);
    }
    let nowhere = session.place(8);
    check(&Value::Null, nowhere == Place::Unmapped, &nowhere);
    wrong
}

fn lines(found: &MergedPaths) -> BTreeMap<String, (u64, u64)> {
    found.paths.iter().map(|p| (path_text(&p.root, &p.steps), (p.count, p.bytes))).collect()
}

fn merged(facts: &[Value], session: &Session<'_>) -> Vec<String> {
    let mut said: BTreeMap<String, BTreeMap<String, (u64, u64)>> = BTreeMap::new();
    for fact in of(facts, "merged") {
        let figures = (fact["count"].as_u64().unwrap(), fact["bytes"].as_u64().unwrap());
        said.entry(text(fact, "type")).or_default().insert(text(fact, "path"), figures);
    }
    let mut wrong = Vec::new();
    for (name, said) in said {
        let found = session.merged_paths(|n| n == name, &[]);
        if lines(&found) != said {
            wrong.push(format!("{name}: {:#?}, not {said:#?}", lines(&found)));
        }
        let sum = |figure: fn(&(u64, u64)) -> u64| said.values().map(figure).sum::<u64>();
        if (found.count, found.bytes) != (sum(|f| f.0), sum(|f| f.1)) || found.left_count != 0 {
            wrong.push(format!("{name}: {} objects, {} bytes, {} left", found.count, found.bytes, found.left_count));
        }
    }
    wrong
}

fn without_some_roots(facts: &[Value], session: &Session<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (at, mut said) in stated(facts) {
        said.remove("global");
        let found = by_kind(&session.paths_to(at, &[RootClass::Global]));
        if found != said {
            wrong.push(format!("{at:#x} without globals: {found:?}, not {said:?}"));
        }
    }
    let stack = session.merged_paths(|n| n == "main.part", &[RootClass::Global]);
    let keeper = "goroutine main.keeper: mine".to_owned();
    let expected = of(facts, "merged").filter(|f| f["type"] == "main.part").map(|f| f["count"].as_u64().unwrap());
    if lines(&stack) != BTreeMap::from([(keeper, (7, 7 * 48))]) || stack.left_count != expected.sum::<u64>() - 7 {
        wrong.push(format!("parts without globals: {stack:?}"));
    }
    wrong
}

fn cycles(facts: &[Value], session: &Session<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    let found = session.cycles(true, None);
    let swiss = session.swiss;
    let mut with_map = 0;
    for fact in of(facts, "cycle") {
        let maps: Vec<u64> = fact["maps"].as_array().unwrap().iter().map(|m| hex(m.as_str().unwrap())).collect();
        with_map += u64::from(!maps.is_empty());
        match entered_at(&found, address(fact, "entry")) {
            Some(group) => wrong.extend(differs(group, fact, maps, swiss)),
            None => wrong.push(format!("no cycle at {fact}: {found:?}")),
        }
    }
    for fact in of(facts, "ring") {
        let group = entered_at(&found, address(fact, "entry"));
        if group.is_none_or(|g| Some(g.objects) != fact["objects"].as_u64() || g.map_count != 0) {
            wrong.push(format!("{fact}: {group:?}"));
        }
    }
    let only = session.cycles(false, None);
    let counts = (found.with_map, only.groups.len() as u64, found.groups.len() as u64);
    if counts != (with_map, with_map, found.with_map + found.without_map) {
        wrong.push(format!("{counts:?} groups, {with_map} with a map: {:#?}", only.groups));
    }
    let first = session.cycles(true, Some(1)).groups;
    if first != found.groups[..1] {
        wrong.push(format!("the largest is {first:?}"));
    }
    wrong
}

fn hex(text: &str) -> u64 {
    u64::from_str_radix(text.trim_start_matches("0x"), 16).unwrap()
}

fn entered_at(found: &FoundCycles, entry: u64) -> Option<&CycleGroup> {
    found.groups.iter().find(|g| g.entry.address == entry)
}

fn differs(group: &CycleGroup, fact: &Value, mut maps: Vec<u64>, swiss: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |what: &str, found: String, said: String| {
        if found != said {
            wrong.push(format!("cycle at {}: {what} {found}, not {said}", fact["entry"]));
        }
    };
    check("objects", group.objects.to_string(), fact["objects"].to_string());
    check("steps", path_text("", &group.steps), format!(" -> {}", text(fact, "steps")));
    let storage = if swiss { "(groups)" } else { "(buckets)" };
    check("from", group.closing.from.type_name.clone(), text(fact, "from").replace("(storage)", storage));
    check("field", group.closing.field.clone(), text(fact, "field"));
    check("to", group.closing.to.type_name.clone(), text(fact, "to"));
    let mut found: Vec<u64> = group.maps.iter().map(|m| m.address).collect();
    found.sort_unstable();
    maps.sort_unstable();
    check("maps", format!("{found:x?} of {}", group.map_count), format!("{maps:x?} of {}", maps.len()));
    wrong
}
