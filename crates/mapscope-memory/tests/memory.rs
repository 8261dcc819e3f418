//! Real processes and real cores: `cat` waiting for input, and what gdb and the kernel write of it.

#![allow(clippy::unwrap_used)]

#[path = "memory/ends.rs"]
mod ends;
#[path = "memory/snapshot.rs"]
mod snapshot;
#[path = "memory/watch.rs"]
mod watch;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use mapscope_memory::{
    Backing, Core, CoreFile, CoreOptions, Memory, MemoryError, Partial, Process, Recorded, TargetKind, touch_all,
};

/// A `cat` that echoes lines; an echo proves that it runs.
struct Cat {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Cat {
    fn start() -> Self {
        let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut cat = Self { child, input, output };
        cat.echoes("ready");
        // The echo is out before `cat` waits again; what it does in between would change its memory under a test.
        while !status(cat.pid(), "State").starts_with('S') {
            std::thread::yield_now();
        }
        cat
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    fn echoes(&mut self, word: &str) {
        let mut line = String::new();
        writeln!(self.input, "{word}").unwrap();
        self.output.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), word);
    }
}

impl Drop for Cat {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A file in a directory of its own, removed afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("mapscope-memory-{}-{name}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn status(pid: u32, field: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    status.lines().find_map(|l| l.strip_prefix(field)).unwrap().trim_start_matches(':').trim().to_owned()
}

/// Traces a process as a debugger does, on the thread that made it.
struct Debugger(nix::unistd::Pid);

impl Debugger {
    fn seize(pid: u32) -> Self {
        let pid = nix::unistd::Pid::from_raw(pid as i32);
        nix::sys::ptrace::seize(pid, nix::sys::ptrace::Options::empty()).unwrap();
        Self(pid)
    }
}

impl Drop for Debugger {
    fn drop(&mut self) {
        nix::sys::ptrace::interrupt(self.0).unwrap();
        nix::sys::wait::waitpid(self.0, None).unwrap();
        nix::sys::ptrace::detach(self.0, None).unwrap();
    }
}

fn refusal(pid: u32) -> String {
    Process::attach(pid).err().expect("must be refused").to_string()
}

#[test]
fn stops_a_process_reads_it_and_lets_it_run() {
    let mut cat = Cat::start();
    let pid = cat.pid();
    let process = Process::attach(pid).unwrap();
    assert!(status(pid, "State").starts_with('t'));

    let info = process.info();
    assert_eq!((info.kind, info.pid), (TargetKind::Process, pid));
    assert_eq!(info.exe, fs::read_link(format!("/proc/{pid}/exe")).unwrap());
    assert!(info.rss_bytes.unwrap() > 4096);
    assert!(process.regions().is_sorted_by_key(|r| r.start));
    assert_eq!(process.threads().iter().map(|t| t.tid).collect::<Vec<_>>(), [pid]);

    // Its registers lie where they must, and its memory is that of its file.
    let registers = &process.threads()[0].registers;
    let at = |addr: u64| process.regions().iter().find(|r| (r.start..r.end).contains(&addr)).unwrap();
    assert!(at(registers.pc).execute);
    assert!(at(registers.sp).write);
    let exe = process.executable().unwrap();
    assert_eq!(&exe[..4], b"\x7fELF");
    let text =
        process.regions().iter().find(|r| r.execute && r.file.as_ref().is_some_and(|f| f.0 == info.exe)).unwrap();
    let (len, offset) = ((text.end - text.start) as usize, text.file.as_ref().unwrap().1 as usize);
    let mut scratch = Vec::new();
    let bytes = process.bytes(text.start, len, &mut scratch).unwrap();
    let there = len.min(exe.len() - offset);
    assert!(bytes[..there] == exe[offset..offset + there]);
    let first = process.regions().iter().find(|r| r.file.as_ref() == Some(&(info.exe.clone(), 0))).unwrap();
    assert_eq!(info.load_bias, if exe[16] == 2 { 0 } else { first.start });
    assert!(matches!(process.u64(0x10), Err(MemoryError::NotMapped { .. })));
    assert!(matches!(process.u64(u64::MAX - 3), Err(MemoryError::NotMapped { .. })));
    touch_all(&process);

    drop(process);
    assert_eq!(status(pid, "TracerPid"), "0");
    assert!(!status(pid, "State").starts_with('t'));
    cat.echoes("still here");
}

struct Quiet;

impl mapscope_memory::Progress for Quiet {
    fn copied(&self, done: u64, total: u64) {
        assert!(done <= total);
    }
}

#[test]
fn a_captured_core_is_the_process() {
    let mut cat = Cat::start();
    let scratch = Scratch::new("captured");
    let process = Process::attach(cat.pid()).unwrap();
    let record = process.record().unwrap();
    for zstd in [false, true] {
        let path = scratch.file(if zstd { "core.zst" } else { "core" });
        let options = CoreOptions { zstd, ..CoreOptions::default() };
        let written = CoreFile::create(&path, false).unwrap().write(&process, &record, options, &Quiet).unwrap();
        assert_eq!(written.unreadable_bytes, 0);
        let core = Core::open(&path, None).unwrap();
        assert_eq!(core.info().partial, Partial::default());
        assert_eq!(core.regions(), process.regions());
        assert_eq!(core.info().rss_bytes, process.info().rss_bytes);
        assert_eq!(core.info().monotonic_ns, process.info().monotonic_ns);
        assert_eq!(core.residency().unwrap(), record.residency);
        let registers =
            |memory: &dyn Memory| -> Vec<_> { memory.threads().iter().map(|t| (t.tid, t.registers.clone())).collect() };
        assert_eq!(registers(&core), registers(&process));
        // Every byte that the process may write is in the core, and so is every other that it does not leave to a file.
        for region in process.regions().iter().filter(|r| r.read) {
            let len = (region.end - region.start) as usize;
            let (mut live, mut held) = (vec![0; len], vec![0; len]);
            if process.read_into(region.start, &mut live).is_ok() {
                let read = core.read_into(region.start, &mut held);
                assert!(read.is_ok() || !region.write && region.file.is_some(), "{region:?}: {read:?}");
                assert!(read.is_err() || live == held, "{region:?}");
            }
        }
    }
    drop(process);
    cat.echoes("captured");
}

#[test]
fn resumes_early_and_again() {
    let mut cat = Cat::start();
    for _ in 0..50 {
        let mut process = Process::attach(cat.pid()).unwrap();
        process.resume();
        let paused = process.paused();
        cat.echoes("resumed");
        assert_eq!(process.paused(), paused);
        // It still exists, so it can still be read.
        assert!(process.u64(process.regions()[0].start).is_ok());
    }
}

#[test]
fn loses_no_signal() {
    // A program is stopped again and again while signals rain on it; it must count every one it was sent.
    let script = "import signal,sys\nn=0\ndef count(*_):\n  global n\n  n+=1\n  print(n,flush=True)\n\
        signal.signal(signal.SIGUSR1,count)\nprint('ready',flush=True)\nfor line in sys.stdin: pass\n";
    let mut counter =
        Command::new("python3").args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(counter.stdout.take().unwrap()).lines();
    assert_eq!(output.next().unwrap().unwrap(), "ready");
    for n in 1..=100 {
        let process = (n % 2 == 0).then(|| Process::attach(counter.id()).unwrap());
        let signal = nix::sys::signal::Signal::SIGUSR1;
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(counter.id() as i32), signal).unwrap();
        // On odd rounds the signal races with the stop.
        drop(process.or_else(|| Process::attach(counter.id()).ok()));
        // `read` needs a line to be done with, in case the trap waits for it.
        writeln!(counter.stdin.as_mut().unwrap()).unwrap();
        assert_eq!(output.next().unwrap().unwrap(), n.to_string());
    }
    counter.kill().unwrap();
    counter.wait().unwrap();
}

