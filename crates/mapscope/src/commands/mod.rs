//! One module for each command. Each turns data and options into text or JSON; only [`run`] touches the world.

mod completions;
mod inspect;
mod lookup;
mod man;
mod map;
mod maps;
mod types;

use anyhow::Result;
use mapscope_report::model::Inspection;

use crate::config::{Command, Config};
use crate::source::{self, Loaded, Target};
use crate::{output, progress};

/// Does what was asked for.
pub(crate) fn run(config: &Config) -> Result<()> {
    let view = config.view;
    let text = match &config.command {
        Command::Inspect { target, limit } => inspect::render(load(target, config)?.inspection(), *limit, view)?,
        Command::Maps { target, filter } => maps::render(load(target, config)?.inspection(), filter, view)?,
        Command::Types { target, filter } => types::render(load(target, config)?.inspection(), filter, view)?,
        Command::Map { target, query } => {
            let loaded = load(target, config)?;
            let Inspection { maps, .. } = loaded.inspection();
            let addr = lookup::find(&maps, query)?;
            map::render(&loaded.map_detail(addr)?, view)?
        }
        Command::Completions { shell } => completions::render(*shell),
        Command::Man { dir } => return man::write(dir),
    };
    output::write(&text, config)
}

/// Reads the target; the progress bar is gone when this returns.
fn load(target: &Target, config: &Config) -> Result<Loaded> {
    let progress = progress::start(config.quiet);
    source::load(target, &*progress)
}
