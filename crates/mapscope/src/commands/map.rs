//! `mapscope map`.

use anyhow::Result;
use mapscope_report::model::MapDetail;
use mapscope_report::{TextOptions, text, to_json};

use crate::args::Format;
use crate::config::View;

/// One map in depth.
pub(crate) fn render(detail: &MapDetail, view: View) -> Result<String> {
    match view.format {
        Format::Text => Ok(text::map(detail, &TextOptions { width: view.width, ..TextOptions::default() })),
        Format::Json => Ok(to_json(detail)?),
    }
}