#[test]
fn stops_threads_while_they_are_born_and_die() {
    // A process that starts and ends threads all the time: this test's own harness would do, but cannot stop itself.
    let script = "import threading,sys\nprint('ready',flush=True)\ndef f():\n  pass\n\
        while True:\n  t=[threading.Thread(target=f) for _ in range(8)]\n  [x.start() for x in t]\n  [x.join() for x in t]\n";
    let child = Command::new("python3").args(["-c", script]).stdout(Stdio::piped()).spawn();
    // Not on every machine there is a python3, and threads are a comfort here, not the subject.
    let Ok(mut child) = child else { return };
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    output.next().unwrap().unwrap();
    for _ in 0..100 {
        let process = Process::attach(child.id()).unwrap();
        let tasks = fs::read_dir(format!("/proc/{}/task", child.id())).unwrap();
        for task in tasks.map(|t| t.unwrap().path().join("stat")) {
            let Ok(stat) = fs::read_to_string(task) else { continue };
            let state = stat.rsplit_once(") ").unwrap().1.chars().next().unwrap();
            assert!(matches!(state, 't' | 'Z' | 'X'), "{stat}");
        }
        drop(process);
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn leaves_a_stopped_process_stopped() {
    let mut cat = Cat::start();
    let pid = nix::unistd::Pid::from_raw(cat.pid() as i32);
    let wait = |flag| nix::sys::wait::waitpid(pid, Some(flag)).unwrap();
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGSTOP).unwrap();
    wait(nix::sys::wait::WaitPidFlag::WUNTRACED);
    drop(Process::attach(cat.pid()).unwrap());
    // A line goes in and nothing comes out until it is continued.
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGCONT).unwrap();
    cat.echoes("continued");
}

