//! The program as a user meets it: help, mistakes, exit codes, pipes, files.

mod common;

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

use common::{document, failure, mapscope, run, run_with, scratch, stdout, success};

const COMMANDS: [&str; 18] = [
    "demo",
    "inspect",
    "maps",
    "map",
    "types",
    "dominators",
    "path",
    "cycles",
    "goroutines",
    "gate",
    "export",
    "capture",
    "diff",
    "size",
    "layout",
    "rule",
    "completions",
    "man",
];

#[test]
fn every_help_ends_in_examples() {
    for command in COMMANDS {
        for flag in ["--help", "-h"] {
            let output = run(&[command, flag]);
            assert_eq!(output.status.code(), Some(0), "{command}");
            let help = stdout(&output);
            let (_, examples) = help.split_once("\nExamples:\n").unwrap_or_else(|| panic!("{command} {flag}: {help}"));
            assert!(examples.lines().all(|line| line.starts_with("  mapscope ")), "{command}: {examples}");
        }
    }
    let help = stdout(&run(&["--help"]));
    assert!(help.contains("\nExamples:\n  mapscope demo"), "{help}");
    assert!(COMMANDS.iter().all(|command| help.contains(&format!("\n  {command} "))), "{help}");
}

#[test]
fn a_wrong_command_line_is_exit_2() {
    assert!(failure(&[]).contains("Usage: mapscope"));
    assert!(failure(&["inspekt", "1"]).contains("inspect"));
    assert!(failure(&["maps", "1", "--sort", "size"]).contains("tombstones"));
    assert!(failure(&["maps", "1", "--limit", "many"]).contains("--limit"));
}

#[test]
fn mistakes_say_what_and_where_and_what_to_try() {
    let message = failure(&["maps", "1", "--owner", "main.("]);
    assert!(message.starts_with("mapscope: --owner: `main.(` is not a regular expression: "), "{message}");
    assert!(message.contains("; try "), "{message}");
    let message = failure(&["types", "1", "--type", "["]);
    assert!(message.starts_with("mapscope: --type: "), "{message}");
    let message = failure(&["maps", "1", "--min-bytes", "10X"]);
    assert_eq!(message, "mapscope: --min-bytes: `10X` is not a size; try 10MiB, 10M, 512k or 4096\n");
    let message = failure(&["export", "1"]);
    assert!(message.contains("--as <FORM>"), "{message}");
    let message = failure(&["export", "1", "--as", "heap-profile", "--format", "json"]);
    assert!(message.contains("--as names"), "{message}");
    let message = failure(&["rule", "GM01"]);
    assert!(message.starts_with("mapscope: there is no rule `GM01`; try GM001"), "{message}");
    let message = failure(&["inspect", "99999999999"]);
    assert!(message.contains("./99999999999"), "{message}");
}

