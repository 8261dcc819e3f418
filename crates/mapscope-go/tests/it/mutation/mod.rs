//! Damages cores, one damage at a time, by a seeded generator or page by page, and reads each: every result is equal to
//! that of the whole core, partial in the right scope, or an error.
//!
//! `cargo xtask damage` runs it for as long as is asked; the test suite runs a few hundred seeds.
//!
//! # What a core cannot tell
//! A zeroed or swapped page may hold what is written once, and then is a state that the process could have been in. These
//! differences, and no others, need no mark, and only for such a page:
//!
//! - `live` and what follows from it, when the page is in a span of heap objects, or in the data and bss of the executable:
//!   a pointer or a string of the program's own. Which slots are allocated, goroutines and the parts of memory have to be
//!   right or marked there too, though the runtime keeps goroutines and threads in the same heap.
//! - How what is not the heap's is divided into stacks, the runtime's own and other memory (`runtime_memory`): the lists of
//!   what the runtime mapped are links of which each is written once. The parts' sum has to be right.

mod change;
mod figures;

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::Command;
use std::time::{Duration, Instant};

use mapscope_memory::{Figure, Figures};

use crate::cores::{self, Recorded};
use crate::damage::MEMORY;
use crate::matrix::{Program, programs};
use crate::target::Running;
use change::{Change, Parts};
use figures::{Reading, read};

/// The whole core is read in a fraction of a second. Of the clock and of our own processors: a machine that does many other
/// things is slow by the clock.
const PATIENCE: Duration = Duration::from_secs(20);
/// Seeds in the test suite, for each core.
const SEEDS: u64 = 60;
const PROGRAMS: [&str; 5] = [
    "1.23.9-default/places",
    "1.23.9-stripped/places",
    "1.27.3-default/places",
    "1.27.3-default/storage",
    "1.27.3-stripped/places",
];

