//! `mapscope dominators`.

use anyhow::Result;
use mapscope_report::model::DominatorList;
use mapscope_report::{TextOptions, text, to_json};

use crate::args::Format;
use crate::config::View;

/// The tree as it was asked for.
pub(crate) fn render(list: &DominatorList, view: View) -> Result<String> {
    match view.format {
        Format::Text => Ok(text::dominators(list, &TextOptions { width: view.width, ..TextOptions::default() })),
        Format::Json => Ok(to_json(list)?),
    }
}
