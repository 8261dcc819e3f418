//! `mapscope capture`.

use anyhow::Result;
use mapscope_report::model::Capture;
use mapscope_report::{TextOptions, text, to_json};

use crate::args::Format;
use crate::config::View;

/// What was written, for a person or a script.
pub(crate) fn render(capture: &Capture, view: View) -> Result<String> {
    match view.format {
        Format::Text => Ok(text::capture(capture, &TextOptions { width: view.width, limit: None, keep: None })),
        Format::Json => Ok(to_json(capture)?),
    }
}
