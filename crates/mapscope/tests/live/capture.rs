//! Cores that `capture` wrote: read by mapscope, by gdb and by Delve, redacted, and not written at all.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::{Target, testbed};
use crate::common::{document, failure, mapscope, scratch, stdout, success};

/// Versions that differ in maps or in the heap, and the programs that are captured.
const TOOLCHAINS: [&str; 4] = ["1.21.", "1.23.", "1.24.", "1.27."];
const PROGRAMS: [&str; 5] = ["maps", "places", "storage", "retained", "sessions"];
/// What only the reading itself can change while the program is stopped: pages that it touches become resident.
const RESIDENT: [&str; 4] = ["rss_bytes", "runtime_bytes", "binary_bytes", "other_bytes"];

/// A program that stands still, so that two readings of it see the same.
struct Still(Target);

impl Still {
    fn start(toolchain: &str, program: &str, arguments: &[&str]) -> Self {
        let target = Target::start_with(toolchain, "default", program, arguments);
        signal(target.child.id(), "STOP");
        Self(target)
    }

    fn pid(&self) -> String {
        self.0.pid()
    }

    fn ends_well(self) {
        signal(self.0.child.id(), "CONT");
        self.0.ends_well();
    }
}

fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status().expect("kill");
    assert!(status.success());
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the path is UTF-8")
}

/// Writes a core, and checks what is said of it.
fn capture(pid: &str, path: &Path, flags: &[&str]) -> Value {
    let args = [&["capture", pid, "-o", text(path), "--format", "json"], flags].concat();
    let said = document(&args);
    let file = fs::metadata(path).expect("there is a core");
    assert_eq!(said["disk_bytes"], file.blocks() * 512);
    assert_eq!(file.mode() & 0o777, 0o600);
    assert!(said["compressed"] == true || said["apparent_bytes"] == file.len());
    assert!(said.get("partial").is_none(), "{said}");
    said
}

/// A document without what says when and how it was made.
fn reading(command: &str, target: &str) -> Value {
    let output = mapscope(&[command, target, "--format", "json"]).output().expect("mapscope runs");
    assert!(output.status.success(), "{output:?}");
    let mut document: Value = serde_json::from_str(&stdout(&output)).expect("the output is JSON");
    let about = document["target"].as_object_mut().expect("a target");
    for field in ["kind", "pause", "paused_ms", "copied_bytes", "read_ms", "stages", "taken_at"] {
        about.remove(field);
    }
    for group in document["groups"].as_array_mut().into_iter().flatten() {
        // The clock goes on.
        group.as_object_mut().expect("a group").remove("waited");
    }
    document
}

/// Takes the figures out that depend on residency.
fn resident(document: &mut Value) -> Vec<Option<u64>> {
    let memory = document["memory"].as_object_mut();
    memory.map_or_else(Vec::new, |m| RESIDENT.iter().map(|field| m.remove(*field)?.as_u64()).collect())
}

/// Takes out what a redacted core does not tell.
fn without_values(document: &mut Value) {
    for map in document["maps"].as_array_mut().into_iter().flatten() {
        map.as_object_mut().expect("a map").remove("zero_values");
    }
    let document = document.as_object_mut().expect("a document");
    document.remove("strings");
}

/// Takes out the findings that follow from values (GM006, GH003), and what is said of a map instead where they are hidden.
fn without_findings_of_values(live: &mut Value, core: &mut Value) {
    let of = |document: &Value| document["findings"].as_array().cloned().unwrap_or_default();
    let zeroed: Vec<Value> =
        of(live).into_iter().filter(|f| f["rule"] == "GM006").map(|f| f["subject"].clone()).collect();
    for document in [live, core] {
        if let Some(findings) = document.get_mut("findings").and_then(Value::as_array_mut) {
            findings.retain(|f| f["rule"] != "GH003" && !zeroed.contains(&f["subject"]));
        }
    }
}

