//! The bytes of a target.
//!
//! A reader of a runtime does not care whether the memory it looks at belongs to a live process or lies in a core file:
//! both implement [`Memory`]. [`Process`] stops every thread of a live process while it exists and lets them run again
//! when it is dropped; [`Core`] maps an ELF core and fills the pages the kernel left out from the files they came from.
//!
//! Nothing in this crate knows Go.

mod arch;
mod core;
mod elf;
mod error;
mod file;
mod memory;
mod notes;
mod process;
mod touch;

pub use self::core::Core;
pub use arch::{AMD64, Arch, Registers};
pub use error::MemoryError;
pub use file::FileBytes;
pub use memory::{Memory, Region, TargetInfo, TargetKind, Thread};
pub use process::Process;
pub use touch::touch_all;
