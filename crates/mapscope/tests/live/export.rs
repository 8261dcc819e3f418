//! `mapscope export`: what the files hold, and that the tools they are for read them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use mapscope_profile::{Mapping, Profile};
use serde_json::Value;

use super::{Target, testbed};
use crate::common::{document, failure, mapscope, run, scratch, stdout, success};

/// Function, file, line.
type Line = (String, i64);

/// The profile that a program wrote of itself.
fn own_profile(truth: &Value) -> Profile {
    let hex = truth["profile"].as_str().expect("the program wrote its profile");
    let byte = |i: usize| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).expect("hexadecimal");
    Profile::from_bytes(&(0..hex.len() / 2).map(byte).collect::<Vec<_>>()).expect("Go writes profiles")
}

/// Stacks with their values, and how often each is there. What is all zero came after the program's own profile.
fn samples(profile: &Profile) -> BTreeMap<(Vec<Line>, Vec<i64>), usize> {
    let mut counts = BTreeMap::new();
    for sample in profile.samples.iter().filter(|s| s.values.iter().any(|v| *v != 0)) {
        let lines = profile.frames(sample).map(|(function, line)| (function.name.to_string(), line));
        *counts.entry((lines.collect(), sample.values.clone())).or_default() += 1;
    }
    counts
}

