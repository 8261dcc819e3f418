//! From a target to the data that views show. The only place that knows the readers.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Context, Result};
use mapscope_go::{
    BinaryTypes, ContainerTable, Containers, Executable, GoFiles, GoroutineCensus, Session, Sites, StorageOptions,
    debug_info_paths, describes, is_go, with_session, with_session_without_maps, with_types,
};
use mapscope_memory::{
    Core, FileBytes, Input, InputBounds, MappedFiles, Pause, PauseOptions, Process, TargetInfo, TargetKind,
};
use mapscope_report::model::{
    CycleList, DominatorList, GoroutineList, Inspection, MapDetail, PathReport, Report, StageTime, Storage,
};

use crate::config::{PathQuery, TreeShape};
use crate::progress::Progress;
use crate::{assemble, demo, input};

/// What to examine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TargetSpec {
    /// A live process.
    Process(u32),
    /// A file, recognised by its content.
    Path(PathBuf),
    /// The embedded recording.
    Demo,
}

/// What to examine, and what helps to read it.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) spec: TargetSpec,
    /// The executable, when the target hides it; or the library with the Go runtime that is read.
    pub(crate) exe: Option<PathBuf>,
    /// Files with the debug information of the executable, the library or a plugin, when they have none themselves.
    pub(crate) debug_info: Vec<PathBuf>,
    /// How a live process is held still.
    pub(crate) pause: PauseOptions,
    /// Maps and caches of libraries.
    pub(crate) containers: Arc<ContainerTable>,
}

impl Target {
    /// How views name it.
    pub(crate) fn source(&self) -> String {
        match &self.spec {
            TargetSpec::Process(pid) => format!("pid {pid}"),
            TargetSpec::Path(path) => input::name(path),
            TargetSpec::Demo => "demo".to_owned(),
        }
    }
}

/// How much of a target is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it.
    Whole,
    /// What shows no maps need not audit millions of them.
    WithoutMaps,
}

/// A target that was read, as long as the call to [`load`] lasts.
pub(crate) struct Loaded<'l, 's> {
    session: &'l Session<'s>,
    inspection: Inspection,
}

