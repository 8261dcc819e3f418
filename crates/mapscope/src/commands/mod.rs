//! One module for each command. Each turns data and options into text or JSON; only [`run`] touches the world.

mod capture;
mod completions;
mod cycles;
mod diff;
mod dominators;
mod export;
mod goroutines;
mod inspect;
mod layout;
mod lookup;
mod man;
mod map;
mod maps;
mod nearest;
mod path;
mod report;
mod saved;
mod size;
mod types;

use anyhow::Result;
use mapscope_memory::PauseOptions;

use crate::args::FormatArg;
use crate::config::{Command, Config};
use crate::source::{self, Loaded, Target, TargetSpec};
use crate::{output, progress};

/// Does what was asked for.
pub(crate) fn run(config: &Config) -> Result<()> {
    let view = config.view;
    let text = match &config.command {
        Command::Inspect { target, limit } => {
            load(target, config, |l| inspect::render(l.inspection().clone(), *limit, view))?
        }
        Command::Report { target, before } => {
            // Before anything is stopped: a wrong file should cost the target nothing.
            let before = before.as_deref().map(saved::inspected).transpose()?;
            let page = load(target, config, |l| report::render(l, target.source(), before.into_iter().collect()))?;
            return output::write_bytes(page.as_bytes(), config);
        }
        Command::Maps { target, filter } => {
            load(target, config, |l| maps::render(l.inspection().clone(), filter, view))?
        }
        Command::Types { target, filter } => {
            load(target, config, |l| types::render(l.storage(filter.show_values), filter, view))?
        }
        Command::Map { target, query } => load(target, config, |l| {
            let addr = lookup::find(&l.inspection().maps, query)?;
            map::render(&l.map_detail(addr)?, view)
        })?,
        Command::Dominators { target, shape } => {
            load(target, config, |l| dominators::render(&l.dominators(*shape), view))?
        }
        Command::Path { target, query } => load(target, config, |l| path::render(l, query, view))?,
        Command::Cycles { target, all, limit } => {
            load(target, config, |l| cycles::render(&l.cycles(*all, *limit), view))?
        }
        Command::Goroutines { target, filter } => {
            load(target, config, |l| goroutines::render(l.goroutines(), filter, view))?
        }
        Command::Export { target, form } => {
            let written = load(target, config, |l| export::render(l, *form))?;
            if !config.quiet {
                output::notes(&written.notes);
            }
            return output::write_bytes(&written.bytes, config);
        }
        Command::Capture(capture) => {
            let captured = crate::capture::capture(capture, &*progress::start(config.quiet))?;
            capture::render(&captured, view)?
        }
        Command::Diff(question) => {
            let text = diff::run(question, &*progress::start(config.quiet), view)?;
            if question.form == FormatArg::Html {
                return output::write_bytes(text.as_bytes(), config);
            }
            text
        }
        Command::Size { question, exe: None } => size::render(question, None, view)?,
        Command::Size { question, exe: Some(exe) } => {
            let pause = PauseOptions::default();
            let target = Target { spec: TargetSpec::Path(exe.clone()), exe: None, debug_info: None, pause };
            source::load_types(&target, |_, types| size::render(question, Some(types), view))?
        }
        Command::Layout { target, question } => {
            source::load_types(target, |exe, types| layout::render(exe, types, question, view))?
        }
        Command::Completions { shell } => completions::render(*shell),
        Command::Man { dir } => return man::write(dir),
    };
    output::write(&text, config)
}

/// Reads the target and renders it; the progress bar is gone when this returns.
fn load<R>(target: &Target, config: &Config, render: impl FnOnce(&Loaded<'_, '_>) -> Result<R>) -> Result<R> {
    let progress = progress::start(config.quiet);
    source::load(target, &*progress, render)
}