/// Of damaged pages it only demands that they do no harm: some are what the runtime wrote once, and each run records cores of
/// its own, where a seed damages another page. The chore counts them all.
#[test]
fn a_damaged_core_shows_no_wrong_figure() {
    let chosen = chosen();
    let mutator = |p: &Program| Mutator { pages_tell: false, ..Mutator::new(p) };
    let wrong: Vec<String> = chosen.iter().flat_map(|p| mutator(p).run(0..SEEDS, Duration::MAX)).collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
#[ignore = "for as long as is asked: cargo xtask damage"]
fn damages_for_a_while() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seconds = Duration::from_secs(number("MAPSCOPE_DAMAGE_SECONDS").unwrap_or(60));
    let first = number("MAPSCOPE_DAMAGE_SEED").unwrap_or(0);
    let chosen = chosen();
    let each = seconds / chosen.len() as u32;
    let wrong: Vec<String> = chosen.iter().flat_map(|p| Mutator::new(p).run(first..u64::MAX, each)).collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
#[ignore = "minutes for each core: cargo xtask damage --pages"]
fn zeroes_every_page() {
    let wrong: Vec<String> = chosen().iter().flat_map(|p| Mutator::new(p).every_page()).collect();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn chosen() -> Vec<Program> {
    let all = programs().into_iter();
    let chosen: Vec<Program> = all.filter(|p| PROGRAMS.contains(&p.to_string().as_str())).collect();
    assert!(!chosen.is_empty(), "the testbed has none of {PROGRAMS:?}; run `cargo xtask testbed`");
    chosen
}

/// A core that is damaged and mended again in place.
struct Mutator {
    name: String,
    program: Program,
    core: Recorded,
    parts: Parts,
    whole: Reading,
    /// How many readings there were of each kind.
    kinds: BTreeMap<&'static str, u64>,
    wrong: Vec<String>,
    /// What a damaged page changes must be said as well.
    pages_tell: bool,
}

impl Mutator {
    fn new(program: &Program) -> Self {
        let core = cores::kernel_or_gdb(Running::start(program));
        // What is damaged is the copy.
        std::fs::rename(&core.path, core.path.with_extension("whole")).unwrap();
        restore(&core);
        let parts = Parts::of(&OpenOptions::new().read(true).open(&core.path).unwrap());
        let exe = program.path.canonicalize().unwrap();
        let whole = read(&core.path, &exe).unwrap();
        let again = read(&core.path, &exe).unwrap();
        assert_eq!(whole.compared, again.compared, "{program}: a core is read twice");
        let program = Program { path: exe, ..program.clone() };
        Self {
            name: program.to_string(),
            program,
            core,
            parts,
            whole,
            kinds: BTreeMap::new(),
            wrong: Vec::new(),
            pages_tell: true,
        }
    }

    /// Damages by each seed until time is up; every seed that showed something wrong comes back.
    fn run(mut self, seeds: std::ops::Range<u64>, time: Duration) -> Vec<String> {
        println!("{}: {:?}", self.name, self.whole.partial);
        let started = Instant::now();
        let mut last = seeds.start;
        for seed in seeds {
            if started.elapsed() > time {
                break;
            }
            self.one(&format!("seed {seed}"), &Change::new(&self.parts, seed));
            last = seed;
        }
        println!("{}: seeds to {last} in {:?}: {:?}", self.name, started.elapsed(), self.kinds);
        self.wrong
    }

    /// Zeroes each page once; every one that showed something wrong comes back.
    fn every_page(mut self) -> Vec<String> {
        println!("{}: {:?}", self.name, self.whole.partial);
        let started = Instant::now();
        for (number, page) in self.parts.pages.clone().into_iter().enumerate() {
            self.one(&format!("page {number}"), &Change::Zeroed(page));
        }
        println!("{}: {} pages in {:?}: {:?}", self.name, self.parts.pages.len(), started.elapsed(), self.kinds);
        self.wrong
    }

    fn one(&mut self, which: &str, change: &Change) {
        let file = OpenOptions::new().read(true).write(true).open(&self.core.path).unwrap();
        let addresses: Vec<u64> = change.pages().iter().filter_map(|page| self.parts.address(*page)).collect();
        let is_own = addresses.iter().any(|address| self.whole.is_own(*address));
        let own = match (addresses.as_slice(), is_own) {
            ([], _) => Figures::default(),
            (_, true) => Figure::Live | Figure::RuntimeMemory,
            (_, false) => Figures::from(Figure::RuntimeMemory),
        };
        let mend = change.apply(&file);
        MEMORY.reset_peak_usage();
        let (before, started, worked) = (MEMORY.current_usage(), Instant::now(), processor_time());
        let result = catch_unwind(AssertUnwindSafe(|| read(&self.core.path, &self.program.path)));
        let (bytes, took) =
            (MEMORY.peak_usage() - before, started.elapsed().min(processor_time().saturating_sub(worked)));
        match change {
            Change::Cut(_) => restore(&self.core),
            _ => mend(),
        }
        let wrong = match &result {
            Err(_) => Some("a panic".to_owned()),
            _ if took > PATIENCE => Some(format!("took {took:?}")),
            _ if bytes as u64 > 2 * self.parts.size => Some(format!("{bytes} bytes of memory")),
            Ok(Err(_)) => None,
            Ok(Ok(_)) if !self.pages_tell && !addresses.is_empty() => None,
            Ok(Ok(reading)) => unmarked(reading, &self.whole, own),
        };
        let kind = match (&wrong, &result) {
            (Some(_), _) => "wrong",
            (None, Ok(Ok(reading))) if unmarked(reading, &self.whole, Figures::default()).is_some() => {
                "not told from the program"
            }
            (None, Ok(Err(_))) => "error",
            (None, Ok(Ok(reading)))
                if reading.compared == self.whole.compared && reading.partial == self.whole.partial =>
            {
                "equal"
            }
            (None, Ok(Ok(reading))) if reading.compared == self.whole.compared => "equal, and called partial",
            _ => "partial",
        };
        *self.kinds.entry(kind).or_default() += 1;
        if let Some(wrong) = wrong {
            let line = format!("{}: {which}: {change} {addresses:x?}: {wrong}", self.name);
            println!("{line}");
            self.wrong.push(line);
        }
    }
}

/// What this process has worked so far.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // Behind the name: the 12th and 13th field are ticks in the program and in the kernel, 100 a second.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |field: usize| fields[field].parse::<u64>().unwrap();
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

/// Copies the whole core, with its holes.
fn restore(core: &Recorded) {
    let copied = Command::new("cp")
        .arg("--sparse=auto")
        .arg(core.path.with_extension("whole"))
        .arg(&core.path)
        .status()
        .unwrap();
    assert!(copied.success());
}

fn unmarked(reading: &Reading, whole: &Reading, but: Figures) -> Option<String> {
    let differences = reading.unmarked(whole, but);
    let said = differences.iter().map(|(now, before)| format!("{} was {}, is {}", now.name, before.value, now.value));
    let said: Vec<String> = said.collect();
    (!said.is_empty()).then(|| format!("{} ({:?})", said.join("; "), reading.partial))
}
