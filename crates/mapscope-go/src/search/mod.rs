//! The runtime's variables in a binary without symbols.
//!
//! Which variables there are follows from the runtime's own code, whose functions the function table still names: it
//! names each variable's address relative to the program counter. Which is which follows from what is there: a slice of
//! spans, a list of threads. An address counts only when it is the only one that fits.

mod module;
mod shapes;
mod variables;

pub(crate) use module::first_module;
pub(crate) use variables::{Variables, find};
