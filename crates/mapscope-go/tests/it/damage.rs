//! Cores that were cut short or have a wrong byte: an error or a session, never a panic, never much memory.
//!
//! Each core is read in a process of its own, so that its memory can be counted and its end be waited for.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use mapscope_go::{Executable, GoError, Silent, StorageOptions, with_session};
use mapscope_memory::Core;
use peak_alloc::PeakAlloc;

use crate::matrix::programs;
use crate::target::Running;

#[global_allocator]
pub static MEMORY: PeakAlloc = PeakAlloc;

const TRUNCATIONS: usize = 200;
const FLIPS: usize = 1000;
/// Where headers and notes are, and the first of the program's data.
const FRONT: u64 = 256 << 10;
const PAGE: usize = 4096;
/// The whole core is read in a fraction of a second.
const PATIENCE: Duration = Duration::from_secs(10);
/// All readings of one core: under a minute, unless the machine does many other things.
const DEADLINE: Duration = Duration::from_secs(900);
const CORE: &str = "MAPSCOPE_DAMAGED_CORE";
const EXE: &str = "MAPSCOPE_DAMAGED_EXE";

#[test]
fn damaged_cores_of_swiss_maps_do_no_harm() {
    damage("1.27.3-default/maps");
}

#[test]
fn damaged_cores_of_legacy_maps_do_no_harm() {
    damage("1.23.9-default/places");
}

#[test]
fn damaged_cores_of_channels_pools_and_timers_do_no_harm() {
    damage("1.25.5-default/storage");
}

#[test]
fn damaged_cores_of_stripped_programs_do_no_harm() {
    damage("1.25.5-stripped/places");
}

fn damage(name: &str) {
    let Some(program) = programs().into_iter().find(|p| p.to_string() == name) else {
        assert!(std::env::var_os("MAPSCOPE_ONLY").is_some(), "the testbed lacks {name}; run `cargo xtask testbed`");
        return;
    };
    let core = crate::cores::kernel_or_gdb(Running::start(&program));
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "damage::reads_one_core_again_and_again", "--ignored", "--nocapture", "--test-threads=1"])
        .env(CORE, &core.path)
        .env(EXE, &program.path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let pid = child.id();
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || done.send(child.wait_with_output()));
    let Ok(output) = ended.recv_timeout(DEADLINE) else {
        let _ = Command::new("kill").args(["-KILL", &pid.to_string()]).status();
        panic!("{name}: a damaged core was still being read after {DEADLINE:?}");
    };
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    assert!(output.status.success(), "{name}: {}\n{text}{}", output.status, String::from_utf8_lossy(&output.stderr));
}

/// The child's part.
#[test]
#[ignore = "run by the other tests of this file, in a process of its own"]
fn reads_one_core_again_and_again() {
    let path = |name| std::env::var_os(name).map(PathBuf::from);
    let (Some(core), Some(exe)) = (path(CORE), path(EXE)) else { return };
    // Messages name files by the path that the core was opened with, made absolute.
    let exe = exe.canonicalize().unwrap();
    let mut victim = Victim::new(&core, &exe);
    let whole = victim.read("whole");
    assert_eq!(whole, Some(0), "the whole core is read, and wholly: {:?}", victim.wrong);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    victim.flip(&mut random);
    victim.truncate(&mut random);
    println!(
        "{} readings: {} sessions, {} errors; at most {} KiB of memory for a core of {} KiB, {:?} for one",
        victim.sessions + victim.errors,
        victim.sessions,
        victim.errors,
        victim.peak >> 10,
        victim.size >> 10,
        victim.slowest,
    );
    assert!(victim.wrong.is_empty(), "{} wrong:\n{}", victim.wrong.len(), victim.wrong.join("\n"));
}

/// A core that is damaged and mended again in place.
struct Victim<'p> {
    core: &'p Path,
    exe: &'p Path,
    file: File,
    size: u64,
    sessions: usize,
    errors: usize,
    peak: usize,
    slowest: Duration,
    wrong: Vec<String>,
}

