//! Compares who holds what the runtime's structures lead to with what a program says of itself.

use mapscope_go::{Executable, Session, Silent, StorageOptions, with_session};
use mapscope_heap::Dominator;
use mapscope_memory::Process;
use serde_json::Value;

use crate::check_all;
use crate::matrix::Program;
use crate::target::Running;

#[test]
fn timers_pools_and_queues_are_passages() {
    check_all(
        |program| program.program == "passages",
        |program| {
            let target = Running::start(program);
            let process = Process::attach(target.child.id()).unwrap();
            let executable = process.executable().unwrap();
            let compare = |session: &Session<'_>| compare(&target.truth, program, session);
            with_session(&process, Executable::new(&executable), &Silent, compare)
                .unwrap_or_else(|e| vec![e.to_string()])
        },
    );
}

fn compare(truth: &Value, program: &Program, session: &Session<'_>) -> Vec<String> {
    let mut wrong: Vec<String> = session.partial.iter().map(|p| format!("partial: {p}")).collect();
    for fact in truth["facts"].as_array().unwrap() {
        if fact["fact"] == "timer" {
            wrong.extend(timer(fact, session));
            continue;
        }
        let address = u64::from_str_radix(fact["addr"].as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
        let (under, part) = holders(session, address);
        let (found, said) = match fact["fact"].as_str().unwrap() {
            "under" => (under, fact["holder"].as_str().unwrap()),
            _ => (part, fact["part"].as_str().unwrap()),
        };
        // Without debug information nobody knows variables, and with optimisation it need not know where they are.
        let of_variable = said.starts_with("main.");
        let told = program.has_names() && (program.variant == "noopt" || !said.ends_with(": kept"));
        if found != said && (told || !of_variable) {
            wrong.push(format!("{fact}: {found}"));
        }
    }
    wrong
}

/// Timers retain what they are the only ones to hold.
fn timer(fact: &Value, session: &Session<'_>) -> Option<String> {
    let timers = session.storage(&StorageOptions::default()).timers;
    let called = timers.functions.into_iter().find(|f| f.function.starts_with(fact["function"].as_str().unwrap()));
    let found = called.map_or((0, 0), |f| (f.pending, f.retained_bytes));
    let said = (fact["pending"].as_u64().unwrap(), fact["bytes"].as_u64().unwrap());
    // The timers themselves, and the method values, come to it.
    (found.0 != said.0 || !(said.1..said.1 + said.0 * 200).contains(&found.1)).then(|| format!("{fact}: {found:?}"))
}

/// The names of the holder or holders of what is at `address`, and of the part of one.
fn holders(session: &Session<'_>, address: u64) -> (String, String) {
    let tree = session.dominators();
    let group = |group: u32| session.holder_groups()[group as usize].clone();
    let mut at = session.graph().blocks.find(address).and_then(|(object, _)| tree.of(object.0));
    while let Some(Dominator::Object(above)) = at {
        at = tree.of(above);
    }
    match at {
        Some(Dominator::Holder(holder)) => {
            let whole = tree.whole(holder).unwrap_or(holder);
            (group(tree.group(whole)), group(tree.group(holder)))
        }
        Some(Dominator::Shared(share)) => match tree.shares()[share as usize] {
            mapscope_heap::Share { group: only, others: 0, more: false } => (group(only), String::new()),
            _ => (session.share_name(share), String::new()),
        },
        _ => Default::default(),
    }
}
