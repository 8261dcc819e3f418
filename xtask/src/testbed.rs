//! Builds the testbed's programs with every toolchain and variant, and lists them in `matrix.json` for the tests.

mod cases;

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::toolchain::{Toolchain, install_all};
use crate::tools;
use crate::workspace::{root, run, testbed_directory};

/// Programs in Go alone; `cgo` is built apart.
const PROGRAMS: &[&str] = &[
    "big", "blocked", "heap", "maps", "passages", "paths", "places", "ranges", "resident", "retained", "server",
    "sessions", "sites", "sizes", "storage", "ticker", "writer",
];
/// Programs that are only asked what is found in them, whatever way they are built.
const DEFAULT_ONLY: &[&str] = &["growth", "heaps", "manymaps", "rules"];
/// Programs that are only read without debug information.
const STRIPPED_ONLY: &[&str] = &["collecting"];
/// A program that serves HTTP, which takes long to compile, and the minor versions of Go that it is built with: the oldest,
/// the last with legacy maps, the first with Swiss maps, the newest.
const SERVED: (&str, [u32; 4]) = ("healthy", [21, 23, 24, 27]);

/// Go code that is a program of its own, and that hosts in other languages run; a program and its plugin. They are built
/// for the same versions, with debug information and stripped.
const EMBEDDED: &str = "embedded";
const HOSTS: &[&str] = &["carchive", "cshared", "python"];
const PLUGIN: &str = "plugin";
const HOSTED: (&[&str], [u32; 4]) = (&["default", "stripped"], SERVED.1);

/// Packages whose tests are programs of their own, of the oldest version and the newest: what is tested with them is that
/// a test needs nothing of mapscope.
const TESTS: &[&str] = &["leak"];
const TEST_MINORS: [u32; 2] = [21, 27];

/// One way to build.
struct Variant {
    name: &'static str,
    /// The minor versions of Go that have it, inclusive.
    minors: (u32, u32),
    experiment: &'static str,
    arguments: &'static [&'static str],
}

impl Variant {
    /// The programs in Go alone that are built in this way with Go 1.`minor`.
    fn programs(&self, minor: u32) -> impl Iterator<Item = &'static str> {
        let default = self.name == "default";
        let more = match self.name {
            "default" => DEFAULT_ONLY,
            "stripped" => STRIPPED_ONLY,
            _ => &[],
        };
        let served = (default && SERVED.1.contains(&minor)).then_some(SERVED.0);
        PROGRAMS.iter().chain(more).copied().chain(served)
    }

    /// The programs that are built with a C compiler, beside `cgo`.
    fn hosted(&self, minor: u32) -> impl Iterator<Item = &'static str> {
        let built = HOSTED.0.contains(&self.name) && HOSTED.1.contains(&minor);
        [EMBEDDED, PLUGIN].iter().chain(HOSTS).copied().filter(move |_| built)
    }

    /// The packages whose tests are built in this way with Go 1.`minor`.
    fn tests(&self, minor: u32) -> &'static [&'static str] {
        if self.name == "default" && TEST_MINORS.contains(&minor) { TESTS } else { &[] }
    }
}

