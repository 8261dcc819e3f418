//! Every rule against a program that it must find fault with, one that comes near, and what following the advice frees.

use std::fs;

use serde_json::Value;

use crate::common::{document, run, stdout};
use crate::{Target, testbed};

/// Cases, by the maps that a toolchain has.
const BOTH: [&str; 26] = [
    "gm001", "gm005", "gm006", "gm007", "gm008", "gm009", "gm010", "gm011", "gm012", "gm013", "gm014", "gh001",
    "gh002", "gh003", "gh004", "gh005", "gh006", "gh007", "gh008", "gh010", "gh011", "gh013", "gh014", "gh015",
    "gh016", "gm017",
];
/// Variants of cases; what comes near is the same as theirs.
const VARIANTS: [&str; 5] = ["gm013-shards", "gm014-reflect", "gm001-many", "gm009-document", "gm009-empty"];
const HEAP_VARIANTS: [&str; 5] = ["gh009", "gh005-texts", "gh011-maps", "gh015-anonymous", "gh002-places"];
/// What comes near in other ways.
const NEAR: [&str; 4] = ["gm001-many-near", "gm001-turns-near", "gm011-turns-near", "gh011-fixed-near"];
const SWISS: [&str; 3] = ["gm001-cleared", "gm002", "gm016"];
const LEGACY: [&str; 2] = ["gm003", "gm004"];
const MODES: [&str; 11] =
    ["web", "json", "cache", "workers", "pool", "timers", "config", "logs", "index", "cli", "watches"];
/// What is promised is what the program measures, to so many percent.
const TOLERANCE: u64 = 5;

/// The toolchains that have built a program in the default way, and that are asked for.
fn toolchains(program: &str) -> Vec<String> {
    let list = fs::read(testbed().join("matrix.json")).expect("the matrix; run `cargo xtask testbed` first");
    let list: Vec<Value> = serde_json::from_slice(&list).expect("the matrix is a list");
    let only = std::env::var("MAPSCOPE_ONLY").unwrap_or_default();
    let rows = list.iter().filter(|row| row["program"] == program && row["variant"] == "default");
    let names = rows.map(|row| row["toolchain"].as_str().expect("a toolchain").to_owned());
    let names: Vec<String> = names.filter(|n| format!("{n}-default/{program}").contains(&only)).collect();
    assert!(!names.is_empty() || !only.is_empty(), "the testbed has no {program}; run `cargo xtask testbed`");
    names
}

fn bytes(value: &Value) -> u64 {
    value.as_u64().expect("bytes")
}

/// The findings of a target, by one rule.
fn findings(target: &Target, rule: &Value) -> (Vec<Value>, Value) {
    let document = document(&["inspect", &target.pid(), "--format", "json"]);
    let all = document["findings"].as_array().expect("findings").clone();
    (all.into_iter().filter(|f| f["rule"] == *rule).collect(), document)
}

/// What is wrong with what mapscope says of one case.
fn check(toolchain: &str, case: &str) -> Result<(), String> {
    let mut target = Target::start_with(toolchain, "default", "rules", &[case]);
    let (rule, subject) = (target.truth["rule"].clone(), target.truth["subject"].clone());
    let (found, document) = findings(&target, &rule);
    if case.ends_with("-near") {
        target.ends_well();
        return if found.is_empty() { Ok(()) } else { Err(format!("it fires: {found:?}")) };
    }
    // A case may leave open which of several names is given.
    let Some(finding) = found.iter().find(|f| subject == "any" || f["subject"] == subject) else {
        return Err(format!("nothing is said of {subject}, but {}", document["findings"]));
    };
    if found.len() > 1 {
        return Err(format!("it fires {} times: {found:?}", found.len()));
    }
    let answer: Value = serde_json::from_str(&target.ask("fix")).expect("the answer is JSON");
    let Some(freed) = answer["freed"].as_i64() else {
        target.ends_well();
        return Ok(());
    };
    // Some promise nothing; what would be freed without their subject is in their evidence.
    let promised = match bytes(&finding["reclaimable_bytes"]) {
        0 => bytes(&finding["evidence"]["retained_bytes"]),
        promised => promised,
    };
    target.ends_well();
    let off = (freed - promised as i64).unsigned_abs();
    if off * 100 > promised * TOLERANCE {
        return Err(format!("{freed} bytes were freed, not {promised}: {finding}"));
    }
    Ok(())
}

