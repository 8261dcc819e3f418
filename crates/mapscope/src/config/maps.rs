//! What `mapscope maps` is asked for.

use anyhow::{Context, Result};
use regex::Regex;

use super::target::target;
use super::{Command, LIST_ROWS, regex, rows};
use crate::args::{Format, MapsArgs, SortKey};
use crate::size::parse_size;

/// Which maps, and in which order.
#[derive(Debug)]
pub(crate) struct MapFilter {
    pub(crate) sort: SortKey,
    pub(crate) owner: Option<Regex>,
    pub(crate) type_name: Option<Regex>,
    pub(crate) min_bytes: u64,
    pub(crate) limit: Option<usize>,
}

pub(super) fn maps(typed: MapsArgs, format: Format) -> Result<Command> {
    let min_bytes = typed.min_bytes.as_deref().map(parse_size).transpose().context("--min-bytes")?;
    let filter = MapFilter {
        sort: typed.sort,
        owner: regex("--owner", typed.owner)?,
        type_name: regex("--type", typed.type_regex)?,
        min_bytes: min_bytes.unwrap_or(0),
        limit: rows(typed.limit, format, LIST_ROWS),
    };
    Ok(Command::Maps { target: target(typed.target)?, filter })
}