#[test]
fn reads_what_gdb_wrote() {
    let dir = Scratch::new("gcore");
    let cat = Cat::start();
    let core = dir.file("core");
    let command = format!("generate-core-file {}", core.display());
    let gdb = Command::new("gdb").args(["-p", &cat.pid().to_string(), "--batch", "-nx", "-ex", &command]).output();
    // gdb is needed for nothing else; where it is missing, only this test has nothing to say.
    let Ok(gdb) = gdb else { return };
    assert!(core.exists(), "{}", String::from_utf8_lossy(&gdb.stderr));
    let core = Core::open(&core, None).unwrap();
    let live = Process::attach(cat.pid()).unwrap();
    compare(&core, &live);
    assert_eq!(core.threads()[0].registers.sp, live.threads()[0].registers.sp);
}

#[test]
fn resident_pages_are_those_the_kernel_counts() {
    let cat = Cat::start();
    let live = Process::attach(cat.pid()).unwrap();
    let resident = live.residency().unwrap();
    let counted = fs::read_to_string(format!("/proc/{}/smaps_rollup", cat.pid())).unwrap();
    let counted = counted.lines().find_map(|l| l.strip_prefix("Rss:")?.trim().strip_suffix(" kB")).unwrap();
    assert_eq!(resident.bytes(), counted.parse::<u64>().unwrap() * 1024);
    let of =
        |wanted: Backing| resident.runs.iter().filter(|r| r.backing == wanted).map(|r| r.end - r.start).sum::<u64>();
    for backing in [Backing::Program, Backing::Anonymous, Backing::Stack] {
        assert!(of(backing) > 0, "{backing:?}");
    }
    let sp = live.threads()[0].registers.sp;
    assert!(resident.runs.iter().any(|r| r.backing == Backing::Stack && (r.start..r.end).contains(&sp)));
}