fn check_all(cases: impl Fn(&str) -> Vec<&'static str>) {
    let mut wrong = Vec::new();
    for toolchain in toolchains("rules") {
        let minor = toolchain.split('.').nth(1).and_then(|m| m.parse::<u32>().ok()).expect("a version");
        for case in cases(if minor < 24 { "legacy" } else { "swiss" }) {
            // A variant has no near miss of its own.
            let near = (!case.contains('-')).then(|| format!("{case}-near"));
            // There the map is still growing, which is said of it first, and no object says its type.
            if matches!(case, "gm017" | "gh016") && minor < 22 {
                continue;
            }
            for name in std::iter::once(case.to_owned()).chain(near) {
                if let Err(reason) = check(&toolchain, &name) {
                    wrong.push(format!("{toolchain} {name}: {reason}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn rules_on_maps_find_what_is_wrong_and_promise_what_is_freed() {
    check_all(|maps| {
        let own: &[&str] = if maps == "swiss" { &SWISS } else { &LEGACY };
        let both = BOTH.iter().filter(|case| case.starts_with("gm"));
        both.chain(own).chain(&VARIANTS).chain(&NEAR).copied().collect()
    });
}

#[test]
fn rules_on_the_heap_find_what_is_wrong_and_promise_what_is_freed() {
    check_all(|maps| {
        let newer: &[&str] = if maps == "swiss" { &["gh005-pull", "gh005-pull-near"] } else { &[] };
        let both = BOTH.iter().filter(|case| case.starts_with("gh"));
        both.chain(&HEAP_VARIANTS).chain(newer).copied().collect()
    });
}

#[test]
fn what_leaked_goroutines_hold_is_promised_once() {
    for toolchain in toolchains("rules") {
        let mut target = Target::start_with(&toolchain, "default", "rules", &["gh005-texts"]);
        let document = document(&["inspect", &target.pid(), "--format", "json"]);
        let text = stdout(&run(&["inspect", &target.pid()]));
        let answer: Value = serde_json::from_str(&target.ask("fix")).expect("the answer is JSON");
        target.ends_well();
        let all = document["findings"].as_array().expect("findings");
        let of =
            |rule: &str| all.iter().find(|f| f["rule"] == rule).unwrap_or_else(|| panic!("{toolchain}: no {rule}"));
        let (leak, texts) = (of("GH005"), of("GH003"));
        let promised = |f: &Value| f["reclaimable_bytes"].as_u64().unwrap_or(0);
        let sum: u64 = all.iter().map(promised).sum();
        let freed = answer["freed"].as_u64().expect("bytes");
        assert!(sum.abs_diff(freed) * 100 <= freed * TOLERANCE, "{toolchain}: {freed} were freed, not {sum}");
        assert_eq!(texts["shared_with"], "GH005 main.waitWithTexts", "{toolchain}: {texts}");
        assert!(
            bytes(&texts["shared_bytes"]) > promised(leak) / 3,
            "{toolchain}: nearly all texts are duplicates: {texts}"
        );
        let live: u64 = all.iter().map(|f| promised(f) - f["not_live_bytes"].as_u64().unwrap_or(0)).sum();
        assert!(live <= bytes(&document["heap"]["live_bytes"]), "{toolchain}: {live}");
        assert!(text.contains("are freed with GH005 main.waitWithTexts."), "{toolchain}: {text}");
    }
}

#[test]
fn healthy_programs_have_nothing_urgent() {
    let mut wrong = Vec::new();
    for toolchain in toolchains("healthy") {
        for mode in MODES {
            let target = Target::start_with(&toolchain, "default", "healthy", &[mode]);
            let document = document(&["inspect", &target.pid(), "--format", "json"]);
            let urgent = document["findings"].as_array().expect("findings").iter().filter(|f| f["severity"] != "low");
            wrong.extend(urgent.map(|f| format!("{toolchain} {mode}: {f}")));
            target.ends_well();
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn goroutines_that_wait_for_clients_are_neither_leaked_nor_suspect() {
    for toolchain in toolchains("healthy") {
        let target = Target::start_with(&toolchain, "default", "healthy", &["watches"]);
        let list = document(&["goroutines", &target.pid(), "--format", "json"]);
        assert_eq!(list["leaked_goroutines"], 0, "{toolchain}");
        let groups = list["groups"].as_array().expect("groups");
        assert!(groups.iter().all(|g| g["suspect"] != true), "{toolchain}");
        for state in ["select", "chan receive", "sync.Cond.Wait", "IO wait"] {
            let waiting = groups.iter().filter(|g| g["state"] == state).map(|g| bytes(&g["count"])).sum::<u64>();
            assert!(waiting >= 100, "{toolchain}: {waiting} in {state}");
        }
        target.ends_well();
    }
}

#[test]
fn findings_can_fail_a_run() {
    let Some(toolchain) = toolchains("healthy").pop() else { return };
    let target = Target::start_with(&toolchain, "default", "rules", &["gm001"]);
    let healthy = Target::start_with(&toolchain, "default", "healthy", &["cli"]);
    for severity in ["high", "medium", "low"] {
        let output = run(&["inspect", &target.pid(), "--fail-on", severity]);
        assert_eq!(output.status.code(), Some(1), "{severity}: {output:?}");
        assert!(stdout(&output).contains("GM001 drained-map"), "the result is written all the same: {output:?}");
    }
    assert_eq!(run(&["inspect", &target.pid()]).status.code(), Some(0), "nobody asked to fail");
    assert_eq!(run(&["inspect", &healthy.pid(), "--fail-on", "medium"]).status.code(), Some(0));
    target.ends_well();
    healthy.ends_well();
}