/// Where two documents differ first.
fn difference(a: &Value, b: &Value) -> Option<String> {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            let mut keys = x.keys().chain(y.keys());
            keys.find_map(|k| Some(format!(".{k}{}", difference(&a[k], &b[k])?)))
        }
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
            x.iter().zip(y).enumerate().find_map(|(i, (a, b))| Some(format!("[{i}]{}", difference(a, b)?)))
        }
        _ => (a != b).then(|| format!(": {a} is {b}")),
    }
}

#[test]
fn every_core_reads_as_its_process_does() {
    const COMMANDS: [&str; 3] = ["inspect", "types", "goroutines"];
    let directory = scratch("captured");
    let mut wrong = Vec::new();
    for (toolchain, program) in TOOLCHAINS.iter().flat_map(|t| PROGRAMS.map(|p| (t, p))) {
        let target = Still::start(toolchain, program, &[]);
        let pid = target.pid();
        let live: Vec<Value> = COMMANDS.iter().map(|c| reading(c, &pid)).collect();
        // What is resident may grow with each reading, and between them.
        let mut before = resident(&mut reading("inspect", &pid));
        for flags in [&[][..], &["--heap-only"], &["--redact"], &["--redact", "--heap-only", "--zstd"]] {
            let path = directory.join(format!("{toolchain}{program}{}", flags.concat()));
            capture(&pid, &path, flags);
            let after = resident(&mut reading("inspect", &pid));
            for (command, live) in COMMANDS.iter().zip(&live) {
                let (mut live, mut core) = (live.clone(), reading(command, text(&path)));
                if flags.contains(&"--redact") {
                    let fields = core.as_object_mut().expect("a document");
                    let (said, _) = (fields.remove("partial"), fields.remove("partial_scope"));
                    assert!(said.is_none_or(|said| said[0].as_str().is_some_and(|s| s.contains("is redacted"))));
                    without_values(&mut live);
                    without_findings_of_values(&mut live, &mut core);
                    assert_eq!(
                        difference(&core, &{
                            let mut same = core.clone();
                            without_values(&mut same);
                            same
                        }),
                        None
                    );
                }
                resident(&mut live);
                let seen = resident(&mut core);
                let place = format!("{toolchain}{program} {flags:?} {command}");
                wrong.extend(difference(&live, &core).map(|d| format!("{place}{d}")));
                let known = seen.iter().zip(before.iter().zip(&after));
                if known.into_iter().any(|(seen, (before, after))| seen < before || seen > after) {
                    wrong.push(format!("{place}: {RESIDENT:?} are {seen:?}, between {before:?} and {after:?}"));
                }
            }
            before = after;
            fs::remove_file(path).expect("the core was there");
        }
        target.ends_well();
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_redacted_core_holds_none_of_the_data() {
    // What the programs keep, and the environment of all of them.
    let data = |program| match program {
        "sessions" => &["sess-10", "tok-10"][..],
        "maps" => &["item100", "key100"],
        "storage" => &["country country"],
        _ => &[],
    };
    let directory = scratch("redacted");
    for (toolchain, program) in TOOLCHAINS.iter().flat_map(|t| PROGRAMS.map(|p| (t, p))) {
        let target = Target::start_with(toolchain, "default", program, &[]);
        let (whole, redacted) = (directory.join("whole"), directory.join("redacted"));
        capture(&target.pid(), &whole, &["--force"]);
        capture(&target.pid(), &redacted, &["--force", "--redact"]);
        let (whole, redacted) = (fs::read(whole).expect("a core"), fs::read(redacted).expect("a core"));
        let environment = std::env::var("PATH").expect("a path to programs");
        for word in data(program).iter().copied().chain([environment.as_str()]) {
            assert!(contains(&whole, word), "{toolchain}{program}: `{word}` is in the process");
            assert!(!contains(&redacted, word), "{toolchain}{program}: `{word}` is in its redacted core");
        }
        target.ends_well();
    }
}

fn contains(bytes: &[u8], word: &str) -> bool {
    let word = word.as_bytes();
    bytes.windows(word.len()).any(|w| w[0] == word[0] && w == word)
}

#[test]
fn compressed_by_name() {
    let target = Target::start("1.27.", "default", "retained");
    let path = scratch("compressed").join("core.zst");
    let said = capture(&target.pid(), &path, &[]);
    assert_eq!(said["compressed"], true);
    assert!(fs::read(&path).expect("a core").starts_with(b"\x28\xb5\x2f\xfd"));
    assert!(said["disk_bytes"].as_u64() < said["apparent_bytes"].as_u64().map(|n| n / 10));
    let text = success(&["inspect", text(&path)]);
    assert!(text.contains(&format!("core of pid {}", target.pid())), "{text}");
    target.ends_well();
}

#[test]
fn the_core_of_a_heap_alone_is_smaller() {
    let target = Target::start("1.27.", "default", "cgo");
    let directory = scratch("heap-only");
    let whole = capture(&target.pid(), &directory.join("whole"), &[]);
    let heap = capture(&target.pid(), &directory.join("heap"), &["--heap-only"]);
    assert!(heap["disk_bytes"].as_u64() < whole["disk_bytes"].as_u64(), "{heap} {whole}");
    target.ends_well();
}

/// The entries of a map, as mapscope counts them.
fn entries(core: &str, owner: &str) -> u64 {
    let maps = document(&["maps", core, "--owner", &format!("^{owner}$"), "--format", "json"]);
    maps["maps"][0]["entries"].as_u64().expect("there is such a map")
}

#[test]
fn gdb_opens_a_core() {
    let target = Target::start("1.27.", "default", "sessions");
    let threads = fs::read_dir(format!("/proc/{}/task", target.pid())).expect("its threads").count();
    let core = scratch("gdb").join("core");
    capture(&target.pid(), &core, &[]);
    let executable = fs::read_link(format!("/proc/{}/exe", target.pid())).expect("its executable");
    let output = Command::new("gdb")
        .args(["--batch", "-nx", "-ex", "info threads", "-ex", "bt", "-ex", "info registers xmm0", "-ex"])
        .arg("p 'main.sessions'.byID.used")
        .args([&executable, &core])
        .stdin(Stdio::null())
        .output()
        .expect("gdb");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(out.lines().filter(|line| line.contains("LWP") && !line.starts_with('[')).count(), threads, "{out}");
    assert!(out.contains("runtime.") && out.contains("\n#0 ") && out.contains("xmm0 "), "{out}\n{err}");
    let count = format!("$1 = {}", entries(text(&core), r"main\.sessions\.byID"));
    assert!(out.trim_end().ends_with(&count), "{count}: {out}\n{err}");
    target.ends_well();
}

#[test]
fn delve_opens_a_core() {
    let target = Target::start("1.27.", "default", "sessions");
    let directory = scratch("delve");
    let core = directory.join("core");
    capture(&target.pid(), &core, &[]);
    let delve = testbed().join("delve/dlv");
    assert!(delve.exists(), "{} is not there: run `cargo xtask testbed`", delve.display());
    let commands = directory.join("commands");
    fs::write(&commands, "goroutines -s\nprint len(main.sessions.byID)\nexit\n").expect("a file");
    let executable = fs::read_link(format!("/proc/{}/exe", target.pid())).expect("its executable");
    let output = Command::new(delve)
        .arg("core")
        .args([&executable, &core])
        .args(["--allow-non-terminal-interactive=true", "--init"])
        .arg(&commands)
        .env("HOME", &directory)
        .stdin(Stdio::null())
        .output()
        .expect("Delve");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let goroutines = document(&["goroutines", text(&core), "--format", "json"]);
    let total = goroutines["total_goroutines"].as_u64().expect("a number");
    assert!(out.contains(&format!("[{total} goroutines]")), "{total}: {out}\n{err}");
    let count = entries(text(&core), r"main\.sessions\.byID").to_string();
    assert!(out.lines().any(|line| line == count), "{count}: {out}\n{err}");
    target.ends_well();
}

/// The files of a directory.
fn names(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).expect("a directory").map(|e| e.expect("an entry").path()).collect()
}

#[test]
fn what_exists_is_not_replaced_unasked() {
    let target = Target::start("1.27.", "default", "retained");
    let directory = scratch("existing");
    let path = directory.join("core");
    fs::write(&path, "evidence").expect("a file");
    let message = failure(&["capture", &target.pid(), "-o", text(&path)]);
    assert_eq!(message, format!("mapscope: {} exists: give another name, or --force to replace it\n", path.display()));
    assert_eq!(fs::read(&path).expect("the file"), b"evidence");
    // Before anything is stopped, and whether or not there is such a process.
    assert!(failure(&["capture", "4194305", "-o", text(&path)]).contains("exists"));
    capture(&target.pid(), &path, &["--force"]);
    assert!(fs::read(&path).expect("the core").starts_with(b"\x7fELF"));
    assert_eq!(names(&directory), [path]);
    target.ends_well();
}

/// Runs `capture` in a shell that prepares something first; the message.
fn captured_under(preparation: &str, pid: &str, path: &Path) -> String {
    let mapscope = env!("CARGO_BIN_EXE_mapscope");
    let script = format!("{preparation} exec {mapscope} capture {pid} -o {}", path.display());
    let output = Command::new("sh").args(["-c", &script]).output().expect("a shell");
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true), "{output:?}");
    String::from_utf8(output.stderr).expect("the message is UTF-8")
}

