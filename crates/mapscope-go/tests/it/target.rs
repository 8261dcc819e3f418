//! A running program of the testbed, and what was read of it.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};

use mapscope_go::{
    Executable, GoError, GoFiles, GoroutineCensus, MemoryParts, OpenLoop, Session, Silent, Totals, TypeCount,
    with_session,
};
use mapscope_memory::{MappedFiles, Memory, Process};
use mapscope_model::MapTable;
use serde_json::Value;

use crate::matrix::Program;

/// A program that has said READY and waits for the end of its standard input.
pub struct Running {
    pub child: Child,
    pub truth: Value,
    pub directory: std::path::PathBuf,
    stdin: Option<ChildStdin>,
}

/// What a session holds, copied out of it.
pub struct Reading {
    pub maps: MapTable,
    pub types: Vec<TypeCount>,
    pub totals: Totals,
    pub memory: Option<MemoryParts>,
    pub partial: Vec<String>,
    pub error: Option<String>,
}

impl Running {
    pub fn start(program: &Program) -> Self {
        Self::start_with(program, &[])
    }

    /// Starts the program in a directory of its own, allowed to leave a core there.
    pub fn start_with(program: &Program, arguments: &[&str]) -> Self {
        let name = program.to_string().replace('/', "-");
        let directory = std::path::PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!(
            "{name}-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        ));
        std::fs::create_dir_all(&directory).unwrap();
        let mut child = Command::new("sh")
            .args(["-c", "ulimit -c unlimited; exec \"$0\" \"$@\""])
            .arg(std::fs::canonicalize(&program.path).unwrap())
            .args(arguments)
            .current_dir(&directory)
            .env("GOTRACEBACK", "crash")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut truth = Value::Null;
        loop {
            let line = lines.next().unwrap_or_else(|| panic!("{program} ended before READY")).unwrap();
            if line == "READY" {
                break;
            }
            truth = serde_json::from_str(&line).unwrap_or(truth);
        }
        let stdin = child.stdin.take();
        Self { child, truth, directory, stdin }
    }

    pub fn goroutines(&self) -> (GoroutineCensus, u64) {
        let process = Process::attach(self.child.id()).unwrap();
        let files = GoFiles::find(&process).unwrap();
        let now = process.info().monotonic_ns.unwrap();
        with_session(&process, Executable::of(&files), &Silent, |session| (session.goroutines(), now)).unwrap()
    }

    pub fn open_loops(&self) -> Vec<OpenLoop> {
        let process = Process::attach(self.child.id()).unwrap();
        let files = GoFiles::find(&process).unwrap();
        let read = |session: &Session<'_>| session.open_loops();
        with_session(&process, Executable::of(&files), &Silent, read).unwrap()
    }

    pub fn read(&self) -> Reading {
        read_files(&Process::attach(self.child.id()).unwrap())
    }

    /// Its goroutines and the rest of one reading.
    pub fn inspect(&self) -> (GoroutineCensus, Reading) {
        let process = Process::attach(self.child.id()).unwrap();
        let executable = process.executable().unwrap();
        let read = |session: &Session<'_>| (session.goroutines(), reading(session));
        let read = with_session(&process, Executable::new(&executable), &Silent, read);
        read.unwrap_or_else(|e| (GoroutineCensus::default(), failed(&e)))
    }

    /// Ends the program as it is meant to end; what went wrong.
    pub fn finish(&mut self) -> Option<String> {
        drop(self.stdin.take());
        let status = self.child.wait().unwrap();
        (!status.success()).then(|| format!("at the end of its input: {status}"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

pub fn read(memory: &dyn Memory, executable: &[u8]) -> Reading {
    read_executable(memory, Executable::new(executable))
}

/// Reads whatever file of the target has the Go runtime, with its plugins.
pub fn read_files(target: &dyn MappedFiles) -> Reading {
    match GoFiles::find(target) {
        Ok(files) => read_executable(target, Executable::of(&files)),
        Err(e) => failed(&e),
    }
}

pub fn read_executable(memory: &dyn Memory, executable: Executable<'_>) -> Reading {
    with_session(memory, executable, &Silent, reading).unwrap_or_else(|e| failed(&e))
}

fn reading(session: &Session<'_>) -> Reading {
    Reading {
        maps: session.maps.clone(),
        types: session.types.clone(),
        totals: session.totals,
        memory: session.memory.clone(),
        partial: session.partial.sentences(),
        error: None,
    }
}

fn failed(error: &GoError) -> Reading {
    Reading {
        maps: MapTable::default(),
        types: Vec::new(),
        totals: Totals::default(),
        memory: None,
        partial: Vec::new(),
        error: Some(error.to_string()),
    }
}
