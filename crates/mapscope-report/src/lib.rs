//! Views of an inspection: what a person reads in a terminal, and the JSON that scripts read.
//!
//! [`model`] is the contract: plain data that any analysis can fill. The views take it and nothing else.

pub mod model;
