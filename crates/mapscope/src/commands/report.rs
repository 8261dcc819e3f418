//! `inspect` and `demo` for a browser.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{Context, Result, bail};
use mapscope_report::model::{Inspection, Report};
use mapscope_report::{INSPECT_SCHEMA, changes, html};

/// The file, with what changed since `before`.
pub(crate) fn render(mut report: Report, before: Option<&Inspection>) -> Result<String> {
    report.diff = before.map(|before| changes(before, &report.inspection));
    Ok(html(&report)?)
}

/// Reads what `inspect --format json` wrote.
pub(crate) fn earlier(path: &Path) -> Result<Inspection> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let inspection: Inspection = serde_json::from_reader(BufReader::new(file))
        .with_context(|| format!("{}: this is not what `mapscope inspect --format json` writes", path.display()))?;
    if inspection.schema != INSPECT_SCHEMA {
        bail!(
            "{}: is {:?}, not {INSPECT_SCHEMA:?}, which `mapscope inspect --format json` writes",
            path.display(),
            inspection.schema
        );
    }
    Ok(inspection)
}
