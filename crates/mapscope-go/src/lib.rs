//! Go binaries and runtimes read from outside: types, symbols, spans, objects, roots, goroutines, maps.
//!
//! [`with_session`] takes the bytes of a target ([`mapscope_memory::Memory`]) and of its executable, and goes through
//! the rooms in order: debug information (or, without it, tables of offsets and a search), the runtime's structures, spans and pointer bitmaps (the heap graph), roots,
//! types, reachability, map audits. Nothing is ever written to the target.
//!
//! ```no_run
//! use mapscope_go::{Executable, Silent, with_session};
//! use mapscope_memory::Process;
//!
//! let process = Process::attach(4711)?;
//! let executable = process.executable()?;
//! with_session(&process, Executable::new(&executable), &Silent, |session| {
//!     for map in session.maps.iter() {
//!         println!("{} {}", map.owner(), map.type_name());
//!     }
//! })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod binary;
mod binary_types;
mod code;
mod containers;
mod cycles;
mod dwarf;
mod error;
mod executable;
mod expression;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod go_files;
mod goroutines;
mod heap;
mod holders;
mod hops;
mod image;
mod integrity;
mod inventory;
mod maps;
mod others;
mod owner;
mod padding;
mod paths;
mod redact;
mod resident;
mod root_names;
mod roots;
mod runtime;
mod search;
mod session;
mod sites;
mod storage;
#[doc(hidden)]
pub mod stripped;
mod struct_layouts;
mod symbols;
mod types;
mod typing;
mod untyped;

pub use binary::Binary;
pub use binary_types::{BinaryTypes, MapUse, NamedLayout, with_types};
pub use containers::{ContainerTable, Containers};
pub use cycles::{ClosingEdge, CycleGroup, CycleMap, FoundCycles};
pub use error::GoError;
pub use executable::{Executable, debug_info_paths, describes};
pub use expression::{Lookup, MapExpression, parse_map, parse_type};
pub use go_files::{GoFile, GoFiles, is_go};
pub use goroutines::{GoroutineCensus, GoroutineCount, GoroutineGroup, LeakVerdict, StackFrame};
pub use heap::Allocator;
pub use holders::{Holder, HolderKind};
pub use maps::model::{Estimate, GroupLayout, GrowthStep, MapDesign, MapModel, TypeSize};
pub use maps::{AllPinnedKeys, Loss, LostEntries, OpenLoop, PinnedKeys, StaleTables, SyncMap};
pub use padding::{PaddedMap, PaddedPart, PaddedType};
pub use paths::{FoundPath, Garbage, MergedPath, MergedPaths, PathObject, PathStep, Place, path_text};
pub use resident::{ClassUse, Mapping, MemoryParts, OtherMemory, PageTotals, RuntimeStatistics};
pub use root_names::RootClass;
pub use runtime::{CodeFrame, CodeSpot, Reads};
pub use session::{
    MapDetails, Progress, Session, Silent, Totals, TypeCount, with_noted_session, with_session,
    with_session_without_maps,
};
pub use sites::{CodeMapping, HeapProfile, HeapRecord, Sampled, Sampling, Site, Sites};
pub use storage::{
    ChannelType, FinalizerType, Finalizers, NeverRun, PinnedPlace, Pool, PoppedPlace, QueuedFunction, RunningCall,
    SlicePlace, Storage, StorageOptions, StringGroup, Strings, TimerFunction, TimerHeap, Timers,
};
pub use types::{FieldLayout, StructLayout};
pub use untyped::{Untyped, UntypedGroup};
