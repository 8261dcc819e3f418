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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{json, plain};

    fn captured() -> Capture {
        Capture {
            schema: "mapscope.capture/1".into(),
            pid: 21_291,
            exe: "/opt/sessions".into(),
            path: "core.zst".into(),
            disk_bytes: 3 << 20,
            apparent_bytes: 150 << 20,
            compressed: true,
            redacted: true,
            paused_ms: 17.5,
            took_ms: 1200.0,
            partial: vec!["4096 bytes could not be read".into()],
            ..Capture::default()
        }
    }

    #[test]
    fn text_says_what_was_written_and_what_it_cost() {
        let view = |width| View { format: Format::Text, width };
        let out = plain(&render(&captured(), view(100)).expect("it renders"));
        let expected = "core.zst · 3.00 MiB on disk, 150 MiB decompressed, most of it holes\n\
            pid 21291 · /opt/sessions · paused 18 ms · written in 1.2 s\n\
            redacted: pointers and metadata of maps and the runtime stay, all else was overwritten\n\n  \
            mapscope inspect core.zst\n\nPartial result\n  - 4096 bytes could not be read\n";
        assert_eq!(out, expected);
    }

    #[test]
    fn json_has_all_of_it() {
        let document = json(&render(&captured(), View { format: Format::Json, width: 0 }).expect("it renders"));
        assert_eq!(
            (&document["pid"], &document["redacted"], &document["heap_only"]),
            (&21_291.into(), &true.into(), &false.into())
        );
        assert_eq!(document["partial"][0], "4096 bytes could not be read");
    }
}
