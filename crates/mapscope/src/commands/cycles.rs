//! `mapscope cycles`.

use anyhow::Result;
use mapscope_report::model::CycleList;
use mapscope_report::{TextOptions, text, to_json};

use crate::args::Format;
use crate::config::View;

/// Groups of objects that reach each other.
pub(crate) fn render(list: &CycleList, view: View) -> Result<String> {
    match view.format {
        Format::Text => Ok(text::cycles(list, &TextOptions { width: view.width, ..TextOptions::default() })),
        Format::Json => Ok(to_json(list)?),
    }
}