impl<'p> Victim<'p> {
    fn new(core: &'p Path, exe: &'p Path) -> Self {
        let file = OpenOptions::new().read(true).write(true).open(core).unwrap();
        let size = file.metadata().unwrap().len();
        let slowest = Duration::ZERO;
        Self { core, exe, file, size, sessions: 0, errors: 0, peak: 0, slowest, wrong: Vec::new() }
    }

    /// Single bytes: half of them in front, half in any page that is not all zeros.
    fn flip(&mut self, random: &mut Random) {
        let pages = self.pages();
        for round in 0..FLIPS {
            let at = if round % 2 == 0 {
                random.below(FRONT.min(self.size))
            } else {
                pages[random.below(pages.len() as u64) as usize] + random.below(PAGE as u64)
            };
            let at = at.min(self.size - 1);
            let mut old = [0];
            self.file.read_exact_at(&mut old, at).unwrap();
            let new = [old[0] ^ (1 + random.below(255)) as u8];
            self.file.write_all_at(&new, at).unwrap();
            self.read(&format!("byte {at:#x} changed from {:#x} to {:#x}", old[0], new[0]));
            self.file.write_all_at(&old, at).unwrap();
        }
    }

    /// Shorter and shorter.
    fn truncate(&mut self, random: &mut Random) {
        let mut lengths: Vec<u64> = (0..TRUNCATIONS).map(|_| random.below(self.size)).collect();
        lengths.sort_unstable_by_key(|l| std::cmp::Reverse(*l));
        for len in lengths {
            self.file.set_len(len).unwrap();
            let what = format!("cut at {len:#x}");
            if self.read(&what) == Some(0) {
                self.wrong.push(format!("{what}: a session that does not say it is partial"));
            }
        }
    }

    /// Offsets of the pages that hold something.
    fn pages(&self) -> Vec<u64> {
        let mut page = [0; PAGE];
        let offsets = (0..self.size).step_by(PAGE);
        offsets
            .filter(|at| self.file.read_at(&mut page, *at).is_ok_and(|n| page[..n].iter().any(|b| *b != 0)))
            .collect()
    }

    /// How many reasons a session gives for being partial; `None` for an error.
    fn read(&mut self, what: &str) -> Option<usize> {
        MEMORY.reset_peak_usage();
        let (before, started) = (MEMORY.current_usage(), Instant::now());
        let result = catch_unwind(AssertUnwindSafe(|| read(self.core, self.exe)));
        let (memory, took) = (MEMORY.peak_usage() - before, started.elapsed());
        self.peak = self.peak.max(memory);
        self.slowest = self.slowest.max(took);
        if memory as u64 > 2 * self.size {
            self.wrong.push(format!("{what}: {memory} bytes of memory for a core of {}", self.size));
        }
        if took > PATIENCE {
            self.wrong.push(format!("{what}: took {took:?}"));
        }
        match result {
            Ok(Ok(partial)) => {
                self.sessions += 1;
                Some(partial)
            }
            Ok(Err(message)) => {
                self.errors += 1;
                let names = |path: &Path| message.contains(&*path.to_string_lossy());
                if !names(self.core) && !names(self.exe) && !message.contains("0x") {
                    self.wrong.push(format!("{what}: does not say where: {message}"));
                }
                None
            }
            Err(_) => {
                self.wrong.push(format!("{what}: panic"));
                None
            }
        }
    }
}

fn read(core: &Path, exe: &Path) -> Result<usize, String> {
    let core = Core::open(core, Some(exe)).map_err(|e| e.to_string())?;
    let executable = core.executable().clone();
    let read: Result<usize, GoError> = with_session(&core, Executable::new(&executable), &Silent, |session| {
        for map in session.maps.iter() {
            let _ = session.details(map.address());
        }
        let sites = session.sites();
        let _ = (sites.all().len(), sites.heap_profile().records.len());
        let _ = session.storage(&StorageOptions { values: true, whole_texts: false });
        session.partial.len()
    });
    read.map_err(|e| e.to_string())
}

/// xorshift64: the same damage on every run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    pub fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize]
    }
}