#[test]
fn a_map_has_a_size_before_it_is_written() {
    let text = success(&["size", "map[int]int", "--entries", "8"]);
    assert!(text.contains("192 B") && text.contains("make(map[int]int, 8)"), "{text}");
    let range = text.lines().find(|line| line.trim_start().starts_with("range"));
    assert!(range.is_some_and(|line| line.matches("exact").count() == 2), "{text}");
    let text = success(&["size", "map[string]*User", "--entries", "10M", "--churn"]);
    assert!(text.contains('≈') && text.contains("churned, up to") && text.contains("10_000_000"), "{text}");
    let json = success(&["size", "--key-bytes", "8", "--value-bytes", "8", "--entries", "8", "--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(json["schema"], "mapscope.size/1");
    assert_eq!(json["maps"][0]["grown"]["expected_bytes"], 192);
    let message = failure(&["size", "map[string]User", "--entries", "1"]);
    assert!(message.contains("User has a name of its own") && message.contains("--exe"), "{message}");
    assert!(failure(&["size", "map[int]int"]).contains("--entries"));
    assert!(failure(&["size", "--entries", "1"]).contains("a map type is missing"));
    assert!(failure(&["layout", env!("CARGO_BIN_EXE_mapscope")]).contains("is not a Go program"));
    assert!(failure(&["layout", "4194305"]).contains("there is no process 4194305"));
}

#[test]
fn rules_are_listed_and_explained() {
    assert!(success(&["rule"]).contains("  GM001  drained-map "));
    let text = success(&["rule", "drained-map"]);
    assert!(text.starts_with("GM001 drained-map\n") && text.contains("    maps.Copy(fresh, sessions)\n"), "{text}");
    assert_eq!(document(&["rule", "GM001", "--format", "json"])["name"], "drained-map");
    assert_eq!(document(&["rule", "--format", "json"])["schema"], "mapscope.rules/1");
}

#[test]
fn a_gate_that_checks_nothing_is_an_error() {
    let message = failure(&["gate", "1"]);
    assert!(message.contains("there is nothing to check: give --max live=50MiB"), "{message}");
    assert!(failure(&["gate", "--max", "live=1"]).contains("there is nothing to examine: give a pid, a core"));
    let cases: [(&[&str], &str); 17] = [
        (&["--max", "lives=1"], "--max: `lives` is no figure; did you mean live"),
        (&["--max", "live"], "--max: `live` has no limit; try live=50MiB"),
        (&["--max", "live=lots"], "--max: live: `lots` is not a size"),
        (&["--max", "map:main.*:entrys=1"], "did you mean entries"),
        (&["--max", "maps:main.*:entries=1"], "did you mean map"),
        (&["--max", "findings:GM01=0"], "did you mean GM001"),
        (&["--max", "findings:drain-map=0"], "drained-map"),
        (&["--max", "live=10%"], "use max-growth"),
        (&["--max-growth", "goroutines=1", "--baseline", "x"], "has no growth"),
        (&["--max-growth", "live=10%"], "since when? Give --baseline FILE"),
        (&["--max", "live=1", "--baseline", "x"], "--baseline: nothing is compared with it"),
        (&["--max", "live=1", "--format", "html"], "`gate` has text, json, junit and sarif"),
        (&["--max", "live=1", "--at-signal", "USR1"], "--at-signal is about a command"),
        (&["--max", "live=1", "--then", "kill"], "--then is about a command"),
        (&["--max", "live=1", "--config", "./no/such.toml"], "./no/such.toml: No such file"),
        (&["--max-growth", "live=1%", "--baseline", "./no.json"], "./no.json: there is no baseline; make one"),
        (&["--write-baseline", "x", "--format", "json"], "checks nothing"),
    ];
    for (args, why) in cases {
        let message = failure(&[&["gate", "1"], args].concat());
        assert!(message.contains(why), "{args:?}: {message}");
    }
    let cases: [(&[&str], &str); 6] = [
        (&["--run", "./x 'y", "--at-signal", "USR1"], "--run: the quote ' is not closed"),
        (&["--run", "./x | y", "--at-signal", "USR1"], "| means something to a shell"),
        (&["--run", "./x"], "when is `./x` to be examined? Give --at-signal"),
        (&["--run", "./x", "--at-signal", "USR9"], "`USR9` is no signal"),
        (&["--after", "soon", "--", "./x"], "--after: `soon` is no time"),
        (&["--at-line", "", "--", "./x"], "--at-line: TEXT is empty"),
    ];
    for (args, why) in cases {
        let message = failure(&[&["gate", "--max", "live=1"], args].concat());
        assert!(message.contains(why), "{args:?}: {message}");
    }
    assert!(failure(&["gate", "1", "--max", "live=1", "--run", "./x"]).contains("cannot be used with"));
    assert!(failure(&["gate", "--at-line", "x", "--at-signal", "USR1", "--", "./x"]).contains("cannot be used with"));
    assert!(failure(&["maps", "1", "--format", "junit"]).contains("--format junit: only `gate` has it"));
    assert!(failure(&["demo", "--format", "sarif"]).contains("--format sarif: only `gate` has it"));
}

#[test]
fn budgets_of_a_file_are_joined_by_those_of_the_command_line() {
    let directory = scratch("gate-file");
    let gate = |text: &str, args: &[&str]| {
        fs::write(directory.join("mapscope.toml"), text).expect("a file");
        let output = mapscope(&["gate"]).args(args).current_dir(&directory).output().expect("mapscope runs");
        String::from_utf8(output.stderr).expect("text")
    };
    let message = gate("[gate.max]\nlive = 1\nlivee = 2\n", &["1"]);
    assert!(message.starts_with("mapscope: mapscope.toml:3: `livee` is no figure; did you mean live"), "{message}");
    let message = gate("[gate]\nmaxx = 1\n", &["1"]);
    assert!(
        message.starts_with("mapscope: mapscope.toml:2: `maxx` is no key of [gate]; did you mean max"),
        "{message}"
    );
    let message = gate("[gate]\n", &["1"]);
    assert!(message.contains("there is nothing to check"), "{message}");
    // The file is fine; what is wrong is the target, which comes after.
    let message = gate("[gate.max]\nlive = \"1MiB\"\n", &["./no/core"]);
    assert_eq!(message, "mapscope: ./no/core: No such file or directory (os error 2)\n");
}

#[test]
fn a_gate_of_the_demo_is_a_core_like_any_other() {
    let repository = concat!(env!("CARGO_MANIFEST_DIR"), "/demo");
    let directory = scratch("gate-core");
    let exe = directory.join("sessions");
    let packed = fs::read(format!("{repository}/sessions.exe.zst")).expect("the demo's executable");
    fs::write(&exe, zstd::decode_all(packed.as_slice()).expect("it unpacks")).expect("a file");
    fs::write(directory.join("mapscope.toml"), "[gate.max]\nlive = \"1MiB\"\ngoroutines = 1k\n".replace("1k", "1000"))
        .expect("a file");
    let core = format!("{repository}/sessions.core.zst");
    let gate = |args: &[&str]| {
        let mut command = mapscope(&["gate", &core, "--exe", "sessions"]);
        let output = command.args(args).current_dir(&directory).output().expect("mapscope runs");
        (output.status.code(), stdout(&output), String::from_utf8(output.stderr).expect("text"))
    };
    let (status, text, error) = gate(&[]);
    assert!(status == Some(1) && text.contains("Gate: 1 of 2 budgets broken"), "{text} {error}");
    // The command line's limit takes the place of the file's.
    let (status, text, error) = gate(&["--max", "live=1GiB", "--max", "map:main.sessions.*:entries=100k"]);
    assert!(status == Some(0) && text.contains("all 3 budgets hold") && text.contains("1.00 GiB"), "{text} {error}");
    let (status, _, error) = gate(&["--max", "rss=1GiB"]);
    assert!(status == Some(2) && error.contains("rss: rss is not known: a core does not say"), "{error}");
    let (status, text, _) = gate(&["--max", "findings:high=0", "--format", "junit"]);
    assert!(status == Some(1) && text.starts_with("<?xml") && text.contains("GM001 drained-map"), "{text}");
    let (status, text, _) = gate(&["--max", "type:main.*:count=1", "--limit", "1"]);
    assert!(status == Some(1) && text.contains("more; --limit 0 shows all"), "{text}");
}

#[test]
fn targets_that_are_none() {
    // One above the largest pid that Linux can be made to give out.
    let message = failure(&["inspect", "4194305"]);
    assert!(message.starts_with("mapscope: there is no process 4194305"), "{message}");
    assert!(message.contains("another pid namespace"), "{message}");
    let message = failure(&["maps", "./no/such/core"]);
    assert_eq!(message, "mapscope: ./no/such/core: No such file or directory (os error 2)\n");
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    assert!(failure(&["types", manifest]).contains("is not an ELF file"));
    assert!(failure(&["map", env!("CARGO_BIN_EXE_mapscope"), "main.x"]).contains("not a core"));
}

/// The demo as a core and an executable in files.
fn demo_files(name: &str) -> (String, String) {
    let (directory, recorded) = (scratch(name), concat!(env!("CARGO_MANIFEST_DIR"), "/demo"));
    let unpack = |packed: &str, file: &str| {
        let path = directory.join(file);
        let packed = fs::read(format!("{recorded}/{packed}")).expect("the recording");
        fs::write(&path, zstd::decode_all(packed.as_slice()).expect("it unpacks")).expect("a file");
        path.to_str().expect("the path is UTF-8").to_owned()
    };
    (unpack("sessions.core.zst", "core"), unpack("sessions.exe.zst", "sessions"))
}

#[test]
fn inputs_without_an_end_are_not_read_to_it() {
    let core = concat!(env!("CARGO_MANIFEST_DIR"), "/demo/sessions.core.zst");
    for device in ["/dev/zero", "/dev/urandom"] {
        let cases: [&[&str]; 6] = [
            &["inspect", device],
            &["diff", core, device],
            &["inspect", core, "--exe", device],
            &["inspect", core, "--format", "html", "-o", "/dev/null", "--before", device],
            &["gate", core, "--max-growth", "live=1%", "--baseline", device],
            &["gate", core, "--max", "live=1", "--config", device],
        ];
        for args in cases {
            let message = failure(args);
            assert!(message.contains(&format!("{device} is a device, not a regular file")), "{args:?}: {message}");
        }
    }
    // Nor is standard input, which may be one of them.
    let cases: [(&[&str], &str); 4] = [
        (&["inspect", "-"], "standard input is not an ELF file: it starts with 00 00"),
        (&["diff", "-", core], "standard input is not an ELF file"),
        (
            &["gate", core, "--max-growth", "live=1%", "--baseline", "-"],
            "standard input: is not what `mapscope inspect",
        ),
        (&["gate", core, "--max", "live=1", "--config", "-"], "standard input has more than 1048576 bytes"),
    ];
    for (args, why) in cases {
        let zeros = fs::File::open("/dev/zero").expect("zeros");
        let output = mapscope(args).stdin(zeros).output().expect("mapscope runs");
        let message = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && message.contains(why), "{args:?}: {message}");
    }
    assert!(failure(&["diff", "-", "-"]).contains("standard input"));
}

#[test]
fn a_dash_is_standard_input_wherever_a_file_is_taken() {
    let (core, exe) = demo_files("dash");
    let (whole, program) = (fs::read(&core).expect("the core"), fs::read(&exe).expect("the executable"));
    let figures = |text: &str| {
        let document: serde_json::Value = serde_json::from_str(text).expect("it is JSON");
        (document["heap"].clone(), document["maps"].clone(), document["target"]["exe"].clone())
    };
    let file = success(&["inspect", &core, "--exe", &exe, "--format", "json"]);
    let piped = |input: &[u8], args: &[&str]| {
        let output = run_with(input, args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        stdout(&output)
    };
    let inspected = piped(&whole, &["inspect", "-", "--exe", &exe, "--format", "json"]);
    assert_eq!(figures(&inspected), figures(&file));
    assert_eq!(figures(&piped(&program, &["inspect", &core, "--exe", "-", "--format", "json"])), figures(&file));
    let layout = piped(&program, &["layout", "-", "main.Session"]);
    assert!(layout.starts_with("standard input · go1.27"), "{layout}");

    let steady = piped(file.as_bytes(), &["diff", "-", &core, "--exe", &exe]);
    assert!(steady.starts_with("A  standard input · core of pid") && steady.contains("is steady at"), "{steady}");
    // One capture is of one moment.
    assert!(!steady.contains("not in the order") && !steady.contains("later"), "{steady}");
    let both = piped(&whole, &["diff", "-", &core, "--exe", &exe]);
    assert!(both.contains("is steady at 39.9 MiB"), "{both}");
    piped(file.as_bytes(), &["inspect", &core, "--exe", &exe, "--before", "-", "--format", "html"]);
    let gate = ["gate", &core, "--exe", &exe];
    let held = piped(file.as_bytes(), &[&gate[..], &["--max-growth", "live=1%", "--baseline", "-"]].concat());
    assert!(held.contains("growth since standard input"), "{held}");
    let held = piped(b"[gate.max]\nlive = \"1GiB\"\n", &[&gate[..], &["--config", "-"]].concat());
    assert!(held.contains("budgets of standard input"), "{held}");

    let twice = run_with(file.as_bytes(), &["diff", "-", "-"]);
    assert_eq!(twice.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&twice.stderr).contains("standard input is given twice, and can be read once"));
}

#[test]
fn a_pipe_is_read_once() {
    let (core, exe) = demo_files("pipes");
    let saved = saved("pipes-saved", |_| ());
    let script = format!("{} diff <(cat {saved}) <(cat {core}) --exe {exe}", env!("CARGO_BIN_EXE_mapscope"));
    let output = std::process::Command::new("bash").args(["-c", &script]).output().expect("a shell");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).contains("The live heap is steady at 39.9 MiB."), "{output:?}");
}