impl<'s> Loaded<'_, 's> {
    /// The whole picture.
    pub(crate) fn inspection(&self) -> &Inspection {
        &self.inspection
    }

    /// The whole picture.
    pub(crate) fn into_inspection(self) -> Inspection {
        self.inspection
    }

    /// What a report for a browser shows. The times in the target's line cover all of it.
    pub(crate) fn report(self) -> Report {
        let session = self.session;
        let (inspection, census) = self.findings_and_census();
        let started = Instant::now();
        let mut report = assemble::report::report(session, inspection, &census);
        assemble::add_time(&mut report.inspection.target, "putting the report together", started.elapsed());
        report
    }

    /// The whole picture with what the rules say of it. The times in the target's line cover both.
    pub(crate) fn findings(self) -> Inspection {
        self.findings_and_census().0
    }

    /// As [`Loaded::findings`], with the goroutines that they were worked out from.
    pub(crate) fn findings_and_goroutines(self) -> (Inspection, GoroutineList) {
        let (inspection, census) = self.findings_and_census();
        let goroutines = assemble::goroutines::list(&census, &inspection);
        (inspection, goroutines)
    }

    fn findings_and_census(self) -> (Inspection, GoroutineCensus) {
        let started = Instant::now();
        let Self { session, mut inspection } = self;
        let census = session.goroutines();
        let (findings, partial) = assemble::findings::list(session, &inspection, &census);
        assemble::partial::add(&partial, &mut inspection.partial, &mut inspection.partial_scope);
        inspection.findings = findings;
        assemble::add_time(&mut inspection.target, "working out findings", started.elapsed());
        (inspection, census)
    }

    /// The dominator tree, as much of it as `shape` says.
    pub(crate) fn dominators(&self, shape: TreeShape) -> DominatorList {
        assemble::dominators::list(self.session, &self.inspection, shape)
    }

    /// Who holds the object at `address`.
    pub(crate) fn path_to(&self, address: u64, query: &PathQuery) -> Result<PathReport> {
        assemble::paths::of_object(self.session, &self.inspection, address, query)
    }

    /// Who holds the objects of `types`.
    pub(crate) fn paths_of(&self, types: &[String], query: &PathQuery) -> PathReport {
        assemble::paths::of_types(self.session, &self.inspection, types, query)
    }

    /// Live objects that reach each other.
    pub(crate) fn cycles(&self, all: bool, limit: Option<usize>) -> CycleList {
        assemble::paths::cycles(self.session, &self.inspection, all, limit)
    }

    /// Its goroutines in groups, and which of them are leaked.
    pub(crate) fn goroutines(&self) -> GoroutineList {
        assemble::goroutines::list(&self.session.goroutines(), &self.inspection)
    }

    /// The program's allocations as far as it sampled them.
    pub(crate) fn sites(&self) -> Sites<'s> {
        self.session.sites()
    }

    /// What was read.
    pub(crate) fn session(&self) -> &Session<'s> {
        self.session
    }

    /// The whole picture with what else owns memory than maps; the content of strings only if `values`. The times in the
    /// target's line cover both.
    pub(crate) fn storage(self, values: bool) -> (Inspection, Storage) {
        let started = Instant::now();
        let (storage, partial) =
            assemble::storage::storage(self.session.storage(&StorageOptions { values, whole_texts: false }));
        let mut inspection = self.inspection;
        assemble::partial::add(&partial, &mut inspection.partial, &mut inspection.partial_scope);
        assemble::add_time(&mut inspection.target, "looking at slices and strings", started.elapsed());
        (inspection, storage)
    }

    /// The map whose header is at `addr`, in depth.
    pub(crate) fn map_detail(&self, addr: u64) -> Result<MapDetail> {
        let details = self.session.details(addr).with_context(|| format!("no live map is at {addr:#x}"))?;
        let sites = self.sites();
        let allocated = assemble::live_sites(&sites, &sites.retained_by_map(addr));
        let detail = assemble::map_detail(&self.inspection, details, allocated);
        let mut detail = detail.with_context(|| format!("no live map is at {addr:#x}"))?;
        let loops = self.session.open_loops();
        let loops = loops.iter().filter(|one| one.map == addr);
        detail.loops = loops.map(assemble::goroutines::open_loop).collect();
        assemble::partial::add(&sites.partial, &mut detail.partial, &mut detail.partial_scope);
        Ok(detail)
    }
}

/// Reads a target and calls `then` with it. A live process runs on meanwhile: what is read is a snapshot of it.
pub(crate) fn load<R>(
    target: &Target,
    extent: Extent,
    progress: &dyn Progress,
    then: impl FnOnce(Loaded<'_, '_>) -> Result<R>,
) -> Result<R> {
    let started = Instant::now();
    // Before anything is stopped: a wrong name should cost the target nothing.
    let given = DebugFile::open_all(&target.debug_info)?;
    let exe = target.exe.as_deref();
    match &target.spec {
        TargetSpec::Process(pid) => {
            let named = exe.map(|path| Input::open(path, &InputBounds::ELF)).transpose()?;
            progress.stage("taking a snapshot");
            let mut process = Process::open(*pid, &target.pause)?;
            if let Some(file) = named {
                process.give(file)?;
            }
            let files = go_files(&process, given)?;
            read(
                (&process, &files),
                (extent, &target.containers),
                started,
                || Some(assemble::Stop::of(&process)),
                progress,
                then,
            )
        }
        TargetSpec::Path(path) => {
            progress.stage("opening the core");
            read_core(&Core::open(path, exe)?, given, (extent, &target.containers), started, progress, then)
        }
        TargetSpec::Demo => {
            progress.stage("unpacking the demo");
            let demo = demo::unpack()?;
            read_core(
                &Core::from_bytes(demo.core, demo.exe)?,
                given,
                (extent, &target.containers),
                started,
                progress,
                then,
            )
        }
    }
}

