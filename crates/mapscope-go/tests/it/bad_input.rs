//! What cannot be read says so, and says what to do.

use mapscope_go::{Executable, describes};
use mapscope_memory::{Core, Memory, Process};

use crate::cores::kernel_or_gdb;
use crate::matrix::{Program, programs};
use crate::target::{Reading, Running, read, read_executable};
use crate::truth;

/// A program of the testbed; none when `MAPSCOPE_ONLY` asks for others.
fn program(name: &str) -> Option<Program> {
    let found = programs().into_iter().find(|p| p.to_string() == name);
    assert!(found.is_some() || std::env::var_os("MAPSCOPE_ONLY").is_some(), "the testbed lacks {name}");
    found
}

fn error(reading: Reading) -> String {
    reading.error.expect("must be refused")
}

#[test]
fn a_program_in_c_is_no_go_program() {
    let Some(program) = program("c-default/notgo") else { return };
    let refusal = "notgo is not a Go program, and none of the 2 libraries that it has mapped has Go code: they have no Go \
                   build information";
    let target = Running::start(&program);
    let live = error(target.read());
    assert!(live.ends_with(refusal), "{live}");
    let core = error(kernel_or_gdb(target).read(&program));
    assert!(core.ends_with(refusal), "{core}");
}

/// The executable as `strip` would leave it, as far as the reader can tell.
fn without_debug_info(executable: &mut [u8]) {
    let name = executable.windows(13).rposition(|w| w == b"\0.debug_info\0").unwrap();
    executable[name + 1..][..6].copy_from_slice(b".gone_");
}

#[test]
fn a_stripped_program_with_an_unheard_experiment_names_the_way_out() {
    let Some(program) = program("1.27.3-mapsplitgroup/maps") else { return };
    let recorded = kernel_or_gdb(Running::start(&program));
    let core = Core::open(&recorded.path, Some(&program.path)).unwrap();
    let mut executable = core.executable().to_vec();
    without_debug_info(&mut executable);
    with_version(&mut executable, "go1.27.3-X:unheard");
    let text = error(read(&core, &executable));
    let refusal = "maps was built with go1.27.3-X:unheard and has no debug information (DWARF); without it the nearest \
                   known is go1.27, whose offsets may differ: pass the unstripped binary or its .debug file with \
                   --debug-info";
    assert!(text.ends_with(refusal), "{text}");
}

#[test]
fn names_come_back_with_the_debug_information_of_the_same_build() {
    for name in ["1.27.3-default/places", "1.23.9-pie/places"] {
        let Some(program) = program(name) else { return };
        let target = Running::start(&program);
        let truth = target.truth.clone();
        let recorded = kernel_or_gdb(target);
        let core = Core::open(&recorded.path, Some(&program.path)).unwrap();
        let mut executable = core.executable().to_vec();
        without_debug_info(&mut executable);
        assert!(describes(core.executable(), &executable));
        let described = Executable::new(&executable).with_debug_info(&program.path, core.executable());
        let wrong = truth::compare(&truth, &read_executable(&core, described));
        assert!(wrong.is_empty(), "{name}: {wrong:?}");
    }
}

#[test]
fn the_debug_information_of_another_build_is_refused() {
    let (Some(program), Some(other)) = (program("1.27.3-stripped/maps"), program("1.27.3-default/maps")) else {
        return;
    };
    let target = Running::start(&program);
    let (executable, debug_info) = (std::fs::read(&program.path).unwrap(), std::fs::read(&other.path).unwrap());
    let process = Process::attach(target.child.id()).unwrap();
    let described = Executable::new(&executable).with_debug_info(&other.path, &debug_info);
    let text = error(read_executable(&process, described));
    assert!(text.contains("is not the debug information of"), "{text}");
    assert!(text.contains("it has another build id"), "{text}");
    // A file without any.
    let described = Executable::new(&executable).with_debug_info(&program.path, &executable);
    let text = error(read_executable(&process, described));
    assert!(text.contains("maps has no debug information (DWARF)"), "{text}");
    assert!(!describes(&executable, &executable) && !describes(&debug_info, &executable));
}

/// Reads a core with its executable's bytes changed by `change`.
fn changed(change: impl Fn(&mut Vec<u8>)) -> Option<String> {
    let program = program("1.27.3-default/maps")?;
    let recorded = kernel_or_gdb(Running::start(&program));
    let core = Core::open(&recorded.path, Some(&program.path)).unwrap();
    let mut executable = core.executable().to_vec();
    change(&mut executable);
    let text = error(read(&core as &dyn Memory, &executable));
    let path = program.path.canonicalize().unwrap();
    let rest = text.strip_prefix(&*path.to_string_lossy()).unwrap_or_else(|| panic!("does not name the file: {text}"));
    Some(rest.to_owned())
}

/// The version text of the build information, replaced by one of the same length or shorter.
fn with_version(executable: &mut [u8], version: &str) {
    let start = executable.windows(14).position(|w| w == b"\xff Go buildinf:").unwrap() + 32;
    assert!(version.len() <= usize::from(executable[start]));
    executable[start] = version.len() as u8;
    executable[start + 1..][..version.len()].copy_from_slice(version.as_bytes());
}

#[test]
fn other_versions_of_go_are_named_with_those_that_are_read() {
    for (version, said) in [("go1.20", "go1.20"), ("go1.28.0", "go1.28.0"), ("go2.0", "go2.0"), ("devel", "devel")] {
        let Some(text) = changed(|executable| with_version(executable, version)) else { return };
        assert_eq!(text, format!(" was built with {said}; Go 1.21 to 1.27 are read"));
    }
    // Up to 1.17 the build information had pointers instead of text.
    let Some(text) = changed(|executable| {
        let start = executable.windows(14).position(|w| w == b"\xff Go buildinf:").unwrap();
        executable[start + 15] &= !2;
    }) else {
        return;
    };
    assert_eq!(text, " was built with a Go older than 1.18; Go 1.21 to 1.27 are read");
}

#[test]
fn other_processors_are_named() {
    for (class, machine, said) in [(1, 3, "386 (32-bit)"), (2, 183, "arm64"), (1, 40, "arm (32-bit)")] {
        let Some(text) = changed(|executable| {
            executable[4] = class;
            executable[18] = machine;
        }) else {
            return;
        };
        assert!(text.contains(said), "{text}");
        assert!(text.contains("amd64"), "{text}");
    }
}

#[test]
fn a_damaged_executable_says_where() {
    let Some(text) = changed(|executable| executable.truncate(1000)) else { return };
    assert!(text.starts_with(": cannot be read as an ELF executable: "), "{text}");
    let Some(text) = changed(|executable| executable[..4].copy_from_slice(b"#!/b")) else { return };
    assert_eq!(text, ": cannot be read as an ELF executable: it does not start with the ELF magic");
}

#[test]
fn the_executable_of_another_build_is_refused() {
    let (Some(program), Some(other)) = (program("1.27.3-default/maps"), program("1.27.3-noopt/maps")) else { return };
    let recorded = kernel_or_gdb(Running::start(&program));
    let text = Core::open(&recorded.path, Some(&other.path)).err().expect("must be refused").to_string();
    assert!(text.contains("is another build than the target runs"), "{text}");
    assert!(text.ends_with("pass the right one with --exe"), "{text}");
}
