//! `inspect` and `demo` for a browser, and the last inspection of a `diff`.

use anyhow::Result;
use mapscope_report::{Inspected, diff, html};

use crate::source::Loaded;

/// The file of what was loaded from `source`, with what changed since the `earlier` inspections.
pub(crate) fn render(loaded: &Loaded<'_, '_>, source: String, mut earlier: Vec<Inspected>) -> Result<String> {
    let mut report = loaded.report();
    if !earlier.is_empty() {
        earlier.push(Inspected { source, inspection: report.inspection.clone() });
        report.diff = Some(diff(&earlier));
    }
    Ok(html(&report)?)
}
