//! The bytes of a target.
//!
//! A reader of a runtime does not care whether the memory it looks at belongs to a live process or lies in a core file:
//! both implement [`Memory`]. [`Process`] stops every thread of a live process while it exists and lets them run again
//! when it is dropped; [`Core`] maps an ELF core and fills the pages the kernel left out from the files they came from.
//!
//! ```no_run
//! use mapscope_memory::{Core, Memory, MemoryError, Process};
//!
//! /// The words on top of each thread's stack.
//! fn tops(memory: &dyn Memory) -> Result<Vec<u64>, MemoryError> {
//!     memory.threads().iter().map(|t| memory.u64(t.registers.sp)).collect()
//! }
//!
//! let mut process = Process::attach(4711)?;
//! let live = tops(&process)?;
//! process.resume();
//! println!("stopped for {:?}", process.paused());
//!
//! let core = Core::open("core.4711".as_ref(), None)?;
//! for reason in &core.info().partial {
//!     eprintln!("the core is incomplete: {reason}");
//! }
//! println!("{live:x?} now, {:x?} then", tops(&core)?);
//! # Ok::<(), MemoryError>(())
//! ```
//!
//! Cores and the executables they name are untrusted: any bytes give an error or a core that says what it lacks, never
//! a panic, and never more memory than about the size of the file.
//!
//! A core is written with [`CoreFile`], of anything that is [`Recorded`]:
//!
//! ```no_run
//! use mapscope_memory::{CoreFile, CoreOptions, MemoryError, Process, Recorded};
//! # struct Silent;
//! # impl mapscope_memory::Progress for Silent { fn copied(&self, _: u64, _: u64) {} }
//!
//! let file = CoreFile::create("core.4711".as_ref(), false)?;
//! let process = Process::attach(4711)?;
//! let written = file.write(&process, &process.record()?, CoreOptions::default(), &Silent)?;
//! println!("{} bytes on the disk", written.disk_bytes);
//! # Ok::<(), MemoryError>(())
//! ```
//!
//! A command can be started and held where one of its processes gets a signal ([`Watch`]), or stopped at any time
//! ([`Held`]); it is then examined like any other process.
//!
//! Nothing in this crate knows Go.

mod allocator;
mod arch;
mod available;
mod core;
mod elf;
mod error;
mod file;
mod headroom;
mod input;
mod memory;
mod notes;
mod objects;
mod partial;
mod process;
mod ranges;
mod record;
mod residency;
mod system;
mod temporary;
mod touch;
mod words;

pub use self::core::{Core, CoreFile, CoreOptions, Progress, Redaction, Written};
pub use allocator::{return_free_memory, return_large_blocks};
pub use arch::{AMD64, Arch, Registers};
pub use available::available_memory;
pub use error::MemoryError;
pub use file::FileBytes;
pub use input::{Input, InputBounds};
pub use memory::{Memory, Region, TargetInfo, TargetKind, Thread};
pub use objects::{MappedFiles, MappedObject};
pub use partial::{Figure, Figures, Partial, Reason};
pub use process::{Caught, Held, Pause, PauseOptions, Process, Watch, let_be_examined};
pub use record::{MappingTraits, PageRange, ProcessRecord, Recorded};
pub use residency::{Backing, Residency, ResidentRun};
pub use touch::touch_all;
pub use words::WordSet;
