//! What can keep a Go target from being read.

use mapscope_heap::HeapError;
use mapscope_memory::MemoryError;

/// An error of this crate: what, where, and what to try.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GoError {
    /// The executable is not an ELF file that can be parsed.
    #[error("{path}: cannot be read as an ELF executable: {reason}")]
    BadElf {
        /// The executable.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The executable holds no Go build information.
    #[error("{path} is not a Go program: it has no Go build information (a C or Rust program?)")]
    NotGo {
        /// The executable.
        path: String,
    },
    /// Neither the executable nor anything else that the target has mapped is in Go.
    #[error(
        "{path} is not a Go program, and none of the {libraries} libraries that it has mapped has Go code: they have no Go \
         build information{failed}"
    )]
    NoGo {
        /// The executable.
        path: String,
        /// Libraries that were looked at.
        libraries: usize,
        /// What could not be, each sentence behind a semicolon; empty when all could.
        failed: String,
    },
    /// A Go version outside the range that is read.
    #[error("{path} was built with {version}; Go 1.21 to 1.27 are read")]
    Version {
        /// The executable.
        path: String,
        /// What it says it was built with.
        version: String,
    },
    /// A processor that is not read.
    #[error("{path} is built for {arch}; 64-bit amd64 programs are read")]
    Architecture {
        /// The executable.
        path: String,
        /// What it is built for.
        arch: String,
    },
    /// A file that should have DWARF has none.
    #[error("{path} has no debug information (DWARF): it was linked with -s or -w, or stripped")]
    NoDwarf {
        /// The file.
        path: String,
    },
    /// The executable has no DWARF, and the offsets of its runtime are in no table.
    #[error(
        "{path} was built with {version} and has no debug information (DWARF); without it the nearest known is \
         {nearest}, whose offsets may differ: pass the unstripped binary or its .debug file with --debug-info"
    )]
    NoLayout {
        /// The executable.
        path: String,
        /// What it says it was built with.
        version: String,
        /// The nearest table.
        nearest: String,
    },
    /// The executable has no DWARF, and something in it could not be found without.
    #[error(
        "{path} has no debug information (DWARF), and {what} could not be found without{target}; pass the unstripped \
         binary or its .debug file with --debug-info"
    )]
    NotFound {
        /// The executable.
        path: String,
        /// What is missing.
        what: &'static str,
        /// What the target itself lacks, in brackets; empty when it is whole.
        target: String,
    },
    /// The debug information belongs to another build.
    #[error("{path} is not the debug information of {executable}: {reason}")]
    OtherBuild {
        /// The file with the debug information.
        path: String,
        /// The executable.
        executable: String,
        /// How it differs.
        reason: String,
    },
    /// A table of offsets lacks something.
    #[error("the table of offsets {table} lacks {what}")]
    MissingInTable {
        /// Its name.
        table: String,
        /// What is missing.
        what: String,
    },
    /// The DWARF is damaged.
    #[error("{path}: debug information at {section}+{offset:#x}: {reason}")]
    BadDwarf {
        /// The executable.
        path: String,
        /// The section.
        section: &'static str,
        /// Offset in it.
        offset: u64,
        /// What is wrong.
        reason: String,
    },
    /// A runtime structure, field or variable that the reader needs is not in the DWARF.
    #[error("the debug information of the Go runtime lacks {what}; is the binary damaged?")]
    MissingInDwarf {
        /// Its name.
        what: String,
    },
    /// A list of the runtime is empty that no program is without once it has started.
    #[error(
        "{what} at {address:#x} is empty: the Go runtime of the program has not started yet (try again in a moment), or the \
         core lacks its memory"
    )]
    Empty {
        /// The list.
        what: &'static str,
        /// Its address.
        address: u64,
    },
    /// Something the runtime always holds does not make sense.
    #[error("{what} at {address:#x} makes no sense: {reason}")]
    Inconsistent {
        /// The structure.
        what: &'static str,
        /// Where.
        address: u64,
        /// Why.
        reason: String,
    },
    /// The graph of the heap would not fit into memory.
    #[error(
        "the heap has {objects} objects; reading it needs about {needed_mib} MiB of memory, and {available_mib} MiB are \
         left: read it where there is more, or take a core and read that on another machine"
    )]
    TooLittleMemory {
        /// Object slots.
        objects: u64,
        /// What their columns take.
        needed_mib: u64,
        /// What can be had.
        available_mib: u64,
    },
    /// What was typed is no Go type.
    #[error("`{text}` is not a Go type: {reason}")]
    NoType {
        /// What was typed.
        text: String,
        /// Where it goes wrong.
        reason: String,
    },
    /// A type with a name of its own, and nothing to say what it is.
    #[error("{name} has a name of its own, so its size is not known")]
    UnknownType {
        /// The name.
        name: String,
    },
    /// The bytes could not be had.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// The heap cannot be represented.
    #[error(transparent)]
    Heap(#[from] HeapError),
}

impl GoError {
    /// A [`GoError::NotFound`].
    pub(crate) fn not_found(path: &str, what: &'static str, memory: &dyn mapscope_memory::Memory) -> Self {
        let partial = &memory.info().partial;
        let target = if partial.is_empty() { String::new() } else { format!(" ({})", partial.sentences().join("; ")) };
        Self::NotFound { path: path.to_owned(), what, target }
    }

    /// A list of the runtime that no program is without once it has started.
    pub(crate) fn empty(what: &'static str, address: u64) -> Self {
        Self::Empty { what, address }
    }

    /// An [`GoError::Inconsistent`].
    pub(crate) fn inconsistent(what: &'static str, address: u64, reason: impl Into<String>) -> Self {
        Self::Inconsistent { what, address, reason: reason.into() }
    }
}