#[test]
fn a_process_without_the_right_to_read_it_is_there_all_the_same() {
    let mut command = mapscope(&["layout", "1"]);
    let mut pid = 1;
    if fs::metadata("/proc/self").expect("our own process").uid() == 0 {
        pid = std::process::id();
        command = std::process::Command::new("setpriv");
        command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
        command.args([env!("CARGO_BIN_EXE_mapscope"), "layout", &pid.to_string()]);
    }
    let output = command.output().expect("mapscope runs");
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    let why = format!("mapscope: no permission to read process {pid}: run mapscope as the same user or as root");
    assert!(message.starts_with(&why), "{message}");
}

#[test]
fn an_executable_that_was_given_is_named_when_it_is_wrong() {
    let core = concat!(env!("CARGO_MANIFEST_DIR"), "/demo/sessions.core.zst");
    let own = env!("CARGO_BIN_EXE_mapscope");
    for command in ["inspect", "layout"] {
        let message = failure(&[command, core, "--exe", own]);
        assert!(message.starts_with(&format!("mapscope: {own} is not a Go program")), "{message}");
    }
}

#[test]
fn a_failure_leaves_an_existing_file_alone() {
    let file = scratch("keep").join("result.json");
    fs::write(&file, "before").expect("a file");
    let path = file.to_str().expect("the path is UTF-8");
    failure(&["inspect", "./no/such/core", "-o", path]);
    assert_eq!(fs::read_to_string(&file).expect("the file"), "before");
}

