//! `mapscope path`.

use anyhow::Result;
use mapscope_report::{TextOptions, text, to_json};

use super::lookup;
use crate::args::Format;
use crate::config::{PathQuery, PathWhat, View};
use crate::source::Loaded;

/// Who holds what was asked for.
pub(crate) fn render(loaded: &Loaded<'_, '_>, query: &PathQuery, view: View) -> Result<String> {
    let mut report = match query.what {
        PathWhat::Address(address) => loaded.path_to(address, query)?,
        PathWhat::Type => loaded.paths_of(&lookup::types(&loaded.inspection().types, &query.text)?, query),
    };
    match view.format {
        Format::Text => {
            let options = TextOptions { width: view.width, limit: query.limit, ..TextOptions::default() };
            Ok(text::path(&report, &options))
        }
        Format::Json => {
            if report.objects.is_some() {
                report.paths.truncate(query.limit.unwrap_or(usize::MAX));
            }
            Ok(to_json(&report)?)
        }
    }
}