#[test]
fn a_core_that_does_not_fit_leaves_nothing() {
    let target = Target::start("1.27.", "default", "sessions");
    let directory = scratch("full");
    let before = "evidence";
    for name in ["core", "core.zst"] {
        let path = directory.join(name);
        let message = captured_under("ulimit -f 500;", &target.pid(), &path);
        assert!(message.starts_with(&format!("mapscope: {} was not written: ", path.display())), "{message}");
        assert!(message.contains("raise `ulimit -f`"), "{message}");
        assert_eq!(names(&directory), Vec::<PathBuf>::new());
    }
    // What was there stays, also when it was to be replaced.
    let path = directory.join("core");
    fs::write(&path, before).expect("a file");
    captured_under("ulimit -f 500;", &target.pid(), &path.with_file_name("core --force"));
    assert_eq!((fs::read_to_string(&path).expect("the file"), names(&directory)), (before.to_owned(), vec![path]));
    target.ends_well();
}

#[test]
fn a_full_disk_leaves_nothing() {
    let target = Target::start("1.27.", "default", "sessions");
    let disk = scratch("disk");
    // A disk of its own, which goes with the shell. Mounting it takes rights that root has, and others in a namespace.
    let mount = format!("mount -t tmpfs -o size=1m none {0} && cd {0} &&", disk.display());
    let mapscope = env!("CARGO_BIN_EXE_mapscope");
    let script = format!("{mount} {{ {mapscope} capture {} -o core; echo $?; ls -A | wc -l; }}", target.pid());
    let namespace = ["-m", "-U", "-r"];
    let flags = if nix_root() { &namespace[..1] } else { &namespace[..] };
    let output = Command::new("unshare").args(flags).args(["sh", "-c", &script]).output().expect("unshare");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(out, "2\n0\n", "{err}");
    assert!(err.starts_with("mapscope: core was not written: it needs up to "), "{err}");
    assert!(err.contains(" bytes, and there is room for ") && err.contains("No space left"), "{err}");
    target.ends_well();
}

fn nix_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
}

#[test]
fn only_processes_into_files_are_captured() {
    assert!(failure(&["capture", "1"]).contains("give -o FILE"));
    assert!(failure(&["capture", "1", "-o", "-"]).contains("give -o FILE"));
    assert!(failure(&["capture", "core.1", "-o", "x"]).contains("only a running process can be captured"));
    assert!(
        failure(&["capture", "1", "-o", "/no/such/directory/core"]).contains("/no/such/directory/core: No such file")
    );
    let directory = scratch("directory");
    assert!(failure(&["capture", "1", "-o", text(&directory)]).contains("is a directory"));
    let path = directory.join("core");
    let target = Target::start("c", "default", "notgo");
    assert!(failure(&["capture", &target.pid(), "-o", text(&path), "--redact"]).contains("is not a Go program"));
    assert_eq!(names(&directory), Vec::<PathBuf>::new());
    // A plain core can be had of any program.
    capture(&target.pid(), &path, &[]);
    target.ends_well();
}
