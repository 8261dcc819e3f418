//! `mapscope inspect` and `mapscope demo`.

use anyhow::Result;
use mapscope_report::model::Inspection;
use mapscope_report::{TextOptions, text, to_json};

use crate::args::Format;
use crate::config::View;

/// The whole picture, with at most `limit` maps and types.
pub(crate) fn render(mut inspection: Inspection, limit: Option<usize>, view: View) -> Result<String> {
    match view.format {
        Format::Text => Ok(text::inspect(&inspection, &TextOptions { width: view.width, limit, keep: None })),
        Format::Json => {
            if let Some(limit) = limit {
                // Whoever compares the document with another must know what it leaves out.
                let total = |rows: usize| (rows > limit).then_some(rows as u64);
                (inspection.total_maps, inspection.total_types) =
                    (total(inspection.maps.len()), total(inspection.types.len()));
                inspection.maps.truncate(limit);
                inspection.types.truncate(limit);
            }
            Ok(to_json(&inspection)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{inspection, json, plain};

    #[test]
    fn text_says_how_many_are_left_out() {
        let out = plain(&render(inspection(), Some(1), view(Format::Text)).expect("it renders"));
        assert!(out.contains("Maps (1 of 4, by table bytes)") && out.contains("… 3 more"), "{out}");
    }

    #[test]
    fn json_is_whole_unless_limited() {
        let whole = json(&render(inspection(), None, view(Format::Json)).expect("it renders"));
        assert_eq!(whole["schema"], "mapscope.inspect/1");
        assert_eq!(whole["maps"].as_array().map(Vec::len), Some(4));
        let limited = json(&render(inspection(), Some(1), view(Format::Json)).expect("it renders"));
        assert_eq!(limited["maps"].as_array().map(Vec::len), Some(1));
        assert_eq!(limited["types"].as_array().map(Vec::len), Some(1));
        assert_eq!((&limited["total_maps"], &limited["total_types"]), (&4.into(), &2.into()));
        assert!(whole.get("total_maps").is_none() && whole.get("total_types").is_none());
    }

    fn view(format: Format) -> View {
        View { format, width: 100 }
    }
}
