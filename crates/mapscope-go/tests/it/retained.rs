//! Retained sizes, which follow from how the program built its structures.

use mapscope_go::{Executable, Session, Silent, with_session};
use mapscope_heap::Label;
use mapscope_memory::{Core, Memory, Process};
use serde_json::Value;

use crate::check_all;
use crate::cores::kernel_or_gdb;
use crate::matrix::Program;
use crate::target::Running;

fn has_names(program: &Program) -> bool {
    program.program == "retained" && program.has_names()
}

#[test]
fn what_is_retained_follows_from_how_it_was_built() {
    check_all(has_names, |program| {
        let target = Running::start(program);
        let process = Process::attach(target.child.id()).unwrap();
        let executable = process.executable().unwrap();
        compare(&target.truth, &process, &executable)
    });
}

#[test]
fn cores_retain_what_their_process_did() {
    check_all(
        |p| has_names(p) && p.variant == "default",
        |program| {
            let target = Running::start(program);
            let truth = target.truth.clone();
            let recorded = kernel_or_gdb(target);
            let core = Core::open(&recorded.path, Some(&program.path)).unwrap();
            compare(&truth, &core, core.executable())
        },
    );
}

fn compare(truth: &Value, memory: &dyn Memory, executable: &[u8]) -> Vec<String> {
    with_session(memory, Executable::new(executable), &Silent, |session| {
        let mut wrong = top_level(session);
        for said in truth["retained"].as_array().unwrap() {
            let found = retained(session, said);
            if found != said["bytes"].as_u64() {
                wrong.push(format!("{said}: found {found:?}"));
            }
        }
        wrong
    })
    .unwrap_or_else(|e| vec![e.to_string()])
}

/// Everything that lives is held by someone, and counted once.
fn top_level(session: &Session<'_>) -> Vec<String> {
    let (live, tree) = (session.totals.live_bytes, session.dominators());
    let whole = (0..tree.holders()).filter(|h| tree.whole(*h).is_none());
    let held = whole.map(|h| tree.held(h)).sum::<u64>() + tree.shared();
    let merged = &session.merged_dominators().nodes;
    let top: u64 = merged.iter().skip(1).filter(|n| n.above == 0).map(|n| n.retained).sum();
    let own: u64 = merged.iter().map(|n| n.bytes).sum();
    let sums =
        [("holders", held), ("the merged tree's top", top), ("its first node", merged[0].retained), ("its own", own)];
    let wrong = sums.into_iter().filter(|(_, sum)| *sum != live);
    wrong.map(|(what, sum)| format!("{live} bytes are live, but {what}: {sum}")).collect()
}

fn retained(session: &Session<'_>, said: &Value) -> Option<u64> {
    let name = said["name"].as_str().unwrap();
    match said["kind"].as_str().unwrap() {
        "holder" => {
            let groups = session.holder_groups();
            let nodes = &session.merged_dominators().nodes;
            let is_it = |label| matches!(label, Label::Holders(group) if groups[group as usize] == name);
            Some(nodes.iter().find(|n| is_it(n.label))?.retained)
        }
        "type" => Some(session.types.iter().find(|t| t.name == name)?.retained),
        _ => {
            let address = u64::from_str_radix(said["addr"].as_str().unwrap().trim_start_matches("0x"), 16).unwrap();
            let (object, _) = session.graph().blocks.find(address)?;
            Some(session.dominators().retained(object.0))
        }
    }
}
