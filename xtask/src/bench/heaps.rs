//! `cargo xtask bench heaps`: heaps that share, as those of services do, next to goref on the same core.
//!
//! The testbed's `heaps` fills a heap in one of seven shapes. Each is read while it runs, from the core that gdb writes, and
//! from that core with holes; a larger one of each from its core alone.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::machine::Machine;
use super::measure::{Sample, measure};
use super::peers::{self, Compared};
use super::report::Spread;
use super::sections;
use super::target::{Big, directory};
use crate::testbed;

const SHAPES: &[&str] = &["lru", "tree", "graph", "strings", "maps", "list", "deep"];
/// The last version that goref reads whole.
const GO: &str = "1.23.9";

struct Options {
    objects: u64,
    /// Objects of the larger heaps; 0 for none.
    large: u64,
    shapes: Vec<String>,
    runs: usize,
    /// Whether peers are measured too.
    peers: bool,
    mapscope: Option<PathBuf>,
}

/// One heap, read in one way.
struct Read {
    /// `live`, `gdb's core`, `core`.
    from: &'static str,
    runs: Vec<Sample>,
    /// How long each stage took in the fastest run, in milliseconds.
    stages: Vec<(String, f64)>,
}

/// One heap.
struct Heap {
    shape: String,
    objects: u64,
    live_bytes: u64,
    reads: Vec<Read>,
    peers: Vec<Compared>,
}

/// `cargo xtask bench heaps [--objects N] [--large N] [--shapes NAME,NAME] [--runs N] [--peers no] [--mapscope FILE]`.
pub(super) fn run(arguments: &[&str]) -> Result<()> {
    let options = parse(arguments)?;
    testbed::build()?;
    let program = super::program(options.mapscope.as_deref())?;
    if options.peers {
        peers::install()?;
    }
    let machine = Machine::look()?;
    println!("{machine}");
    let (mut heaps, mut large) = (Vec::new(), Vec::new());
    for shape in &options.shapes {
        let heap = heap(&program, shape, &options)?;
        println!("{}", rows(&heap).trim_end());
        heaps.push(heap);
    }
    for shape in options.shapes.iter().filter(|_| options.large > 0) {
        let heap = large_heap(&program, shape, &options)?;
        println!("{}", rows(&heap).trim_end());
        large.push(heap);
    }
    if options.shapes.len() < SHAPES.len() {
        println!("docs/BENCHMARKS.md is left as it is: it has all shapes");
        return Ok(());
    }
    sections::write("heaps", &page(&heaps, &large, &options, &machine)?)
}

fn parse(arguments: &[&str]) -> Result<Options> {
    let shapes = SHAPES.iter().map(|shape| (*shape).to_owned()).collect();
    let mut options = Options { objects: 5_000_000, large: 25_000_000, shapes, runs: 3, peers: true, mapscope: None };
    for (argument, value) in super::pairs(arguments)? {
        let number = || super::number(argument, value);
        match argument {
            "--objects" => options.objects = number()?,
            "--large" => options.large = number()?,
            "--runs" => options.runs = number()?.max(1) as usize,
            "--peers" => options.peers = value != "no",
            "--shapes" => options.shapes = value.split(',').map(str::to_owned).collect(),
            "--mapscope" => options.mapscope = Some(value.into()),
            _ => bail!("unknown option {argument}"),
        }
    }
    match options.shapes.iter().find(|shape| !SHAPES.contains(&shape.as_str())) {
        Some(shape) => bail!("there is no shape `{shape}`: there are {}", SHAPES.join(", ")),
        None => Ok(options),
    }
}

fn heap(program: &Path, shape: &str, options: &Options) -> Result<Heap> {
    println!("{shape}: {} objects", options.objects);
    let big = Big::start_program(GO, "heaps", &[shape, &options.objects.to_string()])?;
    let (truth, executable) = (big.truth.clone(), big.executable.clone());
    let mut heap = new(shape, &truth)?;
    heap.read("live", program, &big.pid().to_string(), &truth, options.runs)?;
    let core = big.into_dense_core()?;
    heap.read("gdb's core", program, &core.path.to_string_lossy(), &truth, options.runs)?;
    core.dig_holes()?;
    heap.read("core", program, &core.path.to_string_lossy(), &truth, options.runs)?;
    if options.peers {
        heap.peers = peers::compare(&core.path, &executable, None)?;
    }
    Ok(heap)
}