/// Every byte that the core gives must be the live one, and it must give most of them.
fn compare(core: &Core, live: &Process) {
    // This releases every page; the bytes must come back.
    touch_all(core);
    assert_eq!(core.info().partial, Partial::default());
    assert_eq!(core.info().exe, live.info().exe);
    assert_eq!(core.info().pid, live.info().pid);
    assert_eq!(core.info().load_bias, live.info().load_bias);
    let sp = live.threads()[0].registers.sp;
    let held = core.residency().unwrap();
    assert!(held.runs.iter().any(|r| r.backing == Backing::Stack && (r.start..r.end).contains(&sp)), "{held:x?}");
    assert!(core.executable()[..] == live.executable().unwrap()[..]);
    let (mut same, mut absent) = (0, Vec::new());
    // What is neither writable nor of a file is the kernel's: its clock data changes all the time.
    for region in live.regions().iter().filter(|r| r.read && (r.write || r.file.is_some())) {
        let name = region.file.as_ref().map(|f| f.0.clone());
        let mut page = [0; 4096];
        let mut stored = [0; 4096];
        for addr in (region.start..region.end).step_by(4096) {
            if live.read_into(addr, &mut page).is_err() {
                continue;
            }
            match core.read_into(addr, &mut stored) {
                Ok(()) => {
                    let differ = (0..4096).filter(|&i| page[i] != stored[i]).collect::<Vec<_>>();
                    // The kernel notes in each thread's memory on which processor it runs (`struct rseq`).
                    let processor = region.file.is_none() && differ.len() <= 8;
                    assert!(differ.is_empty() || processor, "{addr:#x} of {region:x?} differs at {differ:x?}");
                    same += 1;
                }
                Err(_) => absent.push((addr, name.clone())),
            }
        }
    }
    let own = absent.iter().find(|(_, file)| file.as_ref() == Some(&live.info().exe));
    assert_eq!(own, None, "what the core leaves out of the executable comes from its file");
    assert!(same > absent.len() * 4, "{same} pages are there, {} are not: {absent:x?}", absent.len());
}

#[test]
fn reads_what_the_kernel_wrote() {
    // Only where cores go to the working directory; elsewhere they belong to somebody else.
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap();
    if pattern.trim().contains(['/', '|', '%']) {
        return;
    }
    let dir = Scratch::new("kernel");
    let mut command = Command::new("bash");
    command.args(["-c", "ulimit -c unlimited; cd \"$0\" && exec cat"]).arg(&dir.0).process_group(0);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut echo = [0; 2];
    child.stdin.as_mut().unwrap().write_all(b"x\n").unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut echo).unwrap();
    let live = Process::attach(child.id()).unwrap();
    let mut before = Vec::new();
    for r in live.regions().iter().filter(|r| r.read) {
        let mut bytes = vec![0; (r.end - r.start) as usize];
        if live.read_into(r.start, &mut bytes).is_ok() {
            before.push((r.clone(), bytes));
        }
    }
    let (exe, bias) = (live.info().exe.clone(), live.info().load_bias);
    drop(live);
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(child.id() as i32), nix::sys::signal::Signal::SIGABRT).unwrap();
    child.wait().unwrap();
    let path = fs::read_dir(&dir.0).unwrap().next().map(|f| f.unwrap().path());
    // A hard limit of 0 cannot be raised.
    let Some(path) = path else { return };

    let core = Core::open(&path, None).unwrap();
    assert_eq!((&core.info().exe, core.info().load_bias, core.info().pid), (&exe, bias, child.id()));
    assert_eq!(core.info().partial, Partial::default());
    let mut text = 0;
    for (region, bytes) in &before {
        // The signal's frame changes the stack; all else is as it was.
        let fixed = region.file.is_some() && !region.write;
        for (i, page) in bytes.chunks(4096).enumerate().filter(|_| fixed) {
            let mut stored = [0; 4096];
            if core.read_into(region.start + i as u64 * 4096, &mut stored).is_ok() {
                assert!(stored == page, "{region:x?} page {i}");
                text += 1;
            }
        }
    }
    assert!(text > 100, "{text} pages of files");

    // Cut short, it says so and gives what is there.
    let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
    drop(core);
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    let core = Core::open(&path, Some(&exe)).unwrap();
    assert!(core.info().partial[0].sentence.contains("the file ends at"), "{:?}", core.info().partial);
    touch_all(&core);
    let other = Core::open(&path, Some(Path::new("/bin/bash"))).err().unwrap().to_string();
    assert!(other.starts_with("/bin/bash is another build than the target runs"), "{other}");
    let none = Core::open(&path, Some(Path::new("/nonexistent"))).err().unwrap().to_string();
    assert!(none.contains("/nonexistent"), "{none}");
}