/// As [`load`], of a core that is open: what comes out of a pipe comes once.
pub(crate) fn load_open<R>(
    target: &Target,
    core: Input,
    extent: Extent,
    progress: &dyn Progress,
    then: impl FnOnce(Loaded<'_, '_>) -> Result<R>,
) -> Result<R> {
    let started = Instant::now();
    let given = DebugFile::open_all(&target.debug_info)?;
    progress.stage("opening the core");
    read_core(&Core::of(core, target.exe.as_deref())?, given, (extent, &target.containers), started, progress, then)
}

fn read_core<R>(
    core: &Core,
    given: Vec<DebugFile>,
    wanted: (Extent, &ContainerTable),
    started: Instant,
    progress: &dyn Progress,
    then: impl FnOnce(Loaded<'_, '_>) -> Result<R>,
) -> Result<R> {
    read((core, &go_files(core, given)?), wanted, started, || None, progress, then)
}

/// The files of Go code of a target, each with its debug information.
pub(crate) fn go_files(target: &dyn MappedFiles, given: Vec<DebugFile>) -> Result<GoFiles> {
    let mut files = GoFiles::find(target)?;
    for DebugFile { path, bytes } in given {
        files.describe(&path, bytes)?;
    }
    for file in files.all().filter(|file| file.debug_info.is_none()) {
        let found = DebugFile::find_of(target.info(), &file.path, &file.bytes);
        file.debug_info = found.map(|found| (found.path, found.bytes));
    }
    Ok(files)
}

fn read<R>(
    (memory, files): (&dyn MappedFiles, &GoFiles),
    (extent, table): (Extent, &ContainerTable),
    started: Instant,
    stop: impl FnOnce() -> Option<assemble::Stop>,
    progress: &dyn Progress,
    then: impl FnOnce(Loaded<'_, '_>) -> Result<R>,
) -> Result<R> {
    let executable = Executable::of(files);
    let stages = Stages::new(progress);
    let then = |session: &Session<'_>| {
        let containers = match extent {
            Extent::Whole => session.containers(table),
            Extent::WithoutMaps => Containers::default(),
        };
        let mut inspection = assemble::inspection(session, containers, memory.info(), started.elapsed(), stop());
        inspection.target.stages = stages.times();
        then(Loaded { session, inspection })
    };
    match extent {
        Extent::Whole => with_session(memory, executable, &stages, then)?,
        Extent::WithoutMaps => with_session_without_maps(memory, executable, &stages, then)?,
    }
}