const fn variant(name: &'static str, arguments: &'static [&'static str]) -> Variant {
    Variant { name, minors: (21, 27), experiment: "", arguments }
}

const fn experiment(name: &'static str, first: u32, last: u32) -> Variant {
    Variant { name, minors: (first, last), experiment: name, arguments: &[] }
}

const VARIANTS: &[Variant] = &[
    variant("default", &[]),
    // The tag tells the programs that every variable is where its name says.
    variant("noopt", &["-gcflags=all=-N -l", "-tags=noopt"]),
    variant("pie", &["-buildmode=pie"]),
    variant("stripped", &["-ldflags=-s -w"]),
    variant("strippedpie", &["-ldflags=-s -w", "-buildmode=pie"]),
    experiment("noswissmap", 24, 25),
    experiment("greenteagc", 25, 25),
    experiment("nogreenteagc", 26, 26),
    experiment("mapsplitgroup", 27, 27),
];

/// Builds what is out of date and writes the list.
pub(crate) fn build() -> Result<()> {
    let started = Instant::now();
    let toolchains = install_all()?;
    let sources = hash_sources(&root().join("testbed"))?;
    let mut rows = Vec::new();
    for toolchain in &toolchains {
        for variant in VARIANTS {
            if (variant.minors.0..=variant.minors.1).contains(&toolchain.minor()) {
                build_variant(toolchain, variant, sources)?;
                let minor = toolchain.minor();
                let programs = variant.programs(minor).chain(["cgo"]).chain(variant.hosted(minor));
                let programs = programs.chain(cases::of(variant, minor));
                for program in programs.chain(variant.tests(minor).iter().copied()) {
                    rows.push(row(&toolchain.version, variant.name, program));
                }
            }
        }
    }
    build_c(sources)?;
    tools::install_delve()?;
    rows.push(row("c", "default", "notgo"));
    let matrix = testbed_directory().join("matrix.json");
    fs::write(&matrix, serde_json::to_string_pretty(&rows)? + "\n")?;
    println!("testbed: {} programs, {:.0} s", rows.len(), started.elapsed().as_secs_f64());
    Ok(())
}

/// Writes the tables of offsets (`crates/mapscope-go/src/runtime/layouts`) from the debug information of the testbed's
/// programs. A table of a new version has to be named in `runtime/tables.rs` first, with an empty file.
pub(crate) fn layouts() -> Result<()> {
    build()?;
    run(Command::new("cargo")
        .current_dir(root())
        .env("UPDATE", "1")
        .env("MAPSCOPE_TESTBED", testbed_directory())
        .args(["test", "--quiet", "--profile", "testing", "-p", "mapscope-go", "--test", "it"])
        .args(["--", "--exact", "layouts::tables_are_what_debug_information_says"]))
}

/// One entry of `matrix.json`; the path is relative to the testbed directory.
fn row(toolchain: &str, variant: &str, program: &str) -> Value {
    json!({
        "toolchain": toolchain,
        "variant": variant,
        "program": program,
        "path": format!("bin/{toolchain}-{variant}/{program}"),
    })
}

fn build_variant(toolchain: &Toolchain, variant: &Variant, sources: u64) -> Result<()> {
    let out = testbed_directory().join("bin").join(format!("{}-{}", toolchain.version, variant.name));
    let stamp = Stamp::new(&out, &(sources, variant.experiment, variant.arguments));
    if stamp.is_fresh() {
        return Ok(());
    }
    let started = Instant::now();
    fs::create_dir_all(&out)?;
    let compile = |cgo: &str, packages: &[&str]| {
        let mut command = toolchain.command();
        command
            .current_dir(root().join("testbed"))
            .env("CGO_ENABLED", cgo)
            .env("GOEXPERIMENT", variant.experiment)
            .args(["build", "-buildvcs=false"])
            .args(variant.arguments)
            .arg("-o")
            .arg(&out)
            .args(packages.iter().map(|package| format!("./{package}")));
        run(&mut command)
    };
    // Several packages at once, with a directory as the output, give one program each. The slash makes it a directory.
    compile("0", &variant.programs(toolchain.minor()).collect::<Vec<_>>())?;
    compile("1", &["cgo"]).context("the cgo program needs a C compiler")?;
    if variant.hosted(toolchain.minor()).next().is_some() {
        compile("1", &[EMBEDDED, PLUGIN])?;
        build_modules(toolchain, variant, &out)?;
    }
    cases::build(toolchain, variant, &out)?;
    for package in variant.tests(toolchain.minor()) {
        run(toolchain
            .command()
            .current_dir(root().join("testbed"))
            .args(["test", "-c", "-vet=off", "-o"])
            .arg(out.join(package))
            .arg(format!("./{package}")))?;
    }
    // The truth is tested too, once for each layout of maps and of the heap.
    if variant.arguments.is_empty() {
        run(toolchain
            .command()
            .current_dir(root().join("testbed"))
            .env("GOEXPERIMENT", variant.experiment)
            .args(["test", "-count=1", "-vet=off", "./truth"]))?;
    }
    stamp.write()?;
    println!("Go {} {}: {:.1} s", toolchain.version, variant.name, started.elapsed().as_secs_f64());
    Ok(())
}

/// Builds what is loaded into other programs, and those in other languages.
fn build_modules(toolchain: &Toolchain, variant: &Variant, out: &Path) -> Result<()> {
    let sources = root().join("testbed");
    let (library, archive) = (out.join("libembedded.so"), out.join("libembedded.a"));
    let plugin = out.join("part.so");
    let parts = [("c-shared", &library, "./embedded"), ("c-archive", &archive, "./embedded")];
    for (mode, file, package) in parts.into_iter().chain([("plugin", &plugin, "./plugin/part")]) {
        run(toolchain
            .command()
            .current_dir(&sources)
            .env("CGO_ENABLED", "1")
            .args(["build", "-buildvcs=false", &format!("-buildmode={mode}")])
            .args(variant.arguments)
            .arg("-o")
            .arg(file)
            .arg(package))
        .context("a C compiler is needed")?;
    }
    let host = sources.join("embedded/host");
    let link = |name: &str, with: &[&str]| {
        let mut command = Command::new("cc");
        command.current_dir(out).arg("-O1").arg("-o").arg(out.join(name)).arg(host.join("host.c")).args(with);
        run(command.arg("-lpthread"))
    };
    link("carchive", &["libembedded.a"])?;
    link("cshared", &["-L.", "-lembedded", "-Wl,-rpath,$ORIGIN"])?;
    fs::copy(host.join("python"), out.join("python"))?;
    Ok(())
}

fn build_c(sources: u64) -> Result<()> {
    let out = testbed_directory().join("bin/c-default");
    let stamp = Stamp::new(&out, &sources);
    if stamp.is_fresh() {
        return Ok(());
    }
    fs::create_dir_all(&out)?;
    run(Command::new("cc").arg("-O1").arg("-o").arg(out.join("notgo")).arg(root().join("testbed/notgo/notgo.c")))?;
    stamp.write()
}

/// Says whether the contents of a directory were made from what they would be made from now.
struct Stamp {
    path: PathBuf,
    text: String,
}

impl Stamp {
    fn new(directory: &Path, inputs: &impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        inputs.hash(&mut hasher);
        Self { path: directory.join("built"), text: format!("{:016x}\n", hasher.finish()) }
    }

    fn is_fresh(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|text| text == self.text)
    }

    fn write(&self) -> Result<()> {
        fs::write(&self.path, &self.text).with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// Names and contents of all sources below a directory.
fn hash_sources(directory: &Path) -> Result<u64> {
    let mut files = Vec::new();
    let mut directories = vec![directory.to_path_buf()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory).with_context(|| format!("cannot list {}", directory.display()))? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                directories.push(entry.path());
            } else if entry.path().extension().is_some_and(|extension| extension != "md") {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.strip_prefix(directory)?.hash(&mut hasher);
        fs::read(&file)?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}
