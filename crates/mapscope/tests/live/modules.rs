//! Go code in programs of other languages, and in plugins: read as a Go program of the same content.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::{Target, program};
use crate::common::{differences, document, failure, scratch, success};

/// The oldest, the last with legacy maps, the first with Swiss maps, the newest.
const TOOLCHAINS: [&str; 4] = ["1.21.", "1.23.", "1.24.", "1.27."];
const HOSTS: [&str; 3] = ["carchive", "cshared", "python"];

fn inspect(args: &[&str]) -> Value {
    document(&[&["inspect", "--format", "json"], args].concat())
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the path is UTF-8")
}

/// What is found and promised, without what depends on the rest of the process.
fn findings(document: &Value) -> Vec<(Value, Value, Value)> {
    let all = document["findings"].as_array().expect("findings").iter();
    let mut found: Vec<_> =
        all.map(|f| (f["rule"].clone(), f["subject"].clone(), f["reclaimable_bytes"].clone())).collect();
    found.sort_by_key(|(rule, subject, _)| (rule.to_string(), subject.to_string()));
    found
}

/// Goroutines that are the program's own, by state and place.
fn goroutines(pid: &str) -> Vec<(Value, Value)> {
    let document = document(&["goroutines", pid, "--format", "json"]);
    let groups = document["groups"].as_array().expect("groups").iter();
    let ours = groups.filter(|g| {
        g["stack"]
            .as_array()
            .is_some_and(|s| s.iter().any(|f| f["function"].as_str().is_some_and(|name| name.starts_with("main."))))
    });
    // A program's own `main` is below what its hosts call.
    let mut found: Vec<_> = ours.map(|g| (g["state"].clone(), g["stack"][0]["function"].clone())).collect();
    found.sort_by_key(|(state, function)| (state.to_string(), function.to_string()));
    found
}

#[test]
fn a_host_in_another_language_is_read_as_a_program_in_go() {
    for toolchain in TOOLCHAINS {
        let own = Target::start(toolchain, "default", "embedded");
        let said = inspect(&[&own.pid()]);
        assert!(said["target"].get("library").is_none(), "{}", said["target"]);
        let (findings_said, goroutines_said) = (findings(&said), goroutines(&own.pid()));
        assert_eq!(findings_said.first().map(|f| &f.1), Some(&Value::from("main.drained")));
        own.ends_well();
        for host in HOSTS {
            let target = Target::start(toolchain, "default", host);
            let found = inspect(&[&target.pid()]);
            let wrong = differences(&target.truth, &found);
            assert!(wrong.is_empty(), "{toolchain} {host}: {}", wrong.join("\n"));
            assert!(found.get("partial").is_none(), "{toolchain} {host}: {}", found["partial"]);
            assert_eq!(findings(&found), findings_said, "{toolchain} {host}");
            assert_eq!(goroutines(&target.pid()), goroutines_said, "{toolchain} {host}");
            let library = found["target"]["library"].as_str();
            assert_eq!(library.is_some_and(|path| path.ends_with("/libembedded.so")), host != "carchive");
            target.ends_well();
        }
    }
}

#[test]
fn a_core_of_a_host_is_read_with_and_without_the_library() {
    let directory = scratch("modules-core");
    for toolchain in TOOLCHAINS {
        let target = Target::start(toolchain, "default", "python");
        let library = program(toolchain, "default", "python").with_file_name("libembedded.so");
        let elsewhere = directory.join("elsewhere.so");
        fs::copy(&library, &elsewhere).expect("a copy");
        for flags in [&[][..], &["--heap-only"], &["--redact"], &["--heap-only", "--redact", "--zstd"]] {
            let core = directory.join("core");
            let said = document(
                &[&["capture", &target.pid(), "-o", text(&core), "--force", "--format", "json"], flags].concat(),
            );
            assert!(said.get("not_go").is_none(), "{said}");
            for exe in [None, Some(&library), Some(&elsewhere)] {
                let exe = exe.map(|path| ["--exe", text(path)]);
                let args: Vec<&str> = [text(&core)].into_iter().chain(exe.into_iter().flatten()).collect();
                let found = inspect(&args);
                let mut truth = target.truth.clone();
                if flags.contains(&"--redact") {
                    for map in truth["maps"].as_array_mut().into_iter().flatten() {
                        map.as_object_mut().expect("a map").remove("zero_values");
                    }
                }
                let wrong = differences(&truth, &found);
                assert!(wrong.is_empty(), "{toolchain} {flags:?} {args:?}: {}", wrong.join("\n"));
            }
        }
        // Live, the file that is given has to be what is mapped.
        let found = inspect(&[&target.pid(), "--exe", text(&elsewhere)]);
        assert_eq!(differences(&target.truth, &found), Vec::<String>::new());
        let other = program(if toolchain == "1.27." { "1.24." } else { "1.27." }, "default", "python");
        let message = failure(&["inspect", &target.pid(), "--exe", text(&other.with_file_name("libembedded.so"))]);
        assert!(message.contains("build id"), "{message}");
        target.ends_well();
    }
}

