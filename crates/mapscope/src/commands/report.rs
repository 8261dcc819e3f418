//! `inspect`, `demo` and `diff` for a browser.

use mapscope_report::model::Report;
use mapscope_report::{Inspected, diff};

use crate::assemble::growth;
use crate::source::Loaded;

/// The report of what was loaded from `source`, with what changed since the `earlier` inspections.
pub(crate) fn report(loaded: Loaded<'_, '_>, source: String, mut earlier: Vec<Inspected>) -> Report {
    let mut report = loaded.report();
    if !earlier.is_empty() {
        earlier.push(Inspected { source, inspection: report.inspection.clone() });
        let mut changed = diff(&earlier);
        changed.findings = growth::findings(&changed, &report.inspection);
        growth::add(&changed, &mut report.inspection);
        report.diff = Some(changed);
    }
    report
}