/// Reads the types of an executable: of the file itself, of the one that a process runs, or of a core's. Calls `then` with
/// its path and them. No process is stopped.
pub(crate) fn load_types<R>(target: &Target, then: impl FnOnce(&str, &BinaryTypes<'_>) -> Result<R>) -> Result<R> {
    let given = DebugFile::open_all(&target.debug_info)?;
    match (&target.spec, &target.exe) {
        (TargetSpec::Process(pid), None) => {
            let (path, bytes) = Process::executable_of(*pid)?;
            if is_go(&bytes) {
                return types_of(&path, &bytes, given, then);
            }
            // A library may have the Go code. Looking at what is mapped needs no stop.
            let process = Process::open(*pid, &PauseOptions { pause: Pause::None, ..target.pause })?;
            types_in(&process, given, then)
        }
        (TargetSpec::Process(_), Some(exe)) => {
            let exe = Input::open(exe, &InputBounds::ELF)?;
            types_of(exe.name(), &exe, given, then)
        }
        (TargetSpec::Path(path), exe) => {
            let file = Input::open(path, &InputBounds::ELF)?;
            if !is_core(&file) {
                return types_of(file.name(), &file, given, then);
            }
            types_in(&Core::of(file, exe.as_deref())?, given, then)
        }
        (TargetSpec::Demo, _) => {
            let demo = demo::unpack()?;
            types_of(Path::new("demo"), &demo.exe, given, then)
        }
    }
}

fn types_in<R>(
    target: &dyn MappedFiles,
    given: Vec<DebugFile>,
    then: impl FnOnce(&str, &BinaryTypes<'_>) -> Result<R>,
) -> Result<R> {
    let files = go_files(target, given)?;
    let path = files.runtime.path.to_string_lossy();
    with_types(&path, Executable::of(&files), |types| then(&path, types))?
}

/// `e_type` of an ELF file is `ET_CORE`; nothing but cores is compressed (zstd).
fn is_core(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\x7fELF") && bytes.get(16..18) == Some(&[4, 0]) || bytes.starts_with(b"\x28\xb5\x2f\xfd")
}

fn types_of<R>(
    path: &Path,
    bytes: &[u8],
    given: Vec<DebugFile>,
    then: impl FnOnce(&str, &BinaryTypes<'_>) -> Result<R>,
) -> Result<R> {
    let debug_info = given.into_iter().next().or_else(|| DebugFile::find(path, None, bytes));
    let mut executable = Executable::new(bytes);
    if let Some(file) = &debug_info {
        executable = executable.with_debug_info(&file.path, &file.bytes);
    }
    let path = path.to_string_lossy();
    with_types(&path, executable, |types| then(&path, types))?
}

/// A file with debug information.
pub(crate) struct DebugFile {
    path: PathBuf,
    bytes: Arc<FileBytes>,
}

impl DebugFile {
    /// The one that somebody named.
    fn open(path: &Path) -> Result<Self> {
        let file = Input::open(path, &InputBounds::ELF)?;
        Ok(Self { path: file.name().to_owned(), bytes: Arc::new(file.into_bytes()) })
    }

    pub(crate) fn open_all(paths: &[PathBuf]) -> Result<Vec<Self>> {
        paths.iter().map(|path| Self::open(path)).collect()
    }

    /// The one that is where debuggers look for it, and describes this very file, which the target knows as `path`. Of a
    /// live process first where the process has it: in a container that is another file system.
    fn find_of(info: &TargetInfo, path: &Path, file: &[u8]) -> Option<Self> {
        let root = (info.kind == TargetKind::Process).then(|| PathBuf::from(format!("/proc/{}/root", info.pid)));
        Self::find(path, root.as_deref(), file)
    }

    /// As [`DebugFile::find_of`], for the executable at `path`, perhaps of a process whose file system begins at `root`.
    fn find(path: &Path, root: Option<&Path>, executable: &[u8]) -> Option<Self> {
        let places = debug_info_paths(path, executable).into_iter().flat_map(|path| {
            let theirs = root.zip(path.strip_prefix("/").ok()).map(|(root, below)| root.join(below));
            theirs.into_iter().chain([path.clone()])
        });
        let mut files = places.filter_map(|path| Some(Self { bytes: Arc::new(FileBytes::open(&path).ok()?), path }));
        files.find(|file| describes(&file.bytes, executable))
    }
}

/// Passes the reader's stages on to the display, and keeps when each began.
pub(crate) struct Stages<'p> {
    display: &'p dyn Progress,
    begun: Mutex<Vec<(&'static str, Instant)>>,
}

impl<'p> Stages<'p> {
    pub(crate) fn new(display: &'p dyn Progress) -> Self {
        Self { display, begun: Mutex::default() }
    }

    /// How long each stage took; the last ends now.
    fn times(&self) -> Vec<StageTime> {
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        let ends = begun.iter().skip(1).map(|b| b.1).chain([Instant::now()]);
        let times = begun.iter().zip(ends).map(|((name, from), to)| StageTime {
            stage: (*name).to_owned(),
            ms: assemble::milliseconds(to.duration_since(*from)),
        });
        times.collect()
    }
}

impl mapscope_go::Progress for Stages<'_> {
    fn stage(&self, name: &'static str) {
        self.display.stage(name);
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).push((name, Instant::now()));
    }
}
