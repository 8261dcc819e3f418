//! What can go wrong between us and the bytes of a target.

use std::path::PathBuf;

/// An error of this crate: what, where, and what to try.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MemoryError {
    /// The address range is not part of the target.
    #[error("address {addr:#x} (+{len} bytes) is not mapped in the target")]
    NotMapped {
        /// First address asked for.
        addr: u64,
        /// Bytes asked for.
        len: u64,
    },
    /// The range is mapped, but its bytes are not in the core and in no file we have.
    #[error("address {addr:#x} (+{len} bytes) is mapped, but the core does not hold its bytes")]
    NotInCore {
        /// First address asked for.
        addr: u64,
        /// Bytes asked for.
        len: u64,
    },
    /// The range was written to the core, but the core file ends before it.
    #[error(
        "address {addr:#x} (+{len} bytes) lies beyond the end of the core file, which was cut short: write the core \
         again with enough disk space and `ulimit -c unlimited`"
    )]
    Truncated {
        /// First address asked for.
        addr: u64,
        /// Bytes asked for.
        len: u64,
    },
    /// The range is mapped in a live process, but the kernel refuses to read it (`[vvar]`, device memory).
    #[error("address {addr:#x} (+{len} bytes) is mapped, but cannot be read: {source}")]
    Unreadable {
        /// First address asked for.
        addr: u64,
        /// Bytes asked for.
        len: u64,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file could not be opened or mapped.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A directory, a pipe or a device where a file is needed.
    #[error("{path} is {kind}, not a regular file: give the path of a file")]
    NotRegular {
        /// The path.
        path: PathBuf,
        /// What it is, with its article.
        kind: &'static str,
    },

    /// An input is larger than anything that it could be.
    #[error("{path} has more than {most} bytes, and what is wanted here is smaller: is it the right file?")]
    TooMuch {
        /// The path, or `standard input`.
        path: PathBuf,
        /// Bytes that are read at most.
        most: u64,
    },
    /// A pipe that nobody writes to.
    #[error("{path}: nothing came for {seconds} s: does anybody write to it? Write a file first, and give its path")]
    Silent {
        /// The path, or `standard input`.
        path: PathBuf,
        /// How long it was waited for.
        seconds: u64,
    },
    /// A pipe that does not end.
    #[error("{path} has not ended after {seconds} s: write a file first, and give its path")]
    Endless {
        /// The path, or `standard input`.
        path: PathBuf,
        /// How long it was read.
        seconds: u64,
    },
    /// There is no room for what comes out of a pipe.
    #[error(
        "{path}: there is no room to keep what comes out of it: {directory} may have {room} bytes of it, half of what is \
         free; set TMPDIR to a larger directory, or write a file first, and give its path"
    )]
    NoRoomToKeep {
        /// The path, or `standard input`.
        path: PathBuf,
        /// Where it would go.
        directory: PathBuf,
        /// Bytes that may be taken.
        room: u64,
    },
    /// Standard input is where a person types.
    #[error("standard input is a terminal: pipe something into mapscope, or give a path in place of -")]
    Terminal,
    /// Standard input was read already.
    #[error("standard input is given twice, and can be read once: write a file first, and give its path each time")]
    ReadTwice,

    /// No process has this id.
    #[error("there is no process {pid}: it may have exited, or it lives in another pid namespace (run mapscope there)")]
    NoSuchProcess {
        /// The id asked for.
        pid: u32,
    },
    /// The id belongs to a thread that is not the first of its process.
    #[error("{tid} is a thread of process {pid}: give {pid}")]
    NotLeader {
        /// The id asked for.
        tid: u32,
        /// The process it belongs to.
        pid: u32,
    },
    /// The process has exited and waits for its parent to collect it.
    #[error("process {pid} is a zombie: it has exited and its memory is gone; examine a core of it instead")]
    Zombie {
        /// The process.
        pid: u32,
    },
    /// A thread of the kernel, which has no memory of its own.
    #[error("process {pid} is a kernel thread, which has no memory of its own: give the pid of a program")]
    KernelThread {
        /// The process.
        pid: u32,
    },
    /// mapscope was asked to stop itself.
    #[error("process {pid} is mapscope itself, which cannot be stopped while it reads: give another pid")]
    Itself {
        /// Our own id.
        pid: u32,
    },
    /// The kernel does not let us trace the process.
    #[error("no permission to read process {pid}: {hint}")]
    Permission {
        /// The process.
        pid: u32,
        /// What to try, here and in containers.
        hint: String,
    },
    /// Another tracer holds the process; a process can have only one.
    #[error("process {pid} is already traced by process {tracer} ({name}): detach that debugger first")]
    Traced {
        /// The process.
        pid: u32,
        /// The tracer.
        tracer: u32,
        /// The tracer's command name.
        name: String,
    },
    /// The process went away under our hands.
    #[error("process {pid} exited while it was read: there is nothing left to examine; try a core of it")]
    Exited {
        /// The process.
        pid: u32,
    },
    /// The process went on as another program under our hands.
    #[error("process {pid} became another program (execve) while it was being stopped: examine it again")]
    Execed {
        /// The process.
        pid: u32,
    },
    /// Others of us examine the process.
    #[error(
        "process {pid} is being stopped by another mapscope, which did not end within {seconds} s: try again when that is \
         done"
    )]
    Busy {
        /// The process.
        pid: u32,
        /// How long we waited.
        seconds: u64,
    },
    /// The snapshot that was read is gone; the process itself runs on.
    #[error("the snapshot of process {pid} is gone, the process runs on: {reason}")]
    SnapshotEnded {
        /// The process.
        pid: u32,
        /// Why, and what to try.
        reason: String,
    },
    /// The process could not be stopped, as the process that was to take its snapshot said.
    #[error("{reason}")]
    NotStopped {
        /// The process.
        pid: u32,
        /// What was in the way, and what to try.
        reason: String,
    },
    /// There is not enough memory for a copy.
    #[error(
        "copying the memory of process {pid} takes {} MiB, and only {} MiB may be used for it: free some, or examine a \
         core of it",
        wanted >> 20,
        there >> 20
    )]
    NoRoom {
        /// The process.
        pid: u32,
        /// Bytes needed.
        wanted: u64,
        /// Bytes that may be taken.
        there: u64,
    },
    /// A thread did not stop in time; every other one was let go again.
    #[error(
        "thread {tid} of process {pid} (state {state}) did not stop within {millis} ms and the process was let go \
         unread: it waits in the kernel, usually for a disk; try again"
    )]
    Stuck {
        /// The process.
        pid: u32,
        /// The thread.
        tid: u32,
        /// Its state letter, as in `/proc/PID/stat`.
        state: char,
        /// How long we waited, in milliseconds.
        millis: u64,
    },

    /// A command could not be started.
    #[error("{command} cannot be started: {source}")]
    NotStarted {
        /// Its name or path.
        command: String,
        /// What the system said.
        source: std::io::Error,
    },

    /// Not an ELF file.
    #[error(
        "{path} is not an ELF file: it starts with {start}; a core written by Linux or by gdb's gcore (amd64), or a \
         pid, can be read"
    )]
    NotElf {
        /// The file.
        path: PathBuf,
        /// Its first bytes and, when known, what they mean.
        start: String,
    },
    /// An ELF file for something else than amd64.
    #[error("{path} is for {found}; only amd64 (64-bit, little-endian) can be read")]
    Architecture {
        /// The file.
        path: PathBuf,
        /// What it is for.
        found: String,
    },
    /// An ELF file that is not a core.
    #[error("{path} is {kind}, not a core: give a pid or a core, and this file with --exe")]
    NotCore {
        /// The file.
        path: PathBuf,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// The structure of a file contradicts itself so early that nothing can be read.
    #[error("{path}: {what} at file offset {offset:#x}: the file is damaged; write it again")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// A compressed file that cannot be unpacked.
    #[error("{path}: cannot be decompressed, {offset} bytes into what it holds: {what}; copy or write it again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Bytes that could be.
        offset: u64,
        /// What is wrong.
        what: String,
    },
    /// A compressed core is larger than the room for it.
    #[error(
        "{path}: there is no room to decompress it: {directory} has {free} bytes for it; set TMPDIR to a larger \
         directory"
    )]
    NoRoomToUnpack {
        /// The core.
        path: PathBuf,
        /// Where it would go.
        directory: PathBuf,
        /// Bytes that there is room for.
        free: u64,
    },
    /// The executable that a core names cannot be opened.
    #[error("{core} was written by {wanted}, which cannot be opened ({reason}): pass the executable with --exe PATH")]
    NoExecutable {
        /// The core.
        core: PathBuf,
        /// The executable's path inside the target.
        wanted: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A library that the target has mapped cannot be opened.
    #[error("{path}, which the target has mapped, cannot be opened ({reason}): pass the same file with --exe PATH")]
    NoLibrary {
        /// Its path inside the target.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A core does not name its executable.
    #[error("{core} does not name its executable (it has no NT_FILE note): pass the executable with --exe PATH")]
    UnknownExecutable {
        /// The core.
        core: PathBuf,
    },
    /// What was given as the executable is an ELF file of another kind.
    #[error("{path} is {kind}, not an executable: pass the program that wrote the core with --exe")]
    NotExecutable {
        /// The file.
        path: PathBuf,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// The executable is not the one that wrote the core.
    #[error(
        "{path} is another build than the target runs (build id {in_core} in the target, {in_file} in the file): \
         pass the right one with --exe"
    )]
    OtherBuild {
        /// The executable we have.
        path: PathBuf,
        /// Build id of the target, from its memory or its running file.
        in_core: String,
        /// Build id in the file.
        in_file: String,
    },
    /// Something is where a core should be written.
    #[error("{path} exists: give another name, or --force to replace it")]
    Exists {
        /// Where.
        path: PathBuf,
    },
    /// The disk is full.
    #[error("{path} was not written: it needs up to {needed} bytes, and there is room for {free} ({source})")]
    DiskFull {
        /// What was to be written.
        path: PathBuf,
        /// Bytes with content.
        needed: u64,
        /// Bytes that there is room for.
        free: u64,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file would be larger than files may be.
    #[error(
        "{path} was not written: with its {needed} bytes, and holes between them, it is larger than a file may be \
         here; raise `ulimit -f`, write to another file system, or compress it (--zstd)"
    )]
    TooLarge {
        /// What was to be written.
        path: PathBuf,
        /// Bytes with content.
        needed: u64,
    },
}