#[test]
fn a_core_is_not_overwritten_by_its_own_result() {
    let file = scratch("spare").join("core");
    fs::write(&file, "evidence").expect("a file");
    let path = file.to_str().expect("the path is UTF-8");
    assert!(failure(&["maps", path, "-o", path]).contains("is what is examined"));
    assert_eq!(fs::read_to_string(&file).expect("the file"), "evidence");
}

#[test]
fn the_result_can_go_to_a_file() {
    let file = scratch("output").join("mapscope.fish");
    let path = file.to_str().expect("the path is UTF-8");
    let output = run(&["completions", "fish", "--output", path]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0), "{output:?}");
    assert!(fs::read_to_string(&file).expect("the file").contains("complete -c mapscope"));
    assert!(success(&["completions", "fish", "-o", "-"]).contains("complete -c mapscope"));
    let message = failure(&["completions", "fish", "-o", "/no/such/directory/file"]);
    assert!(message.starts_with("mapscope: /no/such/directory/file: cannot be written: "), "{message}");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for args in [&["completions", "bash"][..], &["demo"], &["demo", "--format", "json"]] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        // Closed before the program starts: its first write fails, whatever the machine is doing.
        drop(reader);
        let child = mapscope(args).stdout(writer).stderr(Stdio::piped()).spawn().expect("mapscope runs");
        let output = child.wait_with_output().expect("mapscope ends");
        assert_eq!(output.status.code(), Some(0), "{args:?}: {output:?}");
        assert!(output.stderr.is_empty(), "{args:?}: {output:?}");
    }
}

