//! One module for each command. Each turns data and options into text or JSON; only [`run`] touches the world.

mod capture;
mod completions;
mod cycles;
mod diff;
mod dominators;
mod export;
mod gate;
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
mod rule;
mod saved;
mod size;
mod types;

use anyhow::Result;
use mapscope_memory::PauseOptions;

pub(crate) use self::lookup::near;
use crate::config::{Command, Config, DiffForm};
use crate::source::{self, Extent, Loaded, Target, TargetSpec};
use crate::{output, progress};
use mapscope_report::html;

/// How a command ended that did what it was to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Nothing to complain about.
    Fine,
    /// A budget is broken, or there are findings at or above `--fail-on`.
    Failed,
}

/// Does what was asked for.
pub(crate) fn run(config: &Config) -> Result<Outcome> {
    let view = config.view;
    let text = match &config.command {
        Command::Inspect { target, limit, fail_on } => {
            let inspection = load(target, config, |l| Ok(l.findings()))?;
            let outcome = inspect::outcome(&inspection, *fail_on);
            output::write_result(&inspect::render(inspection, *limit, view), config)?;
            return Ok(outcome);
        }
        Command::Report { target, before, fail_on } => {
            // Before anything is stopped: a wrong file should cost the target nothing.
            let before = before.as_deref().map(saved::inspected).transpose()?;
            let (page, outcome) = load(target, config, |l| {
                let report = report::report(l, target.source(), before.into_iter().collect());
                Ok((html(&report)?, inspect::outcome(&report.inspection, *fail_on)))
            })?;
            output::write_bytes(page.as_bytes(), config)?;
            return Ok(outcome);
        }
        Command::Maps { target, filter } => {
            let inspection = load(target, config, |l| Ok(l.into_inspection()))?;
            output::write_result(&maps::render(inspection, filter, view), config)?;
            return Ok(Outcome::Fine);
        }
        Command::Types { target, filter } => {
            load_heap(target, config, |l| types::render(l.storage(filter.show_values), filter, view))?
        }
        Command::Map { target, query } => load(target, config, |l| {
            let addr = lookup::find(&l.inspection().maps, query)?;
            map::render(&l.map_detail(addr)?, view)
        })?,
        Command::Dominators { target, shape } => {
            load_heap(target, config, |l| dominators::render(&l.dominators(*shape), view))?
        }
        Command::Path { target, query } => load_heap(target, config, |l| path::render(&l, query, view))?,
        Command::Cycles { target, all, limit } => {
            load(target, config, |l| cycles::render(&l.cycles(*all, *limit), view))?
        }
        Command::Goroutines { target, filter } => {
            load_heap(target, config, |l| goroutines::render(l.goroutines(), filter, view))?
        }
        Command::Export { target, form } => {
            let written = load_heap(target, config, |l| export::render(&l, *form))?;
            if !config.quiet {
                output::notes(&written.notes);
            }
            output::write_bytes(&written.bytes, config)?;
            return Ok(Outcome::Fine);
        }
        Command::Gate(gate) => return gate::run(gate, config),
        Command::Capture(capture) => {
            let captured = crate::capture::capture(capture, &*progress::start(config.quiet))?;
            capture::render(&captured, view)?
        }
        Command::Diff(question) => {
            let text = diff::run(question, &*progress::start(config.quiet), view)?;
            if question.form == DiffForm::Html {
                output::write_bytes(text.as_bytes(), config)?;
                return Ok(Outcome::Fine);
            }
            text
        }
        Command::Size { question, exe: None } => size::render(question, None, view)?,
        Command::Size { question, exe: Some(exe) } => {
            let pause = PauseOptions::default();
            let (spec, debug_info, containers) = (TargetSpec::Path(exe.clone()), Vec::new(), std::sync::Arc::default());
            let target = Target { spec, exe: None, debug_info, pause, containers };
            source::load_types(&target, |_, types| size::render(question, Some(types), view))?
        }
        Command::Layout { target, question } => {
            source::load_types(target, |exe, types| layout::render(exe, types, question, view))?
        }
        Command::Completions { shell } => completions::render(*shell),
        Command::Rule { query } => rule::render(query.as_deref(), view)?,
        Command::Man { dir } => {
            man::write(dir)?;
            return Ok(Outcome::Fine);
        }
    };
    output::write(&text, config)?;
    Ok(Outcome::Fine)
}

/// Reads the target and renders it; the progress bar is gone when this returns.
fn load<R>(target: &Target, config: &Config, render: impl FnOnce(Loaded<'_, '_>) -> Result<R>) -> Result<R> {
    let progress = progress::start(config.quiet);
    source::load(target, Extent::Whole, &*progress, render)
}

/// As [`load`], for what shows no maps.
fn load_heap<R>(target: &Target, config: &Config, render: impl FnOnce(Loaded<'_, '_>) -> Result<R>) -> Result<R> {
    let progress = progress::start(config.quiet);
    source::load(target, Extent::WithoutMaps, &*progress, render)
}
