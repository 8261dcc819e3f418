//! Budgets: what was measured, against what it may be.
//!
//! [`budget`] takes `map:main.cache.*:entries=10000` apart, [`figures`] finds what it is about in an inspection, and
//! [`evaluate`] compares. All of it is a function of plain data; [`run`] alone starts a command.

mod budget;
mod evaluate;
mod figures;
mod glob;
mod run;
mod words;

#[cfg(test)]
pub(crate) use budget::Limit;
pub(crate) use budget::{Budget, Kind};
pub(crate) use evaluate::{Allow, evaluate};
pub(crate) use figures::Facts;
pub(crate) use run::with_command;
pub(crate) use words::split;