#[test]
fn refuses_processes_with_a_reason() {
    assert!(refusal(u32::MAX).contains("there is no process 4294967295"));
    assert!(refusal(std::process::id()).contains("mapscope itself"));
    assert!(refusal(2).contains("kernel thread") || !Path::new("/proc/2/exe").exists());

    let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    drop(child.stdin.take());
    let id = nix::sys::wait::Id::Pid(nix::unistd::Pid::from_raw(pid as i32));
    let flags = nix::sys::wait::WaitPidFlag::WEXITED | nix::sys::wait::WaitPidFlag::WNOWAIT;
    nix::sys::wait::waitid(id, flags).unwrap();
    assert!(refusal(pid).contains("is a zombie"));
    child.wait().unwrap();
    assert!(refusal(pid).contains("there is no process"));

    let cat = Cat::start();
    let traced = Debugger::seize(cat.pid());
    let twice = refusal(cat.pid());
    assert!(twice.contains(&format!("already traced by process {}", std::process::id())), "{twice}");
    drop(traced);
}

#[test]
fn notices_that_the_process_was_killed() {
    let cat = Cat::start();
    let process = Process::attach(cat.pid()).unwrap();
    let stack = process.threads()[0].registers.sp;
    assert!(process.u64(stack).is_ok());
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(cat.pid() as i32), nix::sys::signal::Signal::SIGKILL).unwrap();
    // It dies on its own time; reads work until then, and say so afterwards.
    while process.u64(stack).is_ok() {
        std::thread::yield_now();
    }
    assert!(matches!(process.u64(stack), Err(MemoryError::Exited { .. })));
}

#[test]
fn refuses_files_with_a_reason() {
    let dir = Scratch::new("files");
    let error = |path: &Path| Core::open(path, None).err().expect("must be refused").to_string();
    let write = |name: &str, bytes: &[u8]| {
        fs::write(dir.file(name), bytes).unwrap();
        error(&dir.file(name))
    };
    assert!(error(&dir.file("none")).contains("No such file"));
    assert!(error(&dir.0).contains("is a directory, not a regular file"));
    assert!(error(Path::new("/dev/null")).contains("is a device"));
    assert!(write("empty", b"").contains("it is empty"));
    assert!(write("gzip", b"\x1f\x8b\x08\x00").contains("1f 8b 08 00 (gzip"));
    assert!(error(Path::new("/proc/self/exe")).contains("give a pid or a core, and this file with --exe"));
}

/// Every byte of `held` must be the live one.
fn compare_live(held: &Process, live: &Process) {
    assert_eq!(held.regions(), live.regions());
    assert_eq!(held.info().exe, live.info().exe);
    assert_eq!(held.info().load_bias, live.info().load_bias);
    assert_eq!(held.auxv(), live.auxv());
    // What is neither writable nor of a file is the kernel's: its clock data changes all the time.
    for region in live.regions().iter().filter(|r| r.read && (r.write || r.file.is_some())) {
        let (mut page, mut stored) = ([0; 4096], [0; 4096]);
        for addr in (region.start..region.end).step_by(4096) {
            if live.read_into(addr, &mut page).is_err() {
                continue;
            }
            held.read_into(addr, &mut stored).unwrap();
            let differ = (0..4096).filter(|&i| page[i] != stored[i]).count();
            // The kernel notes in each thread's memory on which processor it runs (`struct rseq`).
            assert!(differ == 0 || region.file.is_none() && differ <= 8, "{addr:#x} of {region:x?}");
        }
    }
}