/// From the core alone, without peers: on some of these goref would need 100 GB.
fn large_heap(program: &Path, shape: &str, options: &Options) -> Result<Heap> {
    println!("{shape}: {} objects", options.large);
    let big = Big::start_program(GO, "heaps", &[shape, &options.large.to_string()])?;
    let truth = big.truth.clone();
    let mut heap = new(shape, &truth)?;
    let core = big.into_core()?;
    heap.read("core", program, &core.path.to_string_lossy(), &truth, options.runs.min(2))?;
    Ok(heap)
}

fn new(shape: &str, truth: &Value) -> Result<Heap> {
    let figure = |name: &str| truth[name].as_u64().with_context(|| format!("the target gives no {name}"));
    let (objects, live_bytes) = (figure("heap_objects")?, figure("heap_alloc")?);
    Ok(Heap { shape: shape.to_owned(), objects, live_bytes, reads: Vec::new(), peers: Vec::new() })
}

impl Heap {
    /// Reads the heap once watched and as often as is asked for, and compares it with what the target says.
    fn read(&mut self, from: &'static str, program: &Path, target: &str, truth: &Value, runs: usize) -> Result<()> {
        let out = directory()?.join("heaps.json");
        let mut command = Command::new(program);
        command.args(["inspect", "--format", "json", "-o"]).arg(&out).arg(target);
        let own_peak = measure(&command, true)?.own_peak;
        let mut read = Read { from, runs: Vec::new(), stages: Vec::new() };
        let mut fastest = f64::INFINITY;
        for _ in 0..runs {
            let sample = Sample { own_peak, ..measure(&command, false)? };
            let said: Value = serde_json::from_slice(&fs::read(&out)?)?;
            self.check(&said, truth)?;
            if sample.wall < fastest {
                fastest = sample.wall;
                read.stages = stages(&said);
            }
            read.runs.push(sample);
        }
        fs::remove_file(&out)?;
        self.reads.push(read);
        Ok(())
    }

    /// A wrong answer is not fast.
    fn check(&self, said: &Value, truth: &Value) -> Result<()> {
        for (name, expected) in [("live_objects", self.objects), ("live_bytes", self.live_bytes)] {
            let found = said["heap"][name].as_u64().unwrap_or_default();
            if found.abs_diff(expected) * 100 > expected {
                bail!("{}: {name} is {found}, but the target has {expected}", self.shape);
            }
        }
        for map in truth["maps"].as_array().into_iter().flatten() {
            let maps = said["maps"].as_array().map(Vec::as_slice).unwrap_or_default();
            let row = maps.iter().find(|row| row["owner"] == map["owner"]);
            if row.map(|row| &row["entries"]) != Some(&map["entries"]) {
                bail!("{}: {} has {} entries, and mapscope says {row:?}", self.shape, map["owner"], map["entries"]);
            }
        }
        let counted = &truth["types"][0];
        let types = said["types"].as_array().map(Vec::as_slice).unwrap_or_default();
        let row = types.iter().find(|row| row["type"] == counted["type"]);
        let count = |value: &Value| value["count"].as_u64().unwrap_or_default();
        let (found, there) = (row.map_or(0, count), count(counted));
        if found != there {
            bail!("{}: {found} of {there} objects of {} are found", self.shape, counted["type"]);
        }
        Ok(())
    }
}

