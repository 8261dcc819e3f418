//! `mapscope.toml`: maps and caches of libraries that mapscope does not know by itself.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use mapscope_go::ContainerTable;
use mapscope_memory::Input;

use super::DEFAULT_FILE;
use crate::input;

/// What comes along, and what the file says: the one that was named, or else the one that is there.
///
/// # Errors
/// With the file's name and the line, and what to try.
pub(super) fn containers(named: Option<&Path>) -> Result<Arc<ContainerTable>> {
    let mut table = ContainerTable::built_in();
    let default = Path::new(DEFAULT_FILE);
    if let Some(path) = named.or_else(|| default.is_file().then_some(default)) {
        let read = Input::open(path, &input::SETTINGS)?;
        let name = read.name().display();
        let text = std::str::from_utf8(&read).with_context(|| format!("{name} is not text"))?;
        table.add(text).map_err(|(line, error)| anyhow!("{name}:{line}: {error}"))?;
    }
    Ok(Arc::new(table))
}
