//! `mapscope export`: one function for each form.

use anyhow::{Result, bail};
use mapscope_go::{HeapProfile, Sampling};
use mapscope_profile::Profile;
use mapscope_report::to_json;

use crate::args::ExportForm;
use crate::assemble;
use crate::source::Loaded;

/// A file, and what its reader should know.
#[derive(Debug)]
pub(crate) struct Export {
    pub(crate) bytes: Vec<u8>,
    /// Why it is partial, or less than it seems: one sentence for each reason.
    pub(crate) notes: Vec<String>,
}

/// The file of a form.
pub(crate) fn render(loaded: &Loaded<'_, '_>, form: ExportForm) -> Result<Export> {
    match form {
        ExportForm::HeapProfile => sampled(loaded, assemble::heap_profile),
        ExportForm::LiveHeap => sampled(loaded, assemble::live_heap),
        ExportForm::Pprof | ExportForm::Folded | ExportForm::Dot | ExportForm::Json => held(loaded, form),
    }
}

/// Who holds what.
fn held(loaded: &Loaded<'_, '_>, form: ExportForm) -> Result<Export> {
    let (session, inspection) = (loaded.session(), loaded.inspection());
    let notes = session.partial.sentences();
    let graph = || assemble::held::graph(session, inspection);
    let bytes = match form {
        ExportForm::Folded => assemble::held::folded(session).into_bytes(),
        ExportForm::Dot => assemble::held::dot(&graph()).into_bytes(),
        ExportForm::Json => to_json(&graph())?.into_bytes(),
        _ => assemble::held::pprof(session, &notes).to_bytes()?,
    };
    Ok(Export { bytes, notes })
}

/// A profile of the allocations that the program sampled.
fn sampled(
    loaded: &Loaded<'_, '_>,
    assemble: impl FnOnce(&HeapProfile<'_>, &Loaded<'_, '_>, &[String]) -> Profile,
) -> Result<Export> {
    let sites = loaded.sites();
    let mut notes = loaded.session().partial.sentences();
    notes.extend(sites.partial.sentences());
    match sites.sampling {
        Sampling::Every(_) => {}
        none @ (Sampling::LeftOut | Sampling::Unknown) => bail!("{}", assemble::why_none(none)),
        // It may have sampled until it was told not to.
        Sampling::Off => notes.push(assemble::why_none(sites.sampling)),
    }
    let profile = sites.heap_profile();
    Ok(Export { bytes: assemble(&profile, loaded, &notes).to_bytes()?, notes })
}