fn stages(said: &Value) -> Vec<(String, f64)> {
    let stages = said["target"]["stages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let stage = |stage: &Value| Some((stage["stage"].as_str()?.to_owned(), stage["ms"].as_f64()?));
    stages.iter().filter_map(stage).collect()
}

fn median(runs: &[Sample], figure: fn(&Sample) -> f64) -> f64 {
    Spread::of(runs.iter().map(figure).collect()).median
}

const HEAD: &str = "| heap | read from | objects | live heap | wall, s | ns/object | own peak | own / object | peak | goref, s | \
                    goref's wall / ours | goref's peak / ours |\n|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n";

fn rows(heap: &Heap) -> String {
    let mut out = String::new();
    let goref = heap.peers.iter().find(|peer| peer.name == "goref").filter(|peer| !peer.runs.is_empty());
    for read in &heap.reads {
        let wall = Spread::of(read.runs.iter().map(|run| run.wall).collect());
        let (own, peak) = (median(&read.runs, |r| r.own_peak as f64), median(&read.runs, |r| r.peak as f64));
        let _ = write!(
            out,
            "| {} | {} | {:.1} M | {:.0} MB | {} | {:.0} | {:.0} MB | {:.1} B | {:.0} MB |",
            heap.shape,
            read.from,
            heap.objects as f64 / 1e6,
            heap.live_bytes as f64 / 1e6,
            wall.show(),
            wall.median * 1e9 / heap.objects as f64,
            own / 1e6,
            own / heap.objects as f64,
            peak / 1e6,
        );
        let _ = match goref.filter(|_| read.from != "live") {
            Some(peer) => {
                let (its_wall, its_peak) = (median(&peer.runs, |r| r.wall), median(&peer.runs, |r| r.peak as f64));
                let (faster, smaller) = (its_wall / wall.median, its_peak / peak);
                writeln!(out, " {its_wall:.1} | {faster:.1} | {smaller:.1} |")
            }
            None => writeln!(out, " – | – | – |"),
        };
    }
    out
}

/// Where the time goes, by stage, in nanoseconds an object of the core with holes.
fn stage_table(heaps: &[Heap]) -> String {
    let mut names: Vec<&str> = Vec::new();
    let of = |heap: &Heap| heap.reads.last().map(|read| read.stages.clone()).unwrap_or_default();
    let all: Vec<Vec<(String, f64)>> = heaps.iter().map(of).collect();
    for (name, ms) in all.iter().flatten() {
        if *ms >= 20.0 && !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    let mut out = String::from("| stage |");
    for heap in heaps {
        let _ = write!(out, " {} |", heap.shape);
    }
    out += "\n|---|";
    out += &"---:|".repeat(heaps.len());
    out += "\n";
    for name in names {
        let _ = write!(out, "| {name} |");
        for (heap, stages) in heaps.iter().zip(&all) {
            let ms: f64 = stages.iter().filter(|stage| stage.0 == name).map(|stage| stage.1).sum();
            let _ = write!(out, " {:.0} |", ms * 1e6 / heap.objects as f64);
        }
        out += "\n";
    }
    out
}

fn page(heaps: &[Heap], large: &[Heap], options: &Options, machine: &Machine) -> Result<String> {
    let table = |heaps: &[Heap]| HEAD.to_owned() + &heaps.iter().map(rows).collect::<String>();
    Ok(format!(
        "## Heaps that share

`cargo xtask bench heaps` writes this section. `mapscope inspect --format json -o FILE` reads the testbed's program `heaps`
of Go {GO}, with about {objects} objects: `lru` is a cache with a map, a list and random parents, `tree` knows its parents,
`graph` has random edges, `strings` has strings that a map, a record and a list have, `maps` is small maps whose elements
point back, `list` one chain, `deep` a recursion. Live, from the core that gdb writes, and from that core with holes. Medians
of {runs} runs after one that does not count, with the least and the most; page caches are warm. In each run the live
objects and bytes, the entries of the maps, and the objects of one type were those that the program says it has.

{dated}.

{small}
{big}Where the time goes, in nanoseconds an object (core with holes, fastest run; stages of less than 20 ms left out):

{stages}
goref reads the same core with holes, once. It has neither retained sizes nor figures of maps. How much of a heap it finds is
not measured here.

`--objects N`, `--large N` (0 for none), `--shapes NAME,NAME`, `--runs N`, `--peers no` and `--mapscope FILE` change what is
measured.
",
        objects = options.objects,
        runs = options.runs,
        dated = sections::dated(machine)?,
        small = table(heaps),
        big = match large {
            [] => String::new(),
            large => format!("With about {} objects, from the core with holes:\n\n{}\n", options.large, table(large)),
        },
        stages = stage_table(heaps),
    ))
}