#[test]
fn every_shell_has_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stdout(&run(&["completions", shell]));
        assert!(script.contains("mapscope") && script.contains("min-bytes"), "{shell}");
    }
    assert!(failure(&["completions", "tcsh"]).contains("bash"));
}

#[test]
fn every_command_has_a_man_page() {
    let dir = scratch("man").join("man1");
    let output = run(&["man", dir.to_str().expect("the path is UTF-8")]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for command in COMMANDS {
        let page = fs::read_to_string(dir.join(format!("mapscope-{command}.1"))).expect("a page");
        assert!(page.contains("Examples:"), "{command}: {page}");
    }
    assert!(dir.join("mapscope.1").exists());
}

/// The demo, saved as a document that `change` has altered.
fn saved(name: &str, change: impl Fn(&mut serde_json::Value)) -> String {
    let file = scratch(name).join("saved.json");
    let mut document = serde_json::from_str(&success(&["demo", "--format", "json"])).expect("it is JSON");
    change(&mut document);
    fs::write(&file, document.to_string()).expect("a file");
    file.to_str().expect("the path is UTF-8").to_owned()
}

#[test]
fn saved_inspections_are_compared() {
    let before = saved("diff-before", |_| ());
    let same = success(&["diff", &before, &before]);
    assert!(same.contains("The live heap is steady at 39.9 MiB.") && same.contains("Maps (nothing changed)"), "{same}");
    assert!(same.lines().all(|line| line.chars().count() <= 100), "{same}");
    let after = saved("diff-after", |document| {
        document["maps"][0]["entries"] = 599_000.into();
        document["target"]["go_version"] = "go1.23.4".into();
        document["target"]["exe"] = "/opt/other".into();
    });
    // The other way round: it drained.
    let drained = success(&["diff", &after, &before, "--owner", "byID"]);
    for what in
        ["different programs (other, sessions)", "(go1.23.4, go1.27.3)", "drained", "2,000 of 599,000 entries left"]
    {
        assert!(drained.contains(what), "{what}: {drained}");
    }
    assert!(!drained.contains("main.metrics"), "{drained}");
    let markdown = success(&["diff", &after, &before, "--format", "markdown"]);
    assert!(
        markdown.starts_with("**The live heap is steady at 39.9 MiB.** `main.sessions.byID` is drained"),
        "{markdown}"
    );
    let row =
        "| `main.sessions.byID` | `map[string]*main.Session` | 599,000 → 2,000 | 26.7 MiB | 26.8 MiB | 0 B | drained |";
    assert!(markdown.lines().any(|line| line == row), "{markdown}");
}

#[test]
fn what_a_limit_left_out_is_not_gone() {
    let whole = saved("diff-whole", |_| ());
    let file = scratch("diff-limited").join("limited.json");
    let limited = file.to_str().expect("the path is UTF-8");
    success(&["demo", "--format", "json", "--limit", "3", "-o", limited]);
    let text = success(&["diff", &whole, limited]);
    // Where a line breaks depends on where the files are.
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("lists 3 of 57 maps and") && words.contains("is neither new nor gone"), "{text}");
    assert!(words.contains("not listed on each side") && !text.contains("  gone"), "{text}");
    let message = failure(&["diff", &whole, limited, "-o", limited]);
    assert!(message.contains("is what is examined"), "{message}");
}