/// A profile that `mapscope export` writes to a file.
fn exported(pid: &str, form: &str, file: &Path) -> Profile {
    let output = run(&["export", pid, "--as", form, "-o", file.to_str().expect("a path")]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
    Profile::from_bytes(&fs::read(file).expect("it was written")).expect("it is a profile")
}

#[test]
fn a_heap_profile_is_what_the_program_itself_would_write() {
    let dir = scratch("export-heap-profile");
    for (toolchain, variant) in [("1.21.", "default"), ("1.24.", "pie"), ("1.27.", "default")] {
        for arguments in [&[][..], &["default"]] {
            let target = Target::start_with(toolchain, variant, "sites", arguments);
            let own = own_profile(&target.truth);
            let found = exported(&target.pid(), "heap-profile", &dir.join("heap.pb.gz"));
            assert_eq!(samples(&found), samples(&own), "{toolchain} {variant} {arguments:?}");
            assert_eq!(found.sample_types, own.sample_types);
            assert_eq!((&found.period_type, found.period), (&own.period_type, own.period));
            assert!(found.time_nanos >= own.time_nanos && found.comments.is_empty());
            assert_eq!(found.mappings, mappings(&own));
            target.ends_well();
        }
    }
}

/// The mappings that are expected: the program also lists what the kernel maps, and knows the builds of libraries.
fn mappings(own: &Profile) -> Vec<Mapping> {
    let files = own.mappings.iter().filter(|m| m.file.starts_with('/'));
    let executable = own.mappings[0].file.clone();
    let known = |m: &Mapping| if m.file == executable { m.build_id.clone() } else { "".into() };
    files.map(|m| Mapping { build_id: known(m), ..m.clone() }).collect()
}

#[test]
fn a_live_heap_has_what_is_live_and_what_is_garbage() {
    let dir = scratch("export-live-heap");
    let target = Target::start("1.27.", "default", "sites");
    let found = exported(&target.pid(), "live-heap", &dir.join("live.pb.gz"));
    let kinds: Vec<&str> = found.sample_types.iter().map(|t| &*t.kind).collect();
    assert_eq!(kinds, ["live_objects", "live_space", "garbage_objects", "garbage_space"]);
    for said in target.truth["made"].as_array().expect("what it made") {
        let of_size = found.samples.iter().filter(|s| Some(s.labels[0].number) == said["size"].as_i64());
        let made = of_size
            .filter(|s| found.frames(s).next().is_some_and(|f| *f.0.name == *said["function"].as_str().unwrap_or("")));
        let sum = made.fold((0, 0), |sum, s| (sum.0 + s.values[0], sum.1 + s.values[2]));
        assert_eq!((Some(sum.0), Some(sum.1)), (said["live"].as_i64(), said["garbage"].as_i64()), "{said}");
    }
    target.ends_well();
}

#[test]
fn go_tool_pprof_reads_it_and_agrees() {
    let dir = scratch("export-pprof");
    let target = Target::start("1.27.", "default", "sites");
    let own = own_profile(&target.truth);
    let file = dir.join("heap.pb.gz");
    exported(&target.pid(), "heap-profile", &file);
    for (index, kind) in own.sample_types.iter().enumerate() {
        let text = pprof(&file, &kind.kind);
        let total = text.split_once("% of ").and_then(|(_, rest)| rest.split_once(" total"));
        let total = total.unwrap_or_else(|| panic!("{text}")).0.trim_end_matches(char::is_alphabetic);
        assert_eq!(total.parse(), Ok(own.total(index)), "{text}");
        assert!(text.contains("main.deep") && text.contains("main.table"), "{text}");
    }
    // Without a type, it shows what is in use.
    let (live, file) = (pprof(&file, "live_space"), dir.join("live.pb.gz"));
    assert_eq!(live, "", "a heap profile has no such type");
    exported(&target.pid(), "live-heap", &file);
    assert!(pprof(&file, "").contains("Type: live_space"));
    target.ends_well();
}

/// What `go tool pprof -top` of the newest toolchain prints; nothing when it refuses.
fn pprof(file: &Path, sample_type: &str) -> String {
    let testbed = testbed();
    let mut toolchains: Vec<_> = fs::read_dir(testbed.join("go")).expect("toolchains").flatten().collect();
    toolchains.sort_by_key(fs::DirEntry::file_name);
    let go = toolchains.last().expect("a toolchain").path().join("go/bin/go");
    let mut command = Command::new(go);
    // Recent toolchains build the tool when it is first used.
    command
        .env_remove("GOROOT")
        .envs([("GOENV", "off"), ("GOTOOLCHAIN", "local"), ("GOFLAGS", "-mod=mod"), ("GOWORK", "off")])
        .envs([("GOPROXY", "off"), ("GOTELEMETRY", "off"), ("CGO_ENABLED", "0")])
        .envs([
            ("GOCACHE", testbed.join("cache")),
            ("GOPATH", testbed.join("path")),
            ("PPROF_TMPDIR", testbed.join("tmp")),
        ])
        .args(["tool", "pprof", "-top", "-unit=bytes", "-nodefraction=0", "-symbolize=none"]);
    if !sample_type.is_empty() {
        command.arg(format!("-sample_index={sample_type}"));
    }
    let output = command.arg(file).output().expect("pprof runs");
    stdout(&output)
}

#[test]
fn it_goes_into_a_pipe_and_says_when_there_is_none() {
    let target = Target::start("1.27.", "default", "sites");
    let piped = mapscope(&["export", &target.pid(), "--as", "heap-profile"]).output().expect("it runs");
    assert!(Profile::from_bytes(&piped.stdout).expect("a profile").samples.len() > 100);
    target.ends_well();
    let target = Target::start_with("1.27.", "default", "sites", &["off"]);
    let output = mapscope(&["export", &target.pid(), "--as", "heap-profile"]).output().expect("it runs");
    let notes = String::from_utf8_lossy(&output.stderr);
    assert!(notes.contains("the program samples no allocations: runtime.MemProfileRate is 0"), "{notes}");
    assert_eq!(Profile::from_bytes(&output.stdout).expect("a profile").period, 0);
    target.ends_well();
    let target = Target::start("1.27.", "default", "maps");
    let message = failure(&["export", &target.pid(), "--as", "heap-profile"]);
    assert!(message.contains("the linker left it out"), "{message}");
    target.ends_well();
}

#[test]
fn a_map_says_where_what_it_retains_was_allocated() {
    let target = Target::start("1.27.", "default", "sites");
    let detail = document(&["map", &target.pid(), "main.all.table", "--format", "json"]);
    let sites = &detail["sites"];
    assert_eq!((&sites["rate_bytes"], &sites["estimated_bytes"]), (&1.into(), &detail["map"]["retained_bytes"]));
    let top = &sites["sites"][0];
    assert_eq!(top["stack"][0]["function"], "main.table");
    // The map's own tables are made on the same line as its elements.
    assert!(top["sampled_objects"].as_u64().is_some_and(|n| n >= 700), "{top}");
    assert!(top["stack"][0]["file"].as_str().is_some_and(|file| file.ends_with("/sites/main.go")), "{top}");
    let text = success(&["map", &target.pid(), "main.all.table"]);
    assert!(text.contains("\nAllocated by\n") && text.contains("main.table  main.go:"), "{text}");
    target.ends_well();
    let target = Target::start_with("1.27.", "default", "sites", &["default"]);
    let text = success(&["map", &target.pid(), "main.all.table"]);
    assert!(text.contains("sampled: 1 in 512 KiB"), "{text}");
    target.ends_well();
}

/// Every live byte is under one holder, once, whatever the form.
#[test]
fn exports_of_who_holds_what_add_up() {
    let target = Target::start("1.27.", "default", "sessions");
    let pid = target.pid();
    let heap = document(&["inspect", &pid, "--format", "json"])["heap"].clone();
    let live = heap["live_bytes"].as_u64().expect("bytes");

    let folded = success(&["export", &pid, "--as", "folded"]);
    let bytes = |line: &str| line.rsplit(' ').next().and_then(|n| n.parse::<u64>().ok()).expect("bytes");
    assert_eq!(folded.lines().map(bytes).sum::<u64>(), live);
    assert!(folded.lines().any(|line| line.starts_with("main.sessions;")), "{folded}");

    let path = scratch("export-held").join("held.pb.gz");
    let profile = exported(&pid, "pprof", &path);
    let total = |index| u64::try_from(profile.total(index)).expect("a sum");
    assert_eq!(total(1), live);
    // The parts of a map are one with it.
    assert!(total(0) > 0 && heap["live_objects"].as_u64().is_some_and(|objects| total(0) <= objects), "{heap}");
    // The last version that has pprof as a program of its own.
    let pprof = testbed().join("go/1.24.11/go/pkg/tool/linux_amd64/pprof");
    let top = Command::new(&pprof).args(["-top", "-unit=B"]).arg(&path).output().expect("pprof runs");
    let top = String::from_utf8_lossy(&top.stdout).into_owned();
    assert!(top.contains("Type: held_space\n") && top.contains(&format!(" of {live}B total")), "{top}");

    // Two readings of what runs on may number what they find in another order: both are of one moment.
    let core = scratch("export-held").join("core");
    let core = core.to_str().expect("the path is UTF-8");
    success(&["capture", &pid, "-o", core, "--force"]);
    let live = document(&["inspect", core, "--format", "json"])["heap"]["live_bytes"].as_u64().expect("bytes");
    let graph: Value = serde_json::from_str(&success(&["export", core, "--as", "json"])).expect("a document");
    let nodes = graph["nodes"].as_array().expect("nodes");
    let shown: u64 = nodes.iter().map(|n| n["shallow_bytes"].as_u64().expect("bytes")).sum();
    assert_eq!(shown + graph["omitted"]["retained_bytes"].as_u64().expect("bytes"), live);
    let dot = success(&["export", core, "--as", "dot"]);
    assert_eq!(dot.lines().filter(|line| line.contains("[label=") && !line.contains(" -> ")).count(), nodes.len());
    for (index, node) in nodes.iter().enumerate() {
        let Some(above) = node.get("above") else { continue };
        assert!(nodes[..index].iter().any(|n| n["id"] == *above), "{node} hangs in the air");
        assert!(dot.contains(&format!("n{above} -> n{} [", node["id"])), "{dot}");
    }
    assert!(dot.starts_with("digraph held {\n") && dot.ends_with("}\n") && dot.matches('"').count().is_multiple_of(2));
    target.ends_well();
}