/// Loads two libraries with a Go runtime each; the second says what is there.
const TWO: &str = "\
import ctypes, sys
first, second = ctypes.CDLL(sys.argv[1]), ctypes.CDLL(sys.argv[2])
first.Begin(0)
second.Begin(0)
second.Stay(b'two')
";

#[test]
fn of_two_runtimes_one_is_read_and_the_other_named() {
    let library = |toolchain: &str| program(toolchain, "default", "python").with_file_name("libembedded.so");
    let (first, second): (PathBuf, PathBuf) = (library("1.27."), library("1.24."));
    let mut command = Command::new("python3");
    let target = Target::of(command.args(["-c", TWO]).arg(&first).arg(&second));
    let version = |document: &Value| document["target"]["go_version"].as_str().unwrap_or_default().to_owned();
    let others = |document: &Value| document["target"]["other_runtimes"].as_array().map(Vec::len);
    for (file, starts) in [(&first, "go1.27"), (&second, "go1.24")] {
        let found = inspect(&[&target.pid(), "--exe", text(file)]);
        assert!(version(&found).starts_with(starts), "{}", found["target"]);
        assert_eq!(others(&found), Some(1), "{}", found["target"]);
        let owners = found["maps"].as_array().expect("maps").iter().filter(|m| m["owner"] == "main.drained");
        assert_eq!(owners.count(), 1, "maps of the other are not among them");
        if file == &second {
            assert_eq!(differences(&target.truth, &found), Vec::<String>::new());
        }
    }
    // The first by path, whatever was loaded first.
    assert!(version(&inspect(&[&target.pid()])).starts_with("go1.24"));
    let text = success(&["inspect", &target.pid()]);
    assert!(text.contains("another Go runtime is in this process"), "{text}");
    target.ends_well();
}

#[test]
fn plugins_have_names_from_their_own_debug_information() {
    for toolchain in TOOLCHAINS {
        let target = Target::start(toolchain, "default", "plugin");
        let part = program(toolchain, "default", "plugin").with_file_name("part.so");
        let found = inspect(&[&target.pid(), "--debug-info", text(&part)]);
        let wrong = differences(&target.truth, &found);
        assert!(wrong.is_empty(), "{toolchain}: {}", wrong.join("\n"));
        assert!(findings(&found).iter().any(|f| f.1 == "testbed/plugin/part.drained"), "{}", found["findings"]);
        let types = document(&["types", &target.pid(), "--type", "^main\\.Item$", "--format", "json"]);
        assert_eq!(types["types"][0]["count"], 10_000, "{toolchain}");
        let other = program(toolchain, "default", "maps");
        let message = failure(&["inspect", &target.pid(), "--debug-info", text(&other)]);
        assert!(message.contains("is not the debug information of"), "{message}");
        target.ends_well();

        // Without names, a place says whose it is.
        let stripped = Target::start(toolchain, "stripped", "plugin");
        let found = inspect(&[&stripped.pid()]);
        let owners = found["maps"].as_array().expect("maps").iter().filter_map(|m| m["owner"].as_str());
        assert!(owners.filter(|owner| owner.starts_with("part.so:")).count() > 20, "{toolchain}");
        stripped.ends_well();
    }
}

#[test]
fn a_program_that_is_not_go_is_captured_without_advice() {
    let directory = scratch("modules-notgo");
    let target = Target::start("c", "default", "notgo");
    let core = directory.join("core");
    let written = success(&["capture", &target.pid(), "-o", text(&core)]);
    assert!(!written.contains("mapscope inspect "), "{written}");
    assert!(written.contains("mapscope cannot inspect this core: "), "{written}");
    for examined in [&target.pid(), text(&core)] {
        let message = failure(&["inspect", examined]);
        assert!(message.contains("notgo is not a Go program, and none of the "), "{message}");
    }
    target.ends_well();
}

#[test]
fn structs_of_a_library_and_of_the_process_that_has_loaded_it() {
    let target = Target::start("1.27.", "default", "python");
    let library = program("1.27.", "default", "python").with_file_name("libembedded.so");
    let whole = document(&["layout", text(&library), "main.item", "--format", "json"]);
    let running = document(&["layout", &target.pid(), "main.item", "--format", "json"]);
    assert_eq!(whole["structs"], running["structs"]);
    assert_eq!(whole["structs"][0]["fields"][1]["name"], "m");
    target.ends_well();
}