#[test]
fn files_that_are_no_inspection_say_what_is_needed() {
    let good = saved("diff-good", |_| ());
    let refused = |name: &str, change: &dyn Fn(&mut serde_json::Value)| failure(&["diff", &good, &saved(name, change)]);
    let newer = refused("diff-newer", &|d| d["schema"] = "mapscope.inspect/2".into());
    assert!(
        newer.contains("saved.json: mapscope.inspect/2 is of another mapscope: this one reads mapscope.inspect/1"),
        "{newer}"
    );
    let other = refused("diff-other", &|d| d["schema"] = "mapscope.maps/1".into());
    assert!(other.contains("is mapscope.maps/1, which `mapscope maps` writes; inspections are compared"), "{other}");
    let broken = refused("diff-broken", &|d| d["maps"] = "none".into());
    assert!(broken.contains("is not what `mapscope inspect --format json -o FILE` writes: invalid type"), "{broken}");
    assert!(failure(&["diff", &good, "./no/such/file"]).contains("./no/such/file: No such file"));
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    assert!(failure(&["diff", &good, manifest]).contains("is not an ELF file"));
    let html = failure(&["diff", &good, &good, "--format", "html", "-o", "/dev/null"]);
    assert!(html.contains("put the process or the core last"), "{html}");
    let huge = saved("diff-huge", |d| d["maps"][0]["entries"] = u64::MAX.into());
    assert!(success(&["diff", &good, &huge]).contains("main.sessions.byID"));
}

#[test]
fn a_table_of_containers_that_is_wrong_is_told_with_its_line() {
    let file = scratch("containers").join("mapscope.toml");
    fs::write(&file, "[gate.max]\nlive = 1\n\n[[container]]\ntype = \"main.table\"\nentrys = \".live\"\n")
        .expect("a file");
    let path = file.to_str().expect("a path");
    let message = failure(&["maps", "1", "--config", path]);
    assert!(message.contains("mapscope.toml:6: `entrys` is no key of [[container]]"), "{message}");
    assert!(message.contains("entries"), "{message}");
    // What budgets the file has is nothing to `maps`.
    fs::write(&file, "[gate.maxx]\nlive = 1\n").expect("a file");
    let message = failure(&["maps", "999999999", "--config", path]);
    assert!(!message.contains("maxx"), "{message}");
}
