//! What `mapscope path` is asked for.

use anyhow::{Result, bail};

use super::target::target;
use super::{Command, LIST_ROWS, rows};
use crate::args::{Format, PathArgs, RootArg};

/// Whose paths, and from where.
#[derive(Debug)]
pub(crate) struct PathQuery {
    /// As it was typed.
    pub(crate) text: String,
    pub(crate) what: PathWhat,
    pub(crate) exclude: Vec<RootArg>,
    pub(crate) limit: Option<usize>,
}

/// An address, or types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PathWhat {
    Address(u64),
    Type,
}

pub(super) fn path(typed: PathArgs, format: Format) -> Result<Command> {
    let text = typed.what.trim().to_owned();
    if text.is_empty() {
        bail!("ADDR|TYPE is empty: give an address in the heap (0x...) or the name of a type");
    }
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let what = match digits.map(|d| u64::from_str_radix(d, 16)) {
        Some(Ok(address)) => PathWhat::Address(address),
        Some(Err(_)) => bail!("`{text}` is not an address: give it in hexadecimal, as `mapscope maps` shows it"),
        None => PathWhat::Type,
    };
    let mut exclude = typed.exclude;
    exclude.sort_by_key(|kind| *kind as u8);
    exclude.dedup();
    let query = PathQuery { text, what, exclude, limit: rows(typed.limit, format, LIST_ROWS) };
    Ok(Command::Path { target: target(typed.target)?, query })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{config, error};
    use super::*;

    #[test]
    fn an_address_is_in_hexadecimal_and_anything_else_a_type() {
        let what = |line: &str| match config(line).expect("the line is right").command {
            Command::Path { query, .. } => (query.what, query.exclude.len()),
            other => panic!("{other:?}"),
        };
        assert_eq!(what("mapscope path 1 0xC0"), (PathWhat::Address(0xc0), 0));
        assert_eq!(what("mapscope path 1 main.T --exclude stack,global,stack"), (PathWhat::Type, 2));
        assert!(error("mapscope path 1 0xg").contains("is not an address"));
        assert!(error("mapscope path 1 0x11112222333344445").contains("is not an address"));
    }
}
